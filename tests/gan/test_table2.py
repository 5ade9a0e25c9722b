"""Walks the paper's Table 2 pair by pair: every pair of its values occurs in some config that takes a step."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from allpairspy import AllPairs

from artgan_lib import ArtganError, TrainConfig
from artgan_lib.gan.updates import build_networks, draw_batch, update_in_turn, update_together

TABLE2: dict[str, list[Any]] = {
    "gradient_correction": ["none", "clip-norm", "penalty", "clip-weights"],  # the last is ours
    "judge_normalization": ["none", "batch", "layer"],
    "latent_dim": [100, 128, 256],
    "lr": [1e-3, 2e-4, 1e-4, 1e-5],
    "batch_size": [64, 128, 256],
    "loss": ["bce", "wasserstein"],
    "generator_activation": ["linear", "relu", "leaky-relu", "tanh"],
    "judge_activation": ["linear", "relu", "leaky-relu", "tanh"],
    "optimizer": ["sgd", "adam"],
    "beta1": [0.0, 0.5],
    "beta2": [0.9, 0.999],
    "fully_connected": [False, True],
    "judge_head": ["conv-1", "conv-wide", "flatten"],
    "generator_normalization": ["none", "batch", "layer"],
    "kernel_size": [3, 4, 5],
    "judge_updates": [1, 5],
    "initial_weights": ["glorot-uniform", "glorot-normal", "normal", "uniform"],
    "biases": [False, True],
}
NAMES = list(TABLE2)
REFUSED = {"gradient_correction": "penalty", "judge_normalization": "batch"}  # the only pair


def possible(values: list[Any]) -> bool:
    row = dict(zip(NAMES, values, strict=False))
    return any(name not in row or row[name] != value for name, value in REFUSED.items())


def missing(rows: list[dict[str, Any]]) -> set[tuple[str, Any, str, Any]]:
    pairs = set()
    for one, other in itertools.combinations(NAMES, 2):
        every = set(itertools.product(TABLE2[one], TABLE2[other]))
        pairs |= {(one, a, other, b) for a, b in every - {(row[one], row[other]) for row in rows}}
    return pairs - {("gradient_correction", "penalty", "judge_normalization", "batch")}


ROWS = [dict(zip(NAMES, row, strict=True)) for row in AllPairs(list(TABLE2.values()), filter_func=possible)]
while left := sorted(missing(ROWS), key=str):  # allpairspy leaves a few out where a pair is impossible
    one, a, other, b = left[0]
    ROWS.append(ROWS[0] | {one: a, other: b})


def test_the_walk_meets_every_pair_but_the_one_that_is_refused() -> None:
    assert not missing(ROWS)
    assert len(ROWS) < 60
    with pytest.raises(ArtganError, match="needs a judge that scores each picture by itself"):
        TrainConfig(**REFUSED)


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_a_row_takes_a_step(row: dict[str, Any]) -> None:
    config = TrainConfig(width=4, **row)
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    networks = build_networks(config, torch.device("cpu"))
    update = update_together if config.judge_updates == 1 else update_in_turn
    values = update(config, networks, draw_batch(config, images, 0, torch.device("cpu")))
    assert torch.isfinite(values[:4]).all()
    for network in networks[:2]:
        assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
        assert any(parameter.grad.abs().max() > 0 for parameter in network.parameters())
