"""A run that starts from trained networks has their weights, counts their images, and treats classes by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from artgan_lib import ArtganError, Callback, TrainConfig, load_generator, preset, read_log, train
from artgan_lib.gan.checkpoints import load_checkpoint
from artgan_lib.gan.runs import RunFolder
from artgan_lib.gan.updates import Networks
from artgan_lib.gan.warm_start import WARM_UP


def tiny(**settings: Any) -> TrainConfig:
    values = {"width": 2, "latent_dim": 8, "batch_size": 4, "images_per_epoch": 12, "epochs": 1}
    return preset("dcgan", "smoke", **values | settings)


def modern(**settings: Any) -> TrainConfig:
    values = {"width": 4, "latent_dim": 8, "batch_size": 4, "feature_size": 32, "images_per_epoch": 4, "epochs": 1}
    return preset("projected", "smoke", **values | settings)


class Keep(Callback):
    def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, float]:
        self.rates = [networks.optimizer_g.param_groups[0]["lr"], networks.optimizer_d.param_groups[0]["lr"]]
        self.generator = {name: value.clone() for name, value in networks.generator.state_dict().items()}
        return {}


def newest(run: Path) -> dict[str, Any]:
    return load_checkpoint(RunFolder(run).saved()[-1])


def test_images_are_counted_on_and_rate_batch_and_images_may_change(pictures: np.ndarray, tmp_path: Path) -> None:
    train(tiny(), pictures, tmp_path / "old", device="cpu")
    seen = read_log(tmp_path / "old" / "log.jsonl")["images_seen"].iloc[-1]
    config = tiny(lr=1e-5, batch_size=6)
    result = train(config, pictures[::-1], tmp_path / "new", device="cpu", init_from=tmp_path / "old")
    log = read_log(result.log)
    assert log["epoch"].tolist() == [1]
    assert log["images_seen"].tolist() == [seen + 3 * 6]
    origin = load_generator(result.generator)[1]["origin"]
    assert (origin["started_from"], origin["images_seen"]) == ("old", seen + 18)
    assert newest(tmp_path / "new")["networks"]["optimizer_g"]["param_groups"][0]["lr"] == 1e-5


@pytest.mark.parametrize("kind", ["folder", "checkpoint"])
def test_weights_and_moments_are_those_of_the_run(kind: str, pictures: np.ndarray, tmp_path: Path) -> None:
    train(tiny(), pictures, tmp_path / "old", device="cpu")
    old = newest(tmp_path / "old")["networks"]
    start = tmp_path / "old" if kind == "folder" else RunFolder(tmp_path / "old").saved()[-1]
    still = tiny(lr=1e-30)  # a step that moves nothing
    train(still, pictures, tmp_path / "new", device="cpu", init_from=start)
    new = newest(tmp_path / "new")["networks"]
    for name in ("head.weight", "stem.0.1.weight"):
        torch.testing.assert_close(new["generator"][name], old["generator"][name])
    assert new["optimizer_d"]["state"][0]["step"] == old["optimizer_d"]["state"][0]["step"] + 4


def test_the_same_command_goes_on_instead_of_starting_again(pictures: np.ndarray, tmp_path: Path) -> None:
    train(tiny(), pictures, tmp_path / "old", device="cpu")
    for _ in range(2):
        result = train(tiny(), pictures, tmp_path / "new", device="cpu", init_from=tmp_path / "old")
    assert len(read_log(result.log)) == 1


def test_a_new_discriminator_learns_alone_at_first(pictures: np.ndarray, tmp_path: Path) -> None:
    result = train(tiny(), pictures, tmp_path / "old", device="cpu")
    trained = load_generator(result.generator)[0].state_dict()
    keep = Keep()
    train(tiny(), pictures, tmp_path / "new", device="cpu", init_from=result.generator, callbacks=[keep])
    assert WARM_UP > 4
    assert keep.rates[0] == 0.0 < keep.rates[1]
    assert torch.equal(keep.generator["head.weight"], trained["head.weight"])


def test_a_discriminator_beside_the_generator_file_comes_along(pictures: np.ndarray, tmp_path: Path) -> None:
    result = train(modern(), pictures, tmp_path / "old", device="cpu")
    judge = {name: value.contiguous() for name, value in newest(tmp_path / "old")["networks"]["judge"].items()}
    save_file(judge, tmp_path / "old" / "generator.discriminator.safetensors")
    keep = Keep()
    train(modern(seed=5), pictures, tmp_path / "new", device="cpu", init_from=result.generator, callbacks=[keep])
    assert keep.rates == [3e-4, 3e-4]
    mixing = newest(tmp_path / "new")["networks"]["judge"]["mixing.channels_0"]
    assert torch.equal(mixing, judge["mixing.channels_0"])  # though another seed draws other ones


def test_classes_are_carried_over_by_name_and_new_ones_start_as_the_mean(pictures: np.ndarray, tmp_path: Path) -> None:
    labels = np.arange(len(pictures)) % 3
    how: dict[str, Any] = {"device": "cpu"}
    train(modern(), pictures, tmp_path / "old", labels=labels, classes=("a", "b", "c"), **how)
    old = newest(tmp_path / "old")["networks"]["generator"]["embed.weight"]
    config = modern(lr=1e-30)
    start = tmp_path / "old"
    train(config, pictures, tmp_path / "new", labels=labels % 2, classes=("c", "new"), init_from=start, **how)
    state = newest(tmp_path / "new")["networks"]["generator"]
    torch.testing.assert_close(state["embed.weight"], torch.stack([old[:, 2], old.mean(1)], 1))
    assert state["class_counts"].tolist() == np.bincount(labels % 2).tolist()


@pytest.mark.parametrize("settings", [{"width": 4}, {"judge_normalization": "layer"}])
def test_other_networks_are_refused(settings: dict[str, Any], pictures: np.ndarray, tmp_path: Path) -> None:
    train(tiny(), pictures, tmp_path / "old", device="cpu")
    with pytest.raises(ArtganError, match="old cannot be started from: other networks"):
        train(tiny(**settings), pictures, tmp_path / "new", device="cpu", init_from=tmp_path / "old")


def test_nothing_to_start_from_is_refused(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match=r"there is nothing to start from at .*nothing"):
        train(tiny(), pictures, tmp_path / "new", device="cpu", init_from=tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtganError, match=r"there is no checkpoint in .*empty to start from"):
        train(tiny(), pictures, tmp_path / "new", device="cpu", init_from=tmp_path / "empty")
    with pytest.raises(ArtganError, match="there is no model"):
        train(tiny(), pictures, tmp_path / "new", device="cpu", init_from=tmp_path / "no.safetensors")
