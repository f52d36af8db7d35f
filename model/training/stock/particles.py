"""Particles in depth: how air moves them, and how a lens sees them.

Lengths are picture heights in the plane of focus (depth 1), times are seconds. A place on the picture is (x, y) in
picture heights from its centre, y down; a particle at depth z moves and measures 1/z of what it would in focus.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .element import RATE, colour_of

# Particles are drawn as discs of a few radii, in pixels; one between two of them is a mix of both.
SMALLEST, RATIO = 0.8, 1.5
FINEST_SHARE = 0.02
MOST_SAMPLES = 64


@dataclass(frozen=True)
class Air:
    """What carries particles: a steady wind (x, y) that eddies of a speed and a size disturb. `response` is how long
    particles take to follow it."""
    wind: tuple[float, float]
    gust: float = 0.0
    eddy: float = 1.0
    response: float = 0.1


class Turbulence:
    """A divergence-free random flow, as a sum of Fourier modes with a Kolmogorov spectrum (Kraichnan 1970; Fung et
    al. 1992, "Kinematic simulation of homogeneous turbulence")."""

    def __init__(self, speed, eddy, rng, modes=8):
        number = 2 * np.pi / eddy * np.geomspace(1, 8, modes)
        towards = rng.normal(size=(modes, 3))
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        # E(k) ~ k^-5/3 over modes spaced evenly in log k: an amplitude of (E k)^1/2. Across the wave: no divergence.
        strength = number ** (-1 / 3)
        strength *= speed * np.sqrt(3) / np.linalg.norm(strength)
        sideways = np.cross(towards, rng.normal(size=(modes, 3)))
        sideways /= np.linalg.norm(sideways, axis=1, keepdims=True)
        self.waves = (number[:, None] * towards).astype(np.float32)
        self.speeds = (strength[:, None] * sideways).astype(np.float32)
        self.turning = (0.5 * number * strength).astype(np.float32)
        self.phases = rng.uniform(0, 2 * np.pi, modes).astype(np.float32)

    def at(self, points, time):
        """Its velocity at `points` `[N, 3]`."""
        return np.sin(points @ self.waves.T + self.turning * time + self.phases) @ self.speeds


def depths(count, near, far, rng):
    """Of `count` particles; more of them farther away, where the picture takes in more room."""
    return np.sqrt(rng.uniform(near**2, far**2, count)).astype(np.float32)


def wrap(value, half):
    """`value` brought into -half to half, out at one end and in at the other."""
    return (value + half) % (2 * half) - half


def fly(depth, aspect, air, frames, rng, settling=(0.0, 0.0, 0.0), margin=0.35):
    """Where particles at `depth` `[N]` are, and how fast they move, in each frame: two `[frames, N, 2]` arrays.

    They follow the air plus their `settling` velocity (that of their weight against drag), `[3]` to `[frames, N, 3]`,
    with first-order drag. They start spread evenly and at the speed they would have by then, and those that leave the
    picture by `margin` come in at the other side.
    """
    half = np.array([aspect / 2 + margin, 0.5 + margin], np.float32)
    place = (rng.uniform(-1, 1, (len(depth), 2)) * half).astype(np.float32)
    steady = np.broadcast_to(settling, (frames, len(depth), 3)) + np.array([*air.wind, 0.0])
    flow = Turbulence(air.gust, air.eddy, rng)
    scale = depth[:, None]
    follow = 1 - np.exp(-1 / (RATE * air.response))
    velocity, places, velocities = None, [], []
    for frame in range(frames):
        goal = steady[frame] + flow.at(np.concatenate([place * scale, scale], axis=1), frame / RATE)
        velocity = goal if velocity is None else velocity + (goal - velocity) * follow
        shown = velocity[:, :2] / scale
        places.append(place)
        velocities.append(shown)
        place = wrap(place + shown / RATE, half)
    return np.array(places, np.float32), np.array(velocities, np.float32)


def lens(depth, radius, defocus):
    """The radius on the picture of particles of `radius`, and their brightness: a lens out of focus (its circle of
    confusion goes as |1/z - 1|) spreads the same light wider."""
    sharp = radius / depth
    seen = np.hypot(sharp, defocus * np.abs(1 / depth - 1))
    return seen, (sharp / seen) ** 2


def disc(radius):
    """A kernel of a disc with a soft edge, of sum 1; `radius` in pixels."""
    soft = 0.7 + 0.4 * radius
    reach = int(np.ceil(radius + soft / 2))
    y, x = np.mgrid[-reach:reach + 1, -reach:reach + 1]
    edge = np.clip((radius - np.hypot(x, y)) / soft + 0.5, 0, 1)
    kernel = edge * edge * (3 - 2 * edge)
    return (kernel / kernel.sum()).astype(np.float32)


def splat(frame, x, y, flux, shape):
    """Points of light added to a `shape` `[frames, height, width]` of pixels, each split between the four around it;
    (0, 0) is the middle of the first pixel."""
    left, top = np.floor(x), np.floor(y)
    inside = (left >= 0) & (left < shape[2] - 1) & (top >= 0) & (top < shape[1] - 1)
    left, top, flux = left[inside], top[inside], flux[inside]
    right, below = x[inside] - left, y[inside] - top
    first = (frame[inside] * shape[1] + top.astype(np.int64)) * shape[2] + left.astype(np.int64)
    total = np.zeros(np.prod(shape))
    for down, row in ((0, 1 - below), (1, below)):
        for along, share in ((0, (1 - right) * row), (1, right * row)):
            total += np.bincount(first + down * shape[2] + along, share * flux, len(total))
    return total.reshape(shape).astype(np.float32)


def samples(frame, x, y, dx, dy, flux, spacing):
    """Moving points as rows of still ones, `spacing` apart at most, from half of (dx, dy) behind to half ahead, fainter
    towards the ends, as of a shutter that opens and closes softly."""
    longest = np.hypot(dx, dy).max() if len(dx) else 0.0
    count = int(np.clip(np.ceil(longest / spacing), 1, MOST_SAMPLES))
    along = ((np.arange(count) + 0.5) / count - 0.5).astype(np.float32)[:, None]
    share = 1 - 3.2 * along**2
    return (np.tile(frame, count), (x + along * dx).ravel(), (y + along * dy).ravel(),
            (flux * (share / share.sum())).ravel())


def paint(places, velocities, radii, peaks, size, shutter=0.5):
    """The light `[T, H, W]` of discs of `radii` (in picture heights) at `places`, as bright as `peaks` in the middle
    where they are still, smeared by motion while the shutter is open: `shutter` of a frame."""
    count = places.shape[:2]
    pixels = np.broadcast_to(np.asarray(radii, np.float32) * size.height, count)
    flux = np.broadcast_to(np.asarray(peaks, np.float32), count) * np.pi * pixels**2
    step = np.log(np.maximum(pixels / SMALLEST, 1)) / np.log(RATIO)
    total = np.zeros((size.frames, size.height, size.width), np.float32)
    for rung in range(int(step.max()) + 2):
        share = flux * np.maximum(0, 1 - np.abs(step - rung))
        chosen = share > FINEST_SHARE * flux
        if chosen.any():
            total += _paint_alike(places, velocities * (shutter / RATE), share, chosen, SMALLEST * RATIO**rung, size)
    return total


def _paint_alike(places, smear, flux, chosen, radius, size):
    """`paint` for discs of one `radius`, in pixels: the large ones on a coarser grid, as they are smooth."""
    coarse = 1 if radius < 2.5 else 2 if radius < 6 else 4
    kernel = disc(radius / coarse)
    pad = kernel.shape[0] // 2 + 1
    height, width = -(-size.height // coarse) + 2 * pad, -(-size.width // coarse) + 2 * pad
    frame, _ = np.nonzero(chosen)
    scale = size.height / coarse
    x = places[..., 0][chosen] * scale + size.width / coarse / 2 - 0.5 + pad
    y = places[..., 1][chosen] * scale + scale / 2 - 0.5 + pad
    dx, dy = smear[..., 0][chosen] * scale, smear[..., 1][chosen] * scale
    near = (np.abs(x - width / 2) < width / 2 + np.abs(dx)) & (np.abs(y - height / 2) < height / 2 + np.abs(dy))
    points = samples(frame[near], x[near], y[near], dx[near], dy[near], flux[chosen][near] / coarse**2,
                     max(1.0, 0.7 * radius / coarse))
    pictures = splat(*points, (size.frames, height, width))
    return np.stack([_spread(picture, kernel, pad, coarse, size) for picture in pictures])


def _spread(picture, kernel, pad, coarse, size):
    """A picture of points as one of discs, without its margins, and at full size."""
    discs = cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_CONSTANT)[pad:-pad, pad:-pad]
    if coarse > 1:
        discs = cv2.resize(discs, None, fx=coarse, fy=coarse, interpolation=cv2.INTER_LINEAR)
    return discs[:size.height, :size.width]


def grid(size):
    """The place (x, y) of every pixel, each `[H, W]`."""
    y, x = np.mgrid[0:size.height, 0:size.width].astype(np.float32)
    return (x + 0.5 - size.width / 2) / size.height, (y + 0.5) / size.height - 0.5


def bloom(light, radius):
    """`light` `[T, H, W]` spread softly over `radius` picture heights, as a lens scatters it."""
    height, width = light.shape[1:]
    small = (max(width // 4, 1), max(height // 4, 1))

    def scatter(picture):
        soft = cv2.GaussianBlur(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), (0, 0), radius * small[1])
        return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)

    return np.stack([scatter(picture) for picture in light])


def glow(amount, colour, heat=0.25):
    """Light of a colour: `amount` 1 is most of the way to the colour, and much more burns out to white, sooner with
    more `heat`."""
    amount = amount[..., None]
    body = 1 - np.exp(-1.7 * amount)
    heat = 1 - np.exp(-heat * amount**2 / (amount + 3))
    return body * (colour + (1 - colour) * heat)


def shine(background, light):
    """`light` in front of a `background`, which it hides as it outshines it: their sum would be of neither's hue."""
    peak = light.max(axis=-1, keepdims=True)
    return np.clip(background * (1 - np.minimum(peak, 1)) + light / np.maximum(peak, 1), 0, 1).astype(np.float32)


def backdrop(name, size, rng, level=0.6):
    """An unevenly lit backdrop of a colour `[H, W, 3]`, at `level` of its brightness at most."""
    x, y = grid(size)
    angle = rng.uniform(0, 2 * np.pi)
    shade = 0.65 + (x * np.cos(angle) + y * np.sin(angle)) * rng.uniform(0.1, 0.4)
    aspect = size.width / size.height
    for strength in (rng.uniform(0.15, 0.4), *rng.uniform(-0.15, 0.15, 3)):
        away_x = (x - rng.uniform(-0.5, 0.5) * aspect) / rng.uniform(0.3, 0.9)
        away_y = (y - rng.uniform(-0.5, 0.5)) / rng.uniform(0.25, 0.7)
        shade += strength * np.exp(-(away_x**2 + away_y**2))
    # Between 0.36 and 1, with no edge where it gets there.
    shade = 0.68 + 0.32 * np.tanh((shade - 0.68) / 0.32)
    return (shade[..., None] * level * colour_of(name, rng, 0.01)).astype(np.float32)
