"""Painting, enlarging and features beside RealESRGANer and pytorch-fid; what a first picture and an import cost."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial, partialmethod
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from artgan_lib import load_generator, load_upscaler, sample
from artgan_lib.studio import upscaling
from benchmarks.measure import Apart, Row, compared, fresh, interleaved, limited, timed
from benchmarks.realesrgan_baseline import load_realesrgan
from benchmarks.sizes import Sizes

GENERATOR = Path("data/pretrained/wgan-gp.safetensors")
NETWORKS = ("RealESRGAN_x4plus-fp16", "realesr-animevideov3-fp16")
"""What upscales on a CPU by default: in the first pass, and in the later ones."""


def enlarging_rows(sizes: Sizes, device: str) -> Iterator[Row]:
    """Compare our upscaler with the package's own, warm, on the same weights; it takes one image after the other."""
    ours = load_upscaler("+".join(NETWORKS), device=device, download=False)
    generator = load_generator(GENERATOR)[0]
    for count, size in zip(sizes.enlarged, (256, 1024), strict=True):
        pictures = list(sample(generator, 7, count))
        with Apart(_one_by_one, pictures, size, device) as one_by_one:
            together = partial(ours.batch_to_size, pictures, size)
            pairs = interleaved(one_by_one, together, sizes.rounds, device)
            both = zip(one_by_one(), together()[:2], strict=True)
            apart = [np.abs(theirs.astype(int) - mine) for theirs, mine in both]
            yield compared(
                f"{count} pictures, 64 to {size} pixels",
                "RealESRGANer one by one, warm",
                pairs,
                1.0,
                count=count,
                unit="pictures",
                grey_values_apart_at_most=max(int(difference.max()) for difference in apart),
                grey_values_apart_on_average=float(np.mean(apart)),
            )


def _one_by_one(pictures: list[np.ndarray], size: int, device: str) -> Callable[[], list[np.ndarray]]:
    """Return what upscales all images by the package; it hands two of them back."""
    passes = [load_realesrgan(name, device) for name in NETWORKS[: upscaling.passes(size)]]

    def run() -> list[np.ndarray]:
        done = []
        for image in pictures:
            for upscale in passes:
                image = upscale(image)
            done.append(image)
        return done[:2]

    return run


def painting_rows(sizes: Sizes) -> Iterator[Row]:
    """Time a hundred pictures from a loaded generator, a first picture from cold, and the import."""
    generator = load_generator(GENERATOR)[0]
    times = [timed(lambda: sample(generator, 7, sizes.painted)) for _ in range(sizes.rounds + 1)][1:]
    yield limited(f"{sizes.painted} pictures at 64 pixels from a loaded generator", times, 1.0, "seconds")

    command = "import sys; from artgan_lib.interface.cli import main; raise SystemExit(main(sys.argv[1:]))"
    times = []
    for _ in range(sizes.rounds):
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["generate", "--model", str(GENERATOR), "--count", "4", "--size", "256", "--seed", "7"]
            times.append(fresh(command, *arguments, "--device", "cpu", "--out", f"{folder}/run")[1])
    yield limited("artgan generate, four pictures of 256 pixels, from cold to files", times, 6.0, "seconds")

    grown = [_most_memory(sizes.growing[1]) - _most_memory(sizes.growing[0]) for _ in range(min(3, sizes.rounds))]
    # Two runs of the same differ by some megabytes, so that less than a tenth of one cannot be told from nothing.
    each = [max(added / (sizes.growing[1] - sizes.growing[0]), 0.1) for added in grown]
    name = "generate, {} and {} pictures of 1024 pixels: memory that each adds".format(*sizes.growing)
    yield limited(name, each, 1024**2 * 3 / 4e6, "megabytes")  # a quarter of a picture's pixels

    code = (
        "import sys, time; begun = time.perf_counter(); import artgan_lib; seconds = time.perf_counter() - begun\n"
        "print(seconds, 'torch' in sys.modules)"
    )
    runs = [fresh(code)[0].split() for _ in range(2 * sizes.rounds + 1)]
    loaded = any(torch_there == "True" for _, torch_there in runs)
    yield limited("import artgan_lib", [float(run[0]) for run in runs], 0.15, "seconds", torch_imported=loaded)


_MEASURED = """
import sys
from artgan_lib.interface.cli import main
code = main(sys.argv[1:])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
raise SystemExit(code)
"""


def _most_memory(count: int) -> float:
    """Return the most memory, in MB, that painting so many pictures at 1024 pixels takes at any time."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--model", str(GENERATOR), "--count", str(count), "--size", "1024", "--seed", "7"]
        out, _ = fresh(_MEASURED, "generate", *arguments, "--device", "cpu", "--out", f"{folder}/run")
    return int(out.split()[-1]) / 1000


def feature_rows(weights: Path, sizes: Sizes, device: str) -> Iterator[Row]:
    """Compare 768 features a picture with pytorch-fid's, on the same weights and pictures."""
    from artgan_lib.evaluation.features import load_extractor

    ours = load_extractor("inception-2015", "768", weights=weights, device=device)
    pictures = sample(load_generator(GENERATOR)[0], 7, sizes.features)
    batches = np.split(pictures, range(sizes.feature_batch, len(pictures), sizes.feature_batch))

    fast = lambda: np.concatenate(list(ours.batches(batches)))  # noqa: E731
    # Memory is kept from call to call, as it is while a set is evaluated.
    with Apart(_pytorch_fid_features, weights, batches, device) as plain:
        pairs = interleaved(plain, fast, sizes.rounds, device)
        a, b = plain(), fast()
    reach = 3.0 if device == "cuda" else 1.3
    yield compared(
        f"768 features of {len(pictures)} pictures",
        "pytorch-fid --dims 768, the same weights",
        pairs,
        reach,
        count=len(pictures),
        unit="pictures",
        features_apart=float(np.abs(a - b).max()),
        largest_feature=float(np.abs(a).max()),
    )


def _pytorch_fid_features(weights: Path, batches: list[np.ndarray], device: str) -> Callable[[], np.ndarray]:
    """Return what looks at all pictures as pytorch-fid does."""
    network = _pytorch_fid(weights).to(device).eval()

    def look() -> np.ndarray:
        found = []
        with torch.no_grad():
            for batch in batches:
                x = torch.from_numpy(batch).permute(0, 3, 1, 2).to(device).float() / 255
                features = torch.nn.functional.adaptive_avg_pool2d(network(x)[0], (1, 1))
                found.append(features.squeeze(3).squeeze(2).cpu().numpy())
        return np.concatenate(found)

    return look


def _pytorch_fid(weights: Path) -> torch.nn.Module:
    """Build pytorch-fid's own network up to its third block, with weights from a file instead of from the network."""
    import pytorch_fid.inception as package

    state = torch.load(weights, map_location="cpu", weights_only=True)
    lenient = partialmethod(torch.nn.Module.load_state_dict, strict=False)  # the file may end where 768 features are
    with (
        mock.patch.object(package, "load_state_dict_from_url", return_value=state),
        mock.patch.object(torch.nn.Module, "load_state_dict", lenient),
    ):
        network: torch.nn.Module = package.InceptionV3([package.InceptionV3.BLOCK_INDEX_BY_DIM[768]])
    return network
