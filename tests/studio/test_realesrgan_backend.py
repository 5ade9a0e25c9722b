import importlib
import re
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.transforms

from artgan_lib import ArtganError, load_upscaler, synthetic_paintings
from artgan_lib.studio.realesrgan_backend import _importable, load_realesrgan

GONE = "torchvision.transforms.functional_tensor"
CPU = torch.device("cpu")

# find_spec looks without importing; an import would fail on today's torchvision.
needs_package = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("realesrgan", "basicsr", "cv2")),
    reason="the package realesrgan is not installed (make realesrgan, Python 3.11 and 3.12)",
)

# basicsr is of 2022: it takes a function by a name that SciPy has given up, and distutils, which Python 3.11 warns of
# unless setuptools stands in for it. Both warnings come once, when it is imported.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:Please import `convolve` from the `scipy\.ndimage` namespace:DeprecationWarning:basicsr.metrics.niqe",
    "ignore:The distutils package is deprecated:DeprecationWarning:basicsr.archs.arch_util",
)


@pytest.fixture(params=[(64, 64), (37, 53)], ids=["square", "odd"])
def picture(request: pytest.FixtureRequest) -> np.ndarray:
    height, width = request.param
    return synthetic_paintings(8, seed=3)[0][7][:height, :width]


def assert_same_as_spandrel(path: Path, picture: np.ndarray) -> None:
    height, width, _ = picture.shape
    theirs = load_realesrgan(path, CPU)(picture)
    ours = load_upscaler(str(path)).enlarge(picture)
    assert theirs.shape == (4 * height, 4 * width, 3)
    assert theirs.dtype == np.uint8
    assert theirs.std() > 10  # a blank picture would agree with anything
    assert np.abs(theirs.astype(int) - ours).max() <= 1


@needs_package
@pytest.mark.parametrize("name", ["realesr-general-x4v3", "realesr-animevideov3"])
def test_published_weights_give_the_same_picture_as_spandrel(
    name: str, picture: np.ndarray, shared_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shared_weights / f"{name}.pth"
    if not path.exists():
        pytest.skip(f"{name} does not lie beside this checkout")
    assert_same_as_spandrel(path, picture)
    assert capsys.readouterr().out == ""


def rrdb_file(path: Path, *, scale: int, blocks: int = 6) -> Path:
    """Write a narrow network of the architecture of RealESRGAN_x4plus with random weights."""
    load_realesrgan_package()
    from basicsr.archs.rrdbnet_arch import RRDBNet

    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = RRDBNet(3, 3, scale=scale, num_feat=8, num_block=blocks)
    with torch.no_grad():
        network.conv_last.weight.mul_(8)
        network.conv_last.bias.fill_(0.5)
    torch.save({"params_ema": network.state_dict()}, path)
    return path


def load_realesrgan_package() -> None:
    with _importable():
        importlib.import_module("realesrgan")


@needs_package
@pytest.mark.parametrize("blocks", [6, 23])
def test_the_deep_architecture_is_known_by_its_keys(blocks: int, picture: np.ndarray, tmp_path: Path) -> None:
    assert_same_as_spandrel(rrdb_file(tmp_path / "deep.pth", scale=4, blocks=blocks), picture)


@needs_package
def test_a_network_of_another_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match=r"double\.pth is not a x4 network of Real-ESRGAN"):
        load_realesrgan(rrdb_file(tmp_path / "double.pth", scale=2), CPU)


@needs_package
@pytest.mark.parametrize("surroundings", ["torch's default", "turned off"])
def test_weights_that_would_run_code_are_refused(
    surroundings: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("code was run",)

    if surroundings == "turned off":
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    torch.save({"params": Hostile()}, tmp_path / "net.pth")
    with pytest.raises(ArtganError, match=r"net\.pth is not .* without running code \(UnpicklingError\)$"):
        load_realesrgan(tmp_path / "net.pth", CPU)
    assert capsys.readouterr().out == ""


@needs_package
@pytest.mark.parametrize("content", [b"", b"not a network", b"PK\x03\x04 torn", None])
def test_a_file_that_is_no_network_is_told(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    if content is None:
        torch.save({"params": {"other.weight": torch.zeros(3)}}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(ArtganError, match=r"net\.pth is not a x4 network of Real-ESRGAN that can be read"):
        load_realesrgan(path, CPU)


@needs_package
def test_a_picture_that_is_not_finite_is_refused(picture: np.ndarray, tmp_path: Path) -> None:
    path = rrdb_file(tmp_path / "broken.pth", scale=4)
    state = torch.load(path, weights_only=True)
    state["params_ema"]["conv_last.bias"].fill_(float("nan"))
    torch.save(state, path)
    with pytest.raises(ArtganError, match=r"broken\.pth gave a picture that is not finite"):
        load_realesrgan(path, CPU)(picture)


@needs_package
def test_the_import_leaves_no_stand_in_behind(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="is not a x4 network"):
        load_realesrgan(tmp_path / "absent.pth", CPU)
    assert "realesrgan" in sys.modules
    assert_gone()


@needs_package
def test_the_import_leaves_numpys_warnings_on() -> None:
    before = np.geterr()
    with _importable():
        # The module that turns them off, run anew where another test has imported it already.
        importlib.reload(importlib.import_module("basicsr.data.degradations"))
        assert np.geterr() != before
    assert np.geterr() == before


def assert_gone() -> None:
    assert GONE not in sys.modules
    assert not hasattr(torchvision.transforms, "functional_tensor")
    with pytest.raises(ModuleNotFoundError, match="functional_tensor"):
        importlib.import_module(GONE)


def test_the_stand_in_lasts_as_long_as_the_import_and_offers_one_name() -> None:
    before = dict(sys.modules)
    with _importable():
        stand_in = importlib.import_module(GONE)
        assert {name for name in vars(stand_in) if not name.startswith("__")} == {"rgb_to_grayscale"}
    assert sys.modules == before
    assert_gone()


def test_the_stand_in_goes_when_the_import_fails_and_gives_back_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImportError, match="torn"), _importable():
        raise ImportError("torn")
    assert_gone()
    other = type(sys)(GONE)
    monkeypatch.setitem(sys.modules, GONE, other)
    with _importable():
        assert sys.modules[GONE] is not other
    assert sys.modules[GONE] is other


def test_without_the_package_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "realesrgan", None)  # what import takes for "there is none"
    with pytest.raises(ArtganError, match=r"^the package realesrgan cannot be imported \(.*\); `make realesrgan` "):
        load_realesrgan(tmp_path / "net.pth", CPU)
    assert_gone()


def test_what_make_realesrgan_installs_is_pinned_by_hash_and_in_step_with_the_extra(root: Path) -> None:
    blocks = re.split(
        r"\n(?=\w)", re.sub(r"^#.*\n", "", (root / "requirements-realesrgan.txt").read_text(), flags=re.M)
    )
    assert [block.split("==")[0] for block in blocks] == ["basicsr", "opencv-python-headless", "realesrgan"]
    assert all("python_full_version < '3.13'" in block and "--hash=sha256:" in block for block in blocks)
    extra = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]["realesrgan"]
    assert [line.split(";")[0] for line in extra] == [blocks[-1].split(" ")[0]]
