"""Image enhancement: pictures four times as large, once or twice (interfaces IES and IEDT of Fig. 2).

The networks are Real-ESRGAN's own, loaded by spandrel, which reads their files without running code in them. One
picture is enlarged at a time, so the result does not depend on how many there are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from artgan_lib.config import IMAGE_SIZE
from artgan_lib.downloads import PublishedFile, fetch_weights, find_weights
from artgan_lib.errors import ArtganError

SCALE = 4
SIZES = {IMAGE_SIZE: 0, IMAGE_SIZE * SCALE: 1, IMAGE_SIZE * SCALE**2: 2}
"""Sides of a finished picture in pixels, and how often it was enlarged."""

BICUBIC = "bicubic"
DEFAULT = "realesr-general-x4v3"

_RELEASES = "https://github.com/xinntao/Real-ESRGAN/releases/download"
NETWORKS = {
    name: PublishedFile(f"{name}.pth", (f"{_RELEASES}/{release}/{name}.pth",), f"sha256:{sha256}")
    for name, release, sha256 in (
        (DEFAULT, "v0.2.5.0", "8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292"),
        ("RealESRGAN_x4plus", "v0.1.0", "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1"),
    )
}
"""Published networks by name."""


@dataclass(frozen=True)
class Upscaler:
    """Enlarges pictures by `SCALE`."""

    name: str
    enlarge: Callable[[np.ndarray], np.ndarray]  # uint8 (H, W, 3) to uint8 (4 H, 4 W, 3)

    def to_size(self, image: np.ndarray, size: int) -> np.ndarray:
        """Enlarge a 64 x 64 picture to 64, 256 or 1024 pixels a side, rounded to uint8 after each pass.

        Raises:
            ArtganError: If the size is another.
        """
        for _ in range(passes(size)):
            image = self.enlarge(image)
        return image


def passes(size: int) -> int:
    """Return how often a picture is enlarged to reach a size.

    Raises:
        ArtganError: If the size is none of `SIZES`.
    """
    if size not in SIZES:
        raise ArtganError(f"pictures come at {', '.join(map(str, SIZES))} pixels, not at {size}")
    return SIZES[size]


def available(name: str) -> bool:
    """Tell whether an upscaler can be had without the network."""
    return name == BICUBIC or (name in NETWORKS and find_weights(NETWORKS[name]) is not None) or Path(name).is_file()


def load_upscaler(name: str = DEFAULT, *, device: torch.device | str = "cpu", download: bool = True) -> Upscaler:
    """Load an upscaler.

    Args:
        name: `bicubic`, a name of `NETWORKS`, or the path of any x4 network that spandrel knows.
        device: Where the network runs.
        download: Whether weights may be fetched.

    Raises:
        ArtganError: If there is none of this name, its weights cannot be had, or the file is not such a network.
    """
    if name == BICUBIC:
        return Upscaler(BICUBIC, _bicubic)
    if name in NETWORKS:
        try:
            path = fetch_weights(NETWORKS[name], download=download)
        except ArtganError as error:
            raise ArtganError(f"{error}, or take --upscaler {BICUBIC}") from None
    elif Path(name).is_file():
        path = Path(name)
    else:
        known = ", ".join([BICUBIC, *NETWORKS])
        raise ArtganError(f"there is no upscaler {name!r}; there are {known}, or the path of a network")
    return Upscaler(Path(name).stem, _network(path, torch.device(device)))


def _network(path: Path, device: torch.device) -> Callable[[np.ndarray], np.ndarray]:
    from spandrel import ImageModelDescriptor, ModelLoader

    try:
        model = ModelLoader(device).load_from_file(path)
    except Exception as error:  # a foreign loader raises almost anything on a file that is no network
        raise ArtganError(f"{path} is not an upscaling network that can be read ({type(error).__name__})") from None
    if not isinstance(model, ImageModelDescriptor) or model.scale != SCALE or model.input_channels != 3:
        raise ArtganError(f"{path} does not enlarge colour pictures by {SCALE}; choose a x{SCALE} network")
    model.float().eval()

    @torch.inference_mode()
    def enlarge(image: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float().div_(255)
        y: Tensor = model(x)[0]
        if not torch.isfinite(y).all():
            raise ArtganError(f"{path} gave a picture that is not finite; run it on the CPU or choose another network")
        return y.clamp_(0, 1).mul_(255).round_().to(torch.uint8).permute(1, 2, 0).cpu().numpy()

    return enlarge


def _bicubic(image: np.ndarray) -> np.ndarray:
    height, width, _ = image.shape
    return np.asarray(Image.fromarray(image).resize((width * SCALE, height * SCALE), Image.Resampling.BICUBIC))
