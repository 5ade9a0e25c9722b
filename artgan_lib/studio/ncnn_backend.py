"""Small networks by ncnn, for processors: in float32, and faster than by PyTorch.

ncnn computes convolutions of 3 x 3 by Winograd's algorithm (Lavin and Gray 2016), which multiplies a fourth
as often as the plain sum does; PyTorch has no such kernel for processors. What comes out differs by rounding.
"""

import struct
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from artgan_lib.errors import ArtganError

if TYPE_CHECKING:
    import ncnn
    from spandrel import ImageModelDescriptor

_MAGIC = 7767517  # the first line of a network's description
_NO_MEMORY = -100  # what a layer returns that could not get its memory


class NcnnNetwork:
    """A `Compact` network; uint8 pictures (N, H, W, 3) to float32 (N, H x scale, W x scale, 3) in [0, 255].

    Args:
        model: As spandrel loaded it.

    Raises:
        ArtganError: If the package ncnn is missing, or the network is of another kind.
    """

    backend, precision = "ncnn", "float32"

    def __init__(self, model: "ImageModelDescriptor[Any]") -> None:
        try:
            import ncnn
        except ImportError as error:
            raise ArtganError(
                f"the package ncnn cannot be imported ({error}); pip install ncnn, or take --backend spandrel"
            ) from None
        if not is_small(model):
            raise ArtganError(
                f"ncnn runs small networks (Compact) here, not {model.architecture.name}; take --backend spandrel"
            )
        self.scale = int(model.scale)
        self._package = ncnn
        self._described, self._weights = describe(model.model)
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
            described, weights = Path(folder, "net.param"), Path(folder, "net.bin")
            described.write_text(self._described)
            weights.write_bytes(self._weights)
            if net.load_param(str(described)) or net.load_model(str(weights)):
                raise RuntimeError("ncnn cannot read the network that was written for it")
        return net


def is_small(model: "ImageModelDescriptor[Any]") -> bool:
    """Tell whether a network is of the kind that `describe` knows."""
    return model.architecture.id == "Compact" and all(
        isinstance(layer, nn.Conv2d | nn.PReLU) for layer in model.model.body
    )


def describe(network: nn.Module) -> tuple[str, bytes]:
    """Write a `Compact` network in ncnn's own format.

    It is a chain of convolutions and PReLUs, whose result is shuffled into a larger picture and added to the picture
    that went in, enlarged by repeating its pixels (`SRVGGNetCompact` in Real-ESRGAN's code).

    Returns:
        The text of a `.param` file and the content of its `.bin` file.
    """
    lines, weights = ["Input picture 0 1 in", "Split split 1 2 in x0 base"], b""
    body, scale = list(network.body), int(network.upscale)  # type: ignore[arg-type]
    for number, layer in enumerate(body):
        places, count = f"1 1 x{number} x{number + 1}", layer.weight.numel()
        if isinstance(layer, nn.Conv2d):
            shape = f"0={layer.out_channels} 1={layer.kernel_size[0]} 4={layer.padding[0]} 5=1 6={count}"
            lines.append(f"Convolution convolution{number} {places} {shape}")
            weights += struct.pack("<I", 0) + _bytes(layer.weight) + _bytes(layer.bias)  # 0: float32 follows
        else:
            lines.append(f"PReLU prelu{number} {places} 0={count}")
            weights += _bytes(layer.weight)
    lines += [
        f"PixelShuffle shuffle 1 1 x{len(body)} detail 0={scale}",
        f"Interp repeat 1 1 base large 0=1 1={scale} 2={scale}",
        "BinaryOp add 2 1 detail large out 0=0",
    ]
    blobs = len(body) + 6  # x0 and one after each layer; in, base, detail, large, out
    return "\n".join([str(_MAGIC), f"{len(lines)} {blobs}", *lines, ""]), weights


def _bytes(values: torch.Tensor | None) -> bytes:
    if values is None:
        raise ArtganError("ncnn runs networks whose convolutions have a bias; take --backend spandrel")
    return values.detach().float().contiguous().numpy().astype("<f4").tobytes()
