"""The generators that the panel offers, with what their cards say of them."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from artgan_lib.errors import ArtganError
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.interface.panel_texts import Texts
from artgan_lib.shipped import MAIN, rank, shared_metric

GENERATED = "<!-- written by `make figures` -->"
DISCRIMINATOR = ".discriminator"  # ends the name of the file that a run may start from beside its generator
SUMMARY = 240  # characters of a card that the panel shows at most


@dataclass(frozen=True)
class OfferedModel:
    """A generator file as the panel lists it."""

    name: str  # unique in the list
    path: Path
    variant: str = ""
    summary: str = ""  # of a card that somebody wrote for it; plain text, one or two sentences
    images_seen: int | None = None
    paintings: int | None = None
    score: tuple[str, float, float | None] | None = None  # its name, the model's, that of real pictures if it is known
    styles: tuple[str, ...] = ()  # that it can be asked for
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
        for path in sorted(path for path in files if not path.stem.endswith(DISCRIMINATOR)):
            name = path.parent.name if path.name == "generator.safetensors" else path.stem
            while name in models:
                name += "'"
            models[name] = _look_at(name, path, Path(scores) if scores else None)
    measured = {model.name: model.score[:2] if model.score else None for model in models.values()}
    metric = shared_metric(measured.values())
    # The best score first, then the paper's main model, then the others; what cannot be read is last.
    return sorted(
        models.values(),
        key=lambda model: (bool(model.problem), *rank(measured[model.name], metric), model.name != MAIN),
    )


def tell_model(model: OfferedModel, texts: Texts) -> tuple[list[str], list[str]]:
    """Say what a model learned from and how near it comes, in words that anybody knows; and the numbers behind them.

    How near is told by the distance of its pictures beside that of real ones, where both were measured and can be
    divided.
    """
    plain, numbers = [model.summary] if model.summary else [], list[str]()
    if model.paintings is not None:
        if not model.summary:
            plain.append(texts("learned", paintings=texts.number(model.paintings)))
        if model.images_seen is not None:
            numbers.append(texts("seen", images=texts.number(model.images_seen), variant=model.variant))
    elif not model.summary:
        plain.append(texts("variant", variant=model.variant))
    if model.score:
        name, value, floor = model.score
        shown = {"name": name, "value": texts.score(value)}
        if floor is None:
            numbers.append(texts("score_alone", **shown))
        else:
            numbers.append(texts("score", **shown, floor=texts.score(floor)))
        if floor is not None and floor > 0 and value > 0:
            times = round(value / floor)
            plain.append(texts("far", times=texts.times(times)) if times > 1 else texts("near"))
    return plain, numbers


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
        return OfferedModel(name, path, problem=str(error))
    origin, card = header["origin"], path.with_suffix(".md")
    seen, paintings = (
        origin.get(key) if isinstance(origin.get(key), int) else None for key in ("images_seen", "pictures")
    )
    return OfferedModel(
        name,
        path,
        header["config"]["variant"],
        _summary(card.read_text(encoding="utf-8")) if card.is_file() else "",
        seen,
        paintings,
        _score(origin, scores / f"scores_{name}.json" if scores else None),
        generator.classes,
    )


def _summary(card: str) -> str:
    """Return the first paragraph of a card, without Markdown, cut at the end of a sentence.

    Cards that `make figures` wrote say nothing there that the file itself does not.
    """
    if GENERATED in card:
        return ""
    body = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", body)]
    text = next((part for part in paragraphs if part and part[0] not in "#|!<`-"), "")
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"[*`]+", "", text)
    if len(text) <= SUMMARY:
        return text
    end = text.rfind(". ", 0, SUMMARY)
    return text[: end + 1] if end > 0 else text[: SUMMARY - 2].rsplit(" ", 1)[0] + " …"


def _score(origin: dict[str, Any], path: Path | None) -> tuple[str, float, float | None] | None:
    """Return the number by which a generator was chosen, or one that tells more, with what real pictures get."""
    try:
        chosen = (str(origin["score"]["name"]), float(origin["score"]["value"]), None)
    except (KeyError, TypeError, ValueError):
        chosen = None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["scores"] if path else {}
        # A floor that is not above zero, as a kernel distance may have, cannot be divided by.
        telling = chosen is not None and chosen[0] in told and float(told[chosen[0]]["floor"]) > 0
        name = chosen[0] if chosen and telling else next(iter(told))
        return name, float(told[name]["value"]), float(told[name]["floor"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return chosen
