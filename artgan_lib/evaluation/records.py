"""What a run's folder tells of the run: its config, log, scores and collapses; and where the committed runs lie."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.cards import MetricCard
from artgan_lib.evaluation.collapse.rule import CollapseEvent, collapse_events
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.presets import VARIANTS
from artgan_lib.runlog import read_log

if TYPE_CHECKING:
    import pandas as pd

SCORES = "scores*.json"
"""Files in a run's folder that hold scores: `artgan evaluate --out RUN/scores.json` writes one."""

CARD = "metric_card.json"
"""Of what a run measured while it went; its last values count where there are no scores."""

# Committed files, seen from the project's folder.
LOGS, GENERATORS = Path("data/results"), Path("data/pretrained")
LOG = LOGS / "wgan-gp_paintings64.log.jsonl"
ABLATION, REFERENCE_CURVES = LOGS / "ablation", LOGS / "reference_curves"
TABLE3 = Path("data/paper/table3.csv")


@dataclass(frozen=True)
class RunRecord:
    """What a run's folder tells of it."""

    name: str
    config: TrainConfig
    log: "pd.DataFrame"
    scores: tuple[tuple[dict[str, Any], MetricCard], ...] = ()  # by the name of each score, with the card they share

    @property
    def events(self) -> list[CollapseEvent] | None:
        """Its collapses; None if nobody watched for them."""
        try:
            return collapse_events(self.log)
        except ArtganError:
            return None


def read_run(folder: Path | str) -> RunRecord:
    """Read config, log and scores of a run.

    Raises:
        ArtganError: If the folder is not a run's, or a file in it cannot be read.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise ArtganError(f"{folder} is not the folder of a run: it has no config.json; `artgan train` makes one")
    log = read_log(folder / "log.jsonl")
    if log.empty:
        raise ArtganError(f"{folder} has not finished an epoch yet; compare it when its log has a line")
    config = TrainConfig.from_dict(_read_json(folder / "config.json"))
    scores = [read_scores(path) for path in sorted(folder.glob(SCORES))] or _measured(folder / CARD, log)
    return RunRecord(folder.resolve().name, config, log, tuple(scores))


def shipped_runs(root: Path) -> list[RunRecord]:
    """Return the runs of the paper's variants whose generators come with a clone, from logs, headers and scores."""
    return [
        RunRecord(
            variant,
            TrainConfig.from_dict(load_generator(root / GENERATORS / f"{variant}.safetensors")[1]["config"]),
            read_log(root / LOGS / f"{variant}_paintings64.log.jsonl"),
            tuple(read_scores(path) for path in sorted((root / LOGS).glob(f"scores_{variant}.json"))),
        )
        for variant in VARIANTS
    ]


def read_scores(path: Path) -> tuple[dict[str, Any], MetricCard]:
    """Read a file of scores: each by its name, and the card they share.

    Raises:
        ArtganError: If it is none.
    """
    found = _read_json(path)
    try:
        return dict(found["scores"]), MetricCard.from_dict(found["card"])
    except (KeyError, TypeError):
        raise ArtganError(f"{path} does not hold scores with their card; `artgan evaluate --out` writes them") from None


def _measured(path: Path, log: "pd.DataFrame") -> list[tuple[dict[str, Any], MetricCard]]:
    """Return the last values that a run measured by itself."""
    if not path.is_file():
        return []
    card = MetricCard.from_dict(_read_json(path))
    found = {}
    for name in (card.name, card.kernel_name):
        if name in log and log[name].notna().any():
            found[name] = {"value": float(log[name].dropna().iloc[-1]), "floor": None}
    return [(found, card)] if found else []


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise ArtganError(f"{path} cannot be read; it should be a JSON object that artgan wrote")
    return found
