"""One piece of work at a time, in a thread, so that the kernel stays free; and how it is heard of."""

import math
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np

from artgan_lib.interface.panel_pictures import Shown, stored, thumbnail
from artgan_lib.studio.interfaces import Progress

REFRESH = 0.15  # seconds between two drawings at least; people see no faster
Made: TypeAlias = tuple[Shown, np.ndarray | None]
"""A picture that is stored, and its thumbnail if it can be read."""


class Job(Protocol):
    """What the panel can run: a `GenerationJob` or a `MorphJob`."""

    def run(self, on_progress: Callable[[Progress], None]) -> Any:
        """Do it, tell how far it is, and return what tells whether it was `cancelled`."""

    def cancel(self) -> None:
        """Stop soon; from any thread."""


class Herald:
    """Hears a job and tells it on, seldom enough for a browser to follow, pictures in bundles.

    Args:
        tell: Gets the newest progress, and the list of pictures since, which it empties.
    """

    def __init__(self, tell: Callable[[Progress, list[Made]], None]) -> None:
        self.tell, self.made, self.told_at = tell, list[Made](), -math.inf

    def __call__(self, progress: Progress) -> None:
        """Hear of one picture in one stage."""
        if progress.file is not None:
            self.made.append((stored(progress.file), thumbnail(progress.file)))
        if time.monotonic() - self.told_at > REFRESH or progress.done == progress.total:
            self.tell(progress, self.made)
            self.told_at = time.monotonic()


class Worker:
    """Runs work in a thread of its own; there is never more than one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._next: Callable[[], None] | None = None

    @property
    def busy(self) -> bool:
        """Whether work is going on."""
        with self._lock:
            return self._thread is not None

    def start(self, work: Callable[[], None], *, queue: bool = False) -> bool:
        """Begin, unless work is going on; tell whether it was begun. What the work raises, it has to see to itself.

        Args:
            work: To do.
            queue: If work is going on, do this as soon as it is over; the newest only.
        """
        with self._lock:
            if self._thread is not None:
                self._next = work if queue else self._next
                return False
            self._thread = threading.Thread(target=self._run, args=(work,), name=self.name, daemon=True)
            self._thread.start()
            return True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is going on; tell whether that is so."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        return not self.busy

    def _run(self, work: Callable[[], None]) -> None:
        following: Callable[[], None] | None = work
        try:
            while following is not None:
                following()
                with self._lock:
                    following, self._next = self._next, None
                    if following is None:
                        self._thread = None
        except BaseException:
            with self._lock:
                self._thread = self._next = None
            raise
