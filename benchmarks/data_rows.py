"""Preparing paintings and going through them, beside ImageFolder; and whether either grows with the size of a set."""

import io
import itertools
import json
import os
import statistics
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from artgan_lib import open_cache, prepare, synthetic_paintings
from artgan_lib.gan.pictures import Pictures, shuffled
from benchmarks.measure import Row, compared, fresh, interleaved, limited
from benchmarks.plain import folder_loader, squares
from benchmarks.sizes import Sizes

BATCH, WORKERS = 64, 2


def data_rows(paintings: Path, sizes: Sizes, scratch: Path) -> Iterator[Row]:
    """Compare preparing and one epoch with ImageFolder, on real paintings."""
    folder, archive = _unpacked(paintings, sizes.paintings, scratch)
    count = sum(1 for _ in folder.rglob("*.jpg"))
    numbers = itertools.count()

    def ours() -> None:
        prepare(archive, scratch / f"cache{next(numbers)}", split="train")

    def theirs() -> np.ndarray:
        from torchvision import transforms
        from torchvision.datasets import ImageFolder

        dataset = ImageFolder(folder, transforms.Compose(squares()))
        return np.stack([np.asarray(image) for image, _ in dataset])

    pairs = interleaved(theirs, ours, 5 * sizes.rounds)  # more than of others, as one takes no second
    cache = scratch / "cache0"
    images = open_cache(cache).images
    exact = bool((np.sort(_hashes(_squares(folder))) == np.sort(_hashes(images))).all())
    name = f"prepare {count:,} paintings, {os.cpu_count()} cores"
    beside = "one process of ImageFolder, Resize, CenterCrop"
    row = compared(name, beside, pairs, 1.8, count=count, unit="pictures", pixels_exact=exact)
    yield row

    pictures = Pictures(open_cache(cache).images, torch.device("cpu"))

    def epochs() -> None:
        for epoch in range(sizes.epochs):
            for batch in shuffled(pictures, BATCH, epoch):
                batch.sum()  # each number is read

    def loader() -> None:
        for batch in folder_loader(folder, BATCH, WORKERS):
            batch.sum()

    pairs = [(theirs, mine / sizes.epochs) for theirs, mine in interleaved(loader, epochs, sizes.rounds)]
    yield compared(
        "an epoch of shuffled batches in [-1, 1] from the cache",
        "DataLoader over ImageFolder, 2 workers",
        pairs,
        50.0,
        count=count,
        unit="pictures",
    )


_GROWN = """
import json, sys, time
import torch
from artgan_lib import prepare
from artgan_lib.gan.pictures import Pictures, shuffled
torch.set_num_threads(1)
def memory():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("RssAnon"))
def watch(done, total):
    if done % 256 == 0:
        seen.append(memory())
prepare(sys.argv[1], sys.argv[2] + ".first", limit=4)
seen = [memory()]
begun = time.process_time()
pictures = prepare(sys.argv[1], sys.argv[2], progress=watch)
found = {"prepare_seconds": time.process_time() - begun}
seen.append(memory())
found["prepare_mb"] = max(seen)
begun = time.process_time()
for batch in shuffled(Pictures(pictures.images, torch.device("cpu")), 64, 0):
    batch.sum()
found |= {"epoch_seconds": time.process_time() - begun, "epoch_mb": memory()}
print(json.dumps(found))
"""


def growth_rows(sizes: Sizes, scratch: Path) -> Iterator[Row]:
    """Prepare and go through sets of growing size, each in a process of its own; seconds are those of the processor."""
    found = []
    for count in sizes.growth:
        archive = _archive(scratch / f"grown{count}.tar", count)
        out, _ = fresh(_GROWN, str(archive), str(scratch / f"grown{count}"))
        found.append(json.loads(out.splitlines()[-1]))
        archive.unlink()
    sizes_told = " to ".join(f"{count:,}" for count in (sizes.growth[0], sizes.growth[-1]))
    for what in ("prepare", "epoch"):
        each = [run[f"{what}_seconds"] / count for run, count in zip(found, sizes.growth, strict=True)]
        microseconds = {
            f"microseconds_a_picture_at_{n}": value * 1e6 for n, value in zip(sizes.growth, each, strict=True)
        }
        # Linear: a picture takes no more than a quarter longer in the largest set than in the smaller ones.
        worst = each[-1] / statistics.median(each[:-1])
        yield limited(f"{what}, {sizes_told} pictures: time a picture", [worst], 1.25, "times_as_long", **microseconds)
    # Flat: a picture adds less than a tenth of itself, which has 12.3 kB. The array's own pages are the system's.
    for what in ("prepare", "epoch"):
        grown = (found[-1][f"{what}_mb"] - found[0][f"{what}_mb"]) * 1000 / (sizes.growth[-1] - sizes.growth[0])
        memory = {f"mb_at_{count}": run[f"{what}_mb"] for count, run in zip(sizes.growth, found, strict=True)}
        name = f"{what}, {sizes_told} pictures: memory that each adds"
        yield limited(name, [max(grown, 0.001)], 1.23, "kilobytes", **memory)


def _archive(path: Path, count: int) -> Path:
    """Write a tar of small pictures; a thousand differ, which is enough to read and decode."""
    images, files = synthetic_paintings(min(count, 200))[0], []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "jpeg", quality=90)
        files.append(buffer.getvalue())
    with tarfile.open(path, "w") as archive:
        for number in range(count):
            content = files[number % len(files)]
            info = tarfile.TarInfo(f"look{number % 10}/{number:06d}.jpg")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _unpacked(paintings: Path, limit: int | None, scratch: Path) -> tuple[Path, Path]:
    """Unpack the train split for ImageFolder, and write an archive of the same files for us."""
    folder, archive = scratch / "folder", scratch / "paintings.tar"
    with tarfile.open(paintings) as source, tarfile.open(archive, "w") as target:
        members = [member for member in source.getmembers() if member.isfile() and "/train/" in member.name]
        for member in members[:limit]:
            content = source.extractfile(member)
            assert content is not None
            data = content.read()
            target.addfile(member, io.BytesIO(data))
            place = folder / member.name.split("/train/")[1]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    return folder, archive


def _squares(folder: Path) -> np.ndarray:
    """Cut the centred square and resize it by Pillow, one picture after the other: the pixels that are asked for."""
    squares = []
    for path in folder.rglob("*.jpg"):
        with Image.open(path) as image:
            side = min(image.size)
            left, top = ((length - side) // 2 for length in image.size)
            square = image.convert("RGB").crop((left, top, left + side, top + side))
            squares.append(np.asarray(square.resize((64, 64), Image.Resampling.BICUBIC)))
    return np.stack(squares)


def _hashes(images: np.ndarray) -> np.ndarray:
    return np.array([hash(image.tobytes()) for image in images])
