"""What is released of a run of `projected` can be sampled and started from."""

from pathlib import Path

import numpy as np
import pytest
import torch

from artgan_lib import ArtganError, load_generator, preset, read_log, train
from artgan_lib.gan.runs import RunFolder
from artgan_lib.gan.warm_start import read_start
from reproduction.projected import release


def test_a_release_holds_the_average_of_the_last_stage_its_discriminator_and_all_logs(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (24, 64, 64, 3), dtype=np.uint8)
    sizes = {"width": 4, "latent_dim": 8, "batch_size": 4, "feature_size": 32, "images_per_epoch": 4, "epochs": 1}
    config = preset("projected", "smoke", **sizes)
    how = {"labels": np.arange(24) % 2, "classes": ("a", "b"), "device": "cpu"}
    train(config, images, tmp_path / "one", **how)
    last = train(config, images, tmp_path / "two", init_from=tmp_path / "one", **how)
    written = release([RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two")], tmp_path)
    generator, header = load_generator(written[0])
    assert header["origin"]["images_seen"] == 16  # two stages of two batches of 4
    assert (header["origin"]["started_from"], header["origin"]["pictures"]) == ("one", 24)
    exported = load_generator(last.generator)[0].state_dict()
    for name, value in generator.state_dict().items():
        torch.testing.assert_close(value, exported[name].half().float() if value.dim() > 1 else exported[name])
    assert read_log(tmp_path / "data/results/projected_paintings64.log.jsonl")["images_seen"].tolist() == [8, 16]
    assert set(read_start(written[0]).networks) == {"generator", "judge"}
    assert sorted(path.name for path in (tmp_path / "data/results/projected").iterdir()) == [
        "stage1.config.json",
        "stage2.config.json",
    ]


def test_a_run_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="there is no checkpoint in"):
        release([RunFolder(tmp_path)], tmp_path)
