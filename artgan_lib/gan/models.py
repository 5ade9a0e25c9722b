"""The generators, discriminators and critics of the paper, built layer by layer from a `TrainConfig`.

Owns structure and initial weights; losses and updates are left to `gan.losses` and `gan.training`. Keras' `same`
padding and BatchNorm defaults are kept, since the paper's networks were trained with them.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.gan.projected import ProjectedDiscriminator, SkipGenerator

LEAKY_SLOPE = 0.2
NORM_EPS = 1e-3  # Keras' default of BatchNormalization and LayerNormalization
BATCH_NORM_MOMENTUM = 0.01  # Keras' 0.99, counted the other way in PyTorch

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "leaky-relu": lambda: nn.LeakyReLU(LEAKY_SLOPE),
    "tanh": nn.Tanh,
}


class SameConv2d(nn.Conv2d):
    """A convolution of stride 2 that halves the picture as Keras' `padding="same"` does.

    Kernel 5 pads one pixel before and two after; kernel 4 one on each side; kernel 3 none before and one after.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel_size: int, *, bias: bool) -> None:
        before, after = same_padding(kernel_size)
        # What is padded alike on all sides needs no padded copy.
        self.alike = before if before == after else 0
        super().__init__(channels_in, channels_out, kernel_size, 2, self.alike, bias=bias)
        self.around = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H / 2, W / 2)."""
        return super().forward(x if self.alike else F.pad(x, self.around))


class SameConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution of stride 2 that doubles the picture as Keras' `padding="same"` does.

    It is the transpose of `SameConv2d`: what padding adds there is cropped here. With kernel 5 that is one row and
    column before and two after; `padding=2, output_padding=1` would be the mirror image.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel_size: int, *, bias: bool) -> None:
        before, after = same_padding(kernel_size)
        super().__init__(channels_in, channels_out, kernel_size, stride=2, padding=before, bias=bias)
        self.surplus = after - before

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (N, C, H, W) to (N, C', 2 H, 2 W)."""
        x = super().forward(x, output_size)
        return x[..., : x.shape[-2] - self.surplus, : x.shape[-1] - self.surplus] if self.surplus else x


def same_padding(kernel_size: int) -> tuple[int, int]:
    """Return the pixels that Keras pads before and after a side of even length at stride 2."""
    total = kernel_size - 2
    return total // 2, total - total // 2


class ChannelNorm(nn.Module):
    """Keras' LayerNormalization of a picture: over the channels of each pixel, not over the whole picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape, mean 0 and variance 1 over C, then scaled and shifted per channel."""
        normal = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, NORM_EPS)
        return normal.permute(0, 3, 1, 2)


def _norm(kind: str, channels: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(channels, eps=NORM_EPS, momentum=BATCH_NORM_MOMENTUM)
    return ChannelNorm(channels) if kind == "layer" else nn.Identity()


class Generator(nn.Module):
    """Paints: latent vectors (N, latent_dim) to pictures (N, 3, 64, 64) in [-1, 1]. Shapes below are for width 64."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.latent_dim = config.latent_dim
        self.classes: tuple[str, ...] = ()  # the paper's generators know none
        self.class_counts = torch.zeros(0)
        widths = [config.width * factor for factor in (8, 4, 2, 1)]

        def block(channels: int) -> list[nn.Module]:
            return [_norm(config.generator_normalization, channels), _ACTIVATIONS[config.generator_activation]()]

        stem: nn.Module
        if config.fully_connected:
            dense = nn.Linear(config.latent_dim, widths[0] * 4 * 4, bias=config.biases)
            stem = nn.Sequential(dense, nn.Unflatten(1, (widths[0], 4, 4)))
        else:
            conv = nn.ConvTranspose2d(config.latent_dim, widths[0], 4, bias=config.biases)
            stem = nn.Sequential(nn.Unflatten(1, (config.latent_dim, 1, 1)), conv)
        self.stem = nn.Sequential(stem, *block(widths[0]))  # (N, 512, 4, 4)
        body: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):  # (N, 256, 8, 8), (N, 128, 16, 16), (N, 64, 32, 32)
            body += [SameConvTranspose2d(before, after, config.kernel_size, bias=config.biases), *block(after)]
        self.body = nn.Sequential(*body)
        self.head = SameConvTranspose2d(widths[-1], 3, config.kernel_size, bias=config.biases)  # (N, 3, 64, 64)

    def forward(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """Map latent vectors (N, latent_dim) to pictures (N, 3, 64, 64) in [-1, 1]; there are no classes."""
        return torch.tanh(self.head(self.body(self.stem(z))))


class Judge(nn.Module):
    """Looks: pictures (N, 3, 64, 64) to scores (N,), a logit of a discriminator or the value of a critic."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        body: list[nn.Module] = []
        channels = 3
        for index, factor in enumerate((1, 2, 4, 8)):  # (N, 64, 32, 32) ... (N, 512, 4, 4)
            after = config.width * factor
            normed = index > 0 or config.normalize_judge_input_layer
            body += [
                SameConv2d(channels, after, config.kernel_size, bias=config.biases),
                _norm(config.judge_normalization if normed else "none", after),
                _ACTIVATIONS[config.judge_activation](),
            ]
            channels = after
        self.body = nn.Sequential(*body)
        if config.judge_head == "flatten":
            self.head = nn.Sequential(nn.Flatten(), nn.Linear(channels * 4 * 4, 1))
        else:  # a convolution over the whole 4 x 4 field, with nothing after it, then one dense unit
            across = 1 if config.judge_head == "conv-1" else channels
            conv = nn.Conv2d(channels, across, 4, bias=config.biases)
            self.head = nn.Sequential(conv, nn.Flatten(), nn.Linear(across, 1))

    def forward(self, images: Tensor, classes: Tensor | None = None) -> Tensor:
        """Map pictures (N, 3, 64, 64) in [-1, 1] to scores (N,), before any sigmoid; there are no classes."""
        scores: Tensor = self.head(self.body(images))
        return scores.squeeze(1)

    # One head on the pixels themselves, in the terms of `gan.projected.ProjectedDiscriminator`.
    weights: Sequence[float] = (1.0,)

    def features(self, images: Tensor) -> list[Tensor]:
        """Return what the head sees: the images."""
        return [images]

    def logits(self, features: Sequence[Tensor], classes: Tensor | None = None) -> list[Tensor]:
        """Return the scores as the logits of one head, shape (N, 1)."""
        return [self(features[0])[:, None]]


AnyGenerator = Generator | SkipGenerator
AnyDiscriminator = Judge | ProjectedDiscriminator


def build_generator(config: TrainConfig) -> AnyGenerator:
    """Build the generator that a config asks for, in train mode, on the CPU, with weights yet to be drawn or loaded."""
    return SkipGenerator(config) if config.generator_architecture == "skip" else Generator(config)


def build_models(config: TrainConfig) -> tuple[AnyGenerator, AnyDiscriminator]:
    """Build both networks with initial weights drawn from the config's seed.

    Returns:
        The generator and its judge, in train mode, on the CPU, in float32.
    """
    with torch.random.fork_rng(devices=[]):  # what PyTorch's own layers draw when they are made
        torch.manual_seed(config.seed)
        generator = build_generator(config)
        projected = config.discriminator_architecture == "projected"
        judge: AnyDiscriminator = ProjectedDiscriminator(config) if projected else Judge(config)
        rng = torch.Generator().manual_seed(config.seed)
        for network in (generator, judge):
            if isinstance(network, Generator | Judge):
                initialize(network, config.initial_weights, rng)
        if config.spectral_norm and isinstance(judge, Judge):
            for layer in list(judge.modules()):
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    spectral_norm(layer)
    return generator, judge


@torch.no_grad()
def initialize(network: nn.Module, scheme: str, rng: torch.Generator) -> None:
    """Draw the weights of convolutions and dense layers; biases become 0, norms stay at 1 and 0.

    The paper's schemes: Glorot (Glorot & Bengio 2010, eq. 16; Keras counts a transposed convolution's fans as the
    forward one's), Normal(0, 0.02) (Radford et al. 2016), Uniform(+-0.02 sqrt(3)), which has the same spread. Under
    `normal` dense layers stay at Glorot uniform, as the author left them.
    """
    for layer in network.modules():
        if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            continue
        weight = layer.weight
        if scheme == "uniform":
            weight.uniform_(-0.02 * 3**0.5, 0.02 * 3**0.5, generator=rng)
        elif scheme == "normal" and not isinstance(layer, nn.Linear):
            weight.normal_(0.0, 0.02, generator=rng)
        elif scheme == "glorot-normal":
            _truncated_normal(weight, (2 / _fans(weight)) ** 0.5, rng)
        else:
            bound = (6 / _fans(weight)) ** 0.5
            weight.uniform_(-bound, bound, generator=rng)
        if layer.bias is not None:
            layer.bias.zero_()


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of this name; `auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ArtganError: If the device is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, present in there.items() if present)
    if not there.get(name.split(":")[0], False):
        raise ArtganError(f"there is no device {name!r} on this machine; --device cpu always works")
    try:
        return torch.device(name)
    except RuntimeError:
        raise ArtganError(f"there is no device {name!r} on this machine; --device cpu always works") from None


def _fans(weight: Tensor) -> int:
    """Inputs plus outputs of a unit: (channels in + channels out) x kernel area."""
    return (weight.shape[0] + weight.shape[1]) * weight[0, 0].numel()


def _truncated_normal(weight: Tensor, std: float, rng: torch.Generator) -> None:
    """Draw as Keras does: cut at two standard deviations, then widened so that the spread is `std` again."""
    nn.init.trunc_normal_(weight, 0.0, 1.0, -2.0, 2.0, generator=rng)
    weight.mul_(std / 0.87962566103423978)
