"""Rows of the paper's Table 3 that every run can fill, and how a field is made of several runs.

Which runs share a column, and the rows of scores, are left to `compare`.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from artgan_lib.config import TrainConfig
from artgan_lib.evaluation.collapse.rule import collapse_frequency, collapsed_of
from artgan_lib.evaluation.records import RunRecord

NOT_MEASURED, NOT_WATCHED, NONE = "not measured here", "not watched", "–"


class Cell(NamedTuple):
    """What stands in a field of the table."""

    text: str
    value: float | None = None  # mean over the runs
    sd: float | None = None  # over the runs, where there are several
    runs: int = 0
    floor: float | None = None


class Quantity(NamedTuple):
    """A row that every run can fill."""

    name: str
    paper: Callable[[dict[str, str], TrainConfig], Cell]
    here: Callable[[Sequence[RunRecord]], Cell]
    comparable: str
    why: str


def _number(value: float | None, form: str = ",.0f") -> Cell:
    return Cell(NONE) if value is None else Cell(format(value, form), value)


def over(values: Iterable[float | None], form: str = ",.0f", floors: Iterable[float] = ()) -> Cell:
    """Return the mean over runs, with its spread where there are several."""
    found = [value for value in values if value is not None and math.isfinite(value)]
    if not found:
        return Cell(NOT_MEASURED)
    mean, floor = statistics.fmean(found), statistics.fmean(floors) if (floors := list(floors)) else None
    sd = statistics.stdev(found) if len(found) > 1 else None
    text = _written(mean, form)
    if sd is not None:
        text += f" ± {_written(sd, form)}" if sd > 0 else ""
        text += f" (n = {len(found)})"
    return Cell(text + (f", floor {_written(floor, form)}" if floor is not None else ""), mean, sd, len(found), floor)


def _written(value: float, form: str) -> str:
    """Write a number; what rounds to nought has no sign."""
    text = format(value, form)
    return text if float(text.replace(",", "")) else text.lstrip("-")


def _last(key: str, divisor: float = 1) -> Callable[[Sequence[RunRecord]], Cell]:
    return lambda runs: over(float(run.log[key].iloc[-1]) / divisor for run in runs)


def _collapsed(runs: Sequence[RunRecord]) -> Cell:
    found = [run.events for run in runs]
    if any(events is None for events in found):
        return Cell(NOT_WATCHED)
    count = sum(bool(events) for events in found)
    if len(runs) == 1:
        return Cell("yes" if count else "no", float(count), None, 1)
    return Cell(collapsed_of([run.log for run in runs]).text, count / len(runs), None, len(runs))


def _collapse_every(runs: Sequence[RunRecord]) -> Cell:
    found = [run.events for run in runs]
    events = [event for several in found for event in several or ()]
    if any(several is None for several in found):
        return Cell(NOT_WATCHED)
    frequency = collapse_frequency(events, sum(len(run.log) for run in runs))
    return Cell(frequency.text, frequency.every, None, len(runs))


QUANTITIES = (
    Quantity(
        "epochs",
        lambda paper, config: _number(float(paper["length of training"])),
        _last("epoch"),
        "no",
        "an epoch is 60,000 pictures in the paper, and as many as a run was set to here; read the images seen",
    ),
    Quantity(
        "images an epoch",
        lambda paper, config: _number(config.steps_per_epoch * config.batch_size),
        lambda runs: over(run.config.steps_per_epoch * run.config.batch_size for run in runs),
        "yes",
        "the paper's by its code, which draws one batch more than fit into the set",
    ),
    Quantity(
        "images seen",
        lambda paper, config: _number(int(paper["length of training"]) * config.steps_per_epoch * config.batch_size),
        _last("images_seen"),
        "yes",
        "generator updates × batch; the paper's follow from its epochs and batch",
    ),
    Quantity(
        "generator updates",
        lambda paper, config: _number(int(paper["length of training"]) * config.steps_per_epoch),
        _last("step"),
        "yes",
        "the paper's follow from its epochs and batch",
    ),
    Quantity(
        "base width",
        lambda paper, config: _number(config.width),
        lambda runs: over(run.config.width for run in runs),
        "yes",
        "channels nearest the picture; scores of networks of two sizes tell of their sizes, too",
    ),
    Quantity(
        "training time, min",
        lambda paper, config: Cell(f"about {paper['training time']}", float(paper["training time"])),
        _last("seconds", 60),
        "no",
        "other machines, other widths, and other work beside it",
    ),
    Quantity(
        "time an epoch, s",
        lambda paper, config: _number(float(paper["time an epoch"])),
        lambda runs: over((float(run.log["seconds"].iloc[-1]) / len(run.log) for run in runs), ",.1f"),
        "no",
        "other machines, and other epochs",
    ),
    Quantity(
        "mode collapse",
        lambda paper, config: Cell(paper["mode collapse"]),
        _collapsed,
        "in part",
        "the paper's by eye; here by a written rule that reads the log, over as many images as stand above",
    ),
    Quantity(
        "collapses",
        lambda paper, config: Cell(
            f"every {paper['collapse about every']} epochs" if paper["collapse about every"] else NONE
        ),
        _collapse_every,
        "in part",
        "as above, and epochs differ in length",
    ),
)
"""Rows of the table that need no scores, in its order."""
