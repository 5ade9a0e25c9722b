"""The results store: one folder a run, whole files only, and a manifest that is true at every moment.

Also what is done with such folders later: listed, shown, packed, removed.
"""

import glob
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from artgan_lib.errors import ArtganError
from artgan_lib.runlog import write_atomic, write_json

MANIFEST = "manifest.json"
FORMAT = 1
_STEM = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d_.+_seed\d+")  # of the folders that new_folder makes


class ResultsStore:
    """The folder of one run, while it is written.

    Every file is followed by the manifest, so that after a kill at any moment the manifest names whole files alone.

    Args:
        folder: Made if it is not there.
        about: What the manifest says of the run beside its images.
        overwrite: Remove the pictures of an earlier run, as its manifest names them; nothing else is touched.

    Raises:
        ArtganError: If the folder holds a run and `overwrite` is not set, or is no folder.
    """

    def __init__(self, folder: Path | str, about: dict[str, Any] | None = None, *, overwrite: bool = False) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise ArtganError(f"{self.folder} is a file; name a folder for the results")
        if (self.folder / MANIFEST).exists():
            if not overwrite:
                raise ArtganError(f"{self.folder} holds an earlier run; name another folder or add --overwrite")
            remove_run(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.manifest: dict[str, Any] = {"format": FORMAT, **(about or {}), "complete": False, "images": []}
        self._write()

    def put(self, name: str, content: bytes, entry: dict[str, Any]) -> Path:
        """Write one file, whole or not at all, and name it in the manifest with what is known of it.

        Raises:
            ArtganError: If a file of this name lies there, which is not ours.
        """
        if (self.folder / name).exists():
            raise ArtganError(f"{self.folder / name} is there already and not of this run; name another folder")
        path = write_atomic(self.folder / name, content)
        self.manifest["images"].append({"file": name, **entry})
        self._write()
        return path

    def close(self, **about: Any) -> Path:
        """Write the manifest for the last time, with what is known by now."""
        self.manifest |= about
        return self._write()

    def _write(self) -> Path:
        return write_json(self.folder / MANIFEST, self.manifest)


def new_folder(base: Path | str, model: str, seed: int, now: datetime | None = None) -> Path:
    """Make a folder for a run, named by the time, the model and the seed; one that is there already gets a number.

    Args:
        base: Folder of all results.
        model: Name of the model; what some system does not allow in a file name becomes a dash.
        seed: Of the run.
        now: The time; local, to the second.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip(".-")[:60] or "model"
    stem = f"{(now or datetime.now()).strftime('%Y-%m-%dT%H-%M-%S')}_{name}_seed{seed}"
    for number in range(1, 10_000):
        folder = Path(base) / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if Path(base).is_file():
                raise ArtganError(f"{base} is a file; name a folder for the results") from None
            continue
        except NotADirectoryError:
            raise ArtganError(f"{base} is a file, or lies below one; name a folder for the results") from None
        return folder
    raise ArtganError(f"{base} holds ten thousand folders that begin with {stem}; name another folder")


@dataclass(frozen=True)
class StoredRun:
    """A folder of results, as it is found."""

    folder: Path
    manifest: dict[str, Any]
    missing: list[str]  # files that the manifest names and that are gone
    problem: str = ""  # why the manifest cannot be used; empty if it can

    @property
    def pictures(self) -> list[Path]:
        """The files of pictures that are there, a contact sheet among them."""
        return [self.folder / name for name in _names(self.manifest) if name not in self.missing]

    @property
    def count(self) -> int:
        """How many single pictures are there; a contact sheet, which has no number, is none."""
        sheets = {entry["file"] for entry in self.manifest["images"] if entry.get("number", 0) is None}
        return sum(path.name not in sheets for path in self.pictures)

    @property
    def size(self) -> int:
        """Bytes of the pictures that are there."""
        return sum(path.stat().st_size for path in self.pictures)

    @property
    def state(self) -> str:
        """One word or two for a list."""
        if self.problem:
            return self.problem
        if self.missing:
            return f"{len(self.missing)} missing"
        return "complete" if self.manifest.get("complete") else "not finished"


def read_run(folder: Path | str) -> StoredRun:
    """Look at a folder of results; what is wrong with it is told in the answer.

    Raises:
        ArtganError: If it is no folder, or holds no manifest.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    if not path.is_file():
        raise ArtganError(f"{folder} holds no results: there is no {MANIFEST} in it")
    foreign = StoredRun(folder, {"images": []}, [], f"its {MANIFEST} is not one of ours")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest.get("format", FORMAT) != FORMAT or not isinstance(manifest["generation"], dict):
            return foreign
        missing = [name for name in _names(manifest) if not (folder / name).is_file()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError):
        return foreign
    return StoredRun(folder, manifest, missing)


def list_runs(base: Path | str) -> Iterator[StoredRun]:
    """Yield the runs below a folder, oldest first by name; what is wrong with one is told in its state.

    Raises:
        ArtganError: If there is no such folder.
    """
    if not Path(base).is_dir():
        raise ArtganError(f"there is no folder {base}; artgan generate makes one")
    for folder in sorted(path for path in Path(base).iterdir() if path.is_dir()):
        if (folder / MANIFEST).is_file():
            yield read_run(folder)
        elif _STEM.match(folder.name):
            yield StoredRun(folder, {"images": []}, [], f"its {MANIFEST} is gone")


def remove_run(folder: Path | str) -> list[str]:
    """Remove what a manifest names, the manifest, and the folder if it is empty then.

    Returns:
        Names of what else lies there and was left.

    Raises:
        ArtganError: If it holds no results, or a manifest that is not ours.
    """
    run = read_run(folder)
    if run.problem:
        raise ArtganError(f"{folder} is left as it is: {run.problem}; remove it by hand, or name another folder")
    for path in run.pictures:
        path.unlink(missing_ok=True)
    for name in [*_names(run.manifest), MANIFEST]:  # what a kill left half-written
        for rest in run.folder.glob(f".{glob.escape(name)}.*"):
            rest.unlink()
    (run.folder / MANIFEST).unlink()
    left = sorted(path.name for path in run.folder.iterdir())
    if not left:
        run.folder.rmdir()
    return left


def pack_run(folder: Path | str, out: Path | str) -> Path:
    """Write the pictures and the manifest of a run into a zip file, whole or not at all.

    Raises:
        ArtganError: If it holds no results, or pictures are missing, or the file is there already.
    """
    run, out = read_run(folder), Path(out)
    if run.problem or run.missing:
        raise ArtganError(f"{folder} cannot be packed: {run.problem or 'missing are ' + ', '.join(run.missing)}")
    if out.exists():
        raise ArtganError(f"{out} is there already; name another file")
    buffer = BytesIO()
    # Pictures are compressed already; a file may bear a date before 1980, which zip does not know.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for path in [*run.pictures, run.folder / MANIFEST]:
            archive.write(path, f"{run.folder.resolve().name}/{path.name}")
    return write_atomic(out, buffer.getvalue())


def _names(manifest: dict[str, Any]) -> list[str]:
    """Names of plain files that a manifest lists; a path that leads elsewhere is passed over."""
    files = dict.fromkeys(entry["file"] for entry in manifest["images"])
    return [name for name in files if isinstance(name, str) and Path(name).name == name]
