"""ArtBench-10 at 32 x 32 in CIFAR's layout: `data_batch_1` to `_5`, `test_batch`, `meta`, each a pickle.

A pickle can run any code when it is read. These are read by an unpickler that knows arrays of numbers, bytes, texts,
lists and dicts, and refuses everything else.
"""

import io
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from artgan_lib.data.sources import Painting, Refused, Source
from artgan_lib.errors import ArtganError

FOLDER = "artbench-10-batches-py"
SIDE = 32
_FILES = {**{f"data_batch_{number}": "train" for number in range(1, 6)}, "test_batch": "test"}


class SafeUnpickler(pickle.Unpickler):
    """Reads numbers, bytes, texts, lists, dicts and numpy arrays; whatever else a pickle names is refused."""

    _ALLOWED = frozenset(
        {
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy.core.numeric", "_frombuffer"),
            ("numpy._core.numeric", "_frombuffer"),
            ("_codecs", "encode"),  # how Python 2 wrote bytes
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        """Return what an array is made of; refuse every other name."""
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which a set of pictures has no need of")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def load_safely(content: bytes, name: str) -> Any:
    """Read a pickle without running anything it names.

    Raises:
        ArtganError: If it is damaged or names anything but plain data.
    """
    try:
        return SafeUnpickler(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:
        raise ArtganError(f"{name} is not read: {str(error).splitlines()[0] if str(error) else 'damaged'}") from None


class Batches:
    """All pictures of the layout, in memory (184 MB for the whole set)."""

    def __init__(self, read: Callable[[str], bytes], where: Path | str) -> None:
        self.refused: list[Refused] = []
        meta = _dict(load_safely(read("meta"), f"{where}: meta"), where)
        styles = [_text(style) for style in meta.get("styles", meta.get("label_names", []))]
        if not styles:
            raise ArtganError(f"{where}: meta names no styles")
        listed: list[tuple[Painting, np.ndarray]] = []
        for file, split in _FILES.items():
            batch = _dict(load_safely(read(file), f"{where}: {file}"), where)
            data, labels = np.asarray(batch.get("data")), np.asarray(batch.get("labels"))
            if data.dtype != np.uint8 or data.shape != (len(labels), 3 * SIDE * SIDE) or labels.max() >= len(styles):
                raise ArtganError(f"{where}: {file} does not hold pictures of {SIDE} x {SIDE} with their styles")
            names = [_text(name) for name in batch.get("filenames", [])] or [f"{i:05d}" for i in range(len(data))]
            images = data.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
            listed += [
                (Painting(f"{split}/{styles[style]}/{file}_{name}", styles[style], split), image)
                for name, style, image in zip(names, labels, images, strict=True)
            ]
        listed.sort(key=lambda pair: pair[0].name)
        self.paintings = [painting for painting, _ in listed]
        self._images = [image for _, image in listed]

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Hand each picture over as a file that loses nothing."""
        for number in chosen:
            buffer = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(self._images[number])).save(buffer, "bmp")
            yield number, buffer.getvalue()


def is_batches(path: Path) -> bool:
    """Tell whether a folder has CIFAR's layout."""
    return (path / "data_batch_1").is_file() and (path / "meta").is_file()


@contextmanager
def open_folder(path: Path) -> Iterator[Source]:
    """Open a folder of the layout."""

    def read(name: str) -> bytes:
        if not (path / name).is_file():
            raise ArtganError(f"{path} lacks {name}; fetch it again")
        return (path / name).read_bytes()

    yield Batches(read, path)


def is_batches_tar(source: Source) -> bool:
    """Tell whether an archive has CIFAR's layout."""
    return {"data_batch_1", "meta"} <= set(_file_names(source))


def from_tar(source: Source) -> Source:
    """Open an archive of the layout."""
    numbers = {name: number for number, name in enumerate(_file_names(source))}
    missing = ({*_FILES, "meta"}) - set(numbers)
    if missing:
        raise ArtganError(f"the archive lacks {', '.join(sorted(missing))}; fetch it again")
    wanted = {numbers[name]: name for name in (*_FILES, "meta")}
    contents: dict[str, bytes] = {}
    for number, content in source.stream(list(wanted)):
        if isinstance(content, Exception):
            raise ArtganError(f"{wanted[number]} cannot be read ({content}); fetch it again")
        contents[wanted[number]] = content
    return Batches(lambda name: contents[name], FOLDER)


def _file_names(source: Source) -> list[str]:
    return [painting.name.rpartition("/")[2] for painting in source.paintings]


def _dict(value: Any, where: Path | str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ArtganError(f"{where} is not in CIFAR's layout")
    return {_text(key): entry for key, entry in value.items()}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
