"""What the modules of commands share to describe their arguments."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeAlias

from artgan_lib.errors import ArtganError


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, as the rest of the library does."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        raise ArtganError(f"{message}; {self.prog} --help lists what there is")


Subparsers: TypeAlias = "argparse._SubParsersAction[Parser]"


def add_command(
    subparsers: Subparsers, name: str, function: Callable[[argparse.Namespace], int], summary: str
) -> argparse.ArgumentParser:
    """Add a command and return its parser.

    Args:
        subparsers: Where to.
        name: As it is typed.
        function: Gets the parsed arguments and returns the exit status.
        summary: What it does, beginning in lower case.
    """
    command = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.set_defaults(command=function)
    return command


def read_path(text: str) -> Path:
    """Read a path; an empty one is refused."""
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty path names nothing")
    return Path(text)
