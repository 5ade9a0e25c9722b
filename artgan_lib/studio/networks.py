"""Networks that enlarge, loaded by spandrel, which reads their files without running code in them.

Also what they compute in, and by what. Which networks there are is left to `studio.upscaling`.
"""

import copy
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from artgan_lib.errors import ArtganError
from artgan_lib.processor import has_bfloat16
from artgan_lib.studio.ncnn_backend import NcnnNetwork, read_layers

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor


class Network:
    """A network on a device; uint8 pictures (N, H, W, 3) to float32 (N, H x scale, W x scale, 3) in [0, 255].

    Args:
        model: As spandrel loaded it.
        device: Where it runs.
        half: Whether it may compute in half precision; where a value overflows it goes on in float32.
    """

    backend = "spandrel"

    def __init__(self, model: "ImageModelDescriptor[Any]", device: torch.device, *, half: bool = False) -> None:
        model.float().eval()
        self.scale = int(model.scale)
        self._device = device
        if device.type == "cpu":
            model.model.to(memory_format=torch.channels_last)  # as pictures come, so that no layer has to turn them
        # Each precision has its own copy: rounding the weights and widening them again would not give them back. They
        # are tried in turn, each with what it takes in.
        self._models = []
        kinds = _halves(model, device) if half else []
        for kind in kinds:
            narrowed = copy.deepcopy(model)
            if device.type == "cuda":
                self._models.append((kind, narrowed.to(dtype=kind)))
            else:
                narrow_within(narrowed.model, kind)
                self._models.append((torch.float32, narrowed))
        self._models.append((torch.float32, model))
        self.precision = str([*kinds, torch.float32][0]).removeprefix("torch.")

    @torch.inference_mode()
    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Enlarge pictures of one size."""
        x = torch.tensor(images, device=self._device).permute(0, 3, 1, 2).float().div_(255)
        for kind, model in self._models:
            y = model(x.to(kind)).float()
            if torch.isfinite(y).all():
                break
        result: np.ndarray = y.mul_(255).permute(0, 2, 3, 1).cpu().numpy()
        return result


def load_network(
    path: Path, device: torch.device, *, half: bool = False, backend: str = "spandrel"
) -> Network | NcnnNetwork:
    """Load a network from a file.

    Args:
        path: Of its weights.
        device: Where it runs.
        half: Whether it may compute in half precision.
        backend: `spandrel`, `ncnn`, or `auto`: by ncnn where that runs the network and half precision is not to be had.

    Raises:
        ArtganError: If it is no network that enlarges colour pictures by 2 or 4, or not one for the backend.
    """
    if backend == "ncnn" and device.type != "cpu":
        raise ArtganError(f"ncnn runs networks on a processor, not on {device.type}; take --device cpu")
    exact = device.type == "cpu" and not (half and has_bfloat16())
    if backend == "ncnn" or (backend == "auto" and exact and find_spec("ncnn") is not None):
        layers = read_layers(path)
        if layers:
            return NcnnNetwork(layers)
        if backend == "ncnn":
            raise ArtganError(f"{path} is no small network (Compact), and ncnn runs those; take --backend spandrel")
    from spandrel import ImageModelDescriptor, ModelLoader  # it brings many kinds of network along

    try:
        model = ModelLoader(device).load_from_file(path)
    except Exception as error:  # a foreign loader raises almost anything on a file that is no network
        raise ArtganError(f"{path} is not an upscaling network that can be read ({type(error).__name__})") from None
    if not isinstance(model, ImageModelDescriptor) or model.scale not in (2, 4) or model.input_channels != 3:
        raise ArtganError(f"{path} does not enlarge colour pictures by 2 or 4; choose another network")
    return Network(model, device, half=half)


def narrow_within(network: nn.Module, kind: torch.dtype) -> None:
    """Let all layers of a network but its first and last convolution compute in a narrower precision.

    What goes in and what comes out stay in float32: rounding these would cost most. For networks that begin and end
    with a convolution and add nothing but the picture after that, as `Compact` ones do.
    """
    first, *_, last = (layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    for layer in network.modules():
        if layer not in (first, last) and not list(layer.children()):
            layer.to(kind)
    first.register_forward_hook(lambda layer, arguments, out: out.to(kind))
    last.register_forward_pre_hook(lambda layer, arguments: (arguments[0].float(),))


def _halves(model: "ImageModelDescriptor[Any]", device: torch.device) -> list[torch.dtype]:
    """Return the half precisions that pay on the device and that the network bears, the more exact one first."""
    if device.type == "cuda":
        return [torch.float16] * model.supports_half + [torch.bfloat16] * model.supports_bfloat16
    if device.type == "cpu" and model.architecture.id == "Compact" and has_bfloat16():
        return [torch.bfloat16]
    return []
