import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from artgan_lib import ArtganError, prepare
from artgan_lib.data.dataset import open_split
from artgan_lib.data.sources.open import open_source

pyarrow = pytest.importorskip("pyarrow", reason="the extra [huggingface] is not installed")


def image(path: str | None = "a.png") -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(buffer, "png")
    return {"bytes": buffer.getvalue(), "path": path}


def write(path: Path, images: list[Any], labels: list[Any], names: list[str] | None) -> Path:
    """Write a file as the Hub's own library does; `names` are those of the classes."""
    from pyarrow import parquet

    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    table = pyarrow.table({"image": pyarrow.array(images, kind), "label": labels})
    if names:
        features = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    parquet.write_table(table, path)
    return path


def styles(folder: Path) -> list[str]:
    with open_source(folder) as source:
        return sorted(image.style for image in source.images)


def test_a_torn_file_and_one_without_the_columns_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "train.parquet", [image()], [0], ["baroque"])
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ArtganError, match=r"train\.parquet cannot be read"), open_source(tmp_path):
        pass
    pyarrow.parquet.write_table(pyarrow.table({"picture": [1]}), path)
    with pytest.raises(ArtganError, match=r"train\.parquet cannot be read"), open_source(tmp_path):
        pass


def test_a_row_without_an_image_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    no_bytes = {"bytes": None, "path": "b.png"}
    write(
        tmp_path / "hub" / "train.parquet", [image(), None, no_bytes, image(None)], [0, 0, 1, 1], ["baroque", "ukiyo_e"]
    )
    cache = prepare(tmp_path / "hub", tmp_path / "cache")
    assert cache.labels.tolist() == [0, 1]
    reasons = [entry["reason"] for entry in cache.manifest["quarantined"]]
    assert reasons == ["cannot be read: the row holds no image"] * 2


def test_a_number_that_names_no_class_is_no_label(tmp_path: Path) -> None:
    write(tmp_path / "test.parquet", [image()] * 5, [0, 1, -1, 2, None], ["baroque", "ukiyo_e"])
    assert styles(tmp_path) == ["baroque", "ukiyo_e", "unlabelled", "unlabelled", "unlabelled"]


def test_labels_without_names_are_their_own_names(tmp_path: Path) -> None:
    write(tmp_path / "x.parquet", [image()] * 3, [0, 1, -1], None)
    assert styles(tmp_path) == ["0", "1", "unlabelled"]
    write(tmp_path / "x.parquet", [image()] * 3, ["baroque", "Edo/ukiyo-e", None], None)
    assert styles(tmp_path) == ["Edo_ukiyo-e", "baroque", "unlabelled"]


def test_a_path_within_an_image_does_not_change_its_split(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    for split in ("train", "test"):
        write(tmp_path / "hub" / f"{split}-0.parquet", [image("val/realism/a.png")] * 2, [0, 1], ["baroque", "ukiyo_e"])
    cache = prepare(tmp_path / "hub", tmp_path / "cache")
    assert cache.manifest["splits"] == {"test": 2, "train": 2}
    assert len(open_split(tmp_path / "cache", "train")[0].images) == 2
