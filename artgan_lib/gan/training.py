"""The one loop that trains every variant, in blocks under one comment each.

Owns what is done and written when; a single step is left to `gan.updates`, how it is computed to `gan.precision`,
several processes to `gan.distributed`. It knows no data set (pictures come as one uint8 array) and no metric
(callbacks measure). Random numbers depend on the seed and the step alone, so a run that was stopped goes on exactly as
if it had not been.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.gan.checkpoints import export_generator, is_finite, measure_statistics
from artgan_lib.gan.clock import Clock, epoch_record
from artgan_lib.gan.distributed import joined, local_device
from artgan_lib.gan.pictures import Pictures
from artgan_lib.gan.precision import Precision, check_precision, compile_networks, computing_in, lay_out
from artgan_lib.gan.runs import RunFolder
from artgan_lib.gan.sampling import sample
from artgan_lib.gan.signals import stop_signals
from artgan_lib.gan.updates import (
    LOG_KEYS,
    Networks,
    build_networks,
    draw_batch,
    update_alternating,
    update_in_turn,
    update_together,
)
from artgan_lib.gan.warm_start import read_start
from artgan_lib.images import encode, fingerprint, image_grid
from artgan_lib.runlog import RunLog, write_atomic, write_json

SAMPLES = 64
"""Pictures in a sample grid: those that `artgan generate --seed <the run's seed>` paints first."""

CHECK_EVERY = 50
"""Steps between two looks at whether the losses are still finite; each look waits for the device."""


class Callback:
    """Looks on while a run goes; every method may be left as it is.

    A callback that sets `stop` to a sentence ends the run after the epoch: it is saved, and the sentence is the reason.
    """

    stop: str = ""

    def on_start(self, run_dir: Path, step: int) -> None:
        """Hear where the run writes and after how many steps it goes on."""

    def on_step(self, step: int, total_steps: int) -> None:
        """Hear that a step is done."""

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> Mapping[str, float] | None:
        """Look at an epoch's line before it is logged, and measure.

        Args:
            record: The line, with what callbacks before this one have measured.
            networks: Both players, in train mode; they must not be changed. `networks.painter` is what is exported.

        Returns:
            Values to add to the line; of one called `score` the lowest names the best checkpoint.
        """
        return None

    def on_end(self) -> None:
        """Hear that the run is over: done, stopped or failed."""


@dataclass(frozen=True)
class TrainResult:
    """Where a run has come to."""

    run_dir: Path
    generator: Path  # the newest, exported
    log: Path
    step: int
    finished: bool  # False: it was interrupted or ended by a callback, the same call goes on
    reason: str = ""  # why a callback ended it


def train(
    config: TrainConfig,
    images: np.ndarray,
    run_dir: Path | str,
    *,
    labels: np.ndarray | None = None,
    classes: Sequence[str] = (),
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
    init_from: Path | str | None = None,
    keep_every: int = 5,
    precision: Precision = "float32",
    fused: bool = False,
    compiled: bool = False,
) -> TrainResult:
    """Train one variant, or go on with a run that was stopped, killed or cut off by a full disk.

    The folder gets `config.json`, `log.jsonl` (a line an epoch), `samples/` (grids of fixed noise), `checkpoints/`
    and `generator.safetensors`, and `generator-best.safetensors` where a callback measures a score. Ctrl-C and SIGTERM
    save and return. Processes that torchrun started divide each batch among them; the first of them writes.

    Args:
        config: What to train and how long.
        images: uint8, shape (N, S, S, 3) for the config's `image_size` S, in memory or memory-mapped.
        labels: Class of each image, integers (N,) that count through `classes`; used where the config is conditional.
        classes: Names of the classes; those without an image are left out.
        run_dir: Folder of the run; the newest whole checkpoint in it is gone on from.
        device: `cpu`, `cuda`, `mps` or `auto`, the best there is.
        callbacks: Told of every step and epoch, in this order.
        init_from: Another run's folder, one of its checkpoints, or a generator file: where this run has no checkpoint
            yet, it starts from those networks, under its own config and images, see `gan.warm_start`.
        keep_every: Of the checkpoints every so many-th stays beside the newest and the best; 0 keeps none of them.
        precision: `float32`, `tf32` or `bf16`, see `gan.precision.computing_in`.
        fused: Use PyTorch's fused Adam.
        compiled: Compile both networks; not possible with a gradient penalty.

    Raises:
        ArtganError: If the pictures do not fit, the folder holds another run or is in use, `init_from` does not fit, a
            loss is no longer finite, or another process of the run is lost.
    """
    # 1 Check config and data.
    side = config.image_size
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (side, side, 3):
        raise ArtganError(
            f"pictures must be uint8 (N, {side}, {side}, 3), not {images.dtype} {images.shape}; see artgan prepare"
        )
    if len(images) < 2:
        raise ArtganError("there is nothing to learn from fewer than two pictures")
    if keep_every < 0:
        raise ArtganError(f"keep_every must not be negative, it is {keep_every}")
    check_precision(precision)
    data = fingerprint(images)
    config, index, counts = _with_classes(config, len(images), labels, classes)

    # 2 Build.
    where = local_device(device)
    folder = RunFolder(run_dir, keep_every * config.checkpoint_every * config.steps_per_epoch)
    with ExitStack() as held:
        world = held.enter_context(joined(where, config.batch_size))
        networks, pictures = build_networks(config, where, world, fused=fused), Pictures(images, where)
        for generator in (networks.generator, networks.painter) if config.classes else ():
            generator.class_counts.copy_(counts)
        if compiled:
            compile_networks(config, [networks.generator, networks.judge])
        world.share(lambda: bool(held.enter_context(folder)))
        stopped = held.enter_context(stop_signals())
        callbacks = callbacks if world.leads else ()
        for callback in callbacks:
            held.callback(callback.on_end)

        # 3 Resume, or start from trained networks.
        clock = Clock(sums=torch.zeros(len(LOG_KEYS), device=where))
        state = world.share(lambda: folder.load_newest(config, data))
        if state is not None:
            if state["step"] > config.total_steps:
                raise ArtganError(
                    f"{folder.path} has been trained for {state['step'] // config.steps_per_epoch} epochs already, "
                    f"more than epochs={config.epochs}; ask for more"
                )
            networks.load_state_dicts(state["networks"])
            clock = Clock.read(state, where)
        elif init_from is not None:
            start = read_start(init_from)
            clock.warm_up = start.apply(networks, config)
            clock.started_from, clock.images_before = start.origin["from"], start.origin["images_seen"]
        lay_out(networks.modules, [networks.optimizer_g, networks.optimizer_d])
        update = choose_update(config)
        log = RunLog(folder.log, state["log_size"] if state else 0) if world.leads else None
        if world.leads:
            write_json(folder.path / "config.json", config.to_dict())

        broken = torch.zeros((), dtype=torch.long, device=where)  # first step whose losses were not finite

        def check_finite() -> None:
            sound = all(map(is_finite, (networks.painter, networks.generator, networks.judge)))
            if world.any(bool(broken) or not sound or not torch.isfinite(clock.sums[:4]).all()):
                raise _breakdown(int(broken) or clock.step, config, folder)

        def export() -> None:
            origin = {"data": data, "pictures": len(images), "step": clock.step}
            origin |= {"images_seen": clock.images_seen(config), "started_from": clock.started_from}
            export_generator(folder.generator, networks.painter, config, origin)
            if clock.best and clock.best["step"] == clock.step:
                export_generator(folder.best_generator, networks.painter, config, origin | {"best": clock.best})

        def save() -> None:
            check_finite()
            world.average_([clock.sums])
            world.average_statistics_(networks.modules)
            if config.ema_half_life:
                measure_statistics(networks.painter)
            if log is not None:
                state = {"config": config.to_dict(), "data": data, "networks": networks.state_dicts()}
                folder.save(state | {"log_size": log.size} | vars(clock) | {"sums": clock.sums.cpu()})
                export()

        if state is not None and world.leads:
            export()  # a kill may have come between a checkpoint and its generator
        for callback in callbacks:
            callback.on_start(folder.path, clock.step)

        # 4 While images remain:
        begun, reason = time.perf_counter() - clock.seconds, ""
        while clock.step < config.total_steps and not world.stops(stopped.is_set(), clock.step):
            # 5 Generator and judge updates, in the author's order.
            networks.optimizer_g.param_groups[0]["lr"] = 0.0 if clock.step < clock.warm_up else config.lr
            batch = draw_batch(config, pictures, clock.step, where, world, index)
            with computing_in(precision, where):  # the step alone: what is sampled and measured stays exact
                values = update(config, networks, batch, world=world)
            if networks.average:
                networks.average.update_parameters(networks.generator)

            # 6 Advance the clock. The check for finite values stays on the device, but for every fiftieth step.
            clock.advance(values, time.perf_counter() - begun)
            lost = ~torch.isfinite(values[:4]).all() & (broken == 0)
            broken = torch.where(lost, clock.step, broken)
            epoch, within = divmod(clock.step, config.steps_per_epoch)
            if not within or clock.step % CHECK_EVERY == 0:
                check_finite()
            for callback in callbacks:
                callback.on_step(clock.step, config.total_steps)
            if within:
                continue

            # 7 Sample fixed noise.
            world.average_([values, clock.sums])
            world.average_statistics_(networks.modules)
            if config.ema_half_life:
                measure_statistics(networks.painter)
            due = epoch % config.checkpoint_every == 0 or clock.step == config.total_steps
            if due and world.leads:
                grid = image_grid(sample(networks.painter, config.seed, SAMPLES))
                write_atomic(folder.samples / f"epoch_{epoch:04d}.png", encode(grid, "png"))

            # 8 Measure and log: values of the epoch's last batch, as the paper plots, and means over it.
            record = epoch_record(epoch, clock, config, values)
            for callback in callbacks:
                record |= _measured(callback, record, callback.on_epoch(record, networks) or {})
            if log is not None:
                log.append(record)
            clock.sums.zero_()
            score = world.share(lambda record=record: record.get("score", math.inf))  # type: ignore[misc]
            best = score < (clock.best["score"] if clock.best else math.inf)
            if best:
                clock.best = {"step": clock.step, "epoch": epoch, "score": score}

            # 9 Save a checkpoint, and end early where a callback asks for it.
            reason = world.share(lambda: next((callback.stop for callback in callbacks if callback.stop), ""))
            if due or best or reason:
                save()
            if reason:
                break
        if world.any(stopped.is_set() or not folder.saved()):
            save()
    return TrainResult(folder.path, folder.generator, folder.log, clock.step, clock.step == config.total_steps, reason)


def choose_update(config: TrainConfig) -> Callable[..., torch.Tensor]:
    """Return the function of `gan.updates` that takes one step of a config."""
    if config.loss == "hinge":
        return update_alternating
    return update_together if config.judge_updates == 1 else update_in_turn


def _with_classes(
    config: TrainConfig, images: int, labels: np.ndarray | None, classes: Sequence[str]
) -> tuple[TrainConfig, torch.Tensor | None, torch.Tensor]:
    """Return the config with the classes of its data, the class of each image, and how many images each class has."""
    none = torch.zeros(0)
    if not config.conditional or labels is None or not len(classes):
        return replace(config, classes=()), None, none
    if labels.shape != (images,) or labels.min() < 0 or labels.max() >= len(classes):
        raise ArtganError(f"labels must give each of the {images:,} images one of {len(classes)} classes by number")
    counts = np.bincount(labels, minlength=len(classes))
    there = np.flatnonzero(counts)
    index = torch.from_numpy(np.searchsorted(there, labels)).long()
    return (
        replace(config, classes=tuple(classes[int(number)] for number in there)),
        index,
        torch.from_numpy(counts[there]),
    )


def _measured(callback: Callback, record: dict[str, Any], values: Mapping[str, float]) -> dict[str, float]:
    name = type(callback).__name__
    taken = sorted(set(values) & set(record))
    if taken:
        raise ArtganError(f"{name} measured {', '.join(taken)}, which is in the log already; name it otherwise")
    try:
        return {key: float(value) for key, value in values.items()}
    except (TypeError, ValueError):
        raise ArtganError(f"{name} must return numbers by name, not {dict(values)!r}") from None


def _breakdown(step: int, config: TrainConfig, folder: RunFolder) -> ArtganError:
    saved = folder.saved()
    state = f"the last good checkpoint is {saved[-1]}" if saved else "there is no checkpoint yet"
    return ArtganError(
        f"training broke down: losses or weights were no longer finite at step {step} "
        f"(epoch {-(-step // config.steps_per_epoch)}); {state}; a lower lr is the first thing to try"
        + (f", from there by --init-from {saved[-1]}" if saved else "")
    )
