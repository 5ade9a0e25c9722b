"""The search of Table 2: what is searched, who works on it, what a killed process leaves, and what comes out."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from filelock import FileLock

from artgan_lib import ArtganError, TrainConfig
from artgan_lib.evaluation.collapse.signals import Reference
from artgan_lib.evaluation.features import load_extractor
from artgan_lib.experiments.search import Rungs, Search
from artgan_lib.experiments.study import (
    SPACE,
    Budget,
    chance_importance,
    export_study,
    importances,
    open_study,
    read_study,
    trials_table,
)
from artgan_lib.gan.updates import build_networks
from artgan_lib.interface.cli import main
from artgan_lib.runlog import read_log

TINY = Budget(images=36, rungs=2, pictures=16, width=2, batches=(4, 8, 16))


def begin(tmp_path: Path, pictures: np.ndarray, budget: Budget = TINY, name: str = "study.journal") -> Search:
    return Search(tmp_path / name, pictures, load_extractor("random-projection", "64"), budget, "cpu")


def test_every_row_is_a_setting_and_the_batches_are_the_papers_at_full_size() -> None:
    assert set(SPACE) <= set(TrainConfig().to_dict())
    for name, values in SPACE.items():
        for value in values:
            TrainConfig.from_dict({"gradient_correction": "none", name: value})
    assert Budget(images=60_000, batches=SPACE["batch_size"]).space == SPACE
    assert len(SPACE["latent_dim"]) * len(SPACE["lr"]) * len(SPACE["batch_size"]) == 36


def test_a_budget_gives_every_trial_as_many_images_give_or_take_a_batch() -> None:
    budget = Budget(images=4096, rungs=4, batches=(16, 32, 64))
    values = {name: choices[0] for name, choices in SPACE.items()}
    for size in budget.batches:
        config = budget.config(values | {"batch_size": size})
        assert config.epochs == 4
        assert 0 <= 4096 - config.total_steps * size < 4 * size
    with pytest.raises(ArtganError, match="60 images in 4 looks are less than a batch of 64 each"):
        Budget(images=60)
    with pytest.raises(ArtganError, match="three sizes of batches"):
        Budget(batches=(64, 32, 16))


@pytest.mark.parametrize("name", ["study.journal", "study.db"])
def test_a_study_goes_on_where_it_was(tmp_path: Path, pictures: np.ndarray, name: str) -> None:
    told: list[int] = []
    assert begin(tmp_path, pictures, name=name).run(1, lambda trial: told.append(trial.number))
    assert begin(tmp_path, pictures, name=name).run(2, lambda trial: told.append(trial.number))
    assert told == [0, 1]
    table = trials_table(open_study(tmp_path / name))
    first = table.set_index("trial").loc[0]  # the paper's DCGAN, as far as the table has it
    assert (first.loss, first.lr, first.batch_size, first.judge_normalization) == ("bce", 2e-4, 8, "batch")
    assert not list(tmp_path.rglob("checkpoints"))


def test_a_study_that_was_stopped_proposes_what_an_uninterrupted_one_does(tmp_path: Path, pictures: np.ndarray) -> None:
    begin(tmp_path, pictures, name="whole.journal").run(5)
    for trials in (4, 5):
        begin(tmp_path, pictures, name="parts.journal").run(trials)
    whole, parts = (trials_table(open_study(tmp_path / f"{name}.journal")) for name in ("whole", "parts"))
    pd.testing.assert_frame_equal(whole.drop(columns="seconds"), parts.drop(columns="seconds"))


def test_two_values_that_do_not_go_together_are_refused_and_cost_nothing(tmp_path: Path, pictures: np.ndarray) -> None:
    search = begin(tmp_path, pictures)
    values = {name: choices[0] for name, choices in TINY.space.items()}
    search.study.enqueue_trial(values | {"gradient_correction": "penalty", "judge_normalization": "batch"})
    search.run(4)
    table = trials_table(search.study).set_index("trial")
    assert table.loc[3, "outcome"] == "refused"
    assert table.loc[3, "reason"].startswith("refused: the gradient penalty needs a judge that scores each picture")
    assert np.isnan(table.loc[3, "kernel"])


def test_a_study_of_another_budget_is_refused(tmp_path: Path, pictures: np.ndarray) -> None:
    begin(tmp_path, pictures)
    with pytest.raises(ArtganError, match=r"study.journal holds a study with pictures 16, not 8; name another file"):
        begin(tmp_path, pictures, Budget(images=36, rungs=2, pictures=8, width=2, batches=(4, 8, 16)))
    (tmp_path / "torn.db").write_bytes(b"no study at all, but long enough to be read")
    with pytest.raises(ArtganError, match=r"torn\.db is not a study that can be read"):
        begin(tmp_path, pictures, name="torn.db")
    with pytest.raises(ArtganError, match="there is no study"):
        open_study(tmp_path / "none.db")


def look(epoch: int) -> dict[str, int]:
    return {"epoch": epoch, "step": 4 * epoch, "images_seen": 16 * epoch}


class Trial:
    """What `Rungs` asks of a trial."""

    def __init__(self, prune: bool = False) -> None:
        self.reported: dict[int, float] = {}
        self.prune = prune

    def report(self, value: float, step: int) -> None:
        self.reported[step] = value

    def should_prune(self) -> bool:
        return self.prune


def test_a_trial_is_ended_when_it_has_collapsed_or_lies_behind(pictures: np.ndarray) -> None:
    extractor = load_extractor("random-projection", "64")
    real = np.concatenate(list(extractor.batches([pictures[:32]])))
    networks = build_networks(TINY.config({name: choices[0] for name, choices in TINY.space.items()}), "cpu")
    reference = Reference(pictures, count=TINY.pictures)
    for parameter in networks.generator.parameters():
        parameter.data.zero_()  # the same grey picture whatever the vector
    fresh = Rungs(Trial(), real, extractor, reference, TINY)
    fresh.on_epoch(look(1), networks)
    assert not fresh.stop, "a young network is not judged by its variety"
    found = fresh.on_epoch(look(2), networks)
    assert fresh.stop == "collapsed: its pictures are 0% as far apart as real ones"
    assert (found["pairwise"], found["duplicates"]) == (pytest.approx(0, abs=1e-6), 1)
    assert fresh.trial.reported == {1: found["kernel"], 2: found["kernel"]}
    behind = Rungs(Trial(prune=True), real, extractor, reference, TINY)
    behind.on_epoch(look(1), networks)
    assert behind.stop == "behind the others after 1 of 2 looks"


def test_a_trial_that_was_varied_and_is_no_more_is_ended_by_the_calibrated_rule(
    pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    extractor = load_extractor("random-projection", "64")
    real = np.concatenate(list(extractor.batches([pictures[:32]])))
    shown = iter([pictures[:16], np.concatenate([pictures[:2]] * 8)])  # as varied as real ones; then two, eight times
    monkeypatch.setattr("artgan_lib.experiments.search._paint", lambda networks, budget: next(shown))
    rungs = Rungs(Trial(), real, extractor, Reference(pictures, count=16), TINY)
    rungs.on_epoch(look(1), None)
    assert not rungs.stop
    found = rungs.on_epoch(look(2), None)
    assert found["duplicates"] == 1
    assert re.fullmatch(r"collapsed: (diversity|duplicates) [01]\.\d\d at look 2", rungs.stop)


def test_a_look_leaves_the_networks_as_they_were(pictures: np.ndarray) -> None:
    extractor = load_extractor("random-projection", "64")
    real = np.concatenate(list(extractor.batches([pictures[:32]])))
    networks = build_networks(TINY.config({name: choices[0] for name, choices in TINY.space.items()}), "cpu")
    before = {name: value.clone() for name, value in networks.generator.state_dict().items()}
    Rungs(Trial(), real, extractor, Reference(pictures, count=16), TINY).on_epoch(look(1), networks)
    assert all((before[name] == value).all() for name, value in networks.generator.state_dict().items())


def worker(tmp_path: Path, trials: int) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "artgan_lib",
        "search",
        "--study",
        str(tmp_path / "study.db"),
        "--data",
        "synthetic",
    ]
    command += ["--trials", str(trials), "--images", "300", "--looks", "3", "--pictures", "16", "--width", "2"]
    command += ["--batches", "4,8,16", "--device", "cpu"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_two_processes_share_a_study_and_what_a_killed_one_leaves_is_finished(tmp_path: Path) -> None:
    killed = worker(tmp_path, 4)
    log = tmp_path / "study-trials" / "0000" / "log.jsonl"
    deadline = time.monotonic() + 120
    while not (log.exists() and log.stat().st_size) and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    killed.communicate()
    workers = [worker(tmp_path, 4) for _ in range(2)]
    told = [process.communicate(timeout=200) for process in workers]
    assert [process.returncode for process in workers] == [0, 0], told
    assert sum(len(re.findall(r"^trial ", out, re.MULTILINE)) for out, _ in told) == 4

    study = open_study(tmp_path / "study.db")
    table = trials_table(study)
    assert len(table) == 4
    states = [trial.state.name for trial in study.trials]
    assert states.count("RUNNING") == 0
    taken_up = [trial for trial in study.trials if trial.user_attrs.get("run") == "0000"]
    assert len(taken_up) == 1, "the trial that was killed was not taken up"
    assert taken_up[0].params == study.trials[0].params
    assert len(read_log(log)) <= 3, "it went on in its folder instead of beginning anew"
    assert not any(FileLock(path).is_locked for path in (tmp_path / "study-trials").glob("*.lock"))


def test_the_tables_of_a_study(tmp_path: Path, pictures: np.ndarray) -> None:
    search = begin(tmp_path, pictures)
    search.run(1)
    rng = np.random.default_rng(0)
    for number in range(60):  # finished trials whose value depends on the rate alone
        rate = SPACE["lr"][number % 4]
        params = {name: choices[rng.integers(len(choices))] for name, choices in TINY.space.items()} | {"lr": rate}
        search.study.add_trial(
            optuna.trial.create_trial(
                params=params,
                distributions={
                    name: optuna.distributions.CategoricalDistribution(choices) for name, choices in TINY.space.items()
                },
                value=rate * (1 + 1e-3 * number),
                user_attrs={"seconds": 1.0, "reason": ""},
            )
        )
    found = importances(search.study)
    assert next(iter(found)) == "lr"
    assert sum(found.values()) == pytest.approx(1)
    paths = export_study(search.study, tmp_path / "out")
    table = pd.read_csv(paths[0])
    assert len(table) == 61
    assert table["kernel"].dropna().is_monotonic_increasing
    about = json.loads(paths[1].read_text())
    assert about["trials"] == 61
    assert about["settings"]["extractor"] == "random-projection 64"
    assert about["importance"]["lr"] == pytest.approx(found["lr"], abs=1e-4)

    again = read_study(tmp_path / "out")
    assert [trial.params for trial in again.trials] == [search.study.trials[number].params for number in table["trial"]]
    assert importances(again) == pytest.approx(found)
    chance = chance_importance(again, shuffles=5)
    assert 1 / len(SPACE) < chance < 0.5 < found["lr"]
    (tmp_path / "out" / "trials.csv").write_text(paths[0].read_text().replace("sgd", "rmsprop"))
    with pytest.raises(ArtganError, match=r"trials.csv has optimizer 'rmsprop', which was not searched"):
        read_study(tmp_path / "out")
    with pytest.raises(ArtganError, match=r"holds no exported study: trials\.csv is missing"):
        read_study(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--study", "{tmp}/none.db"], "there is no study"),
        (
            ["--study", "{tmp}/s.db", "--data", "synthetic", "--batches", "4,many"],
            "--batches takes three whole numbers",
        ),
        (["--study", "{tmp}/s.db", "--data", "synthetic", "--images", "9"], "9 images in 4 looks are less"),
        (["--study", "{tmp}/s.db", "--data", "{tmp}/nothing"], "is not a cache of pictures"),
    ],
)
def test_a_wrong_argument_gets_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", *(argument.format(tmp=tmp_path) for argument in arguments)]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "s.db").exists()
