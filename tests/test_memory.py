"""Freed memory is kept where that is asked for, and given back afterwards."""

import resource
import subprocess
import sys

import numpy as np
import pytest

from artgan_lib.memory import kept_memory

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's malloc is Linux'")


def pages_cleared(pieces: int = 8) -> int:
    """Count pages that the system clears for arrays that come and go, 40 MB each."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(pieces):
        np.full(40_000_000, 7, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def main() -> None:
    usual = pages_cleared()
    with kept_memory():
        pages_cleared(1)
        with kept_memory():
            pass  # an inner one ends nothing
        kept = pages_cleared()
    with kept_memory(keep=False):
        off = pages_cleared()
    sys.stdout.write(f"{usual} {kept} {off} {pages_cleared()}\n")


def test_memory_is_kept_between_and_given_back_after() -> None:
    # In a process of its own: huge pages and other arrays of this one would blur the count.
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True)
    usual, kept, off, after = map(int, done.stdout.split())
    assert kept < usual / 10
    assert off > usual / 2
    assert after > usual / 2


if __name__ == "__main__":
    main()
