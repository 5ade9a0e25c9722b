import json
from pathlib import Path

import numpy as np
import pytest

from artgan_lib import ArtganError, synthetic_paintings
from artgan_lib.evaluation.collapse.rule import THRESHOLDS
from reproduction.collapse_calibration import Measured, choose_thresholds, main, measure, rates, report, strictness
from reproduction.collapse_samplers import (
    HANDS,
    KINDS,
    Sampler,
    World,
    painted_world,
    samplers,
    synthetic_world,
)


@pytest.fixture(scope="module")
def world() -> World:
    return synthetic_world(400, count=40, seed=3)


def toy(kind: str, half: int, diversity: list[float], shares: list[float]) -> Measured:
    return Measured("toy", kind, "clean", half, tuple(shares), tuple({"diversity": value} for value in diversity))


def test_a_sampler_paints_only_the_modes_it_has(world: World) -> None:
    places = {picture.tobytes(): mode for picture, mode in zip(world.images, world.modes, strict=True)}
    for kind, count in {"healthy": 10, "5 of 10 modes": 5, "2 of 10 modes": 2, "1 of 10 modes": 1}.items():
        for pictures in Sampler(world, kind, "clean", 0, 1).epochs():
            assert pictures.shape == (40, 64, 64, 3)
            found = len({places[picture.tobytes()] for picture in pictures})
            assert found == count if count < 10 else found >= 8  # 40 pictures may lack one of ten by chance


def test_a_drift_and_a_fall_hold_as_many_healthy_pictures_as_they_say(world: World) -> None:
    known = {picture.tobytes() for picture in world.images}
    for kind in ("slow drift", "sudden fall"):
        sampler = Sampler(world, kind, "clean", 0, 5)
        for share, pictures in zip(sampler.shares, sampler.epochs(), strict=True):
            healthy = [picture.tobytes() in known for picture in pictures]
            assert sum(healthy[: 40 - round(40 * share)]) == 40 - round(40 * share)
            assert not all(healthy[40 - round(40 * share) :]) or share == 0


def test_every_kind_has_every_hand_in_both_halves(world: World) -> None:
    made = samplers(world, 24, 12)
    assert len(made) == 24 + 7 * 12
    assert {(one.kind, one.hand, one.half) for one in made} == {
        (k, h, half) for k in KINDS for h in HANDS for half in (0, 1)
    }
    assert len({one.seed for one in made}) == len(made)


def test_a_painted_world_has_ten_modes_and_keeps_its_reference_apart() -> None:
    images, labels = synthetic_paintings(300, seed=9)
    made = painted_world(images, labels, 150, count=30)
    assert set(made.modes) == set(range(10))
    assert 100 < len(made.images) < 200


def test_thresholds_are_the_sharpest_without_a_false_alarm_in_the_first_half() -> None:
    measured = [
        toy("healthy", 0, [0.876, 0.645], [0, 0]),
        toy("sudden fall", 0, [0.638, 0.1], [0, 1]),
        toy("healthy", 1, [0.2], [0]),
        toy("near-duplicates", 0, [0.1], [1]),
    ]
    assert choose_thresholds(measured) == {"diversity": 0.63}
    with pytest.raises(ArtganError, match="need healthy samplers"):
        choose_thresholds(measured[2:])


def test_rates_count_events_by_what_was_painted_when_they_started() -> None:
    healthy = [toy("healthy", 1, [0.9, value], [0, 0]) for value in (0.8, 0.3)]
    falls = [
        toy("sudden fall", 1, [0.9, 0.9, 0.1, 0.1, 0.9], [0, 0, 1, 1, 0]),  # found at once
        toy("sudden fall", 1, [0.9, 0.9, 0.6, 0.1, 0.55], [0, 0, 1, 1, 0]),  # found late, never seen to end
        toy("sudden fall", 1, [0.9, 0.1, 0.1, 0.1, 0.9], [0, 0, 1, 1, 0]),  # found too early
    ]
    drift = toy("slow drift", 1, [0.9, 0.7, 0.4, 0.1], [0, 0.25, 0.75, 1])
    still = [toy(kind, 1, [0.7], [1]) for kind in KINDS if kind not in ("healthy", "sudden fall", "slow drift")]
    found = rates([*healthy, *falls, drift, *still], {"diversity": 0.5})
    assert found["false_alarms"]["toy"]["count"] == 1
    detected = found["detected"]["toy"]
    assert (detected["sudden fall"]["count"], detected["sudden fall"]["of"]) == (2, 3)
    assert detected["slow drift"]["count"] == 1
    assert detected["near-duplicates"]["count"] == 0
    moving = found["moving"]
    assert (moving["start_exact"], moving["end_exact"], moving["one_event"]) == (1, 2, 3)
    assert moving["drift_share_at_start"] == [0.75, 0.75, 0.75]
    # As thresholds get stricter: healthy alarm from 0.6 and 1.6 times them, a still sampler from 1.4.
    assert strictness(still[0], {"diversity": 0.5}) == pytest.approx(1.4)
    assert found["curves"]["near-duplicates"] == [[0, 0], [0.5, 0], [0.5, 1], [1, 1]]


def test_a_calibration_is_the_same_again_and_finds_the_plain_cases(world: World) -> None:
    kinds = ("healthy", "1 of 10 modes", "colour only")
    made = [sampler for sampler in samplers(world, 12, 12, seed=1) if sampler.kind in kinds]
    measured = measure(made)
    found = report(measured)
    assert report([Measured.from_dict(json.loads(json.dumps(one.to_dict()))) for one in measured]) == found
    again = measure(samplers(synthetic_world(400, count=40, seed=3), 6, 0, seed=1))
    assert [one.signals for one in again] == [one.signals for one in measured[:6]]
    detected = found["held_out"]["detected"]["synthetic looks"]
    for kind in kinds[1:]:
        assert detected[kind]["count"] == detected[kind]["of"] == 6


def test_the_librarys_thresholds_are_those_of_the_committed_calibration(root: Path) -> None:
    found = json.loads((root / "data/results/collapse_calibration.json").read_text())
    lines = (root / "data/results/collapse_calibration.samplers.jsonl").read_text().splitlines()
    measured = [Measured.from_dict(json.loads(line)) for line in lines]
    assert len(measured) == found["samplers_in_all"] >= 200
    assert choose_thresholds(measured) == found["thresholds"] == THRESHOLDS
    assert json.loads(json.dumps(rates(measured, THRESHOLDS))) == found["held_out"]
    assert np.mean([one.half for one in measured]) == 0.5


def test_a_calibration_of_too_few_samplers_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--healthy", "11", "--out", str(tmp_path / "found.json")])
    assert "at least 12 samplers of a kind" in capsys.readouterr().err
    assert not (tmp_path / "found.json").exists()
