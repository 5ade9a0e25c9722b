"""Upscalers compared: how close they come to real paintings, and how many seconds an image takes.

    artgan prepare paintings256-imagefolder-split.tar --split test --size 256 --out build/test256 --style ...
    python -m reproduction.upscalers --data build/test256

Paintings are made four times smaller, once cleanly and once degraded, and upscaled again. The numbers go to
`data/results/enlarger.json`, which notebook 08 reads; `figures/enlargers.png` shows generated samples, for which there
is no truth. LPIPS takes the package `lpips` (extra `bench`) and, in the folder that ARTGAN_WEIGHTS_DIR names,
SqueezeNet. Networks that are not on this machine are left out.
"""

import argparse
import io
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFilter
from safetensors.torch import load_file
from scipy.ndimage import gaussian_filter

from artgan_lib import load_upscaler
from artgan_lib.data.dataset import open_cache
from artgan_lib.downloads import WEIGHTS_DIR
from artgan_lib.images import fingerprint
from artgan_lib.runlog import write_json
from artgan_lib.studio.upscaling import (
    BICUBIC,
    DEFAULT,
    DEFAULT_CPU,
    INTERPOLATIONS,
    NETWORKS,
    SCALE,
    Upscaler,
    available,
)

UPSCALERS = (*INTERPOLATIONS, *NETWORKS)
CHAINS = (DEFAULT_CPU, f"{DEFAULT}+realesr-general-x4v3")
"""Two networks one after the other; to 256 pixels they are the first of the two."""

SEED = 0
Metric = Callable[[np.ndarray, np.ndarray], float]


def shrink(image: np.ndarray) -> np.ndarray:
    """Make an image (H, W, 3) four times smaller by Pillow's bicubic filter, as training data are made."""
    height, width = image.shape[:2]
    return np.asarray(Image.fromarray(image).resize((width // SCALE, height // SCALE), Image.Resampling.BICUBIC))


def degrade(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make an image four times smaller with blur, noise and JPEG, one round of Real-ESRGAN's degradations.

    Wang et al. 2021, section 3, with weaker amounts; each is drawn anew.

    Args:
        image: uint8, shape (H, W, 3), sides divisible by four.
        rng: Source of the amounts and of the noise.

    Returns:
        uint8, shape (H / 4, W / 4, 3).
    """
    blurred = Image.fromarray(image).filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 2.0)))
    small = shrink(np.asarray(blurred))
    noisy = small + rng.normal(0, rng.uniform(0, 12), small.shape)
    buffer = io.BytesIO()
    quality = int(rng.integers(50, 96))
    Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8)).save(buffer, "jpeg", quality=quality)
    return np.asarray(Image.open(buffer))


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio of two uint8 images in dB; infinite for equal ones."""
    error = np.square(one.astype(np.float64) - other).mean()
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Return the structural similarity of two uint8 images (H, W, 3), the mean over places and colours.

    Wang et al. 2004: a Gaussian window of sigma 1.5 and 11 pixels, K1 = 0.01, K2 = 0.03, the border left out.
    """
    x, y = one.astype(np.float64), other.astype(np.float64)

    def blur(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, (1.5, 1.5, 0), truncate=5 / 1.5)[5:-5, 5:-5]

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y, cov = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2, blur(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similar = (2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return float(similar.mean())


def load_lpips(squeezenet: Path) -> Metric:
    """Return LPIPS on SqueezeNet 1.1 (Zhang et al. 2018): 0 for equal images, lower is closer.

    Args:
        squeezenet: ImageNet weights as safetensors, `conv` and `fire.N.{squeeze,expand1,expand3}`.
    """
    import lpips
    from torchvision.models import squeezenet1_1

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package uses an old parameter of torchvision
        network = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False)
    weights, features = load_file(squeezenet), squeezenet1_1(weights=None).features
    features[0].load_state_dict({kind: weights[f"conv.{kind}"] for kind in ("weight", "bias")})
    fires = [layer for layer in features if hasattr(layer, "expand1x1")]
    for number, fire in enumerate(fires):
        for part, layer in (("squeeze", fire.squeeze), ("expand1", fire.expand1x1), ("expand3", fire.expand3x3)):
            layer.load_state_dict({kind: weights[f"fire.{number}.{part}.{kind}"] for kind in ("weight", "bias")})
    slices = (getattr(network.net, f"slice{number}") for number in range(1, 8))
    layers = [layer for part in slices for layer in part]
    for theirs, ours in zip(layers, features, strict=True):
        theirs.load_state_dict(ours.state_dict())

    @torch.inference_mode()
    def distance(one: np.ndarray, other: np.ndarray) -> float:
        pair = [torch.tensor(image).permute(2, 0, 1)[None].float() / 127.5 - 1 for image in (one, other)]
        return float(network(*pair))

    return distance


def compare(
    upscalers: dict[str, Upscaler], paintings: np.ndarray, metrics: dict[str, Metric], seed: int = SEED
) -> dict[str, Any]:
    """Upscale small copies of paintings and compare the results with the paintings.

    Args:
        upscalers: By name, bicubic interpolation among them.
        paintings: uint8, shape (N, H, W, 3), sides divisible by four.
        metrics: By name, of two images.
        seed: Of the degradations.

    Returns:
        By `clean` and `degraded`, upscaler and metric: `mean`, `gain`, which is the mean paired difference from
        bicubic, and `within`, the half-width of its 95 % interval.
    """
    values: dict[tuple[str, str, str], list[float]] = {}
    for number, painting in enumerate(np.asarray(paintings)):
        copies = {"clean": shrink(painting), "degraded": degrade(painting, np.random.default_rng((seed, number)))}
        for kind, copy in copies.items():
            for name, upscaler in upscalers.items():
                upscaled = upscaler.enlarge(copy)
                for metric, measure in metrics.items():
                    values.setdefault((kind, name, metric), []).append(measure(upscaled, painting))
    found: dict[str, Any] = {}
    for (kind, name, metric), numbers in values.items():
        gains = np.subtract(numbers, values[kind, BICUBIC, metric])
        within = 1.96 * gains.std(ddof=1) / len(gains) ** 0.5
        entry = {"mean": np.mean(numbers).item(), "gain": gains.mean().item(), "within": within.item()}
        found.setdefault(kind, {}).setdefault(name, {})[metric] = entry
    return found


def time_upscalers(
    upscalers: dict[str, Upscaler], image: np.ndarray, all_threads: list[int], rounds: int = 3
) -> dict[str, Any]:
    """Return the least seconds of one 64 x 64 image by upscaler, size (256, 1024) and number of threads.

    The least of some rounds is what the machine does when nothing else runs on it.
    """
    found: dict[str, Any] = {name: {"256": {}, "1024": {}} for name in upscalers}
    for threads in all_threads:
        torch.set_num_threads(threads)
        for name, upscaler in upscalers.items():
            upscaler.to_size(image, 256)  # the first call sets things up
            for size in found[name]:
                times = []
                for _ in range(rounds):
                    begun = time.perf_counter()
                    upscaler.to_size(image, int(size))
                    times.append(time.perf_counter() - begun)
                found[name][size][str(threads)] = round(min(times), 3)
    return found


def main(arguments: list[str] | None = None) -> None:
    """Compare all upscalers that are on this machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="cache of paintings at 256 pixels, not trained on")
    parser.add_argument("--limit", type=int, help="number of paintings (default: all)")
    parser.add_argument("--out", type=Path, default=Path("data/results/enlarger.json"), help="default %(default)s")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="to time with (default %(default)s)")
    options = parser.parse_args(arguments)

    upscalers = {name: load_upscaler(name, download=False) for name in UPSCALERS if available(name)}
    chains = {name: load_upscaler(name, download=False) for name in CHAINS if available(name)}
    paintings = open_cache(options.data).images[: options.limit]
    metrics = {
        "psnr": psnr,
        "ssim": ssim,
        "lpips": load_lpips(Path(os.environ[WEIGHTS_DIR], "squeezenet1_1.safetensors")),
    }
    found = {
        "paintings": len(paintings),
        "size": paintings.shape[1],
        "fingerprint": fingerprint(np.asarray(paintings)),
        "seed": SEED,
        "weights": {name: upscaler.about(1) for name, upscaler in upscalers.items()},
        "found": compare(upscalers, paintings, metrics),
        "seconds": time_upscalers(upscalers | chains, shrink(np.asarray(paintings[0])), options.threads),
        "load": os.getloadavg()[0],
    }
    print(write_json(options.out, found))


if __name__ == "__main__":
    main()
