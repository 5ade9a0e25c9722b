"""The networks behind the extractors: what each sees of a picture, and how its weights are read.

Each builder takes a file of weights and returns a function of uint8 pictures (N, H, W, 3) to float32 features (N, dim).
Which file it is, and whether the features can be trusted, is left to `extractors`.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import fuse_conv_bn_eval

from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.winograd import multiply_less
from artgan_lib.images import to_float
from artgan_lib.processor import has_only_avx2

Run = Callable[[np.ndarray], np.ndarray]

_UNREADABLE = (
    *(pickle.UnpicklingError, RuntimeError, EOFError, OSError),
    *(AttributeError, KeyError, ValueError, TypeError),
)


def inception_2015(path: Path, layer: str, device: torch.device) -> Run:
    """Load torch-fidelity's Inception of 2015, which published FIDs are made with.

    Raises:
        ArtganError: If the file is not its weights.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    def build() -> nn.Module:
        # torch-fidelity unpickles whatever it is given; after this there is nothing but weights in the file.
        torch.load(path, map_location="cpu", weights_only=True)
        network: nn.Module = FeatureExtractorInceptionV3(f"inception-{layer}", [layer], str(path))
        return network

    children = dict(_read(path, "the Inception of 2015", build).named_children())  # in the order of its forward
    names = list(children)
    body = nn.Sequential(*(children[name] for name in names[: names.index(_LAST[layer]) + 1]))
    network = _ready(body, device)

    def forward(images: Tensor) -> Tensor:
        # Its own forward resizes first and then scales; it comes to the same, and here is less to scale.
        x = images.permute(0, 3, 1, 2).float().sub_(128).div_(128)
        rows, columns = (_stretching(side, 299).to(x) for side in x.shape[2:])
        x = (rows @ x @ columns.T).contiguous(memory_format=torch.channels_last)
        features: Tensor = network(x).mean((2, 3))
        return features

    return _runner(forward, device)


_LAST = {"64": "MaxPool_1", "192": "MaxPool_2", "768": "Mixed_6e", "2048": "Mixed_7c"}
"""What the features are the average of."""


def _stretching(side: int, to: int) -> Tensor:
    """Return what a row of pixels is multiplied by to interpolate it as TensorFlow 1 did, from its first corner on.

    torch-fidelity gathers four neighbours of each pixel instead, which is slower and, but for rounding, the same.

    Returns:
        Shape (to, side), float64.
    """
    places = torch.arange(to, dtype=torch.float64) * side / to
    low = places.long()
    part = (places - low)[:, None]
    return F.one_hot(low, side) * (1 - part) + F.one_hot((low + 1).clamp(max=side - 1), side) * part


def inception_imagenet(path: Path, layer: str, device: torch.device) -> Run:
    """Load the InceptionV3 that classifies ImageNet, average-pooled, as the paper's author took it from Keras.

    Args:
        path: Weights in torchvision's layout, or Keras' own file (`.h5`, which needs h5py).
        layer: `2048`.
        device: Where it runs.

    Raises:
        ArtganError: If the file is not its weights.
    """

    def build() -> nn.Module:
        network = build_inception_v3()
        states = _keras_file(path, network) if path.suffix == ".h5" else torch.load(path, weights_only=True)
        # A classifier's file also has its last layer and an auxiliary head, which features do not need.
        network.load_state_dict({name: value for name, value in states.items() if name in network.state_dict()})
        return network

    network = _ready(_read(path, "an InceptionV3 trained on ImageNet", build), device)
    forward = _runner(lambda images: network(to_float(images)), device)
    return lambda images: forward(_bicubic(images, 299))


def build_inception_v3() -> nn.Sequential:
    """Build InceptionV3 as Keras has it: averages that do not count the padding; names as torchvision's."""
    from torch_fidelity import feature_extractor_inceptionv3 as blocks

    return nn.Sequential(
        OrderedDict(
            Conv2d_1a_3x3=blocks.BasicConv2d(3, 32, kernel_size=3, stride=2),
            Conv2d_2a_3x3=blocks.BasicConv2d(32, 32, kernel_size=3),
            Conv2d_2b_3x3=blocks.BasicConv2d(32, 64, kernel_size=3, padding=1),
            pool_1=nn.MaxPool2d(3, 2),
            Conv2d_3b_1x1=blocks.BasicConv2d(64, 80, kernel_size=1),
            Conv2d_4a_3x3=blocks.BasicConv2d(80, 192, kernel_size=3),
            pool_2=nn.MaxPool2d(3, 2),
            Mixed_5b=blocks.InceptionA(192, pool_features=32),
            Mixed_5c=blocks.InceptionA(256, pool_features=64),
            Mixed_5d=blocks.InceptionA(288, pool_features=64),
            Mixed_6a=blocks.InceptionB(288),
            Mixed_6b=blocks.InceptionC(768, channels_7x7=128),
            Mixed_6c=blocks.InceptionC(768, channels_7x7=160),
            Mixed_6d=blocks.InceptionC(768, channels_7x7=160),
            Mixed_6e=blocks.InceptionC(768, channels_7x7=192),
            Mixed_7a=blocks.InceptionD(768),
            Mixed_7b=blocks.InceptionE_1(1280),
            Mixed_7c=blocks.InceptionE_1(2048),
            average=nn.AdaptiveAvgPool2d(1),
            flat=nn.Flatten(),
        )
    )


def states_from_keras(arrays: Mapping[str, np.ndarray], network: nn.Module) -> dict[str, Tensor]:
    """Name the arrays of a Keras InceptionV3 as torchvision does; both count the convolutions in the same order.

    Args:
        arrays: `conv2d_7/kernel`, `batch_normalization_7/beta` and so on, numbered from 1.
        network: From `build_inception_v3`.
    """
    kinds = {"beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    states = {}
    convolutions = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    for number, name in enumerate(convolutions, 1):
        kernel = torch.from_numpy(np.asarray(arrays[f"conv2d_{number}/kernel"]))
        norm = name.removesuffix("conv") + "bn"
        states[f"{name}.weight"] = kernel.permute(3, 2, 0, 1)  # height, width, in, out
        for keras, ours in kinds.items():
            array = np.asarray(arrays[f"batch_normalization_{number}/{keras}"])
            states[f"{norm}.{ours}"] = torch.from_numpy(array)
        states[f"{norm}.weight"] = torch.ones(len(states[f"{norm}.bias"]))  # Keras' has no scale here
    return states


def _keras_file(path: Path, network: nn.Module) -> dict[str, Tensor]:
    try:
        import h5py
    except ImportError:
        raise ArtganError(f"{path} is Keras' file, which h5py reads; pip install h5py") from None
    arrays = {}

    def gather(name: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset):
            layer, kind = name.split("/")[0], name.split("/")[-1]
            arrays[f"{layer}/{kind.removesuffix(':0')}"] = entry[()]

    with h5py.File(path, "r") as file:
        file.visititems(gather)
    return states_from_keras(arrays, network)


def mobilenet_v2(path: Path, layer: str, device: torch.device) -> Run:
    """Load TensorFlow's MobileNetV2 1.0 (ImageNet), BatchNorm folded into its convolutions, average-pooled.

    Raises:
        ArtganError: If the file is not its weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    def build() -> nn.Module:
        network = MobileNetV2()
        try:
            states = load_file(path)
        except SafetensorError as error:
            raise ValueError(str(error)) from None
        network.load_state_dict({name: value for name, value in states.items() if not name.startswith("classifier")})
        return network

    network = _ready(_read(path, "a MobileNetV2 1.0", build), device)

    def forward(images: Tensor) -> Tensor:
        x = F.interpolate(to_float(images), (224, 224), mode="bilinear", antialias=True)
        features: Tensor = network(x)
        return features

    return _runner(forward, device)


class MobileNetV2(nn.Module):
    """MobileNetV2 of width 1.0 up to its 1280 features (Sandler et al. 2018, table 2), without norms."""

    _STAGES = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    """Expansion, channels, repeats and first stride of each stage."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2)
        blocks, channels = [], 32
        for expansion, width, repeats, first in self._STAGES:
            for repeat in range(repeats):
                blocks.append(_Bottleneck(channels, width, expansion, 1 if repeat else first))
                channels = width
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Conv2d(channels, 1280, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures (N, 3, 224, 224) in [-1, 1] to features (N, 1280)."""
        x = F.relu6(_same(self.stem, x))
        for block in self.blocks:
            x = block(x)
        return F.relu6(self.head(x)).mean((2, 3))


class _Bottleneck(nn.Module):
    def __init__(self, channels: int, width: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = channels * expansion
        self.expand = nn.Conv2d(channels, inner, 1) if expansion > 1 else None
        self.depthwise = nn.Conv2d(inner, inner, 3, stride, groups=inner)
        self.project = nn.Conv2d(inner, width, 1)
        self.shortcut = stride == 1 and channels == width

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu6(self.expand(x)) if self.expand else x
        y: Tensor = self.project(F.relu6(_same(self.depthwise, inner)))
        return x + y if self.shortcut else y


def _same(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """Pad as TensorFlow's SAME for kernel 3: one all around, or for stride 2 and an even side one at the end only."""
    first = 2 - convolution.stride[0]
    y: Tensor = convolution(F.pad(x, (first, 1, first, 1)))
    return y


def project(images: np.ndarray, dim: int) -> np.ndarray:
    """Project the means of 16 x 16 blocks onto fixed random directions.

    Raises:
        ArtganError: If 16 does not divide the pictures' sides.
    """
    count, height, width, _ = images.shape
    if height % 16 or width % 16:
        raise ArtganError(f"random-projection takes sides that 16 divides, not {width} x {height}")
    blocks = images.reshape(count, 16, height // 16, 16, width // 16, 3).mean((2, 4)).reshape(count, -1)
    directions = np.random.default_rng(0).standard_normal((blocks.shape[1], dim)) / blocks.shape[1] ** 0.5
    projected: np.ndarray = ((blocks - 127.5) / 127.5 @ directions).astype(np.float32)
    return projected


def _read(path: Path, what: str, build: Callable[[], nn.Module]) -> nn.Module:
    try:
        return build()
    except ArtganError:
        raise
    except _UNREADABLE as error:
        raise ArtganError(f"{path} is not {what} ({type(error).__name__})") from None


def _ready(network: nn.Module, device: torch.device) -> nn.Module:
    """Put a network into the form in which it only looks; channels last is twice as fast on a processor.

    What batch normalisation does to a convolution's result is put into its weights, and where products are slow, wide
    layers take fewer of them. Either changes features by about a millionth.
    """
    network.eval()
    for block in network.modules():
        conv, norm = getattr(block, "conv", None), getattr(block, "bn", None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            block.conv, block.bn = fuse_conv_bn_eval(conv, norm), nn.Identity()
    if device.type == "cpu" and has_only_avx2():
        multiply_less(network)
    return network.requires_grad_(False).eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _runner(forward: Callable[[Tensor], Tensor], device: torch.device) -> Run:
    @torch.inference_mode()
    def run(images: np.ndarray) -> np.ndarray:
        features: np.ndarray = forward(torch.tensor(images, device=device)).float().cpu().numpy()
        return features

    return run


def _bicubic(images: np.ndarray, side: int) -> np.ndarray:
    """Resize as Pillow does, rounding to 8 bits."""
    resized = [Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC) for image in images]
    return np.stack([np.asarray(image) for image in resized])
