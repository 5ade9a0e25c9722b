"""The one loop that trains every variant, in blocks that the notebooks number alike.

Owns the order of updates and what is written when. It knows no data set (pictures come as one uint8 array) and no
metric (callbacks measure). Random numbers depend on the seed and the step alone, so a run that was stopped goes on
exactly as if it had not been.
"""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from artgan_lib.config import IMAGE_SIZE, TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.gan.checkpoints import export_generator, fingerprint, load_checkpoint, save_checkpoint
from artgan_lib.gan.losses import discriminator_loss, gradient_penalty, non_saturating_loss, wasserstein_estimate
from artgan_lib.gan.models import Generator, Judge, build_models, choose_device, paint
from artgan_lib.images import encode, image_grid, to_float
from artgan_lib.randomness import latents, step_rng
from artgan_lib.runlog import RunLog, write_atomic, write_json

LOG_KEYS = ("loss_g", "loss_d", "score_real", "score_fake", "gradient_penalty", "wasserstein")
"""What every variant logs of a step. Scores of a discriminator are logged after the sigmoid; `loss_d` of WGAN-GP
includes the weighted penalty; a value that a variant does not have is null."""

SAMPLES = 64
"""Pictures in a sample grid: those that `artgan generate --seed <the run's seed>` paints first."""

ADAM_EPS = 1e-7  # Keras' value; Keras' legacy Adam adds it before the bias correction, PyTorch after


class Callback:
    """Looks on while a run goes; every method may be left as it is."""

    def on_step(self, step: int, total_steps: int) -> None:
        """Hear that a step is done."""

    def on_epoch(self, record: dict[str, Any], generator: Generator) -> None:
        """Get the line that was logged and the generator, in train mode, to measure; it must not be changed."""


@dataclass(frozen=True)
class TrainResult:
    """Where a run has come to."""

    run_dir: Path
    generator: Path  # the exported file
    log: Path
    step: int
    finished: bool  # False: it was interrupted, the same call goes on


class Batch(NamedTuple):
    """The random numbers of one step, on the device: B pictures, K judge updates."""

    real: Tensor  # (B, 3, 64, 64) in [-1, 1], drawn with replacement
    z_forge: Tensor  # (B, latent_dim), for the generator's update
    z_judge: Tensor  # (K, B, latent_dim), for the judge's
    mix: Tensor  # (K, B), uniform in [0, 1], for the penalty


class Networks(NamedTuple):
    """Both players and their optimisers."""

    generator: Generator
    judge: Judge
    optimizer_g: torch.optim.Optimizer
    optimizer_d: torch.optim.Optimizer

    def state_dicts(self) -> dict[str, dict[str, Any]]:
        """Return all that changes while training, by name."""
        return {name: getattr(self, name).state_dict() for name in self._fields}

    def load_state_dicts(self, states: dict[str, dict[str, Any]]) -> None:
        """Put back what `state_dicts` returned."""
        for name in self._fields:
            getattr(self, name).load_state_dict(states[name])


def train(
    config: TrainConfig,
    images: np.ndarray,
    run_dir: Path | str,
    *,
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
) -> TrainResult:
    """Train one variant, or go on with a run that was stopped.

    The folder gets `config.json`, `log.jsonl` (a line an epoch), `samples/` (grids of fixed noise),
    `checkpoint.pt` and `generator.safetensors`. Ctrl-C and SIGTERM save and return.

    Args:
        config: What to train and how long.
        images: uint8, shape (N, 64, 64, 3), in memory or memory-mapped.
        run_dir: Folder of the run; a checkpoint in it is gone on from.
        device: `cpu`, `cuda`, `mps` or `auto`, the best there is.
        callbacks: Told of every step and epoch, in this order.

    Raises:
        ArtganError: If the pictures do not fit, the folder holds another run, or a loss is no longer finite.
    """
    # 1 Check config and data.
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE, 3):
        raise ArtganError(
            f"pictures must be uint8 (N, 64, 64, 3), not {images.dtype} {images.shape}; see artgan prepare"
        )
    if len(images) < 2:
        raise ArtganError("there is nothing to learn from fewer than two pictures")
    run_dir, data = Path(run_dir), fingerprint(images)

    # 2 Build.
    where = choose_device(device)
    networks = build_networks(config, where)
    fixed_noise = torch.from_numpy(latents(config.seed, range(SAMPLES), config.latent_dim)).to(where)

    # 3 Resume.
    step, seconds, log_size, sums = 0, 0.0, 0, torch.zeros(len(LOG_KEYS), dtype=torch.float64, device=where)
    checkpoint = run_dir / "checkpoint.pt"
    if checkpoint.exists():
        state = load_checkpoint(checkpoint, config, data)
        networks.load_state_dicts(state["networks"])
        step, seconds, log_size, sums = state["step"], state["seconds"], state["log_size"], state["sums"].to(where)
    log = RunLog(run_dir / "log.jsonl", log_size)
    write_json(run_dir / "config.json", config.to_dict())

    def save() -> None:
        origin = {"data": data, "pictures": len(images), "step": step, "images_seen": step * config.batch_size}
        export_generator(run_dir / "generator.safetensors", networks.generator, config, origin)
        clock = {"step": step, "seconds": seconds, "log_size": log.size, "sums": sums.cpu()}
        save_checkpoint(
            checkpoint, {"config": config.to_dict(), "data": data, "networks": networks.state_dicts(), **clock}
        )

    # 4 While images remain:
    begun = time.perf_counter() - seconds
    with _stop_signals() as stopped:
        while step < config.total_steps and not stopped.is_set():
            # 5 Forge and judge updates, in the author's order.
            batch = draw_batch(config, images, step, where)
            values = update_together(config, networks, batch) if config.judge_updates == 1 else None
            values = update_in_turn(config, networks, batch) if values is None else values

            # 6 Advance the clock.
            step += 1
            sums += values
            seconds = time.perf_counter() - begun
            for callback in callbacks:
                callback.on_step(step, config.total_steps)
            epoch, within = divmod(step, config.steps_per_epoch)
            if within:
                continue

            # 7 Log the epoch: values of its last batch, as the paper plots, and means over it.
            last, mean = values.tolist(), (sums / config.steps_per_epoch).tolist()
            sums.zero_()
            if not np.isfinite(last[:4]).all():
                raise ArtganError(
                    f"training broke down: a loss was no longer finite at step {step} (epoch {epoch}); "
                    f"{_last_good(checkpoint)}; a lower lr is the first thing to try"
                )
            record: dict[str, Any] = {"epoch": epoch, "step": step, "images_seen": step * config.batch_size}
            record |= dict(zip(LOG_KEYS, last, strict=True))
            record |= {f"{key}_mean": value for key, value in zip(LOG_KEYS, mean, strict=True)}
            record |= {"seconds": round(seconds, 3), "images_per_second": round(step * config.batch_size / seconds, 1)}
            log.append(record)

            # 8 Measure.
            for callback in callbacks:
                callback.on_epoch(record, networks.generator)

            # 9 Sample fixed noise, save the checkpoint.
            if epoch % config.checkpoint_every == 0 or step == config.total_steps:
                grid = image_grid(paint(networks.generator, fixed_noise))
                write_atomic(run_dir / "samples" / f"epoch_{epoch:04d}.png", encode(grid, "png"))
                save()
    if stopped.is_set() or not checkpoint.exists():
        save()
    return TrainResult(run_dir, run_dir / "generator.safetensors", log.path, step, step == config.total_steps)


def draw_batch(config: TrainConfig, images: np.ndarray, step: int, device: torch.device) -> Batch:
    """Draw the pictures and random numbers of a step; they depend on the config's seed and the step alone."""
    rng, size, updates = step_rng(config.seed, step), config.batch_size, config.judge_updates
    index = torch.randint(len(images), (size,), generator=rng)
    z_forge = torch.randn(size, config.latent_dim, generator=rng)
    z_judge = torch.randn(updates, size, config.latent_dim, generator=rng)
    mix = torch.rand(updates, size, generator=rng)
    real = torch.from_numpy(np.ascontiguousarray(images[index.numpy()])).to(device)
    return Batch(to_float(real), z_forge.to(device), z_judge.to(device), mix.to(device))


def update_together(config: TrainConfig, networks: Networks, batch: Batch) -> Tensor:
    """One update of each network, both gradients from one forward pass, before either network moves [code].

    Returns:
        The values of `LOG_KEYS`, shape (6,), still on the device.
    """
    generator, judge, optimizer_g, optimizer_d = networks
    fake = generator(batch.z_forge)
    real_score, fake_score = judge(batch.real), judge(fake)
    loss_g = forge_loss(config, real_score, fake_score)
    loss_d, penalty = judge_loss(config, judge, batch.real, fake, real_score, fake_score, batch.mix[0])
    gradients_g = torch.autograd.grad(loss_g, list(generator.parameters()), retain_graph=True)
    gradients_d = torch.autograd.grad(loss_d, list(judge.parameters()))
    _apply(config, optimizer_g, generator, gradients_g)
    _apply(config, optimizer_d, judge, gradients_d)
    return _log_values(config, loss_g, loss_d, real_score, fake_score, penalty)


def update_in_turn(config: TrainConfig, networks: Networks, batch: Batch) -> Tensor:
    """One update of the generator, then several of the judge on the same real pictures with fresh noise [code].

    Returns:
        The values of `LOG_KEYS`, shape (6,): `loss_g` from before, the others from the judge's last pass.
    """
    generator, judge, optimizer_g, optimizer_d = networks
    with torch.no_grad():
        real_score = judge(batch.real)
    loss_g = forge_loss(config, real_score, judge(generator(batch.z_forge)))
    _apply(config, optimizer_g, generator, torch.autograd.grad(loss_g, list(generator.parameters())))
    for z, mix in zip(batch.z_judge, batch.mix, strict=True):
        with torch.no_grad():
            fake = generator(z)
        real_score, fake_score = judge(batch.real), judge(fake)
        loss_d, penalty = judge_loss(config, judge, batch.real, fake, real_score, fake_score, mix)
        _apply(config, optimizer_d, judge, torch.autograd.grad(loss_d, list(judge.parameters())))
    return _log_values(config, loss_g, loss_d, real_score, fake_score, penalty)


def forge_loss(config: TrainConfig, real_score: Tensor, fake_score: Tensor) -> Tensor:
    """Return what the generator makes small; no gradient of its own comes from the real scores."""
    if config.loss == "bce":
        return non_saturating_loss(fake_score)
    return wasserstein_estimate(real_score.detach(), fake_score)


def judge_loss(
    config: TrainConfig, judge: Judge, real: Tensor, fake: Tensor, real_score: Tensor, fake_score: Tensor, mix: Tensor
) -> tuple[Tensor, Tensor]:
    """Return what the judge makes small, weighted penalty included, and the bare penalty (NaN where there is none)."""
    if config.loss == "bce":
        loss = discriminator_loss(real_score, fake_score)
    else:
        loss = -wasserstein_estimate(real_score, fake_score)
    if config.gradient_correction != "penalty":
        return loss, loss.new_tensor(float("nan"))
    penalty = gradient_penalty(judge, real, fake, mix)
    return loss + config.penalty_weight * penalty, penalty


def build_networks(config: TrainConfig, device: torch.device) -> Networks:
    """Build both networks in train mode on the device, with their optimisers."""
    generator, judge = build_models(config)
    generator.to(device)
    judge.to(device)
    return Networks(generator, judge, _optimizer(config, generator), _optimizer(config, judge))


def _optimizer(config: TrainConfig, network: nn.Module) -> torch.optim.Optimizer:
    if config.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), lr=config.lr)
    betas = (config.beta1, config.beta2)
    return torch.optim.Adam(network.parameters(), lr=config.lr, betas=betas, eps=ADAM_EPS)


def _apply(
    config: TrainConfig, optimizer: torch.optim.Optimizer, network: nn.Module, gradients: tuple[Tensor, ...]
) -> None:
    """Move a network along its gradients, corrected as the config says."""
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        parameter.grad = gradient
    if config.gradient_correction == "clip-norm":
        nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
    optimizer.step()
    if config.gradient_correction == "clip-weights" and isinstance(network, Judge):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.clamp_(-config.clip_weights, config.clip_weights)


def _log_values(
    config: TrainConfig, loss_g: Tensor, loss_d: Tensor, real_score: Tensor, fake_score: Tensor, penalty: Tensor
) -> Tensor:
    distance = wasserstein_estimate(real_score, fake_score)
    if config.loss == "bce":
        real_score, fake_score, distance = real_score.sigmoid(), fake_score.sigmoid(), penalty.new_tensor(float("nan"))
    values = (loss_g, loss_d, real_score.mean(), fake_score.mean(), penalty, distance)
    return torch.stack([value.detach() for value in values]).double()


def _last_good(checkpoint: Path) -> str:
    return f"the last good state is {checkpoint}" if checkpoint.exists() else "there is no checkpoint yet"


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into a request to save and return; a second one acts at once."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
        yield stopped
        return
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: Any) -> None:
        stopped.set()
        signal.signal(number, former[signal.Signals(number)])

    for number in former:
        signal.signal(number, stop)
    try:
        yield stopped
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
