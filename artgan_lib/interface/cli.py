"""The command `artgan`: reads arguments, calls the library, prints what came of it. Thin on purpose.

Exit status: 0 done, 1 a notebook failed, 2 a wrong input (one sentence on stderr), 130 interrupted.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from artgan_lib import __version__
from artgan_lib.config import PROFILES, VARIANTS, parse_setting, preset
from artgan_lib.errors import ArtganError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        options = build_parser().parse_args(arguments)
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except ArtganError as error:
        print(f"artgan: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(f"artgan: {what}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("artgan: interrupted", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """Describe every command; README and the tests read it from here."""
    parser = argparse.ArgumentParser(prog="artgan", description="GANs that paint: prepare, train, generate.")
    parser.add_argument("--version", action="version", version=f"artgan {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    command = _add(commands, "prepare", _prepare, "make a training cache of a folder or tar of paintings")
    command.add_argument("source", metavar="SOURCE", type=Path, help="ImageFolder or uncompressed tar of one")
    command.add_argument("--out", metavar="CACHE", type=Path, required=True, help="folder of the cache")
    command.add_argument("--size", type=int, default=64, help="side in pixels (default %(default)s)")
    command.add_argument("--split", choices=("train", "test", "val"), help="take only this split")
    command.add_argument("--overwrite", action="store_true", help="replace a cache that lies there")

    command = _add(commands, "train", _train, "train one variant, or go on with a run that was stopped")
    command.add_argument("--variant", choices=VARIANTS, required=True)
    command.add_argument("--data", metavar="CACHE", required=True, help="a cache, or the word synthetic")
    command.add_argument("--run-dir", metavar="RUN", type=Path, required=True, help="folder of the run")
    command.add_argument("--profile", choices=tuple(PROFILES), default="paper", help="default %(default)s")
    command.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="replace a setting")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")

    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    function: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.set_defaults(command=function)
    return command


def _prepare(options: argparse.Namespace) -> int:
    from artgan_lib.data.preprocessing import prepare
    from artgan_lib.interface.progress import counter

    cache = prepare(
        options.source,
        options.out,
        size=options.size,
        split=options.split,
        overwrite=options.overwrite,
        progress=counter("preparing"),
    )
    quarantined = cache.manifest["quarantined"]
    for bad in quarantined:
        print(f"left out: {bad['name']}: {bad['reason']}")
    print(f"{len(cache.images):,} pictures in {len(cache.styles)} styles -> {options.out}; {len(quarantined)} left out")
    return 0


def _train(options: argparse.Namespace) -> int:
    from artgan_lib.config import profile
    from artgan_lib.data.preprocessing import load_pictures
    from artgan_lib.gan.training import train
    from artgan_lib.interface.progress import TrainingProgress

    config = preset(options.variant, options.profile, **dict(parse_setting(text) for text in options.set))
    pictures = load_pictures(options.data, pictures=profile(options.profile).pictures)
    result = train(
        config, pictures.images, options.run_dir, device=options.device, callbacks=[TrainingProgress(config)]
    )
    state = "done" if result.finished else "stopped; the same command goes on"
    print(f"{state}: {result.step:,} of {config.total_steps:,} steps -> {result.generator}")
    return 0
