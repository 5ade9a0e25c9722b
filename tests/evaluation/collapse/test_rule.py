import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artgan_lib import ArtganError, read_log
from artgan_lib.evaluation.collapse.rule import (
    THRESHOLDS,
    WARM_UP,
    CollapseRule,
    alarming,
    collapse_events,
    collapse_frequency,
    collapsed_of,
    wilson,
)
from artgan_lib.runlog import RunLog

HEALTHY = {"diversity": 0.8, "pairwise": 1.0, "duplicates": 0.0, "style_entropy": 0.9}


def log_of(diversity: list[float | None], **others: list[float | None]) -> pd.DataFrame:
    """A log of 100 updates and 3,200 images an epoch."""
    epochs = range(1, len(diversity) + 1)
    clock = {"epoch": [*epochs], "step": [100 * e for e in epochs], "images_seen": [3200 * e for e in epochs]}
    sound = {name: [value] * len(diversity) for name, value in HEALTHY.items()}
    return pd.DataFrame(clock | sound | {"diversity": diversity} | others)


def spans(log: pd.DataFrame) -> list[tuple[int, int | None]]:
    return [(event.start_epoch, event.end_epoch) for event in collapse_events(log)]


def test_an_event_starts_below_the_threshold_and_ends_a_quarter_of_the_way_back() -> None:
    low = THRESHOLDS["diversity"]
    back = low + 0.25 * (1 - low)
    log = log_of([0.9, low, low - 0.01, back - 0.01, low - 0.02, back, low + 0.01, 0.9])
    (event,) = collapse_events(log)
    assert (event.start_epoch, event.end_epoch, event.length(8)) == (3, 6, 3)
    assert (event.signal, event.value, event.threshold) == ("diversity", pytest.approx(low - 0.01), low)
    assert (event.start_images, event.end_images, event.varied_before) == (9600, 19200, True)


def test_near_duplicates_alarm_above_their_threshold() -> None:
    high = THRESHOLDS["duplicates"]
    log = log_of([0.9] * 5, duplicates=[0, high, high + 0.01, 0.75 * high + 0.01, 0.75 * high])
    (event,) = collapse_events(log)
    assert (event.start_epoch, event.end_epoch, event.signal) == (3, 5, "duplicates")


def test_the_signal_furthest_beyond_its_threshold_is_named() -> None:
    half, third = 0.5 * THRESHOLDS["diversity"], THRESHOLDS["style_entropy"] / 3
    (event,) = collapse_events(log_of([0.9, half], style_entropy=[1.0, third]))
    assert event.signal == "style_entropy"
    assert event.end_epoch is None
    assert event.length(2) == 1


def test_a_young_generator_that_becomes_varied_has_not_collapsed() -> None:
    assert spans(log_of([0.01, 0.02, 0.1, 0.5, 0.9, 0.9])) == []
    assert spans(log_of([0.01, 0.9, 0.01, 0.9])) == [(3, 4)]


def test_a_run_that_never_becomes_varied_begins_with_an_event_after_the_warm_up() -> None:
    late = WARM_UP // 100
    (event,) = collapse_events(log_of([0.01] * (late + 3)))
    assert (event.start_epoch, event.end_epoch, event.varied_before) == (late, None, False)
    assert spans(log_of([0.01] * (late - 1))) == []


def test_epochs_without_a_look_and_values_that_are_absent_change_nothing() -> None:
    looked = log_of([0.9, 0.9, 0.01, 0.9, 0.9, 0.9, 0.9])
    looked.loc[[1, 3, 4, 6], list(HEALTHY)] = np.nan
    assert spans(looked) == [(3, 6)]
    assert spans(log_of([0.9, 0.01, 0.9]).drop(columns="style_entropy")) == [(2, 3)]


def test_a_log_that_was_not_watched_is_refused(tmp_path: Path) -> None:
    log = log_of([0.9]).drop(columns=list(HEALTHY))
    with pytest.raises(ArtganError, match="holds no signals of collapse"):
        collapse_events(log)
    RunLog(tmp_path / "log.jsonl").append({"epoch": 1, "step": 1, "images_seen": 32})
    with pytest.raises(ArtganError, match=f"{tmp_path.name} holds no signals"):
        collapse_events(tmp_path)


def test_events_are_the_same_from_a_folder_a_file_and_a_table(tmp_path: Path) -> None:
    log, file = log_of([0.9, 0.1, 0.2, 0.9, 0.1]), RunLog(tmp_path / "log.jsonl")
    for record in log.to_dict("records"):
        file.append({str(key): value for key, value in record.items()})
    assert collapse_events(tmp_path) == collapse_events(file.path) == collapse_events(log)
    assert spans(log) == [(2, 4), (5, None)]


@pytest.mark.parametrize(
    ("diversity", "every", "text"),
    [
        ([0.9] * 125, None, "none in 125 epochs"),
        ([0.9, 0.1, 0.9] * 20, 3.0, "every 3 epochs"),
        ([0.9, 0.1], 2.0, "every 2 epochs"),
    ],
)
def test_the_frequency_is_told_as_in_table_3(diversity: list[float | None], every: float | None, text: str) -> None:
    found = collapse_frequency(collapse_events(log_of(diversity)), len(diversity))
    assert (found.every, found.text) == (every, text)


def test_the_share_of_runs_has_wilsons_interval() -> None:
    runs = [log_of([0.9, 0.1]), log_of([0.9, 0.9]), log_of([0.1, 0.9, 0.2, 0.9])]
    found = collapsed_of(runs)
    assert found[:2] == (2, 3)
    z, p, n = 1.959963984540054, 2 / 3, 3  # by hand, Wilson 1927
    middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert found.low == pytest.approx((middle - half) / (1 + z * z / n))
    assert found.high == pytest.approx((middle + half) / (1 + z * z / n))
    assert found.text == "2 of 3 (21 % to 94 %)"
    assert wilson(0, 10).low == 0
    with pytest.raises(ArtganError, match="no run"):
        collapsed_of([])


def test_the_rule_fed_in_two_parts_finds_what_it_finds_in_one() -> None:
    rng = np.random.default_rng(0)
    values: list[Any] = list(rng.random(200))
    whole, log = CollapseRule(), log_of(values)
    told = [whole.hear(e, 100 * e, 3200 * e, {"diversity": value}) for e, value in enumerate(values, 1)]
    assert whole.events == collapse_events(log[["epoch", "step", "images_seen", "diversity"]])
    inside = [any(ev.start_epoch <= e < (ev.end_epoch or 999) for ev in whole.events) for e in range(1, 201)]
    assert told == inside


def test_pictures_between_the_threshold_and_the_way_back_are_in_order_once_the_rule_is_awake() -> None:
    between, rule = THRESHOLDS["diversity"] + 0.01, CollapseRule(warm_up=300)
    for epoch in range(1, 6):
        assert not rule.hear(epoch, 100 * epoch, 3200 * epoch, {"diversity": between})
        assert rule.in_order_since == (None if epoch < 3 else 300)
    assert rule.hear(6, 600, 19200, {"diversity": 0.1})
    assert rule.in_order_since is None


def test_the_shipped_generators_are_told_by_the_thresholds_as_they_stand(root: Path) -> None:
    found = json.loads((root / "data/results/collapse_generators.json").read_text())
    assert found["thresholds"] == THRESHOLDS, "run artgan collapse on the shipped generators again"
    for signals in found["generators"].values():
        assert signals["collapsed"] == (alarming(signals) is not None)
    assert alarming(found["generators"]["wgan-gp"]) is None


def test_the_collapse_that_was_caught_is_in_its_committed_log(root: Path) -> None:
    log = read_log(root / "data/results/collapse_driven.log.jsonl")
    events = collapse_events(log)
    spans = [(event.start_epoch, event.end_epoch) for event in events]
    assert spans == [(13, 18)], "the epochs in which the penalty was taken away and given back"
    looked = log[log["diversity"].notna()]
    inside = looked["epoch"].between(events[0].start_epoch, (events[0].end_epoch or np.inf), inclusive="left")
    assert looked["collapsed"].eq(inside).all()
