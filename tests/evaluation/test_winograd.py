import copy

import pytest
import torch
from torch import nn

from artgan_lib.evaluation import winograd
from artgan_lib.evaluation.winograd import WinogradConv2d, multiply_less


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (35, 13), (3, 4)])
@pytest.mark.parametrize("at_once", [1, 400])
def test_the_layer_is_the_convolution_whatever_the_sides(
    padding: int, height: int, width: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "AT_ONCE", at_once)
    rng = torch.Generator().manual_seed(padding)
    layer = nn.Conv2d(64, 70, 3, padding=padding)
    layer.weight.data = torch.randn(layer.weight.shape, generator=rng)
    x = torch.randn(3, 64, height, width, generator=rng)
    torch.testing.assert_close(WinogradConv2d(layer)(x), layer(x).detach(), rtol=1e-4, atol=5e-4)


def test_layers_that_suit_are_taken_and_no_others() -> None:
    layers = [
        nn.Conv2d(64, 96, 3, padding=1),
        nn.Sequential(nn.Conv2d(96, 64, 3)),
        nn.Conv2d(64, 64, 3, padding=1, groups=64),
        nn.Conv2d(64, 64, 3, 2),
        nn.Conv2d(64, 64, 5, padding=2),
        nn.Conv2d(64, 32, 3),
        nn.Conv2d(64, 64, 3, bias=False),
        nn.Conv2d(64, 64, 3, padding=1, padding_mode="reflect"),
    ]
    network = nn.Sequential(*copy.deepcopy(layers))
    multiply_less(network)
    assert [type(layer) for layer in network] == [WinogradConv2d, nn.Sequential, *[nn.Conv2d] * 6]
    assert isinstance(network[1][0], WinogradConv2d)
