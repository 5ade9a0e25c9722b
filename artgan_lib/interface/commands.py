"""What each command of `artgan` does: it calls the library and prints what came of it.

Every function takes the parsed arguments of its command and returns the exit status. Heavy imports stand where they
are used, so that `artgan --help` is quick.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from artgan_lib.config import parse_setting
from artgan_lib.errors import ArtganError
from artgan_lib.presets import POINTS, VARIANTS, moved_from, preset

_SHOWN = 20  # files left out that are told one by one


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


def train(options: argparse.Namespace) -> int:
    """Train, go on, or fork."""
    from artgan_lib.data.preprocessing import load_pictures
    from artgan_lib.gan.training import Callback, train
    from artgan_lib.interface.progress import TrainingProgress
    from artgan_lib.interface.tensorboard import TensorBoard
    from artgan_lib.presets import profile

    config = preset(options.variant, options.profile, **dict(parse_setting(text) for text in options.set))
    pictures = load_pictures(options.data, pictures=profile(options.profile).pictures)
    callbacks: list[Callback] = [TrainingProgress(config)]
    if options.tensorboard:
        callbacks.append(TensorBoard())
    result = train(
        config,
        pictures.images,
        options.run_dir,
        device=options.device,
        callbacks=callbacks,
        fork=options.fork,
        keep_every=options.keep_every,
    )
    state = "done" if result.finished else "stopped; the same command goes on"
    print(f"{state}: {result.step:,} of {config.total_steps:,} steps -> {result.generator}")
    return 0 if result.finished else 130  # so that `train && generate` does not go on with half a model


def variants(options: argparse.Namespace) -> int:
    """List the named configs."""
    for name in VARIANTS:
        print(f"{name:<22} the paper's")
    for name in POINTS:
        base, moved = moved_from(name)
        print(f"{name:<22} {base} with {', '.join(f'{field}={value}' for field, value in moved.items())}")
    return 0


def notebooks(options: argparse.Namespace) -> int:
    """Execute notebooks; 1 if one failed."""
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


def run(options: argparse.Namespace) -> int:
    """Do the main job; 1 if a part failed."""
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


def figures(options: argparse.Namespace) -> int:
    """Redraw the committed figures."""
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
