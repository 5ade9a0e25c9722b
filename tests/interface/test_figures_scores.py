from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from artgan_lib.evaluation.memorization import Neighbours
from artgan_lib.interface.figures import BLUE, ORANGE
from artgan_lib.interface.figures_scores import compare_scores, neighbour_sheet, plot_score, score_sheet


def test_a_bar_for_each_and_a_line_for_the_floor(told: Callable[..., dict[str, Any]]) -> None:
    scored = {"one": told(2.0)["scores"]["kid_768"], "two": told(1.0)["scores"]["kid_768"]}
    ax = plot_score(Figure().subplots(), "kid_768", scored)
    assert [bar.get_width() for bar in ax.patches] == [2000.0, 1000.0]
    assert {bar.get_facecolor()[:3] for bar in ax.patches} == {tuple(int(BLUE[i : i + 2], 16) / 255 for i in (1, 3, 5))}
    (floor,) = [line for line in ax.lines if line.get_color() == ORANGE]
    assert floor.get_xdata() == [500, 500]
    assert ax.get_title() == "kid_768 × 1000\nlower is better, real pictures (line): 500.00"
    assert ax.get_ylim() == (1.5, -0.5)  # the first on top
    assert ax.get_xlim()[0] <= 0
    assert ax.get_xlim()[1] > 2000


def test_sheets_show_every_score_and_what_was_scored(told: Callable[..., dict[str, Any]]) -> None:
    images = np.arange(50, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    sheet = score_sheet(told(2.0), images)
    axes = [ax for ax in sheet.axes if ax.get_title()]
    assert [ax.get_title().split("\n")[0].removesuffix(" × 1000") for ax in axes] == list(told(2.0)["scores"])
    paper = {"scores": {"fid_paper": told(2.0)["scores"]["fid_768"]}, "card": told(2.0)["card"]}
    assert len(score_sheet(paper, images).axes) == 2
    several = compare_scores({"one": told(2.0), "two": told(1.0)})
    assert [len(ax.patches) for ax in several.axes] == [2] * 6


def test_neighbours_are_drawn_nearest_first() -> None:
    images = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    found = Neighbours(np.arange(20)[::-1, None], np.arange(20.0)[::-1, None])
    upper, lower = neighbour_sheet(images, images, found).axes
    assert [int(upper.images[0].get_array()[5, 5 + 10 * column, 0]) for column in range(3)] == [19, 18, 17]
    assert [int(lower.images[0].get_array()[5, 5 + 10 * column, 0]) for column in range(3)] == [0, 1, 2]
