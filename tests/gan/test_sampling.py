"""Samples are named by seed and index, with a class each where the generator knows classes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from artgan_lib import ArtganError, load_generator, preset, sample
from artgan_lib.gan.projected import SkipGenerator
from artgan_lib.gan.sampling import MICRO_BATCH, class_weights

STYLES = ("baroque", "cubism", "ukiyo_e")


@pytest.fixture(scope="module")
def conditional() -> SkipGenerator:
    torch.manual_seed(0)
    generator = SkipGenerator(preset("projected", "smoke", width=4, latent_dim=8, classes=STYLES)).eval()
    generator.class_counts.copy_(torch.tensor([700.0, 200.0, 100.0]))
    for block in generator.blocks.values():  # a trained generator tells its classes apart
        torch.nn.init.normal_(block.norm.by_class.weight, 0, 0.5)
    return generator


@pytest.mark.parametrize("count", [1, 3, MICRO_BATCH, MICRO_BATCH + 1, 40])
def test_same_seed_same_image_whatever_the_count(count: int, model: Path) -> None:
    generator, _ = load_generator(model)
    assert np.array_equal(sample(generator, 7, count), sample(generator, 7, 50)[:count])


@pytest.mark.parametrize("start", [1, 15, 16, 33])
def test_images_can_be_asked_for_by_index(start: int, model: Path) -> None:
    generator, _ = load_generator(model)
    assert np.array_equal(sample(generator, 7, 5, start=start), sample(generator, 7, 50)[start : start + 5])


def test_seeds_and_indices_give_different_images(model: Path) -> None:
    generator, _ = load_generator(model)
    both = np.concatenate([sample(generator, 7, 20), sample(generator, 8, 20)])
    assert both.shape == (40, 64, 64, 3)
    assert len({image.tobytes() for image in both}) == 40


def test_classes_are_drawn_as_often_as_they_occur_in_training(conditional: SkipGenerator) -> None:
    weights = class_weights(conditional, 3, range(2000))
    assert weights is not None
    assert set(np.unique(weights)) == {0.0, 1.0}
    np.testing.assert_allclose(weights.mean(0), [0.7, 0.2, 0.1], atol=0.03)
    assert np.array_equal(weights[10:20], class_weights(conditional, 3, range(10, 20)))


def test_a_style_changes_the_image_and_not_its_latent_vector(conditional: SkipGenerator) -> None:
    either = [sample(conditional, 7, 4, styles={style: 1.0}) for style in STYLES]
    assert not np.array_equal(either[0], either[1])
    drawn = class_weights(conditional, 7, range(4))
    assert drawn is not None
    free = sample(conditional, 7, 4)
    for index, style in enumerate(drawn.argmax(1)):
        assert np.array_equal(free[index], either[style][index])


def test_styles_mix_by_their_weights(conditional: SkipGenerator) -> None:
    weights = class_weights(conditional, 0, [5, 6], {"baroque": 3.0, "ukiyo_e": 1.0})
    np.testing.assert_allclose(weights, [[0.75, 0, 0.25]] * 2)


def test_unknown_styles_and_weights_are_refused(conditional: SkipGenerator, model: Path) -> None:
    with pytest.raises(ArtganError, match="knows no style 'rococo': its styles are baroque, cubism, ukiyo_e"):
        sample(conditional, 0, 1, styles={"rococo": 1.0})
    with pytest.raises(ArtganError, match="must be positive, not -1"):
        sample(conditional, 0, 1, styles={"cubism": -1.0})
    with pytest.raises(ArtganError, match="trained without styles"):
        sample(load_generator(model)[0], 0, 1, styles={"cubism": 1.0})
