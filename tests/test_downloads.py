"""Transfers from a real server on loopback that misbehaves in every way we know."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from artgan_lib import ArtganError, downloads
from artgan_lib.downloads import PublishedFile, cache_dir, fetch, fetch_weights, find_weights, import_local

CONTENT = bytes(range(256)) * 4000  # about a megabyte
HALF = len(CONTENT) // 2
HINT = "take a copy by --from-local"


class Server(ThreadingHTTPServer):
    """Answers by what the test says; remembers the ranges it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Callable[[Handler], None]] = {}
        self.ranges: list[str | None] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers.get("Range"))
        self.server.answers[self.path.strip("/")](self)

    def log_message(self, *arguments: object) -> None:
        pass

    def give(self, body: bytes, status: int = 200, claim: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if claim is None else claim))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


def whole(handler: Handler) -> None:
    handler.give(CONTENT)


def by_range(handler: Handler, content: bytes = CONTENT, tag: str = '"one"') -> None:
    """A server that knows ranges and tags."""
    asked = handler.headers.get("Range")
    start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
    if asked and handler.headers.get("If-Range", tag) == tag:
        if start >= len(content):
            handler.give(b"", 416, Content_Range=f"bytes */{len(content)}")
            return
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        handler.give(content[start:], 206, Content_Range=span, ETag=tag)
    else:
        handler.give(content, ETag=tag)


def breaks_off(handler: Handler) -> None:
    """Half of the file, then nothing, as if a cable was pulled."""
    if handler.headers.get("Range"):
        by_range(handler)
    else:
        handler.give(CONTENT[:HALF], claim=len(CONTENT), ETag='"one"')


def status(number: int) -> Callable[[Handler], None]:
    return lambda handler: handler.give(b"no", number)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(downloads, "PAUSE_S", 0.01)
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda seconds: None))
    with Server() as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http
        http.shutdown()
        thread.join()


@pytest.fixture
def published(server: Server) -> Callable[..., PublishedFile]:
    def publish(*answers: Callable[[Handler], None], checksum: str | None = "right") -> PublishedFile:
        names = [f"mirror{number}" for number in range(len(answers))]
        server.answers |= dict(zip(names, answers, strict=True))
        right = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
        known = right if checksum == "right" else checksum
        return PublishedFile("data.tar", tuple(server.url(name) for name in names), known)

    return publish


Publish = Callable[..., PublishedFile]


def test_a_file_comes_whole_with_progress(published: Publish, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    path = fetch(published(whole), tmp_path, hint=HINT, progress=lambda here, of: heard.append((here, of)))
    assert path.read_bytes() == CONTENT
    assert heard[-1] == (len(CONTENT), len(CONTENT))
    assert sorted(file.name for file in tmp_path.iterdir()) == [".data.tar.lock", "data.tar"]


def test_a_transfer_that_breaks_off_goes_on_where_it_was(published: Publish, server: Server, tmp_path: Path) -> None:
    assert fetch(published(breaks_off), tmp_path, hint=HINT).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={HALF // 2**16 * 2**16}-"]


def test_a_later_call_goes_on_from_the_part_file(published: Publish, server: Server, tmp_path: Path) -> None:
    file = published(lambda handler: handler.give(CONTENT[:HALF], claim=len(CONTENT), ETag='"one"'))
    for _ in range(2):
        with pytest.raises(ArtganError, match="broke off; take a copy"):
            fetch(file, tmp_path, hint=HINT)
    assert not (tmp_path / "data.tar").exists()
    kept = (tmp_path / "data.tar.part").stat().st_size
    assert HALF - 2**16 < kept <= HALF  # all but the chunk that was on its way
    server.answers["mirror0"] = by_range
    server.ranges.clear()
    assert fetch(file, tmp_path, hint=HINT).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={kept}-"]


def test_a_server_that_ignores_ranges_is_taken_from_the_start(published: Publish, tmp_path: Path) -> None:
    (tmp_path / "data.tar.part").write_bytes(CONTENT[:1000])
    assert fetch(published(whole), tmp_path, hint=HINT).read_bytes() == CONTENT


def test_a_file_that_changed_since_is_taken_from_the_start(published: Publish, tmp_path: Path) -> None:
    (tmp_path / "data.tar.part").write_bytes(b"former" * 100)
    (tmp_path / "data.tar.part.etag").write_text('"former"')
    assert fetch(published(by_range), tmp_path, hint=HINT).read_bytes() == CONTENT


def test_a_part_that_is_whole_already_is_taken(published: Publish, tmp_path: Path) -> None:
    (tmp_path / "data.tar.part").write_bytes(CONTENT)
    assert fetch(published(by_range), tmp_path, hint=HINT).read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(published: Publish, tmp_path: Path) -> None:
    (tmp_path / "data.tar.part").write_bytes(CONTENT + b"more")
    assert fetch(published(by_range), tmp_path, hint=HINT).read_bytes() == CONTENT


def test_another_part_than_was_asked_for_is_not_appended(published: Publish, server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.tar.part").write_bytes(CONTENT[:HALF])

    def wrong_part(handler: Handler) -> None:
        if handler.headers.get("Range"):
            handler.give(CONTENT[7:], 206, Content_Range=f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}")
        else:
            whole(handler)

    assert fetch(published(wrong_part), tmp_path, hint=HINT).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (status(403), "answered with 403 Forbidden"),
        (status(404), "answered with 404 Not Found"),
        (status(429), "answered with 429 Too Many Requests"),
        (status(500), "answered with 500 Internal Server Error"),
        (lambda handler: handler.give(b"", 302, Location=handler.path), "redirects in a circle"),
        (lambda handler: handler.give(CONTENT[:-1] + b"x"), "gave other bytes than were published"),
        (lambda handler: handler.give(CONTENT, claim=HALF), "gave other bytes than were published"),
        (lambda handler: handler.give(CONTENT, claim=len(CONTENT) + 5), "broke off"),
    ],
)
def test_what_goes_wrong_is_one_sentence_with_the_way_out(
    answer: Callable[[Handler], None], sentence: str, published: Publish, tmp_path: Path
) -> None:
    with pytest.raises(ArtganError, match=rf"^data\.tar could not be fetched: .*{sentence}.*; {HINT}$"):
        fetch(published(answer), tmp_path, hint=HINT)
    assert not (tmp_path / "data.tar").exists()


def test_a_silent_server_is_given_up(published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "TIMEOUT_S", 0.05)
    done = threading.Event()

    def silent(handler: Handler) -> None:
        done.wait(5)

    with pytest.raises(ArtganError, match=r"was silent for 0\.05 seconds"):
        fetch(published(silent), tmp_path, hint=HINT)
    done.set()


def test_a_slow_server_is_waited_for(published: Publish, tmp_path: Path) -> None:
    def slow(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        for start in range(0, len(CONTENT), 100_000):
            handler.wfile.write(CONTENT[start : start + 100_000])
            threading.Event().wait(0.02)

    assert fetch(published(slow), tmp_path, hint=HINT).read_bytes() == CONTENT


def test_the_next_mirror_is_asked_and_all_reasons_are_named(published: Publish, tmp_path: Path) -> None:
    with pytest.raises(
        ArtganError, match=r"mirror0 answered with 403 .*mirror1 answered with 404 .*mirror2 gave other bytes"
    ):
        fetch(published(status(403), status(404), lambda h: h.give(b"other")), tmp_path, hint=HINT)
    assert fetch(published(status(403), status(500), whole), tmp_path, hint=HINT).read_bytes() == CONTENT


def test_a_dead_address_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAUSE_S", 0.01)
    dead = PublishedFile("data.tar", ("http://127.0.0.1:9/data.tar",), None)
    with pytest.raises(ArtganError, match=r"127\.0\.0\.1:9/data\.tar cannot be reached; take a copy"):
        fetch(dead, tmp_path, hint=HINT)


def test_an_unknown_checksum_is_recorded_and_held_to(published: Publish, server: Server, tmp_path: Path) -> None:
    file = published(whole, checksum=None)
    path = fetch(file, tmp_path, hint=HINT)
    assert (tmp_path / "data.tar.checksum").read_text().startswith("sha256:")
    path.unlink()
    server.answers["mirror0"] = lambda handler: handler.give(CONTENT[:-1] + b"x")
    with pytest.raises(ArtganError, match="gave other bytes than were published"):
        fetch(file, tmp_path, hint=HINT)
    server.answers["mirror0"] = whole
    fetch(file, tmp_path, hint=HINT).write_bytes(b"edited")
    with pytest.raises(ArtganError, match="is not the file that was published; remove it and fetch it again"):
        fetch(file, tmp_path, hint=HINT)


def test_md5_is_known_too(published: Publish, tmp_path: Path) -> None:
    right, wrong = (f"md5:{hashlib.md5(content).hexdigest()}" for content in (CONTENT, b"other"))
    assert fetch(published(whole, checksum=right), tmp_path, hint=HINT).exists()
    with pytest.raises(ArtganError, match="is not the file that was published"):
        fetch(published(whole, checksum=wrong), tmp_path, hint=HINT)


def test_too_little_disk_is_told_before_a_byte_comes(
    published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000})())
    with pytest.raises(ArtganError, match=r"has 0\.0 MB left, 1\.0 MB are wanted; make room"):
        fetch(published(whole), tmp_path, hint=HINT)
    assert [file.name for file in tmp_path.iterdir()] == [".data.tar.lock"]


def test_a_copy_that_somebody_has_is_adopted_after_checking(published: Publish, tmp_path: Path) -> None:
    file = published(whole)
    (tmp_path / "copy").write_bytes(CONTENT)
    assert import_local(file, tmp_path / "copy", tmp_path / "store").read_bytes() == CONTENT
    (tmp_path / "copy2").write_bytes(b"other")
    with pytest.raises(ArtganError, match=r"copy2 is not data\.tar as it was published: its sha256 differs"):
        import_local(file, tmp_path / "copy2", tmp_path / "store")
    with pytest.raises(ArtganError, match="there is no file"):
        import_local(file, tmp_path / "nothing", tmp_path / "store")


def in_another_process(code: str, file: PublishedFile, **environment: str) -> "subprocess.Popen[str]":
    """Run code that knows `file` as it is here."""
    code = f"from artgan_lib.downloads import *; file = {file!r}; print({code})"
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], env=os.environ | environment, **settings)  # type: ignore


def held_back(server: Server, answer: str) -> tuple[threading.Event, threading.Event]:
    """Let an address give half of the file, then wait for the second event; the first says that it has begun."""
    begun, free = threading.Event(), threading.Event()

    def give(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[:HALF])
        begun.set()
        free.wait(30)
        handler.wfile.write(CONTENT[HALF:])

    server.answers[answer] = give
    return begun, free


def test_two_processes_that_fetch_one_archive_do_not_meet(published: Publish, server: Server, tmp_path: Path) -> None:
    file = published(whole)
    begun, free = held_back(server, "mirror0")
    first = in_another_process(f"fetch(file, {str(tmp_path)!r}, hint='')", file)
    assert begun.wait(30)
    for again in (fetch, lambda file, folder, hint: import_local(file, __file__, folder)):
        with pytest.raises(ArtganError, match=r"another process fetches .*data\.tar; wait for it") as told:
            again(PublishedFile(file.name, file.urls, None), tmp_path, hint=HINT)
        assert "\n" not in str(told.value)
    free.set()
    assert first.communicate(timeout=30)[0].strip() == str(tmp_path / "data.tar")
    assert (tmp_path / "data.tar").read_bytes() == CONTENT
    assert server.ranges == [None]


def test_two_processes_that_want_the_same_weights_fetch_them_once(
    published: Publish, server: Server, tmp_path: Path
) -> None:
    file = published(whole)
    begun, free = held_back(server, "mirror0")
    first, second = (in_another_process("fetch_weights(file)", file) for _ in range(2))
    assert begun.wait(30)
    told = [process.stderr.readline() for process in (first, second)]  # of the one that waits, and of the other's start
    free.set()
    outs = [process.communicate(timeout=30)[0].strip() for process in (first, second)]
    assert any("another process fetches data.tar; waiting for it" in line for line in told)
    assert outs == [str(cache_dir() / "data.tar")] * 2
    assert (cache_dir() / "data.tar").read_bytes() == CONTENT
    assert len(server.ranges) == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (status(404), "answered with 404 Not Found"),
        (lambda handler: handler.give(CONTENT[:-1] + b"x"), "gave other bytes than were published"),
        (lambda handler: handler.give(CONTENT, claim=len(CONTENT) + 5), "broke off"),
    ],
)
def test_weights_that_do_not_come_are_told_and_leave_nothing(
    answer: Callable[[Handler], None], sentence: str, published: Publish, server: Server
) -> None:
    with pytest.raises(
        ArtganError, match=rf"^data\.tar could not be fetched: .*{sentence}; put it into a folder and set"
    ):
        fetch_weights(published(answer))
    assert [path.name for path in cache_dir().iterdir()] == [".data.tar.lock"]
    assert len(server.ranges) == downloads.ATTEMPTS


def test_weights_are_fetched_once_and_then_found(published: Publish, server: Server) -> None:
    file = published(whole)
    assert find_weights(file) is None
    assert fetch_weights(file) == cache_dir() / "data.tar"
    server.answers.clear()
    assert fetch_weights(file) == find_weights(file) == cache_dir() / "data.tar"


def test_the_network_is_left_alone_where_it_is_not_allowed(published: Publish) -> None:
    with pytest.raises(ArtganError, match="is not on this machine; put it into a folder and set ARTGAN_WEIGHTS_DIR"):
        fetch_weights(published(whole), download=False)
    assert not cache_dir().exists()


def test_the_users_own_weights_come_first_and_as_they_are(
    published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch_weights(published(whole))
    own = tmp_path / "own"
    own.mkdir()
    (own / "data.tar").write_bytes(b"a copy of another hash")
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(own))
    assert fetch_weights(published(whole)) == own / "data.tar"


def test_a_weights_folder_that_is_not_there_is_told(published: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", "nowhere")
    with pytest.raises(ArtganError, match="ARTGAN_WEIGHTS_DIR names nowhere, which is not a folder"):
        find_weights(published(whole))


def test_relative_folders_are_fixed_for_processes_started_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", "weights")
    downloads.make_folders_absolute()
    assert os.environ["ARTGAN_WEIGHTS_DIR"] == str(tmp_path / "weights")
