"""What the command of `artgan` does that searches the values of Table 2."""

import argparse
from typing import TYPE_CHECKING

from artgan_lib.errors import ArtganError
from artgan_lib.interface.arguments import Subparsers, add_command, read_path

if TYPE_CHECKING:
    import optuna


def register(subparsers: Subparsers) -> None:
    """Describe the command of this module."""
    command = add_command(subparsers, "search", search, "search the paper's Table 2 with Optuna, in short trainings")
    command.add_argument(
        "--study", metavar="FILE", type=read_path, required=True, help=".db for SQLite, else a journal"
    )
    command.add_argument(
        "--data", metavar="CACHE", help="a cache, or the word synthetic; without it FILE is only told of"
    )
    command.add_argument("--trials", type=int, default=40, help="of the study, by all processes (default %(default)s)")
    command.add_argument("--images", type=int, default=8192, help="that a trial sees (default %(default)s)")
    command.add_argument("--looks", type=int, default=4, help="at which a trial is scored (default %(default)s)")
    command.add_argument("--pictures", type=int, default=256, help="painted at a look (default %(default)s)")
    command.add_argument("--width", type=int, default=16, help="of the networks (default %(default)s)")
    command.add_argument("--batches", default="16,32,64", help="sizes to try (default %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="default %(default)s")
    command.add_argument("--extractor", default="random-projection", help="feature network (default %(default)s)")
    command.add_argument("--layer", help="of the feature network, by its dimensions")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    command.add_argument("--offline", action="store_true", help="fetch nothing")
    command.add_argument("--out", metavar="DIR", type=read_path, help="write trials.csv and study.json there")


def search(options: argparse.Namespace) -> int:
    """Work on a study, or tell of one; 130 if interrupted."""
    from artgan_lib.experiments.study import export_study, importances, open_study, trials_table

    came_far = _work(options) if options.data else True
    study = open_study(options.study)
    table = trials_table(study)
    if not len(table):
        print(f"no trial of {options.study} is finished yet")
        return 0 if came_far else 130
    shown = ["trial", "outcome", "kernel", "loss", "lr", "batch_size", "optimizer", "judge_updates"]
    print(table[shown].head(8).to_string(index=False, na_rep="-"))
    print(", ".join(f"{count} {name}" for name, count in table["outcome"].value_counts().items()))
    try:
        first = list(importances(study).items())[:5]
        print("matters most: " + ", ".join(f"{name} {value:.0%}" for name, value in first))
    except ArtganError as error:
        print(error)
    for path in export_study(study, options.out) if options.out else ():
        print(path)
    return 0 if came_far else 130


def _work(options: argparse.Namespace) -> bool:
    from artgan_lib.data.preprocessing import load_images
    from artgan_lib.evaluation.features import load_extractor
    from artgan_lib.experiments.search import Search
    from artgan_lib.experiments.study import Budget
    from artgan_lib.gan.models import choose_device

    try:
        batches = tuple(int(size) for size in options.batches.split(","))
    except ValueError:
        raise ArtganError(f"--batches takes three whole numbers, as 16,32,64, not {options.batches!r}") from None
    budget = Budget(options.images, options.looks, options.pictures, options.width, batches, options.seed)
    where = choose_device(options.device)
    extractor = load_extractor(options.extractor, options.layer, device=where, download=not options.offline)
    pictures = load_images(options.data)
    study = Search(options.study, pictures.images, extractor, budget, options.device)
    return study.run(options.trials, _tell)


def _tell(trial: "optuna.trial.FrozenTrial") -> None:
    value = f"{trial.value:.4f}" if trial.value is not None else "-"
    told = trial.user_attrs.get("reason") or "done"
    print(f"trial {trial.number:>3}  {value:>8}  {trial.user_attrs.get('seconds', 0):6.1f} s  {told}", flush=True)
