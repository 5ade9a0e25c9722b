"""What a run will cost, measured in a thread while a person still chooses, and remembered."""

from collections.abc import Callable
from typing import Any

from artgan_lib.interface.panel_settings import Wanted
from artgan_lib.interface.panel_status import StatusView
from artgan_lib.interface.panel_worker import Worker
from artgan_lib.studio import upscaling
from artgan_lib.studio.estimates import Cost


class Estimates:
    """Costs of runs by their settings; number and seed do not matter.

    Args:
        read: Returns what the settings say now.
        measure: Measures a run.
        paused: Whether nothing may be measured, as while a run goes on, which would slow both.
        measured: Called when something was measured, from the thread that did.
    """

    def __init__(
        self,
        read: Callable[[], Wanted],
        measure: Callable[[Wanted], Cost],
        paused: Callable[[], bool],
        measured: Callable[[], None],
    ) -> None:
        self.read, self.measure, self.paused, self.measured = read, measure, paused, measured
        self.worker = Worker("panel-estimate")
        self._costs: dict[Any, Cost | None] = {}

    def knows(self, wanted: Wanted) -> bool:
        """Whether such a run was measured already, or could not be."""
        return _key(wanted) in self._costs

    def cost(self, wanted: Wanted) -> Cost | None:
        """Return what such a run costs, or None where nobody knows."""
        return self._costs.get(_key(wanted))

    def remember(self, wanted: Wanted, cost: Cost | None) -> None:
        """Keep what was measured, or what a run that is done has cost."""
        self._costs[_key(wanted)] = cost

    def tell(self, wanted: Wanted, status: StatusView, *, measures: bool) -> None:
        """Tell what a run will cost; or why nobody knows, and find out where that is quickly done.

        Args:
            wanted: What the settings say.
            status: Where it is told.
            measures: Whether it may be measured, as it may be once somebody looks on.
        """
        count, cost = wanted.generation.count, self.cost(wanted)
        if cost is not None:
            status.tell_estimate(cost.seconds(count), cost.bytes(count))
        elif not measures or self.knows(wanted):
            status.tell_no_estimate("no_estimate")
        elif _has_to_fetch(wanted):
            status.tell_no_estimate("estimate_fetch")
        elif self.paused():
            status.tell_no_estimate("estimate_later")
        else:
            status.tell_no_estimate("estimating")
            self.begin()

    def begin(self) -> None:
        """Measure in a thread what the settings say, until that is known.

        A thread that is about to end has looked at the settings already; it looks again.
        """
        self.worker.start(self._measure, queue=True)

    def _measure(self) -> None:
        while not self.paused():
            try:
                wanted = self.read()
            except Exception:  # it is told where the settings were changed
                return
            if self.knows(wanted) or _has_to_fetch(wanted):
                break
            try:
                self.remember(wanted, self.measure(wanted))
            except Exception:  # the run itself will tell
                self.remember(wanted, None)
        self.measured()


def _has_to_fetch(wanted: Wanted) -> bool:
    """Tell whether an enlarger is not here yet; nobody has it fetched by looking at its name."""
    return bool(upscaling.passes(wanted.enhancing.size)) and not upscaling.available(wanted.enhancing.upscaler)


def _key(wanted: Wanted) -> Any:
    model = wanted.generation.model
    changed = model.stat().st_mtime_ns if model.exists() else 0
    return model, changed, wanted.enhancing, wanted.converting, wanted.generation.style
