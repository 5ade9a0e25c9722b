"""What comes with the clone: generators in `data/pretrained`, each with a model card.

Networks are left to `gan.checkpoints`; this module reads what a file says of itself, no more.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from artgan_lib.errors import ArtganError

FOLDER = Path(__file__).parents[1] / "data" / "pretrained"
SCORES = "../results/scores_{name}.json"
"""What `artgan evaluate` found about a generator, seen from the generators' folder."""

MAIN = "wgan-gp"
"""The paper's main model: the best one where no scores tell."""


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
    def score(self) -> tuple[str, float] | None:
        """Its kernel distance and the distance's name, as evaluated, else as it was chosen by; lower is better."""
        path = self.path.parent / SCORES.format(name=self.name)
        if path.is_file():
            scores = json.loads(path.read_text(encoding="utf-8"))["scores"]
            return next((name, float(scores[name]["value"])) for name in scores if name.startswith("K"))
        score = self.origin.get("score")
        return (str(score["name"]), float(score["value"])) if score else None


def shipped_generators(folder: Path | str = FOLDER) -> list[Shipped]:
    """Return the generators in a folder, the best first; none where the library was installed without its clone.

    Those with a score come before those without, which come by name; the paper's main model leads these.
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
    return sorted(found, key=_worth)


def best_generator(folder: Path | str = FOLDER) -> Path:
    """Return the shipped generator that measured best.

    Raises:
        ArtganError: If there is none.
    """
    found = shipped_generators(folder)
    if not found:
        raise ArtganError(f"no generator came with this installation (looked in {folder}); name one by --model")
    return found[0].path


def _worth(shipped: Shipped) -> tuple[bool, float, bool, str]:
    score = shipped.score
    return score is None, score[1] if score else 0.0, shipped.name != MAIN, shipped.name
