import numpy as np
from matplotlib.figure import Figure

from artgan_lib.interface.figures import BLUE
from artgan_lib.interface.figures_campaign import plot_curves, show_progress

CURVE = {
    "card": {"name": "fid_768", "kernel_name": "kid_768"},
    "points": [
        {"step": 10, "images_seen": 20_000, "kind": "average", "kid_768": 0.3, "fid_768": 2.0},
        {"step": 10, "images_seen": 20_000, "kind": "newest", "kid_768": 0.4, "fid_768": 3.0},
        {"step": 20, "images_seen": 40_000, "kind": "average", "kid_768": 0.2, "fid_768": 1.5},
    ],
}


def test_scores_are_drawn_against_thousands_of_images() -> None:
    average, newest, floor = plot_curves({"wgan-gp": CURVE}, Figure().subplots(), "kid_768", floor=0.01).lines
    assert (average.get_xdata().tolist(), average.get_ydata().tolist()) == ([20, 40], [0.3, 0.2])
    assert (newest.get_xdata().tolist(), newest.get_ydata().tolist()) == ([20], [0.4])
    assert (average.get_color(), average.get_linestyle(), newest.get_linestyle()) == (BLUE, "-", ":")
    assert list(floor.get_ydata()) == [0.01, 0.01]
    assert average.axes.get_ylabel() == "kid_768 (lower is better)"
    assert plot_curves({"wgan-gp": CURVE}, Figure().subplots(), "fid_768").get_ylabel().startswith("fid_768")


def test_progress_shows_a_row_a_moment() -> None:
    ax = show_progress(np.zeros((3, 5, 4, 4, 3), np.uint8), [1000, 2000, 30_000], Figure().subplots(), "dcgan")
    assert ax.images[0].get_array().shape == (3 * 6 + 2, 5 * 6 + 2, 3)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "2", "30"]
    assert ax.get_yticks().tolist() == [4, 10, 16]
