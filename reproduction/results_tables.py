"""Makes README's tables of results from `data/results` and `data/pretrained`, so that no number is typed by hand."""

import json
from pathlib import Path
from typing import Any

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.cards import PAPER_FID, MetricCard, is_kernel_distance, require_alike
from artgan_lib.evaluation.compare import compare, read_paper
from artgan_lib.evaluation.records import ABLATION, LOGS, TABLE3, read_scores, shipped_runs
from artgan_lib.experiments.ablation_results import read_ablation, verdict
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.interface.demo import SHIPPED_GENERATOR
from artgan_lib.presets import preset
from artgan_lib.runlog import write_atomic
from benchmarks.report import bench_tables, collapse_cost_table, markdown, studio_table

BEGIN = "<!-- results: written by `make figures` from data/results and data/pretrained -->"
END = "<!-- end of results -->"
SCORES = "scores_"


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
    collapse = f"{_detector_table(root)}\n{_watched_table(root)}\n{collapse_cost_table(root)}"
    folded = {
        "The paper's Table 3 with our runs beside it, and what of it may be compared": [table3],
        "Initial weights: runs that differ in nothing else": [_ablation_table(root)],
        "Mode collapse: what the rule finds, and what a look costs": [collapse],
        "Speed: what a full run costs, and what is beside it": [studio_table(root), *bench_tables(root)],
    }
    details = [
        f"<details>\n<summary>{title}</summary>\n\n{'\n'.join(tables)}\n</details>\n"
        for title, tables in folded.items()
    ]
    return "\n".join([_paper_table(root), _variants_table(root), _scores_table(root), *details])
