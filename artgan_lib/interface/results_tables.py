"""Makes README's tables of results from `data/results` and `data/pretrained`, so that no number is typed by hand."""

import json
from pathlib import Path

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.compare import PAPER_FID, read_paper
from artgan_lib.evaluation.records import RunRecord, read_scores
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.interface.demo import SHIPPED_GENERATOR
from artgan_lib.presets import VARIANTS, preset
from artgan_lib.runlog import read_log, write_atomic

BEGIN = "<!-- results: written by `artgan figures` from data/results and data/pretrained -->"
END = "<!-- end of results -->"
TABLE3 = Path("data/paper/table3.csv")
LOGS, GENERATORS = Path("data/results"), Path("data/pretrained")
ABLATION, REFERENCE_CURVES = LOGS / "ablation", LOGS / "reference_curves"
LOG = LOGS / "wgan-gp_paintings64.log.jsonl"
COMPARED = (
    "The three variants on the same 15,375 paintings: width 16, batch 32, rate 4e-4, seed 0; means over the last epoch "
    "of 800 images. Minutes are of one thread of a machine that did other work as well."
)


def shipped_runs(root: Path) -> list[RunRecord]:
    """Return the runs whose generators come with a clone, from their logs, headers and scores."""
    return [
        RunRecord(
            variant,
            TrainConfig.from_dict(load_generator(root / GENERATORS / f"{variant}.safetensors")[1]["config"]),
            read_log(root / LOGS / f"{variant}_paintings64.log.jsonl"),
            tuple(read_scores(path) for path in sorted((root / LOGS).glob(f"{variant}_paintings64.scores*.json"))),
        )
        for variant in VARIANTS
    ]


def results_tables(root: Path) -> str:
    """Make README's tables of results."""
    return f"{_paper_table(root)}\n{COMPARED}\n\n{_compared_table(root)}\n{_studio_table(root)}"


def _paper_table(root: Path) -> str:
    """Make the table of the paper's numbers beside ours from the committed log and the shipped generator."""
    log, header = read_log(root / LOG), load_generator(root / SHIPPED_GENERATOR)[1]
    here, paper = TrainConfig.from_dict(header["config"]), preset("wgan-gp")
    n = f"{header['origin']['pictures']:,}"
    told = read_paper(root / TABLE3)["wgan-gp"]
    rows = [
        (PAPER_FID, told["final FID"], "not measured yet", "–", "–"),
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


def _images(config: TrainConfig) -> int:
    return config.total_steps * config.batch_size


def _size(config: TrainConfig) -> str:
    return f"{config.width}, {config.batch_size}, {config.lr:g}"
