"""Redraws the committed figures from `data/results` and `data/pretrained`: the table below is all there is to know.

A figure that needs Real-ESRGAN's weights is left as it is where they are not on the machine.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from artgan_lib.data.synthetic import LOOKS, synthetic_paintings
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.images import encode, image_grid
from artgan_lib.interface.demo import SEED, SHIPPED_GENERATOR
from artgan_lib.interface.figures import plot_losses, plot_scores, show_pictures
from artgan_lib.runlog import read_log, write_atomic
from artgan_lib.studio.sampling import sample
from artgan_lib.studio.upscaling import DEFAULT, available, load_upscaler

LOG = Path("data/results/wgan-gp_paintings64.log.jsonl")


def redraw_figures(root: Path) -> Iterator[Path]:
    """Redraw every figure below `root/figures`, one after the other.

    Raises:
        ArtganError: If a log or generator is missing.
    """
    folder = root / "figures"
    log = read_log(root / LOG)
    title = "WGAN-GP, a quarter of the paper's width, on 15,375 real paintings"
    for name, draw in (("fig03_wgan_gp_losses", plot_losses), ("fig04_wgan_gp_scores", plot_scores)):
        figure = Figure(figsize=(10, 5), layout="constrained")
        draw(log, figure.subplots()).set_title(title)
        yield save_figure(figure, folder / f"{name}.png")

    generator, _ = load_generator(root / SHIPPED_GENERATOR)
    yield write_atomic(folder / "wgan_gp_samples.png", encode(image_grid(sample(generator, SEED, 60), 12), "png"))
    if available(DEFAULT):
        yield _three_sizes(folder, sample(generator, SEED, 16))

    images, labels = synthetic_paintings(8 * len(LOOKS))
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    for look, ax in enumerate(figure.subplots(2, 5).flat):
        show_pictures(images[labels == look][:4], ax, title=LOOKS[look])
    yield save_figure(figure, folder / "synthetic_looks.png")


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all, without the time and version that would make each file new."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return write_atomic(path, buffer.getvalue())


def _three_sizes(folder: Path, pictures: np.ndarray) -> Path:
    """Show one picture at 64, 256 and 1024 pixels as large on the page as the screen allows, centre cut out."""
    upscaler = load_upscaler(download=False)
    figure = Figure(figsize=(12, 4.4), layout="constrained")
    for ax, size in zip(figure.subplots(1, 3), (64, 256, 1024), strict=True):
        picture = upscaler.to_size(pictures[0], size)
        ax.imshow(
            Image.fromarray(picture).resize(
                (512, 512), Image.Resampling.NEAREST if size == 64 else Image.Resampling.LANCZOS
            )
        )
        ax.set_title(f"{size} × {size}")
        ax.set_axis_off()
    return save_figure(figure, folder / "three_sizes.png")
