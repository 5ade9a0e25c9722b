"""Writes the cards of the shipped models: what each was trained on, for how long, what it scores, what it is good for.

Every number comes from the model's own header, its log or a file of scores in `data/results`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from artgan_lib.config import TrainConfig
from artgan_lib.evaluation.collapse.rule import CollapseEvent, collapse_events
from artgan_lib.experiments.shipping import CURVE, RECORDS
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.gan.sampling import sample
from artgan_lib.images import encode, image_grid
from artgan_lib.presets import POINTS, VARIANTS, preset
from artgan_lib.runlog import read_log, write_atomic
from artgan_lib.shipped import Shipped, shipped_generators

SAMPLES, SEED, COLUMNS = 64, 0, 16
_TITLES = {"dcgan": "DCGAN", "dcgan-wi": "DCGAN-WI", "wgan-gp": "WGAN-GP", "projected": "Projected GAN"}
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
    """Write the card of every shipped model, and the sheet of samples that a generator's card shows."""
    folder = root / "data" / "pretrained"
    for shipped in shipped_generators(folder):
        generator, _ = load_generator(shipped.path)
        sheet = image_grid(sample(generator, SEED, SAMPLES), COLUMNS)
        yield write_atomic(folder / f"{shipped.name}.webp", encode(sheet, "webp", quality=90))
        yield write_atomic(folder / f"{shipped.name}.md", generator_card(root, shipped))


def generator_card(root: Path, shipped: Shipped) -> str:
    """Make the card of a generator."""
    config, origin, name = TrainConfig.from_dict(shipped.config), shipped.origin, shipped.name
    generator, _ = load_generator(shipped.path)
    weights = sum(parameter.numel() for parameter in generator.parameters())
    title = _TITLES.get(config.variant, config.variant)
    paper = preset(config.variant)
    of_paper = f" (the paper's: {paper.width})" if config.variant in (*VARIANTS, *POINTS) else ""
    rows = {
        "variant": f"{title}, base width {config.width}{of_paper}, {weights:,} weights",
        "trained on": f"{origin['pictures']:,} {_COLLECTIONS.get(origin['data'], 'pictures')} "
        f"(fingerprint {origin['data']})",
        "how long": _length(root, shipped, config, paper),
        "which moment": _moment(root, shipped, config),
        "settings": f"batch {config.batch_size}, rate {config.lr:g}, seed {config.seed}; all of them stand in the "
        "file's header",
        "file": f"`{shipped.path.name}`, {shipped.path.stat().st_size / 1e6:.1f} MB; read in float32",
    }
    if config.classes:
        counts = (f"{name} ({count:.0f})" for name, count in zip(config.classes, generator.class_counts, strict=True))
        rows["styles"] = "by number of training images: " + ", ".join(counts)
    table = "".join(f"| {key} | {value} |\n" for key, value in rows.items())
    return f"""# {name}

<!-- written by `make figures` -->
A generator that paints 64 × 64 pictures from {config.latent_dim} random numbers:
`artgan generate --model data/pretrained/{shipped.path.name}`.

![Numbers 0 to {SAMPLES - 1} of seed {SEED}, not chosen]({name}.webp)

*Numbers 0 to {SAMPLES - 1} of seed {SEED}, not chosen.*

| | |
| --- | --- |
{table}
## Scores

{_scores(root, name)}
## Collapse

{_collapse(root, name)}
## Limits

It paints 64 × 64 pixels; larger pictures are an enlarger's work, strokes included. {_LIMITS[bool(config.classes)]}

{_USE}"""


def _length(root: Path, shipped: Shipped, config: TrainConfig, paper: TrainConfig) -> str:
    seen, steps = shipped.origin["images_seen"], shipped.origin["step"]
    log = read_log(root / "data" / "results" / f"{shipped.name}_paintings64.log.jsonl")
    whole = paper.total_steps * paper.batch_size
    row = log[log["images_seen"] <= seen].iloc[-1]
    of_paper = f", {seen / whole:.1%} of the paper's {whole:,}" if config.variant in VARIANTS else ""
    judge = f" and {steps * config.judge_updates:,} of the critic" if config.judge_updates > 1 else ""
    return (
        f"{seen:,} images{of_paper}: {steps:,} updates of the generator{judge}; "
        f"{row['seconds'] / 60:.0f} minutes by the clock, on a processor core shared with other work"
    )


def _moment(root: Path, shipped: Shipped, config: TrainConfig) -> str:
    kind = shipped.origin.get("kind", "average" if config.ema_half_life else "newest")
    told = (
        f"the average of its weights (half-life {config.ema_half_life:,} images)"
        if kind == "average"
        else "as it was trained last"
    )
    path = root / RECORDS / f"{shipped.name}.{CURVE}"
    if "score" not in shipped.origin or not path.is_file():
        return told
    curve = json.loads(path.read_text(encoding="utf-8"))
    card, points = curve["card"], curve["points"]
    return (
        f"{told}: of {len(points)} measured moments of the run the one with the lowest {card['kernel_name']} "
        f"({card['fake_count']:,} pictures, `{RECORDS}/{path.name}`)"
    )


def _scores(root: Path, name: str) -> str:
    path = root / "data" / "results" / f"scores_{name}.json"
    if not path.is_file():
        return "Not measured.\n"
    found = json.loads(path.read_text(encoding="utf-8"))
    card = found["card"]
    lines = ["| score | here | real paintings | better |", "| --- | --- | --- | --- |"]
    for score in found["scores"].values():
        spread = f" ± {score['sd']:.4f}" if score["sd"] is not None else ""
        here, floor = (f"{value:.4f}" if value is not None else "–" for value in (score["value"], score["floor"]))
        lines.append(f"| {score['name']} | {here}{spread} | {floor} | {score['better']} |")
    measured = (
        f"Measured with {card['extractor']}, layer {card['layer']}, {card['resizer']}: {card['fake_count']:,} pictures "
        f"of seed {card['seed']} against {card['real_count']:,} real ones ({card['real']}). The whole card is in "
        f"`data/results/{path.name}`. "
    )
    warnings = " ".join(f"{warning[0].upper()}{warning[1:]}." for warning in card["warnings"])
    return "\n".join(lines) + f"\n\n{measured}{warnings}\n"


def _collapse(root: Path, name: str) -> str:
    """Tell what the watch found while it trained, and how varied what is shipped is."""
    told = []
    log = read_log(root / "data" / "results" / f"{name}_paintings64.log.jsonl")
    if "collapsed" in log:
        looks = log.dropna(subset=["diversity"])
        events = collapse_events(log)
        last, first, seen = looks.iloc[-1], looks["images_seen"].min(), looks["images_seen"].max()
        told.append(
            f"Looked at {len(looks)} times from {first:,} to {seen:,} images by "
            f"the rule of `artgan collapse`: {'; '.join(map(_event, events)) or 'no event'}. At the last look the "
            f"network as trained had {last['diversity']:.0%} of the diversity of as many real paintings, and "
            f"{last['duplicates']:.0%} of its pictures had a near-duplicate."
        )
    path = root / "data" / "results" / f"scores_{name}.json"
    if path.is_file():
        scores: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["scores"]
        beside = ", ".join(f"{key} {scores[key]['value']:.2f} beside {scores[key]['floor']:.2f}" for key in _VARIETY)
        told.append(f"Variety of what is shipped, beside what as many real paintings get: {beside}.")
    return " ".join(told) + "\n" if told else "Not measured.\n"


def _event(event: CollapseEvent) -> str:
    kind = "collapsed" if event.varied_before else "not varied yet"
    end = f"to {event.end_images:,}" if event.end_images else "on"
    return f"{kind} from {event.start_images:,} {end} ({event.signal.replace('_', ' ')} {event.value:.2f})"


_VARIETY = ("recall", "coverage")
