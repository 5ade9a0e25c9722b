"""An enlarger of our own: Real-ESRGAN's compact network, trained on paintings, small enough to come with the clone.

The network is spandrel's class, so that the file is read as any other upscaler; what it learns from is made by
`experiments.degradations`, how it is judged stands in `experiments.judging`.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.perceptual import SqueezeNet, perceptual_distance
from artgan_lib.experiments.degradations import SCALE, draw_pairs
from artgan_lib.gan.checkpoints import load_checkpoint, save_checkpoint
from artgan_lib.gan.models import choose_device
from artgan_lib.gan.signals import stop_signals
from artgan_lib.images import fingerprint
from artgan_lib.runlog import RunLog, write_atomic, write_json

HEADER = "artgan-enlarger"


@dataclass(frozen=True, kw_only=True)
class EnlargerConfig:
    """All that decides how the enlarger is trained.

    Raises:
        ArtganError: On construction, if a number is not positive.
    """

    features: int = 64
    convolutions: int = 16
    batch_size: int = 8
    patch: int = 32  # pixels a side of a small copy
    steps: int = 6_000
    perceptual_from: float = 0.75  # share of the steps after which features are compared as well as pixels
    perceptual_weight: float = 0.1
    lr: float = 5e-4  # falls to nothing by a cosine
    average: float = 0.998  # decay of the average of the weights, which is what is written
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("features", "convolutions", "batch_size", "patch", "steps", "lr"):
            if not getattr(self, name) > 0:
                raise ArtganError(f"{name} of the enlarger must be positive, not {getattr(self, name)}")

    @property
    def total_images(self) -> int:
        """Patches in the whole run."""
        return self.steps * self.batch_size


def build_enlarger(config: EnlargerConfig) -> nn.Module:
    """Build the network with initial weights of the config's seed; it begins near enlargement by repeated pixels.

    Every convolution begins as the identity with a tenth of He's noise (He et al. 2015, eq. 15): a picture has no
    negative values, so it comes through all layers unchanged, and so does what has to be learnt. With the noise alone
    the same number of steps leaves the network behind bicubic interpolation.
    """
    from spandrel.architectures.Compact import Compact

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network: nn.Module = Compact(num_feat=config.features, num_conv=config.convolutions, upscale=SCALE)
        convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
        for layer in convolutions:
            nn.init.kaiming_normal_(layer.weight, a=0.25)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
            with torch.no_grad():
                layer.weight.mul_(0.1)
                if layer is not convolutions[-1]:  # what the last one makes is added to the repeated pixels
                    layer.weight.add_(nn.init.dirac_(torch.empty_like(layer.weight)))
    return network


def train_enlarger(
    config: EnlargerConfig,
    images: np.ndarray,
    folder: Path | str,
    *,
    minutes: float = float("inf"),
    eyes: SqueezeNet | None = None,
    device: str = "auto",
    every: int = 100,
    progress: Callable[[dict[str, Any]], None] = lambda record: None,
) -> tuple[Path, bool]:
    """Train the enlarger, or go on where it stood; Ctrl-C and SIGTERM save, a kill loses at most `every` steps.

    The folder gets `config.json`, `log.jsonl`, `state.pt` and `enlarger.safetensors`.

    Args:
        config: What to train and how long.
        images: Paintings, uint8, shape (N, H, W, 3), sides at least four patches.
        folder: Of the run.
        minutes: To end after; the same call goes on.
        eyes: The network whose features are compared; None compares pixels alone, to the end.
        device: `cpu`, `cuda`, `mps` or `auto`.
        every: Steps between two lines of the log, each of them with a state that is kept.
        progress: Told every line of the log.

    Returns:
        The written network, and whether it is done.

    Raises:
        ArtganError: If the pictures are too small, the folder belongs to another config or other pictures, or a loss
            is no longer finite.
    """
    if images.ndim != 4 or min(images.shape[1:3]) < config.patch * SCALE:
        raise ArtganError(f"the enlarger wants pictures of {config.patch * SCALE} pixels a side, not {images.shape}")
    folder, end = Path(folder), monotonic() + minutes * 60
    identity = {"config": asdict(config), "data": fingerprint(images), "eyes": eyes is not None}
    learner = _Learner(config, choose_device(device), eyes)
    step, seconds, size = 0, 0.0, 0
    if (folder / "state.pt").is_file():
        state = load_checkpoint(folder / "state.pt")
        if state["identity"] != identity:
            raise ArtganError(f"{folder} belongs to another config or other pictures; choose another folder")
        step, seconds, size = state["step"], state["seconds"], state["log_size"]
        learner.load(state)
    log = RunLog(folder / "log.jsonl", size)
    write_json(folder / "config.json", identity)
    begun, values = monotonic() - seconds, list[Tensor]()

    def keep() -> None:
        record = _record(config, step, values, monotonic() - begun)
        log.append(record)
        values.clear()
        place = {"identity": identity, "step": step, "seconds": record["seconds"], "log_size": log.size}
        save_checkpoint(folder / "state.pt", place | learner.state())
        progress(record)

    with stop_signals() as stopped:
        while step < config.steps and not stopped.is_set() and monotonic() < end:
            pairs = draw_pairs(images, config.batch_size, config.patch, np.random.default_rng((config.seed, step)))
            values.append(learner.learn(*pairs, step))
            step += 1
            if step % every == 0:
                keep()
        if values:
            keep()
    seconds = monotonic() - begun
    about = {**identity, "step": step, "pictures": len(images), "seconds": round(seconds, 3)}
    return export_enlarger(folder / "enlarger.safetensors", learner.average, about), step == config.steps


class _Learner:
    """The network, its average and its optimiser."""

    def __init__(self, config: EnlargerConfig, device: torch.device, eyes: SqueezeNet | None) -> None:
        self.config, self.device, self.eyes = config, device, eyes
        self.network, self.average = build_enlarger(config).to(device), build_enlarger(config).to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=config.lr, betas=(0.9, 0.99))

    def state(self) -> dict[str, Any]:
        """Return all that changes while it learns."""
        return {name: getattr(self, name).state_dict() for name in ("network", "average", "optimizer")}

    def load(self, state: dict[str, Any]) -> None:
        """Put back what `state` returned."""
        for name in ("network", "average", "optimizer"):
            getattr(self, name).load_state_dict(state[name])

    def learn(self, small: np.ndarray, large: np.ndarray, step: int) -> Tensor:
        """Take one step; return the absolute difference and the perceptual distance, shape (2,)."""
        config, wanted = self.config, self._to_tensor(large)
        made = self.network(self._to_tensor(small))
        pixels, seen = (made - wanted).abs().mean(), made.new_zeros(())
        if self.eyes is not None and step >= config.perceptual_from * config.steps:
            seen = perceptual_distance(self.eyes, made.clamp(0, 1), wanted).mean()
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr * 0.5 * (1 + math.cos(math.pi * step / config.steps))
        self.optimizer.zero_grad()
        (pixels + config.perceptual_weight * seen).backward()
        self.optimizer.step()
        decay = min(config.average, (step + 1) / (step + 11))  # soon forgets the initial weights
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
        return torch.stack([pixels.detach(), seen.detach()])

    def _to_tensor(self, images: np.ndarray) -> Tensor:
        return torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2).float().div_(255)


def _record(config: EnlargerConfig, step: int, values: list[Tensor], seconds: float) -> dict[str, Any]:
    pixels, seen = torch.stack(values).mean(0).tolist()
    if not math.isfinite(pixels + seen):
        raise ArtganError(f"the enlarger's loss is no longer finite at step {step}; a lower lr is the way out")
    times = {"step": step, "images_seen": step * config.batch_size, "seconds": round(seconds, 3)}
    return times | {"l1": pixels, "perceptual": seen}


def export_enlarger(path: Path | str, network: nn.Module, about: dict[str, Any]) -> Path:
    """Write the network at half precision, as a file that spandrel reads, with what it is in its header."""
    tensors = {name: tensor.detach().half().cpu().contiguous() for name, tensor in network.state_dict().items()}
    return write_atomic(path, save(tensors, metadata={HEADER: json.dumps(about)}))
