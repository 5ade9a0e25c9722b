import json

import pytest

from artgan_lib import POINTS, PRESETS, PROFILES, ArtganError, TrainConfig, preset
from artgan_lib.presets import moved_from


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
    assert config["ema_half_life"] == 0


def test_an_epoch_has_one_step_more_than_fits() -> None:
    # The author's code: floor(60,000 / 64) + 1 = 938 generator steps.
    assert preset("wgan-gp").steps_per_epoch == 938
    assert preset("wgan-gp").total_steps == 32 * 938


@pytest.mark.parametrize("variant", [*PRESETS, *POINTS])
@pytest.mark.parametrize("profile", PROFILES)
def test_json_round_trip(variant: str, profile: str) -> None:
    config = preset(variant, profile)
    assert config.variant == variant
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_points_of_our_own_differ_from_a_variant_in_what_they_name() -> None:
    assert len(POINTS) >= 14
    for name in POINTS:
        base, moved = moved_from(name)
        for profile in PROFILES:
            there, here = preset(base, profile).to_dict(), preset(name, profile).to_dict()
            assert {field for field in here if here[field] != there[field]} <= {"variant", *moved}
        there, here = preset(base).to_dict(), preset(name).to_dict()
        assert {field: here[field] for field in here if here[field] != there[field]} == moved | {"variant": name}
    assert len({json.dumps(preset(name).to_dict() | {"variant": ""}) for name in (*PRESETS, *POINTS)}) == 4 + len(
        POINTS
    )


def test_unknown_names_are_told() -> None:
    with pytest.raises(ArtganError, match="no variant 'wgan-pg'; did you mean 'wgan-gp'"):
        preset("wgan-pg")
    with pytest.raises(ArtganError, match="no profile 'huge'; there are smoke, demo, paper"):
        preset("dcgan", "huge")
