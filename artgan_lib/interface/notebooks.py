"""The one way a notebook is executed and exported to HTML, and the few helpers that notebooks share.

papermill does the work; it lets an unknown parameter pass silently, so parameters are checked here first.
"""

import base64
import html
import inspect
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from artgan_lib.data.preprocessing import SYNTHETIC
from artgan_lib.errors import ArtganError
from artgan_lib.runlog import write_atomic

if TYPE_CHECKING:
    from IPython.display import HTML, Markdown

KERNEL = "python3"
HEADLESS = "ARTGAN_HEADLESS"
"""Environment variable that a kernel gets where nobody looks on, so that it prints lines instead of live widgets."""

START_SECONDS = 300
"""That a kernel may take to start: on a machine that is busy with a training run it can be more than papermill's 60."""


class NotebookRun(NamedTuple):
    """How one notebook went."""

    name: str
    executed: Path
    seconds: float
    error: str | None  # the failing cell's traceback


def project_root(start: Path | None = None) -> Path:
    """Return the folder of the project: the nearest one upwards with a `notebooks` folder and a `pyproject.toml`.

    Raises:
        ArtganError: If there is none.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "notebooks").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    raise ArtganError(f"{start} is not inside a clone of artgan; start from the clone's folder")


def resolve_source(source: str) -> str | Path:
    """Return what a notebook's SOURCE means: `synthetic` as it is, a path seen from the project's folder."""
    return SYNTHETIC if source == SYNTHETIC else project_root() / Path(source).expanduser()


def show_source(thing: Any) -> "Markdown":
    """Show the library's own lines, so that a notebook never copies them."""
    from IPython.display import Markdown

    shown: Markdown = Markdown(f"```python\n{inspect.getsource(thing).rstrip()}\n```")  # type: ignore[no-untyped-call]
    return shown


def show_animation(path: Path, alt: str, width: int) -> "HTML":
    """Show a moving picture, with its text for those who do not see it; it is kept in the notebook and on a page.

    Args:
        path: A GIF or WebP.
        alt: What it shows.
        width: In pixels.
    """
    from IPython.display import HTML

    kind, content = path.suffix[1:], base64.b64encode(path.read_bytes()).decode()
    image = f'<img src="data:image/{kind};base64,{content}" alt="{html.escape(alt)}" width="{width}">'
    shown: HTML = HTML(image)  # type: ignore[no-untyped-call]
    return shown


def find_notebooks(folder: Path, only: Sequence[str] = ()) -> list[Path]:
    """Return the numbered notebooks of a folder in their order.

    Args:
        folder: Where they lie.
        only: Beginnings of names, such as `05`; empty means all.

    Raises:
        ArtganError: If nothing fits one of the beginnings, or the folder has no notebooks.
    """
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    for beginning in only:
        if not any(path.name.startswith(beginning) for path in found):
            names = ", ".join(path.stem for path in found)
            raise ArtganError(f"there is no notebook {beginning!r} in {folder}; there are {names}")
    if not found:
        raise ArtganError(f"{folder} holds no numbered notebooks")
    return [path for path in found if not only or path.name.startswith(tuple(only))]


def run_notebooks(
    paths: Sequence[Path],
    out: Path,
    parameters: Mapping[str, Any],
    on_start: Callable[[str], None] = lambda name: None,
    on_done: Callable[[NotebookRun], None] = lambda run: None,
) -> list[NotebookRun]:
    """Execute notebooks with papermill, each in its own folder's kernel; a failing one does not stop the others.

    Args:
        paths: The notebooks.
        out: Folder of the executed copies.
        parameters: Injected into each notebook that declares them; at least one must.
        on_start: Called before each with its name.
        on_done: Called after each.

    Raises:
        ArtganError: Before any is run, if a parameter is declared by none.
    """
    import papermill
    import zmq
    from jupyter_client.manager import AsyncKernelManager
    from papermill.exceptions import PapermillExecutionError

    class EncryptedKernelManager(AsyncKernelManager):
        """Gives the kernel keys of its own, since ipykernel warns on stderr where anybody on the machine may listen."""

        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.curve_publickey, self.curve_secretkey = zmq.curve_keypair()

        async def start_kernel(self, **settings: Any) -> None:  # type: ignore[override]
            settings["env"] = (settings.get("env") or os.environ) | {HEADLESS: "1"}
            await super().start_kernel(**settings)

        async def _async_interrupt_kernel(self) -> None:
            # A kernel that is asked to end is interrupted first, and one that is just done tells stderr of it.
            if not self.shutting_down:
                await super()._async_interrupt_kernel()

    declared = {path: set(papermill.inspect_notebook(str(path))) for path in paths}
    unknown = set(parameters) - set().union(*declared.values())
    if unknown:
        names = ", ".join(path.stem for path in paths)
        raise ArtganError(
            f"no parameter {', '.join(sorted(unknown))} is declared by {names}; see their parameters cells"
        )
    out.mkdir(parents=True, exist_ok=True)
    runs = []
    for path in paths:
        on_start(path.stem)
        begun, error = time.perf_counter(), None
        try:
            papermill.execute_notebook(
                str(path),
                str(out / path.name),
                parameters={name: value for name, value in parameters.items() if name in declared[path]},
                kernel_name=KERNEL,
                cwd=str(path.parent),
                progress_bar=False,
                start_timeout=START_SECONDS,
                kernel_manager_class=EncryptedKernelManager,
            )
        except (PapermillExecutionError, RuntimeError) as failed:  # RuntimeError: the kernel died or did not start
            error = str(failed)
        runs.append(NotebookRun(path.stem, out / path.name, time.perf_counter() - begun, error))
        on_done(runs[-1])
    return runs


def export_site(notebooks: Sequence[Path], executed: Path, out: Path) -> Path:
    """Write a page for every notebook that has an executed copy, and a first page that lists them.

    Args:
        notebooks: The series in its order; pictures in its prose are found from there.
        executed: Folder of the executed copies, as papermill leaves them.
        out: Folder of the pages.

    Returns:
        The first page.
    """
    import nbformat
    from nbconvert.exporters import HTMLExporter

    read: Any = nbformat.read
    exporter = HTMLExporter(embed_images=True)  # type: ignore[no-untyped-call]
    entries = ""
    for path in (path for path in notebooks if (executed / path.name).is_file()):
        book = read(executed / path.name, as_version=4)
        titles = re.findall(r"^# (.+)", "\n".join(cell.source for cell in book.cells), re.MULTILINE)
        for cell in book.cells:
            if cell.cell_type == "markdown":
                source = cell.source.replace("](../", "](")  # nbconvert embeds files below the one folder it is told
                cell.source = re.sub(r"\]\((\d\d_\w+)\.ipynb", r"](\1.html", source)
        about = {"name": path.stem, "path": str(path.parents[1])}
        page, _ = exporter.from_notebook_node(book, {"metadata": about})
        write_atomic(out / f"{path.stem}.html", page)
        entries += f'<li><a href="{path.stem}.html">{html.escape(titles[0] if titles else path.stem)}</a></li>\n'
    return write_atomic(
        out / "index.html",
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>artgan: the series</title></head>\n'
        f"<body>\n<h1>artgan: the series</h1>\n<ul>\n{entries}</ul>\n</body>\n</html>\n",
    )
