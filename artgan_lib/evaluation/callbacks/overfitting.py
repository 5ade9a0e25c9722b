"""What a judge makes of pictures that it has never trained on, measured while a run goes or along its checkpoints.

A judge that scores training pictures higher than others of the same kind has begun to know them by heart; its score
of held-out pictures then says what its lesson to the generator is still worth.
"""

import copy
import math
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.gan.checkpoints import load_checkpoint
from artgan_lib.gan.losses import wasserstein_estimate
from artgan_lib.gan.runs import RunFolder
from artgan_lib.gan.training import Callback
from artgan_lib.gan.updates import Networks, build_networks
from artgan_lib.images import fingerprint, to_float
from artgan_lib.randomness import latents

COUNT = 256
"""Pictures of each kind that are scored, if there are so many: three short passes an epoch."""

Network = TypeVar("Network", bound=nn.Module)

KEYS = ("score_seen", "score_held_out", "wasserstein_seen", "wasserstein_held_out")


class HeldOut(Callback):
    """Logs the judge's mean score of held-out and of training pictures, and its distance on either.

    All are scored by the judge as it stands at the end of the epoch, and exactly as training does it: in train mode, in
    batches of the run's size, real apart from generated. A discriminator's batch normalisation so judges each kind by
    its own statistics; in eval mode it would use running ones, which mix real and generated pictures, and its scores
    could not stand beside those of the log. Such a pass is made on copies: the networks, and every stream of random
    numbers, stay as they are to the bit, and where several processes train, none waits for the others.

    Args:
        config: Of the run.
        held_out: Pictures that are not trained on, uint8 (N, 64, 64, 3).
        seen: Those that are.
        count: Pictures of each kind, if there are so many, in whole batches.

    Raises:
        ArtganError: If both are the same pictures, of different sizes, or fewer than a batch.
    """

    def __init__(self, config: TrainConfig, held_out: np.ndarray, seen: np.ndarray, count: int = COUNT) -> None:
        if fingerprint(held_out) == fingerprint(seen):
            raise ArtganError("the held-out pictures are those that are trained on; name another cache")
        if held_out.shape[1:] != seen.shape[1:]:
            raise ArtganError(
                f"the held-out images have {held_out.shape[2]} x {held_out.shape[1]} pixels, those that are trained on "
                f"{seen.shape[2]} x {seen.shape[1]}; prepare both at one size"
            )
        self.config = config
        self.held_out, self.seen = (_draw(images, count, config) for images in (held_out, seen))
        painted = range(_whole(count, config.batch_size))
        self.noise = torch.from_numpy(latents(config.seed, painted, config.latent_dim))
        if config.conditional:
            raise ArtganError(
                "scores of held-out images are not measured for class-conditional runs yet; leave them out"
            )

    @torch.no_grad()
    def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, float]:
        """Score the three kinds of pictures."""
        generator, judge = unsynchronized(networks.generator), unsynchronized(networks.judge)
        device, size = next(judge.parameters()).device, self.config.batch_size
        real = [
            [to_float(batch.to(device)) for batch in _batches(images, size)] for images in (self.seen, self.held_out)
        ]
        painted = [generator(noise.to(device)) for noise in _batches(self.noise, size)]
        # In float64 on the CPU, since Apple's GPUs have none.
        scores = [torch.cat([judge(batch) for batch in batches]).cpu().double() for batches in (*real, painted)]
        distances = [float(wasserstein_estimate(real, scores[2])) for real in scores[:2]]
        if self.config.loss == "bce":  # scores are logged after the sigmoid, and there is no distance
            scores, distances = [score.sigmoid() for score in scores], [math.nan, math.nan]
        return dict(zip(KEYS, (float(scores[0].mean()), float(scores[1].mean()), *distances), strict=True))


def held_out_along(
    run: RunFolder, held_out: np.ndarray, seen: np.ndarray, count: int = COUNT
) -> Iterator[dict[str, Any]]:
    """Score the three kinds of pictures by the judge of each checkpoint that a run has kept.

    Args:
        run: Its folder.
        held_out: Pictures that it was not trained on, uint8 (N, 64, 64, 3).
        seen: Those that it was.
        count: Pictures of each kind.

    Yields:
        `step`, `images_seen` and the values of `KEYS`, oldest first.

    Raises:
        ArtganError: If there is no checkpoint, one is damaged, or it was trained on other pictures.
    """
    if not run.saved():
        raise ArtganError(f"there is no checkpoint in {run.path}; artgan train keeps every fifth (--keep-every)")
    callback = None
    for path in run.saved():
        state = load_checkpoint(path)
        if state["data"] != fingerprint(seen):
            raise ArtganError(f"{run.path} was trained on other pictures than those that are named as seen")
        config = TrainConfig.from_dict(state["config"])
        networks = build_networks(config, torch.device("cpu"))
        networks.load_state_dicts(state["networks"])
        callback = callback or HeldOut(config, held_out, seen, count)
        yield {"step": state["step"], "images_seen": state["step"] * config.batch_size} | callback.on_epoch(
            {}, networks
        )


def _draw(images: np.ndarray, count: int, config: TrainConfig) -> Tensor:
    """Take pictures without replacement, the same ones for a seed."""
    if len(images) < config.batch_size:
        raise ArtganError(f"{len(images)} pictures do not fill one batch of {config.batch_size} to be scored")
    size = min(_whole(count, config.batch_size), _whole(len(images), config.batch_size))
    chosen = np.sort(np.random.default_rng(config.seed).choice(len(images), size, replace=False))
    return torch.from_numpy(np.ascontiguousarray(images[chosen]))


def _whole(count: int, size: int) -> int:
    """Round down to whole batches, at least one: statistics of a shorter batch would be others."""
    return max(count, size) // size * size


def _batches(images: Tensor, size: int) -> list[Tensor]:
    return [images[first : first + size] for first in range(0, len(images), size)]


def unsynchronized(network: Network) -> Network:
    """Copy a network, with plain batch normalisation where it is synchronised over processes."""
    copied = copy.deepcopy(network)
    for parent in copied.modules():
        for name, norm in parent.named_children():
            if isinstance(norm, nn.SyncBatchNorm):
                plain = nn.BatchNorm2d(
                    norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats
                )
                plain.load_state_dict(norm.state_dict())
                setattr(parent, name, plain.to(next(norm.buffers()).device).train(norm.training))
    return copied
