"""The panel as a page of its own, for a classroom: Voila serves it, each visitor has a kernel and a folder.

A page shows no code and runs none that a visitor sends. It listens on this machine alone and asks for a token, unless
it is told otherwise; a run is held to limits, and its results to the visitor's own folder.
"""

import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from artgan_lib.errors import ArtganError
from artgan_lib.interface.panel_settings import Limits
from artgan_lib.runlog import write_json

LOOPBACK = "127.0.0.1"
IDLE = 15 * 60  # seconds after which the kernel of a visitor who left is ended
CLASSROOM = Limits(count=16)
TEMPLATES = Path(__file__).parent / "page"


@dataclass(frozen=True)
class Page:
    """What is served.

    Args:
        models: Files and folders of generators.
        scores: Folder of their scores.
        base: Folder in which each visitor gets one.
        language: That the page begins in.
        limits: Of one run.
        device: `cpu`, `cuda`, `mps` or `auto`.
    """

    models: tuple[Path, ...]
    scores: Path
    base: Path
    language: str = "en"
    limits: Limits = CLASSROOM
    device: str = "auto"


def serve(
    page: Page,
    *,
    ip: str = LOOPBACK,
    port: int = 8866,
    token: str | None = None,
    theme: str = "light",
    open_browser: bool = False,
    on_ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the page until it is interrupted.

    Args:
        page: What is served.
        ip: Address to listen on.
        port: To listen on; the next free one if it is taken.
        token: That visitors need; None draws one, an empty one lets everybody in who can reach this machine.
        theme: `light` or `dark`.
        open_browser: Show the page here.
        on_ready: Told the page's address, token included.

    Raises:
        ArtganError: If everybody who can reach this machine by network would be let in.
    """
    if not token and token is not None and ip not in (LOOPBACK, "localhost"):
        raise ArtganError(f"without a token the page is served on {LOOPBACK} alone, not on {ip}; leave --no-token out")
    token = secrets.token_urlsafe(18) if token is None else token
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(TEMPLATES), os.environ.get("JUPYTER_PATH")]))
    from traitlets.config import Config
    from voila.app import Voila

    with tempfile.TemporaryDirectory(prefix="artgan-page-") as folder:
        notebook = _write_notebook(page, Path(folder))
        config = Config(
            Voila={
                "ip": ip,
                "port": port,
                "token": token,
                "open_browser": True,
                "root_dir": folder,
                "log_level": "ERROR",
            },
            VoilaConfiguration={
                "template": "artgan",
                "theme": theme,
                "allow_template_override": "NO",
                "file_allowlist": [],
                "show_tracebacks": False,
            },
            PasswordIdentityProvider={"allow_password_change": False},
            # Where the system has them: sockets that nobody else on the machine can listen to.
            KernelManager={"transport": "ipc" if os.name == "posix" else "tcp"},
            MappingKernelManager={"cull_idle_timeout": IDLE, "cull_interval": 60},
        )
        app = Voila(config=config)

        def listening() -> None:
            """Stand in for what Voila does once it listens: it would open a browser, and not tell the token."""
            address = f"http://{ip}:{app.port}/" + (f"?token={token}" if token else "")
            on_ready(address)
            if open_browser:
                import webbrowser

                webbrowser.open(address)

        app.launch_browser = listening
        app.initialize([str(notebook)])
        app.start()


def show_to_visitor(settings: dict[str, Any]) -> None:
    """Show a panel of a visitor's own; called by the page's one cell, in the visitor's kernel.

    Args:
        settings: Of `Page`, as plain values.
    """
    from IPython.display import display

    from artgan_lib.interface.panel import Panel

    folder = Path(settings["base"]) / f"visitor-{secrets.token_hex(8)}"
    panel = Panel(
        settings["models"],
        folder,
        scores=settings["scores"],
        language=settings["language"],
        limits=Limits(**settings["limits"]),
        confined=True,
        device=settings["device"],
        download=False,
    )
    display(panel)  # type: ignore[no-untyped-call]


def _write_notebook(page: Page, folder: Path) -> Path:
    """Write the notebook of one cell that Voila shows."""
    settings = asdict(page) | {
        "models": [str(path.resolve()) for path in page.models],
        "scores": str(page.scores.resolve()),
        "base": str(page.base.resolve()),
    }
    source = f"from artgan_lib.interface.panel_page import show_to_visitor\n\nshow_to_visitor({settings!r})"
    cell: dict[str, Any] = {"cell_type": "code", "id": "panel", "metadata": {}, "source": source}
    cell |= {"outputs": [], "execution_count": None}
    about = {
        "title": "artgan",
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
    }
    return write_json(folder / "panel.ipynb", {"cells": [cell], "metadata": about, "nbformat": 4, "nbformat_minor": 5})
