from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan_lib import ArtganError, synthetic_paintings
from artgan_lib.studio.animation import write_animation


@pytest.fixture
def frames() -> np.ndarray:
    return synthetic_paintings(6, seed=4)[0]


@pytest.mark.parametrize("kind", [".gif", ".webp"])
def test_every_frame_is_there_and_it_is_played_round_and_round(kind: str, frames: np.ndarray, tmp_path: Path) -> None:
    path = write_animation(frames, tmp_path / f"walk{kind}", fps=10)
    with Image.open(path) as animation:
        assert animation.n_frames == 6
        assert animation.info["loop"] == 0
        for number, frame in enumerate(frames):
            animation.seek(number)
            assert np.abs(np.asarray(animation.convert("RGB")).astype(int) - frame).mean() < 12
            assert animation.info["duration"] == 100


@pytest.mark.parametrize("fps", [24, 30, 50])
def test_a_gif_plays_at_the_speed_that_was_asked_for(fps: int, frames: np.ndarray, tmp_path: Path) -> None:
    path = write_animation(np.concatenate([frames] * 4), tmp_path / "walk.gif", fps, {"stations": ["7:0"]})
    with Image.open(path) as animation:
        durations = []
        for number in range(animation.n_frames):
            animation.seek(number)
            durations.append(animation.info["duration"])
        assert b'"stations": ["7:0"]' in animation.info["comment"]
    assert len(durations) == 24
    assert sum(durations) == pytest.approx(1000 * 24 / fps, abs=10)


def test_mp4_holds_every_frame(frames: np.ndarray, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="the package av is not installed")
    path = write_animation(iter(frames), tmp_path / "walk.mp4", fps=24)
    with av.open(str(path)) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert container.streams.video[0].average_rate == 24
    assert len(decoded) == 6
    assert all(np.abs(a.astype(int) - b).mean() < 12 for a, b in zip(decoded, frames, strict=True))


def test_wrong_endings_speeds_and_nothing_to_show_are_refused(frames: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match=r"must end in one of \.gif, \.webp, \.mp4"):
        write_animation(frames, tmp_path / "walk.avi")
    with pytest.raises(ArtganError, match="a gif has 1 to 50 frames a second, not 0"):
        write_animation(frames, tmp_path / "walk.gif", fps=0)
    with pytest.raises(ArtganError, match="at least one frame"):
        write_animation([], tmp_path / "walk.gif")
    assert not list(tmp_path.iterdir())
