"""Draws the system: the scheme of a GAN (the paper's Fig. 1), components and interfaces (Fig. 2), one picture's way.

Fig. 2 is drawn from the code: a box names the thing that does the work and the module it stands in, an arrow the thing
that is handed on, whose own docstring says which interface of the paper it is. What is renamed is renamed here.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from artgan_lib.data import artbench, dataset, preprocessing
from artgan_lib.data.sources.base import Source
from artgan_lib.data.synthetic import synthetic_paintings
from artgan_lib.errors import ArtganError
from artgan_lib.gan import checkpoints, training
from artgan_lib.gan.sampling import sample
from artgan_lib.images import encode, image_grid
from artgan_lib.interface import panel
from artgan_lib.interface.demo import SEED, SHIPPED_GENERATOR
from artgan_lib.interface.figures import BLUE, GREEN, GREY, ORANGE, save_figure
from artgan_lib.randomness import latents
from artgan_lib.studio import sampling, settings, store, upscaling
from artgan_lib.studio.interfaces import STAGES, EnlargedImage, GeneratedData, OutputImage

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Component(NamedTuple):
    """A box of Fig. 2."""

    name: str
    made_by: Any  # the class or function that does it
    column: int  # 0: training, 1: generation, 2: the user's
    row: int


class Interface(NamedTuple):
    """An arrow of Fig. 2."""

    start: str
    end: str
    carries: Any  # whose docstring names the interface

    @property
    def code(self) -> str:
        """The paper's name, such as IGDT, read from the docstring of what is handed over.

        Raises:
            ArtganError: If the docstring names none.
        """
        found = re.search(r"\binterface (I[A-Z]{2,3})\b", self.carries.__doc__ or "")
        if not found:
            raise ArtganError(f"the docstring of {self.carries.__qualname__} names no interface of Fig. 2")
        return found[1]


_DATA, _PROCESSING, _TRAINING, _USER = "training-data store", "image processing", "model training", "user interface"
_GENERATION, _ENHANCEMENT, _CONVERSION, _RESULTS = STAGES

COMPONENTS = (
    Component(_DATA, artbench.fetch_artbench, 0, 2),
    Component(_PROCESSING, preprocessing.prepare, 0, 1),
    Component(_TRAINING, training.train, 0, 0),
    Component(_GENERATION, sampling.paint_batches, 1, 0),
    Component(_ENHANCEMENT, upscaling.Upscaler, 1, 1),
    Component(_CONVERSION, encode, 1, 2),
    Component(_RESULTS, store.ResultsStore, 1, 3),
    Component(_USER, panel.Panel, 2, 1),
)
INTERFACES = (
    Interface(_DATA, _PROCESSING, Source),
    Interface(_PROCESSING, _TRAINING, dataset.ImageDataset),
    Interface(_TRAINING, _GENERATION, checkpoints.export_generator),
    Interface(_GENERATION, _ENHANCEMENT, GeneratedData),
    Interface(_ENHANCEMENT, _CONVERSION, EnlargedImage),
    Interface(_CONVERSION, _RESULTS, OutputImage),
    Interface(_USER, _GENERATION, settings.GenerationSettings),
    Interface(_USER, _ENHANCEMENT, settings.EnhancingSettings),
    Interface(_USER, _CONVERSION, settings.ConvertingSettings),
)

_COLOURS = (ORANGE, BLUE, GREEN)
_BOX, _STEP = (2.7, 0.95), (4.9, 1.75)  # size of a box, and from one to the next
_MONO: dict[str, Any] = {"family": "monospace", "color": "#404040"}


def plot_components(ax: "Axes") -> "Axes":
    """Draw Fig. 2: each component with the code that is it, each interface with what it carries."""
    places = {}
    for part in COMPONENTS:
        x, y = part.column * _STEP[0], -part.row * _STEP[1]
        height = _BOX[1] + (2 * _STEP[1] if part.name == _USER else 0)  # it stands beside three others
        places[part.name] = (x, y)
        module = part.made_by.__module__.removeprefix("artgan_lib.")
        _box(ax, x, y, _BOX[0], height, _COLOURS[part.column])
        ax.text(x, y + 0.17, part.name, ha="center", va="center", fontsize=12.5, weight="bold")
        ax.text(x, y - 0.2, f"{module}\n{part.made_by.__qualname__}", ha="center", va="center", fontsize=9, **_MONO)
    for link in INTERFACES:
        (x0, y0), (x1, y1) = places[link.start], places[link.end]
        if x0 == x1:
            way = 1 if y1 > y0 else -1
            _arrow(ax, (x0, y0 + way * _BOX[1] / 2), (x1, y1 - way * _BOX[1] / 2))
            _label(ax, link, x0 + 0.15, (y0 + y1) / 2, "left", 0)
        else:
            way = 1 if x1 > x0 else -1
            _arrow(ax, (x0 + way * _BOX[0] / 2, y1), (x1 - way * _BOX[0] / 2, y1))
            _label(ax, link, (x0 + x1) / 2, y1, "center", 0.19)
    ax.set(xlim=(-1.6, 2 * _STEP[0] + 1.6), ylim=(-3 * _STEP[1] - 0.7, 0.7), aspect="equal")
    ax.set_axis_off()
    return ax


def plot_gan(ax: "Axes", real: np.ndarray, fake: np.ndarray, noise: np.ndarray) -> "Axes":
    """Draw Fig. 1: two networks, what each sees, and how each is told of its mistakes.

    Args:
        ax: Where to draw.
        real: Pictures of the training set, uint8 (4, H, W, 3).
        fake: Pictures of a generator, of the same shape.
        noise: The vector of one of them, shape (dim,).
    """
    _inset(ax, noise[: len(noise) // 8 * 8].reshape(-1, 8), 0, 0, 0.8, cmap="gray")
    _inset(ax, image_grid(fake, 2), 5.4, 0, 1.8)
    _inset(ax, image_grid(real, 2), 5.4, 2.6, 1.8)
    judged = 0.9  # the height of the judge, between the two sets of pictures
    for x, y, colour, name, below in (
        (2.7, 0.0, BLUE, "generator", "paints"),
        (8.4, judged, ORANGE, "judge", "discriminator or critic"),
    ):
        _box(ax, x, y, 2.1, 1.1, colour)
        ax.text(x, y + 0.2, name, ha="center", va="center", fontsize=13, weight="bold")
        ax.text(x, y - 0.2, below, ha="center", va="center", fontsize=10)
    for start, end in (((0.5, 0), (1.6, 0)), ((3.8, 0), (4.4, 0)), ((6.4, 0.2), (7.3, 0.7)), ((6.4, 2.3), (7.3, 1.2))):
        _arrow(ax, start, end)
    _arrow(ax, (9.5, judged), (10.2, judged))
    ax.text(10.3, judged, "real\nor\ngenerated?", va="center", fontsize=12)
    for x, y, text in (
        (0, -1.15, "random\nnumbers"),
        (5.4, -1.15, "generated pictures"),
        (5.4, 3.7, "pictures of the training set"),
    ):
        ax.text(x, y, text, ha="center", va="center", fontsize=11)
    _way_back(ax, [(10.8, 0.25), (10.8, -1.75), (2.7, -1.75), (2.7, -0.62)], BLUE)
    ax.text(6.75, -2.05, "loss of the generator: was the judge taken in?", ha="center", color=BLUE, fontsize=11)
    _way_back(ax, [(10.8, 1.55), (10.8, 2.4), (8.4, 2.4), (8.4, 1.52)], ORANGE)
    ax.text(9.6, 2.6, "loss of the judge: was it wrong?", ha="center", color="#8A5F00", fontsize=11)
    ax.set(xlim=(-0.9, 11.9), ylim=(-2.3, 4), aspect="equal")
    ax.set_axis_off()
    return ax


def show_way(axes: Sequence["Axes"], stations: Sequence[tuple[str, np.ndarray]]) -> Sequence["Axes"]:
    """Show the stations of one picture's way through the system side by side, an arrow from each to the next.

    Args:
        axes: One for each station.
        stations: What is shown, a title and an image: uint8 (H, W, 3), or (H, W) of any numbers.
    """
    for number, (ax, (title, pixels)) in enumerate(zip(axes, stations, strict=True)):
        ax.imshow(pixels, cmap="gray", interpolation="nearest")
        ax.set_title(title)
        ax.set_axis_off()
        if number:
            ax.text(-0.06, 0.5, "→", transform=ax.transAxes, ha="right", va="center", fontsize=20, color=GREY)
    return axes


def draw_system(root: Path, folder: Path) -> Iterator[Path]:
    """Draw Figs 1 and 2 of the paper; the training pictures of Fig. 1 are synthetic, as no painting is committed."""
    from artgan_lib.gan.checkpoints import load_generator

    generator, _ = load_generator(root / SHIPPED_GENERATOR)
    real, _ = synthetic_paintings(40)
    figure = Figure(figsize=(11, 5.4), layout="constrained")
    plot_gan(figure.subplots(), real[:4], sample(generator, SEED, 4), latents(SEED, [0], 128)[0])
    yield save_figure(figure, folder / "fig01_gan_scheme.png")
    figure = Figure(figsize=(11, 6.2), layout="constrained")
    plot_components(figure.subplots())
    yield save_figure(figure, folder / "fig02_components.png")


def _box(ax: "Axes", x: float, y: float, width: float, height: float, colour: str) -> None:
    corner, style = (x - width / 2, y - height / 2), "round,pad=0,rounding_size=0.12"
    ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle=style, facecolor=colour + "26", edgecolor=colour))


def _arrow(ax: "Axes", start: tuple[float, float], end: tuple[float, float], colour: str = "#404040") -> None:
    style = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.4}
    ax.annotate("", end, start, arrowprops=style)


def _way_back(ax: "Axes", corners: Sequence[tuple[float, float]], colour: str) -> None:
    ax.plot(*zip(*corners[:-1], strict=True), color=colour, linestyle="--", linewidth=1.4)
    _arrow(ax, corners[-2], corners[-1], colour)


def _label(ax: "Axes", link: Interface, x: float, y: float, side: str, apart: float) -> None:
    carried = link.carries.__qualname__
    if apart:
        ax.text(x, y + apart, link.code, ha="center", va="center", fontsize=11, weight="bold")
        ax.text(x, y - apart, carried, ha="center", va="center", fontsize=9, **_MONO)
    else:
        ax.text(x, y, link.code, ha=side, va="center", fontsize=11, weight="bold")
        ax.text(x + 0.75, y, carried, ha=side, va="center", fontsize=9, **_MONO)


def _inset(ax: "Axes", pixels: np.ndarray, x: float, y: float, width: float, **how: Any) -> None:
    height = width * pixels.shape[0] / pixels.shape[1]
    place = (x - width / 2, x + width / 2, y - height / 2, y + height / 2)
    ax.imshow(pixels, extent=place, interpolation="nearest", **how)
    ax.add_patch(Rectangle(place[::2], width, height, fill=False, edgecolor=GREY, linewidth=0.8))
