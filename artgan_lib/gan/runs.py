"""The folder of one run: its checkpoints, which of them stay, and the lock that keeps a second process out.

What a checkpoint holds is left to `gan.training`, how it is written to `gan.checkpoints`.
"""

import logging
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.gan.checkpoints import DamagedCheckpointError, differences, load_checkpoint, save_checkpoint
from artgan_lib.runlog import write_atomic

NEWEST = 2
"""Newest checkpoints that stay: the last, and the one before it, should the last turn out damaged."""

_logger = logging.getLogger(__name__)


class RunFolder:
    """The folder of one run, held by one process at a time.

    Args:
        path: The folder; it is made.
        keep_every: Optimiser steps of which every multiple keeps its checkpoint; 0 keeps the newest and the best alone.

    Raises:
        ArtganError: On entering, if another process trains in it.
    """

    def __init__(self, path: Path | str, keep_every: int = 0) -> None:
        self.path, self.keep_every = Path(path), keep_every
        self.checkpoints = self.path / "checkpoints"
        self.generator = self.path / "generator.safetensors"
        self.best_generator = self.path / "generator-best.safetensors"
        self.log = self.path / "log.jsonl"
        self.samples = self.path / "samples"
        self._lock = FileLock(self.path / ".lock")

    def __enter__(self) -> "RunFolder":
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise ArtganError(f"another process trains in {self.path}; wait for it or choose another folder") from None
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def saved(self) -> list[Path]:
        """Return the checkpoints there are, oldest first."""
        return sorted(self.checkpoints.glob("step_*.pt"))

    def load_newest(self, config: TrainConfig, data: str) -> dict[str, Any] | None:
        """Return the newest whole state; a damaged file is put aside and told.

        Args:
            config: Of the run that wants to go on.
            data: `fingerprint` of the pictures it trains on.

        Returns:
            None if the folder holds no checkpoint.

        Raises:
            ArtganError: If it belongs to another config or other pictures, or none of the checkpoints is whole.
        """
        state = self._newest_whole(self.saved())
        if state is None:
            return None
        changed = differences(state["config"], config)
        if changed:
            raise ArtganError(
                f"{self.path} belongs to another config ({', '.join(changed)}); choose another run folder, and --fork "
                f"{self.path} to start there from its state"
            )
        if state["data"] != data:
            raise ArtganError(
                f"{self.path} was trained on other pictures (their fingerprint was {state['data']}, is {data}); choose "
                f"the former cache, or another run folder and --fork {self.path}"
            )
        return state

    def save(self, state: dict[str, Any]) -> Path:
        """Write a state, then remove the checkpoints that need not stay."""
        path = save_checkpoint(self.checkpoints / f"step_{state['step']:09d}.pt", state)
        best = state["best"]["step"] if state["best"] else None
        for old in self.saved()[:-NEWEST]:
            step = int(old.stem.removeprefix("step_"))
            if step != best and (not self.keep_every or step % self.keep_every):
                old.unlink()
        return path

    def take_from(self, parent: "RunFolder", checkpoint: Path | None, config: TrainConfig) -> dict[str, Any]:
        """Return a state of another run to go on from here, and copy that run's log up to it.

        The clock goes on, so whatever counts it must stay; a changed shape is found when the state is loaded.

        Raises:
            ArtganError: If there is no whole checkpoint, or batch_size or images_per_epoch differ.
        """
        state = self._newest_whole([checkpoint] if checkpoint else parent.saved(), put_aside=False)
        if state is None:
            raise ArtganError(f"there is no checkpoint in {parent.path} to fork from")
        changed = differences(state["config"], config)
        fixed = [change for change in changed if change.split()[0] in ("batch_size", "images_per_epoch")]
        if fixed:
            raise ArtganError(
                f"a fork goes on counting where {parent.path} stood, so {', '.join(fixed)} cannot change; start a new "
                "run instead"
            )
        if not parent.log.is_file() or parent.log.stat().st_size < state["log_size"]:
            raise ArtganError(f"{parent.log} is missing or has lost its end, so {parent.path} cannot be forked")
        write_atomic(self.log, parent.log.read_bytes()[: state["log_size"]])
        origin = {"run": parent.path.name, "step": state["step"], "changed": changed, "from": state["forked"]}
        return state | {"forked": origin, "best": None}

    def _newest_whole(self, paths: list[Path], *, put_aside: bool = True) -> dict[str, Any] | None:
        for path in reversed(paths):
            try:
                return load_checkpoint(path)
            except DamagedCheckpointError as error:
                _logger.warning("artgan: %s", error)
                if put_aside:
                    path.replace(path.with_name(f"{path.name}.damaged"))
        if paths:
            raise ArtganError(f"no checkpoint of {paths[0].parent} is whole; start the run anew in another folder")
        return None


def find_fork(source: Path | str) -> tuple[RunFolder, Path | None]:
    """Return the run that a path names, a run's folder or one of its checkpoints, and that checkpoint.

    Raises:
        ArtganError: If there is no such path.
    """
    path = Path(source)
    if path.is_dir():
        return RunFolder(path), None
    if path.is_file():
        return RunFolder(path.parent.parent), path
    raise ArtganError(f"there is no run {path} to fork from; --fork takes a run's folder or one of its checkpoints")
