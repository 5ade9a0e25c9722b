"""When a generator has collapsed, and how often: events read from a run's log by a rule that was calibrated.

The rule, an epoch at a time, on the signals of `signals`:

1. Four signals are held against their thresholds: `diversity`, `pairwise` and `style_entropy` (where there are labels)
   are alarming below theirs, `duplicates` above its own.
2. An event starts with the first epoch in which one of them is beyond its threshold. It ends with the first epoch in
   which all are back by a quarter of the way from the threshold to what real pictures have, so that a signal that
   trembles about its threshold makes one event.
3. A young generator is not varied yet. The rule wakes when all signals have been in order once, or after `WARM_UP`
   updates; a run that has not become varied by then begins with an event.
4. Saturation of the judge starts no event: a judge may be sure of itself while the pictures are varied, and unsure
   while they are not. It is logged, and decides which advice is given.

The thresholds are those under which no healthy sampler of the calibrating half raises an alarm
(`reproduction/collapse_calibration.py`; a test holds them to its results). Taking signals while a run goes is left to
`watch`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from artgan_lib.errors import ArtganError
from artgan_lib.runlog import read_records

if TYPE_CHECKING:
    import pandas as pd

THRESHOLDS: dict[str, float] = {"diversity": 0.33, "pairwise": 0.51, "duplicates": 0.72, "style_entropy": 0.56}
"""Where each signal becomes alarming; what `reproduction/collapse_calibration.py` found."""

WARM_UP = 2000
"""Generator updates after which the rule wakes in any case; narrow DCGANs took over 1,000 to become varied."""

_REAL = {"diversity": 1.0, "pairwise": 1.0, "duplicates": 0.0, "style_entropy": 1.0}
_BACK = 0.25  # of the way from the threshold to what real pictures have


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
    varied_before: bool = True  # False: the run had not become varied yet

    def length(self, epochs: int) -> int:
        """Return how many epochs it lasted in a run of so many."""
        return (epochs + 1 if self.end_epoch is None else self.end_epoch) - self.start_epoch


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


class CollapseRule:
    """The rule, fed one epoch after the other.

    Args:
        thresholds: Of each signal.
        warm_up: Generator updates after which it wakes in any case.
    """

    def __init__(self, thresholds: Mapping[str, float] = THRESHOLDS, warm_up: int = WARM_UP) -> None:
        self.thresholds, self.warm_up = dict(thresholds), warm_up
        self.events: list[CollapseEvent] = []
        self.awake = self.varied = False
        self.in_order_since: int | None = None  # step of the first look since which there was no event

    @property
    def collapsed(self) -> bool:
        """Whether an event is going on."""
        return bool(self.events) and self.events[-1].end_epoch is None

    def hear(self, epoch: int, step: int, images_seen: int, signals: Mapping[str, float | None]) -> bool:
        """Take an epoch's signals and return whether its pictures are collapsed; what is None or absent is left out."""
        known = {n: v for n in self.thresholds if (v := signals.get(n)) is not None and v == v}
        if not known:
            return self.collapsed
        alarm = alarming(known, self.thresholds)
        sound = all(self._back(name, value) for name, value in known.items())
        self.varied = self.varied or sound
        self.awake = self.awake or sound or step >= self.warm_up
        if self.collapsed and sound:
            self.events[-1] = replace(self.events[-1], end_epoch=epoch, end_images=images_seen)
        elif not self.collapsed and self.awake and alarm:
            start = (alarm, known[alarm], self.thresholds[alarm])
            self.events.append(CollapseEvent(epoch, None, *start, images_seen, None, self.varied))
        if not self.awake or self.collapsed:
            self.in_order_since = None
        elif self.in_order_since is None:
            self.in_order_since = step
        return self.collapsed

    def _back(self, name: str, value: float) -> bool:
        threshold = self.thresholds[name]
        limit = threshold + _BACK * (_REAL[name] - threshold)
        return value <= limit if name == "duplicates" else value >= limit


def alarming(signals: Mapping[str, float | None], thresholds: Mapping[str, float] = THRESHOLDS) -> str | None:
    """Return the signal that is furthest beyond its threshold, or None where none is; what is absent is left out."""
    beyond = {
        name: (value - limit) / max(1 - limit, 1e-9) if name == "duplicates" else 1 - value / max(limit, 1e-9)
        for name, limit in thresholds.items()
        if (value := signals.get(name)) is not None
    }
    worst = max(beyond, key=lambda name: beyond[name], default=None)
    return worst if worst is not None and beyond[worst] > 0 else None


def collapse_events(log: "pd.DataFrame | Path | str") -> list[CollapseEvent]:
    """Read the events from a run's log, in order.

    Args:
        log: From `read_log`, or the path of a log or of a run's folder; a run that was watched (`CollapseWatch`).

    Raises:
        ArtganError: If the log holds no signals of collapse.
    """
    return read_rule(log).events


def read_rule(log: "pd.DataFrame | Path | str") -> CollapseRule:
    """Feed a whole log to the rule and return it, ready to go on.

    Raises:
        ArtganError: If the log holds no signals of collapse.
    """
    rule, found = CollapseRule(), False
    for record in _records(log):
        found |= record.get("diversity") is not None and record["diversity"] == record["diversity"]
        signals = {name: record.get(name) for name in THRESHOLDS}
        rule.hear(int(record["epoch"]), int(record["step"]), int(record["images_seen"]), signals)
    if not found:
        name = f"{log}" if isinstance(log, Path | str) else "the log"
        raise ArtganError(f"{name} holds no signals of collapse; `artgan train` writes them unless told not to")
    return rule


def collapse_frequency(events: Sequence[CollapseEvent], epochs: int) -> Frequency:
    """Return how often a run of so many epochs collapsed: one event in `epochs / events`."""
    if not events:
        return Frequency(0, epochs, None, f"none in {epochs} epochs")
    every = epochs / len(events)
    return Frequency(len(events), epochs, every, f"every {every:.0f} epochs" if every >= 1.5 else "every epoch")


def collapsed_of(runs: "Iterable[pd.DataFrame | Path | str]") -> Share:
    """Return how many of several runs collapsed at least once.

    Args:
        runs: Their logs, or folders or log files of runs.

    Raises:
        ArtganError: If there is no run, or a log holds no signals of collapse.
    """
    found = [bool(collapse_events(log)) for log in runs]
    if not found:
        raise ArtganError("there is no run to count collapses in")
    return wilson(sum(found), len(found))


def wilson(collapsed: int, runs: int) -> Share:
    """Return a share with its 95 % interval (Wilson 1927), which holds for few runs too."""
    from scipy.stats import binomtest

    interval = binomtest(collapsed, runs).proportion_ci(0.95, method="wilson")
    low, high = float(interval.low), float(interval.high)
    return Share(collapsed, runs, low, high, f"{collapsed} of {runs} ({100 * low:.0f} % to {100 * high:.0f} %)")


def log_of(run: Path | str) -> Path:
    """Return the log of a run that is named by its folder, or by the log itself."""
    return Path(run) / "log.jsonl" if Path(run).is_dir() else Path(run)


def _records(log: "pd.DataFrame | Path | str") -> list[dict[str, Any]]:
    if isinstance(log, Path | str):
        return read_records(log_of(log))
    return [{str(key): value for key, value in record.items()} for record in log.to_dict("records")]
