"""DiffAugment against closed forms: each policy by numbers that are known by hand."""

import pytest
import torch

from artgan_lib.gan.augment import UNIFORMS, cut_out, diffaugment, jitter_color, translate

MIDDLE = torch.full((1, UNIFORMS), 0.5)


def drawn(**values: float) -> torch.Tensor:
    names = ("brightness", "saturation", "contrast", "down", "right", "row", "column")
    return torch.tensor([[values.get(name, 0.5) for name in names]])


def images(side: int = 16) -> torch.Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1


def test_the_middle_of_every_range_leaves_colours_and_place_alone() -> None:
    x = images()
    torch.testing.assert_close(jitter_color(x, MIDDLE), x)
    torch.testing.assert_close(translate(x, MIDDLE.double()), x)


def test_brightness_adds_and_contrast_scales_about_the_mean() -> None:
    x = images()
    torch.testing.assert_close(jitter_color(x, drawn(brightness=0.75)), x + 0.25)
    torch.testing.assert_close(jitter_color(x, drawn(contrast=0.0)), x.mean() + (x - x.mean()) / 2)


def test_no_saturation_is_grey_and_twice_the_saturation_doubles_what_is_not() -> None:
    x = images()
    grey = x.mean(1, keepdim=True)
    torch.testing.assert_close(jitter_color(x, drawn(saturation=0.0)), grey.expand_as(x))
    torch.testing.assert_close(jitter_color(x, drawn(saturation=1.0)), grey + 2 * (x - grey))


@pytest.mark.parametrize(("uniform", "offset"), [(0.0, -2), (0.199, -2), (0.2, -1), (0.5, 0), (0.999, 2)])
def test_translation_shifts_by_whole_pixels_up_to_an_eighth_and_uncovers_zeros(uniform: float, offset: int) -> None:
    x = images(16)
    shifted = translate(x, drawn(down=uniform).double())
    expected = torch.zeros_like(x)
    if offset >= 0:
        expected[:, :, offset:] = x[:, :, : 16 - offset]
    else:
        expected[:, :, :offset] = x[:, :, -offset:]
    assert torch.equal(shifted, expected)
    assert torch.equal(translate(x.mT, drawn(right=uniform).double()), expected.mT)


@pytest.mark.parametrize(("row", "column", "blank"), [(0.5, 0.5, 64), (0.0, 0.5, 32), (0.0, 0.999, 16)])
def test_cutout_blanks_a_square_of_half_the_side_as_far_as_it_lies_inside(
    row: float, column: float, blank: int
) -> None:
    x = torch.ones(1, 3, 16, 16)
    cut = cut_out(x, drawn(row=row, column=column))
    assert int((cut == 0).all(1).sum()) == blank
    assert set(cut.unique().tolist()) == {0.0, 1.0}


def test_the_centre_of_cutout_is_spread_evenly_and_expected_area_is_known() -> None:
    # A square of 8 whose start is uniform in -4 to 12 covers 8, 4 at the ends, on average (8 * 9 + 2 * (4+5+6+7)) / 17.
    uniforms = torch.full((17, UNIFORMS), 0.5)
    uniforms[:, 5] = (torch.arange(17) + 0.5) / 17
    rows = (cut_out(torch.ones(17, 3, 16, 16), uniforms) == 0).any(3)[:, 0].sum(1)
    assert rows.double().mean().item() == pytest.approx((8 * 9 + 2 * (4 + 5 + 6 + 7)) / 17)


def test_each_image_is_augmented_by_its_own_numbers_and_gradients_flow() -> None:
    rng = torch.Generator().manual_seed(1)
    x = torch.rand(3, 3, 16, 16, generator=rng, dtype=torch.float64).requires_grad_()
    uniforms = torch.rand(3, UNIFORMS, generator=rng, dtype=torch.float64)
    policies = ("color", "translation", "cutout")
    together = diffaugment(x, uniforms, policies)
    alone = [diffaugment(x[i : i + 1], uniforms[i : i + 1], policies) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone))
    (gradient,) = torch.autograd.grad(together.square().sum(), x)
    assert (gradient.abs().sum((1, 2, 3)) > 0).all()
    assert torch.autograd.gradcheck(
        lambda y: diffaugment(y, uniforms[:1], policies), x[:1, :, :4, :4].detach().requires_grad_()
    )


def test_no_policy_is_the_identity() -> None:
    x = images()
    assert diffaugment(x, MIDDLE, ()) is x
