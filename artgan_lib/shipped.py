"""What comes with the clone: generators and an enlarger of our own in `data/pretrained`, each with a model card.

What is in the files is left to `gan.checkpoints` and `studio.upscaling`.
"""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data" / "pretrained"
ENLARGER = FOLDER / "artgan-x4.safetensors"


def shipped_generators(folder: Path | str = FOLDER) -> list[Path]:
    """Return the generators in a folder, by name; none where the library was installed without its clone."""
    return sorted(path for path in Path(folder).glob("*.safetensors") if path.name != ENLARGER.name)
