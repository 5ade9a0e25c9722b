"""Small procedural pictures in ten visibly different classes, for first runs without a data set and for tests.

They are not art and not meant as such: they are data whose modes are known, so that one can see what a generator has
learned and what it has dropped. Drawn with numpy alone, many at a time.
"""

from collections.abc import Callable

import numpy as np

from artgan_lib.config import IMAGE_SIZE
from artgan_lib.errors import ArtganError

Array = np.ndarray
_PARAMETERS = 48  # uniform numbers a picture is made of
_NOISE = 12  # side of the grid of random numbers that becomes its brushwork
_CHUNK = 256  # pictures drawn at once, which bounds the memory


def synthetic_paintings(n: int, size: int = IMAGE_SIZE, seed: int = 0) -> tuple[Array, Array]:
    """Draw pictures, the ten classes in turn.

    Picture i is the same whatever n is.

    Args:
        n: How many, at least 1.
        size: Side in pixels, at least 8.
        seed: Source of every random number.

    Returns:
        Pictures, uint8 (n, size, size, 3), and labels, int16 (n,), index into `SYNTHETIC_CLASSES`.

    Raises:
        ArtganError: If n or size is too small.
    """
    if n < 1 or size < 8:
        raise ArtganError(f"synthetic pictures need n of at least 1 and size of at least 8, not {n} and {size}")
    # One draw of fixed width a picture: rows do not depend on how many follow.
    rows = np.random.default_rng(seed).random((n, _PARAMETERS + _NOISE * _NOISE), dtype=np.float32)
    labels = (np.arange(n) % len(SYNTHETIC_CLASSES)).astype(np.int16)
    images = np.empty((n, size, size, 3), dtype=np.uint8)
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    y, x = axis[None, :, None], axis[None, None, :]  # 0 at the top and left, 1 at the bottom and right
    for label, draw in enumerate(_DRAW.values()):
        chosen = np.flatnonzero(labels == label)
        for part in np.array_split(chosen, max(1, -(-len(chosen) // _CHUNK))):
            if len(part):
                images[part] = _finish(draw(_Dice(rows[part]), x, y), rows[part, _PARAMETERS:], size)
    return images, labels


class _Dice:
    """Hands out a picture's uniform numbers one after the other, shaped (n, 1, 1) for broadcasting."""

    def __init__(self, rows: Array) -> None:
        self.rows, self.next = rows, 0

    def __call__(self, low: float = 0.0, high: float = 1.0) -> Array:
        self.next += 1
        values: Array = low + (high - low) * self.rows[:, self.next - 1]
        return values[:, None, None]

    def colour(self, hue: tuple[float, float], saturation: tuple[float, float], value: tuple[float, float]) -> Array:
        """Draw a colour by ranges of hue, saturation and value in [0, 1]; shape (n, 1, 1, 3)."""
        h, s, v = self(*hue), self(*saturation), self(*value)
        wheel = np.abs((h[..., None] * 6 + np.array([0, 4, 2], np.float32)) % 6 - 3) - 1
        colour: Array = v[..., None] * (1 - s[..., None] * (1 - np.clip(wheel, 0, 1)))
        return colour


def _mix(below: Array, above: Array, share: Array) -> Array:
    """Lay a colour over another; share (n, H, W) in [0, 1]."""
    mixed: Array = below + (above - below) * np.clip(share, 0, 1)[..., None]
    return mixed


def _edge(distance: Array, softness: float = 0.015) -> Array:
    """Turn a signed distance into a share: 1 inside (negative), 0 outside, soft between."""
    share: Array = np.clip(0.5 - distance / (2 * softness), 0, 1)
    return share


def _sunset(dice: _Dice, x: Array, y: Array) -> Array:
    sky = _mix(
        dice.colour((0.55, 0.75), (0.3, 0.7), (0.3, 0.6)), dice.colour((0.02, 0.12), (0.5, 0.9), (0.9, 1.0)), y * 1.5
    )
    sun = np.hypot(x - dice(0.2, 0.8), y - dice(0.3, 0.55)) - dice(0.07, 0.13)
    picture = _mix(sky, dice.colour((0.1, 0.15), (0.2, 0.5), (0.98, 1.0)), _edge(sun))
    ground = dice.colour((0.6, 0.95), (0.3, 0.6), (0.25, 0.4))
    for depth in range(3):
        ridge = dice(0.55, 0.62) + 0.12 * depth + 0.06 * np.sin(x * dice(4, 11) + dice(0, 6.3))
        picture = _mix(picture, ground * (1 - 0.3 * depth), _edge(ridge - y))
    return picture


def _sea(dice: _Dice, x: Array, y: Array) -> Array:
    picture = _mix(
        dice.colour((0.1, 0.16), (0.05, 0.2), (0.9, 1.0)), dice.colour((0.5, 0.6), (0.1, 0.3), (0.85, 0.95)), y * 2
    )
    water, foam = dice.colour((0.52, 0.62), (0.6, 0.9), (0.45, 0.7)), dice.colour((0.5, 0.6), (0.0, 0.1), (0.95, 1.0))
    start, steep, phase = dice(0.25, 0.45), dice(0.03, 0.07), dice(0, 6.3)
    for row in range(5):
        wave = x * dice(8, 14) + phase + 2.1 * row
        crest = start + 0.14 * row + steep * (np.abs(np.sin(wave / 2)) * 2 - 1)
        picture = _mix(picture, foam, _edge(crest - y))
        picture = _mix(picture, water * (1 - 0.1 * row), _edge(crest + 0.035 - y))
    return picture


def _tiles(dice: _Dice, x: Array, y: Array) -> Array:
    columns, rows = [dice(0.12, 0.38), dice(0.45, 0.88)], [dice(0.12, 0.4), dice(0.5, 0.9)]
    paper = dice.colour((0.1, 0.15), (0.02, 0.08), (0.92, 0.98))
    inks = [
        dice.colour((-0.02, 0.02), (0.8, 0.9), (0.75, 0.9)),
        dice.colour((0.58, 0.64), (0.7, 0.9), (0.4, 0.7)),
        dice.colour((0.12, 0.15), (0.8, 0.95), (0.9, 1.0)),
    ]
    picture = paper + 0 * (x + y)[..., None]
    which_x = sum((x > c).astype(np.float32) for c in columns)
    which_y = sum((y > r).astype(np.float32) for r in rows)
    first, step = np.floor(dice(0, 9)), 1 + np.floor(dice(0, 4)) * 2
    for number, ink in enumerate(inks):
        cell = (first + (number * step + number)) % 9
        picture = _mix(picture, ink, (which_x * 3 + which_y == cell).astype(np.float32))
    width = dice(0.014, 0.026)
    lines = np.minimum.reduce([np.abs(x - c) + 0 * y for c in columns] + [np.abs(y - r) + 0 * x for r in rows])
    return _mix(picture, np.full((1, 1, 1, 3), 0.08, np.float32), _edge(lines - width, 0.008))


def _dots(dice: _Dice, x: Array, y: Array) -> Array:
    top, bottom = dice.colour((0.5, 0.65), (0.3, 0.6), (0.7, 0.95)), dice.colour((0.15, 0.4), (0.5, 0.9), (0.5, 0.8))
    warm = dice.colour((0.0, 0.12), (0.6, 0.9), (0.8, 1.0))
    count, shift = 11.0, dice(0, 1)
    row = np.floor(y * count)
    column = np.floor(x * count + 0.5 * (row % 2) + shift)
    dot_x, dot_y = (column + 0.5 - 0.5 * (row % 2) - shift) / count, (row + 0.5) / count
    chance = (np.sin(column * 12.9898 + row * 78.233 + dice(0, 6.3)) * 43758.5453) % 1
    hill = 0.55 + 0.12 * np.sin(dot_x * dice(3, 7) + dice(0, 6.3))
    colour = _mix(top, bottom, (dot_y > hill).astype(np.float32))
    colour = _mix(colour, warm, (chance > dice(0.7, 0.9)).astype(np.float32)) * (0.75 + 0.35 * chance)[..., None]
    return _mix(_mix(top, bottom, y) * 0.75, colour, _edge(np.hypot(x - dot_x, y - dot_y) - 0.042, 0.012))


def _rings(dice: _Dice, x: Array, y: Array) -> Array:
    colours = [dice.colour((0.0, 1.0), (0.5, 0.85), (0.6, 0.95)) for _ in range(4)]
    count = 2 + np.floor(dice(0, 2))
    cell_x, cell_y = (x * count) % 1 - 0.5, (y * count) % 1 - 0.5
    number = np.floor(x * count) + np.floor(y * count) * 2
    radius = np.hypot(cell_x, cell_y)
    picture: Array = colours[0] * 0.6 + 0 * radius[..., None]
    for ring, colour in enumerate(colours):
        turned = colours[(ring + 1) % 4]
        ink = _mix(colour + 0 * radius[..., None], turned, ((number + ring) % 2 == 0).astype(np.float32))
        picture = _mix(picture, ink, _edge(radius - (0.46 - 0.12 * ring), 0.03))
    return picture


def _rays(dice: _Dice, x: Array, y: Array) -> Array:
    centre_x, centre_y = dice(0.25, 0.75), dice(0.3, 0.8)
    angle = np.arctan2(y - centre_y, x - centre_x) + 0.6 * np.hypot(x - centre_x, y - centre_y) * dice(-2, 2)
    blades = np.floor(dice(6, 12))
    share = 0.5 + 0.5 * np.tanh(6 * np.sin(angle * blades + dice(0, 6.3)))
    light, dark = dice.colour((0.08, 0.17), (0.4, 0.7), (0.9, 1.0)), dice.colour((0.75, 0.98), (0.5, 0.8), (0.4, 0.7))
    glow = np.exp(-6 * np.hypot(x - centre_x, y - centre_y))
    return _mix(_mix(dark, light, share), np.ones((1, 1, 1, 3), np.float32), glow)


def _swirls(dice: _Dice, x: Array, y: Array) -> Array:
    u, v = x * 3, y * 3
    for _ in range(3):
        u, v = (
            u + 0.55 * np.sin(v * dice(0.9, 1.6) + dice(0, 6.3)),
            v + 0.55 * np.sin(u * dice(0.9, 1.6) + dice(0, 6.3)),
        )
    bands = 0.5 + 0.5 * np.sin(u * 4 + v * 2)
    night, blue = dice.colour((0.6, 0.68), (0.7, 0.9), (0.2, 0.35)), dice.colour((0.52, 0.62), (0.4, 0.7), (0.6, 0.85))
    star = dice.colour((0.11, 0.15), (0.5, 0.8), (0.95, 1.0))
    picture = _mix(night, blue, bands)
    for _ in range(3):
        away = np.hypot(x - dice(0.1, 0.9), y - dice(0.05, 0.6))
        picture = _mix(picture, star, np.exp(-((away / 0.07) ** 2)) + 0.35 * np.exp(-(((away / 0.13 - 1) * 4) ** 2)))
    return picture


def _still_life(dice: _Dice, x: Array, y: Array) -> Array:
    wall, cloth = dice.colour((0.05, 0.2), (0.2, 0.5), (0.35, 0.6)), dice.colour((0.0, 0.12), (0.3, 0.6), (0.5, 0.75))
    light = 1.15 - 0.5 * x - 0.2 * y
    table = dice(0.66, 0.76)
    picture = _mix(wall * light[..., None], cloth * light[..., None], _edge(table - y))
    centre, foot = dice(0.35, 0.65), table + 0.1
    height, belly = dice(0.38, 0.5), dice(0.12, 0.17)
    up = np.clip((foot - y) / height, 0, 1)
    profile = belly * (0.45 + np.sin(np.pi * np.clip(up * 1.25, 0, 1)) * 0.75)
    vase = np.maximum(np.abs(x - centre) - profile, np.maximum(foot - height - y, y - foot))
    shade = np.clip(1.15 - 2.2 * (x - centre + 0.06) / belly * 0.4, 0.3, 1.3)[..., None]
    picture = _mix(picture, dice.colour((0.45, 0.65), (0.3, 0.7), (0.5, 0.8)) * shade, _edge(vase))
    for _ in range(2):
        fruit_x, radius = centre + dice(-0.36, 0.36), dice(0.06, 0.09)
        fruit_y = foot + 0.04 - radius / 2
        away = np.hypot(x - fruit_x, y - fruit_y)
        lit = (1.25 - 1.1 * np.hypot(x - fruit_x + radius / 3, y - fruit_y + radius / 3) / radius * 0.6)[..., None]
        picture = _mix(picture, dice.colour((-0.02, 0.13), (0.7, 0.9), (0.7, 0.95)) * lit, _edge(away - radius))
    return picture


def _portrait(dice: _Dice, x: Array, y: Array) -> Array:
    dark, dress = dice.colour((0.05, 0.1), (0.4, 0.7), (0.12, 0.28)), dice.colour((0.0, 1.0), (0.3, 0.7), (0.2, 0.5))
    centre, top = dice(0.42, 0.58), dice(0.36, 0.44)
    side = np.where(dice() < 0.5, -1, 1)
    light = np.clip(0.85 - 2.4 * side * (x - centre), 0.35, 1.1)[..., None]
    picture = dark * (1.3 - np.hypot(x - centre, y - top))[..., None]
    shoulders = np.hypot((x - centre) / dice(0.34, 0.44), (y - 1.02) / 0.4) - 1
    picture = _mix(picture, dress * light, _edge(shoulders, 0.04))
    hair = np.hypot((x - centre) / 0.2, (y - top + 0.02) / 0.25) - 1
    picture = _mix(picture, dice.colour((0.03, 0.12), (0.5, 0.8), (0.15, 0.5)) * light, _edge(hair, 0.06))
    skin = dice.colour((0.06, 0.09), (0.3, 0.5), (0.75, 0.95))
    neck = np.maximum(np.abs(x - centre) - 0.065, np.maximum(top - y, y - top - 0.32))
    picture = _mix(picture, skin * light * 0.85, _edge(neck))
    face = np.hypot((x - centre) / 0.135, (y - top - 0.03) / 0.19) - 1
    picture = _mix(picture, skin * light, _edge(face, 0.06))
    for eye in (-0.05, 0.05):
        away = np.hypot((x - centre - eye) / 0.028, (y - top) / 0.014) - 1
        picture = _mix(picture, dark * 0.5, _edge(away, 0.3))
    mouth = np.hypot((x - centre) / 0.045, (y - top - 0.125) / 0.014) - 1
    return _mix(picture, dice.colour((-0.01, 0.02), (0.5, 0.7), (0.5, 0.65)), _edge(mouth, 0.3))


def _blossom(dice: _Dice, x: Array, y: Array) -> Array:
    paper = dice.colour((0.1, 0.13), (0.12, 0.25), (0.9, 0.97))
    picture = _mix(paper, dice.colour((0.5, 0.6), (0.2, 0.4), (0.7, 0.9)), 0.6 - 1.2 * y)
    start, slope, bend, phase = dice(0.3, 0.8), dice(-0.5, 0.5), dice(0.03, 0.09), dice(0, 6.3)
    bark = dice.colour((0.04, 0.1), (0.4, 0.7), (0.2, 0.32))

    def branch(at: Array) -> Array:
        height: Array = start + slope * (at - 0.5) + bend * np.sin(7 * at + phase)
        return height

    picture = _mix(picture, bark, _edge(np.abs(y - branch(x)) - 0.034 * (1.15 - x)))
    petal = dice.colour((0.92, 1.0), (0.25, 0.6), (0.9, 1.0))
    for _ in range(7):
        flower_x = dice(0.05, 0.95)
        flower_y = branch(flower_x) + dice(-0.16, 0.16)
        dx, dy = x - flower_x, y - flower_y
        away, petals = np.hypot(dx, dy), 1 + 0.22 * np.cos(5 * np.arctan2(dy, dx) + 6.3 * flower_x)
        picture = _mix(picture, petal, _edge(away - 0.075 * petals))
        picture = _mix(picture, petal * np.array([0.8, 0.45, 0.5], np.float32), _edge(away - 0.02))
    return picture


def _finish(picture: Array, noise: Array, size: int) -> Array:
    """Add brushwork and light, and round to uint8."""
    cells = np.arange(size, dtype=np.float32) * (_NOISE - 1) / size
    low, part = cells.astype(int), cells % 1
    grid = noise.reshape(-1, _NOISE, _NOISE) - 0.5
    rows = grid[:, low] * (1 - part)[None, :, None] + grid[:, low + 1] * part[None, :, None]
    brush = rows[:, :, low] * (1 - part) + rows[:, :, low + 1] * part  # bilinear
    finished = picture * (1 + 0.22 * brush[..., None])
    return np.clip(np.rint(finished * 255), 0, 255).astype(np.uint8)


_DRAW: dict[str, Callable[[_Dice, Array, Array], Array]] = {
    "sunset": _sunset,
    "sea": _sea,
    "tiles": _tiles,
    "dots": _dots,
    "rings": _rings,
    "rays": _rays,
    "swirls": _swirls,
    "still life": _still_life,
    "portrait": _portrait,
    "blossom": _blossom,
}

SYNTHETIC_CLASSES = tuple(_DRAW)
"""Names of the ten classes, in the order of the labels."""
