"""A walk from one picture to another and back as a run of its own: painted, enlarged, stored, with a manifest."""

import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.gan.models import choose_device
from artgan_lib.gan.sampling import check_styles, parse_styles
from artgan_lib.studio import upscaling
from artgan_lib.studio.animation import check_animation, write_animation
from artgan_lib.studio.interfaces import STAGES, Progress
from artgan_lib.studio.pipeline import RESULTS, versions
from artgan_lib.studio.recipes import Recipe, walk
from artgan_lib.studio.sampling import paint_batches
from artgan_lib.studio.store import ResultsStore, new_folder
from artgan_lib.studio.upscaling import load_upscaler


class _CancelledError(Exception):
    """Ends a morph between two frames."""


@dataclass(frozen=True)
class MorphResult:
    """What a morph left: a folder of results with one moving picture, or nothing if it was cancelled."""

    folder: Path | None
    film: Path | None
    cancelled: bool


@dataclass
class MorphJob:
    """A moving picture from one recipe to another and back.

    Args:
        model: The generator's file.
        one: Recipe of the first picture.
        other: Recipe of the second.
        style: One of the model's styles, or a mixture; None lets each picture keep its own, and blends them.
        size: Side of the frames in pixels: 64, 256 or 1024.
        upscaler: As in `load_upscaler`; not used at 64.
        truncation: Of both pictures.
        frames: From one to the other; as many lead back.
        fps: Frames a second.
        kind: Ending of the file, `.webp` or `.gif`.
        base: Folder of all results.
        device: `cpu`, `cuda`, `mps` or `auto`.
        download: Whether the enlarger's weights may be fetched.
    """

    model: Path
    one: str
    other: str
    style: str | None = None
    size: int = 256
    upscaler: str = upscaling.AUTO
    truncation: float | None = None
    frames: int = 16
    fps: int = 16
    kind: str = ".webp"
    base: Path = RESULTS
    device: str = "auto"
    download: bool = True
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False)

    def cancel(self) -> None:
        """Stop before the next frame; may be called from any thread. Nothing is stored then."""
        self._cancelled.set()

    def run(self, on_progress: Callable[[Progress], None] = lambda progress: None) -> MorphResult:
        """Paint, enlarge and store.

        Raises:
            ArtganError: If a recipe, the model or the enlarger cannot be used.
            OSError: If a file cannot be written.
        """
        check_animation(f"morph{self.kind}", self.fps)
        stations = [Recipe.parse(self.one), Recipe.parse(self.other)]
        path = walk(stations, self.frames, closed=True)
        generator, header = load_generator(self.model)
        check_styles(generator.classes, parse_styles(self.style) or {})
        where = choose_device(self.device)
        upscaler = None
        if upscaling.passes(self.size):
            upscaler = load_upscaler(self.upscaler, device=where, download=self.download)
        begun = time.perf_counter()

        def frames() -> Iterator[np.ndarray]:
            styles = parse_styles(self.style)
            batches = paint_batches(generator.to(where), path, truncation=self.truncation, styles=styles)
            for number, picture in enumerate(itertools.chain.from_iterable(batches), 1):
                self._check()
                yield upscaler.to_size(picture, self.size, self._check) if upscaler else picture
                left = (time.perf_counter() - begun) / number * (len(path) - number)
                on_progress(Progress(STAGES[1], number, len(path), left))

        about = {"model": self.model.name, "stations": [self.one, self.other], "size": self.size}
        with tempfile.TemporaryDirectory() as folder:
            try:
                film = write_animation(frames(), Path(folder) / f"morph{self.kind}", self.fps, about)
            except _CancelledError:
                return MorphResult(None, None, cancelled=True)
            content = film.read_bytes()
        seed = stations[0].points[0][0]
        generation = {"model": self.model.name, "count": 0, "seed": seed, "recipes": [self.one, self.other]}
        variant = header["config"]["variant"]
        store = ResultsStore(
            new_folder(self.base, f"{variant}-morph", seed),
            {"generation": generation, "model": {"variant": variant}, "film": about, "versions": versions()},
        )
        stored = store.put(f"morph_{len(path)}frames{self.kind}", content, {"number": None, "recipe": None})
        store.close(complete=True)
        on_progress(Progress(STAGES[3], len(path), len(path), 0.0, stored))
        return MorphResult(store.folder, stored, cancelled=False)

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise _CancelledError
