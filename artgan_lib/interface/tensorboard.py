"""A run's log for TensorBoard, written while it grows; the package is an extra of its own."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from artgan_lib.errors import ArtganError
from artgan_lib.gan.training import Callback
from artgan_lib.gan.updates import Networks

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_CLOCKS = ("epoch", "step", "images_seen", "seconds")


class TensorBoard(Callback):
    """Writes every value of the log, and the sample grids, into the run's folder `tensorboard`, by step.

    Raises:
        ArtganError: On construction, if the package tensorboard is not installed.
    """

    def __init__(self) -> None:
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError:
            raise ArtganError(
                "TensorBoard is not installed; pip install tensorboard, or train without --tensorboard"
            ) from None
        self.writer: SummaryWriter | None = None

    def on_start(self, run_dir: Path, step: int) -> None:
        """Open the folder; what lies there of steps to be trained again is hidden."""
        from torch.utils.tensorboard import SummaryWriter

        self.samples = run_dir / "samples"
        self.writer = SummaryWriter(run_dir / "tensorboard", purge_step=step + 1)

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> None:
        """Write the epoch's values and its grid, if one was drawn."""
        assert self.writer is not None
        for name, value in record.items():
            if name not in _CLOCKS and np.isfinite(value):
                self.writer.add_scalar(name, value, record["step"])
        grid = self.samples / f"epoch_{record['epoch']:04d}.png"
        if grid.exists():
            with Image.open(grid) as image:
                picture = np.asarray(image)
            self.writer.add_image("samples", picture, record["step"], dataformats="HWC")
        self.writer.flush()

    def on_end(self) -> None:
        """Close the folder."""
        if self.writer:
            self.writer.close()
