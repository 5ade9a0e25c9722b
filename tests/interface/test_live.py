"""The live view of a run, in a real kernel without a front end: what stays in the saved notebook is a picture."""

import asyncio
import base64
import io
from pathlib import Path

import nbformat
import numpy as np
import pytest
import zmq
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from PIL import Image

from artgan_lib import preset
from artgan_lib.interface import live
from artgan_lib.interface.live import LiveTraining, watch
from artgan_lib.interface.notebooks import HEADLESS
from artgan_lib.interface.progress import TrainingProgress

CELL = """
from artgan_lib import preset, synthetic_paintings, train
from artgan_lib.interface.live import watch
config = preset("dcgan", "smoke", width=2, latent_dim=8, batch_size=4, images_per_epoch=4, epochs=3)
watcher = watch(config)
_ = train(config, synthetic_paintings(8)[0], RUN, device="cpu", callbacks=[watcher])
watcher.told.value
"""


class EncryptedKernelManager(AsyncKernelManager):
    """ipykernel warns of kernels without keys."""

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self.curve_publickey, self.curve_secretkey = zmq.curve_keypair()


@pytest.mark.notebooks
def test_a_still_picture_of_curves_and_grid_stays_behind(tmp_path: Path) -> None:
    source = f"RUN = {str(tmp_path / 'run')!r}\n{CELL}"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    client = NotebookClient(book, kernel_name="python3", kernel_manager_class=EncryptedKernelManager)
    asyncio.run(client.async_execute())
    outputs = book.cells[0].outputs
    assert [output.output_type for output in outputs] == ["display_data", "execute_result"]
    assert "step 6 of 6" in outputs[1].data["text/plain"]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(outputs[0].data["image/png"]))).convert("RGB"))
    assert picture.shape == (272, 960, 3)
    for colour in ((0xE6, 0x9F, 0x00), (0x00, 0x72, 0xB2)):  # both curves are there
        assert (picture == colour).all(2).sum() > 50


def test_a_kernel_that_nobody_watches_prints_lines(tiny: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HEADLESS, "1")
    assert isinstance(watch(tiny), TrainingProgress)  # type: ignore[arg-type]


def test_the_plot_is_drawn_while_the_run_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds apart at least, and not kept from it by the bar, which moves more often."""
    config = preset("dcgan", "smoke", epochs=20)
    clock = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(live, "display", lambda *things, **options: None)
    view, drawn = LiveTraining(config), []
    monkeypatch.setattr(view, "_draw", lambda: drawn.append(clock[0]) or b"")
    view.on_start(tmp_path, 0)
    for step in range(1, 101):  # five steps and 1.1 seconds an epoch
        clock[0] += 0.22
        view.on_step(step, 100)
        if step % 5 == 0:
            view.on_epoch({"epoch": step // 5}, None)  # type: ignore[arg-type]
    assert drawn == pytest.approx([1.1 + 2.2 * number for number in range(10)])
