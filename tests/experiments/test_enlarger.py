import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from artgan_lib import ArtganError, load_upscaler, read_log, synthetic_paintings
from artgan_lib.experiments import enlarger
from artgan_lib.experiments.degradations import degrade, draw_pairs, shrink
from artgan_lib.experiments.enlarger import EnlargerConfig, build_enlarger, train_enlarger
from artgan_lib.experiments.judging import clearly_better, judge_enlargers, psnr, ssim
from artgan_lib.gan.checkpoints import load_checkpoint

TINY = EnlargerConfig(features=4, convolutions=1, batch_size=2, patch=8, steps=6, perceptual_from=0.5)


@pytest.fixture(scope="module")
def paintings() -> np.ndarray:
    return synthetic_paintings(6, size=48, seed=2)[0]


def test_a_clean_copy_is_pillows_bicubic(paintings: np.ndarray) -> None:
    expected = np.asarray(Image.fromarray(paintings[0]).resize((12, 12), Image.Resampling.BICUBIC))
    assert np.array_equal(shrink(paintings[0]), expected)


def test_a_degraded_copy_is_further_from_the_picture_and_the_same_for_the_same_seed(paintings: np.ndarray) -> None:
    clean = shrink(paintings[0]).astype(float)
    spoilt = [degrade(paintings[0], np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert spoilt[0].shape == (12, 12, 3)
    assert np.array_equal(spoilt[0], spoilt[1])
    assert not np.array_equal(spoilt[0], spoilt[2])
    assert 1 < np.abs(spoilt[0] - clean).mean() < 40
    assert abs(spoilt[0].mean() - clean.mean()) < 8  # spoilt, but not darkened


def test_pairs_are_patches_and_their_copies(paintings: np.ndarray) -> None:
    small, large = draw_pairs(paintings, 40, 8, np.random.default_rng(0))
    assert (small.shape, large.shape) == ((40, 8, 8, 3), (40, 32, 32, 3))
    clean = [np.array_equal(copy, shrink(patch)) for copy, patch in zip(small, large, strict=True)]
    assert 5 < sum(clean) < 28  # two in five, by chance
    sources = {patch.tobytes() for picture in paintings for patch in _all_patches(picture)}
    assert all(patch.tobytes() in sources for patch in large)


def _all_patches(picture: np.ndarray) -> list[np.ndarray]:
    mirrored = picture[:, ::-1]
    places = [(top, left) for top in range(17) for left in range(17)]
    return [np.ascontiguousarray(one[t : t + 32, x : x + 32]) for one in (picture, mirrored) for t, x in places]


def test_a_new_network_nearly_repeats_pixels() -> None:
    network = build_enlarger(EnlargerConfig(features=8, convolutions=2))
    image = torch.rand(1, 3, 8, 8)
    repeated = image.repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert (network(image) - repeated).abs().mean() < 0.05


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(paintings: np.ndarray, tmp_path: Path) -> None:
    whole, done = train_enlarger(TINY, paintings, tmp_path / "whole", device="cpu", every=2)
    assert done
    cut, cut_done = train_enlarger(TINY, paintings, tmp_path / "cut", device="cpu", every=2, minutes=0)
    assert not cut_done

    def stop(record: dict[str, float]) -> None:
        if record["step"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_enlarger(TINY, paintings, tmp_path / "cut", device="cpu", every=2, progress=stop)
    again, done = train_enlarger(TINY, paintings, tmp_path / "cut", device="cpu", every=2)
    assert (again, done) == (cut, True)
    for name in ("network", "average", "optimizer"):
        states = [load_checkpoint(path.parent / "state.pt")[name] for path in (whole, again)]
        flat = [torch.utils._pytree.tree_leaves(state) for state in states]
        assert all(torch.equal(a, b) if torch.is_tensor(a) else a == b for a, b in zip(*flat, strict=True)), name
    logs = [read_log(path.parent / "log.jsonl").drop(columns="seconds") for path in (whole, again)]
    assert logs[0].equals(logs[1])
    assert logs[0]["step"].tolist() == [2, 4, 6]
    with pytest.raises(ArtganError, match="belongs to another config"):
        train_enlarger(TINY, paintings[:5], tmp_path / "cut", device="cpu")


def test_sigterm_saves_between_two_lines_of_the_log(paintings: np.ndarray, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        real = enlarger._Learner.learn

        def learn(self: enlarger._Learner, small: np.ndarray, large: np.ndarray, step: int) -> torch.Tensor:
            if step == 2:
                signal.raise_signal(signal.SIGTERM)
            return real(self, small, large, step)

        patch.setattr(enlarger._Learner, "learn", learn)
        _, done = train_enlarger(TINY, paintings, tmp_path, device="cpu", every=100)
    assert not done
    assert load_checkpoint(tmp_path / "state.pt")["step"] == 3
    assert train_enlarger(TINY, paintings, tmp_path, device="cpu", every=100)[1]
    assert read_log(tmp_path / "log.jsonl")["step"].tolist() == [3, 6]


def test_what_is_written_is_an_upscaler_at_half_precision(paintings: np.ndarray, tmp_path: Path) -> None:
    path, _ = train_enlarger(TINY, paintings, tmp_path, device="cpu")
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["artgan-enlarger"])
        assert file.get_tensor("body.0.weight").dtype == torch.float16
    assert (about["step"], about["pictures"], about["config"]["features"]) == (6, 6, 4)
    upscaler = load_upscaler(str(path))
    small = shrink(paintings[0])
    enlarged = upscaler.enlarge(small)
    assert enlarged.shape == (48, 48, 3)
    average = build_enlarger(TINY)
    average.load_state_dict(load_checkpoint(tmp_path / "state.pt")["average"])
    x = torch.from_numpy(small.copy()).permute(2, 0, 1)[None] / 255
    expected = average(x)[0].permute(1, 2, 0).mul(255).round().clamp(0, 255).detach().numpy()
    assert np.abs(enlarged - expected).max() <= 1


def test_pictures_that_are_too_small_are_told(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="wants pictures of 32 pixels a side"):
        train_enlarger(TINY, np.zeros((2, 16, 16, 3), np.uint8), tmp_path)
    with pytest.raises(ArtganError, match="steps of the enlarger must be positive, not 0"):
        EnlargerConfig(steps=0)


def test_psnr_and_ssim_in_closed_form() -> None:
    black, grey = np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 51, np.uint8)
    assert psnr(black, grey) == pytest.approx(10 * np.log10(255**2 / 51**2))  # 13.98 dB
    assert psnr(grey, grey) == float("inf")
    c1 = (0.01 * 255) ** 2
    assert ssim(black, grey) == pytest.approx(c1 / (51**2 + c1))  # no structure, only light
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert ssim(noise, noise) == pytest.approx(1)
    assert -1 < ssim(noise, 255 - noise) < -0.8


def test_enlargers_are_judged_against_bicubic(paintings: np.ndarray, shared_weights: Path) -> None:
    from artgan_lib.evaluation.perceptual import load_squeezenet

    upscalers = {name: load_upscaler(name) for name in ("bicubic", "lanczos")}
    eyes = load_squeezenet(shared_weights / "squeezenet1_1.safetensors")
    found = judge_enlargers(upscalers, paintings, eyes)
    bicubic = found["found"]["clean"]["bicubic"]
    large = np.asarray(Image.fromarray(shrink(paintings[0])).resize((48, 48), Image.Resampling.BICUBIC))
    one = judge_enlargers({"bicubic": upscalers["bicubic"]}, paintings[:1], eyes)["found"]["clean"]["bicubic"]
    assert one["psnr"]["mean"] == pytest.approx(psnr(large, paintings[0]))
    assert bicubic["psnr"]["gain"] == bicubic["psnr"]["within"] == 0
    assert found["found"]["degraded"]["bicubic"]["psnr"]["mean"] < bicubic["psnr"]["mean"]
    assert not clearly_better(found, "bicubic")


def test_clearly_better_means_in_every_number() -> None:
    rows = {key: {"mean": 0.0, "gain": sign * 0.3, "within": 0.1} for key, sign in _SIGNS.items()}
    found = {"found": {"clean": {"ours": rows}}}
    assert clearly_better(found, "ours")
    rows["ssim"] = {"mean": 0.0, "gain": 0.05, "within": 0.1}
    assert not clearly_better(found, "ours")


_SIGNS = {"psnr": 1, "ssim": 1, "perceptual": -1}
