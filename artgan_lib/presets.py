"""Named configs: the paper's three variants, points of Table 2 of our own beside them, and three sizes of run."""

from dataclasses import dataclass
from typing import Any

from artgan_lib.config import TrainConfig, known

VARIANTS = ("dcgan", "dcgan-wi", "wgan-gp")

# The paper's three variants as its author trained them. Where a row differs between columns, the variants differ.
# fmt: off
_TABLE: dict[str, tuple[Any, Any, Any]] = {
    #                               dcgan             dcgan-wi      wgan-gp
    "latent_dim":                  (100,              100,          128),
    "kernel_size":                 (4,                5,            5),
    "fully_connected":             (False,            False,        True),
    "biases":                      (False,            False,        True),
    "judge_normalization":         ("batch",          "batch",      "layer"),
    "normalize_judge_input_layer": (True,             True,         False),
    "judge_head":                  ("conv-1",         "conv-wide",  "flatten"),
    "initial_weights":             ("glorot-uniform", "normal",     "uniform"),
    "loss":                        ("bce",            "bce",        "wasserstein"),
    "gradient_correction":         ("none",           "none",       "penalty"),
    "judge_updates":               (1,                1,            5),
    "lr":                          (2e-4,             2e-4,         1e-4),
    "beta1":                       (0.5,              0.5,          0.0),
    "beta2":                       (0.999,            0.999,        0.9),
    "batch_size":                  (128,              128,          64),
    "epochs":                      (260,              60,           32),
    "checkpoint_every":            (10,               5,            2),
}

# A modern GAN that learns on two cores, see `gan.projected`.
_PROJECTED: dict[str, Any] = {
    "generator_architecture": "skip",
    "discriminator_architecture": "projected",
    "conditional": True,
    "width": 32,
    "latent_dim": 128,
    "loss": "hinge",
    "gradient_correction": "none",
    "judge_updates": 1,
    "diffaugment": ("color", "translation", "cutout"),
    "flip": True,
    "ema_half_life": 20_000,
    "lr": 3e-4,
    "beta1": 0.0,
    "beta2": 0.99,
    "batch_size": 16,
    "epochs": 100,
    "images_per_epoch": 60_000,
    "checkpoint_every": 1,
}

# The paper says that at least 14 modifications were built and not which. These are ours: one row of Table 2, or the
# head or initial weights of another variant, moved at a time, so that a difference between two runs has one cause.
# Weight clipping (Arjovsky et al. 2017) is not in the table.
_MOVED: dict[str, tuple[str, dict[str, Any]]] = {
    "dcgan-normal-weights":  ("dcgan",    {"initial_weights": "normal"}),  # what DCGAN-WI alone cannot tell
    "dcgan-glorot-normal":   ("dcgan",    {"initial_weights": "glorot-normal"}),
    "dcgan-kernel-3":        ("dcgan",    {"kernel_size": 3}),
    "dcgan-kernel-5":        ("dcgan",    {"kernel_size": 5}),
    "dcgan-wide-head":       ("dcgan",    {"judge_head": "conv-wide"}),
    "dcgan-latent-256":      ("dcgan",    {"latent_dim": 256}),
    "dcgan-batch-64":        ("dcgan",    {"batch_size": 64}),
    "dcgan-batch-256":       ("dcgan",    {"batch_size": 256}),
    "dcgan-fast":            ("dcgan",    {"lr": 1e-3}),
    "dcgan-slow":            ("dcgan",    {"lr": 1e-5}),
    "dcgan-sgd":             ("dcgan",    {"optimizer": "sgd"}),
    "dcgan-no-momentum":     ("dcgan",    {"beta1": 0.0}),
    "dcgan-dense":           ("dcgan",    {"fully_connected": True}),
    "dcgan-biases":          ("dcgan",    {"biases": True}),
    "dcgan-clipped":         ("dcgan",    {"gradient_correction": "clip-norm"}),
    "dcgan-five-updates":    ("dcgan",    {"judge_updates": 5}),
    "dcgan-bare":            ("dcgan",    {"generator_normalization": "none", "judge_normalization": "none"}),
    "dcgan-tanh":            ("dcgan",    {"generator_activation": "tanh"}),
    "dcgan-wi-uniform":      ("dcgan-wi", {"initial_weights": "uniform"}),
    "wgan-clip":             ("wgan-gp",  {"gradient_correction": "clip-weights"}),
    "wgan-free":             ("wgan-gp",  {"gradient_correction": "none"}),
    "wgan-gp-one-update":    ("wgan-gp",  {"judge_updates": 1}),
    "wgan-gp-bare":          ("wgan-gp",  {"judge_normalization": "none"}),
    "wgan-gp-glorot":        ("wgan-gp",  {"initial_weights": "glorot-uniform"}),
    "wgan-gp-momentum":      ("wgan-gp",  {"beta1": 0.5}),
    "wgan-gp-slow":          ("wgan-gp",  {"lr": 1e-5}),
}
# fmt: on
PRESETS: dict[str, dict[str, Any]] = {
    variant: {"variant": variant} | {field: row[column] for field, row in _TABLE.items()}
    for column, variant in enumerate(VARIANTS)
} | {"projected": {"variant": "projected"} | _PROJECTED}
POINTS: dict[str, dict[str, Any]] = {
    name: PRESETS[base] | {"variant": name} | moved for name, (base, moved) in _MOVED.items()
}
"""Points beside the three variants; the paper does not say which its author tried, these are ours."""


@dataclass(frozen=True)
class Profile:
    """One size of everything: `smoke` for tests, `demo` for a laptop, `paper` for a GPU."""

    pictures: int  # synthetic pictures where no source is given
    settings: dict[str, Any]  # what replaces the preset's values


PROFILES = {
    "smoke": Profile(128, {"width": 8, "batch_size": 16, "images_per_epoch": 64, "epochs": 2, "checkpoint_every": 1}),
    "demo": Profile(2048, {"width": 16, "batch_size": 64, "images_per_epoch": 2048, "checkpoint_every": 2}),
    "paper": Profile(60_000, {}),
}
# What differs at `demo`, so that each variant takes about two minutes on two cores. A WGAN-GP step costs five critic
# updates, so it gets fewer and smaller ones; so few steps need a higher rate than the paper's to show anything.
_DEMO: dict[str, dict[str, Any]] = {
    "dcgan": {"epochs": 20, "batch_size": 32, "images_per_epoch": 1024, "lr": 8e-4},
    "dcgan-wi": {"epochs": 12, "batch_size": 32, "images_per_epoch": 1024, "lr": 8e-4},
    "wgan-gp": {"epochs": 10, "width": 12, "batch_size": 16, "images_per_epoch": 448, "lr": 5e-4},
    "projected": {"epochs": 8, "width": 16, "feature_size": 64, "batch_size": 16, "images_per_epoch": 1024},
}


def profile(name: str) -> Profile:
    """Return the profile of this name.

    Raises:
        ArtganError: If there is none.
    """
    return PROFILES[known(name, PROFILES, "profile")]


def preset(variant: str, profile_name: str = "paper", **overrides: Any) -> TrainConfig:
    """Return a variant of the paper, or one of our own points, at the size of a profile.

    Args:
        variant: `dcgan`, `dcgan-wi`, `wgan-gp` or a name of `POINTS`. What a point moves stays moved at every size.
        profile_name: `smoke`, `demo` or `paper` (the paper's own width and length).
        **overrides: Fields of `TrainConfig` that replace both.

    Raises:
        ArtganError: If a name is unknown or a value is refused.
    """
    name = known(variant, [*PRESETS, *POINTS], "variant")
    base, moved = _MOVED.get(name, (name, {}))
    values = PRESETS[base] | {"variant": name} | profile(profile_name).settings
    if profile_name == "demo":
        values |= _DEMO[base]
    return TrainConfig.from_dict(values | moved | overrides)


def moved_from(name: str) -> tuple[str, dict[str, Any]]:
    """Return the variant from which a point of `POINTS` was moved, and the values that were."""
    return _MOVED[known(name, POINTS, "point")]
