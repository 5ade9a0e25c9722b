"""Releases the generator that the long run of `projected` has come to: weights and logs.

    python -m reproduction.projected RUN [RUN ...]

The folders are the stages of one training, oldest first; each later one was started from the one before
(`--init-from`). The newest checkpoint of the last one is released, whatever its scores: nothing is chosen by the test
split. `make figures` then redraws cards, tables and samples.
"""

import argparse
from pathlib import Path

from safetensors.torch import save

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.gan.checkpoints import export_generator, generators_in, load_checkpoint
from artgan_lib.gan.runs import RunFolder
from artgan_lib.runlog import write_atomic

ROOT = Path(__file__).parents[1]
NAME = "projected"


def release(stages: list[RunFolder], root: Path = ROOT) -> list[Path]:
    """Write the generator and its discriminator at half precision, and the logs.

    Returns:
        What was written.

    Raises:
        ArtganError: If the last stage has no checkpoint.
    """
    saved = stages[-1].saved()
    if not saved:
        raise ArtganError(f"there is no checkpoint in {stages[-1].path}; artgan train writes one an epoch")
    state = load_checkpoint(saved[-1])
    config, generator = TrainConfig.from_dict(state["config"]), generators_in(state)["average"]
    images_seen = state["images_before"] + state["step"] * config.batch_size
    origin = {
        "data": state["data"],
        "pictures": int(generator.class_counts.sum()),
        "step": state["step"],
        "images_seen": images_seen,
        "started_from": state["started_from"],
        "kind": "average",
    }
    pretrained, results = root / "data" / "pretrained", root / "data" / "results"
    discriminator = {name: value.half().contiguous() for name, value in state["networks"]["judge"].items()}
    written = [
        export_generator(pretrained / f"{NAME}.safetensors", generator, config, origin, half=True),
        write_atomic(pretrained / f"{NAME}.discriminator.safetensors", save(discriminator)),
        write_atomic(results / f"{NAME}_paintings64.log.jsonl", b"".join(run.log.read_bytes() for run in stages)),
    ]
    for number, run in enumerate(stages, 1):
        stage = results / NAME / f"stage{number}.config.json"
        written.append(write_atomic(stage, (run.path / "config.json").read_bytes()))
    return written


def main() -> None:
    """Read the folders and release."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of the stages, oldest first")
    for path in release([RunFolder(run) for run in parser.parse_args().runs]):
        print(path)


if __name__ == "__main__":
    main()
