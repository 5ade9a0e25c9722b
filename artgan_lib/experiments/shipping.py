"""From runs to what comes with the clone: scores along a run, the best generator of it, and its log.

How a score is measured is the caller's matter; the model card is written by `interface.model_cards`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artgan_lib.errors import ArtganError
from artgan_lib.experiments.harvest import painters_at
from artgan_lib.gan.checkpoints import export_generator
from artgan_lib.gan.models import AnyGenerator
from artgan_lib.gan.runs import RunFolder
from artgan_lib.gan.sampling import sample
from artgan_lib.images import encode, image_grid
from artgan_lib.runlog import write_atomic, write_json

SHOWN, MOMENTS = 6, 8
"""Pictures of fixed noise that are kept of so many moments of a run."""

CURVE = "curve.json"
"""File in a run's folder: the scores of its checkpoints and the card that they share."""


def spread(checkpoints: Sequence[Path], points: int) -> list[Path]:
    """Choose so many of a run's checkpoints, evenly, the last among them."""
    count = min(points, len(checkpoints))
    places = np.linspace(len(checkpoints) - 1, 0, count, endpoint=count == len(checkpoints)).round().astype(int)
    return [checkpoints[place] for place in sorted(set(places.tolist()))]


def score_run(
    run: RunFolder,
    measure: Callable[[AnyGenerator], Mapping[str, float]],
    card: Mapping[str, Any],
    *,
    checkpoints: Sequence[Path],
    kinds: Sequence[str] = ("newest", "average"),
    progress: Callable[[dict[str, Any]], None] = lambda point: None,
) -> dict[str, Any]:
    """Score the generators in checkpoints of a run; what was scored before is not scored again.

    Args:
        run: Of `artgan train`; it may still be going on.
        measure: Returns numbers by name, `score` among them, of which less is better.
        card: What they are measured with; it goes into the file.
        checkpoints: Of the run.
        kinds: Which generators of a checkpoint.
        progress: Told each new point.

    Returns:
        What the file holds: `card` and `points`, each a point with `step`, `images_seen`, `kind` and the numbers.

    Raises:
        ArtganError: If the run was scored by another card before.
    """
    path = run.path / CURVE
    curve: dict[str, Any] = {"card": dict(card), "points": []}
    if path.is_file():
        curve = json.loads(path.read_text(encoding="utf-8"))
        if curve["card"] != json.loads(json.dumps(dict(card))):
            raise ArtganError(f"{path} was measured with another card; remove it to measure anew")
    known = {(point["step"], point["kind"]) for point in curve["points"]}
    for checkpoint in checkpoints:
        step = int(checkpoint.stem.removeprefix("step_"))
        if all((step, kind) in known for kind in kinds):
            continue
        for painter in painters_at(run, checkpoint):
            if painter.kind not in kinds or (step, painter.kind) in known:
                continue
            point = {"step": step, "images_seen": painter.origin["images_seen"], "kind": painter.kind}
            point |= dict(measure(painter.generator))
            curve["points"] = sorted([*curve["points"], point], key=lambda one: (one["step"], one["kind"]))
            write_json(path, curve)
            progress(point)
    return curve


def best_point(curve: Mapping[str, Any]) -> dict[str, Any]:
    """Return the point of the lowest kernel distance, which has no bias.

    Raises:
        ArtganError: If nothing was measured.
    """
    if not curve["points"]:
        raise ArtganError("nothing of this run was measured yet; artgan campaign --test CACHE measures")
    found: dict[str, Any] = min(curve["points"], key=lambda point: float(point["score"]))
    return found


RECORDS = Path("data/results/campaign")
"""Folder of the records of a campaign, in the project's."""


def record(run: RunFolder, variant: str, root: Path, kind: str = "average") -> list[Path]:
    """Put a run's config, log, scores and progress where the clone carries them.

    Args:
        run: Of a campaign; its scores are left out where it has none.
        variant: Name of the files.
        root: The project's folder.
        kind: Which generators the strip of its progress shows.

    Returns:
        What was written.
    """
    folder = root / RECORDS
    kept = {"config.json": run.path / "config.json", "log.jsonl": run.log, CURVE: run.path / CURVE}
    files = [
        write_atomic(folder / f"{variant}.{end}", path.read_bytes()) for end, path in kept.items() if path.exists()
    ]
    return [*files, write_atomic(folder / f"{variant}.progress.png", paint_progress(run, kind))]


def ship(run: RunFolder, variant: str, root: Path) -> list[Path]:
    """Put the best measured generator of a run that is still there into the clone, in place of that of its variant.

    Args:
        run: With a curve, see `score_run`.
        variant: Name of the files.
        root: The project's folder.

    Returns:
        What was written: the generator, its log, and what `record` writes.

    Raises:
        ArtganError: If the run was not measured.
    """
    path = run.path / CURVE
    if not path.is_file():
        raise ArtganError(f"{run.path} was not measured yet; artgan campaign --test CACHE measures")
    curve = json.loads(path.read_text(encoding="utf-8"))
    kept = [point for point in curve["points"] if run.path_of(point["step"]).is_file()]  # others made room
    best = best_point(curve | {"points": kept})
    painters = {painter.kind: painter for painter in painters_at(run, run.path_of(best["step"]))}
    painter = painters[best["kind"]]
    score = {"name": curve["card"]["kernel_name"], "value": best["score"]}
    generator = export_generator(
        root / "data" / "pretrained" / f"{variant}.safetensors",
        painter.generator,
        painter.config,
        painter.origin | {"score": score},
        half=True,
    )
    log = write_atomic(root / "data" / "results" / f"{variant}_paintings64.log.jsonl", run.log.read_bytes())
    return [generator, log, *record(run, variant, root, best["kind"])]


def paint_progress(run: RunFolder, kind: str) -> bytes:
    """Paint the first numbers of the run's seed at moments spread over it, a row a moment.

    Returns:
        A PNG file without gaps between the pictures; its metadata says after how many images each row was painted.
    """
    rows, seen = [], []
    for checkpoint in spread(run.saved(), MOMENTS):
        painter = next(painter for painter in painters_at(run, checkpoint) if painter.kind == kind)
        rows.append(sample(painter.generator, painter.config.seed, SHOWN))
        seen.append(painter.origin["images_seen"])
    return encode(image_grid(np.concatenate(rows), SHOWN, gap=0), "png", {"images_seen": seen, "kind": kind})
