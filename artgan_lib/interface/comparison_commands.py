"""What the commands of `artgan` do that set runs side by side."""

import argparse

from artgan_lib.interface.arguments import Subparsers, add_command, read_path


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(subparsers, "ablation", ablation, "train runs that differ in their initial weights alone")
    command.add_argument("--data", metavar="CACHE", type=read_path, required=True, help="pictures to train on")
    command.add_argument("--held-out", metavar="CACHE", type=read_path, required=True, help="others, to measure with")
    command.add_argument("--out", metavar="DIR", type=read_path, required=True, help="folder of all runs")
    command.add_argument("--base", default="dcgan", help="variant that is kept but for its weights (%(default)s)")
    command.add_argument("--seeds", type=int, default=3, help="runs of each scheme (default %(default)s)")
    command.add_argument("--images", type=int, default=64_000, help="seen by each run (default %(default)s)")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")


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
