import dataclasses
import json

import pytest

from artgan_lib import PRESETS, PROFILES, ArtganError, TrainConfig, preset
from artgan_lib.config import parse_setting


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("dcgan", {"latent_dim": 100, "kernel_size": 4, "batch_size": 128, "lr": 2e-4, "beta1": 0.5, "epochs": 260}),
        ("dcgan-wi", {"latent_dim": 100, "kernel_size": 5, "initial_weights": "normal", "epochs": 60}),
        ("wgan-gp", {"latent_dim": 128, "lr": 1e-4, "beta1": 0.0, "beta2": 0.9, "judge_updates": 5, "epochs": 32}),
    ],
)
def test_presets_are_the_papers(variant: str, expected: dict[str, object]) -> None:
    config = preset(variant).to_dict()
    assert {name: config[name] for name in expected} == expected
    assert config["width"] == 64
    assert config["images_per_epoch"] == 60_000


def test_an_epoch_has_one_step_more_than_fits() -> None:
    # The author's code: floor(60,000 / 64) + 1 = 938 generator steps.
    assert preset("wgan-gp").steps_per_epoch == 938
    assert preset("wgan-gp").total_steps == 32 * 938


@pytest.mark.parametrize("variant", PRESETS)
@pytest.mark.parametrize("profile", PROFILES)
def test_json_round_trip(variant: str, profile: str) -> None:
    config = preset(variant, profile)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_config_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        preset("dcgan").lr = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"lr": 0.0}, r"lr must lie in \(0, 1\], not 0.0"),
        ({"lr": "fast"}, "lr takes a number, not 'fast'"),
        ({"batch_size": 1}, "batch_size must lie in 2 to 65536, not 1"),
        ({"epochs": True}, "epochs takes a whole number, not True"),
        ({"kernel_size": 6}, "kernel_size must be 3, 4 or 5, not 6"),
        ({"loss": "hinge"}, "loss takes one of bce, wasserstein, not 'hinge'"),
        ({"beta1": 1.0}, "beta1 must lie in"),
        ({"width": 10**9}, "width must lie in 1 to 1024"),
        ({"seed": 2**31}, "seed must lie in 0 to 2147483647"),
        ({"judge_normalization": "batch"}, "gradient penalty needs a judge that scores each picture by itself"),
        ({"learning_rate": 1e-4}, "there is no setting 'learning_rate'"),
        ({"epoch": 3}, "did you mean 'epochs'"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ArtganError, match=sentence):
        preset("wgan-gp", "smoke", **settings)


def test_unknown_names_are_told() -> None:
    with pytest.raises(ArtganError, match="no variant 'wgan'; did you mean 'wgan-gp'"):
        preset("wgan")
    with pytest.raises(ArtganError, match="no profile 'huge'; there are smoke, demo, paper"):
        preset("dcgan", "huge")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("lr=1e-3", ("lr", 1e-3)),
        ("epochs=7", ("epochs", 7)),
        ("biases=false", ("biases", False)),
        ("loss=bce", ("loss", "bce")),
    ],
)
def test_settings_are_read_by_the_type_of_their_field(text: str, value: tuple[str, object]) -> None:
    assert parse_setting(text) == value


@pytest.mark.parametrize("text", ["lr", "epochs=many", "depth=3"])
def test_settings_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ArtganError):
        parse_setting(text)
