"""What the commands of `artgan` do that set runs side by side."""

import argparse
from pathlib import Path

from artgan_lib.interface.arguments import Subparsers, add_command, read_path


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(subparsers, "compare", compare, "set runs beside the paper's Table 3")
    command.add_argument(
        "runs",
        metavar="RUN",
        type=read_path,
        nargs="+",
        help="folder of a run; its scores are those in RUN/scores*.json, as artgan evaluate --out writes them",
    )
    command.add_argument("--out", metavar="DIR", type=read_path, help="write table3.md and table3.json there as well")
    command.add_argument("--paper", metavar="FILE", type=read_path, help="the paper's Table 3 (data/paper/table3.csv)")

    command = add_command(subparsers, "held-out", held_out, "score a run's judges on pictures it was not trained on")
    command.add_argument("run", metavar="RUN", type=read_path, help="folder of a run with checkpoints")
    command.add_argument("--data", metavar="CACHE", type=read_path, required=True, help="pictures it was trained on")
    command.add_argument("--held-out", metavar="CACHE", type=read_path, required=True, help="others")
    command.add_argument("--n", type=int, default=2000, help="pictures of each kind (default %(default)s)")
    command.add_argument("--out", metavar="FILE", type=read_path, help="write a line a checkpoint there as well")

    command = add_command(subparsers, "ablation", ablation, "train runs that differ in their initial weights alone")
    command.add_argument("--data", metavar="CACHE", type=read_path, required=True, help="pictures to train on")
    command.add_argument("--held-out", metavar="CACHE", type=read_path, required=True, help="others, to measure with")
    command.add_argument("--out", metavar="DIR", type=read_path, required=True, help="folder of all runs")
    command.add_argument("--base", default="dcgan", help="variant that is kept but for its weights (%(default)s)")
    command.add_argument("--seeds", type=int, default=3, help="runs of each scheme (default %(default)s)")
    command.add_argument("--images", type=int, default=64_000, help="seen by each run (default %(default)s)")
    command.add_argument("--extractor", help="score the runs when all are done, on this feature network")
    command.add_argument("--layer", help="of the feature network, by its dimensions")
    command.add_argument("--n", type=int, default=1000, help="pictures of each run to be scored (%(default)s)")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")


def compare(options: argparse.Namespace) -> int:
    """Print the paper's Table 3 with ours beside it, and what of it may be compared."""
    from artgan_lib.evaluation.compare import compare, read_run
    from artgan_lib.evaluation.records import TABLE3
    from artgan_lib.interface.notebooks import project_root
    from artgan_lib.runlog import write_atomic, write_json

    paper = options.paper or project_root(Path(__file__).parent) / TABLE3
    found = compare([read_run(folder) for folder in options.runs], paper)
    print(found.to_frame().to_string(line_width=200))
    print(f"\n{found.remarks()}", end="")
    if options.out:
        print(write_atomic(options.out / "table3.md", found.to_markdown()))
        print(write_json(options.out / "table3.json", found.to_dict()))
    return 0


def held_out(options: argparse.Namespace) -> int:
    """Print what the judge of each checkpoint makes of held-out pictures."""
    import json

    from artgan_lib.data.dataset import open_cache
    from artgan_lib.evaluation.callbacks.overfitting import held_out_along
    from artgan_lib.gan.runs import RunFolder
    from artgan_lib.runlog import write_atomic

    others, seen = open_cache(options.held_out).images, open_cache(options.data).images
    lines = []
    for record in held_out_along(RunFolder(options.run), others, seen, options.n):
        lines.append(json.dumps({key: None if value != value else value for key, value in record.items()}) + "\n")
        told = "  ".join(f"{key} {value:.4g}" for key, value in record.items() if key != "step" and value == value)
        print(told, flush=True)
    if options.out:
        print(write_atomic(options.out, "".join(lines)))
    return 0


def ablation(options: argparse.Namespace) -> int:
    """Train and score what the plan asks for and is not done yet, then tell what it shows."""
    import numpy as np

    from artgan_lib.data.dataset import open_cache
    from artgan_lib.evaluation.callbacks.overfitting import HeldOut
    from artgan_lib.evaluation.features import load_extractor
    from artgan_lib.experiments.ablation import Planned, Variety, plan_ablation, run_ablation
    from artgan_lib.experiments.ablation_results import kernel_scorer, score_ablation
    from artgan_lib.gan.models import choose_device
    from artgan_lib.gan.training import Callback
    from artgan_lib.interface.progress import TrainingProgress

    plan = plan_ablation(options.base, range(options.seeds), options.images)
    images, held_out = open_cache(options.data).images, open_cache(options.held_out).images
    where = choose_device(options.device)
    extractor = load_extractor(options.extractor, options.layer, device=where) if options.extractor else None

    def callbacks(planned: Planned) -> list[Callback]:
        looking = [HeldOut(planned.config, held_out, images), Variety(planned.config, held_out)]
        return [TrainingProgress(planned.config, lines=5), *looking]

    for planned, result in run_ablation(plan, images, options.out, device=options.device, callbacks=callbacks):
        print(f"{planned.name}: {result.step:,} of {planned.config.total_steps:,} steps", flush=True)
        if not result.finished:
            print("stopped; the same command goes on")
            return 130
    if extractor:
        real = np.asarray(held_out)
        order = np.random.default_rng(0).permutation(len(images))[: options.n]
        others = np.asarray(images[np.sort(order)])  # for the floor
        about = f"{options.held_out.name}, {len(held_out):,} pictures"
        score = kernel_scorer(real, others, extractor, about)
        for planned, found in score_ablation(plan, options.out, options.n, score):
            told = ", ".join(f"{score.name} {score.value:.4g}" for score in found.scores if score.value is not None)
            print(f"{planned.name}: {told}", flush=True)
    if options.seeds > 1:
        _tell_ablation(options)
    return 0


def _tell_ablation(options: argparse.Namespace) -> None:
    from artgan_lib.experiments.ablation_results import measures, read_ablation, verdict

    table = read_ablation(options.out, options.base)
    for measure in measures(table):
        print(verdict(table, measure).text)
