"""Earlier runs, as the panel lists them and hands them over."""

import re
import tempfile
from pathlib import Path

from artgan_lib.errors import ArtganError
from artgan_lib.interface.panel_pictures import FILMS, Shown, read_pictures
from artgan_lib.interface.panel_settings import SettingsView
from artgan_lib.interface.panel_texts import RefusalError, Texts
from artgan_lib.studio.store import StoredRun, list_runs, pack_run, read_run

LARGEST_DOWNLOAD = 64_000_000
"""Bytes that are handed to a browser as one file at most; it is held in memory there."""

LISTED = 50  # the newest ones; older ones are found on the disk


def tell_runs(settings: SettingsView, texts: Texts) -> list[tuple[str, str]]:
    """List earlier runs that hold something to show, newest first, as (what is told, name of the folder).

    Where the folder of all results is not there or cannot be read, there are none.
    """
    try:
        runs = list(list_runs(settings.results()))
    except (ArtganError, OSError):
        return []
    told: list[tuple[str, str]] = []
    for run in reversed(runs):
        if not run.problem and (run.count or _film(run)) and len(told) < LISTED:
            told.append((_tell(run, texts), run.folder.name))
    return told


def find_run(base: Path, name: str) -> list[Shown]:
    """List the pictures of an earlier run.

    Raises:
        RefusalError: If it is not there any more.
    """
    try:
        return read_pictures(base / name)
    except ArtganError as error:
        raise RefusalError("error_run_gone", str(error), name=name) from None


def pack(folder: Path) -> tuple[str, bytes]:
    """Return the name and the bytes of a zip file of a run.

    Raises:
        ArtganError: If it holds no results, pictures are missing, or it is too large for a browser.
    """
    size = read_run(folder).size
    if size > LARGEST_DOWNLOAD:
        raise RefusalError("error_zip", name=folder.resolve())
    with tempfile.TemporaryDirectory() as beside:
        name = f"{folder.resolve().name}.zip"
        return name, pack_run(folder, Path(beside) / name).read_bytes()


def _tell(run: StoredRun, texts: Texts) -> str:
    date = re.match(r"(\d{4})-(\d\d)-(\d\d)T(\d\d)-(\d\d)-(\d\d)", run.folder.name)
    when = f"{date[3]}.{date[2]}. {date[4]}:{date[5]}:{date[6]}" if date else run.folder.name
    if _film(run):
        return texts("run_film", when=when)
    variant = run.manifest.get("model", {}).get("variant", "?")
    seed = run.manifest["generation"].get("seed")
    return texts("run", when=when, model=variant, seed=seed, pictures=texts.pictures(run.count))


def _film(run: StoredRun) -> bool:
    return any(path.suffix in FILMS and path.stem.startswith("morph") for path in run.pictures)
