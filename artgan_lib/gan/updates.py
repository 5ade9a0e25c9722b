"""One step of training: what is drawn, how both networks are moved, and in which order.

The order is the author's. Which pictures there are and how often a step is taken is left to `gan.training`, on what and
how fast it is computed to `gan.acceleration`.
"""

from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from artgan_lib.config import TrainConfig
from artgan_lib.gan.convolutions import only_inputs
from artgan_lib.gan.distributed import ALONE, World, synchronized
from artgan_lib.gan.losses import discriminator_loss, gradient_penalty, non_saturating_loss, wasserstein_estimate
from artgan_lib.gan.models import Generator, Judge, build_models
from artgan_lib.gan.pictures import Pictures, to_device
from artgan_lib.randomness import step_rng

LOG_KEYS = ("loss_g", "loss_d", "score_real", "score_fake", "gradient_penalty", "wasserstein")
"""What every variant logs of a step. Scores of a discriminator are logged after the sigmoid; `loss_d` of WGAN-GP
includes the weighted penalty; a value that a variant does not have is null."""

ADAM_EPS = 1e-7  # Keras' value; Keras' legacy Adam adds it before the bias correction, PyTorch after


class Batch(NamedTuple):
    """The random numbers of one step, on the device: B pictures, K judge updates."""

    real: Tensor  # (B, 3, 64, 64) in [-1, 1], drawn with replacement
    z_generator: Tensor  # (B, latent_dim), for the generator's update
    z_judge: Tensor  # (K, B, latent_dim), for the judge's
    mix: Tensor  # (K, B), uniform in [0, 1], for the penalty


class Networks(NamedTuple):
    """Both players and their optimisers, and the generator's average where the config asks for one."""

    generator: Generator
    judge: Judge
    optimizer_g: torch.optim.Optimizer
    optimizer_d: torch.optim.Optimizer
    average: AveragedModel | None

    @property
    def painter(self) -> Generator:
        """The generator to paint with and to export: the average where there is one."""
        return cast("Generator", self.average.module) if self.average else self.generator

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

    def take_over(self, states: dict[str, dict[str, Any]], then: TrainConfig, now: TrainConfig) -> None:
        """Start from another run's `state_dicts`: rates and betas are the new config's, moments stay if they can.

        Raises:
            RuntimeError: If the networks have other shapes.
        """
        self.generator.load_state_dict(states["generator"])
        self.judge.load_state_dict(states["judge"])
        if then.optimizer == now.optimizer:
            for name in ("optimizer_g", "optimizer_d"):
                optimizer = getattr(self, name)
                (group,) = optimizer.state_dict()["param_groups"]
                optimizer.load_state_dict(states[name] | {"param_groups": [group]})
        if self.average:
            average = states.get("average") or {f"module.{name}": value for name, value in states["generator"].items()}
            self.average.load_state_dict({"n_averaged": torch.zeros((), dtype=torch.long)} | average)


def draw_batch(
    config: TrainConfig, images: np.ndarray | Pictures, step: int, device: torch.device, world: World = ALONE
) -> Batch:
    """Draw the pictures and random numbers of a step; they depend on the config's seed and the step alone.

    They are drawn for the whole batch, of which each process of a `world` gets its part.
    """
    pictures = images if isinstance(images, Pictures) else Pictures(images, device, stay=False)
    rng, size, updates = step_rng(config.seed, step), config.batch_size, config.judge_updates
    index = torch.randint(len(pictures), (size,), generator=rng)
    z_generator = torch.randn(size, config.latent_dim, generator=rng)
    z_judge = torch.randn(updates, size, config.latent_dim, generator=rng)
    mix = torch.rand(updates, size, generator=rng)
    noise = world.part(z_generator), world.part(z_judge, dim=1), world.part(mix, dim=1)
    return Batch(pictures[world.part(index)], *(to_device(part, device) for part in noise))


def update_together(
    config: TrainConfig, networks: Networks, batch: Batch, *, together: bool = False, world: World = ALONE
) -> Tensor:
    """One update of each network, both gradients from one forward pass, before either network moves [code].

    Args:
        config: Of the run.
        networks: They are moved.
        batch: Random numbers of this step.
        together: Judge real and fake pictures in one pass, which a judge without BatchNorm allows.
        world: The processes over which gradients are averaged.

    Returns:
        The values of `LOG_KEYS`, shape (6,), still on the device.
    """
    generator, judge, optimizer_g, optimizer_d, _ = networks
    fake = generator(batch.z_generator).to(batch.real)
    real_score, fake_score = judge_both(judge, batch.real, fake, together)
    loss_g = generator_loss(config, real_score, fake_score)
    loss_d, penalty = judge_loss(config, judge, batch.real, fake, real_score, fake_score, batch.mix[0])
    with only_inputs():  # of the judge: its weights stay
        gradients_g = torch.autograd.grad(loss_g, list(generator.parameters()), retain_graph=True)
    gradients_d = torch.autograd.grad(loss_d, list(judge.parameters()))
    _apply(config, optimizer_g, generator, gradients_g, world)
    _apply(config, optimizer_d, judge, gradients_d, world)
    return _log_values(config, loss_g, loss_d, real_score, fake_score, penalty)


def update_in_turn(
    config: TrainConfig, networks: Networks, batch: Batch, *, together: bool = False, world: World = ALONE
) -> Tensor:
    """One update of the generator, then several of the judge on the same real pictures with fresh noise [code].

    Args:
        config: Of the run.
        networks: They are moved.
        batch: Random numbers of this step.
        together: Judge real and fake pictures in one pass, which a judge without BatchNorm allows.
        world: The processes over which gradients are averaged.

    Returns:
        The values of `LOG_KEYS`, shape (6,): `loss_g` from before, the others from the judge's last pass.
    """
    generator, judge, optimizer_g, optimizer_d, _ = networks
    with torch.no_grad():
        real_score = judge(batch.real).to(batch.real)
    loss_g = generator_loss(config, real_score, judge(generator(batch.z_generator).to(batch.real)).to(batch.real))
    with only_inputs():  # of the judge: its weights stay
        gradients_g = torch.autograd.grad(loss_g, list(generator.parameters()))
    _apply(config, optimizer_g, generator, gradients_g, world)
    for z, mix in zip(batch.z_judge, batch.mix, strict=True):
        with torch.no_grad():
            fake = generator(z).to(batch.real)
        real_score, fake_score = judge_both(judge, batch.real, fake, together)
        loss_d, penalty = judge_loss(config, judge, batch.real, fake, real_score, fake_score, mix)
        _apply(config, optimizer_d, judge, torch.autograd.grad(loss_d, list(judge.parameters())), world)
    return _log_values(config, loss_g, loss_d, real_score, fake_score, penalty)


def judge_both(judge: Judge, real: Tensor, fake: Tensor, together: bool) -> tuple[Tensor, Tensor]:
    """Return the scores (N,) of real and of fake pictures, from one pass or from two."""
    if not together:
        return judge(real).to(real), judge(fake).to(real)
    real_score, fake_score = judge(torch.cat([real, fake])).to(real).chunk(2)
    return real_score, fake_score


def generator_loss(config: TrainConfig, real_score: Tensor, fake_score: Tensor) -> Tensor:
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
    with torch.autocast(real.device.type, enabled=False):  # a norm of gradients is no place for few digits
        penalty = gradient_penalty(judge, real, fake, mix)
    return loss + config.penalty_weight * penalty, penalty


def build_networks(config: TrainConfig, device: torch.device, world: World = ALONE) -> Networks:
    """Build both networks in train mode on the device, with their optimisers."""
    generator, judge = build_models(config)
    generator, judge = synchronized(generator, world).to(device), synchronized(judge, world).to(device)
    average = None
    if config.ema_decay:
        # Statistics of batch normalisation are averaged along with the weights that they belong to.
        averaging = get_ema_multi_avg_fn(config.ema_decay)  # type: ignore[no-untyped-call]
        average = AveragedModel(generator, multi_avg_fn=averaging, use_buffers=True)
    return Networks(generator, judge, _optimizer(config, generator), _optimizer(config, judge), average)


def _optimizer(config: TrainConfig, network: nn.Module) -> torch.optim.Optimizer:
    if config.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), lr=config.lr)
    betas = (config.beta1, config.beta2)
    return torch.optim.Adam(network.parameters(), lr=config.lr, betas=betas, eps=ADAM_EPS)


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
        # Fused optimisers go through memory as it lies, whatever the strides say; backward passes choose their own.
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
        real_score, fake_score, distance = real_score.sigmoid(), fake_score.sigmoid(), penalty.new_tensor(float("nan"))
    values = (loss_g, loss_d, real_score.mean(), fake_score.mean(), penalty, distance)
    return torch.stack([value.detach() for value in values])
