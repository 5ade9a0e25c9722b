"""Writes the cards of the released models: what each was trained on, for how long, what it scores, what it is good for.

Every number comes from the model's own header, its log or a file of scores in `data/results`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from artgan_lib.config import TrainConfig
from artgan_lib.evaluation.collapse.rule import collapse_events
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.gan.sampling import sample
from artgan_lib.images import encode, image_grid
from artgan_lib.presets import POINTS, VARIANTS, preset
from artgan_lib.runlog import read_log, write_atomic
from artgan_lib.shipped import Shipped, shipped_generators
from benchmarks.report import markdown
from reproduction.release import CURVE, RECORDS

SAMPLES, SEED, COLUMNS = 64, 0, 16
_LIMITS = {
    False: "So short a training gives the palette, light and layout of paintings, and nothing to be recognised. One "
    "seed was trained: another may come out better or worse. It knows no styles and takes no words.",
    True: "Horizons, trees, figures and heads are often to be recognised, their anatomy seldom holds. Its samples vary "
    "much less than the paintings (recall above), most of all within a style. One seed was trained, and the training "
    "goes on. It takes styles, and mixtures of them, but no words.",
}
_SOURCE = (
    "the `train` split of pictures from public WikiArt repositories, by artists who died by 1955; none is a file of "
    "ArtBench-10"
)
_PAINTINGS = f"paintings at 64 × 64 of nine styles (those of ArtBench-10 without surrealism): {_SOURCE}"
_SEVEN = (
    f"paintings at 64 × 64 of seven styles: {_SOURCE}; realism (48 paintings) and renaissance (153) were left out, "
    "since so few would be memorised"
)
_COLLECTIONS = {  # by what a run says of its pictures
    "9e5d759f72c4f56d": _SEVEN,
    "15071755324667fc": _PAINTINGS,
    "c1956924c5c45fea": _PAINTINGS,
}
_USE = """## Licence and use

The weights are part of this project, under its [MIT licence](../../LICENSE). The paintings that they were trained on
were collected for research, and none is part of the project. For teaching, study and play; not for passing its
pictures off as the work of a painter.
"""


def write_model_cards(root: Path) -> Iterator[Path]:
    """Write the card of every released model, and the sheet of samples that it shows."""
    folder = root / "data" / "pretrained"
    for shipped in shipped_generators(folder):
        sheet = image_grid(sample(load_generator(shipped.path)[0], SEED, SAMPLES), COLUMNS)
        yield write_atomic(folder / f"{shipped.name}.webp", encode(sheet, "webp", quality=90))
        yield write_atomic(folder / f"{shipped.name}.md", generator_card(root, shipped))


def generator_card(root: Path, shipped: Shipped) -> str:
    """Make the card of a generator."""
    config, origin, name = TrainConfig.from_dict(shipped.config), shipped.origin, shipped.name
    generator, paper = load_generator(shipped.path)[0], preset(config.variant)
    weights = sum(parameter.numel() for parameter in generator.parameters())
    whole, seen = paper.total_steps * paper.batch_size, origin["images_seen"]
    width = f" (the paper's: {paper.width})" if config.variant in (*VARIANTS, *POINTS) else ""
    share = f", {seen / whole:.1%} of the paper's {whole:,}" if config.variant in VARIANTS else ""
    rows = {
        "variant": f"{config.variant}, base width {config.width}{width}, {weights:,} weights",
        "trained on": f"{origin['pictures']:,} {_COLLECTIONS.get(origin['data'], 'pictures')} "
        f"(fingerprint {origin['data']})",
        "how long": f"{seen:,} images{share}: {origin['step']:,} updates of the generator",
        "which moment": _moment(root, shipped, config),
        "settings": f"batch {config.batch_size}, rate {config.lr:g}, seed {config.seed}; all are in the header",
        "file": f"`{shipped.path.name}`, {shipped.path.stat().st_size / 1e6:.1f} MB; read in float32",
    }
    if config.classes:
        counts = (f"{style} ({count:.0f})" for style, count in zip(config.classes, generator.class_counts, strict=True))
        rows["styles"] = "by number of training images: " + ", ".join(counts)
    samples = f"Uncurated samples 0–{SAMPLES - 1}, seed {SEED}"
    return (
        f"# {name}\n\n<!-- written by `make figures` -->\n"
        f"A generator that paints 64 × 64 pictures from {config.latent_dim} random numbers:\n"
        f"`artgan generate --model data/pretrained/{shipped.path.name}`.\n\n"
        f"![{samples}]({name}.webp)\n\n*{samples}.*\n\n{markdown(('', ''), rows.items())}\n"
        f"## Scores\n\n{_scores(root, name)}\n## Collapse\n\n{_collapse(root, name)}\n"
        "## Limits\n\nIt paints 64 × 64 pixels; larger pictures are an enlarger's work, strokes included. "
        f"{_LIMITS[bool(config.classes)]}\n\n{_USE}"
    )


def _moment(root: Path, shipped: Shipped, config: TrainConfig) -> str:
    average = f"the average of its weights (half-life {config.ema_half_life:,} images)"
    told = average if shipped.origin["kind"] == "average" else "as it was trained last"
    path = root / RECORDS / f"{shipped.name}.{CURVE}"
    if not path.is_file():
        return told
    curve = json.loads(path.read_text(encoding="utf-8"))
    return (
        f"{told}: of {len(curve['points'])} measured moments of the run the one with the lowest "
        f"{curve['card']['kernel_name']} ({curve['card']['fake_count']:,} pictures, `{RECORDS}/{path.name}`)"
    )


def _scores(root: Path, name: str) -> str:
    path = root / "data" / "results" / f"scores_{name}.json"
    if not path.is_file():
        return "Not measured.\n"
    found = json.loads(path.read_text(encoding="utf-8"))
    card, rows = found["card"], []
    for score in found["scores"].values():
        here, floor = (f"{value:.4f}" if value is not None else "–" for value in (score["value"], score["floor"]))
        deviation = f" ± {score['sd']:.4f}" if score["sd"] is not None else ""
        rows.append((score["name"], here + deviation, floor, score["better"]))
    warnings = " ".join(f"{warning[0].upper()}{warning[1:]}." for warning in card["warnings"])
    return (
        f"{markdown(('score', 'here', 'real paintings', 'better'), rows)}\n"
        f"Measured with {card['extractor']}, layer {card['layer']}, {card['resizer']}: {card['fake_count']:,} pictures "
        f"of seed {card['seed']} against {card['real_count']:,} real ones ({card['real']}). The whole card is in "
        f"`data/results/{path.name}`. {warnings}\n"
    )


def _collapse(root: Path, name: str) -> str:
    """Tell what the watch found during training."""
    log = read_log(root / "data" / "results" / f"{name}_paintings64.log.jsonl")
    if "collapsed" not in log:
        return "Not measured.\n"
    looks = log.dropna(subset=["diversity"])
    events = [f"{event.signal.replace('_', ' ')} from {event.start_images:,} images" for event in collapse_events(log)]
    return (
        f"Checked {len(looks)} times, up to {looks['images_seen'].max():,} images, by the rule of `artgan collapse`: "
        f"{'; '.join(events) or 'no event'}. At the last check the network as trained had "
        f"{looks['diversity'].iloc[-1]:.0%} of the diversity of as many real paintings, and "
        f"{looks['duplicates'].iloc[-1]:.0%} of its pictures had a near-duplicate.\n"
    )
