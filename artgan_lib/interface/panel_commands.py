"""The command of `artgan` that serves the generation panel as a page."""

import argparse
from pathlib import Path

from artgan_lib.errors import ArtganError
from artgan_lib.interface.arguments import Subparsers, add_command, read_path

LOOPBACK = "127.0.0.1"


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(subparsers, "panel", panel, "serve the generation panel as a page, for a classroom")
    command.add_argument(
        "--model", metavar="PATH", type=read_path, action="append", help="file or folder of models; may be given again"
    )
    command.add_argument("--out", metavar="DIR", type=read_path, default=Path("results/panel"), help="of all results")
    command.add_argument("--max-count", type=int, default=16, help="pictures of a run at most (default %(default)s)")
    command.add_argument(
        "--max-size",
        type=int,
        choices=(64, 256, 1024),
        default=1024,
        help="pixels a side at most (default %(default)s)",
    )
    command.add_argument("--language", choices=("en", "uk"), default="en", help="to begin in (default %(default)s)")
    command.add_argument("--theme", choices=("light", "dark"), default="light", help="default %(default)s")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    command.add_argument("--ip", default=LOOPBACK, help="address to listen on (default: this machine alone)")
    command.add_argument("--port", type=int, default=8866, help="default %(default)s; the next free one if it is taken")
    command.add_argument("--no-token", action="store_true", help="let everybody in who can reach the page")
    command.add_argument("--browser", action="store_true", help="open the page in a browser")


def panel(options: argparse.Namespace) -> int:
    """Serve the panel until it is interrupted."""
    from artgan_lib.interface.notebooks import project_root
    from artgan_lib.interface.panel import MODELS, RUNS, SCORES
    from artgan_lib.interface.panel_page import Page, serve
    from artgan_lib.interface.panel_settings import Limits
    from artgan_lib.studio.settings import MAX_COUNT

    if not 1 <= options.max_count <= MAX_COUNT:
        raise ArtganError(f"--max-count must lie in 1 to {MAX_COUNT}, not {options.max_count}")
    models, scores = options.model, SCORES
    if not models:
        root = project_root()
        models, scores = [root / MODELS, root / RUNS], root / SCORES
    for path in models if options.model else []:
        if not path.exists():
            raise ArtganError(f"there is no model or folder {path}")
    page = Page(
        tuple(models),
        scores,
        options.out,
        options.language,
        Limits(options.max_count, options.max_size),
        options.device,
    )
    serve(
        page,
        ip=options.ip,
        port=options.port,
        token="" if options.no_token else None,
        theme=options.theme,
        open_browser=options.browser,
        on_ready=lambda address: print(f"The panel is at {address}\nCtrl-C ends it.", flush=True),
    )
    return 0
