import functools
import hashlib
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from artgan_lib import ArtganError
from artgan_lib.downloads import PublishedFile, cache_dir, fetch, find

CONTENT = b"weights" * 1000


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real server on loopback that publishes one file."""
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "net.pth").write_bytes(CONTENT)
    handler = functools.partial(_Quiet, directory=tmp_path / "public")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def published(url: str, content: bytes = CONTENT) -> PublishedFile:
    return PublishedFile("net.pth", f"{url}/net.pth", hashlib.sha256(content).hexdigest())


def test_a_file_is_fetched_once_and_then_found(server: str) -> None:
    file = published(server)
    assert find(file) is None
    assert fetch(file).read_bytes() == CONTENT
    assert fetch(published("http://127.0.0.1:9")) == cache_dir() / "net.pth"  # no longer asks the network


def test_other_bytes_are_refused_and_not_kept(server: str) -> None:
    with pytest.raises(ArtganError, match="gave other bytes than were published"):
        fetch(published(server, b"what the authors published"))
    assert not list(cache_dir().iterdir())


def test_no_network_no_file_is_one_sentence_with_the_way_out() -> None:
    with pytest.raises(ArtganError, match=r"could not be fetched .*set ARTGAN_WEIGHTS_DIR to it"):
        fetch(published("http://127.0.0.1:9"))


def test_a_file_that_is_not_there_is_told(server: str) -> None:
    with pytest.raises(ArtganError, match=r"could not be fetched \(File not found\)"):
        fetch(PublishedFile("other.pth", f"{server}/other.pth", "0" * 64))


def test_the_network_is_left_alone_where_it_is_not_allowed(server: str) -> None:
    with pytest.raises(ArtganError, match="is not on this machine; put it into a folder"):
        fetch(published(server), download=False)
    assert not cache_dir().exists()


def test_the_users_own_folder_comes_first(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(published(server))
    own = tmp_path / "own"
    own.mkdir()
    (own / "net.pth").write_bytes(b"a copy of another hash, taken as it is")
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(own))
    assert fetch(published(server)) == own / "net.pth"
