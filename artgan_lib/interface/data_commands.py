"""What the commands of `artgan` do that fetch, survey and prepare paintings."""

import argparse
from pathlib import Path

from artgan_lib.interface.arguments import Subparsers, add_command, read_path

_SHOWN = 20  # files left out that are told one by one


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(subparsers, "prepare", prepare, "make a training cache of a folder or tar of paintings")
    command.add_argument("source", metavar="SOURCE", type=read_path, help="folder, tar, tar.gz or zip of paintings")
    command.add_argument("--out", metavar="CACHE", type=read_path, required=True, help="folder of the cache")
    command.add_argument("--size", type=int, default=64, help="side in pixels (default %(default)s)")
    command.add_argument("--split", choices=("train", "test", "val"), help="take only this split")
    command.add_argument("--style", action="append", default=[], help="take only this style; may be given again")
    command.add_argument("--limit", type=int, metavar="N", help="take at most so many, spread evenly")
    command.add_argument("--overwrite", action="store_true", help="replace a cache that lies there")

    data = subparsers.add_parser(
        "data", help="fetch or survey a collection", description="Fetch or survey a collection."
    )
    steps = data.add_subparsers(required=True, metavar="STEP", title="steps")
    command = add_command(steps, "fetch", fetch, "fetch ArtBench-10, or check and take a copy of it")
    command.add_argument(
        "--form", default="imagefolder-split", help="imagefolder-split (default), imagefolder, huggingface"
    )
    command.add_argument(
        "--out", metavar="DIR", type=read_path, default=Path("data/artbench10"), help="default %(default)s"
    )
    command.add_argument("--from-local", metavar="FILE", type=read_path, help="a copy got elsewhere")
    command = add_command(steps, "survey", survey, "measure a collection of paintings and draw what was found")
    command.add_argument("source", metavar="SOURCE", type=read_path, help="folder, tar, tar.gz or zip of paintings")
    command.add_argument(
        "--out", metavar="DIR", type=read_path, help="folder of the tables and the page (build/survey/NAME)"
    )
    command.add_argument("--split", choices=("train", "test", "val"), help="take only this split")
    command.add_argument("--style", action="append", default=[], help="take only this style; may be given again")
    command.add_argument("--limit", type=int, metavar="N", help="take at most so many, spread evenly")


def prepare(options: argparse.Namespace) -> int:
    """Make a training cache."""
    from artgan_lib.data.preprocessing import prepare
    from artgan_lib.interface.terminal import counter

    cache = prepare(
        options.source,
        options.out,
        size=options.size,
        split=options.split,
        styles=options.style,
        limit=options.limit,
        overwrite=options.overwrite,
        progress=counter("preparing"),
    )
    quarantined = cache.manifest["quarantined"]
    for bad in quarantined[:_SHOWN]:
        print(f"left out: {bad['name']}: {bad['reason']}")
    if len(quarantined) > _SHOWN:
        print(f"left out: {len(quarantined) - _SHOWN:,} more, all named in {options.out / 'manifest.json'}")
    print(f"{len(cache.images):,} pictures in {len(cache.styles)} styles -> {options.out}; {len(quarantined)} left out")
    return 0


def fetch(options: argparse.Namespace) -> int:
    """Fetch or take ArtBench-10."""
    from artgan_lib.data.artbench import fetch_artbench
    from artgan_lib.interface.terminal import counter

    archive = fetch_artbench(
        options.form, options.out, from_local=options.from_local, progress=counter("fetching", "B")
    )
    print(f"ArtBench-10, {options.form} -> {archive}")
    return 0


def survey(options: argparse.Namespace) -> int:
    """Measure a collection."""
    from matplotlib.figure import Figure

    from artgan_lib.data.survey import survey
    from artgan_lib.interface.figures import save_figure
    from artgan_lib.interface.survey_page import draw_survey
    from artgan_lib.interface.terminal import counter

    found = survey(
        options.source,
        split=options.split,
        styles=options.style,
        limit=options.limit,
        progress=counter("surveying"),
    )
    name = options.source.name.split(".")[0]
    out = options.out or Path("build/survey") / name
    found.write(out)
    page = save_figure(draw_survey(found, Figure(figsize=(16, 9), layout="constrained"), name), out / "survey.png")
    for bad in found.unreadable.head(_SHOWN).itertuples():
        print(f"not readable: {bad.name}: {bad.reason}")
    print(found.styles().round(2).to_string())
    pairs, across = len(found.duplicates), int(found.duplicates["across"].sum())
    print(f"{len(found.pictures):,} pictures, {len(found.unreadable):,} not readable, {pairs:,} near-duplicate pairs,")
    print(f"{across:,} of them across splits -> {page}")
    return 0
