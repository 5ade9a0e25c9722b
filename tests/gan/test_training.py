import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from artgan_lib import ArtganError, Callback, TrainConfig, load_generator, preset, read_log, train
from artgan_lib.gan.updates import Batch, Networks, update_together

VARIANTS = ("dcgan", "dcgan-wi", "wgan-gp")


class StopAt(Callback):
    """Asks the process to end, as a user or a scheduler would, after some step."""

    def __init__(self, step: int, number: signal.Signals = signal.SIGTERM) -> None:
        self.step, self.number = step, number

    def on_step(self, step: int, total_steps: int) -> None:
        if step == self.step:
            os.kill(os.getpid(), self.number)


def tiny(variant: str, **settings: Any) -> TrainConfig:
    sizes = {"width": 2, "latent_dim": 8, "batch_size": 4, "images_per_epoch": 12, "epochs": 2}
    return preset(variant, "smoke", **sizes | settings)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_run_leaves_a_log_grids_a_checkpoint_and_a_generator(
    variant: str, pictures: np.ndarray, tmp_path: Path
) -> None:
    config = tiny(variant)
    result = train(config, pictures, tmp_path / "run", device="cpu")
    assert result.finished
    assert result.step == config.total_steps == 8
    log = read_log(result.log)
    assert log["epoch"].tolist() == [1, 2]
    assert log["images_seen"].tolist() == [16, 32]
    assert np.isfinite(log[["loss_g", "loss_d", "score_real", "score_fake"]]).all(axis=None)
    assert np.isfinite(log["gradient_penalty"].astype(float)).all() == (variant == "wgan-gp")
    assert sorted(path.name for path in (tmp_path / "run" / "samples").iterdir()) == [
        "epoch_0001.png",
        "epoch_0002.png",
    ]
    header = load_generator(result.generator)[1]
    assert header["config"] == config.to_dict()
    assert header["origin"]["images_seen"] == 32


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_stopped_run_goes_on_bit_for_bit(
    variant: str, pictures: np.ndarray, tmp_path: Path, assert_same_run: Callable[[Path, Path], None]
) -> None:
    config = tiny(variant, epochs=5, ema_half_life=100)
    whole = train(config, pictures, tmp_path / "whole", device="cpu")
    assert whole.step == 20
    for stop in (4, 10):  # at the end of an epoch, and within one: 10 + 10 are 20
        part = train(config, pictures, tmp_path / "parts", device="cpu", callbacks=[StopAt(stop)])
        assert not part.finished
        assert part.step == stop
    last = train(config, pictures, tmp_path / "parts", device="cpu")
    assert last.finished
    assert_same_run(whole.run_dir, last.run_dir)


def test_ctrl_c_saves_and_returns(pictures: np.ndarray, tmp_path: Path) -> None:
    former = signal.getsignal(signal.SIGINT)
    result = train(tiny("dcgan"), pictures, tmp_path, device="cpu", callbacks=[StopAt(2, signal.SIGINT)])
    assert result.step == 2
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1
    assert signal.getsignal(signal.SIGINT) == former


def test_a_finished_run_is_not_trained_again(pictures: np.ndarray, tmp_path: Path) -> None:
    config = tiny("dcgan")
    first = train(config, pictures, tmp_path, device="cpu")
    before = first.generator.read_bytes()
    assert train(config, pictures, tmp_path, device="cpu").finished
    assert first.generator.read_bytes() == before
    assert len(read_log(first.log)) == 2


def test_another_config_in_the_same_folder_is_refused(pictures: np.ndarray, tmp_path: Path) -> None:
    train(tiny("dcgan", epochs=1), pictures, tmp_path, device="cpu")
    with pytest.raises(ArtganError, match=r"another config .*lr 0.0002 -> 0.5"):
        train(tiny("dcgan", lr=0.5), pictures, tmp_path, device="cpu")
    with pytest.raises(ArtganError, match="other pictures"):
        train(tiny("dcgan", epochs=1), pictures[::-1], tmp_path, device="cpu")


def test_a_run_that_breaks_down_stops_and_keeps_the_last_good_state(pictures: np.ndarray, tmp_path: Path) -> None:
    config = tiny("wgan-gp", lr=1.0, optimizer="sgd", epochs=20, gradient_correction="none", judge_normalization="none")
    with pytest.raises(ArtganError, match=r"no longer finite at step .* a lower lr is the first thing to try"):
        train(config, pictures, tmp_path, device="cpu")
    generator = tmp_path / "generator.safetensors"
    if generator.exists():
        assert all(torch.isfinite(value).all() for value in load_generator(generator)[0].state_dict().values())


def test_callbacks_hear_of_every_step_and_epoch(pictures: np.ndarray, tmp_path: Path) -> None:
    class Ears(Callback):
        def __init__(self) -> None:
            self.steps: list[tuple[int, int]] = []
            self.epochs: list[int] = []

        def on_step(self, step: int, total_steps: int) -> None:
            self.steps.append((step, total_steps))

        def on_epoch(self, record: dict[str, Any], networks: Networks) -> None:
            self.epochs.append(record["epoch"])

    ears = Ears()
    train(tiny("dcgan"), pictures, tmp_path, device="cpu", callbacks=[ears])
    assert ears.steps == [(step, 8) for step in range(1, 9)]
    assert ears.epochs == [1, 2]


def test_a_callback_can_end_a_run_which_can_be_gone_on_with(pictures: np.ndarray, tmp_path: Path) -> None:
    class Enough(Callback):
        def on_epoch(self, record: dict[str, Any], networks: Networks) -> None:
            self.stop = "enough"

    config = tiny("dcgan", checkpoint_every=2)
    ended = train(config, pictures, tmp_path / "ended", device="cpu", callbacks=[Enough()])
    assert (ended.step, ended.finished, ended.reason) == (4, False, "enough")
    on = train(config, pictures, tmp_path / "ended", device="cpu")
    whole = train(config, pictures, tmp_path / "whole", device="cpu")
    assert (on.step, on.finished, on.reason) == (8, True, "")
    one, other = (load_generator(result.generator)[0].state_dict() for result in (on, whole))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_epoch_means_are_means_and_last_values_are_the_last(pictures: np.ndarray, tmp_path: Path) -> None:
    one_epoch = tiny("wgan-gp", epochs=1, batch_size=4, images_per_epoch=4)  # two steps
    record = read_log(train(one_epoch, pictures, tmp_path / "two", device="cpu").log).iloc[0]
    first_step = tiny("wgan-gp", epochs=1, batch_size=4, images_per_epoch=1)  # one step, the same first one
    first = read_log(train(first_step, pictures, tmp_path / "one", device="cpu").log).iloc[0]
    assert record["loss_d_mean"] == pytest.approx((first["loss_d"] + record["loss_d"]) / 2, rel=1e-5)


@pytest.mark.parametrize(
    "images",
    [np.zeros((4, 32, 32, 3), np.uint8), np.zeros((4, 64, 64, 3), np.float32), np.zeros((64, 64, 3), np.uint8)],
)
def test_other_pictures_are_refused(images: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match=r"pictures must be uint8 \(N, 64, 64, 3\)"):
        train(tiny("dcgan"), images, tmp_path, device="cpu")


def test_one_picture_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="fewer than two"):
        train(tiny("dcgan"), np.zeros((1, 64, 64, 3), np.uint8), tmp_path, device="cpu")


@pytest.mark.parametrize("when", [7, 30])
def test_a_loss_that_is_not_finite_is_found_within_fifty_steps_and_named(
    when: int, pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny("dcgan", images_per_epoch=400, epochs=1)  # 101 steps
    steps = []

    def poisoned(config: TrainConfig, networks: Networks, batch: Batch, **how: Any) -> torch.Tensor:
        steps.append(1)
        values = update_together(config, networks, batch, **how)
        return values * float("inf") if len(steps) == when else values

    monkeypatch.setattr("artgan_lib.gan.training.update_together", poisoned)
    with pytest.raises(ArtganError, match=rf"no longer finite at step {when} \(epoch 1\); there is no checkpoint yet"):
        train(config, pictures, tmp_path, device="cpu")
    assert len(steps) == 50


def test_the_best_checkpoint_is_that_of_the_lowest_score(pictures: np.ndarray, tmp_path: Path) -> None:
    class Scores(Callback):
        def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, float]:
            return {"score": [5.0, 2.0, 3.0, 4.0, float("nan"), 6.0][record["epoch"] - 1], "other": 1.0}

    config = tiny("dcgan", epochs=6)
    result = train(config, pictures, tmp_path, device="cpu", callbacks=[Scores()], keep_every=0)
    assert read_log(result.log)["score"].tolist()[:4] == [5.0, 2.0, 3.0, 4.0]
    assert [path.name for path in sorted((tmp_path / "checkpoints").iterdir())] == [
        "step_000000008.pt",  # the best
        "step_000000020.pt",
        "step_000000024.pt",
    ]
    header = load_generator(tmp_path / "generator-best.safetensors")[1]
    assert header["origin"]["best"] == {"step": 8, "epoch": 2, "score": 2.0}
    assert load_generator(result.generator)[1]["origin"]["step"] == 24


def test_the_average_of_the_generator_is_what_is_sampled_and_exported(pictures: np.ndarray, tmp_path: Path) -> None:
    averaged = tiny("wgan-gp", images_per_epoch=4, epochs=1, ema_half_life=1000)  # two steps
    plain = [
        load_generator(train(config, pictures, tmp_path / str(index), device="cpu").generator)[0]
        for index, config in enumerate(
            [tiny("wgan-gp", images_per_epoch=1, epochs=1), tiny("wgan-gp", images_per_epoch=4, epochs=1), averaged]
        )
    ]
    first, second, mean = (dict(generator.named_parameters()) for generator in plain)
    for name, value in mean.items():  # after one batch its half-life is a tenth of a batch
        torch.testing.assert_close(value, 0.5**10 * first[name] + (1 - 0.5**10) * second[name])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"score": None}, "Meter must return numbers by name"),
        ({"score": "low"}, "Meter must return numbers by name"),
        ({"step": 3.0}, "Meter measured step, which is in the log already"),
    ],
)
def test_what_a_callback_measures_must_be_numbers_of_its_own(
    values: dict[str, Any], sentence: str, pictures: np.ndarray, tmp_path: Path
) -> None:
    class Meter(Callback):
        def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, Any]:
            return values

    with pytest.raises(ArtganError, match=sentence):
        train(tiny("dcgan"), pictures, tmp_path, device="cpu", callbacks=[Meter()])


def test_numbers_of_other_libraries_are_logged(pictures: np.ndarray, tmp_path: Path) -> None:
    class Meter(Callback):
        def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, Any]:
            return {"score": np.float32(0.5), "other": torch.tensor(2.0)}

    log = read_log(train(tiny("dcgan"), pictures, tmp_path, device="cpu", callbacks=[Meter()]).log)
    assert log[["score", "other"]].to_numpy().tolist() == [[0.5, 2.0], [0.5, 2.0]]


def test_a_run_that_broke_down_is_not_saved_when_it_is_stopped(
    pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(config: TrainConfig, networks: Networks, batch: Batch, **how: Any) -> torch.Tensor:
        return update_together(config, networks, batch, **how) * float("inf")

    monkeypatch.setattr("artgan_lib.gan.training.update_together", poisoned)
    with pytest.raises(ArtganError, match="no longer finite at step 1 "):
        train(tiny("dcgan"), pictures, tmp_path, device="cpu", callbacks=[StopAt(2)])
    assert not (tmp_path / "checkpoints").exists()


def test_callbacks_hear_the_start_and_the_end(pictures: np.ndarray, tmp_path: Path) -> None:
    class Ears(Callback):
        heard: ClassVar[list[object]] = []

        def on_start(self, run_dir: Path, step: int) -> None:
            self.heard.append((run_dir, step))

        def on_end(self) -> None:
            self.heard.append("end")

    train(tiny("dcgan"), pictures, tmp_path, device="cpu", callbacks=[StopAt(3), Ears()])
    train(tiny("dcgan"), pictures, tmp_path, device="cpu", callbacks=[Ears()])
    with pytest.raises(ArtganError):
        train(tiny("dcgan", lr=0.5), pictures, tmp_path, device="cpu", callbacks=[Ears()])
    assert Ears.heard == [(tmp_path, 0), "end", (tmp_path, 3), "end", "end"]


def test_a_log_without_a_checkpoint_is_kept(pictures: np.ndarray, tmp_path: Path) -> None:
    result = train(tiny("dcgan"), pictures, tmp_path, device="cpu")
    former = result.log.read_text()
    for checkpoint in (tmp_path / "checkpoints").iterdir():
        checkpoint.unlink()
    train(tiny("dcgan"), pictures, tmp_path, device="cpu")
    assert (tmp_path / "log.jsonl.old").read_text() == former
