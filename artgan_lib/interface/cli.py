"""The command `artgan`: reads arguments, calls the library, prints what came of it. Thin on purpose.

Exit status: 0 done, 1 a notebook failed, 2 a wrong input (one sentence on stderr), 130 interrupted.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from artgan_lib import __version__
from artgan_lib.config import PROFILES, VARIANTS, parse_setting, preset
from artgan_lib.downloads import make_folders_absolute
from artgan_lib.errors import ArtganError

_SHOWN = 20  # files left out that are told one by one
DEFAULT_UPSCALER = "realesr-general-x4v3"  # spelt out, so that --help needs no PyTorch; a test holds it


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
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    command = _add(commands, "prepare", _prepare, "make a training cache of a folder or tar of paintings")
    command.add_argument("source", metavar="SOURCE", type=_path, help="folder, tar, tar.gz or zip of paintings")
    command.add_argument("--out", metavar="CACHE", type=_path, required=True, help="folder of the cache")
    command.add_argument("--size", type=int, default=64, help="side in pixels (default %(default)s)")
    command.add_argument("--split", choices=("train", "test", "val"), help="take only this split")
    command.add_argument("--style", action="append", default=[], help="take only this style; may be given again")
    command.add_argument("--limit", type=int, metavar="N", help="take at most so many, spread evenly")
    command.add_argument("--overwrite", action="store_true", help="replace a cache that lies there")

    data = commands.add_parser("data", help="fetch or survey a collection", description="Fetch or survey a collection.")
    steps = data.add_subparsers(required=True, metavar="STEP", title="steps")
    command = _add(steps, "fetch", _fetch, "fetch ArtBench-10, or check and take a copy of it")
    command.add_argument(
        "--form", default="imagefolder-split", help="imagefolder-split (default), imagefolder, python, huggingface"
    )
    command.add_argument(
        "--out", metavar="DIR", type=_path, default=Path("data/artbench10"), help="default %(default)s"
    )
    command.add_argument("--from-local", metavar="FILE", type=_path, help="a copy got elsewhere")
    command = _add(steps, "survey", _survey, "measure a collection of paintings and draw what was found")
    command.add_argument("source", metavar="SOURCE", type=_path, help="folder, tar, tar.gz or zip of paintings")
    command.add_argument(
        "--out", metavar="DIR", type=_path, help="folder of the tables and the page (build/survey/NAME)"
    )
    command.add_argument("--split", choices=("train", "test", "val"), help="take only this split")
    command.add_argument("--style", action="append", default=[], help="take only this style; may be given again")
    command.add_argument("--limit", type=int, metavar="N", help="take at most so many, spread evenly")

    command = _add(commands, "train", _train, "train one variant, or go on with a run that was stopped")
    command.add_argument("--variant", choices=VARIANTS, required=True)
    command.add_argument("--data", metavar="CACHE", required=True, help="a cache, or the word synthetic")
    command.add_argument("--run-dir", metavar="RUN", type=_path, required=True, help="folder of the run")
    command.add_argument("--profile", choices=tuple(PROFILES), default="paper", help="default %(default)s")
    command.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="replace a setting")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")

    command = _add(commands, "generate", _generate, "paint pictures with a trained generator")
    command.add_argument("--model", metavar="FILE", type=_path, required=True, help="generator.safetensors of a run")
    command.add_argument("--count", type=int, default=16, help="1 to 100 pictures (default %(default)s)")
    command.add_argument("--size", type=int, default=64, help="64, 256 or 1024 pixels (default %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="same seed, same pictures (default %(default)s)")
    command.add_argument("--format", default="png", help="png, jpeg or webp (default %(default)s)")
    command.add_argument("--quality", type=int, default=95, help="1 to 100, of jpeg and webp (default %(default)s)")
    command.add_argument("--grid", action="store_true", help="add a contact sheet")
    command.add_argument(
        "--upscaler", default=DEFAULT_UPSCALER, help="a name, bicubic, or a file (default %(default)s)"
    )
    command.add_argument("--out", metavar="DIR", type=_path, required=True, help="folder of the results")
    command.add_argument("--overwrite", action="store_true", help="replace an earlier run in that folder")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")

    command = _add(commands, "notebooks", _notebooks, "execute the numbered notebooks with papermill")
    command.add_argument("--profile", choices=tuple(PROFILES), default="demo", help="default %(default)s")
    command.add_argument("--only", metavar="NN", action="append", default=[], help="only notebooks that begin so")
    command.add_argument("-p", metavar="NAME=VALUE", dest="parameters", action="append", default=[], help="a parameter")
    command.add_argument("--out", metavar="DIR", type=_path, help="folder of the executed copies (build/notebooks)")

    command = _add(commands, "run", _run, "make pictures at 64, 256 and 1024, then execute the notebooks")
    command.add_argument("--profile", choices=tuple(PROFILES), default="demo", help="default %(default)s")

    _add(commands, "figures", _figures, "redraw the committed figures from data/results")

    return parser


def _path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty path names nothing")
    return Path(text)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, as the rest of the library does."""

    def error(self, message: str) -> NoReturn:
        raise ArtganError(f"{message}; {self.prog} --help lists what there is")


def _add(
    commands: "argparse._SubParsersAction[_Parser]",
    name: str,
    function: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.set_defaults(command=function)
    return command


def _prepare(options: argparse.Namespace) -> int:
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


def _fetch(options: argparse.Namespace) -> int:
    from artgan_lib.data.artbench import fetch_artbench
    from artgan_lib.interface.terminal import counter

    archive = fetch_artbench(
        options.form, options.out, from_local=options.from_local, progress=counter("fetching", "B")
    )
    print(f"ArtBench-10, {options.form} -> {archive}")
    return 0


def _survey(options: argparse.Namespace) -> int:
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


def _generate(options: argparse.Namespace) -> int:
    from artgan_lib.interface.progress import JobProgress
    from artgan_lib.studio.pipeline import ConvertingSettings, EnhancingSettings, GenerationJob, GenerationSettings

    job = GenerationJob(
        GenerationSettings(options.model, options.count, options.seed),
        EnhancingSettings(options.size, options.upscaler),
        ConvertingSettings(options.format, options.quality, options.grid),
        options.out,
        overwrite=options.overwrite,
        device=options.device,
    )
    with JobProgress() as progress:
        result = job.run(progress)
    seconds = ", ".join(f"{stage} {value:.1f} s" for stage, value in result.stage_seconds.items())
    print(f"{len(result.pictures)} pictures of {options.size} x {options.size} -> {result.folder} ({seconds})")
    return 0


def _notebooks(options: argparse.Namespace) -> int:
    from artgan_lib.interface.notebooks import find_notebooks, project_root, run_notebooks

    root = project_root()
    parameters = {"PROFILE": options.profile} | dict(_notebook_parameter(text) for text in options.parameters)
    out = options.out or root / "build" / "notebooks"
    runs = run_notebooks(
        find_notebooks(root / "notebooks", options.only),
        out,
        parameters,
        lambda name: print(f"{name:<24}", end="", flush=True),
        lambda run: print(f" {run.seconds:6.1f} s  {'FAILED' if run.error else 'done'}", flush=True),
    )
    for run in runs:
        if run.error:
            print(f"\n{run.name}:{run.error}", file=sys.stderr)
    return int(any(run.error for run in runs))


def _run(options: argparse.Namespace) -> int:
    import time

    from artgan_lib.interface.demo import run_demo, upscaler_remark
    from artgan_lib.interface.notebooks import project_root

    root, begun = project_root(), time.perf_counter()
    made = run_demo(
        root,
        options.profile,
        lambda what: print(f"{what} ...", end="", flush=True),
        lambda part: print(f" {part.seconds:.1f} s", flush=True),
    )
    print(f"\n{'made':<54} {'seconds':>8}  where")
    for part in made:
        where = "FAILED" if part.error else part.where.relative_to(root)
        print(f"{part.what:<54} {part.seconds:8.1f}  {where}")
    print(f"{'all':<54} {time.perf_counter() - begun:8.1f}")
    print(upscaler_remark())
    for part in made:
        if part.error:
            print(f"\n{part.what}:{part.error}", file=sys.stderr)
    return int(any(part.error for part in made))


def _figures(options: argparse.Namespace) -> int:
    from artgan_lib.interface.notebooks import project_root
    from artgan_lib.interface.redraw import redraw_figures

    for path in redraw_figures(project_root()):
        print(path)
    return 0


def _notebook_parameter(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is JSON where it can be (numbers, true, false), else a text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ArtganError(f"-p takes NAME=VALUE, not {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
