"""What a user may choose of a run: the three settings that the interface of Fig. 2 collects, each checked when made."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artgan_lib.errors import ArtganError
from artgan_lib.gan.sampling import parse_styles
from artgan_lib.images import encode
from artgan_lib.randomness import check_seed, latents
from artgan_lib.studio import upscaling
from artgan_lib.studio.recipes import Recipe, numbered

MAX_COUNT = 100
"""Pictures of one run at most, as in the paper."""


@dataclass(frozen=True)
class GenerationSettings:
    """What to paint (interface IGS).

    Raises:
        ArtganError: If count, seed, a recipe or truncation is out of range.
    """

    model: Path
    count: int = 16  # 1 to 100
    seed: int = 0  # 0 to 2**31 - 1
    recipes: tuple[str, ...] = ()  # instead of numbers 0 to count - 1 of the seed, such as 7:3 or 7:3*0.75+8:0*0.25
    truncation: float | None = None  # largest size of a latent component, at least 0.05; None: as drawn
    style: str | None = None  # one of the model's styles or a mixture, baroque*0.7+ukiyo_e*0.3; None: drawn for each

    def __post_init__(self) -> None:
        if self.recipes:
            object.__setattr__(self, "count", len(self.recipes))
        if not 1 <= self.count <= MAX_COUNT:
            raise ArtganError(f"a run paints 1 to {MAX_COUNT} pictures, not {self.count}")
        check_seed(self.seed)
        self.list_recipes()
        parse_styles(self.style)
        if self.truncation is not None:
            latents(self.seed, [], 0, self.truncation)

    def list_recipes(self) -> list[Recipe]:
        """Return the recipe of every picture, in order."""
        return [Recipe.parse(text) for text in self.recipes] or numbered(self.seed, self.count)


@dataclass(frozen=True)
class EnhancingSettings:
    """How large (interface IES).

    Raises:
        ArtganError: If the size is none of 64, 256 and 1024.
    """

    size: int = 64
    upscaler: str = upscaling.AUTO  # not used at 64

    def __post_init__(self) -> None:
        upscaling.passes(self.size)


@dataclass(frozen=True)
class ConvertingSettings:
    """In which format (interface ICS).

    Raises:
        ArtganError: If the format is unknown or the quality out of range.
    """

    image_format: str = "png"
    quality: int = 95  # 1 to 100, of JPEG and WebP
    grid: bool = False  # add a contact sheet
    lossless: bool = False  # of WebP

    def __post_init__(self) -> None:
        encode(np.zeros((1, 1, 3), np.uint8), self.image_format, None, self.quality, lossless=self.lossless)
