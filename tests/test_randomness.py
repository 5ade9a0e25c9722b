import hashlib

import numpy as np
import torch

from artgan_lib.randomness import latents, step_rng


def test_a_latent_vector_depends_on_its_seed_and_number_alone() -> None:
    many = latents(7, range(100), 16)
    assert np.array_equal(latents(7, [42], 16)[0], many[42])
    assert not np.array_equal(latents(8, [42], 16)[0], many[42])
    assert len({row.tobytes() for row in many}) == 100


def test_latent_vectors_are_standard_normal() -> None:
    draws = latents(0, range(2000), 100)
    assert abs(draws.mean()) < 4 / np.sqrt(draws.size)
    assert abs(draws.std() - 1) < 4 / np.sqrt(2 * draws.size)


def test_latent_vectors_never_change() -> None:
    # A picture's name would mean another picture if they did.
    digest = hashlib.sha256(latents(7, range(4), 128).tobytes()).hexdigest()
    assert digest.startswith("503c64bc8c8a4038")


def test_steps_have_streams_of_their_own() -> None:
    def draw(seed: int, step: int) -> list[float]:
        return torch.rand(4, generator=step_rng(seed, step)).tolist()

    assert draw(0, 5) == draw(0, 5)
    assert draw(0, 5) != draw(0, 6)
    assert draw(0, 5) != draw(1, 5)
