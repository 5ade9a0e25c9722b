import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from artgan_lib.experiments.ablation import SCHEMES
from artgan_lib.interface.figures import BLUE, ORANGE
from artgan_lib.interface.figures_ablation import plot_over_training, plot_paired
from artgan_lib.interface.figures_losses import (
    UNDECIDED,
    plot_as_paper,
    plot_distance,
    plot_held_out,
    plot_loss_means,
    plot_mean,
    reference_sheet,
)


def log_of(critic: bool = True) -> pd.DataFrame:
    """Two epochs; last batches lie 3 and 4 above the epochs' means."""
    log = pd.DataFrame({"epoch": [1, 2], "images_seen": [1000, 2000]})
    for key, start in (
        ("loss_d", 1.0),
        ("loss_g", 5.0),
        ("score_real", 9.0),
        ("score_fake", 2.0),
        ("wasserstein", 7.0),
    ):
        log[f"{key}_mean"] = [start, start + 1]
        log[key] = [start + 3, start + 5]
    log["score_seen"], log["score_held_out"] = [10.0, 10.0], [10.0, 6.0]
    log["wasserstein_seen"], log["wasserstein_held_out"] = [8.0, 8.0], [8.0, 4.0]
    if not critic:
        log[["wasserstein", "wasserstein_mean", "wasserstein_seen", "wasserstein_held_out"]] = None
    return log


def test_the_papers_look_is_last_batches_by_epoch_twice_as_wide_as_high() -> None:
    ax = plot_as_paper(log_of(), Figure().subplots())
    judge, generator, zero = ax.lines
    assert (judge.get_color(), judge.get_ydata().tolist()) == (ORANGE, [4.0, 6.0])
    assert (generator.get_color(), generator.get_ydata().tolist()) == (BLUE, [8.0, 10.0])
    assert judge.get_xdata().tolist() == [1, 2]
    assert zero.get_linestyle() == "--"
    assert ax.get_box_aspect() == 0.5
    assert plot_as_paper(log_of(), Figure().subplots(), "scores").lines[1].get_ydata().tolist() == [5.0, 7.0]


def test_a_band_is_how_far_single_batches_stray_from_the_mean() -> None:
    ax = plot_mean(log_of(), Figure().subplots(), "loss_d", ORANGE)
    assert ax.lines[0].get_ydata().tolist() == [1.0, 2.0]
    width = ((3**2 + 4**2) / 2) ** 0.5
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (pytest.approx(1 - width), pytest.approx(2 + width))


def test_the_dashed_line_is_nought_for_a_critic_and_undecided_for_a_discriminator() -> None:
    assert plot_loss_means(log_of(), Figure().subplots()).lines[-1].get_ydata()[0] == 0
    line = plot_loss_means(log_of(critic=False), Figure().subplots()).lines[-1]
    assert line.get_ydata()[0] == UNDECIDED == pytest.approx(1.386, abs=1e-3)


def test_the_share_known_by_heart_is_of_what_lies_between_paintings_and_forgeries() -> None:
    assert plot_held_out(log_of(), Figure().subplots()).lines[1].get_ydata().tolist() == [0.0, 0.5]
    # A discriminator has no distance: 10 for seen, 3 for generated ones at the end, 6 for held-out ones.
    found = plot_held_out(log_of(critic=False), Figure().subplots()).lines[1].get_ydata()
    np.testing.assert_allclose(found, [0, 4 / 7])


def test_distances_of_both_kinds_are_drawn_where_the_log_has_them() -> None:
    assert plot_distance(log_of(), Figure().subplots()).lines[1].get_ydata().tolist() == [8.0, 4.0]
    assert len(plot_distance(log_of().drop(columns="wasserstein_held_out"), Figure().subplots()).lines) == 1


@pytest.mark.parametrize("critic", [True, False])
def test_a_sheet_has_a_column_for_each_run(critic: bool) -> None:
    figure = reference_sheet({"one": log_of(critic), "two": log_of(critic)}, Figure())
    assert [ax.get_title() for ax in figure.axes[:2]] == ["one", "two"]
    assert len(figure.axes) == 6
    labels = [figure.axes[place].get_ylabel() for place in (0, 2, 4)]
    pictures = dict.fromkeys(("one", "two"), np.zeros((4, 4, 3), np.uint8))
    assert len(reference_sheet({"one": log_of(critic), "two": log_of(critic)}, Figure(), pictures).axes) == 8
    assert labels == ["loss", "Wasserstein estimate" if critic else "score", "known by heart, share"]


def test_runs_of_a_seed_are_joined_and_schemes_stand_in_their_order() -> None:
    rows = [
        {"scheme": s, "seed": seed, "kid": 10 * seed + i, "kid, floor": 0.5}
        for seed in (0, 1)
        for i, s in enumerate(SCHEMES)
    ]
    ax = plot_paired(pd.DataFrame(rows), "kid", Figure().subplots())
    first, second, floor = ax.lines
    assert (first.get_ydata().tolist(), second.get_ydata().tolist()) == ([0, 1, 2, 3], [10, 11, 12, 13])
    assert floor.get_ydata()[0] == 0.5
    assert [text.get_text() for text in ax.get_xticklabels()] == [
        "glorot\nuniform",
        "glorot\nnormal",
        "normal",
        "uniform",
    ]


def test_training_is_drawn_as_the_mean_over_seeds_in_their_range() -> None:
    logs = [
        pd.DataFrame({"images_seen": [1000, 2000, 3000][:n], "x": [v, v + 1, v + 2][:n]})
        for n, v in ((3, 0.0), (2, 4.0))
    ]
    ax = plot_over_training({"normal": logs}, "x", Figure().subplots(), "share")
    assert ax.lines[0].get_ydata().tolist() == [2.0, 3.0]
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (0, 5)
