"""Small, spoilt copies of pictures, from which an enlarger learns (Wang et al. 2021, Real-ESRGAN, section 3).

One round of blur, resizing, noise and JPEG with random strengths, lighter than theirs; a share of the copies is only
made smaller, since that is what comes out of our generators.
"""

import io

import numpy as np
from PIL import Image, ImageFilter

SCALE = 4
CLEAN = 0.4
"""Share of copies that are only made smaller."""

_FILTERS = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)


def shrink(image: np.ndarray) -> np.ndarray:
    """Make a picture (H, W, 3) a quarter as large in each direction by Pillow's bicubic filter, as training data is."""
    height, width = image.shape[:2]
    size = (width // SCALE, height // SCALE)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def degrade(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make a picture a quarter as large, blurred, with noise and traces of JPEG, each by a random amount.

    Args:
        image: uint8, shape (H, W, 3), sides divisible by four.
        rng: Source of the amounts and of the noise.

    Returns:
        uint8, shape (H / 4, W / 4, 3).
    """
    height, width = image.shape[:2]
    picture = Image.fromarray(image)
    picture = picture.filter(ImageFilter.GaussianBlur(tuple(rng.uniform(0.2, 2.0, 2))))
    between = rng.uniform(0.25, 0.6)
    sides = (max(1, round(width * between)), max(1, round(height * between)))
    picture = picture.resize(sides, _FILTERS[rng.integers(len(_FILTERS))])
    grey = 1 if rng.random() < 0.4 else 3
    noise = rng.normal(0, rng.uniform(0, 12), (sides[1], sides[0], grey))
    noisy = np.asarray(picture) + noise
    picture = Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8))
    picture = picture.resize((width // SCALE, height // SCALE), _FILTERS[rng.integers(len(_FILTERS))])
    buffer = io.BytesIO()
    picture.save(buffer, "jpeg", quality=int(rng.integers(50, 96)))
    return np.asarray(Image.open(buffer))


def draw_pairs(images: np.ndarray, count: int, side: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw patches of pictures and their small copies.

    Args:
        images: uint8, shape (N, H, W, 3).
        count: How many.
        side: Of a small copy; the patch is four times as large.
        rng: Source of places, mirrorings and degradations.

    Returns:
        Small copies, uint8 (count, side, side, 3), and patches, uint8 (count, 4 side, 4 side, 3).
    """
    large = side * SCALE
    small, patches = [], []
    for _ in range(count):
        picture = images[rng.integers(len(images))]
        top, left = (int(rng.integers(length - large + 1)) for length in picture.shape[:2])
        patch = np.asarray(picture[top : top + large, left : left + large])
        if rng.random() < 0.5:
            patch = patch[:, ::-1]
        patch = np.ascontiguousarray(patch)
        small.append(shrink(patch) if rng.random() < CLEAN else degrade(patch, rng))
        patches.append(patch)
    return np.stack(small), np.stack(patches)
