"""Makes README's tables of results from `data/results` and `data/pretrained`, so that no number is typed by hand."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.cards import PAPER_FID, MetricCard, is_kernel_distance, require_alike
from artgan_lib.evaluation.compare import compare, read_paper
from artgan_lib.evaluation.records import RunRecord, read_scores
from artgan_lib.experiments.ablation_results import read_ablation, verdict
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.interface.demo import SHIPPED_GENERATOR
from artgan_lib.interface.figures_bench import bench_table
from artgan_lib.interface.results_collapse import collapse_tables
from artgan_lib.presets import VARIANTS, preset
from artgan_lib.runlog import read_log, write_atomic

BEGIN = "<!-- results: written by `make figures` from data/results and data/pretrained -->"
END = "<!-- end of results -->"
TABLE3 = Path("data/paper/table3.csv")
LOGS, GENERATORS = Path("data/results"), Path("data/pretrained")
SCORES = "scores_"
ABLATION, REFERENCE_CURVES = LOGS / "ablation", LOGS / "reference_curves"
LOG = LOGS / "wgan-gp_paintings64.log.jsonl"


def shipped_runs(root: Path) -> list[RunRecord]:
    """Return the runs whose generators come with a clone, from their logs, headers and scores."""
    return [
        RunRecord(
            variant,
            TrainConfig.from_dict(load_generator(root / GENERATORS / f"{variant}.safetensors")[1]["config"]),
            read_log(root / LOGS / f"{variant}_paintings64.log.jsonl"),
            tuple(read_scores(path) for path in sorted((root / LOGS).glob(f"{SCORES}{variant}.json"))),
        )
        for variant in VARIANTS
    ]


def results_tables(root: Path) -> str:
    """Make README's tables of results."""
    tables = [
        _paper_table(root),
        f"{_compared(root)}\n\n{_compared_table(root)}",
        _scores_table(root),
        _folded(
            "The paper's Table 3 with our runs beside it, and what of it may be compared",
            compare(shipped_runs(root), root / TABLE3).to_markdown(),
        ),
        _folded("Initial weights: runs that differ in nothing else", _ablation_table(root)),
        _folded("Mode collapse: what the rule finds, and what a look costs", collapse_tables(root)),
        _folded("Speed: what a full run costs, and what is beside it", _studio_table(root), *_bench_tables(root)),
    ]
    return "\n".join(filter(None, tables))


def _folded(title: str, *tables: str) -> str:
    """Put tables behind a line that opens them."""
    inside = "\n".join(filter(None, tables))
    return f"<details>\n<summary>{title}</summary>\n\n{inside}\n</details>\n"


def scored_generators(root: Path) -> dict[str, dict[str, Any]]:
    """Return what `artgan evaluate` wrote about each generator, `data/results/scores_NAME.json`, the best first.

    Ranked by the kernel distance; scores by the paper's protocol, which has none, are left out.

    Raises:
        ArtganError: If two were not measured alike: they do not share a table.
    """
    found = {
        path.stem.removeprefix(SCORES): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((root / LOGS).glob(f"{SCORES}*.json"))
    }
    found = {name: told for name, told in found.items() if told["card"]["protocol"] == "standard"}
    cards = {name: MetricCard.from_dict(told["card"]) for name, told in found.items()}
    require_alike(list(cards.values()))
    return dict(sorted(found.items(), key=lambda item: item[1]["scores"][cards[item[0]].kernel_name]["value"]))


def _paper_table(root: Path) -> str:
    """Make the table of the paper's numbers beside ours from the committed log and the shipped generator."""
    log, header = read_log(root / LOG), load_generator(root / SHIPPED_GENERATOR)[1]
    here, paper = TrainConfig.from_dict(header["config"]), preset("wgan-gp")
    n, steps = f"{header['origin']['pictures']:,}", int(log["step"].iloc[-1])
    told = read_paper(root / TABLE3)["wgan-gp"]
    scored = scored_generators(root).get("wgan-gp")
    rows: list[tuple[object, ...]] = [
        (f"FID, the paper's protocol (`{PAPER_FID}`)", told["final FID"], "not measured here", "–", "–")
    ]
    if scored:
        card, score = scored["card"], scored["scores"][scored["card"]["name"]]
        beside = f"{score['value']:.2f} (real pictures {score['floor']:.2f})"
        rows.append((f"{card['name']}, {card['fake_count']:,} pictures", "–", beside, n, here.seed))
    rows += [
        ("images seen: updates × batch", f"{_images(paper):,}", f"{steps * here.batch_size:,}", n, here.seed),
        ("generator updates", f"{paper.total_steps:,}", f"{steps:,}", n, here.seed),
        ("base width, batch, rate", _size(paper), _size(here), n, here.seed),
        (
            "critic's distance, first and last epoch",
            "–",
            f"{log['wasserstein_mean'].iloc[0]:.1f} → {log['wasserstein_mean'].iloc[-1]:.1f}",
            n,
            here.seed,
        ),
        (
            "cost",
            f"about {told['training time']} min",
            f"{log['seconds'].iloc[-1] / 60:.0f} min on one CPU core, shared",
            n,
            here.seed,
        ),
    ]
    head = "| WGAN-GP | paper | here | n | seed | notebook |\n| --- | --- | --- | --- | --- | --- |\n"
    link = "[05](notebooks/05_wgan_gp.ipynb)"
    return head + "".join(f"| {' | '.join(map(str, row))} | {link} |\n" for row in rows)


def _compared(root: Path) -> str:
    """Say what the three variants have in common, as far as they do."""
    headers = [load_generator(root / GENERATORS / f"{variant}.safetensors")[1] for variant in VARIANTS]
    configs = [header["config"] for header in headers]
    told = {
        "width": _in_turn(config["width"] for config in configs),
        "batch": _in_turn(config["batch_size"] for config in configs),
        "rate": _in_turn(f"{config['lr']:g}" for config in configs),
        "seed": _in_turn(config["seed"] for config in configs),
    }
    pictures = _in_turn(f"{header['origin']['pictures']:,}" for header in headers)
    epoch = _in_turn(f"{_epoch(config):,}" for config in configs)
    same = ", ".join(f"{key} {value}" for key, value in told.items())
    return (
        f"The three variants on the same {pictures} paintings: {same}; means over the last epoch of {epoch} images. "
        "Minutes are of one thread of a machine that did other work as well."
    )


def _in_turn(values: Iterable[Any]) -> str:
    """Write a value that all variants share once, others one after the other."""
    texts = [str(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _epoch(config: dict[str, Any]) -> int:
    return TrainConfig.from_dict(config).steps_per_epoch * int(config["batch_size"])


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


def _scores_table(root: Path) -> str:
    """Make README's table of scores beside their floors, a row a generator that was scored."""
    found = scored_generators(root)
    if not found:
        return ""
    card = next(iter(found.values()))["card"]
    names = list(next(iter(found.values()))["scores"])
    head = ["generator", *(f"{name} × 1000" if name == names[1] else name for name in names)]
    rows = [head, ["---"] * len(head)]
    for generator, told in found.items():
        rows.append([generator, *_cells(told["scores"])])
    floors = {name: {"value": told["floor"], "sd": None} for name, told in next(iter(found.values()))["scores"].items()}
    rows.append(["*other real pictures*", *_cells(floors)])
    about = (
        f"Scores of {card['fake_count']:,} pictures of each against {card['real_count']:,} paintings of the "
        f"{card['split']} split ({card['left_out']} left out that nearly stand in the other split, too). The last row "
        f"is the floor: {card['floor_count']:,} paintings of {card['floor']} against the same. The features are "
        f"{card['extractor']}'s {card['layer']}, whose scale is not FID's; {'; '.join(card['warnings'])}."
    )
    return f"{about}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _ablation_table(root: Path) -> str:
    """Make README's table of the runs that differ in their initial weights alone."""
    table = read_ablation(root / ABLATION)
    kernel = next(name for name in table.columns if is_kernel_distance(name))
    floor = f"{kernel}, floor"
    shown = {kernel: kernel, "vendi_ratio": "variety, of that of paintings", "score gap": "score gap"}
    rows = [["initial weights", "seeds", *shown.values()], ["---"] * (len(shown) + 2)]
    for scheme, group in table.groupby("scheme", observed=True):
        cells = [f"{group[name].mean():.3f} ± {group[name].std():.3f}" for name in shown]
        rows.append([str(scheme), str(len(group)), *cells])
    told = "; ".join(f"{shown[name]} {verdict(table, name).p:.2g}" for name in shown)
    card = read_scores(next((root / ABLATION).glob("*/scores.json")))[1]
    images, real = f"{table['images_seen'].max():,}", f"{table[floor].mean():.3f}"
    about = (
        f"DCGANs of a quarter of the paper's width, {images} images each, mean and spread over the seeds. "
        f"{kernel} is a kernel distance, lower is better ({'; '.join(card.warnings)}); other real pictures get {real}. "
        f"How likely chance alone would set the schemes as far apart, by shuffling them within each seed: {told}. "
        "At this width Glorot's spread is twice what it is at the paper's, so none of this need hold there; "
        "[notebook 07](notebooks/07_comparison.ipynb) says what it shows and what it does not."
    )
    return f"{about}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(scores: dict[str, dict[str, Any]]) -> list[str]:
    """Write a row of numbers; a rounded zero has no sign."""
    frechet, kernel, *others = scores.values()
    spread = f" ± {1000 * kernel['sd']:.2f}" if kernel["sd"] else ""
    numbers = [f"{score['value']:.2f}" for score in others]
    return [f"{frechet['value']:.2f}", f"{1000 * kernel['value']:z.2f}{spread}", *numbers]


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


def read_benches(root: Path) -> dict[str, dict[str, Any]]:
    """Return what the benchmarks wrote, `data/results/bench-NAME.json`, by name: a device, or one machine of many."""
    files = sorted((root / LOGS).glob("bench-*.json"), key=lambda path: path.stem)
    return {path.stem.removeprefix("bench-"): json.loads(path.read_text(encoding="utf-8")) for path in files}


def _bench_tables(root: Path) -> list[str]:
    """Make README's tables of how fast it is, one for each machine, with the names of their files."""
    return [f"`bench-{name}.json`: {bench_table(told)}" for name, told in read_benches(root).items()]


def write_results(root: Path) -> Path:
    """Put the table between README's two marks.

    Raises:
        ArtganError: If a mark is missing.
    """
    return _put(root / "README.md", BEGIN, END, results_tables(root))


def _put(path: Path, begin: str, end: str, text: str) -> Path:
    before, found, rest = path.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ArtganError(f"{path} has lost the marks between which the results stand: {begin} and {end}")
    return write_atomic(path, f"{before}{begin}\n{text}{end}{after}")


def _images(config: TrainConfig) -> int:
    return config.total_steps * config.batch_size


def _size(config: TrainConfig) -> str:
    return f"{config.width}, {config.batch_size}, {config.lr:g}"
