"""How far two pictures lie apart for an eye, not pixel by pixel: features of SqueezeNet 1.1 (Iandola et al. 2016).

A loss to train with and a number to judge by. Distances between sets of pictures are left to `evaluation.metrics`.
"""

import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from artgan_lib.downloads import WEIGHTS_DIR
from artgan_lib.errors import ArtganError

WEIGHTS = "squeezenet1_1.safetensors"
_POOLED_BEFORE = (0, 2, 4)  # fire modules that a pooling stands before
_LOOKED_AT = (1, 3, 5, 7)  # fire modules whose output is compared, beside the first convolution's
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, in [0, 1]


class SqueezeNet(nn.Module):
    """The feature layers of SqueezeNet 1.1, trained on ImageNet by others.

    Args:
        path: A safetensors file with `conv` and `fire.N.{squeeze,expand1,expand3}`, weights and biases.

    Raises:
        ArtganError: If it is not such a file.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, path: Path | str) -> None:
        super().__init__()
        try:
            weights = load_file(path)
            for name in ["conv", *(f"fire.{n}.{part}" for n in range(8) for part in ("squeeze", "expand1", "expand3"))]:
                for kind in ("weight", "bias"):
                    self.register_buffer(f"{name}.{kind}".replace(".", "_"), weights[f"{name}.{kind}"].float())
        except (SafetensorError, OSError, KeyError) as error:
            raise ArtganError(f"{path} is not SqueezeNet 1.1 ({type(error).__name__})") from None
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map pictures (N, 3, H, W) in [0, 1] to five layers of features, each (N, C, H', W')."""
        x = F.relu(self._convolve((images - self.mean) / self.std, "conv", stride=2))
        found = [x]
        for number in range(8):
            if number in _POOLED_BEFORE:
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            x = F.relu(self._convolve(x, f"fire_{number}_squeeze"))
            wide = (self._convolve(x, f"fire_{number}_expand1"), self._convolve(x, f"fire_{number}_expand3", padding=1))
            x = F.relu(torch.cat(wide, 1))
            if number in _LOOKED_AT:
                found.append(x)
        return found

    def _convolve(self, x: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        weight, bias = getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias")
        return F.conv2d(x, weight, bias, stride, padding)


def perceptual_distance(network: SqueezeNet, one: Tensor, other: Tensor) -> Tensor:
    """Return how far pictures lie apart in the features of a network, 0 for equal ones.

    Each feature vector is brought to length one, as LPIPS does (Zhang et al. 2018, eq. 1), but with all channels
    weighted alike, so the number is not LPIPS.

    Args:
        network: From `load_squeezenet`.
        one: Pictures in [0, 1], shape (N, 3, H, W).
        other: Of the same shape.

    Returns:
        Shape (N,): the mean over the layers of the mean over places of the squared distance of unit vectors.
    """
    total = one.new_zeros(len(one))
    layers = list(zip(network(one), network(other), strict=True))
    for mine, theirs in layers:
        apart = F.normalize(mine, dim=1, eps=1e-6) - F.normalize(theirs, dim=1, eps=1e-6)
        total = total + apart.square().sum(1).mean((1, 2))
    return total / len(layers)


def load_squeezenet(path: Path | str | None = None) -> SqueezeNet:
    """Load the network from a file, or from the user's folder of weights.

    Raises:
        ArtganError: If it is not there.
    """
    folder = os.environ.get(WEIGHTS_DIR)
    found = Path(path) if path else Path(folder) / WEIGHTS if folder else None
    if found is None or not found.is_file():
        raise ArtganError(f"{WEIGHTS} is not to be had; put it into a folder and set {WEIGHTS_DIR} to it")
    return SqueezeNet(found).eval().requires_grad_(False)
