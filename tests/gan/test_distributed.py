"""Two processes that share a run give what one gives."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from artgan_lib import ArtganError, TrainConfig, load_generator, preset, read_log, train
from artgan_lib.gan.distributed import World, joined
from artgan_lib.gan.runs import RunFolder
from artgan_lib.gan.updates import draw_batch

SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
import torch
from artgan_lib import ArtganError, TrainConfig, train
torch.set_num_threads(1)
config, pictures = TrainConfig.from_dict(json.loads(sys.argv[1])), np.load(sys.argv[2], mmap_mode="r")
try:
    result = train(config, pictures, sys.argv[3], device="cpu")
    threads = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    assert not [name for name in threads if "gloo" in name], threads  # one that is left may abort the process
    print("step", result.step)
except ArtganError as error:
    sys.exit(str(error))
"""


def start(config: TrainConfig, pictures: Path, folder: Path, processes: int = 2) -> list[subprocess.Popen[str]]:
    """Start what torchrun starts: so many processes, each told its number."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(processes),
        "GLOO_SOCKET_IFNAME": "lo",
    }
    command = [sys.executable, "-c", SCRIPT, json.dumps(config.to_dict()), str(pictures), str(folder)]
    return [
        subprocess.Popen(
            command,
            env=os.environ | told | {"RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]


def finish(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    return [(process.returncode, *told) for process, told in [(one, one.communicate(timeout=120)) for one in processes]]


@pytest.fixture
def file(pictures: np.ndarray, tmp_path: Path) -> Path:
    np.save(tmp_path / "pictures.npy", pictures)
    return tmp_path / "pictures.npy"


def small(**settings: Any) -> TrainConfig:
    """Without batch normalisation, whose statistics would be those of a part."""
    sizes = {"width": 2, "latent_dim": 8, "batch_size": 4, "images_per_epoch": 12, "epochs": 2}
    return preset("wgan-gp", "smoke", **sizes | {"generator_normalization": "layer"} | settings)


def test_two_processes_train_what_one_does_and_another_number_goes_on(
    file: Path, pictures: np.ndarray, tmp_path: Path
) -> None:
    config = small(ema_half_life=100)
    one = train(config, pictures, tmp_path / "one", device="cpu", precision="float32")
    told = finish(start(config, file, tmp_path / "two"))
    assert [returned for returned, _, _ in told] == [0, 0], told
    logs = [read_log(tmp_path / run / "log.jsonl") for run in ("one", "two")]
    columns = [column for column in logs[0] if column not in ("seconds", "images_per_second")]
    np.testing.assert_allclose(*(log[columns].astype(float) for log in logs), rtol=1e-3, atol=1e-4)
    ours, theirs = (load_generator(tmp_path / run / "generator.safetensors") for run in ("one", "two"))
    assert ours[1]["origin"] == theirs[1]["origin"]
    for mine, other in zip(ours[0].parameters(), theirs[0].parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4)
    assert sorted(path.name for path in (tmp_path / "two").rglob("*.pt")) == sorted(
        path.name for path in one.run_dir.rglob("*.pt")
    )  # the first process alone writes

    # Half of the run by one process, the other half by two, whose result is the same again.
    checkpoint = RunFolder(one.run_dir).path_of(4)
    (tmp_path / "mixed" / "checkpoints").mkdir(parents=True)
    (tmp_path / "mixed" / "checkpoints" / checkpoint.name).write_bytes(checkpoint.read_bytes())
    (tmp_path / "mixed" / "log.jsonl").write_bytes(one.log.read_bytes())
    told = finish(start(config, file, tmp_path / "mixed"))
    assert [returned for returned, _, _ in told] == [0, 0], told
    mixed = load_generator(tmp_path / "mixed" / "generator.safetensors")[0]
    for mine, other in zip(ours[0].parameters(), mixed.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("variant", ["dcgan", "projected"])
def test_with_batch_normalisation_the_processes_agree_and_a_generator_comes_out(
    variant: str, file: Path, tmp_path: Path
) -> None:
    config = preset(variant, "smoke", width=2, latent_dim=8, batch_size=4, images_per_epoch=8, epochs=1)
    told = finish(start(config, file, tmp_path / "two"))
    assert [returned for returned, _, _ in told] == [0, 0], told
    assert np.isfinite(read_log(tmp_path / "two" / "log.jsonl")[["loss_g", "loss_d"]]).all(axis=None)
    load_generator(tmp_path / "two" / "generator.safetensors")


def test_a_process_that_is_lost_ends_all_with_one_sentence(file: Path, tmp_path: Path) -> None:
    processes = start(small(epochs=1000), file, tmp_path / "run")
    deadline = time.monotonic() + 60
    while not list((tmp_path / "run").rglob("step_*.pt")) and time.monotonic() < deadline:
        time.sleep(0.1)
    processes[1].send_signal(signal.SIGKILL)
    (returned, _, told), _ = finish(processes)
    assert returned == 1
    assert "another process of this run was lost, so it ends here; the same command goes on" in told
    assert "Traceback" not in told
    assert RunFolder(tmp_path / "run").saved()


def test_what_is_wrong_for_one_is_told_by_all(file: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    for returned, _, told in finish(start(small(), file, tmp_path / "run")):
        assert returned == 1
        assert "is a file; name a folder for the run" in told


def test_each_process_gets_its_part_of_what_is_drawn_for_all(pictures: np.ndarray) -> None:
    config = small()
    whole = draw_batch(config, pictures, 3, torch.device("cpu"))
    parts = [draw_batch(config, pictures, 3, torch.device("cpu"), World(rank, 2)) for rank in (0, 1)]
    assert torch.equal(torch.cat([part.real for part in parts]), whole.real)
    assert torch.equal(torch.cat([part.z_judge for part in parts], 1), whole.z_judge)
    assert torch.equal(torch.cat([part.mix for part in parts], 1), whole.mix)


def test_a_batch_that_cannot_be_divided_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with (
        pytest.raises(ArtganError, match="a batch of 4 cannot be divided among 3 processes"),
        joined(torch.device("cpu"), 4),
    ):
        pass
