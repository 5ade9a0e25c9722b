"""The name of a picture: which latent vector it is painted from, written so that it can be made again.

`7:3` is picture number 3 of seed 7. `7:3*0.75+8:0*0.25` lies a quarter of the way from it to picture 0 of seed 8, on
the sphere (slerp), where the vectors of a normal distribution live. The text is stored with every picture.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from artgan_lib.errors import ArtganError
from artgan_lib.randomness import check_seed, latents

_POINT = re.compile(r"(\d+):(\d+)(?:\*([0-9.eE+-]+))?")
MAX_INDEX = 2**31 - 1


@dataclass(frozen=True)
class Recipe:
    """A weighted blend of points (seed, index); one point alone is that picture.

    Raises:
        ArtganError: If there is no point, or a seed, an index or a weight is out of range.
    """

    points: tuple[tuple[int, int, float], ...]  # seed, index, weight above 0

    def __post_init__(self) -> None:
        if not self.points:
            raise ArtganError("a recipe needs at least one point, such as 7:3")
        plain = tuple((int(seed), int(index), float(weight)) for seed, index, weight in self.points)
        object.__setattr__(self, "points", plain)  # numpy's numbers would be written with their type
        for seed, index, weight in self.points:
            check_seed(seed)
            if not 0 <= index <= MAX_INDEX:
                raise ArtganError(f"a picture's number must lie in 0 to {MAX_INDEX}, not {index}")
            if not 0 < weight <= 1e6:
                raise ArtganError(f"the weight of a point must be above 0 and at most a million, not {weight:g}")

    def __str__(self) -> str:
        if len(self.points) == 1:
            return "{}:{}".format(*self.points[0][:2])
        return "+".join(f"{seed}:{index}*{weight!r}" for seed, index, weight in self.points)

    @property
    def slot(self) -> int:
        """A number of the recipe's own, by which it gets its place in a batch."""
        return self.points[0][1] if len(self.points) == 1 else zlib.crc32(str(self).encode())

    def vector(self, dim: int, truncation: float | None = None) -> np.ndarray:
        """Return the latent vector, float32, shape (dim,).

        Args:
            dim: Length of the vector.
            truncation: Largest size of a component of each point; larger ones are drawn again.
        """
        ((seed, index, total), *rest) = self.points
        vector: np.ndarray = latents(seed, [index], dim, truncation)[0]
        for seed, index, weight in rest:
            total += weight
            vector = slerp(vector, latents(seed, [index], dim, truncation)[0], weight / total)
        return vector

    @classmethod
    def parse(cls, text: str) -> "Recipe":
        """Read what `str` writes; a weight that is left out is 1.

        Raises:
            ArtganError: If it is no recipe.
        """
        points = []
        for part in re.split(r"(?<![eE])\+", text.strip()):
            found = _POINT.fullmatch(part.strip())
            try:
                seed, index, weight = found.groups() if found else (None, None, None)
                points.append((int(seed or ""), int(index or ""), float(weight or 1)))
            except ValueError:
                raise ArtganError(f"{text!r} is no recipe; write seed:number, or 7:3*0.75+8:0*0.25 to blend") from None
        return cls(tuple(points))


def numbered(seed: int, count: int, start: int = 0) -> list[Recipe]:
    """Return the recipes of pictures number `start` to `start + count - 1` of a seed."""
    return [Recipe(((seed, index, 1.0),)) for index in range(start, start + count)]


def blend(one: Recipe, other: Recipe, share: float) -> Recipe:
    """Return a recipe between two: at share 0 the first, at 1 the second."""
    if share <= 0 or share >= 1:
        return one if share <= 0 else other
    parts = []
    for recipe, part in ((one, 1 - share), (other, share)):
        whole = sum(weight for _, _, weight in recipe.points)
        parts += [(seed, index, weight / whole * part) for seed, index, weight in recipe.points]
    return Recipe(tuple(parts))


def walk(stations: Sequence[Recipe], frames: int, *, closed: bool = False) -> list[Recipe]:
    """Return the recipes of a walk from station to station.

    Args:
        stations: At least two.
        frames: From one station to the next, the first of the two counted.
        closed: Go back to the first station in the end, so that the walk can be played round and round.

    Raises:
        ArtganError: If there are fewer than two stations or no frames.
    """
    if len(stations) < 2 or frames < 1:
        raise ArtganError("a walk needs at least two stations and one frame from each to the next")
    ends = [*stations[1:], stations[0]] if closed else stations[1:]
    pairs = list(zip(stations, ends, strict=False))
    path = [blend(one, other, frame / frames) for one, other in pairs for frame in range(frames)]
    return path if closed else [*path, stations[-1]]


def variations(recipe: Recipe, amount: float, count: int, seed: int) -> list[Recipe]:
    """Return neighbours of a picture: each the given share of the way towards a picture of its own.

    Args:
        recipe: Of the picture.
        amount: Above 0, at most 1; a fifth keeps a family likeness.
        count: How many.
        seed: Of the pictures that they lean towards.

    Raises:
        ArtganError: If the amount is out of range.
    """
    if not 0 < amount <= 1:
        raise ArtganError(f"the amount of variation must be above 0 and at most 1, not {amount:g}")
    own = {point[:2] for point in recipe.points}  # towards itself there is no way to go
    others = [other for other in numbered(seed, count + len(own)) if other.points[0][:2] not in own]
    return [blend(recipe, other, amount) for other in others[:count]]


def slerp(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Interpolate on the great circle between two vectors (White 2016); in a straight line where they are parallel."""
    cosine = float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
    angle = np.arccos(np.clip(cosine, -1, 1))
    if np.sin(angle) < 1e-6:
        return ((1 - share) * one + share * other).astype(np.float32)
    way: np.ndarray = (np.sin((1 - share) * angle) * one + np.sin(share * angle) * other) / np.sin(angle)
    return way.astype(np.float32)
