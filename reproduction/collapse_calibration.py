"""Sets the thresholds of the rule of collapse on samplers whose collapse is known, and tells what the rule is worth.

    python -m reproduction.collapse_calibration --data CACHE

One half of the samplers sets the thresholds, the other half, which they have not seen, gives the rates. What samplers
paint is left to `collapse_samplers`, the rule to `artgan_lib.evaluation.collapse`.
"""

import argparse
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artgan_lib import open_cache
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.collapse.rule import THRESHOLDS, CollapseRule, wilson
from artgan_lib.evaluation.collapse.signals import COUNT
from artgan_lib.interface.terminal import counter
from artgan_lib.runlog import write_atomic, write_json
from reproduction.collapse_samplers import HANDS, KINDS, Sampler, painted_world, samplers, synthetic_world

HEALTHY, OTHERS = 96, 24
"""Samplers of a world: healthy ones, and of each other kind."""

FEWEST = 2 * len(HANDS)
"""Samplers of a kind at least: one of each hand in each half."""

RESULTS = Path(__file__).parents[1] / "data" / "results" / "collapse_calibration.json"

_LOW = ("diversity", "pairwise", "style_entropy")  # alarming below the threshold; duplicates above


@dataclass(frozen=True)
class Measured:
    """A sampler and the signals of its epochs."""

    world: str
    kind: str
    hand: str
    half: int  # 0 sets thresholds, 1 judges them
    shares: tuple[float, ...]  # of each epoch's pictures that is collapsed
    signals: tuple[dict[str, float | None], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**vars(self), "shares": list(self.shares), "signals": list(self.signals)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Measured":
        """Make one from `to_dict`."""
        return cls(**{**values, "shares": tuple(values["shares"]), "signals": tuple(values["signals"])})


def measure(made: Sequence[Sampler], progress: Callable[[int, int], None] = lambda done, total: None) -> list[Measured]:
    """Measure the signals of every epoch of every sampler.

    Args:
        made: From `collapse_samplers.samplers`, of one world or more.
        progress: Told how many samplers are done, and of how many.
    """
    measured = []
    for number, sampler in enumerate(made):
        measured.append(_measured(sampler))
        progress(number + 1, len(made))
    return measured


def choose_thresholds(measured: Iterable[Measured]) -> dict[str, float]:
    """Return the sharpest thresholds, in hundredths, under which no healthy epoch of the first half alarms.

    Raises:
        ArtganError: If there is no healthy epoch.
    """
    epochs = [
        signals
        for one in measured
        if one.half == 0
        for share, signals in zip(one.shares, one.signals, strict=True)
        if share == 0
    ]
    if not epochs:
        raise ArtganError("thresholds need healthy samplers in the first half")
    found = {}
    for name in ("diversity", "pairwise", "duplicates", "style_entropy"):
        values = [value for signals in epochs if (value := signals.get(name)) is not None]
        if values:
            found[name] = math.floor(100 * min(values)) / 100 if name in _LOW else math.ceil(100 * max(values)) / 100
    return found


def report(measured: Sequence[Measured], seed: int = 0) -> dict[str, Any]:
    """Return thresholds and rates, as plain JSON values."""
    thresholds = choose_thresholds(measured)
    return {
        "seed": seed,
        "samplers_in_all": len(measured),
        "pictures_an_epoch": COUNT,
        "thresholds": thresholds,
        "held_out": rates(measured, thresholds),
    }


def rates(measured: Sequence[Measured], thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Return what the rule is worth on the second half.

    A sampler is detected if an event starts while some of its pictures are collapsed; an event that starts while none
    is, is a false alarm.

    Returns:
        `false_alarms` and `detected` by world and kind as counts with Wilson intervals, `by_signal` the share of each
        kind that each signal would detect alone, `fall` and `drift` how exact start and end are, and `curves`.
    """
    held_out = [one for one in measured if one.half == 1]
    worlds = list(dict.fromkeys(one.world for one in held_out))
    kinds = [kind for kind in KINDS if any(one.kind == kind for one in held_out)]
    found: dict[str, Any] = {"false_alarms": {}, "detected": {world: {} for world in worlds}, "by_signal": {}}
    for world in worlds:
        for kind in kinds:
            group = [one for one in held_out if one.world == world and one.kind == kind]
            hits = [_first_event(one, thresholds) for one in group]
            if kind == "healthy":
                found["false_alarms"][world] = _counted([hit is not None for hit in hits])
            else:
                right = [hit is not None and one.shares[hit] > 0 for hit, one in zip(hits, group, strict=True)]
                found["detected"][world][kind] = _counted(right)
    for kind in kinds:
        group = [one for one in held_out if one.kind == kind]
        found["by_signal"][kind] = {
            name: round(float(np.mean([_first_event(one, {name: limit}) is not None for one in group])), 3)
            for name, limit in thresholds.items()
        }
    return found | {"moving": _moving(held_out, thresholds), "curves": _curves(held_out, thresholds)}


def strictness(one: Measured, thresholds: Mapping[str, float]) -> float:
    """Return by which factor thresholds have to be made stricter for a sampler to be alarming; below 1 it is already.

    It is the smallest ratio of a signal to its threshold (of duplicates: of the threshold to the signal) over the
    epochs in which the sampler is what its kind says.
    """
    ratios = []
    for share, signals in zip(one.shares, one.signals, strict=True):
        if share > 0 or one.kind == "healthy":
            for name, limit in thresholds.items():
                value = signals.get(name)
                if value is not None:
                    ratios.append(value / limit if name in _LOW else limit / max(value, 1e-3))
    return min(ratios)


def _measured(sampler: Sampler) -> Measured:
    found = tuple(
        {
            name: None if value is None else round(value, 4)
            for name, value in sampler.world.reference.signals(pictures)._asdict().items()
        }
        for pictures in sampler.epochs()
    )
    shares = tuple(round(float(share), 4) for share in sampler.shares)
    return Measured(sampler.world.name, sampler.kind, sampler.hand, sampler.half, shares, found)


def _first_event(one: Measured, thresholds: Mapping[str, float]) -> int | None:
    """Return in which epoch, counted from 0, the first event starts; None without one."""
    rule = _fed(one, thresholds)
    return rule.events[0].start_epoch if rule.events else None


def _fed(one: Measured, thresholds: Mapping[str, float]) -> CollapseRule:
    rule = CollapseRule(thresholds, warm_up=0)
    for epoch, signals in enumerate(one.signals):
        rule.hear(epoch, epoch, epoch, signals)
    return rule


def _counted(hits: Sequence[bool]) -> dict[str, Any]:
    share = wilson(sum(hits), len(hits))
    return {"count": share.collapsed, "of": share.runs, "low": round(share.low, 4), "high": round(share.high, 4)}


def _moving(held_out: Sequence[Measured], thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Tell how exactly a fall's start and end are found, and how far a drift has gone when it is."""
    falls = [one for one in held_out if one.kind == "sudden fall"]
    events = [(one, rule.events) for one in falls if (rule := _fed(one, thresholds))]
    first, after = (falls[0].shares.index(1.0), 0) if falls else (0, 0)
    after = first + falls[0].shares.count(1.0) if falls else 0
    drifts = [(one, _first_event(one, thresholds)) for one in held_out if one.kind == "slow drift"]
    shares = [one.shares[hit] for one, hit in drifts if hit is not None]
    return {
        "falls": len(falls),
        "one_event": sum(len(found) == 1 for _, found in events),
        "start_exact": sum(bool(found) and found[0].start_epoch == first for _, found in events),
        "end_exact": sum(bool(found) and found[0].end_epoch == after for _, found in events),
        "drift_share_at_start": [round(float(q), 3) for q in np.quantile(shares, (0, 0.5, 1))] if shares else None,
    }


def _curves(held_out: Sequence[Measured], thresholds: Mapping[str, float]) -> dict[str, list[list[float]]]:
    """Return detection against false alarms for each kind while all thresholds get stricter together."""
    levels: dict[str, list[float]] = {}
    for one in held_out:
        levels.setdefault(one.kind, []).append(strictness(one, thresholds))
    curves = {}
    for kind, found in levels.items():
        if kind != "healthy":
            points = sorted({0.0, *found, *levels["healthy"], math.inf})
            pairs = [[_share(levels["healthy"], at), _share(found, at)] for at in points]
            curves[kind] = [pair for number, pair in enumerate(pairs) if number == 0 or pair != pairs[number - 1]]
    return curves


def _share(levels: Sequence[float], at: float) -> float:
    return round(float(np.mean([level <= at for level in levels])), 4)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure samplers of known modes, set the thresholds on one half and judge them on the other."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", metavar="CACHE", type=Path, help="real paintings, besides the synthetic ones")
    parser.add_argument("--healthy", type=int, default=HEALTHY, help="healthy samplers on each (default %(default)s)")
    parser.add_argument("--others", type=int, default=OTHERS, help="of each collapsed kind on each (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default %(default)s")
    parser.add_argument("--out", metavar="FILE", type=Path, default=RESULTS, help="default %(default)s")
    options = parser.parse_args(arguments)
    if min(options.healthy, options.others) < FEWEST:
        parser.error(f"two halves need at least {FEWEST} samplers of a kind, one of each hand in each")
    worlds = [synthetic_world(seed=options.seed)]
    if options.data:
        paintings = open_cache(options.data)
        worlds.append(painted_world(paintings.images, paintings.labels, seed=options.seed))
    made = [one for world in worlds for one in samplers(world, options.healthy, options.others, options.seed)]
    measured = measure(made, counter("measuring samplers"))
    found = report(measured, seed=options.seed)
    lines = "".join(json.dumps(one.to_dict()) + "\n" for one in measured)
    print(write_atomic(options.out.with_suffix(".samplers.jsonl"), lines))
    print(write_json(options.out, found))
    if found["thresholds"] != THRESHOLDS:
        print(f"the library's thresholds are {THRESHOLDS}, these are {found['thresholds']}")


if __name__ == "__main__":
    main()
