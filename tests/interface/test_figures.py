import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from artgan_lib.interface.figures import BLUE, ORANGE, plot_losses, plot_scores, plot_wasserstein, show_pictures

LOG = pd.DataFrame(
    {
        "images_seen": [1000, 2000],
        "loss_d": [1.0, 2.0],
        "loss_g": [3.0, 4.0],
        "loss_d_mean": [5.0, 6.0],
        "loss_g_mean": [7.0, 8.0],
        "score_real": [9.0, 10.0],
        "score_fake": [11.0, 12.0],
        "wasserstein": [2.5, 1.5],
        "wasserstein_mean": [2.0, 1.0],
    }
)


def test_losses_are_the_papers_fig_3() -> None:
    ax = plot_losses(LOG, Figure().subplots())
    zero, judge, generator = ax.lines
    assert zero.get_linestyle() == "--"
    assert (judge.get_color(), judge.get_ydata().tolist()) == (ORANGE, [1.0, 2.0])
    assert (generator.get_color(), generator.get_ydata().tolist()) == (BLUE, [3.0, 4.0])
    assert judge.get_label() == "critic"
    assert plot_losses(LOG.assign(wasserstein=None), Figure().subplots()).lines[1].get_label() == "discriminator"
    assert judge.get_xdata().tolist() == [1.0, 2.0]
    assert plot_losses(LOG, Figure().subplots(), mean=True).lines[1].get_ydata().tolist() == [5.0, 6.0]


def test_scores_are_the_papers_fig_4() -> None:
    _, real, fake = plot_scores(LOG, Figure().subplots()).lines
    assert (real.get_color(), real.get_ydata().tolist()) == (ORANGE, [9.0, 10.0])
    assert (fake.get_color(), fake.get_ydata().tolist()) == (BLUE, [11.0, 12.0])


def test_wasserstein_starts_at_zero() -> None:
    assert plot_wasserstein(LOG, Figure().subplots()).get_ylim()[0] == 0


def test_pictures_are_shown_pixel_by_pixel() -> None:
    ax = show_pictures(np.zeros((6, 4, 4, 3), np.uint8), Figure().subplots(), columns=3, title="six")
    assert ax.images[0].get_array().shape == (2 * 6 + 2, 3 * 6 + 2, 3)
    assert ax.images[0].get_interpolation() == "nearest"
    assert ax.get_title() == "six"


def test_an_event_of_collapse_is_shaded_over_the_images_it_lasted() -> None:
    from artgan_lib.interface.figures_collapse import plot_signals

    clock = {"epoch": [1, 2, 3, 4], "step": [1, 2, 3, 4], "images_seen": [1000, 2000, 3000, 4000]}
    log = pd.DataFrame(clock | {"diversity": [0.9, 0.1, np.nan, 0.9], "duplicates": [0.0, 0.0, np.nan, 0.0]})
    ax = plot_signals(log, Figure().subplots())
    (shaded,) = [patch for patch in ax.patches if patch.get_label() == "collapsed"]
    assert (shaded.get_x(), shaded.get_x() + shaded.get_width()) == (2, 4)
    assert [line.get_label() for line in ax.lines if len(line.get_xdata()) == 3] == ["diversity", "duplicates"]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.9, 0.1, 0.9])
