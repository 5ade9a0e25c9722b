"""When a generator has collapsed, and how often: events read from a run's log by a rule that was calibrated.

The signals that the rule looks at are left to `collapse_signals`, taking them while a run goes to `collapse_watch`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CollapseEvent:
    """A stretch of epochs in which the pictures were collapsed."""

    start_epoch: int  # the first epoch in which a signal was beyond its threshold
    end_epoch: int | None  # the first epoch in which all were back; None where the log ends before
    signal: str  # of those that started it, the one furthest beyond its threshold
    value: float  # of that signal at the start
    threshold: float
    start_images: int  # images seen by the end of the first epoch
    end_images: int | None

    def length(self, epochs: int) -> int:
        """Return how many epochs it lasted in a run of so many."""
        return (self.end_epoch if self.end_epoch is not None else epochs + 1) - self.start_epoch


class Frequency(NamedTuple):
    """How often a run collapsed, as the paper's Table 3 tells it."""

    events: int
    epochs: int
    every: float | None  # epochs an event; None without one
    text: str  # "every 50 epochs", or "none in 125 epochs"


class Share(NamedTuple):
    """How many of several runs collapsed, with a 95 % Wilson interval."""

    collapsed: int
    runs: int
    low: float
    high: float
    text: str  # "2 of 3 (21 % to 94 %)"


def collapse_events(log: "pd.DataFrame | Path | str") -> list[CollapseEvent]:
    """Read the events from a run's log, in order.

    Args:
        log: From `read_log`, or the path of one; a run trained with `CollapseWatch`.

    Raises:
        ArtganError: If the log holds no signals of collapse.
    """
    raise NotImplementedError


def collapse_frequency(events: Sequence[CollapseEvent], epochs: int) -> Frequency:
    """Return how often a run of so many epochs collapsed: one event in `epochs / events`."""
    raise NotImplementedError


def collapsed_of(runs: "Iterable[pd.DataFrame | Path | str]") -> Share:
    """Return how many of several runs collapsed at least once.

    Args:
        runs: Their logs, or folders or log files of runs.

    Raises:
        ArtganError: If there is no run, or a log holds no signals of collapse.
    """
    raise NotImplementedError
