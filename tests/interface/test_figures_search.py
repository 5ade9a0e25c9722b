"""The figure of a search: every scored trial is drawn, as what it was."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from artgan_lib.interface.figures_search import plot_importances, plot_trials

TRIALS = pd.DataFrame(
    {
        "trial": [0, 1, 2, 3],
        "outcome": ["done", "behind the others", "refused", "done"],
        "last_kernel": [2.0, 3.0, None, 1.0],
        "loss": ["bce", "bce", "bce", "wasserstein"],
    }
)


def test_trials_are_drawn_by_loss_and_by_how_they_ended() -> None:
    ax = plot_trials(TRIALS, Figure().subplots())
    drawn = {str(part.get_label()): part.get_offsets().tolist() for part in ax.collections}
    assert drawn == {"cross-entropy": [[0, 2]], "cross-entropy, cut off": [[1, 3]], "Wasserstein": [[3, 1]]}


def test_importances_stand_beside_what_chance_makes_of_them() -> None:
    ax = plot_importances({"lr": 0.7, "beta1": 0.3}, Figure().subplots(), chance=0.4)
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.7, 0.3])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["lr", "beta1"]
    assert ax.lines[0].get_xdata() == [0.4, 0.4]
