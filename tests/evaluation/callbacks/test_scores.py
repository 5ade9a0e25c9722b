import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artgan_lib import ArtganError, TrainConfig, load_generator, read_log, sample, synthetic_paintings, train
from artgan_lib.evaluation.callbacks.scores import CARD, Measuring
from artgan_lib.evaluation.features import Extractor, load_extractor
from artgan_lib.evaluation.protocols import evaluate
from artgan_lib.gan.training import Callback, TrainResult
from artgan_lib.interface.cli import main

KERNEL, FRECHET = "kernel_distance_random_projection_64", "frechet_distance_random_projection_64"


@pytest.fixture(scope="module")
def held_out() -> np.ndarray:
    return synthetic_paintings(90, seed=5)[0]


@pytest.fixture
def extractor() -> Extractor:
    return load_extractor("random-projection", "64")


def measuring(held_out: np.ndarray, extractor: Extractor, **changes: int) -> Measuring:
    return Measuring(held_out, extractor, **{"every": 2, "epochs": 5, "count": 70, "seed": 0} | changes)


class StopAt(Callback):
    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch(self, record: dict[str, int], networks: object) -> None:
        if record["epoch"] == self.epoch:
            self.stop = "enough"


@pytest.mark.parametrize("count", [1, 16, 37])
def test_what_is_measured_is_what_generate_paints(model: Path, count: int) -> None:
    generator, _ = load_generator(model)
    cut = sample(generator, 7, count, truncate=True).astype(int)
    apart = sample(generator, 7, count) - cut
    assert set(np.unique(apart)) == {0, 1}  # rounded is the same or one higher


def test_a_run_is_measured_and_keeps_its_best_snapshot(
    pictures: np.ndarray, tiny: TrainConfig, held_out: np.ndarray, extractor: Extractor, tmp_path: Path
) -> None:
    config = replace(tiny, epochs=5)
    result = train(config, pictures, tmp_path / "run", callbacks=[measuring(held_out, extractor)])
    log = read_log(result.log).set_index("epoch")
    assert log[KERNEL].notna().tolist() == [False, True, False, True, True]  # every second, and the last
    assert log[FRECHET].notna().equals(log[KERNEL].notna())
    assert log["score"].equals(log[KERNEL])
    best = load_generator(tmp_path / "run" / "generator-best.safetensors")[1]["origin"]["best"]
    assert best["epoch"] == log[KERNEL].idxmin()
    assert best["score"] == log[KERNEL].min()
    card = json.loads((tmp_path / "run" / CARD).read_text())
    assert (card["extractor"], card["layer"], card["real_count"], card["fake_count"]) == (
        *("random-projection", "64"),
        *(90, 70),
    )
    # The same numbers as by evaluating the generator that is left.
    generator, _ = load_generator(result.generator)
    again = evaluate(sample(generator, 0, 70), held_out, synthetic_paintings(90, seed=6)[0], extractor)
    scores = {score.name: score.value for score in again.scores}
    assert scores[FRECHET] == pytest.approx(log[FRECHET][5], rel=1e-6)
    assert scores[KERNEL] == pytest.approx(log[KERNEL][5], rel=1e-6)


def test_a_run_that_goes_on_measures_the_same(
    pictures: np.ndarray,
    tiny: TrainConfig,
    held_out: np.ndarray,
    extractor: Extractor,
    tmp_path: Path,
) -> None:
    config = replace(tiny, epochs=5)
    train(config, pictures, tmp_path / "one", callbacks=[measuring(held_out, extractor)])
    train(config, pictures, tmp_path / "two", callbacks=[measuring(held_out, extractor), StopAt(3)])
    train(config, pictures, tmp_path / "two", callbacks=[measuring(held_out, extractor)])
    one, two = (read_log(tmp_path / run / "log.jsonl") for run in ("one", "two"))
    assert one[[KERNEL, FRECHET, "loss_d"]].equals(two[[KERNEL, FRECHET, "loss_d"]])
    cards = [(tmp_path / run / CARD).read_bytes() for run in ("one", "two")]
    assert cards[0] == cards[1]


def test_a_run_is_not_measured_in_two_ways(
    pictures: np.ndarray, tiny: TrainConfig, held_out: np.ndarray, extractor: Extractor, tmp_path: Path
) -> None:
    train(tiny, pictures, tmp_path, callbacks=[measuring(held_out, extractor), StopAt(1)])
    with pytest.raises(ArtganError, match=r"was measured otherwise so far: .* fake_count is 70 and 80"):
        train(tiny, pictures, tmp_path, callbacks=[measuring(held_out, extractor, count=80)])
    (tmp_path / CARD).write_text("torn")
    with pytest.raises(ArtganError, match="is damaged; remove it to go on"):
        train(tiny, pictures, tmp_path, callbacks=[measuring(held_out, extractor)])


def test_few_pictures_give_a_kernel_distance_alone(model: Path, held_out: np.ndarray, extractor: Extractor) -> None:
    few = measuring(held_out, extractor, count=20)
    assert set(few.measure(load_generator(model)[0])) == {KERNEL, "score"}
    assert not few.card.frechet
    with pytest.raises(ArtganError, match="at least 1, not 0"):
        measuring(held_out, extractor, every=0)
    with pytest.raises(ArtganError, match="at least two pictures on either side, not 1"):
        measuring(held_out, extractor, count=1)


def test_the_command_measures_while_it_trains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    settings = ["width=2", "batch_size=4", "images_per_epoch=12", "epochs=2", "latent_dim=8"]
    command = ["train", "--variant", "dcgan", "--data", "synthetic", "--profile", "smoke", "--run-dir", str(run)]
    command += [part for setting in settings for part in ("--set", setting)]
    measure = ["--measure-every", "1", "--measure-n", "70", "--measure-with", "random-projection:64"]
    assert main([*command, *measure]) == 0
    assert f"  {KERNEL} " in capsys.readouterr().out
    assert read_log(run / "log.jsonl")["score"].notna().all()
    assert json.loads((run / CARD).read_text())["real"] == "the training pictures"
    assert (run / "generator-best.safetensors").is_file()
    for wrong, sentence in (
        (["--measure-every", "1", "--measure-with", "clip"], "there is no extractor 'clip'"),
        (["--measure-every", "0", "--measure-with", "random-projection"], "at least 1, not 0"),
        (
            ["--measure-every", "1", "--measure-with", "random-projection", "--measure-against", str(tmp_path / "a")],
            "is not a cache of pictures",
        ),
    ):
        other = [str(tmp_path / "other") if part == str(run) else part for part in command]
        assert main([*other, *wrong]) == 2
        assert sentence in capsys.readouterr().err
        assert not (tmp_path / "other").exists()  # told before the run begins


def test_real_images_of_another_size_are_told_before_the_run_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "large").mkdir()
    for number, image in enumerate(synthetic_paintings(6, seed=1)[0]):
        Image.fromarray(image).resize((96, 96)).save(tmp_path / "large" / f"{number}.png")
    assert main(["prepare", str(tmp_path / "large"), "--out", str(tmp_path / "cache"), "--size", "96"]) == 0
    run, cache = ["--run-dir", str(tmp_path / "run")], str(tmp_path / "cache")
    command = ["train", "--variant", "dcgan", "--data", "synthetic", "--profile", "smoke", *run]
    measure = ["--measure-every", "1", "--measure-with", "random-projection", "--measure-against", cache]
    for wrong in (measure, ["--held-out", cache]):
        assert main([*command, *wrong]) == 2
        assert "prepare both at one size" in capsys.readouterr().err
        assert not (tmp_path / "run").exists()


def test_of_several_processes_the_first_alone_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}

    def train(*arguments: object, **options: object) -> TrainResult:
        told.update(options)
        return TrainResult(tmp_path, tmp_path, tmp_path, 1, True)

    monkeypatch.setattr("artgan_lib.gan.training.train", train)
    command = ["train", "--variant", "dcgan", "--data", "synthetic", "--profile", "smoke", "--run-dir", str(tmp_path)]
    for rank in (0, 1):
        monkeypatch.setenv("RANK", str(rank))
        assert main([*command, "--measure-every", "1", "--measure-with", "random-projection:64"]) == 0
        assert any(isinstance(callback, Measuring) for callback in told["callbacks"]) == (rank == 0)
    assert not told["callbacks"]


def test_nothing_else_of_a_run_changes_by_measuring(
    pictures: np.ndarray, tiny: TrainConfig, held_out: np.ndarray, extractor: Extractor, tmp_path: Path
) -> None:
    train(tiny, pictures, tmp_path / "plain")
    train(tiny, pictures, tmp_path / "measured", callbacks=[measuring(held_out, extractor)])
    plain, measured = (read_log(tmp_path / run / "log.jsonl") for run in ("plain", "measured"))
    kept = [column for column in plain if column not in ("seconds", "images_per_second")]
    assert plain[kept].equals(measured[kept])
    names = ("plain/generator.safetensors", "measured/generator.safetensors")
    one, other = (load_generator(tmp_path / name)[0].state_dict() for name in names)
    assert all(bool((one[name] == other[name]).all()) for name in one)
