"""The pictures of a run on their way to the device: gathered as uint8, turned into numbers where they are needed.

On a GPU the whole set is laid into its memory where it fits, a quarter as large as float32 would be. Elsewhere, and
where it does not fit, pictures are read from the array as they are asked for, so that a memory-mapped set of any size
streams from the disk and each process reads its part.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from artgan_lib.images import to_float

SHARE = 0.5
"""Of a GPU's free memory that a set of pictures may take."""


class Pictures:
    """A set of uint8 pictures (N, H, W, 3), handed out as networks see them.

    Args:
        images: In memory or memory-mapped.
        device: Where they are wanted.
        stay: Whether they may be laid into a GPU's memory as a whole.
    """

    def __init__(self, images: np.ndarray, device: torch.device, *, stay: bool = True) -> None:
        self.images, self.device = images, device
        self._there: Tensor | None = None
        if stay and device.type == "cuda" and images.nbytes <= SHARE * torch.cuda.mem_get_info(device)[0]:
            self._there = torch.from_numpy(np.ascontiguousarray(images)).to(device)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Return pictures by their numbers (B,), float32 (B, 3, H, W) in [-1, 1], channels last in memory."""
        if self._there is not None:
            return to_float(self._there[to_device(index, self.device)])
        return to_float(to_device(torch.from_numpy(self.images[index.numpy()]), self.device))


def shuffled(pictures: Pictures, batch_size: int, seed: int) -> Iterator[Tensor]:
    """Go once through all pictures in an order of this seed, in batches; the last one may be smaller."""
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))
    for index in torch.split(order, batch_size):
        yield pictures[index]


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Send values on their way without waiting for the device."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)
