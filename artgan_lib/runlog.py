"""What a run leaves behind as text: its log, one JSON object a line, and files of results.

Also the one way in which the library writes a file: under a temporary name, then renamed, so that a reader never sees
half a file and a full disk leaves the old one untouched; and the lock for what two processes must not write at once.
"""

import itertools
import json
import math
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from artgan_lib.errors import ArtganError

if TYPE_CHECKING:
    import pandas as pd

TEMPORARY = f".*.{'[0-9a-f]' * 8}.artgan-tmp"
"""Glob of the names that `write_atomic` writes under; a kill leaves one behind, and nothing else bears such a name."""


def write_atomic(path: Path | str, content: bytes | str) -> Path:
    """Write a whole file or none: under a temporary name first, then renamed over it.

    The file gets the permissions that the process gives to any new file (its umask).

    Raises:
        OSError: If the disk is full or the folder cannot be written; the old file stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content.encode() if isinstance(content, str) else content
    tmp = path.with_name(f".{path.name}.{secrets.token_hex(4)}.artgan-tmp")
    try:
        with tmp.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        tmp.replace(path)
    except OSError as error:
        tmp.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None  # a full disk names no file by itself
    except BaseException:
        tmp.unlink(missing_ok=True)
        raise
    return path


@contextmanager
def locked(path: Path | str, sentence: str) -> Iterator[None]:
    """Keep other processes from writing a file or folder; the lock is `.NAME.lock` beside it, and stays there.

    Args:
        path: What is written; its parent folder is made.
        sentence: What a person is told whose process comes second.

    Raises:
        ArtganError: If another process holds the lock.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ArtganError(sentence) from None
    try:
        yield
    finally:
        lock.release()


def check_space(folder: Path, wanted: int) -> None:
    """Refuse to begin what the disk of a folder cannot hold, in bytes.

    Raises:
        ArtganError: If there is too little room.
    """
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise ArtganError(
            f"{folder} has {readable_size(free)} left, {readable_size(wanted)} are wanted; make room or choose another "
            "folder"
        )


def readable_size(size: int) -> str:
    """Write a number of bytes as a person would."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def write_json(path: Path | str, values: Mapping[str, Any]) -> Path:
    """Write results as indented JSON, whole or not at all; NaN and infinity, which JSON does not know, become null."""
    return write_atomic(path, json.dumps(_plain(values), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    """Replace numbers that are not finite by None, however deep they lie."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def collect_results(folder: Path | str) -> "pd.DataFrame":
    """Gather the `results.json` of many runs into one table, such as those of a sweep over variants and seeds.

    Args:
        folder: Searched with all folders below it.

    Returns:
        A row a file, in the order of their paths: `run` (the file's folder, seen from the one searched), then its
        values; one within another is named `outer.inner`. What a file does not hold is missing.

    Raises:
        ArtganError: If there is none, or one is not an object of JSON.
    """
    import pandas as pd

    rows = []
    for path in sorted(Path(folder).rglob("results.json")):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            rows.append({"run": path.parent.relative_to(folder).as_posix()} | _flat(values))
        except (ValueError, AttributeError):
            raise ArtganError(f"{path} is not a file of results; it must hold one JSON object") from None
    if not rows:
        raise ArtganError(f"there is no results.json in {folder} or below; notebooks write one into their OUT")
    return pd.DataFrame(rows)


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return flat


class RunLog:
    """The growing log of one run.

    Args:
        path: The file; lines beyond `size` are cut off, so that a resumed run neither doubles nor loses a line.
        size: Bytes of the log that belong to the state the run goes on from; 0 starts anew, an old log is kept as
            `.old`.

    Raises:
        ArtganError: If the file is shorter than `size`.
    """

    def __init__(self, path: Path | str, size: int = 0) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        there = self.path.stat().st_size if self.path.exists() else 0
        if there < size:
            raise ArtganError(f"{self.path} has lost its end: {there} bytes, the checkpoint was written at {size}")
        if there and not size:  # a log without a checkpoint: kept, but not gone on with
            names = (f"{self.path.name}.old{number or ''}" for number in itertools.count())
            self.path.replace(next(path for path in map(self.path.with_name, names) if not path.exists()))
        with self.path.open("ab") as file:
            file.truncate(size)

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one line. NaN and infinity, which JSON does not know, become null."""
        line = json.dumps(_plain(record), allow_nan=False) + "\n"
        try:
            with self.path.open("ab") as file:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())  # a checkpoint that counts on this line must not outlive it
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from None  # a full disk names no file by itself

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self.path.stat().st_size


def read_log(path: Path | str) -> "pd.DataFrame":
    """Read a run's log, one row a line; a last line still being written is left out.

    Raises:
        ArtganError: If there is no such file or it is not a log.
    """
    import pandas as pd

    return pd.DataFrame(read_records(path))


def read_records(path: Path | str) -> list[dict[str, Any]]:
    """Read a run's log as `read_log` does, for machines without pandas: a record a line.

    Raises:
        ArtganError: If there is no such file or it is not a log.
    """
    path = Path(path)
    if not path.is_file():
        raise ArtganError(f"there is no log {path}; a run writes it as log.jsonl into its folder")
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    try:
        return [dict(json.loads(line)) for line in lines]
    except (ValueError, TypeError):
        raise ArtganError(f"{path} is not a run's log: every line must be a JSON object") from None
