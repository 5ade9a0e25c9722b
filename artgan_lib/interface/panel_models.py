"""The generators that the panel offers, with what their cards say of them."""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from artgan_lib.errors import ArtganError
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.interface.demo import SHIPPED_GENERATOR

SUMMARY = 240  # characters of a card that the panel shows at most


@dataclass(frozen=True)
class OfferedModel:
    """A generator file as the panel lists it."""

    name: str  # unique in the list
    path: Path
    summary: str  # plain text, one or two sentences; empty if nothing is known
    score: tuple[str, float, float] | None  # its name, the model's and that of real pictures, if it was measured
    styles: tuple[str, ...]  # that it can be asked for
    problem: str = ""  # why it cannot be read; empty if it can


def offered_models(places: Sequence[Path | str], scores: Path | str | None = None) -> list[OfferedModel]:
    """List the generators of some folders and files; one that cannot be read is listed with its problem.

    Args:
        places: A generator file, a folder of them, or a folder of runs, each with its `generator.safetensors`.
        scores: Folder of `scores_NAME.json`, as `artgan evaluate` writes them.
    """
    models: dict[str, OfferedModel] = {}
    for place in map(Path, places):
        files = [place] if place.is_file() else [*place.glob("*.safetensors"), *place.glob("*/generator.safetensors")]
        for path in sorted(files):
            name = path.parent.name if path.name == "generator.safetensors" else path.stem
            while name in models:
                name += "'"
            models[name] = _look_at(name, path, Path(scores) if scores else None)
    return sorted(models.values(), key=_rank)


def _rank(model: OfferedModel) -> tuple[bool, float, bool]:
    """Put the best score first, then what the project paints with, then the others; what cannot be read is last."""
    score = model.score[1] if model.score else math.inf
    return bool(model.problem), score, model.path.name != SHIPPED_GENERATOR.name


def sha256_of(path: Path) -> str:
    """Return the hash of a generator file, as pictures carry it."""
    return _hash(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _hash(path: Path, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _look_at(name: str, path: Path, scores: Path | None) -> OfferedModel:
    try:
        generator, header = load_generator(path)
    except (ArtganError, OSError) as error:
        return OfferedModel(name, path, "", None, (), str(error))
    score = _score(scores / f"scores_{name}.json") if scores else None
    styles: tuple[str, ...] = tuple(getattr(generator, "styles", ()))
    card = path.with_suffix(".md")
    summary = _summary(card.read_text(encoding="utf-8")) if card.is_file() else _from_header(header)
    return OfferedModel(name, path, summary, score, styles)


def _summary(card: str) -> str:
    """Return the first paragraph of a card, without Markdown, cut at the end of a sentence."""
    body = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", body)]
    text = next((part for part in paragraphs if part and part[0] not in "#|!<`-"), "")
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"[*`]+", "", text)
    if len(text) <= SUMMARY:
        return text
    end = text.rfind(". ", 0, SUMMARY)
    return text[: end + 1] if end > 0 else text[: SUMMARY - 2].rsplit(" ", 1)[0] + " …"


def _from_header(header: dict[str, Any]) -> str:
    """Say what a generator's own file tells of it."""
    config, origin = header["config"], header["origin"]
    told = f"{config['variant']}, base width {config['width']}"
    if isinstance(origin.get("images_seen"), int):
        told += f"; has seen {origin['images_seen']:,} images"
        if isinstance(origin.get("pictures"), int):
            told += f" of {origin['pictures']:,} paintings"
    return told + "."


def _score(path: Path) -> tuple[str, float, float] | None:
    """Return the first score of an evaluation, or None if there is none to be read."""
    try:
        name, score = next(iter(json.loads(path.read_text(encoding="utf-8"))["scores"].items()))
        return str(name), float(score["value"]), float(score["floor"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return None
