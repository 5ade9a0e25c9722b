"""Redraws the committed figures, and README's tables, from `data/results` and `data/pretrained`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from artgan_lib.config import IMAGE_SIZE
from artgan_lib.data.synthetic import SYNTHETIC_CLASSES, synthetic_paintings
from artgan_lib.experiments.shipping import CURVE, RECORDS
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.gan.sampling import sample
from artgan_lib.images import encode, image_grid, read_metadata
from artgan_lib.interface.demo import DEFAULT_GENERATOR, SEED, SHIPPED_GENERATOR
from artgan_lib.interface.figures import plot_losses, plot_scores, save_figure, show_pictures
from artgan_lib.interface.figures_bench import plot_ratios
from artgan_lib.interface.figures_campaign import plot_curves, show_progress
from artgan_lib.interface.figures_collapse import collapse_figures
from artgan_lib.interface.figures_comparison import draw_ablation, draw_reference_curves
from artgan_lib.interface.figures_scores import compare_scores
from artgan_lib.interface.figures_search import draw_search
from artgan_lib.interface.figures_survey import draw_committed_survey
from artgan_lib.interface.figures_system import draw_system
from artgan_lib.interface.model_cards import write_model_cards
from artgan_lib.interface.results_tables import (
    GENERATORS,
    LOG,
    LOGS,
    read_benches,
    scored_generators,
    write_results,
)
from artgan_lib.presets import VARIANTS
from artgan_lib.runlog import read_log, write_atomic
from artgan_lib.studio.upscaling import BICUBIC, Upscaler, load_upscaler

SCREENSHOTS = ("generation_panel.png",)
"""Figures that a browser takes, by `make screenshot`."""

COMPARED = 4  # pictures in the comparison of enlargers
SHOWN = 15  # the picture shown at three sizes, chosen for its contrasts

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
    for name, draw in (("fig03_wgan_gp_losses", plot_losses), ("fig04_wgan_gp_scores", plot_scores)):
        figure = Figure(figsize=(10, 5), layout="constrained")
        draw(log, figure.subplots()).set_title(title)
        yield save_figure(figure, folder / f"{name}.png")


def _pictures(root: Path, folder: Path) -> Iterator[Path]:
    """Paint with the shipped generator, and enlarge."""
    generator, _ = load_generator(root / SHIPPED_GENERATOR)
    yield write_atomic(folder / "wgan_gp_samples.png", encode(image_grid(sample(generator, SEED, 60), 12), "png"))
    pictures, upscaler = sample(generator, SEED, 16), load_upscaler(f"{PAINTINGS}+{SMALL}", download=False)
    yield _gallery(folder, pictures, upscaler)
    yield _three_sizes(folder, pictures[SHOWN], upscaler)


def _styles(root: Path, folder: Path) -> Iterator[Path]:
    """Sample the default generator, a row a style; a column shares its latent vector."""
    generator, _ = load_generator(root / DEFAULT_GENERATOR)
    rows = [sample(generator, 0, 16, styles={style: 1.0}) for style in generator.classes]
    yield write_atomic(folder / "projected_samples.png", encode(image_grid(np.concatenate(rows), 16), "png"))


def _three_variants(root: Path, folder: Path) -> Iterator[Path]:
    """Draw the curves and pictures of the three variants that saw equally many paintings."""
    curves, samples = Figure(figsize=(12, 6), layout="constrained"), Figure(figsize=(12, 5.2), layout="constrained")
    above, below = curves.subplots(2, 3)
    for variant, upper, lower, ax in zip(VARIANTS, above, below, samples.subplots(1, 3), strict=True):
        log = read_log(root / LOGS / f"{variant}_paintings64.log.jsonl")
        generator, _ = load_generator(root / GENERATORS / f"{variant}.safetensors")
        plot_losses(log, upper, mean=True).set_title(variant)
        plot_scores(log, lower, mean=True)
        show_pictures(sample(generator, SEED, 48), ax, columns=6, title=variant)
    yield save_figure(curves, folder / "three_variants_curves.png")
    yield save_figure(samples, folder / "three_variants_samples.png")


def _scores(root: Path, folder: Path) -> Iterator[Path]:
    """Draw the scores of every generator that was scored, beside their floors."""
    found = scored_generators(root)
    if found:
        yield save_figure(compare_scores(found), folder / "scores.png")


def _benches(root: Path, folder: Path) -> Iterator[Path]:
    """Draw how fast it is beside what others use, one picture for each machine."""
    for name, told in read_benches(root).items():
        figure = Figure(figsize=(11, 1.2 + 0.5 * len(told["rows"])), layout="constrained")
        plot_ratios(told, figure.subplots()).set_title(f"How fast, on {told['device']} (bench-{name}.json)")
        yield save_figure(figure, folder / f"bench_{name}.png")


def _campaign(root: Path, folder: Path) -> Iterator[Path]:
    """Draw scores against images seen, and what fixed noise became on the way, of the variants that have them."""
    curves = {variant: root / RECORDS / f"{variant}.{CURVE}" for variant in VARIANTS}
    known = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in curves.items() if path.is_file()}
    points = [point for curve in known.values() for point in curve["points"]]
    names = [curve["card"][name] for curve in known.values() for name in ("name", "kernel_name")]
    keys = [key for key in dict.fromkeys(names) if any(key in point for point in points)]
    if keys:
        figure = Figure(figsize=(6 * len(keys), 4.5), layout="constrained")
        for key, ax in zip(keys, figure.subplots(1, len(keys), squeeze=False)[0], strict=True):
            plot_curves(known, ax, key)
        yield save_figure(figure, folder / "campaign_scores.png")
    strips = {variant: root / RECORDS / f"{variant}.progress.png" for variant in VARIANTS}
    strips = {variant: path for variant, path in strips.items() if path.is_file()}
    if strips:
        figure = Figure(figsize=(12, 5.4), layout="constrained")
        for (variant, path), ax in zip(strips.items(), np.atleast_1d(figure.subplots(1, len(strips))), strict=True):
            seen = read_metadata(path)["images_seen"]
            with Image.open(path) as picture:
                rows = np.asarray(picture).reshape(len(seen), IMAGE_SIZE, -1, IMAGE_SIZE, 3).swapaxes(1, 2)
            show_progress(rows, seen, ax, variant)
        yield save_figure(figure, folder / "training_progress.png")


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
    yield save_figure(figure, folder / "enlargers.png")


def _looks(root: Path, folder: Path) -> Iterator[Path]:
    """Draw the ten looks of the synthetic paintings."""
    images, labels = synthetic_paintings(8 * len(SYNTHETIC_CLASSES))
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    for look, ax in enumerate(figure.subplots(2, 5).flat):
        show_pictures(images[labels == look][:4], ax, title=SYNTHETIC_CLASSES[look])
    yield save_figure(figure, folder / "synthetic_looks.png")


def _gallery(folder: Path, pictures: np.ndarray, upscaler: Upscaler) -> Path:
    """Show pictures enlarged to 256 pixels, half as large on the page."""
    enlarged = [np.asarray(Image.fromarray(upscaler.to_size(picture, 256)).reduce(2)) for picture in pictures]
    return write_atomic(folder / "wgan_gp_gallery.png", encode(image_grid(np.stack(enlarged), 8), "png"))


def _three_sizes(folder: Path, picture: np.ndarray, upscaler: Upscaler) -> Path:
    """Show one picture at 64, 256 and 1024 pixels, equally large on the page."""
    figure = Figure(figsize=(12, 4.4), layout="constrained")
    for ax, size in zip(figure.subplots(1, 3), (64, 256, 1024), strict=True):
        shown = Image.Resampling.NEAREST if size == 64 else Image.Resampling.LANCZOS
        ax.imshow(Image.fromarray(upscaler.to_size(picture, size)).resize((512, 512), shown))
        ax.set_title(f"{size} × {size}")
        ax.set_axis_off()
    return save_figure(figure, folder / "three_sizes.png")


DRAWN: tuple[Callable[[Path, Path], Iterator[Path]], ...] = (
    draw_system,
    _paper_figures,
    _pictures,
    _styles,
    _three_variants,
    _scores,
    _looks,
    draw_committed_survey,
    _campaign,
    _enlargers,
    draw_reference_curves,
    draw_ablation,
    collapse_figures,
    draw_search,
    _benches,
)
"""Each takes the project's folder and that of the figures, and yields what it has drawn."""
