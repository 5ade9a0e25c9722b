"""What the commands of `artgan` do that train for hours by a plan."""

import argparse
import sys
from pathlib import Path

from artgan_lib.interface.arguments import Subparsers, add_command, read_path


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(subparsers, "campaign", campaign, "train the three variants by a plan, as long as is given")
    command.add_argument("--data", metavar="CACHE", required=True, help="paintings to train on")
    command.add_argument("--budget", type=float, default=150, metavar="MINUTES", help="of training (default 150)")
    command.add_argument("--plan", default="cpu", help="cpu (default), paper or smoke")
    command.add_argument("--only", metavar="VARIANT", action="append", default=[], help="one variant; may be repeated")
    command.add_argument(
        "--runs", metavar="DIR", type=read_path, default=Path("runs/campaign"), help="of all runs (default %(default)s)"
    )
    command.add_argument("--seed", type=int, default=0, help="default %(default)s")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    command.add_argument("--out", metavar="DIR", type=read_path, help="gather generators, logs and grids in few files")


def campaign(options: argparse.Namespace) -> int:
    """Train what is missing, then gather what there is."""
    from artgan_lib.config import known
    from artgan_lib.data.preprocessing import load_pictures
    from artgan_lib.experiments.campaign import plan, train_plan
    from artgan_lib.experiments.harvest import bring_home
    from artgan_lib.interface.progress import TrainingProgress

    configs = plan(options.plan, options.seed)
    chosen = [known(variant, configs, "variant") for variant in options.only]
    configs = {variant: config for variant, config in configs.items() if not chosen or variant in chosen}
    pictures = load_pictures(options.data).images
    finished = 0
    for result in train_plan(
        configs,
        pictures,
        options.runs,
        options.budget,
        device=options.device,
        callbacks=lambda config: [TrainingProgress(config)],
    ):
        config = configs[result.run_dir.name]
        finished += result.finished
        state = "done" if result.finished else f"stopped{result.reason and f' ({result.reason})'}"
        seen = f"{result.step * config.batch_size:,} of {config.total_steps * config.batch_size:,} images"
        print(f"{config.variant}: {state}, {seen} -> {result.run_dir}", flush=True)
    if options.out:
        files, left_out = bring_home(options.runs, options.out)
        for path in files:
            print(path)
        for what in left_out:
            print(f"left out: {what}", file=sys.stderr)
    if finished < len(configs):
        print(f"{finished} of {len(configs)} variants are done; the same command goes on")
    return 0
