"""Image processing: every painting to RGB, a centred square, 64 x 64 by bicubic, into one memory-mapped array.

Owns the cache on disk (`images.npy`, `labels.npy`, `manifest.json`) and the quarantine of files that cannot be read.
It is the interface IPDT of Fig. 2: training sees nothing but the array.
"""

import io
import json
import os
import platform
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import PIL
from PIL import Image, ImageOps

from artgan_lib.config import IMAGE_SIZE
from artgan_lib.data.artbench import open_source
from artgan_lib.data.synthetic import LOOKS, synthetic_paintings
from artgan_lib.errors import ArtganError
from artgan_lib.runlog import write_json

FORMAT = 1
SYNTHETIC = "synthetic"
"""The source that needs no file: procedural pictures of `data.synthetic`."""

Progress = Callable[[int, int], None]
"""Told how many files are done, of how many."""


@dataclass(frozen=True)
class PictureSet:
    """Pictures ready for training."""

    images: np.ndarray  # uint8 (N, size, size, 3), memory-mapped if it comes from a cache
    labels: np.ndarray  # int16 (N,), index into `styles`
    styles: tuple[str, ...]
    manifest: dict[str, Any]  # where the pictures come from, counts, quarantine, versions


def square_thumbnail(image: Image.Image, size: int = IMAGE_SIZE) -> np.ndarray:
    """Bring one picture to what the networks are trained on, as the paper does.

    The EXIF orientation is applied and transparency laid over white; then the surplus on both sides of the longer
    axis is cut and the square is resized by Pillow's bicubic filter. A picture that has the size already keeps its
    pixels.

    Args:
        image: Any picture that Pillow opens.
        size: Side of the result in pixels.

    Returns:
        uint8, shape (size, size, 3), RGB.
    """
    image = _rgb(ImageOps.exif_transpose(image))
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((size, size), Image.Resampling.BICUBIC))


def prepare(
    source: Path | str,
    out: Path | str,
    *,
    size: int = IMAGE_SIZE,
    split: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> PictureSet:
    """Make a cache of a folder or archive of paintings.

    A file that cannot be read is named in the manifest with the reason, and the run goes on. The cache is written
    beside its place and renamed when whole.

    Args:
        source: ImageFolder or tar, see `data.artbench.open_source`.
        out: Folder of the cache.
        size: Side of the pictures in pixels, 1 to 1024.
        split: Take only this split (`train`, `test`, `val`).
        overwrite: Replace a cache that lies there.
        progress: Told after each file.

    Returns:
        The new cache, memory-mapped.

    Raises:
        ArtganError: If the source has no readable picture, or `out` exists.
    """
    out = Path(out)
    if not 1 <= size <= 1024:
        raise ArtganError(f"the size must lie in 1 to 1024 pixels, not {size}")
    if out.exists() and not (overwrite and (is_cache(out) or not any(out.iterdir()))):
        way_out = "--overwrite replaces it" if is_cache(out) else "choose another folder"
        raise ArtganError(f"{out} exists already; {way_out}")
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        _fill(Path(source), beside, size, split, progress)
        beside.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        beside.replace(out)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return open_cache(out)


def open_cache(path: Path | str) -> PictureSet:
    """Open a cache that `prepare` made, after checking that it is whole.

    Raises:
        ArtganError: If it is not a cache, or its files do not fit each other.
    """
    path = Path(path)
    if not is_cache(path):
        raise ArtganError(f"{path} is not a cache of pictures; `artgan prepare SOURCE --out {path}` makes one")
    try:
        manifest = json.loads((path / "manifest.json").read_text())
        images = np.load(path / "images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(path / "labels.npy", allow_pickle=False)
        expected = (manifest["count"], manifest["size"], manifest["size"], 3)
        whole = images.shape == expected and images.dtype == np.uint8 and labels.shape == expected[:1]
        styles = tuple(manifest["styles"])
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise ArtganError(f"the cache {path} is damaged: its files do not fit its manifest; prepare it again")
    return PictureSet(images, labels, styles, manifest)


def is_cache(path: Path | str) -> bool:
    """Tell whether a folder claims to be a cache of ours."""
    return (Path(path) / "manifest.json").is_file() and (Path(path) / "images.npy").is_file()


def load_pictures(
    source: Path | str, *, pictures: int = 2048, seed: int = 0, cache: Path | str | None = None
) -> PictureSet:
    """Get 64 x 64 pictures from whatever the reader has: what a notebook's SOURCE and `--data` accept.

    Args:
        source: `synthetic`, a cache, or a folder or tar of paintings, which is prepared first.
        pictures: How many synthetic ones.
        seed: Of the synthetic ones.
        cache: Where a folder or tar is prepared to; a cache there is replaced.

    Raises:
        ArtganError: If the source cannot be opened, or paintings would have to be prepared and `cache` is None.
    """
    if str(source) == SYNTHETIC:
        images, labels = synthetic_paintings(pictures, seed=seed)
        return PictureSet(images, labels, LOOKS, {"source": SYNTHETIC, "count": pictures, "seed": seed})
    if is_cache(source):
        return open_cache(source)
    if cache is None:
        return open_cache(source)  # says what is wrong
    return prepare(source, cache, overwrite=True)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _fill(source: Path, folder: Path, size: int, split: str | None, progress: Progress | None) -> None:
    """Write a whole cache into an empty folder."""
    labels: list[str] = []
    quarantined: list[dict[str, str]] = []
    counts: Counter[str] = Counter()
    with open_source(source) as opened, (folder / "images.npy").open("wb") as file:
        paintings = [painting for painting in opened.paintings if split in (None, painting.split)]
        if not paintings:
            raise ArtganError(f"{source} has no split {split!r}")
        _write_header(file, len(paintings), size)  # as long as the true one, which replaces it below
        for done, painting in enumerate(paintings, 1):
            content = opened.read(painting)
            try:
                pixels = _decode(content, size)
            except Exception as error:
                quarantined.append({"name": painting.name, "reason": _reason(error, content)})
            else:
                file.write(pixels.tobytes())
                labels.append(painting.style)
                counts[painting.split or "all"] += 1
            if progress is not None:
                progress(done, len(paintings))
        if not labels:
            first = quarantined[0]
            raise ArtganError(f"{source} has no picture that can be read; {first['name']}: {first['reason']}")
        file.seek(0)
        _write_header(file, len(labels), size)
        file.flush()
        os.fsync(file.fileno())
    styles = sorted(set(labels))
    np.save(folder / "labels.npy", np.array([styles.index(style) for style in labels], dtype=np.int16))
    manifest = {
        "format": FORMAT,
        "source": source.name,
        "split": split,
        "size": size,
        "count": len(labels),
        "styles": {style: labels.count(style) for style in styles},
        "splits": dict(counts),
        "quarantined": quarantined,
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "pillow": PIL.__version__},
    }
    write_json(folder / "manifest.json", manifest)


def _decode(content: bytes, size: int) -> np.ndarray:
    with warnings.catch_warnings():
        # A picture of more than 89 million pixels is taken for a decompression bomb, not only warned of.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.simplefilter("ignore", UserWarning)  # odd metadata is no reason to stop
        with Image.open(io.BytesIO(content)) as image:
            return square_thumbnail(image, size)


def _reason(error: Exception, content: bytes) -> str:
    if not content:
        return "the file is empty"
    if isinstance(error, PIL.UnidentifiedImageError):
        return "not a picture that Pillow can read"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _write_header(file: BinaryIO, count: int, size: int) -> None:
    """Write the head of `images.npy`; numpy keeps room for a growing count, so every count gives the same length."""
    head = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
    np.lib.format.write_array_header_1_0(file, head)
