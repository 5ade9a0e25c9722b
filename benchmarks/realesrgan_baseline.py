"""`RealESRGANer` of the package `realesrgan`, which the paper's application used, as a baseline for upscaling."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from artgan_lib.studio.ncnn_weights import find_packaged, read_packaged


def load_realesrgan(name: str, device: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return what upscales an image by four with the package, in float32 and in one piece.

    Args:
        name: `RealESRGAN_x4plus-fp16` or `realesr-animevideov3-fp16`: the weights are those that we use.
        device: Where it runs.

    Raises:
        ImportError: If the package is missing.
    """
    lend_functional_tensor()
    from basicsr.archs.rrdbnet_arch import RRDBNet
    from realesrgan import RealESRGANer
    from realesrgan.archs.srvgg_arch import SRVGGNetCompact

    found = find_packaged(name)
    if found is None:
        raise ImportError(f"{name} is not installed")
    model = RRDBNet(3, 3, scale=4) if "x4plus" in name else SRVGGNetCompact(3, 3, num_conv=16, upscale=4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.pth"
        torch.save({"params": read_packaged(found)}, path)
        # pre_pad mirrors ten pixels at two of the four borders; without it the image is that of the network alone.
        upscaler: Any = RealESRGANer(4, str(path), model=model, tile=0, pre_pad=0, half=False, device=device)
    # The package keeps OpenCV's order of channels, blue first, on both sides.
    return lambda image: upscaler.enhance(np.ascontiguousarray(image[..., ::-1]))[0][..., ::-1]


def lend_functional_tensor() -> None:
    """Give basicsr the module that it takes one function from, and that torchvision 0.17 dropped."""
    from torchvision.transforms.functional import rgb_to_grayscale

    name = "torchvision.transforms.functional_tensor"
    stand_in = ModuleType(name, "Lent while basicsr is imported.")
    vars(stand_in)["rgb_to_grayscale"] = rgb_to_grayscale
    sys.modules.setdefault(name, stand_in)
