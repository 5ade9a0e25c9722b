"""Starting a run from trained networks: another run's, one of its checkpoints, or a generator file.

Weights are taken where the networks have the same shape; what belongs to a class is carried over by the name of the
class, and a class that is new starts as the mean of the known ones. Going on with the same run needs none of this.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.gan.checkpoints import differences, load_generator
from artgan_lib.gan.runs import RunFolder
from artgan_lib.gan.updates import Networks

WARM_UP = 200
"""Steps in which a new discriminator learns alone, so that it does not spoil a trained generator."""

_BY_CLASS = ("embed.weight", "by_class.weight")


@dataclass(frozen=True)
class Start:
    """Trained networks, and where they come from."""

    config: TrainConfig
    networks: dict[str, dict[str, Any]]  # as of `Networks.state_dicts`; a file has fewer
    origin: dict[str, Any]  # JSON values: `from`, `images_seen`

    def apply(self, networks: Networks, config: TrainConfig) -> int:
        """Load the weights into new networks.

        Moments of the optimisers come along where these are of the same kind and the classes the same.

        Args:
            networks: In train mode, with the classes of the new data.
            config: Of the new run.

        Returns:
            Steps in which the discriminator learns alone: 0 where it was trained.

        Raises:
            ArtganError: If the networks have other shapes.
        """
        classes = (self.config.classes, config.classes)
        try:
            _load(networks.generator, self.networks["generator"], *classes)
            if networks.average is not None:
                averaged = self.networks.get("average") or self.networks["generator"]
                weights = {name.removeprefix("module."): averaged[name] for name in averaged if name != "n_averaged"}
                _load(networks.average.module, weights, *classes)
                # The average goes on from here; an average that counts no updates would be overwritten by the first.
                networks.average.n_averaged.fill_(1)
            if "judge" in self.networks:
                _load(networks.judge, self.networks["judge"], *classes)
        except RuntimeError as error:
            changed = ", ".join(differences(self.config.to_dict(), config))
            raise ArtganError(f"{self.origin['from']} cannot be started from: other networks ({changed})") from error
        if self.config.optimizer == config.optimizer and self.config.classes == config.classes:
            for name in ("optimizer_g", "optimizer_d"):
                if name in self.networks:
                    optimizer = getattr(networks, name)
                    (group,) = optimizer.state_dict()["param_groups"]
                    optimizer.load_state_dict(self.networks[name] | {"param_groups": [group]})
        return 0 if "judge" in self.networks else WARM_UP


def read_start(path: Path | str) -> Start:
    """Read trained networks.

    Args:
        path: A run's folder, of which the newest whole checkpoint is taken; a checkpoint; or a generator file, together
            with `<name>.discriminator.safetensors` where it lies beside it.

    Raises:
        ArtganError: If there is nothing to start from, or it is damaged.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        generator, header = load_generator(path)
        networks = {"generator": generator.state_dict()}
        discriminator = path.with_suffix(".discriminator.safetensors")
        if discriminator.is_file():
            networks["judge"] = {name: value.float() for name, value in load_file(discriminator).items()}
        config, images_seen = TrainConfig.from_dict(header["config"]), header["origin"].get("images_seen", 0)
        return Start(config, networks, {"from": path.name, "images_seen": images_seen})
    if path.is_dir():
        folder, checkpoints = RunFolder(path.parent if path.name == "checkpoints" else path), None
    elif path.is_file() and path.suffix == ".pt":
        folder, checkpoints = RunFolder(path.parent.parent), [path]
    else:
        raise ArtganError(
            f"there is nothing to start from at {path}; name a run's folder, a checkpoint or a generator.safetensors"
        )
    state = folder.newest_state(checkpoints)
    if state is None:
        raise ArtganError(f"there is no checkpoint in {folder.path} to start from")
    images_seen = state["images_before"] + state["step"] * state["config"]["batch_size"]
    origin = {"from": folder.path.resolve().name, "images_seen": images_seen}
    return Start(TrainConfig.from_dict(state["config"]), state["networks"], origin)


def _load(network: nn.Module, state: dict[str, Tensor], then: tuple[str, ...], now: tuple[str, ...]) -> None:
    """Load a state dict whose classes may be others."""
    state = dict(state)
    if then != now:
        if "class_counts" in state:
            state["class_counts"] = network.get_buffer("class_counts")
        for name in [name for name in state if name.endswith(_BY_CLASS)]:
            mean = state[name].mean(1)
            columns = [state[name][:, then.index(new)] if new in then else mean for new in now]
            state[name] = torch.stack(columns, 1) if columns else state[name][:, :0]
    network.load_state_dict(state)
