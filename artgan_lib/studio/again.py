"""The same picture again, from what its file says of itself."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from artgan_lib.errors import ArtganError
from artgan_lib.images import read_metadata
from artgan_lib.shipped import shipped_generators
from artgan_lib.studio.pipeline import versions
from artgan_lib.studio.settings import ConvertingSettings, EnhancingSettings, GenerationSettings
from artgan_lib.studio.upscaling import AUTO, ENLARGER_KEYS, known


class Origin(NamedTuple):
    """What a picture says of itself, and the generator that painted it."""

    recipe: dict[str, Any]
    model: Path


@dataclass(frozen=True)
class Again:
    """Settings that make a picture again, and what is not as it was then."""

    generation: GenerationSettings
    enhancing: EnhancingSettings
    converting: ConvertingSettings
    differences: list[str]  # such as "torch 2.11.0 -> 2.15.0"; with any of them a pixel may differ
    enlarger: dict[str, str | None]  # by `ENLARGER_KEYS`, to be compared with the new job's

    def enlarger_differences(self, now: dict[str, str | None]) -> list[str]:
        """Tell in words of `differences` what of a new job's `enlarger` is not as it was."""
        then = self.enlarger
        return [f"{part} {then[part]} -> {now[part]}" for part in then if then[part] != now[part]]


def origin_of(picture: Path | str, model: Path | str | None = None) -> Origin:
    """Read from a picture of ours how it was made, and find the generator that painted it.

    Args:
        picture: A file that `artgan generate` wrote.
        model: That generator's file; None looks for it among those that came with the library.

    Raises:
        ArtganError: If it is not such a picture, or its generator is another one or is not to be found.
    """
    recipe = read_metadata(picture)
    if not recipe.get("recipe"):
        raise ArtganError(f"{picture} does not say how it was made; only single pictures of artgan generate do")
    if model is not None and not Path(model).is_file():
        raise ArtganError(f"there is no model {model}")
    candidates = [shipped.path for shipped in shipped_generators()] if model is None else [Path(model)]
    for path in candidates:
        if _sha256(path) == recipe.get("model_sha256"):
            return Origin(recipe, path)
    raise ArtganError(f"{picture} was painted by another model, {recipe.get('model')}; name that by --model")


def settings_like(picture: Path | str, model: Path | str | None = None, upscaler: str = AUTO) -> Again:
    """Read from a picture of ours how to make it again.

    Args:
        picture: As in `origin_of`.
        model: As in `origin_of`.
        upscaler: Path of the network that enlarged it, where it was one named by path.

    Raises:
        ArtganError: If it is not such a picture, or its generator or its enlarger is not to be found.
    """
    recipe, path = origin_of(picture, model)
    try:
        generation = GenerationSettings(
            path, 1, recipe["seed"], (recipe["recipe"],), recipe.get("truncation"), recipe.get("style")
        )
        enhancing = EnhancingSettings(recipe["size"], _upscaler(picture, recipe, upscaler))
        converting = ConvertingSettings(
            recipe["format"], recipe["quality"], lossless=recipe["lossless"] and recipe["format"] == "webp"
        )
    except (KeyError, TypeError, AttributeError):
        raise ArtganError(f"{picture} says what no picture of ours says; it cannot be made again") from None
    now = versions()
    changes = [f"{part} {recipe.get(part)} -> {now[part]}" for part in now if recipe.get(part) != now[part]]
    enlarger = {key: recipe.get(key) for key in ENLARGER_KEYS}
    return Again(generation, enhancing, converting, changes, enlarger)


def _upscaler(picture: Path | str, recipe: dict[str, Any], chosen: str) -> str:
    """Return the upscaler to take: the one that was chosen, else the one of the recipe if it has a name."""
    name: str | None = recipe.get("upscaler")
    if name is None or chosen != AUTO:
        return chosen
    if not known(name):
        raise ArtganError(f"{picture} was enlarged by a network of your own, {name}; name its file by --upscaler")
    return name


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
