"""A real browser, a JupyterLab and the panel's page, all on this machine and with folders of their own."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
WEIGHTS = os.environ.get("ARTGAN_WEIGHTS_DIR") or ROOT.parent / "shared" / "weights"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
QUIET += ("--disable-sync",)
PATIENCE = 90_000  # milliseconds for anything: the machine may be busy


class Lab(NamedTuple):
    address: str  # of notebook 09, token included
    project: Path


def environment(folder: Path) -> dict[str, str]:
    """Keep Jupyter's files, and what the user has set up, out of it."""
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    places |= {"IPYTHONDIR": "ipython", "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "spaces"}
    chosen = {name: str(folder / place) for name, place in places.items()}
    chosen |= {"PYTHONPATH": str(ROOT), "ARTGAN_CACHE_DIR": str(folder / "no-cache"), "JUPYTER_PREFER_ENV_PATH": "1"}
    if Path(WEIGHTS).is_dir():
        chosen["ARTGAN_WEIGHTS_DIR"] = str(WEIGHTS)
    unwanted = ("ARTGAN_HEADLESS", "JUPYTER_PATH", "ARTGAN_WEIGHTS_DIR")
    return {name: value for name, value in os.environ.items() if name not in unwanted} | chosen


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def end(server: "subprocess.Popen[str]") -> None:
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def find_chromium() -> str | None:
    named = os.environ.get("ARTGAN_CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = find_chromium()
    if path is None:
        pytest.skip("there is no Chromium on this machine; install one, or name it by ARTGAN_CHROMIUM")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: object, root: Path) -> Iterator[Callable[..., object]]:
    """Open a page as a visitor of its own; in the end nothing was asked for elsewhere, and no script failed."""
    visits, complaints = [], []

    def foreign(address: str) -> bool:
        return not re.match(r"(data|blob|about):|(http|ws)://127\.0\.0\.1[:/]", address)

    def open_page(address: str, width: int = 1440, height: int = 900) -> object:
        context = chromium.new_context(  # type: ignore[attr-defined]
            viewport={"width": width, "height": height}, accept_downloads=True
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"a script failed: {error}"))
        page.on("request", lambda asked: complaints.append(asked.url) if foreign(asked.url) else None)
        page.goto(address)
        visits.append(context)
        return page

    yield open_page
    for context in visits:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def pictures_folder() -> Path:
    folder = ROOT / "build" / "browser"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab in a copy of the project's folder, so that nothing is written into the real notebook."""
    folder = tmp_path_factory.mktemp("lab")
    project = folder / "project"
    (project / "notebooks").mkdir(parents=True)
    (project / "data").mkdir()
    for name in ("pyproject.toml", "figures", "data/pretrained", "data/results"):
        (project / name).symlink_to(ROOT / name)
    book = json.loads((ROOT / "notebooks" / "09_generation_panel.ipynb").read_text())
    for cell in book["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            cell["source"] = [line.replace('PROFILE = "demo"', 'PROFILE = "smoke"') for line in cell["source"]]
    (project / "notebooks" / "09_generation_panel.ipynb").write_text(json.dumps(book))
    settings = {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},
    }
    for name, values in settings.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    port, token = free_port(), secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.ip=127.0.0.1", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={project}"]
    command += ["--LabApp.extension_manager=readonly", "--ServerApp.port_retries=0"]
    command += [
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment(folder), cwd=project, stdout=log, stderr=log, text=True)
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, folder / "log")
            here = f"http://127.0.0.1:{port}/lab/tree/notebooks/09_generation_panel.ipynb?token={token}"
            yield Lab(here, project)
        finally:
            end(server)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of `artgan panel`, by its address with the token."""
    folder = tmp_path_factory.mktemp("page")
    command = [sys.executable, "-m", "artgan_lib", "panel", "--port", str(free_port()), "--max-count", "12"]
    command += ["--out", str(folder / "results")]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command, env=environment(folder), cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert server.stdout is not None
            with server.stdout:
                told = re.search(r"http://127\.0\.0\.1:\S+", server.stdout.readline())
                assert told, (folder / "log").read_text()
                yield told[0]
        finally:
            end(server)


def wait_for(address: str, server: "subprocess.Popen[str]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not come up: {log.read_text()}")
