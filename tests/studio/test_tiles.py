from pathlib import Path

import numpy as np
import pytest

from artgan_lib import ArtganError, load_upscaler, synthetic_paintings
from artgan_lib.studio.tiles import spans
from artgan_lib.studio.upscaling import SMALLEST_TILE, Upscaler


@pytest.mark.parametrize("length", [1, 31, 64, 65, 100, 129, 500])
@pytest.mark.parametrize("tile", [32, 64, 96])
@pytest.mark.parametrize("scale", [2, 4])
def test_weights_of_tiles_add_up_to_one_everywhere(length: int, tile: int, scale: int) -> None:
    total = np.zeros(length * scale)
    for span in spans(length, tile, scale):
        assert 0 <= span.first < span.last <= length
        total[span.first * scale : span.last * scale] += span.weights
    np.testing.assert_allclose(total, 1)


@pytest.mark.parametrize("tile", [32, 40, 64, 100])
def test_the_picture_is_the_same_within_one_grey_value_whatever_the_tile(
    tile: int, shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    picture = np.concatenate(list(synthetic_paintings(3, seed=5)[0]), axis=1)[:57, :150]  # odd, with hard borders
    upscaler = load_upscaler("realesr-general-x4v3", download=False)
    whole = upscaler.enlarge(picture)
    upscaler.tile = tile
    apart = np.abs(upscaler.enlarge(picture).astype(int) - whole)
    assert apart.max() <= 1


def hungry(limit: int) -> tuple[Upscaler, list[tuple[int, ...]]]:
    """An upscaler by repetition that has memory for so many input pixels alone."""
    seen: list[tuple[int, ...]] = []

    def network(images: np.ndarray) -> np.ndarray:
        seen.append(images.shape)
        if images.shape[0] * images.shape[1] * images.shape[2] > limit:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return images.repeat(4, axis=1).repeat(4, axis=2).astype(np.float32)

    return Upscaler("hungry", 4, network, batch=8), seen


def test_batches_then_tiles_are_halved_when_memory_runs_out() -> None:
    images = list(synthetic_paintings(8)[0])
    upscaler, seen = hungry(2 * 64 * 64)
    enlarged = upscaler.enlarge_batch(images)
    assert [shape[0] for shape in seen] == [8, 4, 2, 2, 2, 2]
    assert upscaler.batch == 2
    assert all(np.array_equal(big[::4, ::4], image) for big, image in zip(enlarged, images, strict=True))

    large = np.tile(images[0], (6, 5, 1))
    upscaler, seen = hungry(200 * 200)
    assert np.array_equal(upscaler.enlarge(large)[::4, ::4], large)
    assert upscaler.tile is not None
    assert SMALLEST_TILE <= upscaler.tile <= 104


def test_too_little_memory_for_the_smallest_tile_is_told() -> None:
    upscaler, _ = hungry(10)
    with pytest.raises(ArtganError, match=r"not enough memory .* even in tiles of 32 pixels"):
        upscaler.enlarge(synthetic_paintings(1)[0][0])


def test_other_errors_of_a_network_are_not_taken_for_a_lack_of_memory() -> None:
    def broken(images: np.ndarray) -> np.ndarray:
        raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape mismatch"):
        Upscaler("broken", 4, broken).enlarge(synthetic_paintings(1)[0][0])


def test_a_large_picture_can_be_stopped_between_tiles() -> None:
    upscaler, seen = hungry(10**9)
    upscaler.tile = 32

    def check() -> None:
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upscaler.enlarge(np.tile(synthetic_paintings(1)[0][0], (4, 4, 1)), check)
    assert len(seen) == 3


@pytest.mark.parametrize(("value", "sentence"), [(np.nan, "not finite"), (7.0, "a picture of one colour")])
def test_a_result_that_cannot_be_right_is_refused(value: float, sentence: str) -> None:
    def constant(images: np.ndarray) -> np.ndarray:
        return np.full((1, 256, 256, 3), value, np.float32)

    with pytest.raises(ArtganError, match=sentence):
        Upscaler("black", 4, constant).enlarge(synthetic_paintings(1)[0][0])


def test_a_network_that_doubles_goes_twice_for_each_pass() -> None:
    picture = synthetic_paintings(1)[0][0]
    upscaler = Upscaler("double", 2, lambda images: images.repeat(2, axis=1).repeat(2, axis=2).astype(np.float32))
    assert np.array_equal(upscaler.to_size(picture, 1024)[::16, ::16], picture)
    with pytest.raises(ArtganError, match="enlarges by 4 at a time, so not by 8"):
        hungry(10**9)[0].to_scale(picture, 8)


def test_a_job_enlarges_as_many_at_once_as_the_upscaler_takes(model: Path, tmp_path: Path) -> None:
    from artgan_lib import ConvertingSettings, EnhancingSettings, GenerationJob, GenerationSettings

    upscaler, seen = hungry(10**9)
    wanted = (GenerationSettings(model, 20), EnhancingSettings(256, "bicubic"), ConvertingSettings())
    job = GenerationJob(*wanted, tmp_path / "run", device="cpu")
    job._load()
    job._upscaler = upscaler
    assert len(job.run().pictures) == 20
    assert [shape[0] for shape in seen] == [8, 8, 4]


@pytest.mark.parametrize("colour", [(0, 200, 0), (7, 7, 7)])
def test_one_colour_is_found_in_any_channel(colour: tuple[int, int, int]) -> None:
    flat = np.broadcast_to(np.float32(colour), (1, 256, 256, 3))
    with pytest.raises(ArtganError, match="a picture of one colour"):
        Upscaler("flat", 4, lambda images: flat.copy()).enlarge(synthetic_paintings(1)[0][0])


def test_an_infinite_value_is_not_clipped_away() -> None:
    values = np.zeros((1, 256, 256, 3), np.float32)
    values[0, 0, 0, 0] = np.inf
    with pytest.raises(ArtganError, match="not finite"):
        Upscaler("inf", 4, lambda images: values).enlarge(synthetic_paintings(1)[0][0])
