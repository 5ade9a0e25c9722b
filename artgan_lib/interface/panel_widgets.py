"""Widgets of our own: numbers that tell when they were out of limits, and widgets that nobody hears of.

A notebook that is executed by papermill keeps the state of every widget that tells of itself, which makes the file
large and invalid for some readers. So there widgets are made without a line to the outside.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import comm
import ipywidgets

from artgan_lib.interface.notebooks import HEADLESS


class Number(ipywidgets.IntText):  # type: ignore[misc]
    """A whole number within limits; one beyond them is set to the nearest, and remembered so that it can be told.

    The limits are held here and not in the browser, which would put a number right without a word.

    Args:
        value: To begin with.
        low: The least.
        high: The most.
        layout: Of the widget.

    Attributes:
        refused: The number beyond the limits that was set last, by hand or by code; None once another one is set.
    """

    def __init__(self, value: int, low: int, high: int, layout: dict[str, str]) -> None:
        self.low, self.high = low, high
        self.refused: int | None = None
        super().__init__(value, layout=layout)
        self.observe(self._hold, "value")

    def _hold(self, change: dict[str, Any]) -> None:
        value, held = change["new"], min(max(change["new"], self.low), self.high)
        if held != value:
            self.value = held
        if self.value == held:
            self.refused = value if held != value else None


@contextmanager
def unheard_where_nobody_looks() -> Iterator[None]:
    """Make widgets inside without a line to the outside, where ARTGAN_HEADLESS is set."""
    if not os.environ.get(HEADLESS):
        yield
        return
    create: Any = comm.create_comm
    comm.create_comm = comm.DummyComm
    try:
        yield
    finally:
        comm.create_comm = create
