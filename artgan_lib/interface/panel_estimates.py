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
        measure: Measures a run.
        paused: Whether nothing may be measured, as while a run goes on, which would slow both.
        measured: Called when something was measured, from the thread that did; it tells the settings of then.
    """

    def __init__(
        self, measure: Callable[[Wanted], Cost], paused: Callable[[], bool], measured: Callable[[], None]
    ) -> None:
        self.measure, self.paused, self.measured = measure, paused, measured
        self.worker = Worker("panel-estimate")
        self._costs: dict[Any, Cost | None] = {}

    def remember(self, wanted: Wanted, cost: Cost | None) -> None:
        """Keep what was measured; None if such a run cannot be measured."""
        self._costs[_key(wanted)] = cost

    def tell(self, wanted: Wanted, status: StatusView, *, measures: bool) -> None:
        """Tell what a run will cost; or why nobody knows, and find out where that is quickly done.

        Args:
            wanted: What the settings say.
            status: Where it is told.
            measures: Whether it may be measured, as it may be once somebody looks on.
        """
        count, cost = wanted.generation.count, self._costs.get(_key(wanted))
        if cost is not None:
            status.tell_estimate(cost.seconds(count), cost.bytes(count))
        elif not measures or _key(wanted) in self._costs:
            status.tell_no_estimate("no_estimate")
        elif upscaling.passes(wanted.enhancing.size) and not upscaling.available(wanted.enhancing.upscaler):
            status.tell_no_estimate("estimate_fetch")  # nobody has an enlarger fetched by looking at its name
        elif self.paused():
            status.tell_no_estimate("estimate_later")
        else:
            status.tell_no_estimate("estimating")
            self.worker.start(lambda: self._measure(wanted), queue=True)

    def _measure(self, wanted: Wanted) -> None:
        if self.paused() or _key(wanted) in self._costs:
            return
        try:
            self.remember(wanted, self.measure(wanted))
        except Exception:  # the run itself will tell
            self.remember(wanted, None)
        self.measured()


def _key(wanted: Wanted) -> Any:
    return wanted.generation.model, wanted.generation.style, wanted.enhancing, wanted.converting
