import zipfile
from pathlib import Path

import numpy as np
import pytest

from artgan_lib import ArtganError, load_generator
from artgan_lib.experiments import harvest
from artgan_lib.experiments.campaign import plan, train_plan
from artgan_lib.experiments.harvest import bring_home, find_runs, painters_at


@pytest.fixture(scope="module")
def runs(pictures: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    configs = plan("smoke")
    del configs["dcgan-wi"]
    list(train_plan(configs, pictures, folder, 10, device="cpu"))
    return folder


def test_painters_tell_when_they_painted(runs: Path) -> None:
    run = find_runs(runs)["dcgan"]
    newest, average = painters_at(run, run.saved()[0])
    assert (newest.kind, average.kind) == ("newest", "average")
    assert average.origin["images_seen"] == 12  # of the first of three epochs
    assert average.origin["pictures"] == 40
    assert [painter.origin["step"] for painter in painters_at(run, run.saved()[-1])] == [9, 9]


def test_what_is_worth_keeping_comes_home_in_few_files(runs: Path, tmp_path: Path) -> None:
    files, left_out = bring_home(runs, tmp_path / "home")
    assert [path.name for path in files] == [
        "runs.zip",
        *("wgan-gp-average.safetensors", "dcgan-average.safetensors"),
        *("wgan-gp-newest.safetensors", "dcgan-newest.safetensors"),
    ]
    assert left_out == []
    header = load_generator(files[2])[1]
    assert header["origin"]["kind"] == "average"
    with zipfile.ZipFile(files[0]) as archive:
        names = set(archive.namelist())
        assert archive.read("dcgan/log.jsonl") == (runs / "dcgan" / "log.jsonl").read_bytes()
    assert {"wgan-gp/config.json", "wgan-gp/samples/epoch_0002.png", "dcgan/samples/epoch_0003.png"} <= names


def test_what_is_too_much_is_left_out_and_told(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harvest, "HOME_FILES", 3)
    files, left_out = bring_home(runs, tmp_path)
    assert len(files) == len(list(tmp_path.iterdir())) == 3
    assert [line.split(",")[0] for line in left_out] == ["wgan-gp-newest.safetensors", "dcgan-newest.safetensors"]


def test_old_grids_give_way(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bring_home(runs, tmp_path / "a")[0][0].stat().st_size
    monkeypatch.setattr(harvest, "HOME_FILE", whole - 1)
    smaller = bring_home(runs, tmp_path / "b")[0][0]
    with zipfile.ZipFile(smaller) as archive:
        assert "dcgan/samples/epoch_0001.png" not in archive.namelist()
        assert "dcgan/samples/epoch_0003.png" in archive.namelist()


def test_a_folder_without_runs_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="there is no run with a checkpoint"):
        bring_home(tmp_path, tmp_path / "home")
