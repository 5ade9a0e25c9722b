"""`GenerationJob`: the right half of Fig. 2 as one object, for the command line, the notebooks and the panel.

Its four stages bear the names of the figure's components, what they hand over the names of its interfaces. Pictures
flow through one by one, or as many at once as are enlarged together, so the first is on the disk while later ones are
being made.
"""

import dataclasses
import hashlib
import itertools
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
from PIL import Image

from artgan_lib import __version__
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.gan.models import choose_device
from artgan_lib.gan.sampling import check_styles, parse_styles
from artgan_lib.images import FORMATS, encode, image_grid
from artgan_lib.studio import upscaling
from artgan_lib.studio.estimates import Cost, measure
from artgan_lib.studio.interfaces import STAGES, EnlargedImage, GeneratedData, OutputImage, Progress
from artgan_lib.studio.recipes import Recipe
from artgan_lib.studio.sampling import paint_batches
from artgan_lib.studio.settings import ConvertingSettings, EnhancingSettings, GenerationSettings
from artgan_lib.studio.store import ResultsStore, new_folder
from artgan_lib.studio.upscaling import Upscaler, load_upscaler

RESULTS = Path("results")
"""Where the folders of runs lie that were given no folder of their own."""

SHEET_CELL = 256  # largest side of a picture in the contact sheet


class _CancelledError(Exception):
    """Ends a job between two micro-batches or tiles."""


@dataclass(frozen=True)
class JobResult:
    """What a job left."""

    folder: Path
    pictures: list[Path]
    grid: Path | None
    manifest: Path
    stage_seconds: dict[str, float]
    cancelled: bool


@dataclass
class GenerationJob:
    """One run from a generator to files.

    Args:
        generation: What to paint.
        enhancing: How large.
        converting: In which format.
        folder: Where the results go; None makes a new one below `base`, named by time, model and seed.
        overwrite: Replace the results of an earlier run in that folder.
        device: `cpu`, `cuda`, `mps` or `auto`.
        download: Whether the enlarger's weights may be fetched.
        base: Folder of all results.
    """

    generation: GenerationSettings
    enhancing: EnhancingSettings
    converting: ConvertingSettings
    folder: Path | None = None
    overwrite: bool = False
    device: str = "auto"
    download: bool = True
    base: Path = RESULTS
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False)
    _header: dict[str, Any] | None = field(default=None, repr=False)
    _upscaler: Upscaler | None = field(default=None, repr=False)

    def cancel(self) -> None:
        """Stop before the next micro-batch or tile; may be called from any thread. Whole pictures stay."""
        self._cancelled.set()

    def run(self, on_progress: Callable[[Progress], None] = lambda progress: None) -> JobResult:
        """Paint, enlarge, convert and store.

        Everything that can be refused is refused before the first picture is painted. If anything is raised later,
        the pictures that are whole stay and the manifest names them.

        Args:
            on_progress: Called after each picture and stage, from the thread that runs the job.

        Raises:
            ArtganError: If the model, the enlarger or the folder cannot be used.
            OSError: If a file cannot be written.
        """
        header = self._load()
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._on_progress, self._begun, self._stored = on_progress, time.perf_counter(), 0
        folder = self.folder or new_folder(self.base, header["config"]["variant"], self.generation.seed)
        store = ResultsStore(folder, self._about(header), overwrite=self.overwrite)

        pictures: list[Path] = []
        grid: Path | None = None
        complete = False
        try:
            # Fig. 2, read from the inside out; each stage pulls what it needs from the one before.
            outputs = self.image_conversion(self.image_enhancement(self.image_generation()))
            for output in outputs:
                with self._stage(STAGES[3]):
                    recipe = str(output.recipe) if output.recipe else None
                    path = store.put(output.name, output.content, {"number": output.number, "recipe": recipe})
                if output.number is None:
                    grid = path
                else:
                    pictures.append(path)
                    self._stored += 1
                    self._tell(STAGES[3], output.number, path)
            complete = True
        except _CancelledError:
            pass
        finally:
            manifest = store.close(complete=complete, stage_seconds=self._rounded_seconds())
        return JobResult(folder, pictures, grid, manifest, self._rounded_seconds(), self._cancelled.is_set())

    @property
    def enlarger(self) -> dict[str, str | None]:
        """What a picture will say of its enlarger, None each where nothing is enlarged. Loads what the job needs."""
        self._load()
        if self._upscaler is None:
            return dict.fromkeys(upscaling.ENLARGER_KEYS)
        return self._upscaler.about(upscaling.passes(self.enhancing.size))

    @property
    def note(self) -> str:
        """What a user should be told of the enlarger before the run; empty if nothing. Loads what the job needs."""
        self._load()
        return self._upscaler.note if self._upscaler else ""

    def measure(self) -> Cost:
        """Measure what the run will cost, from one micro-batch painted and one picture enlarged and encoded."""
        self._load()
        encode = lambda picture: self._encode(picture, None, None)  # noqa: E731
        return measure(self._generator, self._upscaler, self.enhancing.size, encode, self.generation.seed)

    def estimate(self) -> float:
        """Return about how many seconds the run will take, from a quick measurement."""
        return self.measure().seconds(self.generation.count)

    def image_generation(self) -> Iterator[GeneratedData]:
        """Paint the pictures, a micro-batch at a time."""
        recipes = self.generation.list_recipes()
        styles, truncation = parse_styles(self.generation.style), self.generation.truncation
        batches = paint_batches(self._generator, recipes, truncation=truncation, styles=styles)
        number = 0
        while True:
            self._check()
            with self._stage(STAGES[0]):
                batch = next(batches, None)
            if batch is None:
                return
            for pixels in batch:
                self._tell(STAGES[0], number)
                yield GeneratedData(number, recipes[number], pixels)
                number += 1

    def image_enhancement(self, generated: Iterator[GeneratedData]) -> Iterator[EnlargedImage]:
        """Enlarge each picture to the size that was asked for."""
        together = self._upscaler.batch if self._upscaler is not None else 1
        while chunk := list(itertools.islice(generated, together)):
            self._check()
            enlarged = [picture.pixels for picture in chunk]
            if self._upscaler is not None:
                with self._stage(STAGES[1]):
                    enlarged = self._upscaler.batch_to_size(enlarged, self.enhancing.size, self._check)
            for (number, recipe, _), pixels in zip(chunk, enlarged, strict=True):
                self._tell(STAGES[1], number)
                yield EnlargedImage(number, recipe, pixels)

    def image_conversion(self, enlarged: Iterator[EnlargedImage]) -> Iterator[OutputImage]:
        """Turn each picture into the bytes of a file, and all of them into a contact sheet if one was asked for."""
        size, converting = self.enhancing.size, self.converting
        stem = "recipe" if self.generation.recipes else f"seed{self.generation.seed}"
        ending = f"{size}px{FORMATS[converting.image_format]}"
        cells: list[np.ndarray] = []
        for number, recipe, pixels in enlarged:
            with self._stage(STAGES[2]):
                content = self._encode(pixels, number, recipe)
                if converting.grid:
                    cells.append(_cell(pixels))
            self._tell(STAGES[2], number)
            yield OutputImage(number, recipe, f"{stem}_{number:03d}_{ending}", content)
        if cells:
            with self._stage(STAGES[2]):
                content = self._encode(image_grid(np.stack(cells)), None, None)
            yield OutputImage(None, None, f"{stem}_grid_{ending}", content)

    def _load(self) -> dict[str, Any]:
        """Read the model and the enlarger once, and refuse what cannot be done."""
        if self._header is None:
            generator, self._header = load_generator(self.generation.model)
            check_styles(generator.classes, parse_styles(self.generation.style) or {})
            self._where = where = choose_device(self.device)
            self._generator = generator.to(where)
            if self.enhancing.size != min(upscaling.SIZES):
                self._upscaler = load_upscaler(self.enhancing.upscaler, device=where, download=self.download)
            self._model_sha256 = hashlib.sha256(Path(self.generation.model).read_bytes()).hexdigest()
        return self._header

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise _CancelledError

    def _encode(self, pixels: np.ndarray, number: int | None, recipe: Recipe | None) -> bytes:
        converting = self.converting
        about = self._recipe(number, recipe)
        return encode(pixels, converting.image_format, about, converting.quality, lossless=converting.lossless)

    def _recipe(self, number: int | None, recipe: Recipe | None) -> dict[str, Any]:
        """Return what is needed to make a picture again; it is written into its file."""
        return {
            "recipe": str(recipe) if recipe else None,
            "number": number,
            "seed": self.generation.seed,
            "truncation": self.generation.truncation,
            "style": self.generation.style,
            "model": Path(self.generation.model).name,
            "model_sha256": self._model_sha256,
            "size": self.enhancing.size,
            **self.enlarger,
            "device": self._where.type,
            "format": self.converting.image_format,
            "quality": self.converting.quality,
            "lossless": self.converting.lossless,
            **versions(),
        }

    def _about(self, header: dict[str, Any]) -> dict[str, Any]:
        """Return what the manifest says of the run."""
        return {
            "generation": dataclasses.asdict(self.generation) | {"model": Path(self.generation.model).name},
            "enhancing": dataclasses.asdict(self.enhancing),
            "converting": dataclasses.asdict(self.converting),
            "model": {"sha256": self._model_sha256, "variant": header["config"]["variant"], "origin": header["origin"]},
            "upscaler": self.enlarger,
            "versions": versions(),
        }

    def _tell(self, stage: str, number: int, file: Path | None = None) -> None:
        left = None
        if self._stored:
            elapsed = time.perf_counter() - self._begun
            left = elapsed / self._stored * (self.generation.count - self._stored)
        self._on_progress(Progress(stage, number + 1, self.generation.count, left, file))

    def _rounded_seconds(self) -> dict[str, float]:
        return {stage: round(seconds, 3) for stage, seconds in self._seconds.items()}

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        """Count the time spent inside towards a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] += time.perf_counter() - begun


def _cell(pixels: np.ndarray) -> np.ndarray:
    side = min(len(pixels), SHEET_CELL)
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS))


def versions() -> dict[str, str]:
    """Return the versions that decide how a picture comes out."""
    return {
        "artgan": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "spandrel": version("spandrel"),
    }
