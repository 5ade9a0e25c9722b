import dataclasses

import pytest

from artgan_lib import ArtganError, preset
from artgan_lib.config import parse_setting


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
        ({"loss": "lsgan"}, "loss takes one of bce, wasserstein, hinge, not 'lsgan'"),
        ({"image_size": 128}, "image_size must be 64: the paper's networks are built for it alone"),
        ({"conditional": True}, "conditional takes the architectures skip and projected"),
        ({"diffaugment": ("colour",)}, "diffaugment takes color, translation, cutout, not colour"),
        ({"discriminator_architecture": "projected"}, "several heads, which take loss=hinge"),
        ({"beta1": 1.0}, "beta1 must lie in"),
        ({"width": 10**9}, "width must lie in 1 to 1024"),
        ({"ema_half_life": -1}, "ema_half_life must lie in 0 to 1000000000, not -1"),
        ({"seed": 2**31}, "seed must lie in 0 to 2147483647"),
        ({"judge_normalization": "batch"}, "gradient penalty needs a judge that scores each picture by itself"),
        ({"learning_rate": 1e-4}, "there is no setting 'learning_rate'"),
        ({"epoch": 3}, "did you mean 'epochs'"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ArtganError, match=sentence):
        preset("wgan-gp", "smoke", **settings)


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


def test_equal_configs_have_equal_digests() -> None:
    whole, fraction = (
        preset("wgan-gp", "smoke", penalty_weight=value, beta1=zero) for value, zero in ((10, -0.0), (10.0, 0))
    )
    assert whole == fraction
    assert whole.digest == fraction.digest
    assert whole.to_dict()["penalty_weight"] == 10.0
    assert isinstance(whole.penalty_weight, float)
    assert whole.digest != preset("wgan-gp", "smoke", penalty_weight=11).digest
