"""One file by its hash: from the user's own folder, from the cache, or from where it was published.

The transfer itself is PyTorch's; this module decides where a file may come from and says what to do where it cannot.
"""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from artgan_lib.errors import ArtganError

WEIGHTS_DIR = "ARTGAN_WEIGHTS_DIR"
"""Environment variable: a folder whose files are taken as they are, before any other place."""

CACHE_DIR = "ARTGAN_CACHE_DIR"
"""Environment variable: where fetched files are kept; ~/.cache/artgan if it is not set."""

_TIMEOUT_S = 20.0  # without an answer


@dataclass(frozen=True)
class PublishedFile:
    """A file that its authors published under a fixed address."""

    name: str
    url: str
    sha256: str


def cache_dir() -> Path:
    """Return the folder where fetched files are kept; it need not exist."""
    return Path(os.environ.get(CACHE_DIR) or Path.home() / ".cache" / "artgan")


def find(file: PublishedFile) -> Path | None:
    """Return where the file lies on this machine, or None."""
    own = os.environ.get(WEIGHTS_DIR)
    places = [Path(own)] if own else []
    return next((place / file.name for place in [*places, cache_dir()] if (place / file.name).is_file()), None)


def fetch(file: PublishedFile, *, download: bool = True) -> Path:
    """Return where the file lies, fetching it first if it must be and may be.

    A fetched file gets its place in the cache only after its hash was checked.

    Args:
        file: What is wanted.
        download: Whether the network may be used.

    Raises:
        ArtganError: If it is not here and cannot or may not be fetched, or other bytes came.
    """
    found = find(file)
    if found:
        return found
    if not download:
        raise ArtganError(f"{file.name} is not on this machine; put it into a folder and set {WEIGHTS_DIR} to it")
    from torch.hub import download_url_to_file

    place = cache_dir() / file.name
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _timeout():
            download_url_to_file(file.url, str(place), hash_prefix=file.sha256, progress=sys.stderr.isatty())
    except (URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise ArtganError(
            f"{file.name} is not on this machine and could not be fetched ({reason}); "
            f"put it into a folder and set {WEIGHTS_DIR} to it"
        ) from None
    except RuntimeError:  # torch's word for another hash
        raise ArtganError(f"{file.url} gave other bytes than were published; try again later") from None
    return place


@contextmanager
def _timeout() -> Iterator[None]:
    """Bound the wait for a silent server, which torch's transfer leaves to the socket's default."""
    former = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(former)
