"""What the commands of `artgan` do that make pictures and look after results."""

import argparse
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from artgan_lib.errors import ArtganError
from artgan_lib.interface.arguments import Subparsers, add_command, read_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from artgan_lib.studio.upscaling import Upscaler

MAX_FRAMES = 2000  # of a walk: more than a minute of film
_SLOW = 10  # seconds from which a run's length is told before it begins
RESULTS = Path("results")


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(subparsers, "generate", generate, "paint pictures with a trained generator")
    _add_painting(command)
    command.add_argument("--count", type=int, default=16, help="1 to 100 pictures (default %(default)s)")
    command.add_argument("--recipe", action="append", default=[], help="a picture by its recipe; may be given again")
    command.add_argument("--like", metavar="PICTURE", type=read_path, help="make this picture again")
    command.add_argument("--vary", metavar="PICTURE", type=read_path, help="paint --count neighbours of this picture")
    command.add_argument("--amount", type=float, default=0.2, help="how far they lie, 0 to 1 (default %(default)s)")
    command.add_argument("--format", default="png", help="png, jpeg or webp (default %(default)s)")
    command.add_argument("--quality", type=int, default=95, help="1 to 100, of jpeg and webp (default %(default)s)")
    command.add_argument("--lossless", action="store_true", help="webp without loss")
    command.add_argument("--grid", action="store_true", help="add a contact sheet")
    command.add_argument(
        "--out", metavar="DIR", type=read_path, help="folder of the results (a new one below results/)"
    )
    command.add_argument("--overwrite", action="store_true", help="replace an earlier run in that folder")

    command = add_command(subparsers, "walk", walk, "walk from picture to picture, as a GIF, WebP or MP4")
    _add_painting(command)
    command.add_argument("--through", metavar="RECIPE", action="append", default=[], help="a station, as 7:3; again")
    command.add_argument("--frames", type=int, default=24, help="from station to station (default %(default)s)")
    command.add_argument("--fps", type=int, default=24, help="frames a second (default %(default)s)")
    command.add_argument("--out", metavar="FILE", type=read_path, required=True, help="ending in .gif, .webp or .mp4")
    command.add_argument("--overwrite", action="store_true", help="replace a file that is there")

    command = add_command(subparsers, "upscale", upscale, "enlarge any picture, or a folder of them")
    command.add_argument("source", metavar="IN", type=read_path, help="picture or folder")
    command.add_argument("out", metavar="OUT", type=read_path, help="folder of the results")
    command.add_argument("--size", type=int, metavar="PIXELS", help="of the longer side, such as 256 or 1024")
    command.add_argument("--scale", type=int, metavar="TIMES", help="2 to 64")
    command.add_argument("--format", choices=("png", "jpeg", "webp"), default="png", help="default %(default)s")
    command.add_argument("--overwrite", action="store_true", help="replace results that are there")
    _add_enlarging(command)

    command = add_command(subparsers, "models", models, "list the generators that came with the clone, the best first")
    command.add_argument("folder", nargs="?", metavar="DIR", type=read_path, help="another folder of generators")

    results = subparsers.add_parser("results", help="look after results", description="Look after results.")
    steps = results.add_subparsers(required=True, metavar="STEP", title="steps")
    command = add_command(steps, "list", results_list, "list the runs in a folder of results")
    command.add_argument("base", nargs="?", metavar="DIR", type=read_path, default=RESULTS, help="default %(default)s")
    command = add_command(steps, "show", results_show, "print what a run's manifest says")
    command.add_argument("folder", metavar="RUN", type=read_path)
    command = add_command(steps, "rm", results_rm, "remove runs, and nothing else in their folders")
    command.add_argument("folders", metavar="RUN", type=read_path, nargs="+")
    command = add_command(steps, "zip", results_zip, "pack a run into a zip file")
    command.add_argument("folder", metavar="RUN", type=read_path)
    command.add_argument("--out", metavar="FILE", type=read_path, help="default: beside the folder")


def _add_painting(command: argparse.ArgumentParser) -> None:
    """Add what every command takes that paints."""
    command.add_argument(
        "--model", metavar="FILE", type=read_path, help="generator.safetensors of a run (default: the best that came)"
    )
    command.add_argument("--size", type=int, default=64, help="64, 256 or 1024 pixels (default %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="same seed, same pictures (default %(default)s)")
    command.add_argument("--style", help="one of the model's styles, or a mixture such as baroque*0.7+ukiyo_e*0.3")
    command.add_argument("--truncation", type=float, help="draw latent components again that are larger than this")
    _add_enlarging(command)


def _add_enlarging(command: argparse.ArgumentParser) -> None:
    """Add what every command takes that enlarges."""
    command.add_argument(
        "--upscaler",
        default="auto",
        help="name of a network, ONE+OTHER (first pass + later passes), bicubic, lanczos, or a file (default: "
        "Real-ESRGAN as suits the device)",
    )
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    command.add_argument("--offline", action="store_true", help="fetch nothing")


def generate(options: argparse.Namespace) -> int:
    """Paint pictures."""
    from artgan_lib.interface.progress import JobProgress
    from artgan_lib.shipped import best_generator
    from artgan_lib.studio.again import origin_of, settings_like
    from artgan_lib.studio.pipeline import GenerationJob
    from artgan_lib.studio.recipes import Recipe, variations
    from artgan_lib.studio.settings import ConvertingSettings, EnhancingSettings, GenerationSettings

    if sum(map(bool, (options.recipe, options.like, options.vary))) > 1:
        raise ArtganError("--recipe, --like and --vary exclude one another")
    enhancing = EnhancingSettings(options.size, options.upscaler)
    converting = ConvertingSettings(options.format, options.quality, options.grid, options.lossless)
    if options.like:
        again = settings_like(options.like, options.model, options.upscaler)
        generation, enhancing, converting = again.generation, again.enhancing, again.converting
    else:
        model, recipes = options.model, tuple(options.recipe)
        truncation, style = options.truncation, options.style
        if options.vary:
            found, model = origin_of(options.vary, model)
            base = Recipe.parse(str(found["recipe"]))
            recipes = tuple(str(recipe) for recipe in variations(base, options.amount, options.count, options.seed))
            truncation = found.get("truncation") if truncation is None else truncation
            style = style or found.get("style")
        generation = GenerationSettings(
            model or best_generator(), options.count, options.seed, recipes, truncation, style
        )
    job = GenerationJob(
        generation,
        enhancing,
        converting,
        options.out,
        overwrite=options.overwrite,
        device=options.device,
        download=not options.offline,
    )
    if options.like:
        for difference in again.differences + again.enlarger_differences(job.enlarger):
            print(f"not as it was then: {difference}", file=sys.stderr)
    if job.note:
        print(job.note, file=sys.stderr)
    seconds = job.estimate()
    if seconds > _SLOW:
        print(f"{generation.count} pictures of {enhancing.size} x {enhancing.size}: about {_duration(seconds)}")
    with JobProgress() as progress:
        result = job.run(progress)
    told = ", ".join(f"{stage} {value:.1f} s" for stage, value in result.stage_seconds.items())
    size = enhancing.size
    print(f"{len(result.pictures)} pictures of {size} x {size} -> {result.folder} ({told})")
    return 0


def walk(options: argparse.Namespace) -> int:
    """Write a walk through the latent space as a moving picture."""
    from artgan_lib.gan.checkpoints import load_generator
    from artgan_lib.gan.models import choose_device
    from artgan_lib.gan.sampling import check_styles, parse_styles
    from artgan_lib.interface.terminal import counter
    from artgan_lib.shipped import best_generator
    from artgan_lib.studio.animation import check_animation, write_animation
    from artgan_lib.studio.recipes import Recipe, numbered, walk
    from artgan_lib.studio.sampling import paint_batches
    from artgan_lib.studio.upscaling import passes

    check_animation(options.out, options.fps)
    if options.out.exists() and not options.overwrite:
        raise ArtganError(f"{options.out} is there already; name another file or add --overwrite")
    stations = [Recipe.parse(text) for text in options.through] or numbered(options.seed, 4)
    if options.frames * len(stations) > MAX_FRAMES:
        raise ArtganError(f"a walk has at most {MAX_FRAMES:,} frames, not {options.frames * len(stations):,}")
    path = walk(stations, options.frames, closed=True)
    where = choose_device(options.device)
    model = options.model or best_generator()
    generator, _ = load_generator(model)
    styles = parse_styles(options.style)
    check_styles(generator.classes, styles or {})
    upscaler = _upscaler(options, where) if passes(options.size) else None
    show = counter("painting")

    def frames() -> "Iterator[np.ndarray]":
        batches = paint_batches(generator.to(where), path, truncation=options.truncation, styles=styles)
        for number, picture in enumerate(itertools.chain.from_iterable(batches), 1):
            yield upscaler.to_size(picture, options.size) if upscaler else picture
            show(number, len(path))

    about = {"model": model.name, "stations": [str(station) for station in stations], "frames": options.frames}
    out = write_animation(frames(), options.out, options.fps, about)
    print(f"{len(path)} frames through {' '.join(map(str, stations))} -> {out}")
    return 0


def upscale(options: argparse.Namespace) -> int:
    """Enlarge pictures that are on the disk; 1 if one of them could not be."""
    from artgan_lib.gan.models import choose_device
    from artgan_lib.interface.terminal import counter
    from artgan_lib.studio.files import check_wanted, enlarge_files

    check_wanted(options.scale or 0, options.size or 0)
    upscaler = _upscaler(options, choose_device(options.device))
    failed = done = 0
    for enlarged in enlarge_files(
        options.source,
        options.out,
        upscaler,
        scale=options.scale or 0,
        size=options.size or 0,
        image_format=options.format,
        overwrite=options.overwrite,
        progress=counter("enlarging"),
    ):
        if enlarged.result is None:
            failed += 1
            print(f"left out: {enlarged.source}: {enlarged.reason}", file=sys.stderr)
        else:
            done += 1
    print(f"{done} pictures enlarged by {upscaler.name} -> {options.out}; {failed} left out")
    return int(failed > 0)


def models(options: argparse.Namespace) -> int:
    """List generators and what their files say of themselves."""
    from artgan_lib.shipped import FOLDER, shipped_generators

    folder = options.folder or FOLDER
    found = shipped_generators(folder)
    print(f"{'model':<20} {'variant':<12} {'width':>5} {'images seen':>12} {'paintings':>10} {'MB':>6}  score")
    for shipped in found:
        name, value = shipped.score or ("", 0.0)
        told = f"{name} {value:.4f}" if name else "not measured"
        print(
            f"{shipped.name:<20} {shipped.config['variant']:<12} {shipped.config['width']:>5}"
            f" {shipped.origin.get('images_seen', 0):>12,} {shipped.origin.get('pictures', 0):>10,}"
            f" {shipped.path.stat().st_size / 1e6:>6.1f}  {told}"
        )
    print(f"{len(found)} models in {folder}")
    return 0


def results_list(options: argparse.Namespace) -> int:
    """List the runs in a folder of results."""
    from artgan_lib.studio.store import list_runs

    runs = list(list_runs(options.base))
    for run in runs:
        print(f"{run.folder.name:<48} {run.count:>3} pictures {run.size / 1e6:>7.1f} MB  {run.state}")
    print(f"{len(runs)} runs in {options.base}")
    return 0


def results_show(options: argparse.Namespace) -> int:
    """Print what a run's manifest says."""
    import json

    from artgan_lib.studio.store import read_run

    run = read_run(options.folder)
    if run.problem:
        raise ArtganError(f"{run.folder}: {run.problem}")
    print(json.dumps(run.manifest, indent=2, ensure_ascii=False))
    for name in run.missing:
        print(f"missing: {name}", file=sys.stderr)
    return 0


def results_rm(options: argparse.Namespace) -> int:
    """Remove runs, but nothing in their folders that is not theirs."""
    from artgan_lib.studio.store import remove_run

    for folder in options.folders:
        left = remove_run(folder)
        print(f"removed {folder}" + (f", but left {', '.join(left)}" if left else ""))
    return 0


def results_zip(options: argparse.Namespace) -> int:
    """Pack a run into a zip file."""
    from artgan_lib.studio.store import pack_run

    folder: Path = options.folder
    print(pack_run(folder, options.out or folder.parent / f"{folder.resolve().name}.zip"))
    return 0


def _upscaler(options: argparse.Namespace, device: object) -> "Upscaler":
    from artgan_lib.studio.upscaling import load_upscaler

    upscaler = load_upscaler(options.upscaler, device=str(device), download=not options.offline)
    if upscaler.note:
        print(upscaler.note, file=sys.stderr)
    return upscaler


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
