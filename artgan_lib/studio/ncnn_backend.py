"""Small networks by ncnn, for processors: in float32, and faster than by PyTorch.

ncnn computes convolutions of 3 x 3 by Winograd's algorithm (Lavin and Gray 2016), which multiplies a fourth
as often as the plain sum does; PyTorch has no such kernel for processors. What comes out differs by rounding.
"""

import math
import struct
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from artgan_lib.errors import ArtganError

if TYPE_CHECKING:
    import ncnn

Layer = tuple[Tensor, Tensor | None]
"""Weight and bias of a convolution; the slopes of a PReLU, and None."""

_MAGIC = 7767517  # the first line of a network's description
_NO_MEMORY = -100  # what a layer returns that could not get its memory


class NcnnNetwork:
    """A `Compact` network; uint8 pictures (N, H, W, 3) to float32 (N, H x scale, W x scale, 3) in [0, 255].

    Args:
        layers: As `read_layers` gives them.

    Raises:
        ArtganError: If the package ncnn is missing.
    """

    backend, precision = "ncnn", "float32"

    def __init__(self, layers: Sequence[Layer]) -> None:
        try:
            import ncnn
        except ImportError as error:
            raise ArtganError(
                f"the package ncnn cannot be imported ({error}); pip install ncnn, or take --backend spandrel"
            ) from None
        self.scale = _scale(layers)
        self._package = ncnn
        self._described, self._weights = describe(layers)
        self._nets: dict[int, ncnn.Net] = {}  # by threads, for which each is laid out when it is loaded
        self._lock = threading.Lock()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Enlarge pictures of one size, on as many cores as PyTorch would take here.

        Raises:
            MemoryError: If there is not enough memory.
        """
        net = self._net(torch.get_num_threads())
        return np.stack([self._one(net, image) for image in images])

    def _one(self, net: "ncnn.Net", image: np.ndarray) -> np.ndarray:
        x = image.transpose(2, 0, 1).astype(np.float32, order="C")
        x /= 255
        extractor = net.create_extractor()
        # Memory of this picture's own, given back after it: what the network keeps by itself stays as long as it does.
        blobs, workspace = self._package.PoolAllocator(), self._package.PoolAllocator()
        extractor.set_blob_allocator(blobs)
        extractor.set_workspace_allocator(workspace)
        extractor.input("in", self._package.Mat(x).clone())  # its own channels begin where they can be read fast
        status, y = extractor.extract("out")
        enlarged = np.array(y) if status == 0 else np.empty(0)
        del y
        extractor.clear()  # before its memory goes
        if status:
            if status == _NO_MEMORY:
                raise MemoryError("not enough memory")
            raise RuntimeError(f"ncnn failed with status {status}")
        turned: np.ndarray = enlarged.transpose(1, 2, 0).clip(0, 1)  # as spandrel does
        turned *= 255
        return turned

    def _net(self, threads: int) -> "ncnn.Net":
        with self._lock:
            if threads not in self._nets:
                self._nets[threads] = self._load(threads)
            return self._nets[threads]

    def _load(self, threads: int) -> "ncnn.Net":
        net = self._package.Net()
        net.opt.num_threads = threads
        net.opt.use_vulkan_compute = False
        for narrow in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
            setattr(net.opt, f"use_{narrow}", False)
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder, "net.bin")
            weights.write_bytes(self._weights)
            if net.load_param_mem(self._described) or net.load_model(str(weights)):
                raise RuntimeError("ncnn cannot read the network that was written for it")
        return net


def read_layers(path: Path) -> list[Layer] | None:
    """Read the layers of a `Compact` network (`SRVGGNetCompact` in Real-ESRGAN's code) from its file.

    That is little of what spandrel does, whose many kinds of network take two seconds to import.

    Returns:
        Convolutions at even places and PReLUs at odd ones, or None if the file holds anything else or cannot be read.
    """
    try:
        safe = path.suffix == ".safetensors"
        state: Any = load_file(path) if safe else torch.load(path, map_location="cpu", weights_only=True)
        state = state.get("params_ema", state.get("params", state))
        count = len({name.split(".")[1] for name in state})
        layers = [(state.pop(f"body.{n}.weight"), state.pop(f"body.{n}.bias", None)) for n in range(count)]
        return layers if not state and _is_chain(layers) else None
    except Exception:  # what is no such file raises almost anything
        return None


def _is_chain(layers: Sequence[Layer]) -> bool:
    """Tell whether layers fit together, colours go in, and colours of a picture 2 or 4 times as large come out."""
    channels = 3
    for number, (weight, bias) in enumerate(layers):
        fits = (len(weight),) if number % 2 else (len(weight), channels, 3, 3)
        if weight.shape != fits or (bias is None) != bool(number % 2) or (number % 2 and len(weight) != channels):
            return False
        channels = len(weight)
    return len(layers) % 2 == 1 and channels in (3 * 2**2, 3 * 4**2)


def _scale(layers: Sequence[Layer]) -> int:
    return math.isqrt(len(layers[-1][0]) // 3)


def describe(layers: Sequence[Layer]) -> tuple[str, bytes]:
    """Write a `Compact` network in ncnn's own format.

    It is a chain of convolutions and PReLUs, whose result is shuffled into a larger picture and added to the picture
    that went in, enlarged by repeating its pixels.

    Returns:
        The text of a `.param` file and the content of its `.bin` file.
    """
    lines, weights = ["Input picture 0 1 in", "Split split 1 2 in x0 base"], b""
    scale = _scale(layers)
    for number, (weight, bias) in enumerate(layers):
        places = f"1 1 x{number} x{number + 1}"
        if bias is not None:
            shape = f"0={len(weight)} 1=3 4=1 5=1 6={weight.numel()}"
            lines.append(f"Convolution convolution{number} {places} {shape}")
            weights += struct.pack("<I", 0) + _bytes(weight) + _bytes(bias)  # 0: float32 follows
        else:
            lines.append(f"PReLU prelu{number} {places} 0={len(weight)}")
            weights += _bytes(weight)
    lines += [
        f"PixelShuffle shuffle 1 1 x{len(layers)} detail 0={scale}",
        f"Interp repeat 1 1 base large 0=1 1={scale} 2={scale}",
        "BinaryOp add 2 1 detail large out 0=0",
    ]
    blobs = len(layers) + 6  # x0 and one after each layer; in, base, detail, large, out
    return "\n".join([str(_MAGIC), f"{len(lines)} {blobs}", *lines, ""]), weights


def _bytes(values: Tensor) -> bytes:
    return values.detach().float().contiguous().numpy().astype("<f4").tobytes()
