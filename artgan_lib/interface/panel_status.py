"""What the panel always shows: state, chosen parameters, progress, what went wrong, and the two buttons."""

import errno
import html
import traceback
from collections.abc import Sequence
from typing import Any

import ipywidgets

from artgan_lib.errors import ArtganError
from artgan_lib.interface.panel_texts import RefusalError, Texts
from artgan_lib.studio.interfaces import Progress


class StatusView:
    """The strip above the pictures, and the block below the settings from which a run starts."""

    def __init__(self) -> None:
        self.state, self.summary, self.count = "ready", list[str](), 0
        self.film, self.frames = False, 0  # whether a run makes a moving picture, and of how many
        # Pictures and seconds of the last run, and how many were wanted.
        self.over: tuple[int, float, int] | None = None
        self.failed: Exception | None = None  # what is told to have gone wrong
        wide = {"width": "auto"}
        self.line, self.bar, self.error, self.estimate = (ipywidgets.HTML() for _ in range(4))
        self.paint = ipywidgets.Button(button_style="primary", layout=wide)
        self.cancel = ipywidgets.Button(disabled=True, layout=wide)
        buttons = ipywidgets.HBox([self.paint, self.cancel])
        self.start = ipywidgets.VBox([self.estimate, buttons])
        self.widget = ipywidgets.VBox([self.line, self.bar, self.error])
        for widget, name in {
            self.line: "line",
            self.bar: "bar",
            self.error: "error",
            self.estimate: "estimate",
            self.paint: "paint",
            self.cancel: "cancel",
            self.start: "start",
            self.widget: "status",
            buttons: "buttons",
        }.items():
            widget.add_class(f"artgan-{name}")
        self.clear_error()

    def say(self, texts: Texts) -> None:
        """Put all texts into a language."""
        self.texts = texts
        self.cancel.description = texts("cancel")
        if self.failed is not None:
            self.tell_error(self.failed)
        self._show()

    def tell_wanted(self, summary: Sequence[str]) -> None:
        """Tell the parameters that are chosen for the next run."""
        self.summary = list(summary)
        self._show()

    def tell_count(self, count: int) -> None:
        """Tell how many pictures a click on the button paints."""
        self.count = count
        self.paint.description = self.texts("paint", pictures=self.texts.pictures(count, accusative=True))

    def forget(self) -> None:
        """Something else is chosen now: how the last run went is over."""
        if self.state in ("done", "cancelled", "failed"):
            self.state, self.over = "ready", None

    def begin(self, summary: Sequence[str], *, film: bool = False) -> None:
        """A run begins, of pictures or of a moving one."""
        self.summary, self.over, self.film = list(summary), None, film
        self.clear_error()
        self.bar.value = self._bar(0, 0, self.texts("loading"))
        self._show()

    def advance(self, progress: Progress, stored: int) -> None:
        """A run goes on; the bar and the line below it count what is whole, pictures that are stored or frames."""
        done, self.frames = progress.done if self.film else stored, progress.total
        told = [
            self.texts(progress.stage),
            self.texts("progress_film" if self.film else "progress", done=done, total=progress.total),
        ]
        if progress.seconds_left:
            told.append(self.texts("left", time=self.texts.duration(progress.seconds_left)))
        self.bar.value = self._bar(done, progress.total, " · ".join(told))

    def end(self, count: int, seconds: float, total: int) -> None:
        """A run is over, with so many pictures of so many."""
        self.bar.value, self.over = "", (count, seconds, total)
        self._show()

    def set_state(self, state: str) -> None:
        """Tell the state, and let be clicked what makes sense in it."""
        self.state = state
        self.paint.disabled = state in ("running", "cancelling")
        self.cancel.disabled = state != "running"
        self._show()

    def tell_estimate(self, seconds: float, size: int) -> None:
        """Tell what a run will take, in seconds and bytes."""
        told = {"time": self.texts.duration(seconds), "megabytes": self.texts.megabytes(size)}
        self.estimate.value = self.texts("estimate", **told)

    def tell_no_estimate(self, key: str) -> None:
        """Tell why there is no estimate, or not yet; by the key of the text."""
        self.estimate.value = self.texts(key)

    def tell_error(self, error: Exception) -> None:
        """Tell what went wrong in one sentence; the detail unfolds."""
        self.failed = error
        (sentence, detail), fold = explain(error, self.texts), ""
        if detail:
            summary = self.texts("detail")
            fold = f"<details><summary>{summary}</summary><pre>{html.escape(detail)}</pre></details>"
        self.error.value = f'<div role="alert">{html.escape(sentence)}{fold}</div>'
        self.error.layout.display = None

    def clear_error(self) -> None:
        """What went wrong is over."""
        self.failed, self.error.value, self.error.layout.display = None, "", "none"

    def plain(self) -> str:
        """Tell state and parameters as plain text."""
        return ": ".join([self.texts(self.state), ", ".join(self.summary)])

    def _show(self) -> None:
        if not hasattr(self, "texts"):
            return
        told = "".join(f"<span>{html.escape(part)}</span>" for part in self.summary)
        remark = f'<span class="artgan-remark">{html.escape(self._remark())}</span>' if self._remark() else ""
        state = f'<b class="artgan-state artgan-is-{self.state}">{self.texts(self.state)}</b>'
        self.line.value = f'<div role="status" aria-live="polite">{state}{remark}</div><div>{told}</div>'
        self.tell_count(self.count)

    def _remark(self) -> str:
        """Say how the last run went."""
        if self.over is None:
            return ""
        count, seconds, total = self.over
        if self.state == "done" and self.film:
            return self.texts("made_film", frames=self.frames, time=self.texts.duration(seconds))
        if self.state == "done" and count:
            return self.texts("made", pictures=self.texts.pictures(count), time=self.texts.duration(seconds))
        told = self.state == "cancelled" or (self.state == "failed" and count)
        return self.texts("kept", done=count, total=total) if total and told else ""

    def _bar(self, done: int, total: int, told: str) -> str:
        share: Any = 100 * done / total if total else 0
        return (
            f'<div class="artgan-track" role="progressbar" aria-valuemin="0" aria-valuemax="{total or 1}" '
            f'aria-valuenow="{done}" aria-valuetext="{html.escape(told)}"><span style="width:{share:.1f}%"></span>'
            "</div>"
            f'<div class="artgan-stage">{html.escape(told)}</div>'
        )


def explain(error: Exception, texts: Texts) -> tuple[str, str]:
    """Return one sentence on what went wrong, and the detail that is folded below it."""
    if isinstance(error, RefusalError):
        return texts(error.key, **error.values), error.detail
    if isinstance(error, ArtganError):
        return texts("error_input", what=str(error)), ""
    if isinstance(error, OSError):
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return (texts("error_disk") if error.errno == errno.ENOSPC else texts("error_file", what=what)), what
    return texts("error_defect"), "".join(traceback.format_exception(error))
