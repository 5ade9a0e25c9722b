"""Makes README's tables of results from `data/results` and `data/pretrained`, so that no number is typed by hand."""

import json
from pathlib import Path
from typing import Any

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.cards import PAPER_FID, MetricCard, is_kernel_distance, require_alike
from artgan_lib.evaluation.compare import compare, read_paper
from artgan_lib.evaluation.records import ABLATION, GENERATORS, LOG, LOGS, TABLE3, read_scores, shipped_runs
from artgan_lib.experiments.ablation_results import read_ablation, verdict
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.interface.demo import SHIPPED_GENERATOR
from artgan_lib.presets import VARIANTS, preset
from artgan_lib.runlog import read_log, write_atomic
from benchmarks.report import bench_tables, collapse_cost_table, markdown, studio_table

BEGIN = "<!-- results: written by `make figures` from data/results and data/pretrained -->"
END = "<!-- end of results -->"


def write_results(root: Path) -> Path:
    """Put the tables between README's two marks.

    Raises:
        ArtganError: If a mark is missing.
    """
    path = root / "README.md"
    before, found, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ArtganError(f"{path} has lost the marks between which the results stand: {BEGIN} and {END}")
    return write_atomic(path, f"{before}{BEGIN}\n{results_tables(root)}{END}{after}")


def results_tables(root: Path) -> str:
    """Make README's tables of results."""
    table3 = compare(shipped_runs(root), root / TABLE3).to_markdown()
    collapse = [_detector_table(root), _collapse_table(root), collapse_cost_table(root)]
    tables = [
        _paper_table(root),
        _variants_table(root),
        _scores_table(root),
        _folded("The paper's Table 3 with our runs beside it, and what of it may be compared", table3),
        _folded("Initial weights: runs that differ in nothing else", _ablation_table(root)),
        _folded("Mode collapse: what the rule finds, and what a look costs", *collapse),
        _folded("Speed: what a full run costs, and what is beside it", studio_table(root), *bench_tables(root)),
    ]
    return "\n".join(filter(None, tables))


def _folded(title: str, *tables: str) -> str:
    """Put tables behind a line that opens them."""
    inside = "\n".join(tables)
    return f"<details>\n<summary>{title}</summary>\n\n{inside}\n</details>\n"


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def scored_generators(root: Path) -> dict[str, dict[str, Any]]:
    """Return what `artgan evaluate` wrote about each generator, `data/results/scores_NAME.json`, the best first.

    Ranked by the kernel distance; scores by the paper's protocol, which has none, are left out.

    Raises:
        ArtganError: If two were not measured alike: they do not share a table.
    """
    found = {path.stem.removeprefix("scores_"): _read(path) for path in sorted((root / LOGS).glob("scores_*.json"))}
    found = {name: told for name, told in found.items() if told["card"]["protocol"] == "standard"}
    cards = {name: MetricCard.from_dict(told["card"]) for name, told in found.items()}
    require_alike(list(cards.values()))
    return dict(sorted(found.items(), key=lambda item: item[1]["scores"][cards[item[0]].kernel_name]["value"]))


def _paper_table(root: Path) -> str:
    """Set the paper's numbers beside those of the committed log and the released generator."""
    log, header = read_log(root / LOG), load_generator(root / SHIPPED_GENERATOR)[1]
    here, paper = TrainConfig.from_dict(header["config"]), preset("wgan-gp")
    last, told = log.iloc[-1], read_paper(root / TABLE3)["wgan-gp"]
    distance = [f"{log['wasserstein_mean'].iloc[epoch]:.1f}" for epoch in (0, -1)]
    rows = [
        ("images seen: updates × batch", _images(paper, paper.total_steps), _images(here, last.step)),
        ("generator updates", f"{paper.total_steps:,}", f"{last.step:,.0f}"),
        ("base width, batch, rate", _size(paper), _size(here)),
        ("critic's distance, first and last epoch", "–", " → ".join(distance)),
        ("cost", f"about {told['training time']} min", f"{last.seconds / 60:.0f} min on one CPU core, shared"),
    ]
    if scored := scored_generators(root).get("wgan-gp"):
        card, score = scored["card"], scored["scores"][scored["card"]["name"]]
        measured = f"{score['value']:.2f} (real pictures {score['floor']:.2f})"
        rows.insert(0, (f"{card['name']}, {card['fake_count']:,} pictures", "–", measured))
    whole: list[tuple[object, ...]] = [(*row, f"{header['origin']['pictures']:,}", here.seed) for row in rows]
    whole.insert(0, (f"FID, the paper's protocol (`{PAPER_FID}`)", told["final FID"], "not measured here", "–", "–"))
    link = "[05](notebooks/05_wgan_gp.ipynb)"
    return markdown(("WGAN-GP", "paper", "here", "n", "seed", "notebook"), [(*row, link) for row in whole])


def _images(config: TrainConfig, steps: float) -> str:
    return f"{steps * config.batch_size:,.0f}"


def _size(config: TrainConfig) -> str:
    return f"{config.width}, {config.batch_size}, {config.lr:g}"


def _variants_table(root: Path) -> str:
    """Set the three variants side by side, and say what they have in common, as far as they do."""
    runs = {run.name: run for run in shipped_runs(root)}
    configs = [run.config for run in runs.values()]
    told = {
        "width": _in_turn([config.width for config in configs]),
        "batch": _in_turn([config.batch_size for config in configs]),
        "rate": _in_turn([f"{config.lr:g}" for config in configs]),
        "seed": _in_turn([config.seed for config in configs]),
    }
    headers = [load_generator(root / GENERATORS / f"{variant}.safetensors")[1] for variant in VARIANTS]
    pictures = _in_turn([f"{header['origin']['pictures']:,}" for header in headers])
    epoch = _in_turn([_images(config, config.steps_per_epoch) for config in configs])
    rows = []
    for variant, run in runs.items():
        last = run.log.iloc[-1]
        counts = (last.images_seen, last.step, last.step * run.config.judge_updates)
        values = (last.loss_g_mean, last.loss_d_mean, last.score_real_mean - last.score_fake_mean)
        rows.append(
            (variant, *(f"{n:,.0f}" for n in counts), *(f"{x:.2f}" for x in values), f"{last.seconds / 60:.0f}")
        )
    head = ("variant", "images seen", "generator updates", "judge updates", "loss_g", "loss_d", "score gap", "minutes")
    return (
        f"The three variants on the same {pictures} paintings: {', '.join(f'{key} {told[key]}' for key in told)}; "
        f"means over the last epoch of {epoch} images. "
        f"Minutes are of one thread of a machine that did other work as well.\n\n{markdown(head, rows)}"
    )


def _in_turn(values: list[Any]) -> str:
    """Write a value that all variants share once, others one after the other."""
    texts = [str(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _scores_table(root: Path) -> str:
    """Set the scores of every generator beside those of real paintings."""
    found = scored_generators(root)
    if not found:
        return ""
    first = next(iter(found.values()))
    card, names = first["card"], list(first["scores"])
    names[1] += " × 1000"
    floors = {name: {"value": told["floor"], "sd": None} for name, told in first["scores"].items()}
    rows = [(generator, *_cells(told["scores"])) for generator, told in found.items()]
    return (
        f"Scores of {card['fake_count']:,} pictures of each against {card['real_count']:,} paintings of the "
        f"{card['split']} split ({card['left_out']} left out that nearly stand in the other split, too). The last row "
        f"is the floor: {card['floor_count']:,} paintings of {card['floor']} against the same. The features are "
        f"{card['extractor']}'s {card['layer']}, whose scale is not FID's; {'; '.join(card['warnings'])}.\n\n"
        f"{markdown(('generator', *names), [*rows, ('*other real pictures*', *_cells(floors))])}"
    )


def _cells(scores: dict[str, dict[str, Any]]) -> list[str]:
    """Write a row of numbers; a rounded zero has no sign."""
    frechet, kernel, *others = scores.values()
    deviation = f" ± {1000 * kernel['sd']:.2f}" if kernel["sd"] else ""
    numbers = [f"{score['value']:.2f}" for score in others]
    return [f"{frechet['value']:.2f}", f"{1000 * kernel['value']:z.2f}{deviation}", *numbers]


def _ablation_table(root: Path) -> str:
    """Set the schemes of initial weights side by side."""
    table = read_ablation(root / ABLATION)
    kernel = next(name for name in table.columns if is_kernel_distance(name))
    shown = {kernel: kernel, "vendi_ratio": "variety, of that of paintings", "score gap": "score gap"}
    rows = [
        (scheme, len(group), *(f"{group[name].mean():.3f} ± {group[name].std():.3f}" for name in shown))
        for scheme, group in table.groupby("scheme", observed=True)
    ]
    told = "; ".join(f"{shown[name]} {verdict(table, name).p:.2g}" for name in shown)
    card = read_scores(next((root / ABLATION).glob("*/scores.json")))[1]
    images, real = f"{table['images_seen'].max():,}", f"{table[f'{kernel}, floor'].mean():.3f}"
    return (
        f"DCGANs of a quarter of the paper's width, {images} images each, mean and spread over the seeds. "
        f"{kernel} is a kernel distance, lower is better ({'; '.join(card.warnings)}); other real pictures get {real}. "
        f"How likely chance alone would set the schemes as far apart, by shuffling them within each seed: {told}. "
        "At this width Glorot's spread is twice what it is at the paper's, so none of this need hold there; "
        "[notebook 07](notebooks/07_comparison.ipynb) says what it shows and what it does not.\n\n"
        f"{markdown(('initial weights', 'seeds', *shown.values()), rows)}"
    )


def _detector_table(root: Path) -> str:
    """Tell what the rule of collapse is worth, from its calibration."""
    held_out = _read(root / LOGS / "collapse_calibration.json")["held_out"]
    worlds = held_out["detected"]
    kinds = {"healthy: false alarms": held_out["false_alarms"]}
    kinds |= {kind: {world: worlds[world][kind] for world in worlds} for kind in next(iter(worlds.values()))}
    count = sum(row["of"] for by_world in kinds.values() for row in by_world.values())
    rows = [(kind, *(_share(by_world[world]) for world in worlds)) for kind, by_world in kinds.items()]
    return (
        f"What the detector of mode collapse finds: alarms of {count} samplers whose "
        "collapse is known and that its thresholds were not set on, with 95 % intervals by Wilson.\n\n"
        f"{markdown(('sampler', *worlds), rows)}"
    )


def _share(row: dict[str, Any]) -> str:
    return f"{row['count']} of {row['of']} ({100 * row['low']:.0f} to {100 * row['high']:.0f} %)"


def _collapse_table(root: Path) -> str:
    """Judge the released generators by that rule."""
    found = _read(root / LOGS / "collapse_generators.json")
    limits = found["thresholds"]
    rows = [
        (name, *(f"{of[signal]:.2f}" for signal in limits), "collapsed" if of["collapsed"] else "in order")
        for name, of in found["generators"].items()
    ]
    alarming = (f"{'above' if name == 'duplicates' else 'below'} {limit:.2f}" for name, limit in limits.items())
    head = ("generator", *(name.replace("_", " ") for name in limits), "verdict")
    return (
        f"The shipped generators by the same rule, {found['pictures']} pictures of seed {found['seed']} each:\n\n"
        f"{markdown(head, [*rows, ('alarming', *alarming, '–')])}"
    )
