"""The package `realesrgan` as a backend for enlarging: the code that the paper's application ran.

`artgan_lib.studio.upscaling` reads the same weights by spandrel; this module owns only what makes the package itself
usable today: its import on a current torchvision, the choice of a network that fits a file, and safe reading.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from artgan_lib.errors import ArtganError
from artgan_lib.studio.upscaling import SCALE


def load_realesrgan(path: Path, device: torch.device) -> Callable[[np.ndarray], np.ndarray]:
    """Load a network that the package's own `RealESRGANer` runs, in float32 on every device and in one piece.

    Args:
        path: Weights as Real-ESRGAN publishes them for x4: realesr-general-x4v3, realesr-animevideov3,
            RealESRGAN_x4plus, RealESRGAN_x4plus_anime_6B, or others of the two architectures.
        device: Where the network runs.

    Returns:
        A function from uint8 RGB (H, W, 3) to uint8 RGB (4 H, 4 W, 3). It keeps the last picture in the enlarger, so
        two threads must not share it; it raises `ArtganError` where the network gives a value that is not finite.

    Raises:
        ArtganError: If the package is missing, or the file is not such a network or holds more than weights.
    """
    try:
        with _importable():
            from realesrgan import RealESRGANer
    except ImportError as error:
        raise ArtganError(
            f"the package realesrgan cannot be imported ({error}); "
            "`make realesrgan` installs it on Python 3.11 and 3.12"
        ) from None
    try:
        model = _network(_weights(path))
        # The package reads the file a second time, and safely or not as TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD says; _weights
        # has shown by then that there is nothing but weights in it. Without pre_pad, which mirrors ten pixels at two
        # of the four borders, the picture is that of the network alone; the package's own script does the same.
        enlarger: Any = RealESRGANer(
            scale=SCALE, model_path=str(path), model=model, tile=0, pre_pad=0, half=False, device=device
        )
    except Exception as error:  # a file that is no network can make the package raise almost anything
        raise ArtganError(
            f"{path} is not a x{SCALE} network of Real-ESRGAN that can be read without running code "
            f"({type(error).__name__})"
        ) from None

    def enlarge(image: np.ndarray) -> np.ndarray:
        # The package keeps OpenCV's order of channels, blue first, on both sides.
        with np.errstate(invalid="ignore"):  # it casts what is not finite to uint8 before it can be asked
            enlarged, _ = enlarger.enhance(np.ascontiguousarray(image[..., ::-1]))
        if not torch.isfinite(enlarger.output).all():
            raise ArtganError(f"{path} gave a picture that is not finite; run it on the CPU or choose another network")
        return np.ascontiguousarray(enlarged[..., ::-1])

    return enlarge


@contextmanager
def _importable() -> Iterator[None]:
    """Make realesrgan importable, and keep to itself what its import would change elsewhere.

    basicsr, on which realesrgan stands, takes `rgb_to_grayscale` from `torchvision.transforms.functional_tensor`.
    torchvision 0.17 dropped that module and keeps the function in `torchvision.transforms.functional`. The stand-in
    lent here offers this one name, is seen only while the import runs, and changes neither torchvision nor the
    packages' files. basicsr also turns off numpy's warnings of divisions by zero and invalid values, for the whole
    thread; `np.errstate` turns them on again.
    """
    from torchvision.transforms.functional import rgb_to_grayscale

    name = "torchvision.transforms.functional_tensor"
    before = sys.modules.get(name)
    stand_in = ModuleType(name, "Lent by artgan while realesrgan is imported.")
    vars(stand_in)["rgb_to_grayscale"] = rgb_to_grayscale
    sys.modules[name] = stand_in
    try:
        with np.errstate():
            yield
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before


def _weights(path: Path) -> Mapping[str, Tensor]:
    """Read the tensors that `RealESRGANer` will take, refusing a file that unpickles anything else."""
    # Said here and not left to torch's default, which the surroundings can turn off.
    content = torch.load(path, map_location="cpu", weights_only=True)
    weights: Mapping[str, Tensor] = content["params_ema" if "params_ema" in content else "params"]
    return weights


def _network(weights: Mapping[str, Tensor]) -> nn.Module:
    """Build the empty network whose size the weights tell; that all of them fit is seen when they are loaded."""
    from basicsr.archs.rrdbnet_arch import RRDBNet
    from realesrgan.archs.srvgg_arch import SRVGGNetCompact

    stages = len({name.split(".")[1] for name in weights if name.startswith("body.")})
    network: nn.Module
    if "conv_first.weight" in weights:
        features, growth = len(weights["conv_first.weight"]), len(weights["body.0.rdb1.conv1.weight"])
        network = RRDBNet(3, 3, scale=SCALE, num_feat=features, num_block=stages, num_grow_ch=growth)
    else:
        # A convolution and its PReLU at the start, `num_conv` such pairs, and one convolution at the end.
        features, pairs = len(weights["body.0.weight"]), (stages - 3) // 2
        network = SRVGGNetCompact(3, 3, num_feat=features, num_conv=pairs, upscale=SCALE, act_type="prelu")
    return network
