"""One step of training: what is drawn, how both networks are moved, and in which order.

The order is the author's. How often a step is taken is left to `gan.training`, on what to `gan.precision`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from artgan_lib.config import TrainConfig
from artgan_lib.gan.augment import UNIFORMS, diffaugment
from artgan_lib.gan.distributed import ALONE, World, synchronized
from artgan_lib.gan.losses import (
    discriminator_loss,
    gradient_penalty,
    hinge_loss,
    non_saturating_loss,
    wasserstein_estimate,
)
from artgan_lib.gan.models import AnyDiscriminator, AnyGenerator, Judge, build_models
from artgan_lib.gan.pictures import Pictures, to_device
from artgan_lib.randomness import step_rng

LOG_KEYS = ("loss_g", "loss_d", "score_real", "score_fake", "gradient_penalty", "wasserstein")
"""What every variant logs of a step. Scores of a discriminator under `bce` are logged after the sigmoid; `loss_d` of
WGAN-GP includes the weighted penalty; a value that a variant does not have is null."""

ADAM_EPS = 1e-7  # Keras' value; Keras' legacy Adam adds it before the bias correction, PyTorch after

EMA_RAMP_UP = 0.1
"""The half-life of the generator's average is at most this share of the images seen (Karras et al. 2020, ADA)."""


class Batch(NamedTuple):
    """The random numbers of one step, on the device: B pictures, K judge updates."""

    real: Tensor  # (B, 3, S, S) in [-1, 1], drawn with replacement
    z_generator: Tensor  # (B, latent_dim), for the generator's update
    z_judge: Tensor  # (K, B, latent_dim), for the judge's
    mix: Tensor  # (K, B), uniform in [0, 1], for the penalty
    classes: Tensor | None = None  # (B, number of classes), one-hot, of the real images, sorted; fakes take the same
    augment: Tensor | None = None  # (K + 1, 2, B, 7), uniform in [0, 1): of real and of generated images, per update


class Networks(NamedTuple):
    """Both players and their optimisers, and the generator's average where the config asks for one."""

    generator: AnyGenerator
    judge: AnyDiscriminator
    optimizer_g: torch.optim.Optimizer
    optimizer_d: torch.optim.Optimizer
    average: AveragedModel | None

    @property
    def painter(self) -> AnyGenerator:
        """The generator to paint with and to export: the average where there is one."""
        return cast("AnyGenerator", self.average.module) if self.average else self.generator

    @property
    def modules(self) -> list[nn.Module]:
        """All networks there are."""
        return [self.generator, self.judge, *([self.average] if self.average else [])]

    def state_dicts(self) -> dict[str, dict[str, Any]]:
        """Return all that changes while training, by name."""
        return {name: part.state_dict() for name, part in self._asdict().items() if part is not None}

    def load_state_dicts(self, states: dict[str, dict[str, Any]]) -> None:
        """Put back what `state_dicts` returned."""
        for name, part in self._asdict().items():
            if part is not None:
                part.load_state_dict(states[name])


def draw_batch(
    config: TrainConfig,
    images: np.ndarray | Pictures,
    step: int,
    device: torch.device,
    world: World = ALONE,
    labels: Tensor | None = None,
) -> Batch:
    """Draw the pictures and random numbers of a step; they depend on the config's seed and the step alone.

    They are drawn for the whole batch, of which each process of a `world` gets its part.

    Args:
        config: Of the run.
        images: To draw from.
        step: Of the run, from 0.
        device: Where the batch is wanted.
        world: The processes.
        labels: Class of each image, shape (N,), where the config has classes.
    """
    pictures = images if isinstance(images, Pictures) else Pictures(images, device, stay=False)
    rng, size, updates = step_rng(config.seed, step), config.batch_size, config.judge_updates
    index = torch.randint(len(pictures), (size,), generator=rng)
    z_generator = torch.randn(size, config.latent_dim, generator=rng)
    z_judge = torch.randn(updates, size, config.latent_dim, generator=rng)
    mix = torch.rand(updates, size, generator=rng)
    classes = augment = None
    if config.classes and labels is not None:
        index = index[labels[index].argsort(stable=True)]  # by class, for `gan.projected.pair_std`
        one_hot = nn.functional.one_hot(labels[world.part(index)], len(config.classes)).float()
        classes = to_device(one_hot, device)
    real = pictures[world.part(index)]
    if config.flip:
        mirrored = to_device(world.part(torch.rand(size, generator=rng) < 0.5), device)
        real = torch.where(mirrored[:, None, None, None], real.flip(3), real)
    if config.diffaugment:
        drawn = torch.rand(updates + 1, 2, size, UNIFORMS, generator=rng)
        augment = to_device(world.part(drawn, dim=2), device)
    return Batch(
        real,
        to_device(world.part(z_generator), device),
        to_device(world.part(z_judge, dim=1), device),
        to_device(world.part(mix, dim=1), device),
        classes,
        augment,
    )


def update_together(config: TrainConfig, networks: Networks, batch: Batch, *, world: World = ALONE) -> Tensor:
    """One update of each network, both gradients from one forward pass, before either network moves [code].

    Args:
        config: Of the run.
        networks: They are moved.
        batch: Random numbers of this step.
        world: The processes over which gradients are averaged.

    Returns:
        The values of `LOG_KEYS`, shape (6,), still on the device.
    """
    generator, judge, optimizer_g, optimizer_d, _ = networks
    real, fake = _augmented(config, batch, 0, generator(batch.z_generator).to(batch.real))
    real_score, fake_score = judge(real).to(real), judge(fake).to(real)
    loss_g = generator_loss(config, real_score, fake_score)
    loss_d, penalty = judge_loss(config, judge, real, fake, real_score, fake_score, batch.mix[0])
    gradients_g = torch.autograd.grad(loss_g, list(generator.parameters()), retain_graph=True)
    gradients_d = torch.autograd.grad(loss_d, list(judge.parameters()))
    _apply(config, optimizer_g, generator, gradients_g, world)
    _apply(config, optimizer_d, judge, gradients_d, world)
    return _log_values(config, loss_g, loss_d, real_score, fake_score, penalty)


def update_in_turn(config: TrainConfig, networks: Networks, batch: Batch, *, world: World = ALONE) -> Tensor:
    """One update of the generator, then several of the judge on the same real pictures with fresh noise [code].

    Args:
        config: Of the run.
        networks: They are moved.
        batch: Random numbers of this step.
        world: The processes over which gradients are averaged.

    Returns:
        The values of `LOG_KEYS`, shape (6,): `loss_g` from before, the others from the judge's last pass.
    """
    generator, judge, optimizer_g, optimizer_d, _ = networks
    real, fake = _augmented(config, batch, 0, generator(batch.z_generator).to(batch.real))
    with torch.no_grad():
        real_score = judge(real).to(real)
    loss_g = generator_loss(config, real_score, judge(fake).to(real))
    _apply(config, optimizer_g, generator, torch.autograd.grad(loss_g, list(generator.parameters())), world)
    for update, (z, mix) in enumerate(zip(batch.z_judge, batch.mix, strict=True), 1):
        with torch.no_grad():
            real, fake = _augmented(config, batch, update, generator(z).to(batch.real))
        real_score, fake_score = judge_both(config, judge, real, fake)
        loss_d, penalty = judge_loss(config, judge, real, fake, real_score, fake_score, mix)
        _apply(config, optimizer_d, judge, torch.autograd.grad(loss_d, list(judge.parameters())), world)
    return _log_values(config, loss_g, loss_d, real_score, fake_score, penalty)


def update_alternating(config: TrainConfig, networks: Networks, batch: Batch, *, world: World = ALONE) -> Tensor:
    """One update of the discriminator, then one of the generator against it, both on the same generated images.

    Features of a frozen network are computed once for both updates (Sauer et al. 2021). The discriminator may have
    several heads; the loss is the weighted mean of theirs.

    Args:
        config: Of the run, with `loss` of `hinge`.
        networks: They are moved.
        batch: Random numbers of this step.
        world: The processes over which gradients are averaged.

    Returns:
        The values of `LOG_KEYS`, shape (6,), still on the device; `loss_g` is taken after the discriminator's update.
    """
    generator, discriminator, optimizer_g, optimizer_d, _ = networks
    real, fake = _augmented(config, batch, 0, generator(batch.z_generator, batch.classes).to(batch.real))
    with torch.no_grad():
        of_real = discriminator.features(real)
    of_fake = discriminator.features(fake)
    real_logits = discriminator.logits(of_real, batch.classes)
    fake_logits = discriminator.logits([features.detach() for features in of_fake], batch.classes)
    losses = [hinge_loss(*pair) for pair in zip(real_logits, fake_logits, strict=True)]
    loss_d = _mean_of_heads(discriminator, losses)
    _apply(config, optimizer_d, discriminator, torch.autograd.grad(loss_d, list(discriminator.parameters())), world)
    loss_g = -_mean_of_heads(discriminator, discriminator.logits(of_fake, batch.classes))
    _apply(config, optimizer_g, generator, torch.autograd.grad(loss_g, list(generator.parameters())), world)
    score_real, score_fake = (_mean_of_heads(discriminator, logits) for logits in (real_logits, fake_logits))
    return _log_values(config, loss_g, loss_d, score_real, score_fake, loss_d.detach() * torch.nan)


def _mean_of_heads(discriminator: AnyDiscriminator, values: Sequence[Tensor]) -> Tensor:
    """Return the weighted mean over a discriminator's heads of each head's mean value, a scalar in float32."""
    weighted = [weight * value.float().mean() for weight, value in zip(discriminator.weights, values, strict=True)]
    return torch.stack(weighted).sum()


def _augmented(config: TrainConfig, batch: Batch, update: int, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the real and the generated images of an update as the discriminator is to see them."""
    if batch.augment is None:
        return batch.real, fake
    of_real, of_fake = batch.augment[update]
    return diffaugment(batch.real, of_real, config.diffaugment), diffaugment(fake, of_fake, config.diffaugment)


def judge_both(config: TrainConfig, judge: AnyDiscriminator, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scores (N,) of real and of fake pictures, in one pass where scores do not depend on the batch."""
    if config.judge_normalization == "batch":
        return judge(real).to(real), judge(fake).to(real)
    real_score, fake_score = judge(torch.cat([real, fake])).to(real).chunk(2)
    return real_score, fake_score


def generator_loss(config: TrainConfig, real_score: Tensor, fake_score: Tensor) -> Tensor:
    """Return what the generator makes small; no gradient of its own comes from the real scores."""
    if config.loss == "bce":
        return non_saturating_loss(fake_score)
    return wasserstein_estimate(real_score.detach(), fake_score)


def judge_loss(
    config: TrainConfig,
    judge: AnyDiscriminator,
    real: Tensor,
    fake: Tensor,
    real_score: Tensor,
    fake_score: Tensor,
    mix: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return what the judge makes small, weighted penalty included, and the bare penalty (NaN where there is none)."""
    if config.loss == "bce":
        loss = discriminator_loss(real_score, fake_score)
    else:
        loss = -wasserstein_estimate(real_score, fake_score)
    if config.gradient_correction != "penalty":
        return loss, loss.detach() * torch.nan
    with torch.autocast(real.device.type, enabled=False):  # a norm of gradients is no place for few digits
        penalty = gradient_penalty(judge, real, fake, mix)
    return loss + config.penalty_weight * penalty, penalty


def build_networks(config: TrainConfig, device: torch.device, world: World = ALONE, *, fused: bool = False) -> Networks:
    """Build both networks in train mode on the device, with their optimisers; fused ones if Adam is to be."""
    generator, judge = build_models(config)
    generator, judge = synchronized(generator, world).to(device), synchronized(judge, world).to(device)
    average = None
    if config.ema_half_life:
        average = AveragedModel(generator, multi_avg_fn=_half_life_average(config))
    optimizer_g, optimizer_d = (_optimizer(config, network, fused) for network in (generator, judge))
    return Networks(generator, judge, optimizer_g, optimizer_d, average)


def _half_life_average(config: TrainConfig) -> Callable[..., None]:
    """Return the update of an average whose half-life is counted in images and grows with the run at first."""

    @torch.no_grad()
    def update(averages: Sequence[Tensor], weights: Sequence[Tensor], updates: Tensor) -> None:
        images_seen = float(updates) * config.batch_size
        half_life = min(config.ema_half_life, EMA_RAMP_UP * images_seen)
        torch._foreach_lerp_(list(averages), list(weights), 1 - 0.5 ** (config.batch_size / half_life))

    return update


def _optimizer(config: TrainConfig, network: nn.Module, fused: bool) -> torch.optim.Optimizer:
    if config.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), lr=config.lr)
    betas = (config.beta1, config.beta2)
    return torch.optim.Adam(network.parameters(), lr=config.lr, betas=betas, eps=ADAM_EPS, fused=fused or None)


def _apply(
    config: TrainConfig,
    optimizer: torch.optim.Optimizer,
    network: nn.Module,
    gradients: tuple[Tensor, ...],
    world: World,
) -> None:
    """Move a network along its gradients, averaged over all processes and corrected as the config says."""
    world.average_(gradients)
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        # Backward passes choose a layout of their own; one that differs would slow Adam down.
        alike = gradient.stride() == parameter.stride()
        parameter.grad = gradient if alike else torch.empty_like(parameter).copy_(gradient)
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
        real_score, fake_score = real_score.sigmoid(), fake_score.sigmoid()
    if config.loss != "wasserstein":
        distance = distance.detach() * torch.nan
    values = (loss_g, loss_d, real_score.mean(), fake_score.mean(), penalty, distance)
    return torch.stack([value.detach() for value in values])
