"""Samples by recipe: `gan.sampling` for blends."""

from pathlib import Path

import numpy as np
import torch

from artgan_lib import load_generator, preset, sample
from artgan_lib.gan.projected import SkipGenerator
from artgan_lib.studio.recipes import Recipe, numbered
from artgan_lib.studio.sampling import paint_batches, paint_recipes


def test_batches_are_handed_over_one_by_one(model: Path) -> None:
    generator, _ = load_generator(model)
    assert [len(batch) for batch in paint_batches(generator, numbered(0, 35))] == [16, 16, 3]


def test_recipes_of_a_conditional_generator_are_its_samples_and_blends_lie_between() -> None:
    torch.manual_seed(0)
    generator = SkipGenerator(preset("projected", "smoke", width=4, latent_dim=8, classes=("a", "b"))).eval()
    for block in generator.blocks.values():
        torch.nn.init.normal_(block.norm.by_class.weight, 0, 0.5)
    assert np.array_equal(paint_recipes(generator, numbered(3, 20)), sample(generator, 3, 20))
    pure = sample(generator, 3, 8)
    near = paint_recipes(generator, [Recipe(((3, 0, 0.999), (3, 1, 0.001)))])[0].astype(int)
    assert np.abs(near - pure[0]).mean() < np.abs(near - pure[1]).mean()
    styled = paint_recipes(generator, numbered(3, 4), styles={"b": 1.0})
    assert np.array_equal(styled, sample(generator, 3, 4, styles={"b": 1.0}))
