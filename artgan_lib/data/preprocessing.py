"""Image processing: every painting to RGB, a centred square, 64 x 64 by bicubic, into one array.

Owns the run over many files, and the quarantine of those that cannot be read: they are named with a reason and the run
goes on. One file is left to `data.decoding`, pixels on their way to the disk to `data.rows`; what is written is
described in `data.cache`.
"""

import errno
import hashlib
import json
import platform
import shutil
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL
import simplejpeg

from artgan_lib.config import IMAGE_SIZE
from artgan_lib.data.cache import FILES, FORMAT, IMAGES, LABELS, MANIFEST, PictureSet, hash_file, is_cache, open_cache
from artgan_lib.data.decoding import square_thumbnail
from artgan_lib.data.parallel import Progress
from artgan_lib.data.rows import RECORDS, RECORDS_FORMAT, ROWS, Rows, begin_rows, decode_rows, write_header
from artgan_lib.data.sources import Painting, Source, choose, open_source
from artgan_lib.data.synthetic import LOOKS, synthetic_paintings
from artgan_lib.errors import ArtganError
from artgan_lib.images import spot_fingerprint
from artgan_lib.runlog import readable_size, write_json

__all__ = ["SYNTHETIC", "load_pictures", "prepare", "square_thumbnail"]

SYNTHETIC = "synthetic"
"""The source that needs no file: procedural pictures of `data.synthetic`."""

_PLAN = "plan.json"


def prepare(
    source: Path | str,
    out: Path | str,
    *,
    size: int = IMAGE_SIZE,
    split: str | None = None,
    styles: Sequence[str] = (),
    limit: int | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> PictureSet:
    """Make a cache of a collection of paintings.

    A file that cannot be read is named in the manifest with the reason, and the run goes on. The cache is written
    beside its place and renamed when whole; a run that was stopped, even killed, goes on where it was.

    Args:
        source: Whatever `data.sources.open_source` opens.
        out: Folder of the cache.
        size: Side of the pictures in pixels, 1 to 1024.
        split: Take only this split (`train`, `test`, `val`).
        styles: Take only these styles; empty means all.
        limit: Take at most so many, spread evenly.
        overwrite: Replace a cache that lies there.
        workers: Threads that decode; as many as there are cores by default.
        progress: Told after each file.

    Returns:
        The new cache, memory-mapped. It does not depend on the number of workers or on interruptions.

    Raises:
        ArtganError: If the source has no readable picture, `out` exists, or the disk is full; what is done is kept.
    """
    source, out = Path(source), Path(out)
    if not 1 <= size <= 1024:
        raise ArtganError(f"the size must lie in 1 to 1024 pixels, not {size}")
    _check_place(source, out, overwrite)
    with open_source(source) as opened:
        chosen = choose(opened.paintings, split=split, styles=styles, limit=limit)
        beside = _begin(source, out, opened, chosen, size)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # odd metadata is no reason to stop; bombs are refused by size
                rows = decode_rows(opened, chosen, beside, size, workers, progress)
            if len(rows.reasons) == len(chosen):
                name = opened.paintings[chosen[0]].name
                raise ArtganError(f"{source} has no picture that can be read; {name}: {rows.reasons[0]}")
            _finish(source, beside, opened, chosen, rows, size, split)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise ArtganError(f"the disk of {out.parent} is full; make room, the same command goes on") from None
        except ArtganError:
            shutil.rmtree(beside)
            raise
    former = out.parent / f".{out.name}.former"
    if out.exists():  # the old cache goes only when the new one is in its place
        out.replace(former)
    beside.replace(out)
    shutil.rmtree(former, ignore_errors=True)
    return open_cache(out)


def load_pictures(
    source: Path | str, *, pictures: int = 2048, seed: int = 0, cache: Path | str | None = None
) -> PictureSet:
    """Get 64 x 64 pictures from whatever the reader has: what a notebook's SOURCE accepts.

    Args:
        source: `synthetic`, a cache, or, where `cache` is given, a collection of paintings, which is prepared first.
        pictures: How many synthetic ones.
        seed: Of the synthetic ones.
        cache: Where a collection is prepared to; a cache there is replaced.

    Raises:
        ArtganError: If the source cannot be opened, or paintings would have to be prepared and `cache` is None.
    """
    if str(source) == SYNTHETIC:
        images, labels = synthetic_paintings(pictures, seed=seed)
        return PictureSet(images, labels, LOOKS, {"source": SYNTHETIC, "count": pictures, "seed": seed})
    if is_cache(source) or cache is None:
        return open_cache(source)  # says what is wrong if it is none
    return prepare(source, cache, overwrite=True)


def _check_place(source: Path, out: Path, overwrite: bool) -> None:
    """Refuse to write where something would be lost."""
    inside = source.resolve() in (out.resolve(), *out.resolve().parents) or out.resolve() in source.resolve().parents
    if inside:
        raise ArtganError(f"the cache {out} and the paintings {source} must not lie in each other")
    if not out.exists():
        return
    names = {path.name for path in out.iterdir()} if out.is_dir() else {out.name}
    if names - {IMAGES, LABELS, FILES, MANIFEST}:
        raise ArtganError(f"{out} exists already and holds more than a cache; choose another folder")
    if names and not overwrite:
        raise ArtganError(f"{out} exists already; --overwrite replaces it")


def _begin(source: Path, out: Path, opened: Source, chosen: list[int], size: int) -> Path:
    """Return the folder that is worked in: that of a stopped run of the very same plan, or a new one."""
    beside = out.parent / f".{out.name}.partial"
    names = "\n".join(opened.paintings[number].name for number in chosen)
    stamp = source.stat()
    plan = {
        "format": FORMAT,
        "records": RECORDS_FORMAT,
        "source": [str(source.resolve()), stamp.st_size, stamp.st_mtime_ns],
        "names": hashlib.sha256(names.encode()).hexdigest(),
        "size": size,
        "pillow": PIL.__version__,
        "simplejpeg": simplejpeg.__version__,
    }
    begun = (beside / _PLAN).exists() and (beside / ROWS).exists()
    if begun and json.loads((beside / _PLAN).read_text(encoding="utf-8")) == plan:
        return beside
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    wanted, free = len(chosen) * size * size * 3, shutil.disk_usage(beside).free
    if wanted > free:
        beside.rmdir()
        raise ArtganError(f"{out.parent} has {readable_size(free)} left, the cache wants {readable_size(wanted)}")
    begin_rows(beside, len(chosen), size)
    write_json(beside / _PLAN, plan)
    return beside


def _finish(
    source: Path,
    beside: Path,
    opened: Source,
    chosen: list[int],
    rows: Rows,
    size: int,
    split: str | None,
) -> None:
    """Leave nothing in the folder but a whole cache."""
    good = [row for row in range(len(chosen)) if row not in rows.reasons]
    if rows.reasons:
        decoded = np.load(beside / ROWS, mmap_mode="r")
        with (beside / IMAGES).open("wb") as file:
            write_header(file, len(good), size)
            for part in range(0, len(good), 1024):
                file.write(decoded[good[part : part + 1024]].tobytes())
        del decoded
        (beside / ROWS).unlink()
    else:
        (beside / ROWS).replace(beside / IMAGES)
    kept = [opened.paintings[chosen[row]] for row in good]
    styles = sorted({painting.style for painting in kept})
    index = {style: number for number, style in enumerate(styles)}
    np.save(beside / LABELS, np.array([index[painting.style] for painting in kept], dtype=np.int16))
    with (beside / FILES).open("w", encoding="utf-8") as file_list:
        for row, painting in zip(good, kept, strict=True):
            file_list.write(json.dumps({"name": painting.name, "sha256": rows.hashes[row]}) + "\n")
    quarantined = [
        {"name": opened.paintings[chosen[row]].name, "reason": reason} for row, reason in sorted(rows.reasons.items())
    ]
    manifest = {
        "format": FORMAT,
        "source": source.name,
        "split": split,
        "size": size,
        "count": len(good),
        "styles": _count(kept, "style"),
        "splits": _count(kept, "split"),
        "quarantined": quarantined + [refused._asdict() for refused in opened.refused],
        "fingerprint": spot_fingerprint(np.load(beside / IMAGES, mmap_mode="r")),
        "sha256": rows.sha256 or hash_file(beside / IMAGES),
        "files_sha256": hash_file(beside / FILES),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pillow": PIL.__version__,
            "simplejpeg": simplejpeg.__version__,
        },
    }
    write_json(beside / MANIFEST, manifest)
    (beside / _PLAN).unlink()
    (beside / RECORDS).unlink()


def _count(paintings: list[Painting], field: str) -> dict[str, int]:
    return dict(sorted(Counter(getattr(painting, field) or "all" for painting in paintings).items()))
