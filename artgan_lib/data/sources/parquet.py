"""Parquet files with images and labels, as the Hugging Face Hub keeps data sets. Needs the extra `[huggingface]`."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from artgan_lib.data.sources.base import SPLITS, UNLABELLED, Skipped, Source, SourceImage, files_below
from artgan_lib.errors import ArtganError

EXTRA = "`pip install artgan[huggingface]` brings what reads it"


def is_parquet(path: Path) -> bool:
    """Tell whether a folder holds parquet files."""
    return any(file.endswith(".parquet") for file in files_below(path))


class Parquet:
    """Parquet files with a column `image` (`bytes`, `path`) and a column `label`."""

    def __init__(self, files: list[Path]) -> None:
        import pyarrow.parquet

        self.skipped: list[Skipped] = []
        listed: list[tuple[SourceImage, tuple[int, int, int]]] = []
        self._files = []
        for number, path in enumerate(files):
            try:
                file = pyarrow.parquet.ParquetFile(path)
                styles = _label_names(file)
                rows = [
                    (group, row, entry["image"], entry["label"])
                    for group in range(file.num_row_groups)
                    for row, entry in enumerate(file.read_row_group(group, columns=["image.path", "label"]).to_pylist())
                ]
            except (pyarrow.ArrowException, KeyError, OSError) as error:
                raise ArtganError(f"{path} cannot be read ({type(error).__name__}); fetch it again") from None
            self._files.append(file)
            split = next((split for split in SPLITS if path.name.startswith(split)), "all")
            for group, row, entry, label in rows:
                file_name = PurePosixPath((entry or {}).get("path") or f"{row:06d}").name
                name = f"{number:03d}_{group:03d}_{row:06d}_{file_name}"
                image = SourceImage.named(f"{split}/{_style(label, styles)}/{name}")
                listed.append((image, (number, group, row)))
        listed.sort(key=lambda pair: pair[0].name)
        self.images = [image for image, _ in listed]
        self._places = [place for _, place in listed]

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Read one row group after the other, so that one at a time is in memory."""
        ordered = sorted(chosen, key=self._places.__getitem__)
        for (file, group), numbers in groupby(ordered, key=lambda number: self._places[number][:2]):
            images = self._files[file].read_row_group(group, columns=["image.bytes"])["image"]
            for number in numbers:
                content = (images[self._places[number][2]].as_py() or {}).get("bytes")
                yield number, content if isinstance(content, bytes) else ValueError("the row holds no image")


@contextmanager
def open_parquet(path: Path) -> Iterator[Source]:
    """Open a folder of parquet files.

    Raises:
        ArtganError: If the extra is not installed or a file cannot be read.
    """
    try:
        import pyarrow  # noqa: F401
    except ModuleNotFoundError:
        raise ArtganError(f"{path} holds parquet files; {EXTRA}") from None
    yield Parquet(sorted(path.rglob("*.parquet")))


def _label_names(file: Any) -> list[str]:
    """Return the names behind the labels' numbers, as the Hub's library writes them into the schema."""
    metadata = file.schema_arrow.metadata or {}
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"]["label"]["names"]
    except (KeyError, ValueError, TypeError):
        return []
    return [str(name) for name in names]


def _style(label: Any, names: list[str]) -> str:
    """Return the style that a label stands for; a number that stands for none, as the Hub's -1, is no label."""
    if isinstance(label, int):
        if names:
            return names[label] if 0 <= label < len(names) else UNLABELLED
        return str(label) if label >= 0 else UNLABELLED
    return str(label).replace("/", "_") if label else UNLABELLED
