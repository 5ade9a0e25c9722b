"""What the commands of `artgan` do that execute notebooks."""

import argparse
import json
import sys
from typing import Any

from artgan_lib.errors import ArtganError
from artgan_lib.interface.arguments import Subparsers, add_command, read_path
from artgan_lib.presets import PROFILES


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(subparsers, "notebooks", notebooks, "execute the notebooks, and export them to HTML")
    command.add_argument("--profile", choices=tuple(PROFILES), default="demo", help="default %(default)s")
    command.add_argument("--only", metavar="NN", action="append", default=[], help="only notebooks that begin so")
    command.add_argument("-p", metavar="NAME=VALUE", dest="parameters", action="append", default=[], help="a parameter")
    command.add_argument("--out", metavar="DIR", type=read_path, help="folder of the executed copies (build/notebooks)")
    command.add_argument("--site", metavar="DIR", type=read_path, help="folder of the HTML pages (build/site)")

    command = add_command(subparsers, "run", run, "make pictures at 64, 256 and 1024, then execute the notebooks")
    command.add_argument("--profile", choices=tuple(PROFILES), default="demo", help="default %(default)s")


def notebooks(options: argparse.Namespace) -> int:
    """Execute notebooks and export all executed copies to HTML; 1 if one failed."""
    from artgan_lib.interface.notebooks import export_site, find_notebooks, project_root, run_notebooks

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
    site = options.site or (options.out / "site" if options.out else root / "build" / "site")
    print(f"-> {export_site(find_notebooks(root / 'notebooks'), out, site)}")
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


def _notebook_parameter(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is JSON where it can be (numbers, true, false), else a text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ArtganError(f"-p takes NAME=VALUE, not {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
