"""What drawn elements share: the picture plane in heights, soft edges, patches laid over frames, plain backdrops.

Lengths are in heights of the picture with the origin at its centre and y down, so that a clip looks the same at every
size. A distance is signed: negative inside.
"""

import numpy as np

from .element import RATE, colour_of


def plane(size):
    """The x `[1, W]` and y `[H, 1]` of the pixel centres."""
    x = (np.arange(size.width, dtype=np.float32) + 0.5 - size.width / 2) / size.height
    y = (np.arange(size.height, dtype=np.float32) + 0.5) / size.height - 0.5
    return x[None], y[:, None]


def moments(size):
    """The time of each frame, in seconds."""
    return np.arange(size.frames, dtype=np.float32) / RATE


def smooth(x):
    """Smoothstep of x clamped to 0..1."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def coverage(distance, softness):
    """How much of a pixel at `distance` is inside an edge that is `softness` wide."""
    return smooth(0.5 - distance / softness)


def wrap(position, low, high):
    """`position` brought into low..high by whole spans: what leaves on one side comes in on the other."""
    return low + np.mod(position - low, high - low)


def scattered(rng, count):
    """`count` places in the unit square that keep their distance, `[count, 2]`: the R2 sequence (Roberts 2018)."""
    ratio = 1.32471795724
    steps = np.arange(count)[:, None] * np.array([1 / ratio, 1 / ratio ** 2])
    return np.mod(rng.random(2) + steps + rng.normal(0, 0.04, (count, 2)), 1)


def blend(first, second, weight):
    """From `first` at weight 0 to `second` at 1, mixed between display values, whose middle is muddy, and linear light,
    whose dark end is abrupt."""
    weight = np.asarray(weight, np.float32)[..., None]
    mixed = np.asarray(first, np.float32) ** 1.5 * (1 - weight) + np.asarray(second, np.float32) ** 1.5 * weight
    return mixed ** (1 / 1.5)


def paste(frame, alpha, colour, left, top):
    """Lay a patch (`alpha` `[h, w]`, `colour` RGB or `[h, w, 3]`) over `frame`, in place, cut at its borders."""
    height, width = alpha.shape
    x0, x1 = max(left, 0), min(left + width, frame.shape[1])
    y0, y1 = max(top, 0), min(top + height, frame.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    cut = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    if np.ndim(colour) == 3:
        colour = colour[cut]
    target = frame[y0:y1, x0:x1]
    target += (colour - target) * alpha[cut][..., None]


def backdrop(size, name, rng, fall=0.22):
    """A plain background `[H, W, 3]` of the colour called `name`, lit softly from one place."""
    x, y = plane(size)
    base = colour_of(name) * rng.uniform(0.985, 1.015, 3)
    r2 = (x - rng.uniform(-0.4, 0.4)) ** 2 + (y - rng.uniform(-0.35, 0.1)) ** 2
    light = (1.05 - fall * r2)[..., None]
    # Black has nothing to scale: a trace of light in it tells it from an empty picture.
    return np.clip(base * light + 0.025 * np.exp(-2 * r2)[..., None], 0, 1).astype(np.float32)


def studio(size, name, rng, floor, light_x=0.0):
    """A backdrop whose lower part, from y = `floor` on, turns into a lit floor."""
    x, y = plane(size)
    wall = backdrop(size, name, rng)
    ground = smooth((y - floor + 0.06) / 0.12)[..., None]
    pool = np.exp(-(((x - light_x) / 0.9) ** 2 + ((y - floor - 0.2) / 0.3) ** 2))[..., None]
    lit = wall * (0.86 + 0.14 * pool) + 0.09 * pool
    return np.clip(wall + (lit - wall) * ground, 0, 1).astype(np.float32)
