"""What a user would write or take instead: the usual scripts, plainly, with the same networks and batches.

They are baselines, so nothing in them is slow on purpose, and nothing is tuned.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from artgan_lib.config import TrainConfig
from artgan_lib.gan.models import build_models


class PlainDcgan:
    """The loop body of the usual DCGAN script: three backward passes, two optimisers, losses read every time."""

    def __init__(self, config: TrainConfig, device: str) -> None:
        self.config, self.device = config, device
        self.generator, self.judge = (network.to(device) for network in build_models(config))
        betas = (config.beta1, config.beta2)
        self.optimizer_g = torch.optim.Adam(self.generator.parameters(), lr=config.lr, betas=betas)
        self.optimizer_d = torch.optim.Adam(self.judge.parameters(), lr=config.lr, betas=betas)
        self.criterion = nn.BCEWithLogitsLoss()

    def step(self, real: Tensor) -> tuple[float, float]:
        """Take one iteration on real pictures (B, 3, 64, 64)."""
        ones, zeros = torch.ones(len(real), device=self.device), torch.zeros(len(real), device=self.device)
        noise = torch.randn(len(real), self.config.latent_dim, device=self.device)

        self.judge.zero_grad()
        loss_real = self.criterion(self.judge(real), ones)
        loss_real.backward()
        fake = self.generator(noise)
        loss_fake = self.criterion(self.judge(fake.detach()), zeros)
        loss_fake.backward()
        self.optimizer_d.step()

        self.generator.zero_grad()
        loss_g = self.criterion(self.judge(fake), ones)
        loss_g.backward()
        self.optimizer_g.step()
        return loss_real.item() + loss_fake.item(), loss_g.item()


class PlainWganGp:
    """The loop body of the usual WGAN-GP script: five critic updates with the penalty, then the generator's."""

    def __init__(self, config: TrainConfig, device: str) -> None:
        self.config, self.device = config, device
        self.generator, self.critic = (network.to(device) for network in build_models(config))
        betas = (config.beta1, config.beta2)
        self.optimizer_g = torch.optim.Adam(self.generator.parameters(), lr=config.lr, betas=betas)
        self.optimizer_d = torch.optim.Adam(self.critic.parameters(), lr=config.lr, betas=betas)

    def penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the penalty of points between real and fake pictures."""
        share = torch.rand(len(real), 1, 1, 1, device=self.device)
        between = (share * real + (1 - share) * fake).requires_grad_(True)
        scores = self.critic(between)
        (gradients,) = torch.autograd.grad(
            outputs=scores, inputs=between, grad_outputs=torch.ones_like(scores), create_graph=True, retain_graph=True
        )
        return ((gradients.reshape(len(real), -1).norm(2, dim=1) - 1) ** 2).mean()

    def noise(self, count: int) -> Tensor:
        """Draw latent vectors."""
        return torch.randn(count, self.config.latent_dim, device=self.device)

    def step(self, real: Tensor) -> tuple[float, float]:
        """Take one iteration on real pictures (B, 3, 64, 64)."""
        for _ in range(self.config.judge_updates):
            self.optimizer_d.zero_grad()
            fake = self.generator(self.noise(len(real))).detach()
            penalty = self.penalty(real, fake)
            loss_d = self.critic(fake).mean() - self.critic(real).mean() + self.config.penalty_weight * penalty
            loss_d.backward()
            self.optimizer_d.step()
        self.optimizer_g.zero_grad()
        loss_g = -self.critic(self.generator(self.noise(len(real)))).mean()
        loss_g.backward()
        self.optimizer_g.step()
        return loss_d.item(), loss_g.item()


def plain_script(config: TrainConfig, device: str) -> PlainDcgan | PlainWganGp:
    """Return the usual script for a variant."""
    return PlainDcgan(config, device) if config.loss == "bce" else PlainWganGp(config, device)


def folder_loader(folder: Path, batch_size: int, workers: int) -> Iterator[Tensor]:
    """Go once through a folder of pictures, shuffled, in [-1, 1], as the usual script loads them."""
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    steps = [transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)]
    dataset = ImageFolder(folder, transforms.Compose([*squares(), *steps]))
    for images, _ in DataLoader(dataset, batch_size=batch_size, shuffle=True, num_workers=workers):
        yield images


def squares() -> list[object]:
    """Return the usual transforms to 64 x 64."""
    from torchvision import transforms

    return [transforms.Resize(64, interpolation=transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(64)]
