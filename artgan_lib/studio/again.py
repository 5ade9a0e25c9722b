"""The same picture again, from what its file says of itself."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from artgan_lib.errors import ArtganError
from artgan_lib.images import read_metadata
from artgan_lib.studio.pipeline import versions
from artgan_lib.studio.settings import EnhancingSettings, GenerationSettings
from artgan_lib.studio.upscaling import AUTO, BACKENDS, INTERPOLATIONS, NETWORKS


@dataclass(frozen=True)
class Again:
    """Settings that make a picture again, and what is not as it was then."""

    generation: GenerationSettings
    enhancing: EnhancingSettings
    differences: list[str]  # such as "torch 2.11.0 -> 2.15.0"; with any of them a pixel may differ


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
    if sha256(model.read_bytes()).hexdigest() != recipe.get("model_sha256"):
        raise ArtganError(f"{picture} was painted by another model, {recipe.get('model')}; name that by --model")
    name = recipe.get("upscaler")
    known = name is None or name in NETWORKS or name in INTERPOLATIONS
    if not known and upscaler == AUTO:
        raise ArtganError(f"{picture} was enlarged by a network of your own, {name}; name its file by --upscaler")
    now = versions()
    try:
        generation = GenerationSettings(model, 1, recipe["seed"], (recipe["recipe"],), recipe.get("truncation"))
        enhancing = EnhancingSettings(
            recipe["size"], (name or AUTO) if known else upscaler, recipe.get("backend") or BACKENDS[0]
        )
    except (KeyError, TypeError, AttributeError):
        raise ArtganError(f"{picture} says what no picture of ours says; it cannot be made again") from None
    changes = [f"{part} {recipe.get(part)} -> {now[part]}" for part in now if recipe.get(part) != now[part]]
    return Again(generation, enhancing, changes)
