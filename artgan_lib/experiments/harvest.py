"""What is taken out of the runs of a campaign: their generators, and a few small files that hold all worth keeping.

How the runs came about is left to `experiments.campaign`.
"""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.experiments.campaign import ORDER
from artgan_lib.gan.checkpoints import export_generator, generators_in, load_checkpoint, load_generator
from artgan_lib.gan.models import AnyGenerator
from artgan_lib.gan.runs import RunFolder
from artgan_lib.runlog import readable_size, write_atomic

HOME_FILES, HOME_FILE, HOME_ALL = 8, 16 * 2**20, 64 * 2**20
"""What a lent machine may hand back: files, bytes of one, bytes of all."""


@dataclass(frozen=True)
class Painter:
    """A generator as it was at one moment of a run."""

    kind: str  # `newest`, as it was trained, or `average`
    generator: AnyGenerator
    config: TrainConfig
    origin: dict[str, Any]  # step, images_seen, pictures, kind and so on


def find_runs(folder: Path | str) -> dict[str, RunFolder]:
    """Return the runs of a campaign that have a checkpoint, by variant.

    Raises:
        ArtganError: If there is none.
    """
    runs = {variant: RunFolder(Path(folder) / variant) for variant in ORDER}
    runs = {variant: run for variant, run in runs.items() if run.saved()}
    if not runs:
        raise ArtganError(f"there is no run with a checkpoint in {folder}; artgan campaign trains them there")
    return runs


def painters_at(run: RunFolder, checkpoint: Path) -> Iterator[Painter]:
    """Take the generators out of a checkpoint of a run, the newest first."""
    state = load_checkpoint(checkpoint)
    config = TrainConfig.from_dict(state["config"])
    exported = load_generator(run.generator)[1]["origin"] if run.generator.is_file() else {}
    origin = {
        **exported,
        "data": state["data"],
        "step": state["step"],
        "images_seen": state["step"] * config.batch_size,
    }
    for kind, generator in generators_in(state).items():
        yield Painter(kind, generator, config, origin | {"kind": kind})


def bring_home(folder: Path | str, out: Path | str) -> tuple[list[Path], list[str]]:
    """Gather what is worth keeping of all runs in a few small files: the generators, logs, configs and grids.

    Of each run the newest average comes first, then the best by the score that was measured on the way, then the
    network as it was trained last, all at half precision.

    Args:
        folder: Of all runs, each in the folder of its variant.
        out: Folder of the files; it is made.

    Returns:
        The files, and what had to be left out, in sentences.

    Raises:
        ArtganError: If there is no run with a checkpoint.
    """
    out, runs = Path(out), find_runs(folder)
    files, left_out = [write_atomic(out / "runs.zip", _records(runs))], []
    for kind in ("average", "best", "newest"):
        for variant, run in runs.items():
            painter = _painter(run, kind)
            if painter is None:
                continue
            name = f"{variant}-{kind}.safetensors"
            path = export_generator(out / name, painter.generator, painter.config, painter.origin, half=True)
            size, before = path.stat().st_size, sum(file.stat().st_size for file in files)
            if len(files) == HOME_FILES or size > HOME_FILE or before + size > HOME_ALL:
                left_out.append(f"{name}, {readable_size(size)}")
                path.unlink()
            else:
                files.append(path)
    return files, left_out


def _painter(run: RunFolder, kind: str) -> Painter | None:
    if kind != "best":
        return next((painter for painter in painters_at(run, run.saved()[-1]) if painter.kind == kind), None)
    if not run.best_generator.is_file():
        return None
    generator, header = load_generator(run.best_generator)
    return Painter(kind, generator, TrainConfig.from_dict(header["config"]), header["origin"] | {"kind": kind})


def _records(runs: dict[str, RunFolder]) -> bytes:
    """Pack logs, configs and the grids of fixed noise; grids give way, the oldest first, if there are too many."""
    grids = {run.path: sorted(run.samples.glob("*.png")) for run in runs.values()}
    while True:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for run in runs.values():
                for path in (run.log, run.path / "config.json", *grids[run.path]):
                    if path.is_file():
                        archive.write(path, path.relative_to(run.path.parent))
        if buffer.tell() <= HOME_FILE or not any(grids.values()):
            return buffer.getvalue()
        grids = {path: found[1:] for path, found in grids.items()}
