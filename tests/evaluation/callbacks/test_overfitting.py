import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed, nn

from artgan_lib import ArtganError, TrainConfig, preset, read_log, synthetic_paintings, train
from artgan_lib.evaluation.callbacks.overfitting import KEYS, HeldOut, held_out_along
from artgan_lib.gan.checkpoints import load_checkpoint
from artgan_lib.gan.runs import RunFolder
from artgan_lib.gan.updates import build_networks
from artgan_lib.images import to_float


@pytest.fixture(scope="module")
def others() -> np.ndarray:
    return synthetic_paintings(12, seed=9)[0]


def tiny(variant: str) -> TrainConfig:
    return preset(variant, "smoke", width=2, latent_dim=8, batch_size=4, images_per_epoch=12, epochs=2)


def same(one: object, other: object) -> bool:
    """Compare two states to the bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)  # type: ignore[arg-type]
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)  # type: ignore[attr-defined, index]
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))  # type: ignore[arg-type]
    return bool(one == other)


@pytest.mark.parametrize("variant", ["dcgan", "wgan-gp"])
def test_a_run_that_is_looked_at_is_the_same_run_to_the_bit(
    variant: str, pictures: np.ndarray, others: np.ndarray, tmp_path: Path
) -> None:
    config, states, streams = tiny(variant), [], []
    for name, callbacks in (("alone", []), ("watched", [HeldOut(tiny(variant), others, pictures)])):
        torch.manual_seed(5)
        np.random.seed(5)  # noqa: NPY002
        result = train(config, pictures, tmp_path / name, device="cpu", callbacks=callbacks)
        states.append(load_checkpoint(sorted((result.run_dir / "checkpoints").iterdir())[-1])["networks"])
        streams.append((torch.rand(1).item(), np.random.random()))  # noqa: NPY002
    assert same(*states)
    assert streams[0] == streams[1]
    columns = read_log(tmp_path / "watched" / "log.jsonl").columns
    assert set(KEYS) <= set(columns)


def test_scores_are_the_judges_in_batches_of_the_run(pictures: np.ndarray, others: np.ndarray) -> None:
    config = tiny("dcgan")
    networks = build_networks(config, torch.device("cpu"))
    found = HeldOut(config, others, pictures).on_epoch({}, networks)
    chosen = to_float(torch.from_numpy(others))  # 12 of 12: all of them, in three batches of four
    by_hand = torch.cat([networks.judge(batch) for batch in chosen.split(4)]).sigmoid().mean()
    assert found["score_held_out"] == pytest.approx(by_hand.item(), abs=1e-6)
    assert np.isnan(found["wasserstein_held_out"])


def test_a_critics_distances_differ_by_what_it_makes_of_the_real_pictures(
    pictures: np.ndarray, others: np.ndarray
) -> None:
    config = tiny("wgan-gp")
    found = HeldOut(config, others, pictures).on_epoch({}, build_networks(config, torch.device("cpu")))
    apart = found["wasserstein_seen"] - found["wasserstein_held_out"]
    assert apart == pytest.approx(found["score_seen"] - found["score_held_out"], abs=1e-6)
    assert apart != 0


def test_held_out_pictures_must_be_others_and_fill_a_batch(pictures: np.ndarray, others: np.ndarray) -> None:
    with pytest.raises(ArtganError, match="are those that are trained on"):
        HeldOut(tiny("dcgan"), pictures, pictures)
    with pytest.raises(ArtganError, match="3 pictures do not fill one batch of 4"):
        HeldOut(tiny("dcgan"), others[:3], pictures)


def test_held_out_images_of_another_size_are_refused_before_the_run(pictures: np.ndarray, others: np.ndarray) -> None:
    with pytest.raises(ArtganError, match="held-out images have 32 x 32 pixels, those that are trained on 64 x 64"):
        HeldOut(tiny("dcgan"), others[:, ::2, ::2], pictures)


@pytest.fixture
def process_group(tmp_path: Path) -> Iterator[None]:
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_one_process_measures_networks_that_several_synchronise(
    pictures: np.ndarray, others: np.ndarray, process_group: None
) -> None:
    """In train mode SyncBatchNorm waits for the other processes, or refuses a CPU, where it has a process group."""
    config = tiny("dcgan")
    networks = build_networks(config, torch.device("cpu"))
    plain = HeldOut(config, others, pictures).on_epoch({}, networks)
    judge, generator = (nn.SyncBatchNorm.convert_sync_batchnorm(net) for net in (networks.judge, networks.generator))
    assert any(isinstance(module, nn.SyncBatchNorm) for module in judge.modules())
    before = copy.deepcopy(judge.state_dict())
    found = HeldOut(config, others, pictures).on_epoch({}, networks._replace(judge=judge, generator=generator))
    assert found == pytest.approx(plain, nan_ok=True)
    assert same(judge.state_dict(), before)
    assert judge.training
    assert any(isinstance(module, nn.SyncBatchNorm) for module in judge.modules())


@pytest.mark.gpu
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_gpu_without_float64_measures_too(device: str, pictures: np.ndarray, others: np.ndarray) -> None:
    if not getattr(torch, "cuda" if device == "cuda" else "mps").is_available():
        pytest.skip(f"there is no {device} device")
    config = tiny("wgan-gp")
    on_cpu, on_gpu = (
        HeldOut(config, others, pictures).on_epoch({}, build_networks(config, torch.device(where)))
        for where in ("cpu", device)
    )
    assert on_gpu == pytest.approx(on_cpu, rel=1e-3, abs=1e-4)


def test_checkpoints_tell_afterwards_what_the_log_would_have_told(
    pictures: np.ndarray, others: np.ndarray, tmp_path: Path
) -> None:
    config = tiny("wgan-gp")
    watched = train(config, pictures, tmp_path, device="cpu", callbacks=[HeldOut(config, others, pictures)])
    log = read_log(watched.log)
    found = list(held_out_along(RunFolder(tmp_path), others, pictures))
    assert [record["step"] for record in found] == log["step"].tolist()
    for key in KEYS:
        assert [record[key] for record in found] == pytest.approx(log[key].tolist(), abs=1e-5)
    with pytest.raises(ArtganError, match="was trained on other pictures"):
        list(held_out_along(RunFolder(tmp_path), pictures, others))
    with pytest.raises(ArtganError, match="there is no checkpoint in"):
        list(held_out_along(RunFolder(tmp_path / "none"), others, pictures))
