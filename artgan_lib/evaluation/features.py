"""Features of pictures, each computed once on a machine: kept by what is in the picture and the network.

One SQLite file an extractor in the user's cache holds a row a picture, so that subsets, styles and other counts cost
nothing, several processes share it, and work that was stopped goes on where it was.
"""

import contextlib
import hashlib
import io
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from artgan_lib.downloads import CACHE_DIR, cache_dir
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.extractors import BATCH, Extractor
from artgan_lib.evaluation.metrics import Moments, moments
from artgan_lib.memory import kept_memory
from artgan_lib.runlog import write_atomic

_TOGETHER = 500  # rows asked for at once; SQLite takes no more than 999 of old


def features_of(
    images: np.ndarray, extractor: Extractor, progress: Callable[[int], None] = lambda done: None
) -> np.ndarray:
    """Return the features of pictures, float32 (N, dim), from the cache where they are in it.

    Args:
        images: uint8 (N, H, W, 3).
        extractor: From `load_extractor`.
        progress: Told how many are done.

    Raises:
        ArtganError: If a feature is not finite, or the cache cannot be written.
    """
    names = [_picture_hash(image) for image in images]
    with _open_store(extractor) as store, kept_memory():
        found = _read(store, names, extractor.dim)
        first = {name: index for index, name in reversed(list(enumerate(names))) if name not in found}
        todo = sorted(first.values())
        progress(len(images) - len(todo))
        for start in range(0, len(todo), BATCH):
            part = todo[start : start + BATCH]
            (features,) = extractor.batches([images[part]])
            fresh = {names[index]: row for index, row in zip(part, features, strict=True)}
            with store:
                store.executemany(
                    "INSERT OR REPLACE INTO features VALUES (?, ?)",
                    [(name, np.asarray(row, "<f4").tobytes()) for name, row in fresh.items()],
                )
            found |= fresh
            progress(len(images) - len(todo) + start + len(part))
    return np.stack([found[name] for name in names])


def moments_of(images: np.ndarray, extractor: Extractor, features: np.ndarray | None = None) -> Moments:
    """Return mean and covariance of the features of pictures, from the cache where they are in it.

    Args:
        images: uint8 (N, H, W, 3), at least two.
        extractor: From `load_extractor`.
        features: Theirs, if they are at hand.
    """
    names = hashlib.sha256(b"".join(_picture_hash(image) for image in images)).hexdigest()[:24]
    path = cache_dir() / "statistics" / f"{extractor.key}-{names}.npz"
    damaged = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
    with contextlib.suppress(*damaged), np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
        found = Moments(int(kept["count"]), kept["mean"], kept["covariance"])
        if found.covariance.shape == (extractor.dim,) * 2 and np.isfinite(found.covariance).all():
            return found
    found = moments([features_of(images, extractor) if features is None else features])
    buffer = io.BytesIO()
    np.savez(buffer, count=found.count, mean=found.mean, covariance=found.covariance)
    write_atomic(path, buffer.getvalue())
    return found


def _picture_hash(image: np.ndarray) -> bytes:
    return hashlib.sha256(str(image.shape).encode() + image.tobytes()).digest()[:16]


def _read(store: sqlite3.Connection, names: Sequence[bytes], dim: int) -> dict[bytes, np.ndarray]:
    found = {}
    for start in range(0, len(names), _TOGETHER):
        part = names[start : start + _TOGETHER]
        marks = ", ".join("?" * len(part))
        for name, content in store.execute(f"SELECT picture, vector FROM features WHERE picture IN ({marks})", part):
            if len(content) == 4 * dim:
                found[name] = np.frombuffer(content, "<f4")
    return {name: row for name, row in found.items() if np.isfinite(row).all()}


@contextlib.contextmanager
def _open_store(extractor: Extractor) -> Iterator[sqlite3.Connection]:
    path = cache_dir() / "features" / f"{extractor.key}.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        store = _connect(path)
        with contextlib.closing(store):
            yield store
    except sqlite3.Error as error:
        raise ArtganError(f"the cache of features {path} cannot be used ({error}); {CACHE_DIR} names another") from None


def _connect(path: Path) -> sqlite3.Connection:
    """Open a store; one that is damaged is put aside."""
    for attempt in range(2):
        store = sqlite3.connect(path, timeout=60)
        try:
            store.execute(
                "CREATE TABLE IF NOT EXISTS features (picture BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
            )
            return store
        except sqlite3.OperationalError:
            store.close()
            raise
        except sqlite3.DatabaseError:  # not a database
            store.close()
            if attempt:
                raise
            path.replace(path.with_name(f"{path.name}.damaged"))
    raise AssertionError("unreachable")
