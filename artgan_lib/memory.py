"""Memory that is used again and again, on a processor.

A step of training frees gigabytes and wants them back a moment later; so does a network that sees one batch after the
other. The C library gives large pieces back to the system at once, which then has to clear every page
anew.
"""

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Options of glibc's mallopt, and what glibc itself comes to in a program with large arrays.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_USUAL = {_MMAP_MAX: 65_536, _MMAP_THRESHOLD: 32 * 2**20, _TRIM_THRESHOLD: 64 * 2**20}
_KEEPING = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1}  # -1: never
_depth, _lock = 0, threading.Lock()


@contextmanager
def kept_memory(keep: bool = True) -> Iterator[None]:
    """Let the process keep what it frees until the end of the outermost `with`; where there is no glibc, do nothing."""
    global _depth
    library = _glibc() if keep else None
    if library is None:
        yield
        return
    with _lock:
        if _depth == 0:
            _set(library, _KEEPING)
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _set(library, _USUAL)
                library.malloc_trim(0)


def _set(library: ctypes.CDLL, options: dict[int, int]) -> None:
    for option, value in options.items():
        library.mallopt(option, value)


def _glibc() -> ctypes.CDLL | None:
    """Return the C library if it is GNU's."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
