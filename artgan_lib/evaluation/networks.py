"""The two Inceptions behind the features: what each sees of an image, and how its weights are read.

Both are torch-fidelity's. Each builder takes a file of weights and returns a function of uint8 images (N, H, W, 3) to
float32 features (N, dim). Which file it is, and whether the features can be trusted, is left to `features`.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from artgan_lib.errors import ArtganError
from artgan_lib.images import to_float

Run = Callable[[np.ndarray], np.ndarray]

_UNREADABLE = (
    *(pickle.UnpicklingError, RuntimeError, EOFError, OSError),
    *(AttributeError, LookupError, ValueError, TypeError),
)


def inception_2015(path: Path, layer: str, device: torch.device) -> Run:
    """Load the Inception of 2015, with which published FIDs are made.

    Args:
        path: Weights in torch-fidelity's layout.
        layer: `64`, `192`, `768` or `2048`.
        device: Where it runs.

    Raises:
        ArtganError: If the file is not its weights.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    def build() -> nn.Module:
        # torch-fidelity unpickles whatever it is given; after this there is nothing but weights in the file.
        torch.load(path, map_location="cpu", weights_only=True)
        network: nn.Module = FeatureExtractorInceptionV3(f"inception-{layer}", [layer], str(path))
        return network

    network = _read(path, "the Inception of 2015", build, device)
    return _runner(lambda images: network(images.permute(0, 3, 1, 2))[0], device)


def inception_imagenet(path: Path, layer: str, device: torch.device) -> Run:
    """Load the InceptionV3 that classifies ImageNet, average-pooled, as the paper's author took it from Keras.

    Args:
        path: Weights in torchvision's layout.
        layer: `2048`.
        device: Where it runs.

    Raises:
        ArtganError: If the file is not its weights.
    """

    def build() -> nn.Module:
        network = build_inception_v3()
        states, known = torch.load(path, map_location="cpu", weights_only=True), network.state_dict()
        # A classifier's file also has its last layer and an auxiliary head, which features do not need.
        network.load_state_dict({name: value for name, value in states.items() if name in known})
        return network.eval().requires_grad_(False)

    network = _read(path, "an InceptionV3 trained on ImageNet", build, device)
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


def random_projection(images: np.ndarray, dim: int) -> np.ndarray:
    """Project the means of 16 x 16 blocks onto fixed random directions; for tests and lessons, not for a verdict.

    Args:
        images: uint8 (N, H, W, 3).
        dim: Directions.

    Raises:
        ArtganError: If 16 does not divide the images' sides.
    """
    count, height, width, _ = images.shape
    if height % 16 or width % 16:
        raise ArtganError(f"random-projection takes sides that 16 divides, not {width} x {height}")
    blocks = images.reshape(count, 16, height // 16, 16, width // 16, 3).mean((2, 4)).reshape(count, -1)
    directions = np.random.default_rng(0).standard_normal((blocks.shape[1], dim)) / blocks.shape[1] ** 0.5
    projected: np.ndarray = ((blocks - 127.5) / 127.5 @ directions).astype(np.float32)
    return projected


def _read(path: Path, what: str, build: Callable[[], nn.Module], device: torch.device) -> nn.Module:
    """Build a network; its weights lie channels last, which halves the time on a processor."""
    try:
        return build().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
    except _UNREADABLE as error:
        raise ArtganError(f"{path} is not {what} ({type(error).__name__})") from None


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
