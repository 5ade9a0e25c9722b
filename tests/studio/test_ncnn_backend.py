import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from spandrel.architectures.Compact import Compact

from artgan_lib import ArtganError, load_upscaler, synthetic_paintings
from artgan_lib.studio.ncnn_backend import NcnnNetwork, describe, read_layers
from artgan_lib.studio.networks import load_network
from artgan_lib.studio.side_by_side import side_by_side

CPU = torch.device("cpu")


@pytest.fixture(params=[(64, 64), (37, 53)], ids=["square", "odd"])
def picture(request: pytest.FixtureRequest) -> np.ndarray:
    height, width = request.param
    return synthetic_paintings(8, seed=3)[0][7][:height, :width]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return small_network(tmp_path / "small.pth", scale=4)


def small_network(path: Path, *, scale: int, features: int = 16, pairs: int = 3) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = Compact(num_feat=features, num_conv=pairs, upscale=scale)
        for layer in network.body:
            if isinstance(layer, torch.nn.PReLU):
                layer.weight.data.uniform_(-0.5, 1.5)
    torch.save({"params": network.state_dict()}, path)
    return path


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("features", [16, 24])  # the first goes by Winograd's algorithm throughout
def test_it_computes_what_pytorch_does(scale: int, features: int, picture: np.ndarray, tmp_path: Path) -> None:
    path = small_network(tmp_path / "small.pth", scale=scale, features=features)
    theirs = load_network(path, CPU)(picture[None])
    ours = load_network(path, CPU, backend="ncnn")
    assert isinstance(ours, NcnnNetwork)
    assert (ours.scale, ours.backend, ours.precision) == (scale, "ncnn", "float32")
    enlarged = ours(np.stack([picture, picture[::-1]]))
    assert enlarged.shape == (2, scale * picture.shape[0], scale * picture.shape[1], 3)
    assert enlarged.dtype == np.float32
    assert theirs.std() > 10
    np.testing.assert_allclose(enlarged[0], theirs[0], atol=2e-3)


@pytest.mark.parametrize("name", ["realesr-general-x4v3", "realesr-animevideov3"])
def test_published_networks_give_pytorchs_pictures_within_one_grey_value(
    name: str, picture: np.ndarray, shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    ours, theirs = (load_upscaler(name, download=False, backend=kind) for kind in ("ncnn", "spandrel"))
    apart = np.abs(ours.enlarge(picture).astype(int) - theirs.enlarge(picture))
    assert apart.max() <= 1
    assert apart.mean() < 1e-3


def test_a_picture_is_the_same_to_the_bit_on_any_number_of_threads(small: Path, picture: np.ndarray) -> None:
    network = load_network(small, CPU, backend="ncnn")
    alone = network(picture[None])[0]
    assert all(np.array_equal(one, alone) for one in side_by_side(lambda one: network(one[None])[0], [picture] * 4, 2))
    cores = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            assert np.array_equal(network(picture[None])[0], alone)
    finally:
        torch.set_num_threads(cores)


def test_the_description_is_the_chain_of_layers_and_the_picture_added_to_its_end(tmp_path: Path) -> None:
    path = small_network(tmp_path / "small.pth", scale=2, features=8, pairs=1)
    text, weights = describe(read_layers(path) or [])
    assert text.splitlines() == [
        "7767517",
        "10 11",
        "Input picture 0 1 in",
        "Split split 1 2 in x0 base",
        "Convolution convolution0 1 1 x0 x1 0=8 1=3 4=1 5=1 6=216",
        "PReLU prelu1 1 1 x1 x2 0=8",
        "Convolution convolution2 1 1 x2 x3 0=8 1=3 4=1 5=1 6=576",
        "PReLU prelu3 1 1 x3 x4 0=8",
        "Convolution convolution4 1 1 x4 x5 0=12 1=3 4=1 5=1 6=864",
        "PixelShuffle shuffle 1 1 x5 detail 0=2",
        "Interp repeat 1 1 base large 0=1 1=2 2=2",
        "BinaryOp add 2 1 detail large out 0=0",
    ]
    assert len(weights) == 4 * (216 + 8 + 8 + 576 + 8 + 8 + 864 + 12 + 3)  # and three marks for what follows


def test_it_is_taken_where_it_pays_and_where_it_is_there(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_upscaler(str(small)).backend == "ncnn"
    assert load_upscaler(str(small), precision="float32").backend == "ncnn"
    assert load_upscaler(str(small), backend="spandrel").backend == "spandrel"
    assert load_upscaler("bicubic").backend is None
    monkeypatch.setattr("artgan_lib.studio.networks.has_bfloat16", lambda: True)
    for half, backend in ((True, "spandrel"), (False, "ncnn")):
        assert load_network(small, CPU, half=half, backend="auto").backend == backend
    monkeypatch.setitem(sys.modules, "ncnn", None)  # what import takes for "there is none"
    assert load_upscaler(str(small)).backend == "spandrel"
    with pytest.raises(ArtganError, match=r"^the package ncnn cannot be imported \(.*\); pip install ncnn, or take "):
        load_upscaler(str(small), backend="ncnn")


def test_where_it_cannot_run_the_way_out_is_named(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="ncnn runs networks on a processor, not on meta; take --device cpu"):
        load_upscaler(str(small), device="meta", backend="ncnn")
    other = tmp_path / "other.safetensors"
    save_file({"body.0.weight": torch.ones(3, 3, 3, 3)}, other)
    with pytest.raises(ArtganError, match=r"other.safetensors is no small network .* take --backend spandrel"):
        load_upscaler(str(other), backend="ncnn")


def test_what_is_read_is_the_networks_own_chain(small: Path, tmp_path: Path) -> None:
    state = torch.load(small, weights_only=True)["params"]
    layers = read_layers(small)
    assert layers is not None
    assert [tuple(weight.shape) for weight, _ in layers[:2]] == [(16, 3, 3, 3), (16,)]
    assert torch.equal(layers[-1][0], state["body.8.weight"])
    save_file(state, tmp_path / "same.safetensors")
    again = read_layers(tmp_path / "same.safetensors")
    assert again is not None
    assert all(torch.equal(one, other) for (one, _), (other, _) in zip(layers, again, strict=True))
    # As networks of the authors may come: the average beside the trained weights, and it goes first.
    torch.save({"params": {}, "params_ema": state}, tmp_path / "both.pth")
    assert read_layers(tmp_path / "both.pth") is not None


@pytest.mark.parametrize(
    "change",
    [
        {"body.9.weight": torch.ones(48)},
        {"body.0.weight": torch.ones(16, 1, 3, 3)},
        {"body.2.weight": torch.ones(16, 16, 1, 1)},
        {"body.1.weight": torch.ones(1)},
        {"body.1.bias": torch.ones(16)},
        {"body.8.weight": torch.ones(27, 16, 3, 3), "body.8.bias": torch.ones(27)},
        {"conv.0.weight": torch.ones(1)},
        {"body.2.bias": None},
        {"body.0.weight": torch.ones(())},
        {"body.1.weight": 7},
    ],
    ids=["more", "grey", "kernel", "one slope", "no slope", "three times", "a name", "no bias", "a scalar", "a number"],
)
def test_another_network_is_left_to_spandrel(change: dict[str, Any], small: Path) -> None:
    state = torch.load(small, weights_only=True)["params"] | change
    torch.save({name: value for name, value in state.items() if value is not None}, small)
    assert read_layers(small) is None


def test_a_spoilt_file_is_told_as_such(small: Path) -> None:
    small.write_bytes(small.read_bytes()[:900])
    assert read_layers(small) is None
    with pytest.raises(ArtganError, match=r"small.pth is not an upscaling network that can be read"):
        load_upscaler(str(small))


def test_spandrel_is_not_imported_for_it(small: Path) -> None:
    code = "import sys; from artgan_lib import load_upscaler; print(load_upscaler(sys.argv[1]).backend, *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(small)], capture_output=True, text=True, check=True)
    backend, *modules = done.stdout.split()
    assert backend == "ncnn"
    assert not {"spandrel", "torchvision"} & set(modules)


def test_too_little_memory_is_told_as_such_and_tiles_become_smaller(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Hungry:
        """An extractor that has memory for 150 x 150 pixels."""

        def __init__(self, extractor: Any) -> None:
            self._extractor = extractor

        def __getattr__(self, name: str) -> Any:
            return getattr(self._extractor, name)

        def input(self, name: str, x: Any) -> None:
            seen.append(max(x.w, x.h))
            self._extractor.input(name, x)

        def extract(self, name: str) -> tuple[int, Any]:
            return (-100, None) if seen[-1] > 150 else self._extractor.extract(name)

    upscaler = load_upscaler(str(small), backend="ncnn")
    network = upscaler._network
    assert isinstance(network, NcnnNetwork)
    net = network._net(torch.get_num_threads())
    hungry = SimpleNamespace(create_extractor=lambda: Hungry(net.create_extractor()))
    monkeypatch.setattr(network, "_net", lambda threads: hungry)
    large = np.tile(synthetic_paintings(1)[0][0], (3, 3, 1))
    assert upscaler.enlarge(large).shape == (768, 768, 3)
    assert seen[0] == 192
    assert upscaler.tile is not None
    assert max(seen[-4:]) <= 150
