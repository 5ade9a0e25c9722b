"""Scores the checkpoints of a campaign's runs, and puts the best generator of each into the clone, with its records.

    python -m reproduction.release --runs runs/campaign --test CACHE --layer 768 --ship

The model cards are written by `reproduction.model_cards`.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artgan_lib.config import TrainConfig
from artgan_lib.data.preprocessing import load_images
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.callbacks.scores import Measuring
from artgan_lib.evaluation.features import load_extractor
from artgan_lib.gan.checkpoints import export_generator, generators_in, load_checkpoint, load_generator
from artgan_lib.gan.models import AnyGenerator, choose_device
from artgan_lib.gan.runs import RunFolder
from artgan_lib.gan.sampling import sample
from artgan_lib.images import encode, image_grid
from artgan_lib.runlog import write_atomic, write_json
from reproduction.campaign import ORDER

SHOWN, MOMENTS = 6, 8
"""Pictures of fixed noise that are kept of so many moments of a run."""

CURVE = "curve.json"
"""File in a run's folder: the scores of its checkpoints and the card that they share."""

RECORDS = Path("data/results/campaign")
"""Folder of the records of a campaign, in the project's."""


@dataclass(frozen=True)
class Painter:
    """A generator as it was at one moment of a run."""

    kind: str  # `newest`, as it was trained, or `average`
    generator: AnyGenerator
    config: TrainConfig
    origin: dict[str, Any]  # step, images_seen, pictures, kind and so on


def find_runs(folder: Path | str) -> dict[str, RunFolder]:
    """Return the runs of a campaign that have a checkpoint, by variant.

    Raises:
        ArtganError: If there is none.
    """
    runs = {variant: RunFolder(Path(folder) / variant) for variant in ORDER}
    runs = {variant: run for variant, run in runs.items() if run.saved()}
    if not runs:
        raise ArtganError(f"there is no run with a checkpoint in {folder}; reproduction.campaign trains them there")
    return runs


def painters_at(run: RunFolder, checkpoint: Path) -> Iterator[Painter]:
    """Take the generators out of a checkpoint of a run, the newest first."""
    state = load_checkpoint(checkpoint)
    config = TrainConfig.from_dict(state["config"])
    exported = load_generator(run.generator)[1]["origin"] if run.generator.is_file() else {}
    moment = {"data": state["data"], "step": state["step"], "images_seen": state["step"] * config.batch_size}
    for kind, generator in generators_in(state).items():
        yield Painter(kind, generator, config, exported | moment | {"kind": kind})


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
    progress: Callable[[dict[str, Any]], object] = lambda point: None,
) -> dict[str, Any]:
    """Score the generators in checkpoints of a run; what was scored before is not scored again.

    Args:
        run: Of `artgan train`; it may still be going on.
        measure: Returns numbers by name, `score` among them, of which less is better.
        card: What they are measured with; it goes into the file.
        checkpoints: Of the run.
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
    for painter in (painter for checkpoint in checkpoints for painter in painters_at(run, checkpoint)):
        point = {name: painter.origin[name] for name in ("step", "images_seen", "kind")}
        if (point["step"], point["kind"]) not in known:
            point |= dict(measure(painter.generator))
            curve["points"] = sorted([*curve["points"], point], key=lambda one: (one["step"], one["kind"]))
            write_json(path, curve)
            progress(point)
    return curve


def ship(run: RunFolder, variant: str, root: Path) -> list[Path]:
    """Put the best measured generator of a run that is still there into the clone, in place of that of its variant.

    The best has the lowest kernel distance, which has no bias.

    Args:
        run: With a curve, see `score_run`.
        variant: Name of the files.
        root: The project's folder.

    Returns:
        What was written: the generator, its log, and config, log, scores and progress of the run.

    Raises:
        ArtganError: If the run was not measured.
    """
    curve = json.loads((run.path / CURVE).read_text(encoding="utf-8")) if (run.path / CURVE).is_file() else {}
    there = [point for point in curve.get("points", []) if run.path_of(point["step"]).is_file()]  # others made room
    if not there:
        raise ArtganError(f"{run.path} was not measured yet; python -m reproduction.release --test CACHE measures")
    best = min(there, key=lambda point: float(point["score"]))
    painter = next(one for one in painters_at(run, run.path_of(best["step"])) if one.kind == best["kind"])
    origin = painter.origin | {"score": {"name": curve["card"]["kernel_name"], "value": best["score"]}}
    model = root / "data" / "pretrained" / f"{variant}.safetensors"
    kept = {"config.json": run.path / "config.json", "log.jsonl": run.log, CURVE: run.path / CURVE}
    return [
        export_generator(model, painter.generator, painter.config, origin, half=True),
        write_atomic(root / "data" / "results" / f"{variant}_paintings64.log.jsonl", run.log.read_bytes()),
        *(write_atomic(root / RECORDS / f"{variant}.{end}", path.read_bytes()) for end, path in kept.items()),
        write_atomic(root / RECORDS / f"{variant}.progress.png", paint_progress(run, best["kind"])),
    ]


def paint_progress(run: RunFolder, kind: str) -> bytes:
    """Paint the first numbers of the run's seed at moments spread over it, a row a moment.

    Returns:
        A PNG file without gaps between the pictures; its metadata says after how many images each row was painted.
    """
    moments = [one for path in spread(run.saved(), MOMENTS) for one in painters_at(run, path) if one.kind == kind]
    rows = np.concatenate([sample(one.generator, one.config.seed, SHOWN) for one in moments])
    seen = [one.origin["images_seen"] for one in moments]
    return encode(image_grid(rows, SHOWN, gap=0), "png", {"images_seen": seen, "kind": kind})


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and put what is best into the clone if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", metavar="DIR", type=Path, default=Path("runs/campaign"), help="default %(default)s")
    parser.add_argument("--test", metavar="CACHE", required=True, help="paintings that were not trained on")
    parser.add_argument("--points", type=int, default=5, help="checkpoints of a run to measure (default %(default)s)")
    parser.add_argument("--count", type=int, default=1000, help="pictures for a measurement (default %(default)s)")
    parser.add_argument("--extractor", default="inception-2015", help="feature network (default %(default)s)")
    parser.add_argument("--layer", help="of the feature network, by its dimensions (default: the deepest it has)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    parser.add_argument("--ship", action="store_true", help="put the best generators and their records into the clone")
    options = parser.parse_args(arguments)
    runs, device = find_runs(options.runs), choose_device(options.device)
    extractor = load_extractor(options.extractor, options.layer, device=device, download=False)
    real, name = load_images(options.test).images, Path(options.test).name
    measuring = Measuring(real, extractor, every=1, epochs=1, count=options.count, about_real=name)
    for variant, run in runs.items():
        checkpoints, card = spread(run.saved(), options.points), measuring.card.to_dict()
        score_run(
            run, measuring.measure, card, checkpoints=checkpoints, progress=lambda point: print(point, flush=True)
        )
        for path in ship(run, variant, Path(__file__).parents[1]) if options.ship else ():
            print(path)


if __name__ == "__main__":
    main()
