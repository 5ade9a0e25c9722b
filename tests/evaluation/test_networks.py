"""Networks with random weights against torchvision's, which knows nothing of ours; the real ones by value."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F
from torchvision.models import inception, mobilenetv2

from artgan_lib import ArtganError, synthetic_paintings
from artgan_lib.evaluation.extractors import NETWORKS, find_network, load_extractor
from artgan_lib.evaluation.networks import (
    MobileNetV2,
    build_inception_v3,
    inception_2015,
    inception_imagenet,
    mobilenet_v2,
    states_from_keras,
)

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


def keras_arrays(network: nn.Module) -> dict[str, np.ndarray]:
    """Write a network's weights as Keras' file names and lays them out."""
    arrays = {}
    convolutions = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    states = network.state_dict()
    for number, name in enumerate(convolutions, 1):
        norm = name.removesuffix("conv") + "bn"
        arrays[f"conv2d_{number}/kernel"] = states[f"{name}.weight"].permute(2, 3, 1, 0).numpy()
        for keras, ours in (("beta", "bias"), ("moving_mean", "running_mean"), ("moving_variance", "running_var")):
            arrays[f"batch_normalization_{number}/{keras}"] = states[f"{norm}.{ours}"].numpy()
    return arrays


def test_keras_layout_is_read_by_number() -> None:
    network = build_inception_v3()
    randomise(network)
    arrays = keras_arrays(network)
    assert len(arrays) == 94 * 4
    # Shapes that Keras' own model has at these numbers: 7 x 7 convolutions come as 1 x 7, then 7 x 1.
    assert arrays["conv2d_1/kernel"].shape == (3, 3, 3, 32)
    assert [arrays[f"conv2d_{number}/kernel"].shape for number in (32, 33, 34)] == [
        *((1, 1, 768, 128), (1, 7, 128, 128), (7, 1, 128, 192)),
    ]
    assert arrays["conv2d_94/kernel"].shape == (1, 1, 2048, 192)
    states = states_from_keras(arrays, network)
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(states[name], value), name


def test_keras_own_file(paintings: np.ndarray, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    network = build_inception_v3()
    randomise(network)
    torch.save(network.state_dict(), tmp_path / "w.pth")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for name, array in keras_arrays(network).items():
            layer, kind = name.split("/")
            file.create_dataset(f"{layer}/{layer}/{kind}:0", data=array)
    ours, theirs = (inception_imagenet(tmp_path / name, "2048", CPU)(paintings) for name in ("w.h5", "w.pth"))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_mobilenet_is_torchvisions_in_a_mirror(paintings: np.ndarray, tmp_path: Path) -> None:
    """TensorFlow pads at the end for stride 2, torchvision at the beginning: the same thing, seen in a mirror."""
    ours = MobileNetV2()
    randomise(ours)
    save_file(ours.state_dict() | {"classifier.bias": torch.zeros(1001)}, tmp_path / "w.safetensors")
    theirs = mobilenetv2.mobilenet_v2(weights=None).features.eval()
    pairs = zip(
        (module for module in ours.modules() if isinstance(module, nn.Conv2d)),
        [module for module in theirs.modules() if isinstance(module, nn.Conv2d)],
        [module for module in theirs.modules() if isinstance(module, nn.BatchNorm2d)],
        strict=True,
    )
    with torch.no_grad():
        for mine, convolution, norm in pairs:
            convolution.weight.copy_(mine.weight.flip(2, 3))
            norm.bias.copy_(mine.bias)
            norm.running_var.fill_(1 - norm.eps)
        x = torch.from_numpy(paintings).permute(0, 3, 1, 2) / 127.5 - 1
        x = F.interpolate(x, (224, 224), mode="bilinear")
        expected = theirs(x.flip(2, 3)).mean((2, 3)).numpy()
    found = mobilenet_v2(tmp_path / "w.safetensors", "1280", CPU)(paintings)
    assert expected.std() > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_the_real_mobilenet_is_found_by_its_hash_and_knows_pictures(
    shared_weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    path = find_network("mobilenet-v2")
    assert path is not None
    extractor = load_extractor("mobilenet-v2", download=False)
    assert extractor.sha256 == NETWORKS["mobilenet-v2"].accepted[0]
    images, looks = synthetic_paintings(60, seed=2)
    features = extractor.run(images)
    assert features.shape == (60, 1280)
    # Pictures of one look lie nearer to one another than to others: the weights are where they belong.
    apart = np.linalg.norm(features[:, None] - features[None], axis=2)
    alike = looks[:, None] == looks[None]
    assert apart[alike & ~np.eye(60, dtype=bool)].mean() < 0.7 * apart[~alike].mean()
    # By another name, or none, it is the same file; another file of its name is not it.
    elsewhere = tmp_path / "weights"
    elsewhere.mkdir()
    (elsewhere / "renamed.safetensors").write_bytes(path.read_bytes())
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(elsewhere))
    assert find_network("mobilenet-v2") == elsewhere / "renamed.safetensors"
    assert find_network("inception-2015") is None


def test_files_that_are_not_the_network_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"stem.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    torch.save({"fc.bias": torch.zeros(1)}, tmp_path / "other.pth")
    for name in ("other.safetensors", "torn.safetensors"):
        with pytest.raises(ArtganError, match=rf"{name} is not a MobileNetV2 1\.0"):
            load_extractor("mobilenet-v2", weights=tmp_path / name)
    with pytest.raises(ArtganError, match=r"other\.pth is not an InceptionV3 trained on ImageNet"):
        load_extractor("inception-imagenet", weights=tmp_path / "other.pth")
    with pytest.raises(ArtganError, match=r"there is no file of weights .*absent\.pth"):
        load_extractor("inception-imagenet", weights=tmp_path / "absent.pth")
    with pytest.raises(ArtganError, match=r"mobilenet-v2 are not on this machine, .* SHA-256 d7ef"):
        load_extractor("mobilenet-v2")
    with pytest.raises(ArtganError, match=r"inception_v3_google-0cc3c7bd\.pth is not on this machine"):
        load_extractor("inception-imagenet", download=False)
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("ARTGAN_CACHE_DIR", str(cache))
    (cache / "inception_v3_google-0cc3c7bd.pth").write_bytes(b"another file of this name")
    with pytest.raises(ArtganError, match="is not the file that was published: its SHA-256 differs"):
        load_extractor("inception-imagenet", download=False)


def test_the_classifier_of_the_real_mobilenet_is_not_needed(shared_weights: Path) -> None:
    states = load_file(next(shared_weights.glob("mobilenet*")))
    assert set(states) - set(MobileNetV2().state_dict()) == {"classifier.weight", "classifier.bias"}
