"""The one loop that trains every variant, in blocks under one comment each.

Owns the clock and what is written when; a single step is left to `gan.updates`. It knows no data set (pictures come
as one uint8 array) and no metric (callbacks measure). Random numbers depend on the seed and the step alone, so a run
that was stopped goes on exactly as if it had not been.
"""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from artgan_lib.config import IMAGE_SIZE, TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.gan.checkpoints import export_generator, is_finite, load_checkpoint, save_checkpoint
from artgan_lib.gan.models import Generator, choose_device, paint
from artgan_lib.gan.updates import LOG_KEYS, build_networks, draw_batch, update_in_turn, update_together
from artgan_lib.images import encode, fingerprint, image_grid
from artgan_lib.randomness import latents
from artgan_lib.runlog import RunLog, write_atomic, write_json

SAMPLES = 64
"""Pictures in a sample grid: those that `artgan generate --seed <the run's seed>` paints first."""


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
    update = update_together if config.judge_updates == 1 else update_in_turn
    networks = build_networks(config, where)
    fixed_noise = torch.from_numpy(latents(config.seed, range(SAMPLES), config.latent_dim)).to(where)

    # 3 Resume.
    step, seconds, log_size, sums = 0, 0.0, 0, torch.zeros(len(LOG_KEYS), device=where)
    checkpoint = run_dir / "checkpoint.pt"
    if checkpoint.exists():
        state = load_checkpoint(checkpoint, config, data)
        networks.load_state_dicts(state["networks"])
        step, seconds, log_size, sums = state["step"], state["seconds"], state["log_size"], state["sums"].to(where)
    log = RunLog(run_dir / "log.jsonl", log_size)
    write_json(run_dir / "config.json", config.to_dict())

    def save() -> None:
        if not (is_finite(networks.generator) and is_finite(networks.judge)):
            raise _breakdown(step, config, checkpoint)
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
            # 5 Generator and judge updates, in the author's order.
            batch = draw_batch(config, images, step, where)
            values = update(config, networks, batch)

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
                raise _breakdown(step, config, checkpoint)
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


def _breakdown(step: int, config: TrainConfig, checkpoint: Path) -> ArtganError:
    state = f"the last good state is {checkpoint}" if checkpoint.exists() else "there is no checkpoint yet"
    return ArtganError(
        f"training broke down: losses or weights were no longer finite at step {step} "
        f"(epoch {-(-step // config.steps_per_epoch)}); {state}; a lower lr is the first thing to try"
    )


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
