from pathlib import Path

import numpy as np
import pytest
import torch

from artgan_lib import ArtganError, synthetic_paintings
from artgan_lib.studio.networks import load_network

CPU = torch.device("cpu")


def test_a_network_gives_the_same_pictures_alone_and_together(shared_weights: Path) -> None:
    pictures = synthetic_paintings(3, seed=3)[0][:, :24, :32]
    network = load_network(shared_weights / "realesr-general-x4v3.pth", CPU)
    together = network(pictures)
    assert (network.scale, together.shape, together.dtype) == (4, (3, 96, 128, 3), np.float32)
    assert 0 <= together.min() < 50 < 200 < together.max() <= 255
    for picture, enlarged in zip(pictures, together, strict=True):
        np.testing.assert_allclose(network(picture[None])[0], enlarged, atol=0.01)


def test_a_network_that_does_not_enlarge_is_refused(tmp_path: Path) -> None:
    from spandrel.architectures.Compact import Compact

    torch.save(Compact(num_feat=4, num_conv=1, upscale=1).state_dict(), tmp_path / "same.pth")
    with pytest.raises(ArtganError, match=r"same\.pth does not enlarge colour pictures by 2 or 4"):
        load_network(tmp_path / "same.pth", CPU)
