"""What comes with the clone: generators in `data/pretrained`, each with a model card.

Networks are left to `gan.checkpoints`; this module reads what a file says of itself, no more.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from artgan_lib.errors import ArtganError

FOLDER = Path(__file__).parents[1] / "data" / "pretrained"
SCORES = "../results/scores_{name}.json"
"""What `artgan evaluate` found about a generator, seen from the generators' folder."""

MAIN = "projected"
"""The model of the longest run: the best one where no scores tell."""

Score = tuple[str, float]
"""A metric's name and value; lower is better."""

_KERNEL = ("kid", "kernel_distance")


class Shipped(NamedTuple):
    """A generator and what its file says of it."""

    path: Path
    config: dict[str, Any]
    origin: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is called: the file's name without its ending."""
        return self.path.stem

    @property
    def score(self) -> Score | None:
        """Its kernel distance as evaluated, else as it was chosen by."""
        path = self.path.parent / SCORES.format(name=self.name)
        if path.is_file():
            scores = json.loads(path.read_text(encoding="utf-8"))["scores"]
            for name in scores:  # there is none by the paper's protocol
                if name.startswith(_KERNEL):
                    return name, float(scores[name]["value"])
        score = self.origin.get("score")
        return (str(score["name"]), float(score["value"])) if score else None


def shipped_generators(folder: Path | str = FOLDER) -> list[Shipped]:
    """Return the generators in a folder, the best first; none where the library was installed without its clone.

    Only values of one metric can be ranked: those that have it come first, the others by name, the model of the
    longest run leading them.
    """
    from safetensors import SafetensorError, safe_open

    found = []
    for path in sorted(Path(folder).glob("*.safetensors")):
        try:
            with safe_open(path, framework="np") as file:
                header = json.loads((file.metadata() or {})["artgan"])
            found.append(Shipped(path, header["config"], header["origin"]))
        except (SafetensorError, KeyError, TypeError, ValueError):
            continue  # a file that is none of ours
    metric = shared_metric(one.score for one in found)
    return sorted(found, key=lambda one: (*rank(one.score, metric), one.name != MAIN, one.name))


def shared_metric(scores: Iterable[Score | None]) -> str | None:
    """Return the metric that most models were measured by, the only one to rank them by; None if none was measured."""
    metrics = Counter(score[0] for score in scores if score)
    return metrics.most_common(1)[0][0] if metrics else None


def rank(score: Score | None, metric: str | None) -> tuple[bool, float]:
    """Return what to sort by: the value of this metric, and after all of them those that lack it."""
    return (False, score[1]) if score and score[0] == metric else (True, 0.0)


def best_generator(folder: Path | str = FOLDER) -> Path:
    """Return the shipped generator that measured best.

    Raises:
        ArtganError: If there is none.
    """
    found = shipped_generators(folder)
    if not found:
        raise ArtganError(f"no generator came with this installation (looked in {folder}); name one by --model")
    return found[0].path
