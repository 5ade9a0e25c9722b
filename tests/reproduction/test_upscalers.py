from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from artgan_lib import load_upscaler, synthetic_paintings
from reproduction.upscalers import compare, degrade, load_lpips, psnr, shrink, ssim


@pytest.fixture(scope="module")
def paintings() -> np.ndarray:
    return synthetic_paintings(4, size=64, seed=2)[0]


def test_a_degraded_copy_is_the_same_for_the_same_seed_and_keeps_the_light(paintings: np.ndarray) -> None:
    clean = shrink(paintings[0]).astype(float)
    copies = [degrade(paintings[0], np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert clean.shape == copies[0].shape == (16, 16, 3)
    assert np.array_equal(copies[0], copies[1])
    assert not np.array_equal(copies[0], copies[2])
    assert 1 < np.abs(copies[0] - clean).mean() < 40
    assert abs(copies[0].mean() - clean.mean()) < 8


def test_psnr_and_ssim_in_closed_form() -> None:
    black, grey = np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 51, np.uint8)
    assert psnr(black, grey) == pytest.approx(10 * np.log10(255**2 / 51**2))  # 13.98 dB
    assert psnr(grey, grey) == float("inf")
    c1 = (0.01 * 255) ** 2
    assert ssim(black, grey) == pytest.approx(c1 / (51**2 + c1))  # no structure, only light
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert ssim(noise, noise) == pytest.approx(1)
    assert -1 < ssim(noise, 255 - noise) < -0.8


def test_upscalers_are_compared_with_bicubic_in_pairs(paintings: np.ndarray) -> None:
    upscalers = {name: load_upscaler(name) for name in ("bicubic", "lanczos")}
    found = compare(upscalers, paintings, {"psnr": psnr})
    bicubic, lanczos = (found["clean"][name]["psnr"] for name in upscalers)
    expected = [psnr(upscalers["bicubic"].enlarge(shrink(image)), image) for image in paintings]
    assert bicubic == {"mean": pytest.approx(np.mean(expected)), "gain": 0, "within": 0}
    assert lanczos["gain"] == pytest.approx(lanczos["mean"] - bicubic["mean"])
    assert lanczos["within"] > 0
    assert found["degraded"]["bicubic"]["psnr"]["mean"] < bicubic["mean"]


def test_lpips_sees_blur_and_not_equal_images(paintings: np.ndarray, shared_weights: Path) -> None:
    pytest.importorskip("lpips", reason="the package lpips is not installed")
    distance = load_lpips(shared_weights / "squeezenet1_1.safetensors")
    blurred = np.asarray(Image.fromarray(paintings[1]).filter(ImageFilter.GaussianBlur(2)))
    assert distance(paintings[0], paintings[0]) == 0
    assert 0.01 < distance(paintings[1], blurred) < distance(paintings[1], paintings[0]) < 1.5
