"""What a training run is: one frozen, validated `TrainConfig`.

Every row of the paper's Table 2 is a field. The networks, losses and the loop read this object and nothing else; a
generator file carries it in its header, so that a picture can be made from the file alone. Named configs are left to
`presets`.
"""

import difflib
import hashlib
import json
import math
import typing
from dataclasses import dataclass
from typing import Any, Literal

from artgan_lib.errors import ArtganError

IMAGE_SIZE = 64
"""Side of a picture in pixels; the paper's networks are built for this size alone."""

Loss = Literal["bce", "wasserstein", "hinge"]
GeneratorArchitecture = Literal["dcgan", "skip"]
DiscriminatorArchitecture = Literal["dcgan", "projected"]
Activation = Literal["linear", "relu", "leaky-relu", "tanh"]
Normalization = Literal["none", "batch", "layer"]
Optimizer = Literal["adam", "sgd"]
InitialWeights = Literal["glorot-uniform", "glorot-normal", "normal", "uniform"]
GradientCorrection = Literal["none", "clip-norm", "clip-weights", "penalty"]
JudgeHead = Literal["conv-1", "conv-wide", "flatten"]

DIFFAUGMENT = ("color", "translation", "cutout")
"""What `diffaugment` may name, see `gan.augment`."""

_BOUNDS = {
    "width": (1, 1024),
    "latent_dim": (1, 65_536),
    "feature_size": (32, 512),
    "ema_half_life": (0, 1_000_000_000),
    "judge_updates": (1, 1000),
    "batch_size": (2, 65_536),
    "epochs": (1, 1_000_000),
    "images_per_epoch": (1, 1_000_000_000),
    "checkpoint_every": (1, 1_000_000),
}


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """All that decides how a run goes; two runs with equal configs, data and machine are equal bit for bit.

    `judge` stands for the network that looks at pictures: a discriminator under `bce`, a critic under `wasserstein`.

    Raises:
        ArtganError: On construction, if a value is outside its range or two values do not go together.
    """

    variant: str = "custom"
    # Networks. Channels double from `width` to 8 x `width` while the picture shrinks from 64 to 4 pixels a side.
    width: int = 64
    latent_dim: int = 128
    kernel_size: int = 5
    fully_connected: bool = True  # generator starts from a dense layer instead of a transposed convolution
    biases: bool = True
    generator_normalization: Normalization = "batch"
    judge_normalization: Normalization = "layer"
    normalize_judge_input_layer: bool = False  # True: the judge's first convolution is normalised as well
    judge_head: JudgeHead = "flatten"
    generator_activation: Activation = "relu"
    judge_activation: Activation = "leaky-relu"
    initial_weights: InitialWeights = "uniform"
    # A modern pair of networks, see `gan.projected`; the paper's are both "dcgan".
    generator_architecture: GeneratorArchitecture = "dcgan"
    discriminator_architecture: DiscriminatorArchitecture = "dcgan"
    image_size: int = IMAGE_SIZE  # pixels a side, of data and samples: 32, 64 or 128
    conditional: bool = False  # on the class of each training image, where the data have classes
    classes: tuple[str, ...] = ()  # names of the classes, filled in from the data when training begins
    feature_size: int = 80  # pixels a side at which the frozen features are computed
    pixel_weight: float = 0.2  # share of the loss of the projected discriminator's head on pixels; 0: no such head
    spectral_norm: bool = False  # on every layer of a "dcgan" discriminator; a projected one always has it
    # Objective.
    loss: Loss = "wasserstein"
    gradient_correction: GradientCorrection = "penalty"
    penalty_weight: float = 10.0  # lambda of Gulrajani et al. 2017
    clip_norm: float = 1.0  # largest norm of a network's whole gradient under clip-norm
    clip_weights: float = 0.01  # bound of each of the judge's weights under clip-weights (Arjovsky et al. 2017)
    judge_updates: int = 5
    diffaugment: tuple[str, ...] = ()  # color, translation, cutout (Zhao et al. 2020), on real and generated images
    flip: bool = False  # mirror every other real image left to right
    ema_half_life: int = 0  # images after which the generator's average, which is sampled and exported, forgot half
    # Optimiser, the same for both networks; the betas are Adam's alone.
    optimizer: Optimizer = "adam"
    lr: float = 1e-4
    beta1: float = 0.0
    beta2: float = 0.9
    # Length. An epoch is floor(images_per_epoch / batch_size) + 1 generator updates, as the author trained.
    batch_size: int = 64
    epochs: int = 32
    images_per_epoch: int = 60_000
    checkpoint_every: int = 1  # epochs between two checkpoints and sample grids
    seed: int = 0

    def __post_init__(self) -> None:
        for name, hint in typing.get_type_hints(type(self)).items():
            _check_type(name, getattr(self, name), hint)
            if hint is float:  # equal configs have equal digests: 10 becomes 10.0, and -0.0 becomes 0.0
                object.__setattr__(self, name, float(getattr(self, name)) + 0.0)
        for name, (low, high) in _BOUNDS.items():
            _require(
                low <= getattr(self, name) <= high, f"{name} must lie in {low} to {high}, not {getattr(self, name)}"
            )
        for name in ("classes", "diffaugment"):
            _require(len(set(getattr(self, name))) == len(getattr(self, name)), f"{name} must not name anything twice")
        unknown = set(self.diffaugment) - set(DIFFAUGMENT)
        _require(not unknown, f"diffaugment takes {', '.join(DIFFAUGMENT)}, not {', '.join(sorted(unknown))}")
        dcgan = "dcgan" in (self.generator_architecture, self.discriminator_architecture)
        _require(
            self.image_size in ((IMAGE_SIZE,) if dcgan else (32, 64, 128)),
            "image_size must be 64: the paper's networks are built for it alone"
            if dcgan
            else f"image_size must be 32, 64 or 128, not {self.image_size}",
        )
        _require(not (dcgan and self.conditional), "conditional takes the architectures skip and projected")
        _require(self.conditional or not self.classes, "classes are filled in where conditional is true")
        _require(
            self.discriminator_architecture == "dcgan" or self.loss == "hinge",
            "a projected discriminator has several heads, which take loss=hinge",
        )
        _require(0 <= self.pixel_weight < 1, f"pixel_weight must lie in [0, 1), not {self.pixel_weight}")
        _require(self.kernel_size in (3, 4, 5), f"kernel_size must be 3, 4 or 5, not {self.kernel_size}")
        _require(0 < self.lr <= 1, f"lr must lie in (0, 1], not {self.lr}")
        _require(0 <= self.beta1 < 1, f"beta1 must lie in [0, 1), not {self.beta1}")
        _require(0 <= self.beta2 < 1, f"beta2 must lie in [0, 1), not {self.beta2}")
        _require(self.penalty_weight >= 0, f"penalty_weight must not be negative, it is {self.penalty_weight}")
        for name in ("clip_norm", "clip_weights"):
            _require(getattr(self, name) > 0, f"{name} must be positive, not {getattr(self, name)}")
        _require(0 <= self.seed < 2**31, f"seed must lie in 0 to 2147483647, not {self.seed}")
        _require(
            not (self.gradient_correction == "penalty" and self.judge_normalization == "batch"),
            "the gradient penalty needs a judge that scores each picture by itself, which batch normalisation breaks; "
            "set judge_normalization to layer or none",
        )

    @property
    def steps_per_epoch(self) -> int:
        """Generator updates in an epoch; the author's code makes one more than fit [code]."""
        return self.images_per_epoch // self.batch_size + 1

    @property
    def total_steps(self) -> int:
        """Generator updates in the whole run."""
        return self.epochs * self.steps_per_epoch

    @property
    def digest(self) -> str:
        """A short name of this config: equal configs have equal digests."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:8]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values, in the order of declaration."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """Make a config from `to_dict` or parsed JSON.

        Raises:
            ArtganError: If a field is unknown or a value is refused.
        """
        for name in values:
            _field_hint(name)
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**plain)


def parse_setting(text: str) -> tuple[str, Any]:
    """Read one `name=value` of the command line by the type of the field.

    Raises:
        ArtganError: If there is no `=`, the field is unknown or the value has another type.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ArtganError(f"--set takes name=value, not {text!r}")
    hint = _field_hint(name)
    if name == "variant":
        raise ArtganError("the variant is chosen by --variant, not by --set")
    if hint is bool:
        booleans = {"true": True, "false": False, "yes": True, "no": False}
        return name, booleans.get(value.lower(), value)
    if hint == tuple[str, ...]:
        return name, tuple(filter(None, value.split(",")))
    if hint in (int, float):
        try:
            return name, hint(value)
        except ValueError:
            raise ArtganError(f"{name} takes {_describe(hint)}, not {value!r}") from None
    return name, value


def _field_hint(name: str) -> Any:
    hints = typing.get_type_hints(TrainConfig)
    return hints[known(name, hints, "setting")]


def known(name: str, names: typing.Iterable[str], kind: str) -> str:
    """Return a name that is one of the names.

    Raises:
        ArtganError: If it is not; the nearest one is told, or all of them.
    """
    names = list(names)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names)}"
        raise ArtganError(f"there is no {kind} {name!r}{hint}")
    return name


def _check_type(name: str, value: Any, hint: Any) -> None:
    if typing.get_origin(hint) is Literal:
        fits = value in typing.get_args(hint)
    elif hint == tuple[str, ...]:
        fits = isinstance(value, tuple) and all(isinstance(part, str) for part in value)
    elif hint is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    elif hint is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:
        fits = isinstance(value, hint)
    _require(fits, f"{name} takes {_describe(hint)}, not {value!r}")


def _describe(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(typing.get_args(hint))
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text", tuple[str, ...]: "names"}[
        hint
    ]


def _require(fits: bool, sentence: str) -> None:
    if not fits:
        raise ArtganError(sentence)
