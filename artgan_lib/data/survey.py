"""What a collection of paintings looks like, in numbers: sizes, light, colour, line, likeness, and what is broken.

Everything is measured on the centred square at 64 x 64, which is what networks see, so collections of any size can be
compared. Drawing is left to `interface`.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from artgan_lib.config import IMAGE_SIZE
from artgan_lib.data.decoding import decode_with, map_files, square_thumbnail, upright
from artgan_lib.data.duplicates import Likeness, likeness_of, near_pairs
from artgan_lib.data.sources.base import choose
from artgan_lib.data.sources.open import open_source
from artgan_lib.downloads import Progress
from artgan_lib.errors import ArtganError
from artgan_lib.runlog import write_atomic

if TYPE_CHECKING:
    import pandas as pd

PALETTE = 6
"""Colours in the palette of a style."""

_EDGE = 0.25  # Sobel slope, of a step from black to white, above which a pixel counts as an edge
_SAMPLED = 64  # pixels of each picture that stand for its colours


@dataclass(frozen=True)
class Survey:
    """The numbers of a collection."""

    pictures: "pd.DataFrame"  # a row a picture: name, style, split, width, height, aspect and the measures
    palettes: "pd.DataFrame"  # style, share, red, green, blue: `PALETTE` rows a style, largest share first
    likeness: "pd.DataFrame"  # style x style, 0 to 1: how far their colour histograms overlap
    duplicates: "pd.DataFrame"  # first, second, distance (bits), across (whether they lie in different splits)
    unreadable: "pd.DataFrame"  # name, reason

    def styles(self) -> "pd.DataFrame":
        """Return a row a style: how many pictures in each split, and the means of the measures."""
        import pandas as pd

        by_style = self.pictures.groupby("style")
        counts = pd.crosstab(self.pictures["style"], self.pictures["split"].fillna("all"))
        return counts.join(by_style[list(MEASURES)].mean().round(3))

    def write(self, folder: Path | str) -> list[Path]:
        """Write every table as CSV, whole or not at all, and return the files."""
        folder = Path(folder)
        tables = {"pictures": self.pictures, "palettes": self.palettes, "duplicates": self.duplicates}
        tables |= {"unreadable": self.unreadable}
        written = [write_atomic(folder / f"{name}.csv", table.to_csv(index=False)) for name, table in tables.items()]
        written.append(write_atomic(folder / "likeness.csv", self.likeness.round(3).to_csv()))
        return [*written, write_atomic(folder / "styles.csv", self.styles().to_csv())]


MEASURES = {
    "aspect": "width / height",
    "brightness": "mean luma, 0 to 1",
    "contrast": "standard deviation of luma, 0 to 0.5",
    "saturation": "mean HSV saturation, 0 to 1",
    "colourfulness": "Hasler and Süsstrunk 2003, about 0 to 150",
    "edges": "share of pixels with a steep slope, 0 to 1",
    "kept": "PSNR of 64 x 64 against the square, dB",
}
"""What is measured of each picture, and in which unit."""


class _Measured(NamedTuple):
    row: dict[str, Any]
    colours: np.ndarray  # uint8 (64, 3)
    likeness: Likeness


def survey(
    source: Path | str,
    *,
    split: str | None = None,
    styles: Sequence[str] = (),
    limit: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Measure a collection of paintings.

    Args:
        source: Whatever `data.sources.open` opens.
        split: Only this one.
        styles: Only these; empty means all.
        limit: At most so many, spread evenly.
        seed: Of the sampled pixels and of the palettes' starting points.
        workers: Threads; as many as there are cores by default.
        progress: Told after each file.

    Raises:
        ArtganError: If the source cannot be opened or has no readable picture.
    """
    import pandas as pd

    where = np.random.default_rng(seed).integers(0, IMAGE_SIZE, (2, _SAMPLED))
    measured: list[_Measured] = []
    rows: list[dict[str, Any]] = []
    unreadable: list[dict[str, str]] = []
    with open_source(source) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata is no reason to stop; bombs are refused by size
        chosen = choose(opened.images, split=split, styles=styles, limit=limit)
        unreadable += [skipped._asdict() for skipped in opened.skipped]
        results = map_files(
            opened, chosen, lambda content: decode_with(content, lambda image: _measure(image, where)), workers
        )
        for done, (number, (result, _, reason)) in enumerate(results, 1):
            image = opened.images[number]
            if result is None:
                unreadable.append({"name": image.name, "reason": reason or ""})
            else:
                rows.append(image._asdict() | result.row)
                measured.append(result)
            if progress is not None:
                progress(done, len(chosen))
    if not rows:
        raise ArtganError(
            f"{source} has no picture that can be read; {unreadable[0]['name']}: {unreadable[0]['reason']}"
        )
    pictures = pd.DataFrame(rows)
    colours = np.stack([picture.colours for picture in measured])
    return Survey(
        pictures,
        _palettes(pictures["style"], colours, seed),
        _likeness(pictures["style"], colours),
        _near_duplicates(pictures, measured),
        pd.DataFrame(unreadable, columns=["name", "reason"]),
    )


def _measure(image: Image.Image, where: np.ndarray) -> _Measured:
    """Measure one picture; its colours are sampled at `where`, rows and columns, shape (2, 64)."""
    from scipy import ndimage

    image = upright(image)
    width, height = image.size
    side = min(width, height)
    pixels, kept = square_thumbnail(image), np.nan
    if side > IMAGE_SIZE:
        full = square_thumbnail(image, min(side, 256))
        back = Image.fromarray(pixels).resize(full.shape[:2], Image.Resampling.BICUBIC)
        error = np.mean((full.astype(np.float32) - np.asarray(back)) ** 2)
        kept = float(10 * np.log10(255**2 / max(error, 1e-3)))
    red, green, blue = (pixels[..., channel].astype(np.float32) for channel in range(3))
    luma = (0.299 * red + 0.587 * green + 0.114 * blue) / 255
    largest, smallest = pixels.max(2).astype(np.float32), pixels.min(2).astype(np.float32)
    slope = np.hypot(ndimage.sobel(luma, 0), ndimage.sobel(luma, 1)) / 4  # of a step from black to white: 1
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std()) + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean())
    row = {
        "width": width,
        "height": height,
        "aspect": width / height,
        "brightness": float(luma.mean()),
        "contrast": float(luma.std()),
        "saturation": float(((largest - smallest) / np.maximum(largest, 1)).mean()),
        "colourfulness": float(spread),
        "edges": float((slope > _EDGE).mean()),
        "kept": kept,
    }
    return _Measured(row, pixels[where[0], where[1]], likeness_of(pixels))


def _palettes(styles: "pd.Series[str]", colours: np.ndarray, seed: int) -> "pd.DataFrame":
    """Cluster the sampled pixels of each style by k-means."""
    import pandas as pd
    from scipy.cluster.vq import kmeans2

    tables = []
    for style in sorted(styles.unique()):
        pixels = colours[(styles == style).to_numpy()].reshape(-1, 3).astype(np.float64)
        count = min(PALETTE, len(np.unique(pixels, axis=0)))
        centres, nearest = kmeans2(pixels, count, minit="++", seed=seed, missing="warn")
        shares = np.bincount(nearest, minlength=count) / len(nearest)
        order = np.argsort(-shares)
        table = pd.DataFrame(centres[order].round().astype(int), columns=["red", "green", "blue"])
        tables.append(table.assign(style=style, share=shares[order].round(4)))
    return pd.concat(tables, ignore_index=True)[["style", "share", "red", "green", "blue"]]


def _likeness(styles: "pd.Series[str]", colours: np.ndarray) -> "pd.DataFrame":
    """Intersect the colour histograms of the styles (8 x 8 x 8 bins, each summing to one)."""
    import pandas as pd

    names = sorted(styles.unique())
    bins = (colours // 32).astype(int) @ (64, 8, 1)
    histograms = np.stack(
        [np.bincount(bins[(styles == style).to_numpy()].ravel(), minlength=512) for style in names]
    ).astype(float)
    histograms /= histograms.sum(1, keepdims=True)
    overlap = np.minimum(histograms[:, None], histograms[None]).sum(2)
    return pd.DataFrame(overlap, index=names, columns=names)


def _near_duplicates(pictures: "pd.DataFrame", measured: list[_Measured]) -> "pd.DataFrame":
    """Find pairs whose perceptual hashes and small grey pictures are both close."""
    import pandas as pd

    a, b, bits = near_pairs([picture.likeness for picture in measured]).T
    splits = pictures["split"].fillna("").to_numpy()
    names = pictures["name"].to_numpy()
    table = pd.DataFrame({"first": names[a], "second": names[b], "distance": bits, "across": splits[a] != splits[b]})
    return table.sort_values(["distance", "first", "second"], ignore_index=True)
