"""Redraws the committed figures, and README's table, from `data/results` and `data/pretrained`.

A figure that needs Real-ESRGAN's weights is left as it is where they are not on the machine.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from artgan_lib.config import TrainConfig
from artgan_lib.data.synthetic import LOOKS, synthetic_paintings
from artgan_lib.errors import ArtganError
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.images import encode, image_grid
from artgan_lib.interface.demo import SEED, SHIPPED_GENERATOR
from artgan_lib.interface.figures import plot_losses, plot_scores, save_figure, show_pictures
from artgan_lib.presets import VARIANTS, preset
from artgan_lib.runlog import read_log, write_atomic
from artgan_lib.studio.sampling import sample
from artgan_lib.studio.upscaling import DEFAULT, Upscaler, available, load_upscaler

BEGIN = "<!-- results: written by `artgan figures` from data/results and data/pretrained -->"
END = "<!-- end of results -->"
_PAPER = {"fid": "128.259", "cost": "about 530 min"}  # the paper's Table 3
LOGS, GENERATORS = Path("data/results"), Path("data/pretrained")
COMPARED = (
    "The three variants on the same 15,375 paintings: width 16, batch 32, rate 4e-4, seed 0; means over the last epoch "
    "of 800 images. Minutes are of one thread of a machine that did other work as well."
)
SHOWN = 15  # the picture shown at three sizes, chosen for its contrasts
LOG = LOGS / "wgan-gp_paintings64.log.jsonl"


def redraw_figures(root: Path) -> Iterator[Path]:
    """Redraw every figure below `root/figures`, one after the other.

    Raises:
        ArtganError: If a log or generator is missing.
    """
    folder = root / "figures"
    log = read_log(root / LOG)
    generator, header = load_generator(root / SHIPPED_GENERATOR)
    width, pictures = header["config"]["width"], header["origin"]["pictures"]
    title = f"WGAN-GP of base width {width} on {pictures:,} real paintings"
    for name, draw in (("fig03_wgan_gp_losses", plot_losses), ("fig04_wgan_gp_scores", plot_scores)):
        figure = Figure(figsize=(10, 5), layout="constrained")
        draw(log, figure.subplots()).set_title(title)
        yield save_figure(figure, folder / f"{name}.png")

    yield write_atomic(folder / "wgan_gp_samples.png", encode(image_grid(sample(generator, SEED, 60), 12), "png"))
    if available(DEFAULT):
        pictures, upscaler = sample(generator, SEED, 16), load_upscaler(download=False)
        yield _gallery(folder, pictures, upscaler)
        yield _three_sizes(folder, pictures[SHOWN], upscaler)

    yield from _three_variants(root, folder)

    images, labels = synthetic_paintings(8 * len(LOOKS))
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    for look, ax in enumerate(figure.subplots(2, 5).flat):
        show_pictures(images[labels == look][:4], ax, title=LOOKS[look])
    yield save_figure(figure, folder / "synthetic_looks.png")
    yield write_results(root)


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


def _compared_table(root: Path) -> str:
    """Make README's table of the three variants from their logs."""
    rows = ""
    for variant in VARIANTS:
        log = read_log(root / LOGS / f"{variant}_paintings64.log.jsonl")
        config = load_generator(root / GENERATORS / f"{variant}.safetensors")[1]["config"]
        last = log.iloc[-1]
        gap = f"{last.score_real_mean - last.score_fake_mean:.2f}"
        rows += (
            f"| {variant} | {last.images_seen:,.0f} | {last.step:,.0f} | {last.step * config['judge_updates']:,.0f} "
            f"| {last.loss_g_mean:.2f} | {last.loss_d_mean:.2f} | {gap} | {last.seconds / 60:.0f} |\n"
        )
    head = "| variant | images seen | generator updates | judge updates | loss_g | loss_d | score gap | minutes |"
    return f"{head}\n| --- | --- | --- | --- | --- | --- | --- | --- |\n{rows}"


def results_tables(root: Path) -> str:
    """Make README's tables of results."""
    return f"{_paper_table(root)}\n{COMPARED}\n\n{_compared_table(root)}\n{_studio_table(root)}"


def _studio_table(root: Path) -> str:
    """Make README's table of what a full run costs, from what `benchmarks/studio.py` wrote."""
    found = json.loads((root / "data/results/studio.json").read_text(encoding="utf-8"))
    count, size = found["count"], found["size"]
    told = f"{count} pictures at {size} × {size} on {found['cores']} processor cores, seconds a stage:"
    stages = list(next(iter(found["upscalers"].values()))["stage_seconds"])
    head = ["enlarged by", *stages, "all", "memory, MB", "folder, MB"]
    rows = [head, ["---"] * len(head)]
    for name, run in found["upscalers"].items():
        seconds = [f"{value:.1f}" for value in run["stage_seconds"].values()]
        rows.append([name, *seconds, f"{run['seconds']:.0f}", f"{run['peak_memory_mb']:,}", f"{run['folder_mb']:.0f}"])
    return f"{told}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _paper_table(root: Path) -> str:
    """Make the table of the paper's numbers beside ours from the committed log and the shipped generator."""
    log, header = read_log(root / LOG), load_generator(root / SHIPPED_GENERATOR)[1]
    here, paper = TrainConfig.from_dict(header["config"]), preset("wgan-gp")
    n = f"{header['origin']['pictures']:,}"
    rows = [
        ("FID, the paper's protocol", _PAPER["fid"], "not measured yet", "–", "–"),
        ("images seen: updates × batch", f"{_images(paper):,}", f"{_images(here):,}", n, here.seed),
        ("generator updates", f"{paper.total_steps:,}", f"{here.total_steps:,}", n, here.seed),
        ("base width, batch, rate", _size(paper), _size(here), n, here.seed),
        (
            "critic's distance, first and last epoch",
            "–",
            f"{log['wasserstein_mean'].iloc[0]:.1f} → {log['wasserstein_mean'].iloc[-1]:.1f}",
            n,
            here.seed,
        ),
        ("cost", _PAPER["cost"], f"{log['seconds'].iloc[-1] / 60:.0f} min on one CPU core, shared", n, here.seed),
    ]
    head = "| WGAN-GP | paper | here | n | seed | notebook |\n| --- | --- | --- | --- | --- | --- |\n"
    link = "[05](notebooks/05_wgan_gp.ipynb)"
    return head + "".join(f"| {' | '.join(map(str, row))} | {link} |\n" for row in rows)


def _images(config: TrainConfig) -> int:
    return config.total_steps * config.batch_size


def _size(config: TrainConfig) -> str:
    return f"{config.width}, {config.batch_size}, {config.lr:g}"


def write_results(root: Path) -> Path:
    """Put the table between README's two marks.

    Raises:
        ArtganError: If a mark is missing.
    """
    path = root / "README.md"
    before, found, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ArtganError(f"{path} has lost the marks between which the results stand: {BEGIN} and {END}")
    return write_atomic(path, f"{before}{BEGIN}\n{results_tables(root)}{END}{after}")


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
