"""What the commands of `artgan` do that train for hours by a plan."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan_lib.errors import ArtganError
from artgan_lib.interface.arguments import Subparsers, add_command, read_path

if TYPE_CHECKING:
    from artgan_lib.config import TrainConfig
    from artgan_lib.evaluation.callbacks.scores import Measuring


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
    command.add_argument("--test", metavar="CACHE", help="paintings that were not trained on: measure checkpoints, too")
    command.add_argument(
        "--measure-every", type=int, metavar="K", help="measure every K epochs while training, and keep the best, too"
    )
    command.add_argument("--points", type=int, default=5, help="checkpoints of a run to measure (default %(default)s)")
    command.add_argument("--count", type=int, default=1000, help="pictures for a measurement (default %(default)s)")
    command.add_argument("--extractor", default="inception-2015", help="feature network (default %(default)s)")
    command.add_argument("--layer", help="of the feature network, by its dimensions (default: the deepest it has)")
    command.add_argument("--out", metavar="DIR", type=read_path, help="gather generators, logs and grids in few files")
    command.add_argument("--record", action="store_true", help="put what tells of the runs into data/results/campaign")
    command.add_argument("--ship", action="store_true", help="put the best generators into data/pretrained, and record")


def campaign(options: argparse.Namespace) -> int:
    """Train what is missing, then measure, gather and ship what there is, as far as it is asked for."""
    from artgan_lib.config import known
    from artgan_lib.data.preprocessing import load_images
    from artgan_lib.evaluation.collapse.watch import CollapseWatch
    from artgan_lib.experiments.campaign import plan, train_plan
    from artgan_lib.gan.training import Callback
    from artgan_lib.interface.progress import TrainingProgress

    configs = plan(options.plan, options.seed)
    chosen = [known(variant, configs, "variant") for variant in options.only]
    configs = {variant: config for variant, config in configs.items() if not chosen or variant in chosen}
    if options.measure_every is not None and not options.test:
        raise ArtganError("--measure-every needs --test, the paintings to measure against")

    pictures = load_images(options.data)

    def callbacks(config: "TrainConfig") -> list[Callback]:
        watch = CollapseWatch(config, pictures.images, pictures.labels, tell=lambda line: print(line, flush=True))
        told: list[Callback] = [watch, TrainingProgress(config)]
        if options.measure_every is not None:
            told.insert(0, _measuring(options, options.measure_every, config.epochs))
        return told

    finished = 0
    for result in train_plan(
        configs, pictures.images, options.runs, options.budget, device=options.device, callbacks=callbacks
    ):
        config = configs[result.run_dir.name]
        finished += result.finished
        state = "done" if result.finished else f"stopped{result.reason and f' ({result.reason})'}"
        seen = f"{result.step * config.batch_size:,} of {config.total_steps * config.batch_size:,} images"
        print(f"{config.variant}: {state}, {seen} -> {result.run_dir}", flush=True)
    if options.test:
        _score(options, list(configs))
    if options.ship or options.record:
        _keep(options, list(configs))
    if options.out:
        _gather(options)
    if finished < len(configs):
        print(f"{finished} of {len(configs)} variants are done; the same command goes on")
    return 0


def _measuring(options: argparse.Namespace, every: int = 1, epochs: int = 1) -> "Measuring":
    """Make what scores a generator against paintings that were not trained on."""
    from artgan_lib.data.preprocessing import load_images
    from artgan_lib.evaluation.callbacks.scores import Measuring
    from artgan_lib.evaluation.features import load_extractor
    from artgan_lib.gan.models import choose_device
    from artgan_lib.interface.terminal import counter

    real = load_images(options.test).images
    shown = counter("looking at real pictures")
    return Measuring(
        real,
        load_extractor(
            options.extractor,
            options.layer,
            device=choose_device(options.device),
            download=False,
        ),
        every=every,
        epochs=epochs,
        count=options.count,
        seed=options.seed,
        about_real=Path(options.test).name,
        progress=lambda done: shown(done, len(real)),
    )


def _score(options: argparse.Namespace, variants: list[str]) -> None:
    """Score checkpoints of each run that has some."""
    from artgan_lib.experiments.harvest import find_runs
    from artgan_lib.experiments.shipping import score_run, spread

    measuring = _measuring(options)
    card = measuring.card
    for variant, run in find_runs(options.runs).items():
        if variant not in variants:
            continue

        def tell(point: dict[str, Any], variant: str = variant) -> None:
            numbers = f"{card.kernel_name} {point[card.kernel_name]:.5f}"
            if card.name in point:
                numbers += f"  {card.name} {point[card.name]:.4f}"
            print(f"{variant}  {point['images_seen']:>9,} images  {point['kind']:<8}  {numbers}", flush=True)

        score_run(
            run, measuring.measure, card.to_dict(), checkpoints=spread(run.saved(), options.points), progress=tell
        )


def _keep(options: argparse.Namespace, variants: list[str]) -> None:
    """Put records of each run, and its best measured generator if it is to be shipped, into the project's folder."""
    from artgan_lib.experiments.harvest import find_runs
    from artgan_lib.experiments.shipping import record, ship
    from artgan_lib.interface.notebooks import project_root

    for variant, run in find_runs(options.runs).items():
        if variant in variants:
            for path in (ship if options.ship else record)(run, variant, project_root()):
                print(path)


def _gather(options: argparse.Namespace) -> None:
    """Gather generators, logs and grids in few files."""
    from artgan_lib.experiments.harvest import bring_home

    files, left_out = bring_home(options.runs, options.out)
    for path in files:
        print(path)
    for what in left_out:
        print(f"left out: {what}", file=sys.stderr)
