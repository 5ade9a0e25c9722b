import hashlib
import io
import json
import tarfile
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

from artgan_lib import ArtganError, prepare
from artgan_lib.data import artbench
from artgan_lib.data.artbench import FORMS, STYLES, check_counts, fetch_artbench
from artgan_lib.interface.cli import main

WHOLE = Counter({(style, split): n for style in STYLES for split, n in (("train", 5000), ("test", 1000))})


def archive_of(path: Path, per_style: dict[str, int]) -> Path:
    with tarfile.open(path, "w") as archive:
        for style in STYLES:
            for split, count in per_style.items():
                for number in range(count):
                    member = tarfile.TarInfo(f"artbench-10-imagefolder-split/{split}/{style}/{number}.jpg")
                    archive.addfile(member, io.BytesIO())
    return path


def test_the_published_set_is_counted() -> None:
    check_counts(WHOLE, "x.tar")
    check_counts(Counter({(style, None): 6000 for style in STYLES}), "x.tar", splits=None)


def test_a_style_that_lacks_pictures_is_named() -> None:
    with pytest.raises(ArtganError, match=r"baroque \(train\) 4,999 instead of 5,000; remove it and fetch it again"):
        check_counts(WHOLE - Counter({("baroque", "train"): 1}), "x.tar")
    with pytest.raises(ArtganError, match="no style cubism"):
        check_counts(WHOLE + Counter({("cubism", "train"): 5}), "x.tar")
    with pytest.raises(ArtganError, match="and 17 more"):
        check_counts(Counter(), "x.tar")


def test_the_original_size_set_is_told_apart() -> None:
    with pytest.raises(ArtganError, match="66,000 pictures: the original-size set, of which ArtBench-10's 60,000"):
        check_counts(Counter({(style, None): 6600 for style in STYLES}), "x.tar")


def test_a_local_copy_is_counted_and_adopted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(artbench, "PER_STYLE", {"train": 3, "test": 2})
    copy = archive_of(tmp_path / "copy.tar", {"train": 3, "test": 2})
    arguments = ["data", "fetch", "--from-local", str(copy), "--out", str(tmp_path / "store")]
    assert main(arguments) == 0
    assert "ArtBench-10, imagefolder-split ->" in capsys.readouterr().out
    stored = tmp_path / "store" / "artbench-10-imagefolder-split.tar"
    assert stored.read_bytes() == copy.read_bytes()


def test_a_copy_with_missing_pictures_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(artbench, "PER_STYLE", {"train": 3, "test": 2})
    copy = archive_of(tmp_path / "copy.tar", {"train": 3, "test": 1})
    assert main(["data", "fetch", "--from-local", str(copy), "--out", str(tmp_path / "store")]) == 2
    assert "art_nouveau (test) 1 instead of 2" in capsys.readouterr().err
    assert copy.exists()
    left = [path.name for path in (tmp_path / "store").iterdir()]
    assert left == [".artbench-10-imagefolder-split.tar.lock"]  # neither the file nor its checksum is in the way
    good = archive_of(tmp_path / "good.tar", {"train": 3, "test": 2})
    assert main(["data", "fetch", "--from-local", str(good), "--out", str(tmp_path / "store")]) == 0


def test_a_wrong_file_that_somebody_put_there_is_told_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artbench, "PER_STYLE", {"train": 3, "test": 2})
    theirs = archive_of(tmp_path / "artbench-10-imagefolder-split.tar", {"train": 1, "test": 1})
    with pytest.raises(ArtganError, match=r"is not ArtBench-10 as published: .*; remove it and fetch it again"):
        fetch_artbench("imagefolder-split", tmp_path)
    assert theirs.exists()


def test_unknown_forms_are_told() -> None:
    with pytest.raises(ArtganError, match="there is no form 'parquet' of ArtBench-10; there are imagefolder-split"):
        fetch_artbench("parquet", "nowhere")


class Hub(BaseHTTPRequestHandler):
    """As much of the Hugging Face Hub as its library asks for: one dataset with two parquet files."""

    files: ClassVar[dict[str, bytes]] = {}
    broken: ClassVar[bool] = False

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if self.broken:
            self.answer(503, b"later")
        elif "/api/datasets/" in path and "/tree/" in path:
            entries = [
                {"type": "file", "path": name, "size": len(content), "oid": "0" * 40}
                for name, content in self.files.items()
            ]
            self.answer(200, json.dumps(entries).encode())
        elif "/api/datasets/" in path:
            siblings = [{"rfilename": name} for name in self.files]
            body = {"id": "zguo0525/ArtBench", "sha": "a" * 40, "siblings": siblings, "tags": [], "private": False}
            self.answer(200, json.dumps(body).encode())
        elif "/resolve/" in path:
            name = path.split("/resolve/")[1].split("/", 1)[1]
            etag = hashlib.sha1(self.files[name]).hexdigest()
            self.answer(200, self.files[name], {"ETag": f'"{etag}"', "X-Repo-Commit": "a" * 40})
        else:
            self.answer(404, b"{}")

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def parquet(per_style: int) -> bytes:
    """Pictures and labels as the Hub's own library writes them."""
    pyarrow = pytest.importorskip("pyarrow", reason="the extra [huggingface] is not installed")
    from pyarrow import parquet as writer

    rows = [(style, number) for number in range(per_style) for style in range(10)]
    pictures = []
    for style, number in rows:
        buffer = io.BytesIO()
        Image.new("RGB", (32, 32), (style * 20, number * 20, 0)).save(buffer, "png")
        pictures.append({"bytes": buffer.getvalue(), "path": f"{number}.png"})
    table = pyarrow.table({"image": pictures, "label": [style for style, _ in rows]})
    features = {"info": {"features": {"label": {"names": list(STYLES), "_type": "ClassLabel"}}}}
    table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    buffer = io.BytesIO()
    writer.write_table(table, buffer, row_group_size=7)
    return buffer.getvalue()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    hub = pytest.importorskip("huggingface_hub", reason="the extra [huggingface] is not installed")
    monkeypatch.setattr(artbench, "PER_STYLE", {"train": 3, "test": 2})
    monkeypatch.setattr(Hub, "files", {"data/train-00000.parquet": parquet(3), "data/test-00000.parquet": parquet(2)})
    monkeypatch.setattr(Hub, "broken", False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        download = hub.snapshot_download
        monkeypatch.setattr(hub, "snapshot_download", lambda *a, **k: download(*a, endpoint=address, token=False, **k))
        yield Hub
        server.shutdown()
        thread.join()


def test_the_mirror_is_fetched_counted_and_prepared(hub: type[Hub], tmp_path: Path) -> None:
    folder = fetch_artbench("huggingface", tmp_path)
    cache = prepare(folder, tmp_path / "cache", split="test")
    assert cache.styles == STYLES
    assert len(cache.images) == 20
    ukiyo_e = cache.images[cache.labels == STYLES.index("ukiyo_e")]
    assert {tuple(image[32, 32]) for image in ukiyo_e} == {(180, 0, 0), (180, 20, 0)}


def test_the_mirror_is_asked_where_the_official_address_fails(
    hub: type[Hub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = artbench.PublishedFile("x.tar", ("http://127.0.0.1:9/x.tar",), None)
    monkeypatch.setitem(FORMS, "imagefolder-split", dead)
    assert fetch_artbench("imagefolder-split", tmp_path).name == "artbench-10-huggingface"
    monkeypatch.setattr(Hub, "broken", True)
    with pytest.raises(
        ArtganError, match=r"x\.tar could not be fetched: .*cannot be reached; .*; the mirror .* gave nothing"
    ):
        fetch_artbench("imagefolder-split", tmp_path / "other")


def test_every_form_has_an_official_address() -> None:
    for file in FORMS.values():
        assert file.urls == (f"https://artbench.eecs.berkeley.edu/files/{file.name}",)
