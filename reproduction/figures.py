"""Redraws the committed figures, the model cards and README's tables from `data/results` and `data/pretrained`.

python -m reproduction.figures
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from artgan_lib.config import IMAGE_SIZE
from artgan_lib.data.synthetic import SYNTHETIC_CLASSES, synthetic_paintings
from artgan_lib.evaluation.records import LOG, shipped_runs
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.gan.sampling import sample
from artgan_lib.images import encode, image_grid, read_metadata
from artgan_lib.interface import figures as drawing
from artgan_lib.interface.demo import DEFAULT_GENERATOR, SEED, SHIPPED_GENERATOR
from artgan_lib.interface.figures_collapse import collapse_figures
from artgan_lib.interface.figures_comparison import draw_ablation, draw_reference_curves
from artgan_lib.interface.figures_scores import compare_scores
from artgan_lib.interface.figures_search import draw_search
from artgan_lib.interface.figures_survey import draw_committed_survey
from artgan_lib.interface.figures_system import draw_system
from artgan_lib.presets import VARIANTS
from artgan_lib.runlog import read_log, write_atomic
from artgan_lib.studio.upscaling import BICUBIC, load_upscaler
from benchmarks.report import draw_benches
from reproduction.model_cards import write_model_cards
from reproduction.release import CURVE, RECORDS
from reproduction.results_tables import scored_generators, write_results

SCREENSHOTS = ("generation_panel.png",)
"""Figures that a browser takes, by `make screenshot`."""

COMPARED = 4  # pictures in the comparison of enlargers
SHOWN = 15  # the picture shown at three sizes, chosen for its contrasts
COLOURS = {"dcgan": drawing.ORANGE, "dcgan-wi": drawing.GREEN, "wgan-gp": drawing.BLUE}

# Of the wheel, whatever other copies are on this machine.
PAINTINGS, DRAWINGS, SMALL = "RealESRGAN_x4plus-fp16", "RealESRGAN_x4plus_anime_6B-fp16", "realesr-animevideov3-fp16"


def redraw_figures(root: Path, folder: Path | None = None) -> Iterator[Path]:
    """Redraw every figure, one after the other.

    Args:
        root: The project's folder, in which the data lie.
        folder: Where the figures go; the default is `root/figures`, and then model cards and the READMEs' tables are
            written as well.

    Raises:
        ArtganError: If a log or generator is missing.
    """
    for draw in DRAWN:
        yield from draw(root, folder or root / "figures")
    if folder is None:
        yield from write_model_cards(root)
        yield write_results(root)


def _paper_figures(root: Path, folder: Path) -> Iterator[Path]:
    """Draw Figs 3 and 4 of the paper from our own run."""
    log, (_, header) = read_log(root / LOG), load_generator(root / SHIPPED_GENERATOR)
    width, pictures = header["config"]["width"], header["origin"]["pictures"]
    title = f"WGAN-GP of base width {width} on {pictures:,} real paintings"
    for name, draw in (("fig03_wgan_gp_losses", drawing.plot_losses), ("fig04_wgan_gp_scores", drawing.plot_scores)):
        figure = Figure(figsize=(10, 5), layout="constrained")
        draw(log, figure.subplots()).set_title(title)
        yield drawing.save_figure(figure, folder / f"{name}.png")


def _pictures(root: Path, folder: Path) -> Iterator[Path]:
    """Paint with the released WGAN-GP, and enlarge: a grid, pictures of 256 pixels, and one at three sizes."""
    generator, upscaler = (
        load_generator(root / SHIPPED_GENERATOR)[0],
        load_upscaler(f"{PAINTINGS}+{SMALL}", download=False),
    )
    yield write_atomic(folder / "wgan_gp_samples.png", encode(image_grid(sample(generator, SEED, 60), 12), "png"))
    pictures = sample(generator, SEED, 16)
    halves = [np.asarray(Image.fromarray(upscaler.to_size(picture, 256)).reduce(2)) for picture in pictures]
    yield write_atomic(folder / "wgan_gp_gallery.png", encode(image_grid(np.stack(halves), 8), "png"))
    figure = Figure(figsize=(12, 4.4), layout="constrained")
    for ax, size in zip(figure.subplots(1, 3), (64, 256, 1024), strict=True):
        shown = Image.Resampling.NEAREST if size == 64 else Image.Resampling.LANCZOS
        ax.imshow(Image.fromarray(upscaler.to_size(pictures[SHOWN], size)).resize((512, 512), shown))
        ax.set_title(f"{size} × {size}")
        ax.set_axis_off()
    yield drawing.save_figure(figure, folder / "three_sizes.png")


def _styles(root: Path, folder: Path) -> Iterator[Path]:
    """Sample the default generator, a row a style; a column shares its latent vector."""
    generator, _ = load_generator(root / DEFAULT_GENERATOR)
    rows = [sample(generator, 0, 16, styles={style: 1.0}) for style in generator.classes]
    yield write_atomic(folder / "projected_samples.png", encode(image_grid(np.concatenate(rows), 16), "png"))


def _three_variants(root: Path, folder: Path) -> Iterator[Path]:
    """Draw the curves and pictures of the three variants that saw equally many paintings."""
    curves, samples = Figure(figsize=(12, 6), layout="constrained"), Figure(figsize=(12, 5.2), layout="constrained")
    for run, (upper, lower), ax in zip(
        shipped_runs(root), curves.subplots(2, 3).T, samples.subplots(1, 3), strict=True
    ):
        generator, _ = load_generator(root / SHIPPED_GENERATOR.with_stem(run.name))
        drawing.plot_losses(run.log, upper, mean=True).set_title(run.name)
        drawing.plot_scores(run.log, lower, mean=True)
        drawing.show_pictures(sample(generator, SEED, 48), ax, columns=6, title=run.name)
    yield drawing.save_figure(curves, folder / "three_variants_curves.png")
    yield drawing.save_figure(samples, folder / "three_variants_samples.png")


def _scores(root: Path, folder: Path) -> Iterator[Path]:
    """Draw the scores of every generator that was scored, beside their floors."""
    found = scored_generators(root)
    if found:
        yield drawing.save_figure(compare_scores(found), folder / "scores.png")


def _campaign(root: Path, folder: Path) -> Iterator[Path]:
    """Draw scores against images seen, and what fixed noise became on the way."""
    paths = {variant: root / RECORDS / f"{variant}.{CURVE}" for variant in VARIANTS}
    curves = {variant: json.loads(path.read_text(encoding="utf-8")) for variant, path in paths.items()}
    card = curves[VARIANTS[0]]["card"]
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    for key, ax in zip((card["name"], card["kernel_name"]), figure.subplots(1, 2), strict=True):
        plot_curves(curves, ax, key)
    yield drawing.save_figure(figure, folder / "campaign_scores.png")
    figure = Figure(figsize=(12, 5.4), layout="constrained")
    for variant, ax in zip(VARIANTS, figure.subplots(1, len(VARIANTS)), strict=True):
        path = root / RECORDS / f"{variant}.progress.png"
        seen = read_metadata(path)["images_seen"]
        with Image.open(path) as picture:
            rows = np.asarray(picture).reshape(len(seen), IMAGE_SIZE, -1, IMAGE_SIZE, 3).swapaxes(1, 2)
        show_progress(rows, seen, ax, variant)
    yield drawing.save_figure(figure, folder / "training_progress.png")


def plot_curves(curves: Mapping[str, Mapping[str, Any]], ax: Axes, key: str) -> Axes:
    """Draw a score of each variant against the images seen: a full line for the average, dots for the newest weights.

    Args:
        curves: By variant, as `reproduction.release.score_run` returns them.
        ax: Where to draw.
        key: Of the score in the points, `kid_768` say.
    """
    for variant, curve in curves.items():
        for kind, line, label in (("average", "-", "average"), ("newest", ":", "as trained")):
            points = [point for point in curve["points"] if point["kind"] == kind and point.get(key) is not None]
            if points:
                seen, values = [point["images_seen"] / 1000 for point in points], [point[key] for point in points]
                style: dict[str, Any] = {
                    "marker": "o",
                    "markersize": 4,
                    "color": COLOURS[variant],
                    "label": f"{variant}, {label}",
                }
                ax.plot(seen, values, line, **style)
    ax.set(xlabel=drawing.IMAGES_SEEN, ylabel=f"{key} (lower is better)", xlim=(0, None), ylim=(0, None))
    ax.legend(edgecolor="none", framealpha=0.8, fontsize=8)
    return drawing.quiet(ax)


def show_progress(strips: np.ndarray, seen: Sequence[int], ax: Axes, title: str) -> Axes:
    """Draw the same numbers, painted again and again while a network learned.

    Args:
        strips: uint8 (T, N, H, W, 3): N pictures at T moments, the first above.
        seen: Images seen at each moment.
        ax: Where to draw.
        title: Above.
    """
    moments, columns, height = strips.shape[:3]
    ax.imshow(image_grid(strips.reshape(-1, *strips.shape[2:]), columns), interpolation="nearest")
    ax.set_yticks([2 + (height + 2) * row + height / 2 for row in range(moments)], [f"{n / 1000:,.0f}" for n in seen])
    ax.set_xticks([])
    ax.set(title=title, ylabel=drawing.IMAGES_SEEN)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def _enlargers(root: Path, folder: Path) -> Iterator[Path]:
    """Show generated samples upscaled by interpolation and by the networks that come with the installation."""
    pictures = sample(load_generator(root / SHIPPED_GENERATOR)[0], SEED, COMPARED)
    figure = Figure(figsize=(15, 12.6), layout="constrained")
    names = (BICUBIC, SMALL, DRAWINGS, PAINTINGS)
    columns = {"64 × 64": None} | {name: load_upscaler(name, download=False) for name in names}
    axes = figure.subplots(COMPARED, len(columns))
    for row, picture in zip(axes, pictures, strict=True):
        for ax, (name, upscaler) in zip(row, columns.items(), strict=True):
            ax.imshow(upscaler.enlarge(picture) if upscaler else picture, interpolation="nearest")
            ax.set_axis_off()
            ax.set_title(name.removesuffix("-fp16"))
    yield drawing.save_figure(figure, folder / "enlargers.png")


def _looks(root: Path, folder: Path) -> Iterator[Path]:
    """Draw the ten looks of the synthetic paintings."""
    images, labels = synthetic_paintings(8 * len(SYNTHETIC_CLASSES))
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    for look, ax in enumerate(figure.subplots(2, 5).flat):
        drawing.show_pictures(images[labels == look][:4], ax, title=SYNTHETIC_CLASSES[look])
    yield drawing.save_figure(figure, folder / "synthetic_looks.png")


DRAWN: tuple[Callable[[Path, Path], Iterator[Path]], ...] = (
    *(draw_system, _paper_figures, _pictures, _styles, _three_variants, _scores, _looks, draw_committed_survey),
    *(_campaign, _enlargers, draw_reference_curves, draw_ablation, collapse_figures, draw_search, draw_benches),
)
"""Each takes the project's folder and that of the figures, and yields what it has drawn."""


def main() -> None:
    """Redraw, and print what was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", metavar="DIR", type=Path, help="draw there instead, and leave cards and tables alone")
    for path in redraw_figures(Path(__file__).parents[1], parser.parse_args().out):
        print(path)


if __name__ == "__main__":
    main()
