"""The generation panel: choose, run, watch, find the pictures, in a notebook or as a page of its own.

A thin view on `GenerationJob`. A run works in a thread, so the kernel stays free; whatever changes the panel holds its
lock, since clicks and the run come from different threads. Where ARTGAN_HEADLESS is set the same object is driven by
code, opens no widget in the notebook, and shows its pictures as one still picture.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from IPython.display import Image, Pretty, display

from artgan_lib.errors import ArtganError
from artgan_lib.images import encode
from artgan_lib.interface.notebooks import HEADLESS, project_root
from artgan_lib.interface.panel_again import morph_of, neighbours, next_size
from artgan_lib.interface.panel_estimates import Estimates
from artgan_lib.interface.panel_gallery import Actions, Gallery
from artgan_lib.interface.panel_layout import HeaderView, arrange
from artgan_lib.interface.panel_models import offered_models
from artgan_lib.interface.panel_pictures import Shown, contact_sheet, thumbnail
from artgan_lib.interface.panel_runs import find_run, pack, tell_runs
from artgan_lib.interface.panel_settings import CONTROLS, Limits, SettingsView, Wanted
from artgan_lib.interface.panel_status import StatusView
from artgan_lib.interface.panel_texts import RefusalError, Texts
from artgan_lib.interface.panel_widgets import unheard_where_nobody_looks
from artgan_lib.interface.panel_worker import Herald, Job, Made, Worker
from artgan_lib.studio.estimates import Cost
from artgan_lib.studio.interfaces import Progress
from artgan_lib.studio.pipeline import RESULTS, GenerationJob

BUSY = ("running", "cancelling")
MODELS, RUNS, SCORES = Path("data/pretrained"), Path("runs"), Path("data/results")


class Panel:
    """The panel. Display it, or drive it: `panel.seed.value = 7; panel.generate(wait=True)`; `CONTROLS` names the rest.

    Args:
        models: Generator files, folders of them or of runs; by default what the project ships and its `runs/`.
        base: Folder of all results; by default the project's `results/`.
        scores: Folder of the models' `scores_NAME.json`.
        language: One of `LANGUAGES`.
        limits: Of one run.
        confined: Results stay in `base`, which cannot be changed.
        device: `cpu`, `cuda`, `mps` or `auto`.
        download: Whether the weights of enlargers may be fetched.

    Attributes:
        state: `ready`, `running`, `cancelling`, `done`, `cancelled` or `failed`.
        error: What the last run or click was refused for, or None.
    """

    def __init__(
        self,
        models: Sequence[Path | str] | None = None,
        base: Path | str | None = None,
        *,
        scores: Path | str | None = None,
        language: str = "en",
        limits: Limits | None = None,
        confined: bool = False,
        device: str = "auto",
        download: bool = True,
    ) -> None:
        self.device, self.download, self.state, self._displayed = device, download, "ready", False
        self.error: Exception | None = None
        self._lock = threading.RLock()
        self._job: Job | None = None
        self._worker = Worker("panel-run")
        self._new: list[Shown] = []  # pictures of the newest run
        self._origin: Path | None = None  # folder of the run that the newest one was made from
        if models is None:
            root = project_root()
            models, scores, base = [root / MODELS, root / RUNS], scores or root / SCORES, base or root / RESULTS
        with unheard_where_nobody_looks():
            offered = offered_models(models, scores)
            self.settings = SettingsView(
                offered, Path(base or RESULTS), limits or Limits(), confined=confined, download=download
            )
            self.status = StatusView()
            actions = Actions(
                lambda chosen: self._try(lambda: self.more_like(chosen)),
                lambda chosen: self._try(lambda: self.again_larger(chosen)),
                lambda chosen: self._try(lambda: self.morph(chosen)),
                lambda: self._try(self.hand_over_zip),
                lambda folder: self._try(lambda: self.show_run(folder)),
                lambda: self._try(lambda: self.show_run(self._origin)),
                self._fail,
            )
            self.gallery = Gallery(actions)
            self.header = HeaderView(language)
            self.widget = arrange(self.header, self.settings, self.status, self.gallery)
        measure, busy = lambda wanted: self._job_for(wanted).measure(), lambda: self.state in BUSY
        self.estimates = Estimates(measure, busy, self._measured)
        vars(self).update({name: getattr(self.settings, name) for name in CONTROLS})
        self.status.paint.on_click(lambda button: self._try(self.generate))
        self.status.cancel.on_click(lambda button: self.cancel())
        self.language = self.header.language
        self.language.observe(lambda change: self.say(change["new"]), "value")
        self.settings.observe(self._changed)
        self.settings.folder.observe(lambda change: self._list_runs(), "value")
        self.say(language)
        self._list_runs()

    # What a person does, and code can do as well.

    def generate(self, *, wait: bool = False) -> None:
        """Paint what the settings say, in a thread.

        Args:
            wait: Until it is done; what went wrong is then raised as well.

        Raises:
            ArtganError: If the settings cannot be used, or a run goes on.
        """
        self._begin_run(self.settings.read(), wait)

    def cancel(self) -> None:
        """Stop the run; whole pictures stay."""
        with self._lock:
            if self._job is not None:
                self._job.cancel()
                self._set_state("cancelling")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is going on; tell whether that is so."""
        return self._worker.wait(timeout) and self.estimates.worker.wait(timeout)

    def estimate(self) -> Cost:
        """Measure what a run with these settings costs; shown by itself where the panel is displayed.

        Raises:
            ArtganError: If the settings cannot be used.
        """
        wanted = self.settings.read()
        cost = self._job_for(wanted).measure()
        self.estimates.remember(wanted, cost)
        self._measured()
        return cost

    def more_like(
        self, chosen: Sequence[Shown], *, amount: float = 0.2, seed: int | None = None, wait: bool = False
    ) -> None:
        """Paint neighbours of a picture, at its size."""
        self._begin_run(neighbours(self.settings, chosen, amount, seed), wait, chosen)

    def again_larger(self, chosen: Sequence[Shown], *, wait: bool = False) -> None:
        """Paint pictures again at the next size."""
        self._begin_run(next_size(self.settings, chosen), wait, chosen)

    def morph(self, chosen: Sequence[Shown], *, frames: int = 16, wait: bool = False) -> None:
        """Make a moving picture from one picture to another and back."""
        job, summary = morph_of(self.settings, chosen, frames, device=self.device, download=self.download)
        self._begin(job, summary, None, wait, chosen)

    def hand_over_zip(self) -> None:
        """Pack the run that is shown, and give it to the browser."""
        if not self.gallery.tiles:
            raise RefusalError("error_none")
        self.gallery.hand_over(*pack(self.gallery.tiles[0].shown.path.parent))

    def show_run(self, folder: Path | str | None) -> None:
        """Show an earlier run, or the newest pictures.

        Raises:
            ArtganError: If it is gone, or a run goes on, whose pictures would come among others.
        """
        if self.state in BUSY:
            raise RefusalError("error_busy")
        name = Path(folder or "").name
        shown = find_run(self.settings.results(), name) if name else self._new
        with self._lock, unheard_where_nobody_looks():
            self.gallery.clear()
            self.gallery.add([(one, thumbnail(one.path)) for one in shown])
            self.gallery.name_run(name, has_origin=not name and self._origin is not None)
            self._changed()  # what is told of the run before does not belong to these

    @property
    def pictures(self) -> list[Path]:
        """Files of the pictures that are shown."""
        return [tile.shown.path for tile in self.gallery.tiles]

    def still(self) -> "Image | Pretty":
        """Return what is shown as one picture, which a saved notebook keeps; or the state, if no picture is shown."""
        sheet = contact_sheet([tile.shown for tile in self.gallery.tiles])
        if sheet is None:
            return Pretty(self.status.plain())  # type: ignore[no-untyped-call]
        return Image(encode(sheet, "png"))  # type: ignore[no-untyped-call]

    def say(self, language: str) -> None:
        """Speak a language."""
        with self._lock, unheard_where_nobody_looks():
            self.texts = texts = Texts(language)
            for view in (self.header, self.settings, self.status, self.gallery):
                view.say(texts)
            self._list_runs()
            self._tell_wanted()

    # What happens then.

    def _begin_run(self, wanted: Wanted, wait: bool, chosen: Sequence[Shown] = ()) -> None:
        self._begin(self._job_for(wanted), self.settings.summary(wanted), wanted, wait, chosen)

    def _begin(self, job: Job, summary: list[str], wanted: Wanted | None, wait: bool, chosen: Sequence[Shown]) -> None:
        """Begin a run: of pictures as they are wanted, or of a moving one; made from chosen ones or from nothing."""
        with self._lock, unheard_where_nobody_looks():
            if self._worker.busy:
                raise RefusalError("error_busy")
            self.error, self._job, self._new = None, job, []
            self._origin = chosen[0].path.parent if chosen else None
            self.status.begin(summary, film=wanted is None)
            self.gallery.clear()
            self.gallery.name_run("", has_origin=bool(chosen))
            self._set_state("running")
            self._tell_estimate()
            self._worker.start(lambda: self._run(job, wanted))
        if wait:
            self._worker.wait()
            if self.error is not None:
                raise self.error

    def _run(self, job: Job, wanted: Wanted | None) -> None:
        """Do a job, in the thread of runs; nothing that it raises gets lost."""
        begun, herald = time.monotonic(), Herald(self._show_progress)
        error: Exception | None = None
        try:
            cancelled = job.run(herald).cancelled
        except Exception as raised:
            error, cancelled = raised, False
        with self._lock, unheard_where_nobody_looks():
            self._take(herald.made)
            self._job = None
            self._list_runs()
            if error is not None:
                self._fail(error)
            self._set_state("failed" if error else "cancelled" if cancelled else "done")
            self._tell_estimate()
            self.status.end(len(self._new), time.monotonic() - begun, wanted.generation.count if wanted else 0)

    def _show_progress(self, progress: Progress, made: list[Made]) -> None:
        with self._lock, unheard_where_nobody_looks():
            self.status.advance(progress, len(self._new) + len(made))
            self._take(made)

    def _take(self, made: list[Made]) -> None:
        if made:
            self._new += [shown for shown, _ in made]
            self.gallery.add(made)
            made.clear()

    def _try(self, act: Callable[[], None]) -> None:
        """Do what a click asks for; what is wrong with it is told in the panel."""
        with unheard_where_nobody_looks():
            self.status.clear_error()
            try:
                act()
            except Exception as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        with self._lock:
            self._list_runs()  # it may be that one is gone
            self.error = error
            self.status.tell_error(error)

    def _set_state(self, state: str) -> None:
        self.state = state
        self.status.set_state(state)
        self.gallery.set_busy(state in BUSY)

    def _job_for(self, wanted: Wanted) -> GenerationJob:
        return GenerationJob(*wanted[:3], base=wanted.base, device=self.device, download=self.download)

    # The estimate before the start.

    def _changed(self) -> None:
        """A setting was changed: tell the parameters, and see to the estimate."""
        with self._lock, unheard_where_nobody_looks():
            if self.state not in BUSY:
                self.status.forget()
            self._tell_wanted()

    def _tell_wanted(self) -> None:
        wanted = self._tell_estimate()
        if wanted is not None and self.state not in BUSY:
            self.status.tell_wanted(self.settings.summary(wanted))

    def _tell_estimate(self) -> Wanted | None:
        """Tell what the settings will cost, or begin to find out; return them if they can be used."""
        try:
            wanted = self.settings.read()
        except (ArtganError, OSError):
            self.status.tell_no_estimate("no_estimate")
            return None
        self.status.tell_count(wanted.generation.count)
        self.estimates.tell(wanted, self.status, measures=self._displayed)
        return wanted

    def _measured(self) -> None:
        with self._lock, unheard_where_nobody_looks():
            self._tell_estimate()

    def _list_runs(self) -> None:
        self.gallery.list_runs(tell_runs(self.settings, self.texts))

    def _ipython_display_(self) -> None:
        if os.environ.get(HEADLESS):
            display(self.still())  # type: ignore[no-untyped-call]
            return
        display(self.widget)  # type: ignore[no-untyped-call]
        # In two places at once the keyboard would be sent to the wrong one.
        self.gallery.moves_focus, self._displayed = not self._displayed, True
        self._tell_estimate()
