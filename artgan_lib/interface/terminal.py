"""How work on many things shows that it goes on: a bar in a terminal, a line a tenth where there is none."""

import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm


def interactive() -> bool:
    """Tell whether a person watches a terminal."""
    return sys.stderr.isatty()


def counter(title: str, unit: str = "img") -> Callable[[int, int], None]:
    """Return a function (done, total) that draws a bar in a terminal, or a line every tenth elsewhere."""
    bar: tqdm[Any] | None = None
    said = 0

    def show(done: int, total: int) -> None:
        nonlocal bar, said
        if interactive():
            bar = bar or tqdm(total=total, desc=title, unit=unit, unit_scale=unit == "B")
            bar.update(done - bar.n)
            if done == total:
                bar.close()
        elif done * 10 // total > said:
            said = done * 10 // total
            sys.stdout.write(f"{title}: {done:,} of {total:,}\n")
            sys.stdout.flush()

    return show
