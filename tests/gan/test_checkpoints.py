import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from artgan_lib import ArtganError, build_models, export_generator, load_generator, preset
from artgan_lib.gan.checkpoints import (
    DamagedCheckpointError,
    differences,
    generators_in,
    load_checkpoint,
    save_checkpoint,
)
from artgan_lib.gan.updates import build_networks
from artgan_lib.images import fingerprint, spot_fingerprint

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
    del older["ema_half_life"]  # a field that did not exist yet has its default
    assert differences(older, CONFIG) == []


def test_a_checkpoint_that_was_cut_off_anywhere_is_damaged(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "checkpoint.pt", STATE | {"weights": torch.randn(30_000)})
    whole = path.read_bytes()
    for size in [0, 1, 100, *range(1000, len(whole), 9_973), len(whole) - 200, len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedCheckpointError, match="is damaged"):
            load_checkpoint(path)
    path.write_bytes(b"no checkpoint at all")
    with pytest.raises(DamagedCheckpointError, match="is damaged"):
        load_checkpoint(path)


def test_a_checkpoint_with_a_changed_bit_is_damaged_or_the_same(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "checkpoint.pt", STATE | {"weights": torch.randn(3_000)})
    whole, state = path.read_bytes(), load_checkpoint(path)
    damaged = 0
    for place in np.random.default_rng(0).integers(0, len(whole), 200):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        try:
            assert torch.equal(load_checkpoint(path)["weights"], state["weights"])  # it was in the padding
        except DamagedCheckpointError:
            damaged += 1
    assert damaged > 120


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("code was run",)

    for content in ({"format": 1, "evil": Hostile()}, torch.zeros(3), {"step": 3}):
        torch.save(content, tmp_path / "checkpoint.pt")
        with pytest.raises(ArtganError, match="is damaged, or no checkpoint of artgan"):
            load_checkpoint(tmp_path / "checkpoint.pt")
    torch.save({"format": 99}, tmp_path / "checkpoint.pt")
    with pytest.raises(ArtganError, match="was written by another version"):
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
    many = np.zeros((600, 2, 2, 3), np.uint8)
    one_changed = many.copy()
    one_changed[1] = 1  # between those that a spot check looks at
    assert fingerprint(many) != fingerprint(one_changed)
    assert spot_fingerprint(many) == spot_fingerprint(one_changed)


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


def test_a_generator_at_half_precision_is_half_as_large_and_read_in_float32(tmp_path: Path) -> None:
    config = preset("wgan-gp", "smoke")
    generator, _ = build_models(config)
    whole = export_generator(tmp_path / "whole.safetensors", generator, config, {})
    half = export_generator(tmp_path / "half.safetensors", generator, config, {}, half=True)
    assert 0.5 < half.stat().st_size / whole.stat().st_size < 0.56
    loaded = load_generator(half)[0].state_dict()
    for name, value in generator.state_dict().items():
        assert loaded[name].dtype == value.dtype
        assert torch.equal(loaded[name], value.half().float() if value.dim() > 1 else value), name


def test_the_generators_in_a_state_are_the_newest_and_its_average_as_it_stands() -> None:
    config = preset("dcgan", "smoke", width=2, latent_dim=8, ema_half_life=100)
    networks = build_networks(config, torch.device("cpu"))
    assert networks.average is not None
    for _ in range(3):
        with torch.no_grad():
            networks.generator.head.weight.add_(1)
        networks.average.update_parameters(networks.generator)
    state = {"config": config.to_dict(), "networks": networks.state_dicts()}
    found = generators_in(state)
    assert list(found) == ["newest", "average"]
    for kind, network in (("newest", networks.generator), ("average", networks.painter)):
        for name, value in network.state_dict().items():
            assert torch.equal(found[kind].state_dict()[name], value)
        assert not found[kind].training
    del state["networks"]["average"]
    assert list(generators_in(state)) == ["newest"]
