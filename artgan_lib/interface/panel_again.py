"""From pictures that are there to a run of their own: neighbours, the same ones larger, a morph between two."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from artgan_lib.interface.panel_models import sha256_of
from artgan_lib.interface.panel_pictures import Shown, metadata_of
from artgan_lib.interface.panel_settings import SettingsView, Wanted
from artgan_lib.interface.panel_texts import RefusalError
from artgan_lib.studio.morph import MorphJob
from artgan_lib.studio.recipes import Recipe, variations
from artgan_lib.studio.settings import GenerationSettings
from artgan_lib.studio.upscaling import SIZES

LIKE = 8  # neighbours at most: a row or two, to choose the next one from


class Origin(NamedTuple):
    """What chosen pictures have in common."""

    model: Path
    recipes: tuple[str, ...]
    size: int
    truncation: float | None
    style: str | None


def origin_of(settings: SettingsView, chosen: Sequence[Shown]) -> Origin:
    """Find out how chosen pictures, which are of one run, were painted, and the model that did it.

    Raises:
        ArtganError: If nothing is chosen, a picture is gone, or its model is not in the list.
    """
    painted = [shown for shown in chosen if shown.recipe]
    if not painted:
        raise RefusalError("error_none")
    try:
        about = metadata_of(painted[0])
    except OSError as error:
        raise RefusalError("error_gone", str(error), name=painted[0].path.name) from None
    for model in settings.models.values():
        if not model.problem and model.path.is_file() and sha256_of(model.path) == about.get("model_sha256"):
            recipes = tuple(str(shown.recipe) for shown in painted)
            size = about.get("size") if about.get("size") in SIZES else min(SIZES)
            return Origin(model.path, recipes, int(size or 0), about.get("truncation"), about.get("style"))
    raise RefusalError("error_foreign", name=about.get("model"))


def neighbours(settings: SettingsView, chosen: Sequence[Shown], amount: float, seed: int | None) -> Wanted:
    """Return the settings of a run that paints neighbours of the first of the pictures, at its size.

    Args:
        settings: Of the panel.
        chosen: Pictures of one run.
        amount: How far they lie, as in `variations`.
        seed: Of the pictures that they lean towards; None draws one, so that a second time brings others.

    Raises:
        ArtganError: If they cannot be painted.
    """
    origin = origin_of(settings, chosen)
    base = Recipe.parse(origin.recipes[0])
    seed = secrets.randbelow(2**31) if seed is None else seed
    found = variations(base, amount, min(LIKE, settings.limits.count), seed)
    return _wanted(settings, origin, tuple(map(str, found)), origin.size)


def next_size(settings: SettingsView, chosen: Sequence[Shown]) -> Wanted:
    """Return the settings of a run that paints pictures again at the next size.

    Raises:
        ArtganError: If they cannot be painted, or are as large as they can be.
    """
    origin = origin_of(settings, chosen)
    larger = [size for size in SIZES if origin.size < size <= settings.limits.size]
    if not larger:
        raise RefusalError("error_largest")
    return _wanted(settings, origin, origin.recipes, min(larger))


def morph_of(
    settings: SettingsView, chosen: Sequence[Shown], frames: int, *, device: str, download: bool
) -> tuple[MorphJob, list[str]]:
    """Return the job that morphs between two pictures, at 256 pixels a side, and what is told of it.

    Raises:
        ArtganError: If there are not two, or they cannot be painted.
    """
    origin = origin_of(settings, chosen)
    if len(origin.recipes) != 2:
        raise RefusalError("error_two")
    enhancing = settings.enhancing(min(sorted(SIZES)[1], settings.limits.size))
    job = MorphJob(
        origin.model,
        *origin.recipes,
        size=enhancing.size,
        upscaler=enhancing.upscaler,
        truncation=origin.truncation,
        frames=frames,
        base=settings.results(),
        device=device,
        download=download,
    )
    names = [shown.name for shown in chosen if shown.recipe]
    size = f"{enhancing.size} × {enhancing.size}"
    return job, [settings.name_of(origin.model), settings.texts("film"), " ↔ ".join(names), size]


def _wanted(settings: SettingsView, origin: Origin, recipes: tuple[str, ...], size: int) -> Wanted:
    settings.limits.check(len(recipes), size)
    seed = Recipe.parse(recipes[0]).points[0][0]
    generation = GenerationSettings(
        origin.model, seed=seed, recipes=recipes, truncation=origin.truncation, style=origin.style
    )
    return Wanted(generation, settings.enhancing(size), settings.converting(), settings.results())
