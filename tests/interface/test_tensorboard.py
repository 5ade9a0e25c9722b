from pathlib import Path

import numpy as np
import pytest

from artgan_lib import TrainConfig, train
from artgan_lib.interface.tensorboard import TensorBoard


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the package tensorboard itself
def test_scalars_of_every_epoch_and_grids_are_written(tiny: TrainConfig, pictures: np.ndarray, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(tiny, pictures, tmp_path, device="cpu", callbacks=[TensorBoard()])
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert {"loss_g", "loss_d_mean", "wasserstein", "images_per_second"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars("loss_g")] == [4, 8]
    assert [event.step for event in events.Images("samples")] == [4, 8]
