"""What the stages of Fig. 2 hand to one another, under the names of its interfaces, and what a run tells of itself."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from artgan_lib.studio.recipes import Recipe

STAGES = ("image generation", "image enhancement", "image conversion", "results store")
"""Components of Fig. 2, in the order in which a picture passes them."""


class GeneratedData(NamedTuple):
    """A painted picture (interface IGDT)."""

    number: int  # of the run, from 0
    recipe: Recipe
    pixels: np.ndarray  # uint8 (64, 64, 3)


class EnlargedImage(NamedTuple):
    """The picture at its final size (interface IEDT)."""

    number: int
    recipe: Recipe
    pixels: np.ndarray  # uint8 (size, size, 3)


class OutputImage(NamedTuple):
    """The picture as a file to be (interface IODT)."""

    number: int | None  # None: the contact sheet
    recipe: Recipe | None
    name: str
    content: bytes


class Progress(NamedTuple):
    """How far a stage is, counted in pictures."""

    stage: str
    done: int
    total: int
    seconds_left: float | None = None  # of the whole run, once a picture is stored
    file: Path | None = None  # the picture that was just stored
