"""The same picture again, from what its file says of itself."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from artgan_lib.downloads import find_weights
from artgan_lib.errors import ArtganError
from artgan_lib.images import read_metadata
from artgan_lib.shipped import ENLARGER
from artgan_lib.studio.pipeline import versions
from artgan_lib.studio.settings import ConvertingSettings, EnhancingSettings, GenerationSettings
from artgan_lib.studio.upscaling import AUTO, INTERPOLATIONS, NETWORKS, OWN


@dataclass(frozen=True)
class Again:
    """Settings that make a picture again, and what is not as it was then."""

    generation: GenerationSettings
    enhancing: EnhancingSettings
    converting: ConvertingSettings
    differences: list[str]  # such as "torch 2.11.0 -> 2.15.0"; with any of them a pixel may differ
    enlarger: dict[str, str | None] = field(default_factory=dict)  # what ran it, to be compared with the new job's

    def enlarger_differences(self, now: dict[str, str | None]) -> list[str]:
        """Tell in words of `differences` what of a new job's `enlarger` is not as it was."""
        then = self.enlarger
        return [f"{part} {then[part]} -> {now[part]}" for part in then if then[part] not in (now[part], AUTO)]


def settings_like(picture: Path | str, model: Path | str, upscaler: str = AUTO) -> Again:
    """Read from a picture of ours how to make it again.

    Args:
        picture: A file that `artgan generate` wrote.
        model: The generator that painted it.
        upscaler: Path of the network that enlarged it, where it was one named by path.

    Raises:
        ArtganError: If it is not such a picture, or another model painted it.
    """
    recipe, model = read_metadata(picture), Path(model)
    if not recipe.get("recipe"):
        raise ArtganError(f"{picture} does not say how it was made; only single pictures of artgan generate do")
    if not model.is_file():
        raise ArtganError(f"there is no model {model}")
    if _sha256(model) != recipe.get("model_sha256"):
        raise ArtganError(f"{picture} was painted by another model, {recipe.get('model')}; name that by --model")
    # Before it was noted, spandrel ran every network; where none ran, the setting was noted.
    backend = recipe.get("backend", "spandrel") if recipe.get("upscaler_sha256") else None
    enlarger = {"upscaler_precision": _precision(recipe), "backend": backend, "ncnn": recipe.get("ncnn")}
    try:
        generation = GenerationSettings(
            model, 1, recipe["seed"], (recipe["recipe"],), recipe.get("truncation"), recipe.get("style")
        )
        enhancing = EnhancingSettings(
            recipe["size"],
            _upscaler(picture, recipe, upscaler),
            AUTO if backend in (None, "ncnn") else backend,  # ncnn again where it is there, and else that is told
            "float32" if _precision(recipe) == "float32" else AUTO,
        )
        converting = ConvertingSettings(
            recipe["format"], recipe["quality"], lossless=recipe["lossless"] and recipe["format"] == "webp"
        )
    except (KeyError, TypeError, AttributeError):
        raise ArtganError(f"{picture} says what no picture of ours says; it cannot be made again") from None
    now = versions() | {"upscaler_sha256": _hash_of(enhancing)}
    changes = [f"{part} {recipe.get(part)} -> {now[part]}" for part in now if recipe.get(part) != now[part]]
    return Again(generation, enhancing, converting, changes, enlarger)


def _upscaler(picture: Path | str, recipe: dict[str, str | None], chosen: str) -> str:
    """Return the upscaler to take: the one that was chosen, else the one of the recipe if it has a name."""
    name = recipe.get("upscaler")
    if name is None or chosen != AUTO:
        return chosen
    if name not in (OWN, *NETWORKS, *INTERPOLATIONS):
        raise ArtganError(f"{picture} was enlarged by a network of your own, {name}; name its file by --upscaler")
    return name


def _precision(recipe: dict[str, str | None]) -> str | None:
    """Return what the enlarger computed in; before that was noted it was float32, but on NVIDIA's GPUs `AUTO`."""
    if "upscaler_precision" in recipe:
        return recipe["upscaler_precision"]
    if recipe.get("upscaler_sha256") is None:
        return None  # interpolated, or not enlarged
    return AUTO if recipe.get("device") == "cuda" else "float32"


def _hash_of(enhancing: EnhancingSettings) -> str | None:
    """Return the hash of the weights that would be used, None where there are none or they are yet to be fetched."""
    name = enhancing.upscaler
    if enhancing.size == 64 or name in INTERPOLATIONS:
        return None
    if name in NETWORKS:
        path = find_weights(NETWORKS[name])
        return _sha256(path) if path else str(NETWORKS[name].checksum).removeprefix("sha256:")
    path = ENLARGER if name == OWN else Path(name)
    return _sha256(path) if path.is_file() else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
