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
from artgan_lib.runlog import TEMPORARY

NEWEST = 2
"""Newest checkpoints that stay: the last, and the one before it, should the last turn out damaged."""

LENGTH = ("epochs", "checkpoint_every")
"""Settings that may change while a run goes on: more epochs make it longer."""

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
        self._best: dict[str, Any] | None = None

    def __enter__(self) -> "RunFolder":
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise ArtganError(f"{self.path} is a file; name a folder for the run") from None
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise ArtganError(f"another process trains in {self.path}; wait for it or choose another folder") from None
        for folder in (self.path, self.checkpoints, self.samples):
            for unfinished in folder.glob(TEMPORARY):  # what a kill left half-written
                unfinished.unlink()
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def saved(self) -> list[Path]:
        """Return the checkpoints there are, oldest first."""
        return sorted(self.checkpoints.glob("step_*.pt"))

    def load_newest(self, config: TrainConfig, data: str) -> dict[str, Any] | None:
        """Return the newest whole state; damaged files newer than it are put aside and told.

        Args:
            config: Of the run that wants to go on.
            data: `fingerprint` of the pictures it trains on.

        Returns:
            None if the folder holds no checkpoint.

        Raises:
            ArtganError: If it belongs to another config or other pictures, or none of the checkpoints is whole.
        """
        found = self._newest_whole()
        if found is None:
            return None
        state, damaged = found
        changed = [line for line in differences(state["config"], config) if line.split()[0] not in LENGTH]
        if changed:
            raise ArtganError(
                f"{self.path} belongs to another config ({', '.join(changed)}); choose another run folder, and "
                f"--init-from {self.path} to start there from its networks"
            )
        if state["data"] != data:
            raise ArtganError(
                f"{self.path} was trained on other pictures (their fingerprint was {state['data']}, is {data}); choose "
                f"the former cache, or another run folder and --init-from {self.path}"
            )
        for path in damaged:
            path.replace(path.with_name(f"{path.name}.damaged"))
        self._best = state["best"]
        return state

    def save(self, state: dict[str, Any]) -> Path:
        """Write a state, then remove the checkpoint that is no longer among the newest, and a former best one.

        Others are not touched: they were to stay when they were written.
        """
        path = save_checkpoint(self.path_of(state["step"]), state)
        left = {int(old.stem.removeprefix("step_")) for old in self.saved()[:-NEWEST][-1:]}
        if self._best and self._best != state["best"] and self.path_of(self._best["step"]) in self.saved()[:-NEWEST]:
            left.add(self._best["step"])
        self._best = state["best"]
        for step in left:
            if (self._best is None or step != self._best["step"]) and (not self.keep_every or step % self.keep_every):
                self.path_of(step).unlink(missing_ok=True)
        return path

    def path_of(self, step: int) -> Path:
        """Return where the checkpoint of a step lies."""
        return self.checkpoints / f"step_{step:09d}.pt"

    def newest_state(self, checkpoints: list[Path] | None = None) -> dict[str, Any] | None:
        """Return the newest whole state of some checkpoints, by default of all; None if there is none."""
        found = self._newest_whole(checkpoints)
        return found and found[0]

    def _newest_whole(self, paths: list[Path] | None = None) -> tuple[dict[str, Any], list[Path]] | None:
        """Return the newest state that is whole and whose log is there, and the damaged files that are newer."""
        paths, damaged = self.saved() if paths is None else paths, []
        there = self.log.stat().st_size if self.log.exists() else 0
        for path in reversed(paths):
            try:
                state = load_checkpoint(path)
            except DamagedCheckpointError as error:
                _logger.warning("artgan: %s; an older one is looked for", error)
                damaged.append(path)
                continue
            if state["log_size"] <= there:
                return state, damaged
            _logger.warning("artgan: %s is shorter than %s remembers; an older one is looked for", self.log, path)
        if paths and len(damaged) == len(paths):
            raise ArtganError(f"no checkpoint of {self.path} is whole; start the run anew in another folder")
        if paths:
            raise ArtganError(f"{self.log} has lost its end and fits no checkpoint; start the run anew elsewhere")
        return None
