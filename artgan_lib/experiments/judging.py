"""Enlargers judged by paintings that none of ours has seen: made small, enlarged again, compared with what they were.

Two kinds of small copies: clean ones, as our generators paint, and spoilt ones, as pictures from the web are.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.ndimage
import torch

from artgan_lib.evaluation.perceptual import SqueezeNet, perceptual_distance
from artgan_lib.experiments.degradations import degrade, shrink
from artgan_lib.images import fingerprint
from artgan_lib.studio.upscaling import BICUBIC, Upscaler

BETTER = {"psnr": 1, "ssim": 1, "perceptual": -1}
"""What is measured, and whether more of it is better."""


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio of two uint8 pictures in dB; infinite for equal ones."""
    error = np.square(one.astype(np.float64) - other).mean()
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Return the structural similarity of two uint8 pictures (H, W, 3), mean over places and colours.

    Wang et al. 2004: a Gaussian window of sigma 1.5 and 11 pixels, K1 = 0.01, K2 = 0.03, the border left out.
    """
    x, y = one.astype(np.float64), other.astype(np.float64)

    def blur(values: np.ndarray) -> np.ndarray:
        blurred: np.ndarray = scipy.ndimage.gaussian_filter(values, (1.5, 1.5, 0), truncate=5 / 1.5)[5:-5, 5:-5]
        return blurred

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y, cov = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2, blur(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    like = (2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return float(like.mean())


def judge_enlargers(
    upscalers: dict[str, Upscaler],
    paintings: np.ndarray,
    eyes: SqueezeNet,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Enlarge small copies of paintings by four and compare them with the paintings.

    Args:
        upscalers: By name; `bicubic` among them is what the others are compared with.
        paintings: uint8, shape (N, H, W, 3), sides divisible by four; none of them trained on.
        eyes: From `load_squeezenet`, for the perceptual distance.
        seed: Of the degradations.
        progress: Told how many paintings are done, of how many.

    Returns:
        JSON values: for `clean` and `degraded` copies and each upscaler the mean of each number, and the mean of its
        paired difference from bicubic with the half-width of a 95 % interval.
    """
    found: dict[str, dict[str, dict[str, list[float]]]] = {
        kind: {name: {key: [] for key in BETTER} for name in upscalers} for kind in ("clean", "degraded")
    }
    for number, painting in enumerate(paintings):
        whole = np.asarray(painting)
        copies = {"clean": shrink(whole), "degraded": degrade(whole, np.random.default_rng((seed, number)))}
        for kind, copy in copies.items():
            for name, upscaler in upscalers.items():
                made = upscaler.enlarge(copy)
                values = found[kind][name]
                values["psnr"].append(psnr(made, whole))
                values["ssim"].append(ssim(made, whole))
                values["perceptual"].append(_apart(eyes, made, whole))
        progress(number + 1, len(paintings))
    return {
        "paintings": len(paintings),
        "fingerprint": fingerprint(np.asarray(paintings)),
        "size": paintings.shape[1],
        "seed": seed,
        "sha256": {name: upscaler.sha256 for name, upscaler in upscalers.items()},
        "found": {
            kind: {name: _summary(values, of_kind[BICUBIC]) for name, values in of_kind.items()}
            for kind, of_kind in found.items()
        },
    }


def clearly_better(found: dict[str, Any], name: str, kind: str = "clean") -> bool:
    """Tell whether an upscaler beats bicubic in every number by more than the half-width of its interval.

    Args:
        found: From `judge_enlargers`.
        name: Of the upscaler.
        kind: Of the small copies.
    """
    values = found["found"][kind][name]
    return all(sign * values[key]["gain"] > values[key]["within"] for key, sign in BETTER.items())


def _summary(values: dict[str, list[float]], base: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    summary = {}
    for key, numbers in values.items():
        gains = np.subtract(numbers, base[key])
        within = 1.96 * gains.std(ddof=1) / len(gains) ** 0.5 if len(gains) > 1 else float("inf")
        summary[key] = {"mean": float(np.mean(numbers)), "gain": float(gains.mean()), "within": float(within)}
    return summary


@torch.inference_mode()
def _apart(eyes: SqueezeNet, one: np.ndarray, other: np.ndarray) -> float:
    pair = [torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float().div(255) for image in (one, other)]
    return float(perceptual_distance(eyes, *pair)[0])
