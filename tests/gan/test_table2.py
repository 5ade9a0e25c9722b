"""Walks the paper's Table 2 pair by pair: every pair of its values occurs in some config that takes a step."""

from typing import Any

import numpy as np
import pytest
import torch
from allpairspy import AllPairs

from artgan_lib import ArtganError, TrainConfig
from artgan_lib.gan.updates import build_networks, draw_batch, update_in_turn, update_together

TABLE2: dict[str, list[Any]] = {
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
    "judge_normalization": ["none", "batch", "layer"],
    "kernel_size": [3, 4, 5],
    "gradient_correction": ["none", "clip-norm", "penalty", "clip-weights"],  # the last is ours
    "judge_updates": [1, 5],
    "initial_weights": ["glorot-uniform", "glorot-normal", "normal", "uniform"],
    "biases": [False, True],
}
ROWS = [dict(zip(TABLE2, row, strict=True)) for row in AllPairs(list(TABLE2.values()))]


def test_the_walk_meets_every_pair() -> None:
    names = list(TABLE2)
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            met = {(row[one], row[other]) for row in ROWS}
            assert met == {(a, b) for a in TABLE2[one] for b in TABLE2[other]}, (one, other)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_takes_a_step_or_is_refused_with_the_reason(row: dict[str, Any]) -> None:
    if row["gradient_correction"] == "penalty" and row["judge_normalization"] == "batch":
        with pytest.raises(ArtganError, match="needs a judge that scores each picture by itself"):
            TrainConfig(width=4, **row)
        return
    config = TrainConfig(width=4, **row)
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    networks = build_networks(config, torch.device("cpu"))
    before = [parameter.clone() for network in networks[:2] for parameter in network.parameters()]
    update = update_together if config.judge_updates == 1 else update_in_turn
    values = update(config, networks, draw_batch(config, images, 0, torch.device("cpu")))
    assert torch.isfinite(values[:4]).all()
    after = [parameter for network in networks[:2] for parameter in network.parameters()]
    assert all(torch.isfinite(parameter).all() for parameter in after)
    moved = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert any(moved[: len(list(networks.generator.parameters()))])
    assert any(moved[len(list(networks.generator.parameters())) :])
