"""Layout, precision and compilation change how a step is computed, not what."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from artgan_lib import ArtganError, Callback, TrainConfig, preset, read_log, train
from artgan_lib.gan.precision import computing_in, lay_out
from artgan_lib.gan.training import choose_update
from artgan_lib.gan.updates import LOG_KEYS, Networks, build_networks, draw_batch
from artgan_lib.presets import POINTS, PRESETS

CPU = torch.device("cpu")
DEVICES = [
    name
    for name, there in (("cpu", True), ("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available()))
    if there
]


def small(variant: str, **settings: Any) -> TrainConfig:
    return preset(variant, "smoke", **{"width": 3, "latent_dim": 8, "batch_size": 4} | settings)


def values_of(config: TrainConfig, images: np.ndarray, steps: int, precision: Any = "float32") -> torch.Tensor:
    networks = build_networks(config, CPU)
    lay_out(networks.modules, [networks.optimizer_g, networks.optimizer_d])
    update = choose_update(config)
    with computing_in(precision, CPU):
        return torch.stack([update(config, networks, draw_batch(config, images, step, CPU)) for step in range(steps)])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("variant", [*PRESETS, *POINTS])
def test_every_preset_takes_a_step_on_every_device(variant: str, device: str, pictures: np.ndarray) -> None:
    config, where = small(variant), torch.device(device)
    networks = build_networks(config, where)
    lay_out(networks.modules, [networks.optimizer_g, networks.optimizer_d])
    before = [parameter.detach().clone() for network in networks.modules for parameter in network.parameters()]
    with computing_in("float32", where):
        values = choose_update(config)(config, networks, draw_batch(config, pictures, 0, where))
    assert torch.isfinite(values[:4]).all()
    after = [parameter for network in (networks.generator, networks.judge) for parameter in network.parameters()]
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=False))


def test_few_digits_stay_near_and_leave_the_penalty_alone(pictures: np.ndarray) -> None:
    config = small("wgan-gp", width=8)
    plain, rough = (values_of(config, pictures, 5, precision) for precision in ("float32", "bf16"))
    assert rough.dtype == torch.float32
    assert not torch.equal(plain, rough)
    torch.testing.assert_close(rough[:, :4], plain[:, :4], rtol=0.05, atol=0.05)
    penalty = LOG_KEYS.index("gradient_penalty")
    torch.testing.assert_close(rough[0, penalty], plain[0, penalty], rtol=0.02, atol=1e-3)


def test_only_the_step_is_computed_in_few_digits(pictures: np.ndarray, tmp_path: Path) -> None:
    class Meter(Callback):
        def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, float]:
            with torch.no_grad():
                return {"rough": float(torch.is_autocast_enabled("cpu"))}

    result = train(small("dcgan", epochs=1), pictures, tmp_path, device="cpu", precision="bf16", callbacks=[Meter()])
    assert read_log(result.log)["rough"].tolist() == [0.0]


def test_tf32_is_set_inside_and_put_back_after() -> None:
    matmul = torch.backends.cuda.matmul
    before = matmul.fp32_precision
    with computing_in("tf32", CPU):
        assert matmul.fp32_precision == "tf32"
    with computing_in("float32", CPU):
        assert matmul.fp32_precision == "ieee"
    assert matmul.fp32_precision == before


def test_weights_and_moments_lie_channels_last_after_a_state_was_loaded(pictures: np.ndarray) -> None:
    config = small("dcgan")
    networks = build_networks(config, CPU)
    lay_out(networks.modules, [networks.optimizer_g, networks.optimizer_d])
    choose_update(config)(config, networks, draw_batch(config, pictures, 0, CPU))
    states = networks.state_dicts()
    others = build_networks(config, CPU)
    others.load_state_dicts(states)
    lay_out(others.modules, [others.optimizer_g, others.optimizer_d])
    for parameter, state in others.optimizer_d.state.items():
        assert state["exp_avg"].stride() == parameter.stride()


def test_what_cannot_be_is_refused(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="no precision 'float8'; there are float32, tf32, bf16"):
        train(small("dcgan"), pictures, tmp_path, precision="float8")  # type: ignore[arg-type]
    with pytest.raises(ArtganError, match="--compile cannot differentiate twice"):
        train(small("wgan-gp"), pictures, tmp_path, compiled=True)
