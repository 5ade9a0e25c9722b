"""The results store: one folder a run, whole files only, and a manifest that says what is in it and how it was made."""

import json
from pathlib import Path
from typing import Any

from artgan_lib.errors import ArtganError
from artgan_lib.runlog import write_atomic, write_json

MANIFEST = "manifest.json"


class ResultsStore:
    """The folder of one run.

    Args:
        folder: Made if it is not there.
        overwrite: Remove the pictures of an earlier run, as its manifest names them; nothing else is touched.

    Raises:
        ArtganError: If the folder holds a run and `overwrite` is not set, or is no folder.
    """

    def __init__(self, folder: Path | str, *, overwrite: bool = False) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise ArtganError(f"{self.folder} is a file; name a folder for the results")
        manifest = self.folder / MANIFEST
        if manifest.exists():
            if not overwrite:
                raise ArtganError(f"{self.folder} holds an earlier run; name another folder or add --overwrite")
            for name in _names(manifest):
                (self.folder / name).unlink(missing_ok=True)
            manifest.unlink()
        self.folder.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, content: bytes) -> Path:
        """Write one file, whole or not at all."""
        return write_atomic(self.folder / name, content)

    def close(self, manifest: dict[str, Any]) -> Path:
        """Write the manifest."""
        return write_json(self.folder / MANIFEST, manifest)


def _names(manifest: Path) -> list[str]:
    """Names of plain files that a manifest lists; a path that leads elsewhere is passed over."""
    try:
        files = [entry["file"] for entry in json.loads(manifest.read_text(encoding="utf-8"))["images"]]
    except (ValueError, KeyError, TypeError):
        raise ArtganError(f"{manifest} is not a manifest of ours; name another folder for the results") from None
    return [name for name in files if isinstance(name, str) and Path(name).name == name]
