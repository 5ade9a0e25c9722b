"""The command `artgan`: gathers the modules of commands, runs one, turns what is raised into one sentence.

Exit status: 0 done, 1 a notebook failed, 2 a wrong input (one sentence on stderr), 130 interrupted.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from artgan_lib import __version__
from artgan_lib.downloads import make_folders_absolute
from artgan_lib.errors import ArtganError
from artgan_lib.interface import (
    collapse_commands,
    comparison_commands,
    data_commands,
    evaluation_commands,
    panel_commands,
    search_commands,
    series_commands,
    studio_commands,
    training_commands,
)
from artgan_lib.interface.arguments import Parser

FAMILIES = (
    data_commands,
    training_commands,
    studio_commands,
    panel_commands,
    evaluation_commands,
    search_commands,
    comparison_commands,
    collapse_commands,
    series_commands,
)
"""Modules of commands, in the order in which `artgan --help` lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        make_folders_absolute()
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
    parser = Parser(prog="artgan", description="GANs that paint: prepare, train, generate.")
    parser.add_argument("--version", action="version", version=f"artgan {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for family in FAMILIES:
        family.register(subparsers)
    return parser
