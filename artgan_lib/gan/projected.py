"""A modern pair of networks: a small skip-layer generator and a discriminator on frozen features.

The generator follows FastGAN (Liu et al. 2021), the discriminator Projected GANs (Sauer et al. 2021), with a small
discriminator on pixels as in Vision-aided GANs (Kumari et al. 2022). Both are conditional on a class where the data
have classes (Miyato & Koyama 2018). Which of them a run uses is a row of `TrainConfig`.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from artgan_lib.config import TrainConfig
from artgan_lib.gan.efficientnet import EfficientNetLite0

LEAKY_SLOPE = 0.2
EMBEDDING = 32
"""Components of the class embedding that join the latent vector, at half their size."""

ON_SPHERE = 0.7
"""Share of the radius from which on a latent vector is put on the sphere: of 128 components, nearly all that are drawn
from N(0, 1), and none of those that are cut at one standard deviation."""

CHANNELS = {4: 8, 8: 6, 16: 3, 32: 2, 64: 1, 128: 1}
"""Channels of the generator at each side of its feature maps, as multiples of the config's base channels."""

MIXED = (48, 64, 128, 256)
"""Channels of the four scales of features after random mixing."""
FEATURE_RMS = (8.9, 7.6, 6.4, 2.7)
"""Root mean square of the features of 512 paintings at 80 pixels, by which they are divided."""
HEADS = ((40, 80), (80, 80), (80,), (160,))
"""Channels of the convolutions of the head on each scale."""
PIXEL_CHANNELS = (24, 48, 96, 192)
PROJECTION = 64
"""Channels of the map that is compared with the embedding of the class."""


class SkipGenerator(nn.Module):
    """Latent vectors (N, latent_dim) to images (N, 3, S, S) in [-1, 1], by nearest-neighbour upsampling.

    Skip-layer excitation lets the smallest feature maps scale the channels of the largest ones. Shapes below are for 32
    base channels and 64 pixels.
    """

    class_counts: Tensor

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.latent_dim, self.classes = config.latent_dim, config.classes
        classes = len(config.classes)
        # Training images of each class: what samples of no class in particular are drawn by.
        self.register_buffer("class_counts", torch.ones(classes))
        self.embed = _embedding(classes, EMBEDDING)
        width = {side: config.width * factor for side, factor in CHANNELS.items() if side <= config.image_size}
        sides = sorted(width)
        entry = config.latent_dim + (EMBEDDING if classes else 0)
        self.stem = nn.Sequential(nn.Linear(entry, width[4] * 4 * 4), nn.Unflatten(1, (width[4], 4, 4)))
        self.blocks = nn.ModuleDict(
            {
                str(side): UpsampleBlock(width[side // 2], width[side], classes, gated=side != sides[-1])
                for side in sides[1:]
            }  # (N, 192, 8, 8), (N, 96, 16, 16), (N, 64, 32, 32), (N, 32, 64, 64)
        )
        self.gated_by = dict(zip(map(str, sides[-2:]), sides, strict=False))  # 4 -> 32 and 8 -> 64
        self.excitations = nn.ModuleDict(
            {large: Excitation(width[small], width[int(large)]) for large, small in self.gated_by.items()}
        )
        self.to_rgb = nn.Conv2d(width[sides[-1]], 3, 3, padding=1)  # (N, 3, 64, 64)

    def forward(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """Generate images.

        Args:
            z: Latent vectors (N, latent_dim). They are put on the sphere of radius sqrt(latent_dim), but for those
                shorter than `ON_SPHERE` of it, which lie inside: so truncation trades variety for typicality.
            classes: Weights of the classes, shape (N, number of classes), each row summing to 1; several weights above
                0 mix classes. None if the generator knows no classes.

        Returns:
            Images (N, 3, S, S) in [-1, 1].
        """
        radius = math.sqrt(self.latent_dim)
        entry = z / z.norm(dim=1, keepdim=True).clamp(min=ON_SPHERE * radius) * radius
        if self.embed is not None:
            entry = torch.cat([entry, 0.5 * self.embed(classes)], 1)
        maps = {4: self.stem(entry).contiguous(memory_format=torch.channels_last)}
        for name, block in self.blocks.items():
            x = block(maps[int(name) // 2], classes)
            if name in self.gated_by:
                x = x * self.excitations[name](maps[self.gated_by[name]])
            maps[int(name)] = x
        return torch.tanh(self.to_rgb(x))


class UpsampleBlock(nn.Module):
    """Double the side, normalise, activate: (N, C, S, S) to (N, C', 2 S, 2 S)."""

    def __init__(self, channels_in: int, channels_out: int, classes: int, *, gated: bool) -> None:
        super().__init__()
        channels = 2 * channels_out if gated else channels_out
        self.convolution = UpsampleConv2d(channels_in, channels)
        self.norm = ConditionalBatchNorm2d(channels, classes)
        self.gated = gated

    def forward(self, x: Tensor, classes: Tensor | None) -> Tensor:
        """Map (N, C, S, S) and class weights (N, K) to (N, C', 2 S, 2 S)."""
        x = self.norm(self.convolution(x), classes)
        if not self.gated:
            return F.leaky_relu(x, LEAKY_SLOPE)
        value, gate = x.chunk(2, 1)  # a gated linear unit (Dauphin et al. 2017)
        return value * gate.sigmoid()


class UpsampleConv2d(nn.Conv2d):
    """Nearest-neighbour upsampling by 2, then a 3 x 3 convolution, without a bias.

    It is computed as one transposed 4 x 4 convolution of stride 2 whose kernel is the 3 x 3 kernel spread over 2 x 2
    pixels: the same function, with a quarter of the pixels to go through. Every output pixel sees equally many weights,
    so there is no checkerboard (Odena et al. 2016).
    """

    spread: Tensor

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 3, padding=1, bias=False)

        spread = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])
        # From 3 x 3 to 4 x 4; turned round, since a transposed convolution turns its kernel.
        both = torch.einsum("ai,bj->abij", spread, spread).flip(2, 3).reshape(16, 9)
        self.register_buffer("spread", both, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, S, S) to (N, C', 2 S, 2 S)."""
        kernel = self.spread @ self.weight.permute(2, 3, 1, 0).reshape(9, -1)
        kernel = kernel.view(4, 4, self.in_channels, self.out_channels).permute(2, 3, 0, 1)
        return F.conv_transpose2d(x, kernel, stride=2, padding=1)


class ConditionalBatchNorm2d(nn.Module):
    """Batch normalisation whose gain and bias depend on the class (Dumoulin et al. 2017; de Vries et al. 2017)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.normalize = nn.BatchNorm2d(channels)
        self.by_class = nn.Linear(classes, 2 * channels, bias=False) if classes else None
        if self.by_class is not None:
            nn.init.zeros_(self.by_class.weight)

    def forward(self, x: Tensor, classes: Tensor | None = None) -> Tensor:
        """Normalise (N, C, H, W), then scale and shift by what is shared and by what the class weights (N, K) add."""
        x = self.normalize(x)
        if self.by_class is None:
            return x
        gain, bias = self.by_class(classes)[..., None, None].chunk(2, 1)
        modulated: Tensor = x * (1 + gain) + bias
        return modulated


class Excitation(nn.Module):
    """Skip-layer excitation: a gate in (0, 1) for each channel of a large map, from a small map (Liu et al. 2021)."""

    def __init__(self, channels_small: int, channels_large: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),
            nn.Conv2d(channels_small, channels_large, 4),
            nn.SiLU(),
            nn.Conv2d(channels_large, channels_large, 1),
            nn.Sigmoid(),
        )

    def forward(self, small: Tensor) -> Tensor:
        """Map (N, C, S, S) to gates (N, C', 1, 1)."""
        gates: Tensor = self.gate(small)
        return gates


class ProjectedDiscriminator(nn.Module):
    """Images to logits, most of them from features of a frozen network, the rest from pixels.

    The features of four scales are mixed at random, first across channels, then from coarse to fine (Sauer et al. 2021,
    section 3.2), so that no part of them can be ignored. Each scale has a head of its own.
    """

    def __init__(self, config: TrainConfig, network: nn.Module | None = None) -> None:
        super().__init__()
        self.network = network if network is not None else EfficientNetLite0()
        self.feature_size, self.pixel_weight = config.feature_size, config.pixel_weight
        rng = torch.Generator().manual_seed(config.seed)
        self.mixing = RandomMixing(self.network.channels, rng)  # type: ignore[arg-type]
        classes = len(config.classes)
        self.heads = nn.ModuleList(
            Head(mixed, widths, (4, 4) if scale == 0 else (4, 3), classes)
            for scale, (mixed, widths) in enumerate(zip(MIXED, HEADS, strict=True))
        )
        self.pixels = Head(3, PIXEL_CHANNELS, (4, 4, 4, 4), classes, norm=False) if config.pixel_weight else None

    def features(self, images: Tensor) -> list[Tensor]:
        """Map images (N, 3, H, W) in [-1, 1] to what the heads see: the images themselves and four mixed scales."""
        side = self.feature_size
        large = F.interpolate(images, size=(side, side), mode="bilinear") if images.shape[-1] != side else images
        # Weights that are never trained cannot adapt to few digits, and depthwise gradients are slow in bf16.
        with torch.autocast(images.device.type, enabled=False):
            return [images, *self.mixing(self.network(large.float()))]

    def logits(self, features: Sequence[Tensor], classes: Tensor | None = None) -> list[Tensor]:
        """Map `features` and class weights (N, K) to the logits of each head, shapes (N, places)."""
        images, *scales = features
        found = [head(x, classes) for head, x in zip(self.heads, scales, strict=True)]
        return found if self.pixels is None else [*found, self.pixels(images, classes)]

    @property
    def weights(self) -> list[float]:
        """The share of each head in the loss; they sum to 1."""
        shared = [(1 - self.pixel_weight) / len(self.heads)] * len(self.heads)
        return shared if self.pixels is None else [*shared, self.pixel_weight]

    def forward(self, images: Tensor, classes: Tensor | None = None) -> Tensor:
        """Map images (N, 3, H, W) in [-1, 1] and class weights (N, K) to scores (N,), weighted means of logits."""
        found = zip(self.weights, self.logits(self.features(images), classes), strict=True)
        return torch.stack([weight * logits.mean(1) for weight, logits in found]).sum(0)


class RandomMixing(nn.Module):
    """Fixed random 1 x 1 convolutions across channels and scales, stored with the heads that are trained on them."""

    def __init__(self, channels: Sequence[int], rng: torch.Generator) -> None:
        super().__init__()

        def draw(name: str, channels_in: int, channels_out: int) -> None:
            weight = torch.randn(channels_out, channels_in, 1, 1, generator=rng) / math.sqrt(channels_in)
            self.register_buffer(name, weight)

        for scale, (before, after) in enumerate(zip(channels, MIXED, strict=True)):
            draw(f"channels_{scale}", before, after)
        for scale in range(len(MIXED) - 1):
            draw(f"down_{scale}", MIXED[scale + 1], MIXED[scale])

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Map features (N, C, H, W) of four scales, fine to coarse, to mixed ones with `MIXED` channels."""
        scaled = [x / rms for x, rms in zip(features, FEATURE_RMS, strict=True)]
        mixed = [F.conv2d(x, self.get_buffer(f"channels_{scale}")) for scale, x in enumerate(scaled)]
        for scale in reversed(range(len(mixed) - 1)):
            coarse = F.conv2d(mixed[scale + 1], self.get_buffer(f"down_{scale}"))
            # Halved in variance, so that all scales stay near 1.
            mixed[scale] = (mixed[scale] + F.interpolate(coarse, size=mixed[scale].shape[-2:])) * math.sqrt(0.5)
        return mixed


class Head(nn.Module):
    """A small convolutional discriminator on one map: (N, C, H, W) and class weights (N, K) to logits (N, places).

    Args:
        channels_in: Of the map.
        widths: Channels of its convolutions.
        kernels: Of them, by place: 4 halves the map, 3 keeps its size.
        classes: Number of classes; 0 for an unconditional head.
        norm: Batch normalisation after each convolution.
    """

    def __init__(
        self, channels_in: int, widths: Sequence[int], kernels: Sequence[int], classes: int, *, norm: bool = True
    ) -> None:
        super().__init__()
        body: list[nn.Module] = []
        kernels = kernels if len(widths) > 1 else kernels[-1:]
        for width, kernel in zip(widths, kernels, strict=True):
            body.append(spectral_norm(nn.Conv2d(channels_in, width, kernel, 2 if kernel == 4 else 1, 1)))
            body += [nn.BatchNorm2d(width)] if norm else []
            body.append(nn.LeakyReLU(LEAKY_SLOPE))
            channels_in = width
        self.body = nn.Sequential(*body)
        self.logit = spectral_norm(nn.Conv2d(channels_in + 1, 1, 3, padding=1))
        self.project = spectral_norm(nn.Conv2d(channels_in, PROJECTION, 1)) if classes else None
        self.embed = _embedding(classes, PROJECTION)

    def forward(self, x: Tensor, classes: Tensor | None) -> Tensor:
        """Map (N, C, H, W) and class weights (N, K) to logits (N, places)."""
        x = self.body(x)
        logits = self.logit(torch.cat([x, pair_std(x)], 1))
        if self.project is not None and self.embed is not None:
            match = (self.project(x) * self.embed(classes)[:, :, None, None]).sum(1, keepdim=True)
            logits = logits + match / math.sqrt(PROJECTION)
        return torch.flatten(logits, 1)


def pair_std(x: Tensor) -> Tensor:
    """Return how much neighbours in a batch differ: the minibatch statistic of Karras et al. 2018 in groups of two.

    Batches are sorted by class, so that neighbours are mostly of one class, and a generator that makes one image per
    class is seen through, as by packed discriminators (Lin et al. 2018).

    Args:
        x: Shape (N, C, H, W).

    Returns:
        Shape (N, 1, H, W): for each pair the standard deviation of its two images at each place, mean over channels;
        0 for the last image of an odd batch.
    """
    even, odd = x[: len(x) // 2 * 2 : 2], x[1::2]
    std = ((even - odd).square() / 4 + 1e-8).sqrt().mean(1, keepdim=True)
    std = std.repeat_interleave(2, 0)
    return F.pad(std, (0, 0, 0, 0, 0, 0, 0, len(x) - len(std)))


def _embedding(classes: int, components: int) -> nn.Linear | None:
    """Return the map from class weights to embeddings, whose components start as N(0, 1); None without classes."""
    if not classes:
        return None
    embed = nn.Linear(classes, components, bias=False)
    nn.init.normal_(embed.weight)
    return embed
