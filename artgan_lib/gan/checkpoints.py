"""What training keeps as files: checkpoints to go on from, and the generator as a file of its own.

A checkpoint holds all that the next step depends on. A generator file (safetensors) holds the weights and, in its
header, the config they belong to; it is the interface IGME of Fig. 2. Neither runs code when it is read.
"""

import io
import json
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.gan.models import AnyGenerator, build_generator
from artgan_lib.gan.sampling import class_weights
from artgan_lib.runlog import write_atomic

FORMAT = 1
_HEADER_KEY = "artgan"
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, pickle.UnpicklingError, OSError, EOFError),
    *(LookupError, TypeError, ValueError, AttributeError),
)


class DamagedCheckpointError(ArtganError):
    """A checkpoint that was cut off or changed after it was written."""


def save_checkpoint(path: Path | str, state: dict[str, Any]) -> Path:
    """Write a training state (tensors and plain values) whole or not at all."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    return write_atomic(path, buffer.getvalue())


def load_checkpoint(path: Path | str) -> dict[str, Any]:
    """Read a training state back, on the CPU.

    Raises:
        DamagedCheckpointError: If the file was cut off or changed after it was written.
        ArtganError: If it is no checkpoint of this version of artgan.
        OSError: If the file cannot be read.
    """
    content = io.BytesIO(Path(path).read_bytes())
    damaged = DamagedCheckpointError(f"{path} is damaged, or no checkpoint of artgan")
    try:
        # PyTorch writes a zip archive, and does not look at its checksums when it reads.
        with zipfile.ZipFile(content) as archive:
            if archive.testzip() is not None:
                raise damaged
        content.seek(0)
        state: dict[str, Any] = torch.load(content, map_location="cpu", weights_only=True)
        version = state["format"]
    except RuntimeError as error:
        if "zip archive" in str(error) or isinstance(error, NotImplementedError):
            raise damaged from None
        raise ArtganError(f"{path} cannot be loaded ({_first_line(error)})") from None  # too little memory, say
    except _UNREADABLE:
        raise damaged from None
    if version != FORMAT:
        raise ArtganError(f"{path} was written by another version of artgan; start the run anew in another folder")
    return state


def differences(then: dict[str, Any], now: TrainConfig) -> list[str]:
    """Return what has changed between a stored config and this one, as `name old -> new`."""
    before = TrainConfig.from_dict(then).to_dict()
    return [f"{name} {before[name]!r} -> {value!r}" for name, value in now.to_dict().items() if before[name] != value]


def export_generator(
    path: Path | str, generator: AnyGenerator, config: TrainConfig, origin: dict[str, Any], *, half: bool = False
) -> Path:
    """Write a generator that describes itself (interface IGME of Fig. 2).

    Args:
        path: Where to, ending in `.safetensors`.
        generator: The network.
        config: What it was built from.
        origin: JSON values that say where it comes from, such as `step` and `images_seen`.
        half: Store what convolutions and dense layers multiply with at half precision; norms and biases, which are
            few, stay whole. A file is half as large, and is read back in float32.
    """
    header = {"format": FORMAT, "config": config.to_dict(), "origin": origin}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in generator.state_dict().items()}
    if half:
        tensors = {name: tensor.half() if tensor.dim() > 1 else tensor for name, tensor in tensors.items()}
    return write_atomic(path, save(tensors, metadata={_HEADER_KEY: json.dumps(header)}))


def generators_in(state: dict[str, Any]) -> dict[str, AnyGenerator]:
    """Return the generators in a training state: the `newest`, and its `average` where one was kept.

    Args:
        state: From `load_checkpoint`.
    """
    config = TrainConfig.from_dict(state["config"])
    found = {"newest": state["networks"]["generator"]}
    if "average" in state["networks"]:
        average = state["networks"]["average"]
        found["average"] = {
            name.removeprefix("module."): value for name, value in average.items() if name != "n_averaged"
        }
    generators = {}
    for kind, weights in found.items():
        generators[kind] = build_generator(config)
        generators[kind].load_state_dict(weights)
        generators[kind].eval().requires_grad_(False)
    return generators


@torch.no_grad()
def measure_statistics(generator: AnyGenerator, batches: int = 16, batch_size: int = 64) -> None:
    """Set the statistics of batch normalisation to their mean over batches of random numbers of a fixed seed."""
    norms = [layer for layer in generator.modules() if isinstance(layer, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a mean over all batches
    rng = torch.Generator().manual_seed(0)
    device, training = next(generator.parameters()).device, generator.training
    generator.train()
    for batch in range(batches if norms else 0):
        z = torch.randn(batch_size, generator.latent_dim, generator=rng)
        weights = class_weights(generator, 0, range(batch * batch_size, (batch + 1) * batch_size))
        generator(z.to(device), None if weights is None else torch.from_numpy(weights).to(device))
    generator.train(training)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def load_generator(path: Path | str) -> tuple[AnyGenerator, dict[str, Any]]:
    """Read a generator file.

    Returns:
        The generator in eval mode on the CPU, in float32, and the file's header (`config`, `origin`).

    Raises:
        ArtganError: If there is no such file, or it is damaged, or not one of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise ArtganError(f"there is no model {path}; `artgan train` writes one as generator.safetensors")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[_HEADER_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        if header["format"] != FORMAT or not isinstance(header["origin"], dict):
            raise ValueError("its header is of another version")
        generator = build_generator(TrainConfig.from_dict(header["config"]))
        generator.load_state_dict(tensors)
        if not is_finite(generator):
            raise ValueError("its weights are not finite")
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ArtganError(f"{path} is not a whole generator file of artgan ({_first_line(error)})") from None
    return generator.eval().requires_grad_(False), header


def is_finite(network: nn.Module) -> bool:
    """Tell whether every weight and statistic of a network is a number."""
    return all(bool(torch.isfinite(value).all()) for value in network.state_dict().values())


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no detail'}"
