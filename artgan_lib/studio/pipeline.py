"""`GenerationJob`: the right half of Fig. 2 as one object, for the command line, the notebooks and the panel.

Its four stages bear the names of the figure's components, what they hand over the names of its interfaces. Pictures
flow through one by one, so the first is on the disk while later ones are being painted.
"""

import dataclasses
import hashlib
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL
import torch
from PIL import Image

from artgan_lib import __version__
from artgan_lib.errors import ArtganError
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.gan.models import choose_device
from artgan_lib.images import FORMATS, encode, image_grid
from artgan_lib.studio import upscaling
from artgan_lib.studio.sampling import sample_batches
from artgan_lib.studio.store import ResultsStore
from artgan_lib.studio.upscaling import load_upscaler

MAX_COUNT = 100
STAGES = ("image generation", "image enhancement", "image conversion", "results store")
"""Components of Fig. 2, in the order in which a picture passes them."""

SHEET_CELL = 256  # largest side of a picture in the contact sheet


@dataclass(frozen=True)
class GenerationSettings:
    """What to paint (interface IGS).

    Raises:
        ArtganError: If count or seed is out of range.
    """

    model: Path
    count: int = 16  # 1 to 100
    seed: int = 0  # 0 to 2**31 - 1

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_COUNT:
            raise ArtganError(f"a run paints 1 to {MAX_COUNT} pictures, not {self.count}")
        if not 0 <= self.seed < 2**31:
            raise ArtganError(f"the seed must lie in 0 to {2**31 - 1}, not {self.seed}")


@dataclass(frozen=True)
class EnhancingSettings:
    """How large (interface IES).

    Raises:
        ArtganError: If the size is none of 64, 256 and 1024.
    """

    size: int = 64
    upscaler: str = upscaling.DEFAULT  # not used at 64

    def __post_init__(self) -> None:
        upscaling.passes(self.size)


@dataclass(frozen=True)
class ConvertingSettings:
    """In which format (interface ICS).

    Raises:
        ArtganError: If the format is unknown or the quality out of range.
    """

    image_format: str = "png"
    quality: int = 95  # 1 to 100, of JPEG and WebP
    grid: bool = False  # add a contact sheet

    def __post_init__(self) -> None:
        encode(np.zeros((1, 1, 3), np.uint8), self.image_format, quality=self.quality)


class GeneratedData(NamedTuple):
    """A painted picture (interface IGDT)."""

    number: int
    pixels: np.ndarray  # uint8 (64, 64, 3)


class EnlargedImage(NamedTuple):
    """The picture at its final size (interface IEDT)."""

    number: int
    pixels: np.ndarray  # uint8 (size, size, 3)


class OutputImage(NamedTuple):
    """The picture as a file to be (interface IODT)."""

    number: int | None  # None: the contact sheet
    name: str
    content: bytes


class Progress(NamedTuple):
    """How far a stage is, counted in pictures."""

    stage: str
    done: int
    total: int


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
        folder: Where the results go.
        overwrite: Replace the results of an earlier run in that folder.
        device: `cpu`, `cuda`, `mps` or `auto`.
        download: Whether the enlarger's weights may be fetched.
    """

    generation: GenerationSettings
    enhancing: EnhancingSettings
    converting: ConvertingSettings
    folder: Path
    overwrite: bool = False
    device: str = "auto"
    download: bool = True
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False)

    def cancel(self) -> None:
        """Stop after the picture in hand; may be called from any thread. Whole pictures stay."""
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
        self._generator, header = load_generator(self.generation.model)
        where = choose_device(self.device)
        self._generator.to(where)
        self._upscaler = None
        if self.enhancing.size != min(upscaling.SIZES):
            self._upscaler = load_upscaler(self.enhancing.upscaler, device=where, download=self.download)
        self._model_hash = hashlib.sha256(Path(self.generation.model).read_bytes()).hexdigest()
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._on_progress = on_progress
        store = ResultsStore(self.folder, overwrite=self.overwrite)

        stored: list[tuple[OutputImage, Path]] = []
        try:
            # Fig. 2, read from the inside out; each stage pulls what it needs from the one before.
            outputs = self.image_conversion(self.image_enhancement(self.image_generation()))
            for output in outputs:
                with self._stage(STAGES[3]):
                    stored.append((output, store.put(output.name, output.content)))
                if output.number is not None:
                    self._tell(STAGES[3], output.number)
        finally:
            manifest = store.close(self._manifest(header, [output for output, _ in stored]))
        pictures = [path for output, path in stored if output.number is not None]
        grid = next((path for output, path in stored if output.number is None), None)
        return JobResult(self.folder, pictures, grid, manifest, self._rounded_seconds(), self._cancelled.is_set())

    def image_generation(self) -> Iterator[GeneratedData]:
        """Paint the pictures, a micro-batch at a time."""
        batches = sample_batches(self._generator, self.generation.seed, self.generation.count)
        number = 0
        while not self._cancelled.is_set():
            with self._stage(STAGES[0]):
                batch = next(batches, None)
            if batch is None:
                return
            for pixels in batch:
                self._tell(STAGES[0], number)
                yield GeneratedData(number, pixels)
                number += 1
                if self._cancelled.is_set():
                    return

    def image_enhancement(self, generated: Iterator[GeneratedData]) -> Iterator[EnlargedImage]:
        """Enlarge each picture to the size that was asked for."""
        for number, pixels in generated:
            enlarged = pixels
            if self._upscaler is not None:
                with self._stage(STAGES[1]):
                    enlarged = self._upscaler.to_size(pixels, self.enhancing.size)
            self._tell(STAGES[1], number)
            yield EnlargedImage(number, enlarged)

    def image_conversion(self, enlarged: Iterator[EnlargedImage]) -> Iterator[OutputImage]:
        """Turn each picture into the bytes of a file, and all of them into a contact sheet if one was asked for."""
        size, kind = self.enhancing.size, self.converting.image_format
        stem, ending = f"seed{self.generation.seed}", FORMATS[kind]
        cells: list[np.ndarray] = []
        for number, pixels in enlarged:
            with self._stage(STAGES[2]):
                content = encode(pixels, kind, self._recipe(number), self.converting.quality)
                if self.converting.grid:
                    cells.append(_cell(pixels))
            self._tell(STAGES[2], number)
            yield OutputImage(number, f"{stem}_{number:03d}_{size}px{ending}", content)
        if cells:
            with self._stage(STAGES[2]):
                content = encode(image_grid(np.stack(cells)), kind, self._recipe(None), self.converting.quality)
            yield OutputImage(None, f"{stem}_grid_{size}px{ending}", content)

    def _recipe(self, number: int | None) -> dict[str, Any]:
        """Return what is needed to make a picture again."""
        return {
            "model": Path(self.generation.model).name,
            "model_sha256": self._model_hash,
            "seed": self.generation.seed,
            "number": number,
            "size": self.enhancing.size,
            "upscaler": self._upscaler.name if self._upscaler else None,
            "artgan": __version__,
            "torch": torch.__version__,
        }

    def _manifest(self, header: dict[str, Any], outputs: list[OutputImage]) -> dict[str, Any]:
        settings = {
            "generation": dataclasses.asdict(self.generation) | {"model": Path(self.generation.model).name},
            "enhancing": dataclasses.asdict(self.enhancing),
            "converting": dataclasses.asdict(self.converting),
        }
        versions = {"artgan": __version__, "python": platform.python_version(), "torch": torch.__version__}
        return {
            **settings,
            "model": {"sha256": self._model_hash, "origin": header["origin"]},
            "images": [{"file": output.name, "number": output.number} for output in outputs],
            "complete": sum(output.number is not None for output in outputs) == self.generation.count,
            "stage_seconds": self._rounded_seconds(),
            "versions": versions | {"pillow": PIL.__version__},
        }

    def _tell(self, stage: str, number: int) -> None:
        self._on_progress(Progress(stage, number + 1, self.generation.count))

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
