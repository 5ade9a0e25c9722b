"""The paper's Table 2 as an Optuna study: TPE proposes, short trainings are scored, hopeless ones are cut off.

Several processes may work on one study, and each may be killed: what it was training goes on in the next. What a trial
is scored by is `Rungs`; the loop of training is `gan.training`'s own.
"""

import copy
import datetime
import shutil
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.collapse.rule import CollapseRule
from artgan_lib.evaluation.collapse.signals import Reference
from artgan_lib.evaluation.features import Extractor, features_of
from artgan_lib.evaluation.metrics import kernel_distance
from artgan_lib.experiments.study import SPACE, Budget, open_study, propose
from artgan_lib.gan.training import Callback, train
from artgan_lib.gan.updates import Networks
from artgan_lib.images import fingerprint, to_uint8
from artgan_lib.presets import VARIANTS, preset
from artgan_lib.randomness import latents
from artgan_lib.runlog import read_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    import optuna

ALIKE = 0.05
"""A trial whose pictures are less far apart than this share of what real ones are is cut off: it paints one picture."""

REAL = 1000
"""Real pictures that trials are compared with, at most."""


class Rungs(Callback):
    """Scores a trial at each of its looks and ends it where it has collapsed or lies behind the others.

    The score is the kernel distance to real pictures: it has no bias, so that a few hundred pictures will do. Pictures
    are painted with BatchNorm's statistics of their own batch, as in training: after a few hundred updates the running
    averages still remember their start, and would be all that is judged.

    Collapse is what `evaluation.collapse` calls so: pictures that were varied, and are no more. Its rule lets a young
    generator be, and most trials end young; so one that paints a single picture at the second look is cut off too.

    Args:
        trial: Of the study.
        real: Features of real pictures, shape (M, dim).
        extractor: That made them.
        reference: Real pictures as the signals of collapse see them.
        budget: Of the study.
    """

    def __init__(
        self, trial: "optuna.Trial", real: np.ndarray, extractor: Extractor, reference: Reference, budget: Budget
    ) -> None:
        self.trial, self.real, self.extractor, self.budget = trial, real, extractor, budget
        self.reference, self.rule = reference, CollapseRule()
        self.score: float | None = None

    def on_start(self, run_dir: Path, step: int) -> None:
        """Report what a run that goes on has scored already."""
        if step and (run_dir / "log.jsonl").exists():
            for row in read_log(run_dir / "log.jsonl").to_dict("records"):
                self._judge({str(key): value for key, value in row.items()})

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> Mapping[str, float]:
        """Measure, and ask whether the trial may go on."""
        pictures = _paint(networks, self.budget)
        features = np.concatenate(list(self.extractor.batches([pictures])))
        size = min(len(self.real), len(features))
        found = {"kernel": kernel_distance(self.real, features, subsets=20, size=size, seed=self.budget.seed).mean}
        signals = self.reference.signals(pictures[: self.reference.count])._asdict()
        found |= {name: value for name, value in signals.items() if value is not None}
        self._judge(record | found)
        return found

    def _judge(self, record: Mapping[str, Any]) -> None:
        epoch, apart = int(record["epoch"]), float(record["pairwise"])
        self.score = float(record["kernel"])
        self.trial.report(self.score, epoch)
        if self.rule.hear(epoch, int(record["step"]), int(record["images_seen"]), record):
            event = self.rule.events[-1]
            self.stop = f"collapsed: {event.signal.replace('_', ' ')} {event.value:.2f} at look {event.start_epoch}"
        elif epoch > 1 and apart < ALIKE:  # a network of a few dozen updates is not yet to be judged by this
            self.stop = f"collapsed: its pictures are {apart:.0%} as far apart as real ones"
        elif epoch < self.budget.rungs and self.trial.should_prune():
            self.stop = f"behind the others after {epoch} of {self.budget.rungs} looks"


@dataclass
class Search:
    """One study and what its trials need.

    Args:
        storage: The study's file: `.db` for SQLite, anything else for a journal. Trials train in a folder beside it.
        images: Real pictures, uint8 (N, 64, 64, 3).
        extractor: From `load_extractor`.
        budget: Of each trial.
        device: Where they train.

    Raises:
        ArtganError: If the file holds a study with another budget, other pictures or another extractor.
    """

    storage: Path
    images: np.ndarray
    extractor: Extractor
    budget: Budget = field(default_factory=Budget)
    device: str = "auto"

    def __post_init__(self) -> None:
        self.storage.parent.mkdir(parents=True, exist_ok=True)
        self.trials = self.storage.with_name(f"{self.storage.stem}-trials")
        self.trials.mkdir(exist_ok=True)
        about = {
            **{name: list(value) if isinstance(value, tuple) else value for name, value in vars(self.budget).items()},
            "data": fingerprint(self.images),
            "real": len(self.images),
            "extractor": f"{self.extractor.name} {self.extractor.layer} {self.extractor.sha256 or ''}".strip(),
        }
        with self._alone():
            self.study = open_study(self.storage, begin=True)
            known = self.study.user_attrs
            if not known:
                for name, value in about.items():
                    self.study.set_user_attr(name, value)
                for variant in VARIANTS:  # the paper's own points come first, as far as the table has them
                    values = {name: getattr(preset(variant), name) for name in self.budget.space}
                    values["batch_size"] = self.budget.batches[SPACE["batch_size"].index(values["batch_size"])]
                    self.study.enqueue_trial(values)
            elif differ := [name for name, value in about.items() if known.get(name) != value]:
                name = differ[0]
                raise ArtganError(
                    f"{self.storage} holds a study with {name} {known.get(name)!r}, not {about[name]!r}; "
                    "name another file"
                )
        real = self.images[np.random.default_rng(self.budget.seed).permutation(len(self.images))[:REAL]]
        self.real = features_of(real, self.extractor)
        self.reference = Reference(self.images, count=self.budget.pictures, seed=self.budget.seed)

    def run(self, trials: int, told: Callable[["optuna.trial.FrozenTrial"], None] = lambda trial: None) -> bool:
        """Work on the study until it has so many finished trials, by whichever process.

        Args:
            trials: Finished ones, those that were cut off or refused counted in.
            told: Called after each of this process's trials.

        Returns:
            Whether it came that far; False after Ctrl-C or SIGTERM, and the trial in hand goes on next time.
        """
        while (begun := self._begin(trials)) is not None:
            trial, lock = begun
            try:
                going_on = self._train(trial)
            finally:
                lock.release()
            if not going_on:
                return False
            told(self.study.trials[trial.number])
        return True

    def _begin(self, trials: int) -> "tuple[optuna.Trial, FileLock] | None":
        """Take the next trial, one that a killed process has left behind first; None when there are enough."""
        import optuna

        state = optuna.trial.TrialState
        with self._alone():
            states = self.study.get_trials(deepcopy=False)
            for left in (trial for trial in states if trial.state == state.RUNNING):
                lock = self._lock(left.number)
                try:
                    lock.acquire(timeout=0)
                except Timeout:
                    continue  # another process is at it
                lock.release()
                self._hand_on(left)
            counted = sum(trial.state in (state.COMPLETE, state.PRUNED, state.RUNNING) for trial in self.study.trials)
            if counted >= trials:
                return None
            trial = propose(self.study, self.budget.seed)
            lock = self._lock(trial.number)
            lock.acquire(timeout=0)
        return trial, lock

    def _hand_on(self, trial: "optuna.trial.FrozenTrial") -> None:
        """Give up a trial in favour of a new one with its values, which goes on in its folder."""
        import optuna

        run = trial.user_attrs.get("run", f"{trial.number:04d}")
        self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        self.study.enqueue_trial(trial.params, user_attrs={"run": run})

    def _train(self, trial: "optuna.Trial") -> bool:
        """Train and score one trial; False if it was interrupted."""
        import optuna

        begun = datetime.datetime.now()
        values = {name: trial.suggest_categorical(name, choices) for name, choices in self.budget.space.items()}
        folder = self.trials / str(trial.user_attrs.get("run", f"{trial.number:04d}"))
        rungs, reason = Rungs(trial, self.real, self.extractor, self.reference, self.budget), ""
        try:
            config = self.budget.config(values)
        except ArtganError as error:
            reason = f"refused: {error}"
        else:
            try:
                result = train(config, self.images, folder, device=self.device, callbacks=[rungs], keep_every=0)
            except ArtganError as error:
                if not (folder / "config.json").exists():  # not the trial's fault
                    raise
                reason = "broke down" if "broke down" in str(error) else str(error)
            else:
                reason = result.reason
                if not result.finished and not reason:
                    self._hand_on(self.study.trials[trial.number])
                    return False
        trial.set_user_attr("reason", reason)
        trial.set_user_attr("seconds", round((datetime.datetime.now() - begun).total_seconds(), 1))
        done = rungs.score is not None and not reason
        state = optuna.trial.TrialState.COMPLETE if done else optuna.trial.TrialState.PRUNED
        self.study.tell(trial, rungs.score if done else None, state=state)
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        return True

    def _lock(self, number: int) -> FileLock:
        return FileLock(self.trials / f"{number:04d}.lock")

    @contextmanager
    def _alone(self) -> "Iterator[None]":
        """Keep other processes from taking a trial at the same time."""
        with FileLock(self.trials / "study.lock"):
            yield


def _paint(networks: Networks, budget: Budget) -> np.ndarray:
    painter = copy.deepcopy(networks.painter).train()
    device = next(painter.parameters()).device
    vectors = torch.from_numpy(latents(budget.seed, range(budget.pictures), painter.latent_dim)).to(device)
    with torch.no_grad():
        return to_uint8(painter(vectors))
