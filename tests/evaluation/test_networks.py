"""Networks with random weights against torch-fidelity's and torchvision's, which know nothing of ours."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import inception

from artgan_lib import ArtganError, synthetic_paintings
from artgan_lib.evaluation.features import NETWORKS, find_network, load_extractor
from artgan_lib.evaluation.networks import inception_2015, inception_imagenet

CPU = torch.device("cpu")


@pytest.fixture
def paintings() -> np.ndarray:
    return synthetic_paintings(3, seed=5)[0]


def randomise(network: nn.Module) -> None:
    """Give every weight and statistic a value that matters, of a size that keeps signals alive."""
    rng = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan = module.weight[0].numel()
            nn.init.normal_(module.weight, 0, (2 / fan) ** 0.5, generator=rng)
            if module.bias is not None:
                nn.init.normal_(module.bias, 0, 0.1, generator=rng)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias, 0, 0.1, generator=rng)
            nn.init.normal_(module.running_mean, 0, 0.1, generator=rng)
            nn.init.uniform_(module.running_var, 0.5, 1.5, generator=rng)


@pytest.fixture(scope="module")
def torch_fidelitys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the Inception of 2015."""
    from torch_fidelity import feature_extractor_inceptionv3 as theirs

    path = tmp_path_factory.mktemp("inception") / "w.pth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theirs.FeatureExtractorInceptionV3, "load_state_dict", lambda network, state: None)
        torch.save({}, path)
        network = theirs.FeatureExtractorInceptionV3("x", ["2048"], str(path))
    randomise(network)
    torch.save(network.state_dict(), path)
    return path


@pytest.mark.parametrize("layer", ["64", "192", "768", "2048"])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 300)])
def test_inception_2015_is_torch_fidelitys(layer: str, height: int, width: int, torch_fidelitys: Path) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    images = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    network = FeatureExtractorInceptionV3("x", [layer], str(torch_fidelitys))
    with torch.no_grad():
        expected = network(torch.from_numpy(images).permute(0, 3, 1, 2))[0].numpy()
    found = inception_2015(torch_fidelitys, layer, CPU)(images)
    assert found.shape == (2, int(layer))
    assert expected.std() > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_inception_imagenet_is_torchvisions_with_averages_that_do_not_count_the_padding(
    paintings: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    theirs = inception.inception_v3(weights=None, transform_input=False, init_weights=False).eval()
    randomise(theirs)
    torch.save(theirs.state_dict(), tmp_path / "w.pth")  # with its classifier and auxiliary head
    ours = inception_imagenet(tmp_path / "w.pth", "2048", CPU)(paintings)
    pool = F.avg_pool2d
    monkeypatch.setattr(F, "avg_pool2d", lambda *a, **k: pool(*a, **k, count_include_pad=False))
    theirs.fc = nn.Identity()
    large = np.stack(
        [np.asarray(Image.fromarray(image).resize((299, 299), Image.Resampling.BICUBIC)) for image in paintings]
    )
    with torch.no_grad():
        expected = theirs(torch.from_numpy(large).permute(0, 3, 1, 2) / 127.5 - 1).numpy()
    assert ours.shape == (3, 2048)
    assert expected.std() > 0.01
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_the_deepest_layer_whose_weights_are_finite_is_the_default(
    torch_fidelitys: Path, tmp_path: Path, paintings: np.ndarray
) -> None:
    assert load_extractor(weights=torch_fidelitys).layer == "2048"
    states = torch.load(torch_fidelitys, weights_only=True)
    torn = {name: value * (torch.nan if name.startswith("Mixed_7") else 1) for name, value in states.items()}
    torch.save(torn, tmp_path / "up-to-768.pth")
    found = load_extractor(weights=tmp_path / "up-to-768.pth")
    assert found.layer == "768"
    assert np.isfinite(found.run(paintings)).all()
    with pytest.raises(ArtganError, match=r"layer 2048 of .*up-to-768\.pth gives values that are not finite"):
        load_extractor(layer="2048", weights=tmp_path / "up-to-768.pth")


def test_weights_are_found_by_their_hash_whatever_the_file_is_called(
    torch_fidelitys: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "weights"
    own.mkdir()
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(own))
    (own / "another.pth").write_bytes(b"another network")
    assert find_network("inception-2015") is None
    (own / "renamed.pth").write_bytes(torch_fidelitys.read_bytes())
    sha256 = hashlib.sha256(torch_fidelitys.read_bytes()).hexdigest()
    known = replace(NETWORKS["inception-2015"], accepted=(sha256,))
    monkeypatch.setitem(NETWORKS, "inception-2015", known)
    assert find_network("inception-2015") == own / "renamed.pth"
    assert load_extractor(layer="64", download=False).sha256 == sha256


def test_files_that_are_not_the_network_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"fc.bias": torch.zeros(1)}, tmp_path / "other.pth")
    (tmp_path / "torn.pth").write_bytes(b"torn")
    for name in ("other.pth", "torn.pth"):
        with pytest.raises(ArtganError, match=rf"{name} is not the Inception of 2015"):
            load_extractor(weights=tmp_path / name)
    with pytest.raises(ArtganError, match=r"other\.pth is not an InceptionV3 trained on ImageNet"):
        load_extractor("inception-imagenet", weights=tmp_path / "other.pth")
    with pytest.raises(ArtganError, match=r"there is no file of weights .*absent\.pth"):
        load_extractor("inception-imagenet", weights=tmp_path / "absent.pth")
    with pytest.raises(ArtganError, match="there is no extractor 'mobilenet-v2'; there are inception-2015, "):
        load_extractor("mobilenet-v2")
    with pytest.raises(ArtganError, match=r"inception_v3_google-0cc3c7bd\.pth is not on this machine"):
        load_extractor("inception-imagenet", download=False)
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("ARTGAN_CACHE_DIR", str(cache))
    (cache / "inception_v3_google-0cc3c7bd.pth").write_bytes(b"another file of this name")
    with pytest.raises(ArtganError, match="is not the file that was published: its SHA-256 differs"):
        load_extractor("inception-imagenet", download=False)
