"""The command `artgan`: reads arguments, calls the library, prints what came of it. Thin on purpose.

Exit status: 0 done, 1 a notebook failed, 2 a wrong input (one sentence on stderr), 130 interrupted.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from artgan_lib import __version__
from artgan_lib.downloads import make_folders_absolute
from artgan_lib.errors import ArtganError
from artgan_lib.interface import commands, evaluation_commands, studio_commands
from artgan_lib.presets import PROFILES, VARIANTS

RESULTS = Path("results")


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
    parser = _Parser(prog="artgan", description="GANs that paint: prepare, train, generate.")
    parser.add_argument("--version", action="version", version=f"artgan {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    command = _add(subparsers, "prepare", commands.prepare, "make a training cache of a folder or tar of paintings")
    command.add_argument("source", metavar="SOURCE", type=_path, help="folder, tar, tar.gz or zip of paintings")
    command.add_argument("--out", metavar="CACHE", type=_path, required=True, help="folder of the cache")
    command.add_argument("--size", type=int, default=64, help="side in pixels (default %(default)s)")
    command.add_argument("--split", choices=("train", "test", "val"), help="take only this split")
    command.add_argument("--style", action="append", default=[], help="take only this style; may be given again")
    command.add_argument("--limit", type=int, metavar="N", help="take at most so many, spread evenly")
    command.add_argument("--overwrite", action="store_true", help="replace a cache that lies there")

    data = subparsers.add_parser(
        "data", help="fetch or survey a collection", description="Fetch or survey a collection."
    )
    steps = data.add_subparsers(required=True, metavar="STEP", title="steps")
    command = _add(steps, "fetch", commands.fetch, "fetch ArtBench-10, or check and take a copy of it")
    command.add_argument(
        "--form", default="imagefolder-split", help="imagefolder-split (default), imagefolder, python, huggingface"
    )
    command.add_argument(
        "--out", metavar="DIR", type=_path, default=Path("data/artbench10"), help="default %(default)s"
    )
    command.add_argument("--from-local", metavar="FILE", type=_path, help="a copy got elsewhere")
    command = _add(steps, "survey", commands.survey, "measure a collection of paintings and draw what was found")
    command.add_argument("source", metavar="SOURCE", type=_path, help="folder, tar, tar.gz or zip of paintings")
    command.add_argument(
        "--out", metavar="DIR", type=_path, help="folder of the tables and the page (build/survey/NAME)"
    )
    command.add_argument("--split", choices=("train", "test", "val"), help="take only this split")
    command.add_argument("--style", action="append", default=[], help="take only this style; may be given again")
    command.add_argument("--limit", type=int, metavar="N", help="take at most so many, spread evenly")

    command = _add(subparsers, "train", commands.train, "train one variant, or go on with a run that was stopped")
    command.add_argument("--variant", metavar="NAME", required=True, help=f"{', '.join(VARIANTS)} or a point of ours")
    command.add_argument("--data", metavar="CACHE", required=True, help="a cache, or the word synthetic")
    command.add_argument("--run-dir", metavar="RUN", type=_path, required=True, help="folder of the run")
    command.add_argument("--profile", choices=tuple(PROFILES), default="paper", help="default %(default)s")
    command.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="replace a setting")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    command.add_argument(
        "--fork",
        metavar="RUN",
        type=_path,
        help="begin with the state of another run, under this config",
    )
    command.add_argument(
        "--keep-every",
        type=int,
        default=5,
        metavar="K",
        help="every K-th checkpoint stays for good (default %(default)s)",
    )
    command.add_argument("--tensorboard", action="store_true", help="write the log for TensorBoard as well")

    _add(subparsers, "variants", commands.variants, "list the paper's variants and our own points of its Table 2")

    command = _add(subparsers, "generate", studio_commands.generate, "paint pictures with a trained generator")
    _painting(command)
    command.add_argument("--count", type=int, default=16, help="1 to 100 pictures (default %(default)s)")
    command.add_argument("--recipe", action="append", default=[], help="a picture by its recipe; may be given again")
    command.add_argument("--like", metavar="PICTURE", type=_path, help="make this picture again")
    command.add_argument("--vary", metavar="PICTURE", type=_path, help="paint --count neighbours of this picture")
    command.add_argument("--amount", type=float, default=0.2, help="how far they lie, 0 to 1 (default %(default)s)")
    command.add_argument("--style", help="one of the styles that the model knows")
    command.add_argument("--format", default="png", help="png, jpeg or webp (default %(default)s)")
    command.add_argument("--quality", type=int, default=95, help="1 to 100, of jpeg and webp (default %(default)s)")
    command.add_argument("--lossless", action="store_true", help="webp without loss")
    command.add_argument("--grid", action="store_true", help="add a contact sheet")
    command.add_argument("--out", metavar="DIR", type=_path, help="folder of the results (a new one below results/)")
    command.add_argument("--overwrite", action="store_true", help="replace an earlier run in that folder")

    command = _add(subparsers, "walk", studio_commands.walk, "walk from picture to picture, as a GIF, WebP or MP4")
    _painting(command)
    command.add_argument("--through", metavar="RECIPE", action="append", default=[], help="a station, as 7:3; again")
    command.add_argument("--frames", type=int, default=24, help="from station to station (default %(default)s)")
    command.add_argument("--fps", type=int, default=24, help="frames a second (default %(default)s)")
    command.add_argument("--out", metavar="FILE", type=_path, required=True, help="ending in .gif, .webp or .mp4")
    command.add_argument("--overwrite", action="store_true", help="replace a file that is there")

    command = _add(subparsers, "upscale", studio_commands.upscale, "enlarge any picture, or a folder of them")
    command.add_argument("source", metavar="IN", type=_path, help="picture or folder")
    command.add_argument("out", metavar="OUT", type=_path, help="folder of the results")
    command.add_argument("--size", type=int, metavar="PIXELS", help="of the longer side, such as 256 or 1024")
    command.add_argument("--scale", type=int, metavar="TIMES", help="2 to 64")
    command.add_argument("--format", choices=("png", "jpeg", "webp"), default="png", help="default %(default)s")
    command.add_argument("--overwrite", action="store_true", help="replace results that are there")
    _enlarging(command)

    results = subparsers.add_parser("results", help="look after results", description="Look after results.")
    steps = results.add_subparsers(required=True, metavar="STEP", title="steps")
    command = _add(steps, "list", studio_commands.results_list, "list the runs in a folder of results")
    command.add_argument("base", nargs="?", metavar="DIR", type=_path, default=RESULTS, help="default %(default)s")
    command = _add(steps, "show", studio_commands.results_show, "print what a run's manifest says")
    command.add_argument("folder", metavar="RUN", type=_path)
    command = _add(steps, "rm", studio_commands.results_rm, "remove runs, and nothing else in their folders")
    command.add_argument("folders", metavar="RUN", type=_path, nargs="+")
    command = _add(steps, "zip", studio_commands.results_zip, "pack a run into a zip file")
    command.add_argument("folder", metavar="RUN", type=_path)
    command.add_argument("--out", metavar="FILE", type=_path, help="default: beside the folder")

    command = _add(subparsers, "evaluate", evaluation_commands.evaluate, "score a generator against real pictures")
    command.add_argument("--model", metavar="FILE", type=_path, help="generator.safetensors of a run; or")
    command.add_argument("--images", metavar="DIR", type=_path, help="folder or archive of pictures to be scored")
    command.add_argument("--data", metavar="CACHE", type=_path, required=True, help="real pictures to compare with")
    command.add_argument(
        "--floor", metavar="CACHE", type=_path, help="other real pictures, for the floor (default: half of --data)"
    )
    command.add_argument("--n", type=int, default=10_000, help="pictures to be scored (default %(default)s)")
    command.add_argument("--extractor", default="inception-2015", help="feature network (default %(default)s)")
    command.add_argument("--layer", help="of the feature network, by its dimensions (default 2048)")
    command.add_argument("--weights", metavar="FILE", type=_path, help="of the feature network")
    command.add_argument("--seed", type=int, default=0, help="default %(default)s")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    command.add_argument("--offline", action="store_true", help="fetch nothing")
    command.add_argument("--out", metavar="FILE", type=_path, help="scores and card (build/scores/NAME.json)")

    command = _add(subparsers, "notebooks", commands.notebooks, "execute the numbered notebooks with papermill")
    command.add_argument("--profile", choices=tuple(PROFILES), default="demo", help="default %(default)s")
    command.add_argument("--only", metavar="NN", action="append", default=[], help="only notebooks that begin so")
    command.add_argument("-p", metavar="NAME=VALUE", dest="parameters", action="append", default=[], help="a parameter")
    command.add_argument("--out", metavar="DIR", type=_path, help="folder of the executed copies (build/notebooks)")

    command = _add(subparsers, "run", commands.run, "make pictures at 64, 256 and 1024, then execute the notebooks")
    command.add_argument("--profile", choices=tuple(PROFILES), default="demo", help="default %(default)s")

    _add(subparsers, "figures", commands.figures, "redraw the committed figures from data/results")

    return parser


def _painting(command: argparse.ArgumentParser) -> None:
    """Add what every command takes that paints."""
    command.add_argument("--model", metavar="FILE", type=_path, required=True, help="generator.safetensors of a run")
    command.add_argument("--size", type=int, default=64, help="64, 256 or 1024 pixels (default %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="same seed, same pictures (default %(default)s)")
    command.add_argument("--truncation", type=float, help="draw latent components again that are larger than this")
    _enlarging(command)


def _enlarging(command: argparse.ArgumentParser) -> None:
    """Add what every command takes that enlarges."""
    command.add_argument(
        "--upscaler", default="auto", help="a name, bicubic, lanczos or a file (default: by the device)"
    )
    command.add_argument("--backend", default="spandrel", help="spandrel (default) or realesrgan")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    command.add_argument("--offline", action="store_true", help="fetch nothing")


def _path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty path names nothing")
    return Path(text)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, as the rest of the library does."""

    def error(self, message: str) -> NoReturn:
        raise ArtganError(f"{message}; {self.prog} --help lists what there is")


def _add(
    subparsers: "argparse._SubParsersAction[_Parser]",
    name: str,
    function: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    command = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.set_defaults(command=function)
    return command
