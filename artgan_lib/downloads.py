"""Published files by their checksum: from the user's own folder, from the cache, or from where they were published.

Weights are fetched by pooch. The archives of ArtBench-10 have gigabytes, so a transfer of them goes on with what an
earlier call left (`NAME.part`). A file bears its name only when it is whole, and one process at a time fetches it.
"""

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from artgan_lib.errors import ArtganError
from artgan_lib.runlog import check_space, locked, write_atomic

WEIGHTS_DIR = "ARTGAN_WEIGHTS_DIR"
"""Environment variable: a folder whose files are taken as they are, before any other place."""

CACHE_DIR = "ARTGAN_CACHE_DIR"
"""Environment variable: where fetched weights are kept; ~/.cache/artgan if it is not set."""

Progress = Callable[[int, int], None]
"""Told how much is done, of how much: bytes of a transfer, or files of a collection."""

TIMEOUT_S = 30.0  # without an answer or a byte
ATTEMPTS = 3  # at one address
PAUSE_S = 1.0  # before the second attempt, twice as long before the third; pooch has the same
_CHUNK = 1 << 16  # what is lost when a transfer breaks off

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublishedFile:
    """A file that its authors published.

    Args:
        name: What it is called here.
        urls: Where it lies, the authors' own address first.
        checksum: `sha256:...` or `md5:...`; None where none is known.
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


def fetch_weights(file: PublishedFile, *, download: bool = True) -> Path:
    """Return where weights lie, fetching them first if they must be and may be.

    Where another process fetches the same file, this one waits for it.

    Raises:
        ArtganError: If they are not here and cannot or may not be fetched.
    """
    found = find_weights(file)
    if found:
        return found
    hint = f"put it into a folder and set {WEIGHTS_DIR} to it"
    if not download:
        raise ArtganError(f"{file.name} is not on this machine; {hint}")
    cache_dir().mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache_dir() / f".{file.name}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        _logger.warning("artgan: another process fetches %s; waiting for it", file.name)
        lock.acquire()
    try:
        return find_weights(file) or _fetch_by_pooch(file, hint)
    finally:
        lock.release()


def _fetch_by_pooch(file: PublishedFile, hint: str) -> Path:
    import pooch

    def transfer(url: str) -> Path:
        registry, urls = {file.name: file.checksum}, {file.name: url}
        weights = pooch.create(cache_dir(), "", registry=registry, urls=urls, retry_if_failed=ATTEMPTS - 1)
        downloader = pooch.HTTPDownloader(timeout=TIMEOUT_S, chunk_size=_CHUNK)
        return Path(weights.fetch(file.name, downloader=downloader))

    return _first_that_works(file, transfer, hint)


def fetch(file: PublishedFile, folder: Path | str, *, hint: str, progress: Progress | None = None) -> Path:
    """Bring a published file into a folder, or return the one that is there after checking it.

    A checksum that is not known is recorded at the first fetch and held to afterwards.

    Args:
        file: What is wanted.
        folder: Where it goes; made if it is not there.
        hint: What a person can do if nothing comes, for the error.
        progress: Told of the bytes as they come.

    Raises:
        ArtganError: If no address gives the whole file; the reasons are named, and what came is kept for the next call.
            Or if another process fetches it.
    """
    target = Path(folder) / file.name
    part = target.with_name(f"{file.name}.part")
    with locked(target, f"another process fetches {target}; wait for it, then run the same command again"):
        checksum = file.checksum or _recorded(target)
        if target.exists():
            if checksum and _checksum(target, checksum) != checksum:
                raise ArtganError(f"{target} is not the file that was published; remove it and fetch it again")
            return target

        def transfer(url: str) -> Path:
            _resume(url, part, progress)
            if checksum and _checksum(part, checksum) != checksum:
                part.unlink()
                raise ValueError
            return _accept(part, target, file)

        return _first_that_works(file, transfer, hint)


def import_local(file: PublishedFile, source: Path | str, folder: Path | str) -> Path:
    """Take a copy that somebody already has, after checking it, into a folder (a hard link where that is possible).

    Raises:
        ArtganError: If there is no such file, it is another one, or another process fetches it.
    """
    source, target = Path(source), Path(folder) / file.name
    if not source.is_file():
        raise ArtganError(f"there is no file {source}")
    checksum = file.checksum or _recorded(target)
    if checksum and _checksum(source, checksum) != checksum:
        raise ArtganError(f"{source} is not {file.name} as it was published: its {checksum.split(':')[0]} differs")
    tmp = target.with_name(f".{target.name}.imported")
    with locked(target, f"another process fetches {target}; wait for it or choose another folder"):
        tmp.unlink(missing_ok=True)
        try:
            tmp.hardlink_to(source)
        except OSError:
            check_space(target.parent, source.stat().st_size)
            shutil.copyfile(source, tmp)
        return _accept(tmp, target, file)


def evict(file: PublishedFile, folder: Path | str) -> None:
    """Remove a file that turned out to be wrong, and the checksum that was recorded of it, so that another may come."""
    target = Path(folder) / file.name
    target.unlink(missing_ok=True)
    _record_path(target).unlink(missing_ok=True)


def _accept(tmp: Path, target: Path, file: PublishedFile) -> Path:
    """Give a whole file its name, and record its checksum where none was published."""
    if file.checksum is None:
        write_atomic(_record_path(target), _checksum(tmp, "sha256:") + "\n")
    _tag_path(tmp).unlink(missing_ok=True)
    return tmp.replace(target)


def _first_that_works(file: PublishedFile, transfer: Callable[[str], Path], hint: str) -> Path:
    """Fetch from one address after the other; ValueError of `transfer` says that the checksum is another one."""
    import requests

    reasons = []
    for url in file.urls:
        try:
            return transfer(url)
        except ArtganError:
            raise
        except (requests.RequestException, ValueError) as error:
            reasons.append(f"{url} {_reason(error)}")
    raise ArtganError(f"{file.name} could not be fetched: {'; '.join(reasons)}; {hint}")


def _resume(url: str, part: Path, progress: Progress | None) -> None:
    """Bring the bytes of an address into `part`, going on with what is there; try again where that may help."""
    import requests

    for attempt in range(ATTEMPTS):
        time.sleep(PAUSE_S * attempt)
        try:
            return _request(url, part, progress)
        except requests.RequestException as error:
            status = getattr(error.response, "status_code", 500)
            if attempt == ATTEMPTS - 1 or (status < 500 and status != 429):
                raise
    return None


def _request(url: str, part: Path, progress: Progress | None) -> None:
    """Ask once for what `part` lacks; a server may also begin anew, as its file has changed or it knows no ranges."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # bytes as they lie on the server, so that a range means the same
    if have:
        headers["Range"] = f"bytes={have}-"
        if _tag_path(part).exists():  # the file may have changed since
            headers["If-Range"] = _tag_path(part).read_text(encoding="utf-8")
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        span = response.headers.get("Content-Range", "")
        if have and response.status_code == 416 and span == f"bytes */{have}":
            return  # it was whole already
        if have and (response.status_code == 416 or (span and not span.startswith(f"bytes {have}-"))):
            part.unlink()  # it belongs to another file
            _request(url, part, progress)
            return
        response.raise_for_status()
        have = have if response.status_code == 206 else 0
        length = response.headers.get("Content-Length", "")
        total = have + (int(length) if length.isdigit() else 0)
        check_space(part.parent, total - have)
        tag = response.headers.get("ETag", "")
        if tag and not tag.startswith("W/"):
            write_atomic(_tag_path(part), tag)
        with part.open("ab" if have else "wb") as out:
            for chunk in response.iter_content(_CHUNK):
                out.write(chunk)
                have += len(chunk)
                if progress is not None:
                    progress(have, max(total, have))


def _reason(error: Exception) -> str:
    """Say in a few words why a transfer failed."""
    import requests

    match error:
        case requests.HTTPError(response=requests.Response() as response):
            return f"answered with {response.status_code} {response.reason}"
        case requests.TooManyRedirects():
            return "redirects in a circle"
        case requests.Timeout():
            return f"was silent for {TIMEOUT_S:g} seconds"
        case requests.exceptions.ChunkedEncodingError():
            return "broke off"
        case requests.ConnectionError():
            return "cannot be reached"
        case requests.RequestException():
            return f"failed ({type(error).__name__})"
    return "gave other bytes than were published"


def _checksum(path: Path, like: str) -> str:
    """Return the checksum of a file by the method of another (`md5:...`, `sha256:...`)."""
    method = like.split(":")[0]
    with path.open("rb") as file:
        return f"{method}:{hashlib.file_digest(file, method).hexdigest()}"


def _tag_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _record_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.checksum")


def _recorded(target: Path) -> str | None:
    path = _record_path(target)
    return path.read_text(encoding="utf-8").strip() if path.exists() else None
