"""Draws the committed survey of real paintings again, from numbers alone: no painting is needed, and none is shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from artgan_lib.interface.figures import save_figure
from artgan_lib.interface.survey_page import draw_survey
from artgan_lib.runlog import write_atomic

if TYPE_CHECKING:
    from artgan_lib.data.survey import Survey

SURVEY = Path("data/results/survey_paintings256")
SHOWN = ["style", "split", "width", "height", "brightness", "colourfulness", "edges", "kept"]


def draw_committed_survey(root: Path, folder: Path) -> Iterator[Path]:
    """Draw the page of the 1,588 paintings."""
    figure = draw_survey(read_numbers(root / SURVEY), Figure(figsize=(16, 9), layout="constrained"), "real paintings")
    yield save_figure(figure, folder / "survey_paintings256.png")


def write_numbers(survey: "Survey", folder: Path) -> list[Path]:
    """Write what the page shows of a survey, without the names of files."""
    tables = {
        "pictures": survey.pictures[SHOWN].round(4),
        "palettes": survey.palettes,
        "duplicates": survey.duplicates[["distance", "across"]],
    }
    written = [
        write_atomic(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
        for name, table in tables.items()
    ]
    return [*written, write_atomic(folder / "likeness.csv", survey.likeness.round(3).to_csv(lineterminator="\n"))]


def read_numbers(folder: Path) -> "Survey":
    """Read what `write_numbers` wrote."""
    import pandas as pd

    from artgan_lib.data.survey import Survey

    tables = {name: pd.read_csv(folder / f"{name}.csv") for name in ("pictures", "palettes", "duplicates")}
    likeness = pd.read_csv(folder / "likeness.csv", index_col=0)
    return Survey(tables["pictures"], tables["palettes"], likeness, tables["duplicates"], pd.DataFrame())
