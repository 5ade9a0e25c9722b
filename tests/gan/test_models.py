import numpy as np
import pytest
import torch
from torch import nn

from artgan_lib import ArtganError, build_models, preset
from artgan_lib.gan.models import ChannelNorm, SameConv2d, SameConvTranspose2d, choose_device, same_padding
from artgan_lib.gan.sampling import generate


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


# Counted by hand from the tables of the paper's networks at width 64: weights, norms, biases.
COUNTS = {
    "dcgan": (
        100 * 512 * 16 + 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * (512 + 256 + 128 + 64),
        16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) + 2 * (64 + 128 + 256 + 512) + 2,
    ),
    "dcgan-wi": (
        100 * 512 * 16 + 25 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * (512 + 256 + 128 + 64),
        25 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 512 * 512 * 16 + 2 * (64 + 128 + 256 + 512) + 513,
    ),
    "wgan-gp": (
        129 * 8192 + 25 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * (512 + 256 + 128 + 64) + 256 + 128 + 67,
        25 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 960 + 2 * (128 + 256 + 512) + 8193,
    ),
}


@pytest.mark.parametrize("variant", COUNTS)
def test_parameter_counts_at_the_papers_width(variant: str) -> None:
    generator, judge = build_models(preset(variant))
    assert (parameters(generator), parameters(judge)) == COUNTS[variant]


@pytest.mark.parametrize("variant", COUNTS)
def test_shapes_and_range(variant: str) -> None:
    config = preset(variant, "smoke")
    generator, judge = build_models(config)
    images = generator(torch.randn(3, config.latent_dim))
    assert images.shape == (3, 3, 64, 64)
    assert images.abs().max() <= 1
    assert judge(images).shape == (3,)


def numpy_same_convolution(x: np.ndarray, weight: np.ndarray, before: int, after: int) -> np.ndarray:
    """Stride 2, written out: (C, H, W) and (O, C, K, K) to (O, H / 2, W / 2)."""
    padded = np.pad(x, ((0, 0), (before, after), (before, after)))
    kernel, side = weight.shape[-1], x.shape[-1] // 2
    out = np.zeros((len(weight), side, side))
    for row in range(side):
        for column in range(side):
            patch = padded[:, 2 * row : 2 * row + kernel, 2 * column : 2 * column + kernel]
            out[:, row, column] = (weight * patch).sum((1, 2, 3))
    return out


@pytest.mark.parametrize(("kernel", "before", "after"), [(3, 0, 1), (4, 1, 1), (5, 1, 2)])
def test_same_padding_is_keras(kernel: int, before: int, after: int) -> None:
    assert same_padding(kernel) == (before, after)
    layer = SameConv2d(2, 3, kernel, bias=False).double()
    x = torch.randn(1, 2, 8, 8, dtype=torch.float64)
    expected = numpy_same_convolution(x[0].numpy(), layer.weight.detach().numpy(), before, after)
    np.testing.assert_allclose(layer(x)[0].detach(), expected, atol=1e-12)


@pytest.mark.parametrize("kernel", [3, 4, 5])
def test_transposed_convolution_is_the_transpose(kernel: int) -> None:
    """<conv(x), y> = <x, transposed(y)> for the same weights holds for one way of cropping only."""
    down, up = SameConv2d(2, 3, kernel, bias=False).double(), SameConvTranspose2d(3, 2, kernel, bias=False).double()
    up.weight = down.weight
    x, y = torch.randn(1, 2, 8, 8, dtype=torch.float64), torch.randn(1, 3, 4, 4, dtype=torch.float64)
    assert up(y).shape == x.shape
    torch.testing.assert_close((down(x) * y).sum(), (x * up(y)).sum())


def test_channel_norm_works_on_the_channels_of_each_pixel() -> None:
    x = torch.randn(2, 5, 3, 3)
    norm = ChannelNorm(5)
    with torch.no_grad():
        norm.weight.copy_(torch.arange(1.0, 6.0))
        norm.bias.fill_(0.5)
    spread = (x.var(1, unbiased=False, keepdim=True) + 1e-3).sqrt()
    expected = (x - x.mean(1, keepdim=True)) / spread * norm.weight.view(1, 5, 1, 1) + 0.5
    torch.testing.assert_close(norm(x), expected)


def test_batch_norm_has_keras_defaults() -> None:
    generator, _ = build_models(preset("dcgan", "smoke"))
    norms = [layer for layer in generator.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {(norm.momentum, norm.eps) for norm in norms} == {(0.01, 1e-3)}


@pytest.mark.parametrize(
    ("scheme", "std", "largest"),
    [
        ("normal", 0.02, np.inf),
        ("uniform", 0.02, 0.02 * 3**0.5),
        ("glorot-uniform", (2 / ((128 + 256) * 25)) ** 0.5, (6 / ((128 + 256) * 25)) ** 0.5),
        ("glorot-normal", (2 / ((128 + 256) * 25)) ** 0.5, 2.28 * (2 / ((128 + 256) * 25)) ** 0.5),
    ],
)
def test_initial_weights_have_the_schemes_mean_spread_and_bound(scheme: str, std: float, largest: float) -> None:
    _, judge = build_models(preset("wgan-gp", width=64, initial_weights=scheme))
    layer = judge.body[6]  # 128 -> 256, kernel 5: 819,200 weights
    assert isinstance(layer, SameConv2d)
    weight = layer.weight.detach()
    assert abs(weight.mean()) < 4 * std / weight.numel() ** 0.5
    assert abs(weight.std() / std - 1) < 0.005
    assert weight.abs().max() <= largest
    assert layer.bias is not None
    assert (layer.bias == 0).all()


def test_first_critic_layer_has_no_norm_and_the_discriminators_has() -> None:
    _, critic = build_models(preset("wgan-gp", "smoke"))
    _, discriminator = build_models(preset("dcgan", "smoke"))
    assert sum(isinstance(layer, ChannelNorm) for layer in critic.modules()) == 3
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in discriminator.modules()) == 4


def test_initial_weights_come_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    one, _ = build_models(preset("wgan-gp", "smoke", seed=5))
    torch.manual_seed(2)
    same, _ = build_models(preset("wgan-gp", "smoke", seed=5))
    other, _ = build_models(preset("wgan-gp", "smoke", seed=6))
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)


def test_painting_puts_the_mode_back_and_leaves_the_statistics_alone() -> None:
    config = preset("dcgan", "smoke")
    generator, _ = build_models(config)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    assert generate(generator, torch.randn(2, config.latent_dim)).dtype == np.uint8
    assert generator.training
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_a_device_that_is_not_there_is_told() -> None:
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(ArtganError, match="there is no device 'abacus' on this machine"):
        choose_device("abacus")
