from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from artgan_lib import ArtganError, read_log, synthetic_paintings
from artgan_lib.evaluation.features import load_extractor
from artgan_lib.experiments import ablation
from artgan_lib.experiments.ablation import SCHEMES, Variety, plan_ablation, run_ablation
from artgan_lib.experiments.ablation_results import kernel_scorer, measures, read_ablation, score_ablation, verdict
from artgan_lib.gan.checkpoints import differences
from artgan_lib.gan.updates import build_networks


def test_runs_of_a_seed_differ_in_their_initial_weights_alone() -> None:
    plan = plan_ablation("dcgan", range(3), 4_900)
    assert len({planned.name for planned in plan}) == 12
    assert [planned.seed for planned in plan[:5]] == [0, 0, 0, 0, 1]  # a plan cut short is balanced
    first = plan[0].config
    assert first.total_steps * first.batch_size == 4_800
    for planned in plan[1:4]:
        changed = differences(first.to_dict(), planned.config)
        assert [change.split()[0] for change in changed] == ["initial_weights"]


def test_a_plan_of_less_than_an_epoch_is_refused() -> None:
    with pytest.raises(ArtganError, match="at least one epoch of 1,600 images, not 1,000"):
        plan_ablation(images=1_000)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"width": 2, "batch_size": 4, "images_per_epoch": 7, "lr": 4e-4, "latent_dim": 4}
    monkeypatch.setattr(ablation, "QUARTER", sizes)
    monkeypatch.setattr(ablation, "PICTURES", 16)


@pytest.mark.usefixtures("small")
def test_an_ablation_is_run_scored_and_read_and_goes_on(pictures: np.ndarray, tmp_path: Path) -> None:
    plan = plan_ablation("dcgan", range(1), 16)
    real, others = np.split(synthetic_paintings(150, seed=4)[0], [70])
    extractor = load_extractor("random-projection", "64")

    score = kernel_scorer(real, others, extractor, "synthetic")
    looking = {"callbacks": lambda planned: [Variety(planned.config, pictures)]}
    done = [planned.scheme for planned, _ in run_ablation(plan[:2], pictures, tmp_path, device="cpu", **looking)]
    assert done == list(SCHEMES[:2])
    with pytest.raises(ArtganError, match="dcgan_normal_seed0 is not done"):
        list(score_ablation(plan, tmp_path, 66, score))
    done = [planned.scheme for planned, _ in run_ablation(plan, pictures, tmp_path, device="cpu", **looking)]
    assert done == list(SCHEMES[2:])  # the others were done
    assert len(list(score_ablation(plan, tmp_path, 66, score))) == 4
    assert not list(score_ablation(plan, tmp_path, 66, score))
    table = read_ablation(tmp_path)
    assert table.scheme.tolist() == list(SCHEMES)
    assert (table.images_seen == 16).all()
    assert {"kernel_distance_random_projection_64", "recall", "vendi_ratio", "score gap"} <= set(measures(table))
    assert table["kernel_distance_random_projection_64, floor"].nunique() == 1
    log = read_log(tmp_path / plan[0].name / "log.jsonl")
    assert table["loss_g_mean"][0] == pytest.approx(log.loss_g_mean.iloc[-1])  # a quarter of two epochs is the last
    with pytest.raises(ArtganError, match="fewer than two seeds"):
        verdict(table, "loss_g_mean")


@pytest.mark.usefixtures("small")
def test_a_generator_that_paints_one_picture_counts_as_one(pictures: np.ndarray) -> None:
    config = plan_ablation("dcgan", range(1), 16)[0].config
    networks = build_networks(config, torch.device("cpu"))
    variety = Variety(config, pictures)
    with torch.no_grad():
        networks.generator.head.weight.zero_()
    assert 1 < variety.real <= 16
    assert variety.on_epoch({}, networks)["vendi_ratio"] == pytest.approx(1 / variety.real)


def table_of(values: list[list[float]]) -> pd.DataFrame:
    rows = [
        {"scheme": scheme, "seed": seed, "measure": value}
        for seed, row in enumerate(values)
        for scheme, value in zip(SCHEMES, row, strict=True)
    ]
    return pd.DataFrame(rows)


def test_an_effect_that_every_seed_shows_has_the_smallest_p_there_is() -> None:
    found = verdict(table_of([[1, 2, 3, 4], [11, 12, 13, 14], [6, 7, 8, 9]]), "measure")
    # Only shuffles that put the three seeds in one and the same order keep the means as far apart: 24 of 24^3.
    assert found.p == pytest.approx(24 / 24**3)
    assert found.means == {"glorot-uniform": 6, "glorot-normal": 7, "normal": 8, "uniform": 9}
    assert found.between == pytest.approx(np.std([6, 7, 8, 9], ddof=1))
    assert found.within == pytest.approx(5.0)  # 1, 11, 6 and so on: sample standard deviation 5
    assert found.seeds == 3


def test_seeds_that_contradict_one_another_show_nothing() -> None:
    assert verdict(table_of([[1, 2, 3, 4], [4, 3, 2, 1]]), "measure").p == 1
