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

    command = add_command(subparsers, "ablation", ablation, "train runs that differ in their initial weights alone")
    command.add_argument("--data", metavar="CACHE", type=read_path, required=True, help="pictures to train on")
    command.add_argument("--held-out", metavar="CACHE", type=read_path, required=True, help="others, to measure with")
    command.add_argument("--out", metavar="DIR", type=read_path, required=True, help="folder of all runs")
    command.add_argument("--base", default="dcgan", help="variant that is kept but for its weights (%(default)s)")
    command.add_argument("--seeds", type=int, default=3, help="runs of each scheme (default %(default)s)")
    command.add_argument("--images", type=int, default=64_000, help="seen by each run (default %(default)s)")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")


def compare(options: argparse.Namespace) -> int:
    """Print the paper's Table 3 with ours beside it, and what of it may be compared."""
    from artgan_lib.evaluation.compare import compare, read_run
    from artgan_lib.interface.notebooks import project_root
    from artgan_lib.interface.results_tables import TABLE3
    from artgan_lib.runlog import write_atomic, write_json

    paper = options.paper or project_root(Path(__file__).parent) / TABLE3
    found = compare([read_run(folder) for folder in options.runs], paper)
    print(found.to_frame().to_string(line_width=200))
    print(f"\n{found.remarks()}", end="")
    if options.out:
        print(write_atomic(options.out / "table3.md", found.to_markdown()))
        print(write_json(options.out / "table3.json", found.to_dict()))
    return 0


def ablation(options: argparse.Namespace) -> int:
    """Train what the plan asks for and is not done yet."""
    from artgan_lib.data.cache import open_cache
    from artgan_lib.evaluation.held_out import HeldOut
    from artgan_lib.experiments.ablation import Planned, Variety, plan_ablation, run_ablation
    from artgan_lib.gan.training import Callback
    from artgan_lib.interface.progress import TrainingProgress

    plan = plan_ablation(options.base, range(options.seeds), options.images)
    images, held_out = open_cache(options.data).images, open_cache(options.held_out).images

    def callbacks(planned: Planned) -> list[Callback]:
        looking = [HeldOut(planned.config, held_out, images), Variety(planned.config, held_out)]
        return [TrainingProgress(planned.config, lines=5), *looking]

    done = 0
    for planned, result in run_ablation(plan, images, options.out, device=options.device, callbacks=callbacks):
        done += result.finished
        print(f"{planned.name}: {result.step:,} of {planned.config.total_steps:,} steps; {done} of {len(plan)} runs")
    return 0 if done == len(plan) else 130
