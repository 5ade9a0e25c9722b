"""A search's study: the values of the paper's Table 2, what a trial may cost, its file, and tables of what was found.

The trials themselves are left to `experiments.search`.
"""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.runlog import write_atomic, write_json

if TYPE_CHECKING:
    import optuna
    import pandas as pd

# The rows of Table 2, by the names of `TrainConfig`. Glorot uniform is not in the table, but is what the author's DCGAN
# was drawn with; "activation" is searched for each network by itself; "clipping" is that of the gradient's norm.
SPACE: dict[str, tuple[Any, ...]] = {
    "latent_dim": (100, 128, 256),
    "lr": (1e-3, 2e-4, 1e-4, 1e-5),
    "batch_size": (64, 128, 256),
    "loss": ("bce", "wasserstein"),
    "generator_activation": ("linear", "relu", "leaky-relu", "tanh"),
    "judge_activation": ("linear", "relu", "leaky-relu", "tanh"),
    "optimizer": ("sgd", "adam"),
    "beta1": (0.0, 0.5),
    "beta2": (0.9, 0.999),
    "fully_connected": (False, True),
    "judge_normalization": ("none", "batch", "layer"),
    "kernel_size": (3, 4, 5),
    "gradient_correction": ("none", "clip-norm", "penalty"),
    "judge_updates": (1, 5),
    "initial_weights": ("glorot-normal", "glorot-uniform", "normal", "uniform"),
    "biases": (False, True),
}

_STUDY = "table2"

_PATIENCE = 120  # seconds that SQLite waits for another process, which may itself wait for a core


@dataclass(frozen=True)
class Budget:
    """What every trial gets, so that trials can be compared.

    Raises:
        ArtganError: If a number is too small.
    """

    images: int = 8192  # seen by a trial; an update of batch 64 uses as many as four of batch 16
    rungs: int = 4  # looks at a trial, equally far apart; at all but the last it may be cut off
    pictures: int = 256  # painted at each look
    width: int = 16
    batches: tuple[int, ...] = (16, 32, 64)  # a short trial has to make many updates; the paper's are 64, 128, 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rungs < 1 or self.images <= self.rungs * max(self.batches, default=0):
            raise ArtganError(
                f"{self.images} images in {self.rungs} looks are less than a batch of {max(self.batches)} each"
            )
        if len(self.batches) != 3 or list(self.batches) != sorted(set(self.batches)) or self.batches[0] < 2:
            raise ArtganError(f"three sizes of batches are searched, in rising order, not {self.batches}")
        if self.pictures < 2:
            raise ArtganError(f"a look needs at least two pictures, not {self.pictures}")

    def config(self, values: Mapping[str, Any]) -> TrainConfig:
        """Return the config of a trial.

        Raises:
            ArtganError: If two of the values do not go together.
        """
        # An epoch is one update longer than fits; so many images make a look come as close as can be to its share.
        return TrainConfig.from_dict(
            dict(values)
            | {"variant": "trial", "width": self.width, "epochs": self.rungs, "seed": self.seed}
            | {"images_per_epoch": self.images // self.rungs - values["batch_size"]}
        )

    @property
    def space(self) -> dict[str, tuple[Any, ...]]:
        """What is searched: Table 2, but for the batches."""
        return SPACE | {"batch_size": self.batches}


def open_study(storage: Path, *, begin: bool = False) -> "optuna.Study":
    """Open the study in a file.

    Args:
        storage: Ending in `.db` for SQLite, anything else for a journal of JSON lines.
        begin: Make it if there is none.

    Raises:
        ArtganError: If the file cannot be read as a study.
    """
    import optuna
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    _hush()
    if not begin and not storage.is_file():
        raise ArtganError(f"there is no study {storage}; `artgan search --data CACHE --study {storage}` begins one")
    try:
        place: optuna.storages.BaseStorage
        if storage.suffix == ".db":
            place = RDBStorage(f"sqlite:///{storage}", engine_kwargs={"connect_args": {"timeout": _PATIENCE}})
        else:
            place = JournalStorage(JournalFileBackend(str(storage), lock_obj=JournalFileOpenLock(str(storage))))
        return optuna.create_study(
            storage=place,
            study_name=_STUDY,
            direction="minimize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=8, n_warmup_steps=1),
        )
    except Exception as error:  # SQLAlchemy, json and Optuna raise almost anything on another file
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArtganError(f"{storage} is not a study that can be read ({told}); name another file") from None


def propose(study: "optuna.Study", seed: int) -> "optuna.Trial":
    """Ask TPE for the next trial; what it draws depends on the seed and the trial's number alone."""
    import optuna

    number = len(study.get_trials(deepcopy=False))
    drawn = int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=drawn, constant_liar=True)
    return study.ask()


def trials_table(study: "optuna.Study") -> "pd.DataFrame":
    """Return what was tried, a row a trial, best first; those that gave way to a new attempt are left out."""
    import pandas as pd

    rows = []
    for trial in study.get_trials(deepcopy=False):
        if trial.state.name not in ("COMPLETE", "PRUNED"):
            continue
        reason = trial.user_attrs.get("reason", "")
        outcome = "done" if trial.state.name == "COMPLETE" else reason.split(":")[0].split(" after ")[0]
        last = max(trial.intermediate_values, default=0)
        row = {"trial": trial.number, "outcome": outcome, "kernel": trial.value if outcome == "done" else None}
        row |= {"looks": last, "last_kernel": trial.intermediate_values.get(last)}
        rows.append(row | {"seconds": trial.user_attrs.get("seconds"), "reason": reason} | trial.params)
    table = pd.DataFrame(rows)
    return table.sort_values(["kernel", "trial"], ignore_index=True) if len(table) else table


def importances(study: "optuna.Study", best: float = 0.25) -> dict[str, float]:
    """Return how much each row matters for being among the best share of the finished trials, by PED-ANOVA.

    Args:
        study: With at least eight finished trials.
        best: The share.

    Returns:
        Shares that add up to 1, largest first. With few trials they say little (Watanabe et al. 2023).

    Raises:
        ArtganError: If too few trials are finished.
    """
    import optuna

    done = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    if len(done) < 8:
        raise ArtganError(f"importance needs at least eight finished trials, and there are {len(done)}")
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=best)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return dict(sorted(found.items(), key=lambda item: (-round(item[1], 9), item[0])))  # ties in one order


def export_study(study: "optuna.Study", folder: Path) -> list[Path]:
    """Write a study as text: `trials.csv`, and `study.json` with what was searched, how often and what mattered.

    Args:
        study: From `open_study`.
        folder: Where to.
    """
    table = trials_table(study)
    about: dict[str, Any] = {"trials": len(table), "outcomes": table["outcome"].value_counts().to_dict()}
    about |= {"seconds": round(float(table["seconds"].sum()), 1), "ended": datetime.date.today().isoformat()}
    about |= {"settings": dict(study.user_attrs)}
    try:
        about["importance"] = {name: round(value, 4) for name, value in importances(study).items()}
    except ArtganError:
        about["importance"] = {}
    return [
        write_atomic(folder / "trials.csv", table.to_csv(index=False, lineterminator="\n")),
        write_json(folder / "study.json", about),
    ]


def read_study(folder: Path) -> "optuna.Study":
    """Build a study in memory from what `export_study` wrote, to ask anew what mattered.

    Args:
        folder: With `trials.csv` and `study.json`.

    Raises:
        ArtganError: If a file is missing, or a value is none of those that were searched.
    """
    import optuna
    import pandas as pd

    try:
        table = pd.read_csv(folder / "trials.csv", dtype=str, keep_default_na=False)
        settings = json.loads((folder / "study.json").read_text(encoding="utf-8"))["settings"]
    except FileNotFoundError as error:
        raise ArtganError(f"{folder} holds no exported study: {Path(error.filename).name} is missing") from None
    space = SPACE | {"batch_size": tuple(settings["batches"])}
    _hush()
    searched = {name: optuna.distributions.CategoricalDistribution(choices) for name, choices in space.items()}
    study = optuna.create_study(direction="minimize")
    for row in table.to_dict("records"):
        params = {}
        for name, choices in space.items():
            params[name] = {str(choice): choice for choice in choices}.get(row[name])
            if params[name] is None:
                raise ArtganError(f"{folder / 'trials.csv'} has {name} {row[name]!r}, which was not searched")
        done = row["outcome"] == "done"
        study.add_trial(
            optuna.trial.create_trial(
                params=params,
                distributions=dict(searched),
                state=optuna.trial.TrialState.COMPLETE if done else optuna.trial.TrialState.PRUNED,
                value=float(row["kernel"]) if done else None,
                user_attrs={"reason": row["reason"], "seconds": float(row["seconds"])},
            )
        )
    return study


def chance_importance(study: "optuna.Study", shuffles: int = 20, seed: int = 0) -> float:
    """Return how much the most important row seems to matter where none can: the scores are shuffled among the trials.

    Args:
        study: With at least eight finished trials.
        shuffles: How often.
        seed: Of the shuffles.

    Returns:
        The largest share, as a mean over the shuffles; a row below it may owe its share to chance.

    Raises:
        ArtganError: If too few trials are finished.
    """
    import optuna

    _hush()
    done = [trial for trial in study.get_trials() if trial.state.name == "COMPLETE"]
    values, rng, largest = np.array([trial.value for trial in done], float), np.random.default_rng(seed), []
    for _ in range(shuffles):
        shuffled = optuna.create_study(direction="minimize")
        for trial, value in zip(done, rng.permutation(values), strict=True):
            trial.value = float(value)
            shuffled.add_trial(trial)
        largest.append(max(importances(shuffled).values()))
    return float(np.mean(largest))


def _hush() -> None:
    """Keep Optuna from telling stderr of every study that is made."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
