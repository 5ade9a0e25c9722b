"""One file by its checksum: from the user's own folder, from the cache, or from where it was published.

`requests` does the transfer. This module decides where a file may come from, goes on with what an earlier call left
(`NAME.part`), checks what came, and says what to do where nothing comes. A file bears its name only when it is whole.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artgan_lib.errors import ArtganError
from artgan_lib.runlog import readable_size, write_atomic

if TYPE_CHECKING:
    import requests

WEIGHTS_DIR = "ARTGAN_WEIGHTS_DIR"
"""Environment variable: a folder whose files are taken as they are, before any other place."""

CACHE_DIR = "ARTGAN_CACHE_DIR"
"""Environment variable: where fetched weights are kept; ~/.cache/artgan if it is not set."""

Progress = Callable[[int, int], None]
"""Told how many bytes are here, of how many."""

TIMEOUT_S = 30.0  # without an answer or a byte
ATTEMPTS = 3  # at one address, each going on where the one before broke off
PAUSE_S = 1.0  # before the second attempt, twice as long before the third
_CHUNK = 1 << 16  # what is lost when a transfer breaks off


@dataclass(frozen=True)
class PublishedFile:
    """A file that its authors published.

    Args:
        name: What it is called here.
        urls: Where it lies, the authors' own address first.
        checksum: `sha256:...` or `md5:...`; None where none is known: then it is recorded at the first fetch.
    """

    name: str
    urls: tuple[str, ...]
    checksum: str | None


def make_folders_absolute() -> None:
    """Fix both folders as seen from here, for processes that are started elsewhere, such as notebook kernels."""
    for variable in (WEIGHTS_DIR, CACHE_DIR):
        if os.environ.get(variable):
            os.environ[variable] = str(Path(os.environ[variable]).expanduser().resolve())


def cache_dir() -> Path:
    """Return the folder where fetched weights are kept; it need not exist."""
    return Path(os.environ.get(CACHE_DIR) or Path.home() / ".cache" / "artgan")


def find_weights(file: PublishedFile) -> Path | None:
    """Return where weights lie on this machine, or None.

    Raises:
        ArtganError: If the user's own folder is not there.
    """
    own = os.environ.get(WEIGHTS_DIR)
    if own and not Path(own).is_dir():
        raise ArtganError(f"{WEIGHTS_DIR} names {own}, which is not a folder")
    places = [Path(own)] if own else []
    return next((place / file.name for place in [*places, cache_dir()] if (place / file.name).is_file()), None)


def fetch_weights(file: PublishedFile, *, download: bool = True, progress: Progress | None = None) -> Path:
    """Return where weights lie, fetching them first if they must be and may be.

    Raises:
        ArtganError: If they are not here and cannot or may not be fetched.
    """
    found = find_weights(file)
    if found:
        return found
    way_out = f"put it into a folder and set {WEIGHTS_DIR} to it"
    if not download:
        raise ArtganError(f"{file.name} is not on this machine; {way_out}")
    return fetch(file, cache_dir(), way_out=way_out, progress=progress)


def fetch(file: PublishedFile, folder: Path | str, *, way_out: str, progress: Progress | None = None) -> Path:
    """Bring a published file into a folder, or return the one that is there after checking it.

    Args:
        file: What is wanted.
        folder: Where it goes; made if it is not there.
        way_out: What a person can do if nothing comes, for the error.
        progress: Told of the bytes as they come.

    Raises:
        ArtganError: If no address gives the whole file; the reasons are named, and what came is kept for the next call.
    """
    folder = Path(folder)
    target, part = folder / file.name, folder / f"{file.name}.part"
    checksum = file.checksum or _recorded(target)
    if target.exists():
        if checksum and _checksum(target, checksum) != checksum:
            raise ArtganError(f"{target} is not the file that was published; remove it and fetch it again")
        return target
    folder.mkdir(parents=True, exist_ok=True)
    reasons = []
    for url in file.urls:
        reason = _transfer(url, part, progress)
        if reason is None and checksum and _checksum(part, checksum) != checksum:
            part.unlink()
            reason = "gave other bytes than were published"
        if reason is None:
            if file.checksum is None:
                write_atomic(_record_path(target), _checksum(part, "sha256:") + "\n")
            _tag_path(part).unlink(missing_ok=True)
            return part.replace(target)
        reasons.append(f"{url} {reason}")
    raise ArtganError(f"{file.name} could not be fetched: {'; '.join(reasons)}; {way_out}")


def adopt(file: PublishedFile, source: Path | str, folder: Path | str) -> Path:
    """Take a copy that somebody already has, after checking it, into a folder (a hard link where that is possible).

    Raises:
        ArtganError: If there is no such file or it is another one.
    """
    source, target = Path(source), Path(folder) / file.name
    if not source.is_file():
        raise ArtganError(f"there is no file {source}")
    checksum = file.checksum or _recorded(target)
    if checksum and _checksum(source, checksum) != checksum:
        raise ArtganError(f"{source} is not {file.name} as it was published: its {checksum.split(':')[0]} differs")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.adopted")
    beside.unlink(missing_ok=True)
    try:
        beside.hardlink_to(source)
    except OSError:
        _check_space(target.parent, source.stat().st_size)
        shutil.copyfile(source, beside)
    if file.checksum is None:
        write_atomic(_record_path(target), _checksum(beside, "sha256:") + "\n")
    return beside.replace(target)


def discard(file: PublishedFile, folder: Path | str) -> None:
    """Remove a file that turned out to be wrong, and the checksum that was recorded of it, so that another may come."""
    target = Path(folder) / file.name
    target.unlink(missing_ok=True)
    _record_path(target).unlink(missing_ok=True)


def _transfer(url: str, part: Path, progress: Progress | None) -> str | None:
    """Bring the bytes of an address into `part`, going on with what is there; return why that failed, or None."""
    import requests

    reason: str | None = None
    for attempt in range(ATTEMPTS):
        time.sleep(PAUSE_S * 2 ** (attempt - 1) if attempt else 0)
        try:
            reason, again = _attempt(url, part, progress)
        except requests.TooManyRedirects:
            reason, again = "redirects in a circle", False
        except requests.Timeout:
            reason, again = f"was silent for {TIMEOUT_S:g} seconds", True
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            reason, again = f"broke off after {_size(part):,} bytes, which are kept", True
        except requests.ConnectionError:
            reason, again = "cannot be reached", attempt < ATTEMPTS - 1 and _size(part) > 0
        except requests.RequestException as error:
            reason, again = f"failed ({type(error).__name__})", False
        if reason is None or not again:
            return reason
    return reason


def _attempt(url: str, part: Path, progress: Progress | None) -> tuple[str | None, bool]:
    """Make one request; return why it failed (None: it did not) and whether another may help."""
    import requests

    have = _size(part)
    headers = {"Accept-Encoding": "identity"}  # bytes as they lie on the server, so that a range means the same
    if have:
        headers["Range"] = f"bytes={have}-"
        if _tag_path(part).exists():  # the file may have changed since
            headers["If-Range"] = _tag_path(part).read_text(encoding="utf-8")
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        status = response.status_code
        if status == requests.codes.requested_range_not_satisfiable and have:
            if response.headers.get("Content-Range", "").endswith(f"/{have}"):
                return None, False  # it was whole already
            part.unlink()
            return "has another length than before", True
        if status not in (requests.codes.ok, requests.codes.partial_content):
            return _refusal(status), status == requests.codes.too_many_requests or status >= 500
        if status == requests.codes.partial_content and not _continues(response, have):
            part.unlink(missing_ok=True)
            return "gave another part of the file than was asked for", True
        if status == requests.codes.ok:
            have = 0  # the server begins anew: it does not know ranges, or the file has changed
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdigit() else 0
        _check_space(part.parent, max(total - have, 0))
        tag = response.headers.get("ETag", "")
        if tag and not tag.startswith("W/"):
            write_atomic(_tag_path(part), tag)
        with part.open("ab" if have else "wb") as out:
            for chunk in response.iter_content(_CHUNK):
                out.write(chunk)
                have += len(chunk)
                if progress is not None:
                    progress(have, max(total, have))
    return None, False


def _continues(response: "requests.Response", have: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _refusal(status: int) -> str:
    told = {
        403: "refuses this machine (403)",
        404: "no longer has the file (404)",
        429: "has too many requests (429), try again later",
    }
    return told.get(status, f"answered with {status}" + (", try again later" if status >= 500 else ""))


def _check_space(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise ArtganError(
            f"{folder} has {readable_size(free)} left, {readable_size(wanted)} are wanted; make room or change folder"
        )


def _checksum(path: Path, like: str) -> str:
    """Return the checksum of a file by the method of another (`md5:...`, `sha256:...`)."""
    method = like.split(":")[0]
    with path.open("rb") as file:
        return f"{method}:{hashlib.file_digest(file, method).hexdigest()}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tag_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _record_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.checksum")


def _recorded(target: Path) -> str | None:
    path = _record_path(target)
    return path.read_text(encoding="utf-8").strip() if path.exists() else None
