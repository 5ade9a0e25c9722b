"""ArtBench-10 as its mirror on the Hugging Face Hub keeps it: parquet files with the 256 x 256 pictures and labels.

Needs the extra `[huggingface]`. The Hub's own library does the transfer and goes on where it broke off.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from artgan_lib.data.sources import SPLITS, UNLABELLED, Painting, Refused, Source, files_below
from artgan_lib.errors import ArtganError

REPOSITORY = "zguo0525/ArtBench"
FOLDER = "artbench-10-huggingface"
_EXTRA = "`pip install artgan[huggingface]` brings what reads it"


def fetch_mirror(folder: Path | str) -> Path:
    """Bring the mirror's files into a folder of their own, or what is missing of them.

    Raises:
        ArtganError: If the extra is not installed or the Hub does not give them.
    """
    try:
        import huggingface_hub
    except ModuleNotFoundError:
        raise ArtganError(f"the mirror {REPOSITORY} is on the Hugging Face Hub; {_EXTRA}") from None
    target = Path(folder) / FOLDER
    try:
        huggingface_hub.snapshot_download(
            REPOSITORY, repo_type="dataset", local_dir=target, allow_patterns=["*.parquet"]
        )
    except Exception as error:  # the library's own, its transport's and the system's errors have no common root
        first = str(error).strip().splitlines()[0] if str(error).strip() else "no detail"
        raise ArtganError(f"the mirror {REPOSITORY} gave nothing ({type(error).__name__}: {first})") from None
    if not is_parquet(target):
        raise ArtganError(f"the mirror {REPOSITORY} holds no parquet files any more")
    return target


def is_parquet(path: Path) -> bool:
    """Tell whether a folder holds parquet files."""
    return any(file.endswith(".parquet") for file in files_below(path))


class Parquet:
    """Parquet files with a column `image` (`bytes`, `path`) and a column `label`."""

    def __init__(self, files: list[Path]) -> None:
        import pyarrow.parquet

        self.refused: list[Refused] = []
        listed: list[tuple[Painting, tuple[int, int, int]]] = []
        self._files = []
        for number, path in enumerate(files):
            try:
                file = pyarrow.parquet.ParquetFile(path)
                styles = _label_names(file)
                rows = [
                    (group, row, entry)
                    for group in range(file.num_row_groups)
                    for row, entry in enumerate(file.read_row_group(group, columns=["image.path", "label"]).to_pylist())
                ]
            except (pyarrow.ArrowException, KeyError, OSError) as error:
                raise ArtganError(f"{path} cannot be read ({type(error).__name__}); fetch it again") from None
            self._files.append(file)
            split = next((split for split in SPLITS if path.name.startswith(split)), None)
            for group, row, entry in rows:
                label = entry["label"]
                style = styles[label] if isinstance(label, int) and styles else str(label or UNLABELLED)
                name = (entry["image"] or {}).get("path") or f"{row:06d}"
                painting = Painting(f"{split or 'all'}/{style}/{number:03d}_{group:03d}_{row:06d}_{name}", style, split)
                listed.append((painting, (number, group, row)))
        listed.sort(key=lambda pair: pair[0].name)
        self.paintings = [painting for painting, _ in listed]
        self._places = [place for _, place in listed]

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Read one row group after the other, so that one at a time is in memory."""
        ordered = sorted(chosen, key=self._places.__getitem__)
        for (file, group), numbers in groupby(ordered, key=lambda number: self._places[number][:2]):
            contents = self._files[file].read_row_group(group, columns=["image.bytes"])["image"]
            for number in numbers:
                content = contents[self._places[number][2]].as_py()["bytes"]
                yield number, content if isinstance(content, bytes) else ValueError("the row holds no picture")


@contextmanager
def open_folder(path: Path) -> Iterator[Source]:
    """Open a folder of parquet files.

    Raises:
        ArtganError: If the extra is not installed or a file cannot be read.
    """
    try:
        import pyarrow  # noqa: F401
    except ModuleNotFoundError:
        raise ArtganError(f"{path} holds parquet files; {_EXTRA}") from None
    yield Parquet(sorted(path.rglob("*.parquet")))


def _label_names(file: Any) -> list[str]:
    """Return the names behind the labels' numbers, as the Hub's library writes them into the schema."""
    metadata = file.schema_arrow.metadata or {}
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"]["label"]["names"]
    except (KeyError, ValueError, TypeError):
        return []
    return [str(name) for name in names]
