"""The objectives of the paper, as pure functions of score tensors.

Which of them a run uses, and in which order the networks learn, is left to `gan.training`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Binary cross-entropy of logits (N,): real as 1 plus fake as 0; a sum of two means, not their mean [code]."""
    return F.binary_cross_entropy_with_logits(real, torch.ones_like(real)) + F.binary_cross_entropy_with_logits(
        fake, torch.zeros_like(fake)
    )


def non_saturating_loss(fake: Tensor) -> Tensor:
    """Binary cross-entropy of fake logits (N,) called real (Goodfellow et al. 2014, section 3)."""
    return F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


def hinge_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss of a discriminator (Lim & Ye 2017; Miyato et al. 2018, eq. 16): zero once all logits pass the margin.

    Args:
        real: Logits of real images, any shape; they are pushed above 1.
        fake: Logits of generated images; they are pushed below -1.

    Returns:
        The sum of the two means, a scalar. The generator's loss is the negative mean of its logits (their eq. 17).
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def wasserstein_estimate(real: Tensor, fake: Tensor) -> Tensor:
    """Mean real score minus mean fake score (N,): a critic's estimate of the distance (Arjovsky et al. 2017, eq. 2).

    The critic makes it large, the generator makes it small.
    """
    return real.mean() - fake.mean()


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """Measure how far the critic's input-gradient norm is from one.

    One point is taken between each real and fake image (Gulrajani et al. 2017, eq. 3).

    Args:
        critic: Maps images (N, 3, H, W) to scores (N,), each image by itself.
        real: Images in [-1, 1], shape (N, 3, H, W).
        fake: Generated images of the same shape; no gradient reaches the generator.
        mix: Where each point lies, uniform in [0, 1], shape (N,): 0 is the real image, 1 the fake one.

    Returns:
        Mean squared deviation over the batch, a scalar with its graph, not yet times lambda.

    Raises:
        ValueError: If the two batches differ in shape.
    """
    if real.shape != fake.shape:
        raise ValueError(f"real and fake batches must have one shape, not {tuple(real.shape)} and {tuple(fake.shape)}")
    between = torch.lerp(real, fake.detach(), mix.view(-1, 1, 1, 1)).requires_grad_(True)
    score = critic(between).sum()
    (gradient,) = torch.autograd.grad(score, between, create_graph=True)
    norms: Tensor = gradient.flatten(1).norm(dim=1)
    return (norms - 1).square().mean()
