"""What the gallery shows of a picture on the disk: a thumbnail, the picture itself, and how it was made."""

import base64
import html
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from artgan_lib.errors import ArtganError
from artgan_lib.images import image_grid, read_metadata
from artgan_lib.interface.panel_texts import Texts
from artgan_lib.studio.animation import KINDS
from artgan_lib.studio.store import StoredRun, read_run

THUMBNAIL = 256  # pixels of a side: sharp at the size of the largest tile
SMALLEST = 128  # pixels of a side of a picture in the sheet that stands for the gallery where no widgets are
FILMS = KINDS[:2]
_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif"}
_TYPES |= {".zip": "application/zip"}


@dataclass(frozen=True)
class Shown:
    """A picture, or a moving one, of a run on the disk."""

    path: Path
    recipe: str | None  # None of a moving picture

    @property
    def name(self) -> str:
        """What a person calls it: a short recipe as it is, a blend by its number in the run."""
        if self.recipe is None:
            return self.path.stem
        return self.recipe if len(self.recipe) <= 12 else "№ " + self.path.stem.split("_")[1]


def pictures_of(run: StoredRun) -> list[Shown]:
    """List what the gallery shows of a run: its pictures and moving pictures, not its contact sheet."""
    recipes = {entry["file"]: entry.get("recipe") for entry in run.manifest["images"]}
    found = [Shown(path, recipes[path.name]) for path in run.pictures]
    return [one for one in found if one.recipe or (one.path.suffix in FILMS and one.path.stem.startswith("morph"))]


def read_pictures(folder: Path) -> list[Shown]:
    """List what the gallery shows of a folder of results.

    Raises:
        ArtganError: If it holds no results, or a manifest that is not ours.
    """
    run = read_run(folder)
    if run.problem:
        raise ArtganError(f"{folder}: {run.problem}")
    return pictures_of(run)


def stored(path: Path) -> Shown:
    """Return what was just stored; it may be gone again already."""
    try:
        return Shown(path, read_metadata(path).get("recipe"))
    except (ArtganError, OSError):
        return Shown(path, None)


def thumbnail(path: Path) -> np.ndarray | None:
    """Return a picture as uint8 (side, side, 3), a side of at most 256 pixels, or None where it cannot be read."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", (THUMBNAIL, THUMBNAIL))
            small = image.convert("RGB")
    except (OSError, ValueError):
        return None
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(small)


def image_tag(pixels: np.ndarray | None, about: str) -> str:
    """Write a thumbnail as HTML that needs no other file."""
    if pixels is None:
        return f'<span class="artgan-gone" role="img" aria-label="{html.escape(about)}">?</span>'
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "jpeg", quality=88, subsampling="4:4:4")
    return _tag(data_address("x.jpg", buffer.getvalue()), about)


def full_tag(path: Path, about: str) -> str:
    """Write a whole picture as HTML that needs no other file.

    Raises:
        OSError: If it cannot be read.
    """
    return _tag(data_address(path.name, path.read_bytes()), about)


def _tag(address: str, about: str) -> str:
    return f'<img src="{address}" alt="{html.escape(about)}" draggable="false">'


def data_address(name: str, content: bytes) -> str:
    """Return content as an address of its own, of the type that the name's ending tells."""
    return f"data:{_TYPES[Path(name).suffix]};base64,{base64.b64encode(content).decode()}"


def facts(shown: Shown, about: dict[str, Any], texts: Texts) -> str:
    """Tell the seed and the settings of a picture as an HTML list."""
    seed, _, number = (shown.recipe or "").partition(":")
    plain = shown.recipe is not None and number.isdigit()
    size = about.get("size")
    rows = {
        "fact_seed": f"{seed}, {number}" if plain else None,
        "fact_recipe": None if plain else shown.recipe,
        "fact_model": about.get("model"),
        "fact_style": about.get("style"),
        "fact_variety": about.get("truncation"),
        "fact_size": f"{size} × {size}" if size else None,
        "fact_upscaler": texts.name(about.get("upscaler")),
        "fact_file": f"{shown.path.parent.name}/{shown.path.name}",
    }
    told = (f"<dt>{texts(key)}</dt><dd>{_breakable(str(value))}</dd>" for key, value in rows.items() if value)
    return f'<dl class="artgan-facts">{"".join(told)}</dl>'


def _breakable(value: str) -> str:
    """Write a value as HTML; a long name of a file may be broken between its parts."""
    return re.sub(r"([/_])(?=.)", r"\1<wbr>", html.escape(value))


def metadata_of(shown: Shown) -> dict[str, Any]:
    """Read how a picture was made; a moving one tells less.

    Raises:
        ArtganError: If the file is no picture.
        OSError: If it is not there.
    """
    return read_metadata(shown.path)


def contact_sheet(shown: Iterable[Shown], columns: int = 0) -> np.ndarray | None:
    """Lay thumbnails out as one picture, for where no widgets are; None if there is nothing to show."""
    cells: Sequence[np.ndarray] = [pixels for one in shown if (pixels := thumbnail(one.path)) is not None]
    if not cells:
        return None
    side = max(SMALLEST, *(len(pixels) for pixels in cells))
    large = [np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS)) for pixels in cells]
    return image_grid(np.stack(large), columns or min(len(large), 6), gap=4)
