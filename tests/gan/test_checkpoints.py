import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from artgan_lib import ArtganError, build_models, export_generator, load_generator, preset
from artgan_lib.gan.checkpoints import DamagedCheckpointError, differences, load_checkpoint, save_checkpoint
from artgan_lib.images import fingerprint

CONFIG = preset("wgan-gp", "smoke", width=2)
STATE = {"config": CONFIG.to_dict(), "data": "abc", "step": 3, "weights": torch.arange(4.0)}


def test_checkpoint_round_trip(tmp_path: Path) -> None:
    state = load_checkpoint(save_checkpoint(tmp_path / "checkpoint.pt", STATE))
    assert state["step"] == 3
    assert torch.equal(state["weights"], STATE["weights"])


def test_differences_of_configs_are_named() -> None:
    assert differences(CONFIG.to_dict(), CONFIG) == []
    changed = differences(CONFIG.to_dict(), preset("wgan-gp", "smoke", width=4, lr=1e-3))
    assert changed == ["width 2 -> 4", "lr 0.0001 -> 0.001"]
    older = CONFIG.to_dict()
    del older["ema_decay"]  # a field that did not exist yet has its default
    assert differences(older, CONFIG) == []


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", None])
def test_a_damaged_checkpoint_is_told(content: bytes | None, tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "checkpoint.pt", STATE)
    path.write_bytes(path.read_bytes()[:-200] if content is None else content)
    with pytest.raises(DamagedCheckpointError, match="is damaged"):
        load_checkpoint(path)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("code was run",)

    torch.save({"format": 1, "evil": Hostile()}, tmp_path / "checkpoint.pt")
    with pytest.raises(DamagedCheckpointError, match="is damaged"):
        load_checkpoint(tmp_path / "checkpoint.pt")


def test_a_generator_file_describes_itself(tmp_path: Path) -> None:
    generator, _ = build_models(CONFIG)
    path = export_generator(tmp_path / "g.safetensors", generator, CONFIG, {"step": 5})
    loaded, header = load_generator(path)
    assert header["config"] == CONFIG.to_dict()
    assert header["origin"] == {"step": 5}
    assert not loaded.training
    z = torch.randn(2, CONFIG.latent_dim)
    assert torch.equal(loaded(z), generator.eval()(z))


def test_files_that_are_no_generators_are_told(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="there is no model"):
        load_generator(tmp_path / "nothing.safetensors")
    generator, _ = build_models(CONFIG)
    path = export_generator(tmp_path / "g.safetensors", generator, CONFIG, {})
    whole = path.read_bytes()
    for content in (b"", b"text", whole[:-10], whole[:100]):
        path.write_bytes(content)
        with pytest.raises(ArtganError, match="is not a whole generator file"):
            load_generator(path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(ArtganError, match="is not a whole generator file"):
        load_generator(path)
    header = {"config": CONFIG.to_dict() | {"width": 3}, "origin": {}}
    save_file(generator.state_dict(), path, metadata={"artgan": json.dumps(header)})
    with pytest.raises(ArtganError, match="is not a whole generator file"):
        load_generator(path)


def test_fingerprint_sees_order_and_shape() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    assert fingerprint(images) == fingerprint(images.copy())
    assert fingerprint(images) != fingerprint(images[::-1])
    assert fingerprint(images) != fingerprint(images[:10])


def test_a_generator_that_is_not_finite_or_of_another_version_is_refused(tmp_path: Path) -> None:
    generator, _ = build_models(CONFIG)
    path = tmp_path / "g.safetensors"
    for header in ({"format": 99, "config": CONFIG.to_dict(), "origin": {}}, {"format": 1, "config": CONFIG.to_dict()}):
        save_file(generator.state_dict(), path, metadata={"artgan": json.dumps(header)})
        with pytest.raises(ArtganError, match="is not a whole generator file"):
            load_generator(path)
    next(generator.parameters()).data.fill_(float("nan"))
    export_generator(path, generator, CONFIG, {})
    with pytest.raises(ArtganError, match="its weights are not finite"):
        load_generator(path)
