from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artgan_lib import ArtganError, TrainConfig, load_generator, preset, read_log, train
from artgan_lib.evaluation.collapse.rule import collapse_events
from artgan_lib.evaluation.collapse.watch import GOOD_CHECKPOINT, GOOD_GENERATOR, LOOK_EVERY, CollapseWatch, advice
from artgan_lib.gan.checkpoints import load_checkpoint
from artgan_lib.gan.training import Callback
from artgan_lib.gan.updates import Networks, build_networks

FALL = [0.9, 0.9, 0.1, 0.1, 0.9, 0.1, 0.9, 0.9]  # collapsed in epochs 3, 4 and 6


@pytest.fixture
def config() -> TrainConfig:
    """Two steps an epoch, eight epochs, a checkpoint each, of the cheapest DCGAN."""
    sizes = {"width": 2, "latent_dim": 8, "batch_size": 4, "images_per_epoch": 7, "epochs": 8}
    return preset("dcgan", "smoke", **sizes)


class Scripted(CollapseWatch):
    """Finds pictures as varied as it was told."""

    def __init__(self, config: TrainConfig, images: np.ndarray, diversity: list[float] = FALL, **options: Any) -> None:
        self.told: list[str] = []
        super().__init__(config, images, every=1, tell=self.told.append, **options)
        self.diversity = diversity

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, float] | None:
        self.now = record["epoch"]
        return super().on_epoch(record, networks)

    def look(self, networks: Networks) -> dict[str, float]:
        return {"diversity": self.diversity[self.now - 1]}


class StopAfter(Callback):
    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> None:
        if record["epoch"] == self.epoch:
            self.stop = "enough"


def test_signals_of_pictures_stand_in_the_log_and_training_goes_as_without(
    config: TrainConfig, pictures: np.ndarray, tmp_path: Path
) -> None:
    labels = np.arange(len(pictures)) % 10
    watched = train(config, pictures, tmp_path / "a", callbacks=[CollapseWatch(config, pictures, labels, every=4)])
    alone = train(config, pictures, tmp_path / "b")
    log = read_log(watched.log)
    looked = log[log["diversity"].notna()]
    assert looked["epoch"].tolist() == [4, 8]
    # 40 real pictures make some thirty effective ones; an untrained generator paints one.
    assert looked["diversity"].between(0.02, 0.1).all()
    assert looked["pairwise"].between(0, 0.5).all()
    assert (looked["duplicates"] == 1).all()
    assert looked["style_entropy"].between(0.09, 0.4).all()
    np.testing.assert_allclose(looked["saturation"], looked["score_real_mean"] - looked["score_fake_mean"])
    assert (looked["collapsed"] == 0).all()  # young
    other = read_log(alone.log)
    assert log["loss_g"].equals(other["loss_g"])
    assert not (tmp_path / "a" / GOOD_GENERATOR).exists()


def test_a_look_is_the_same_each_time_and_leaves_the_networks_alone(config: TrainConfig, pictures: np.ndarray) -> None:
    import torch

    networks = build_networks(config, torch.device("cpu"))
    before = {name: value.clone() for name, value in networks.generator.state_dict().items()}
    watch = CollapseWatch(config, pictures, count=20)
    assert watch.look(networks) == watch.look(networks)
    assert networks.generator.training
    assert all(torch.equal(value, before[name]) for name, value in networks.generator.state_dict().items())


def test_events_are_in_the_log_and_the_last_good_state_is_kept(
    config: TrainConfig, pictures: np.ndarray, tmp_path: Path
) -> None:
    watch = Scripted(config, pictures)
    result = train(config, pictures, tmp_path, callbacks=[watch])
    assert read_log(result.log)["collapsed"].tolist() == [0, 0, 1, 1, 0, 1, 0, 0]
    events = collapse_events(tmp_path)
    assert [(event.start_epoch, event.end_epoch) for event in events] == [(3, 5), (6, 7)]
    assert watch.rule.events == events
    assert load_generator(tmp_path / GOOD_GENERATOR)[1]["origin"]["epoch"] == 8
    good = tmp_path / "checkpoints" / GOOD_CHECKPOINT
    assert load_checkpoint(good)["step"] == 5 * config.steps_per_epoch  # from before the second event
    assert [line.split(":")[0] for line in watch.told] == ["epoch 3", "epoch 5", "epoch 6", "epoch 7"]
    assert "the pictures have collapsed (diversity 0.10, alarming from" in watch.told[0]
    assert f"--init-from {good}" in watch.told[0]
    fork = TrainConfig.from_dict(config.to_dict() | {"lr": 1e-5})
    assert train(fork, pictures, tmp_path / "new", init_from=good).finished


def test_while_a_run_is_collapsed_the_good_generator_stays(
    config: TrainConfig, pictures: np.ndarray, tmp_path: Path
) -> None:
    train(config, pictures, tmp_path, callbacks=[Scripted(config, pictures, [0.9, 0.9] + [0.1] * 6)])
    assert load_generator(tmp_path / GOOD_GENERATOR)[1]["origin"]["epoch"] == 2
    assert load_checkpoint(tmp_path / "checkpoints" / GOOD_CHECKPOINT)["step"] == 2 * config.steps_per_epoch


@pytest.mark.parametrize("stop", [3, 4])
def test_an_event_goes_on_after_a_stop(config: TrainConfig, pictures: np.ndarray, tmp_path: Path, stop: int) -> None:
    whole = train(config, pictures, tmp_path / "whole", callbacks=[Scripted(config, pictures)])
    part = train(config, pictures, tmp_path / "parts", callbacks=[Scripted(config, pictures), StopAfter(stop)])
    assert part.step == stop * config.steps_per_epoch
    last = train(config, pictures, tmp_path / "parts", callbacks=[Scripted(config, pictures)])
    assert last.finished
    assert collapse_events(last.log) == collapse_events(whole.log)
    assert read_log(last.log)["collapsed"].tolist() == read_log(whole.log)["collapsed"].tolist()
    goods = [(tmp_path / run / GOOD_GENERATOR).read_bytes() for run in ("whole", "parts")]
    assert goods[0] == goods[1]


def test_a_collapse_can_end_the_run_once_and_the_same_call_goes_on(
    config: TrainConfig, pictures: np.ndarray, tmp_path: Path
) -> None:
    stops = []
    for _ in range(3):
        result = train(config, pictures, tmp_path, callbacks=[Scripted(config, pictures, stop=True)])
        stops.append((result.step // config.steps_per_epoch, "collapsed" in result.reason, result.finished))
    assert stops == [(3, True, False), (6, True, False), (8, False, True)]


def test_a_run_that_never_was_varied_is_not_called_collapsed(
    config: TrainConfig, pictures: np.ndarray, tmp_path: Path
) -> None:
    class Impatient(Scripted):
        def on_start(self, run_dir: Path, step: int) -> None:
            super().on_start(run_dir, step)
            self.rule.warm_up = 10

    watch = Impatient(config, pictures, [0.1] * 8)
    train(config, pictures, tmp_path, callbacks=[watch])
    (line,) = watch.told
    assert line.startswith("epoch 5: the pictures have not become varied")
    assert not (tmp_path / "checkpoints" / GOOD_CHECKPOINT).exists()


@pytest.mark.parametrize(
    ("variant", "settings", "signal", "saturation", "knob"),
    [
        ("wgan-free", {}, "diversity", None, "gradient_correction=penalty"),
        ("dcgan", {"latent_dim": 2}, "diversity", 0.5, "latent_dim=100"),
        ("dcgan-bare", {}, "diversity", 0.5, "generator_normalization=batch"),
        ("dcgan", {"lr": 4e-3}, "diversity", 0.5, "lower lr from 0.004 to 0.0002"),
        ("wgan-gp", {"lr": 4e-3}, "diversity", None, "lower lr from 0.004 to 0.0001"),
        ("dcgan-sgd", {}, "diversity", 0.5, "optimizer=adam"),
        ("dcgan-five-updates", {}, "diversity", 0.5, "judge_updates=1"),
        ("dcgan", {}, "diversity", 0.95, "lower lr from 0.0002 to 5e-05"),
        ("dcgan", {"judge_normalization": "none"}, "diversity", 0.5, "judge_normalization=batch"),
        ("dcgan", {"batch_size": 32}, "style_entropy", 0.5, "raise batch_size from 32"),
        ("dcgan", {}, "duplicates", 0.5, "--variant wgan-gp"),
        ("wgan-gp", {}, "diversity", None, "lower lr from 0.0001"),
    ],
)
def test_advice_names_the_knob(
    variant: str, settings: dict[str, Any], signal: str, saturation: float | None, knob: str
) -> None:
    assert knob in advice(preset(variant, **settings), signal, saturation)


def test_short_epochs_are_looked_at_less_often(config: TrainConfig, pictures: np.ndarray) -> None:
    assert CollapseWatch(config, pictures).every == LOOK_EVERY // 8
    assert CollapseWatch(preset("dcgan"), pictures).every == 1
    with pytest.raises(ArtganError, match="not every -1"):
        CollapseWatch(config, pictures, every=-1)
