"""Skies: their light by the time of day, clouds that cross them, and the aurora."""

from dataclasses import dataclass

import cv2
import numpy as np

from .element import RATE, SPEEDS, TIMES, Element, colour_of, unit
from .noise import field, line, sample, smoothstep

# Light is added up as squares of display values: close to linear light, and its square root is cheap.
FLOOR = 0.03


def linear(*rgb):
    return np.square(np.array(rgb, np.float32))


def displayed(light):
    """Light as display values, rolled off softly above three quarters of white."""
    value = np.sqrt(np.maximum(light, 0, dtype=np.float32))
    return np.where(value > 0.75, 1 - 0.25 * np.exp((0.75 - value) * 4), value).astype(np.float32)


@dataclass(frozen=True)
class Hour:
    """A time of day: the sky's colours from the horizon up, what the sun or moon gives, and how high it may stand."""
    horizon: np.ndarray
    middle: np.ndarray
    zenith: np.ndarray
    glow: np.ndarray
    sun: np.ndarray
    shade: np.ndarray
    elevation: tuple[float, float]


HOURS = {
    "dawn": Hour(linear(0.99, 0.76, 0.68), linear(0.80, 0.70, 0.80), linear(0.42, 0.54, 0.80), linear(0.85, 0.62, 0.40),
                 linear(1.0, 0.72, 0.62), linear(0.56, 0.52, 0.66), (0.04, 0.20)),
    "day": Hour(linear(0.68, 0.83, 0.95), linear(0.36, 0.60, 0.90), linear(0.14, 0.36, 0.76), linear(0.40, 0.40, 0.36),
                linear(1.0, 0.97, 0.92), linear(0.60, 0.67, 0.77), (0.55, 1.0)),
    "dusk": Hour(linear(0.98, 0.45, 0.16), linear(0.66, 0.28, 0.34), linear(0.16, 0.15, 0.38), linear(1.0, 0.50, 0.14),
                 linear(1.0, 0.45, 0.18), linear(0.30, 0.19, 0.30), (0.03, 0.16)),
    "night": Hour(linear(0.13, 0.17, 0.29), linear(0.06, 0.09, 0.20), linear(0.02, 0.03, 0.10),
                  linear(0.20, 0.24, 0.32), linear(0.46, 0.52, 0.64), linear(0.08, 0.10, 0.17), (0.35, 0.75)),
}


class Sky:
    """A clear sky at a time of day, with its sun or moon somewhere ahead of the camera."""

    def __init__(self, time, rng):
        self.time, self.hour = time, HOURS[time]
        azimuth, elevation = rng.uniform(-0.6, 0.6), rng.uniform(*self.hour.elevation)
        flat = np.cos(elevation)
        self.sun = np.array([flat * np.sin(azimuth), np.sin(elevation), flat * np.cos(azimuth)], np.float32)
        self.tint = rng.normal(1, 0.04, 3).astype(np.float32)

    def towards(self, x, y, z):
        """How far unit directions point to the sun: the cosine of the angle."""
        return x * self.sun[0] + y * self.sun[1] + z * self.sun[2]

    def light(self, x, y, z):
        """Light from unit directions (`y` up, `z` ahead), without the disc of the sun itself."""
        hour, height = self.hour, np.maximum(y, 0)[..., None]
        low, high = smoothstep(0, 0.30, height), smoothstep(0.15, 0.9, height)
        colour = hour.horizon + (hour.middle - hour.horizon) * low
        colour = colour + (hour.zenith - colour) * high
        away = (1 - self.towards(x, y, z))[..., None]
        return (colour + hour.glow * (0.55 * np.exp(-away * 14) + 0.35 * np.exp(-away * 3))) * self.tint

    def disc(self, x, y, z):
        """The sun's or moon's own light: a soft disc with its halo."""
        angle = np.sqrt(np.maximum(2 - 2 * self.towards(x, y, z), 0))[..., None]
        small = 0.035 if self.time == "night" else 0.045
        halo = 0.5 * np.exp(-angle / 0.05) + 0.12 * np.exp(-angle / 0.2)
        return (2.2 * (1 - smoothstep(small - 0.006, small + 0.006, angle)) + halo) * self.hour.sun

    def panorama(self, side=128):
        """The light by direction, for reflections: `[side, side, 3]`, `x` from -1 to 1 across, `y` from 0 to 1 down."""
        x, y = np.linspace(-1, 1, side, dtype=np.float32)[None], np.linspace(0, 1, side, dtype=np.float32)[:, None]
        flat = np.sqrt(np.maximum(1 - y * y, 0)) * np.ones_like(x)
        x = np.clip(x, -flat, flat)
        return self.light(x, y * np.ones_like(x), np.sqrt(np.maximum(flat ** 2 - x ** 2, 0))).astype(np.float32)


def rays(height, width, horizon, focal):
    """Of each pixel, how far right and up of the horizon its ray has gone a unit ahead. `horizon` and `focal` are in
    picture heights; the picture plane stands upright."""
    right = (np.arange(width, dtype=np.float32) - (width - 1) / 2) / (focal * height)
    up = (horizon * height - np.arange(height, dtype=np.float32)) / (focal * height)
    return np.broadcast_arrays(right[None], up[:, None])


def directed(right, up):
    """Unit directions of rays."""
    scale = 1 / np.sqrt(right ** 2 + up ** 2 + 1)
    return right * scale, up * scale, scale


def stars(height, width, rng, many=1.0):
    """Stars as light `[height, width, 3]`: most of them faint, a little blue or yellow."""
    count = int(many * rng.uniform(70, 160) * width / height)
    bright = np.minimum(0.03 / rng.uniform(0.02, 1, count) ** 1.1, 1.2)
    tint = np.clip(rng.normal(0, 0.12, count)[:, None] * [1, 0, -1] + 1, 0, 1.4)
    picture = np.zeros((height, width, 3), np.float32)
    np.add.at(picture, (rng.integers(0, height, count), rng.integers(0, width, count)), bright[:, None] * tint)
    # Each is a small blob wider than a pixel, so that it neither aliases nor looks square.
    return cv2.GaussianBlur(picture, (0, 0), height / 240) * 2.5


def ridge(height, width, rng, rise):
    """How much of each pixel hills on the horizon cover, `[height, width]`: up to about `rise` of the height."""
    rough = field(rng, (512,), 300, rng.choice([6, 20]), rng.uniform(1.3, 1.9))
    outline = line(rough, np.linspace(0, 300, width)) * 0.35 * rise + rise * rng.uniform(0.4, 0.8)
    top = height * (1 - np.maximum(outline, 0.02))
    return np.clip(np.arange(height)[:, None] - top[None] + 0.5, 0, 1).astype(np.float32)


class Clouds(Element):
    """Clouds as a volume over a plane, lit from the sun's side, carried by the wind and seen in perspective."""

    name = "clouds"
    attributes = {"time": TIMES, "direction": ("left", "right", "toward"), "density": ("sparse", "medium", "dense"),
                  "speed": tuple(SPEEDS)}
    natural = {"time": ("day",), "direction": ("left", "right"), "density": ("medium",), "speed": ("medium",)}
    nouns = ("clouds", "a cloudy sky", "clouds in the sky", "a time lapse of clouds", "the sky with clouds")
    verbs = ("drifting", "moving", "passing", "rolling", "blowing")

    TILE, SPAN, LAYERS = 512, 12.0, 12  # Texels; how many times the clouds' height they span; slices of the volume.

    def draw(self, ask, size, rng):
        sky = Sky(ask["time"], rng)
        focal, horizon = rng.uniform(0.85, 1.25), rng.uniform(0.98, 1.12)
        right, up = rays(size.height, size.width, horizon, focal)
        slices, thick = self.volume(ask["density"], sky, rng)
        # Clouds are soft: they are marched through at a lower resolution.
        coarse = rays(round(size.height * 0.6), round(size.width * 0.6), horizon, focal)
        parts = self.marched(slices, thick, *coarse, self.wind(ask, rng), size.frames, rng)
        opacity, lit = (enlarged(part, size) for part in parts)
        x, y, z = directed(right, np.maximum(up, 0))
        behind = sky.light(x, y, z)
        clear = behind + sky.disc(x, y, z)
        if sky.time == "night":
            clear = clear + stars(size.height, size.width, rng)
        # Thin edges in front of the sun scatter its light forward.
        phase = (0.8 + 0.8 * np.exp((sky.towards(x, y, z) - 1) * 9))[..., None]
        haze = np.exp(-0.16 / np.maximum(up, FLOOR))[..., None]
        ambient, sunlit = sky.hour.shade * haze, sky.hour.sun * phase * haze
        misty = behind * (1 - haze)
        cloud = misty + ambient * (0.55 + 0.3 * lit[..., None]) + sunlit * (1.05 * lit[..., None])
        light = clear + (cloud - clear) * opacity[..., None]
        if rng.random() < 0.4:
            cover = ridge(size.height, size.width, rng, rng.uniform(0.08, 0.2))[..., None]
            light = light * (1 - cover) + sky.hour.horizon * rng.uniform(0.01, 0.06) * cover
        return displayed(light)

    def wind(self, ask, rng):
        """Across and ahead, in cloud heights a second. What comes ahead on covers fewer pixels, so it blows harder."""
        speed = SPEEDS[ask["speed"]] * rng.uniform(0.85, 1.15)
        if ask["direction"] == "toward":
            return rng.uniform(-0.08, 0.08) * speed, -1.5 * speed
        return unit(ask["direction"])[0] * 0.6 * speed, rng.uniform(-0.1, 0.1) * speed

    def volume(self, density, sky, rng):
        """The slices from the bottom up, each `[TILE, TILE, 4]`: density and sunlight, sharp and as seen far away; and
        how thick they are together."""
        side, layers = (self.TILE, self.TILE), self.LAYERS
        scale = rng.uniform(0.7, 1.3)
        base = field(rng, side, 150 * scale, 5, rng.uniform(1.9, 2.2))
        fine = [field(rng, side, 26, 4, 1.4) for _ in range(2)]
        cover = {"sparse": 0.76, "medium": 0.52, "dense": 0.22}[density] + rng.uniform(-0.05, 0.05)
        threshold, thick = np.quantile(base[::8, ::8], cover), rng.uniform(0.28, 0.44)
        matter = [self.slice(base, fine, k / layers, threshold) for k in range(layers)]
        # Towards the sun, a slice up is so many texels across; a low sun would reach through the whole sky.
        step = thick / layers * self.TILE / self.SPAN / max(sky.sun[1], 0.3)
        shift = (round(-step * sky.sun[2]), round(-step * sky.sun[0]))
        above, slices = np.zeros(side, np.float32), [None] * layers
        for k in reversed(range(layers)):
            both = np.dstack([matter[k], np.exp(-above * 0.55)])
            slices[k] = np.dstack([both, cv2.blur(both, (3, 9), borderType=cv2.BORDER_REFLECT)])
            above = np.roll(above * 0.93 + matter[k], shift, (0, 1))
        return slices, thick

    @staticmethod
    def slice(base, fine, height, threshold):
        """Density at a `height` from 0 to 1: flat below, and narrower towards the top as cumulus are."""
        turn = height * 2.5
        detail = fine[0] * np.cos(turn) + fine[1] * np.sin(turn)
        body = base + 0.22 * detail - threshold - 1.5 * height ** 1.3
        return np.clip(body * 2.2, 0, 1) * min(1, 0.35 + height * 4)

    def marched(self, slices, thick, right, up, wind, frames, rng):
        """Opacity and mean sunlight of the clouds along each ray, each `[frames, height, width]`, front to back."""
        up = np.maximum(up, FLOOR)
        texels, time = self.TILE / self.SPAN, (np.arange(frames, dtype=np.float32) / RATE)[:, None, None]
        far = smoothstep(0.35, 0.12, up)
        path = np.minimum(thick / len(slices) * np.sqrt(right ** 2 + up ** 2 + 1) / up, 0.35) * 9
        boil = np.dstack([field(rng, (128, 128), 60, 12, 2) for _ in range(2)]) * 3
        clear, lit = np.ones((frames, *up.shape), np.float32), np.zeros((frames, *up.shape), np.float32)
        offset = rng.uniform(0, self.TILE, 2)
        # Every second row looks half a slice higher: blurred together below, they hide the slices.
        stagger = (np.arange(up.shape[0], dtype=np.float32) % 2 / 2)[:, None]
        for k, tile in enumerate(slices):
            height = 1 + thick * (k + stagger) / len(slices)
            drift = 1 + 0.25 * k / len(slices)  # The wind grows with height: clouds change as they go.
            x = (right / up * height - wind[0] * drift * time) * texels + offset[0]
            z = (height / up - wind[1] * drift * time) * texels + offset[1]
            if k == 0:
                shift = sample(boil, 0.8 * x + 9 * time, 0.8 * z - 7 * time)
            got = sample(tile, x + shift[..., 0], z + shift[..., 1])
            near = got[..., :2]
            mixed = near + (got[..., 2:] - near) * far[..., None]
            alpha = 1 - np.exp(-mixed[..., 0] * path)
            lit += clear * alpha * mixed[..., 1]
            clear *= 1 - alpha
        opacity = 1 - clear
        return opacity, lit / np.maximum(opacity, 1e-3)


def enlarged(clip, size):
    """`clip` `[frames, h, w]` with rows blurred in pairs, at the picture's size."""
    return np.stack([cv2.resize(cv2.blur(frame, (1, 2)), (size.width, size.height), interpolation=cv2.INTER_CUBIC)
                     for frame in clip])


class Aurora(Element):
    """Curtains of light: a sheet along a folding line over the ground, brighter where the line turns back on itself."""

    name = "aurora"
    attributes = {"colour": ("green", "purple", "blue", "pink", "red", "cyan"), "direction": ("left", "right"),
                  "speed": tuple(SPEEDS)}
    natural = {"colour": ("green",), "direction": ("left", "right"), "speed": ("medium",)}
    nouns = ("aurora", "the northern lights", "northern lights", "an aurora", "polar lights", "aurora borealis")
    verbs = ("drifting", "moving", "dancing", "sweeping", "waving")

    POINTS = 2400

    def draw(self, ask, size, rng):
        height, width = size.height, size.width
        colour = np.square(colour_of(ask["colour"], rng, 0.02))
        light = np.zeros((size.frames, height, width, 3), np.float32)
        speed = unit(ask["direction"])[0] * SPEEDS[ask["speed"]] * 0.34
        for depth in range(rng.integers(2, 4)):
            light += self.curtain(colour, size, speed, depth, rng)
        light = self.converged(light, rng)
        sky = Sky("night", rng)
        x, y, z = directed(*rays(height, width, 1.0, 0.9))
        night = sky.light(x, np.maximum(y, 0), z) * rng.uniform(0.15, 0.4) + stars(height, width, rng, 1.3)
        light += night
        cover = ridge(height, width, rng, rng.uniform(0.06, 0.22))[..., None]
        return displayed(light * (1 - cover) + colour * 0.008 * cover)

    def curtain(self, colour, size, speed, depth, rng):
        """One curtain's light `[frames, height, width, 3]`; the deeper, the lower, smaller and slower."""
        near = 1 / (1 + 0.45 * depth)
        along = np.linspace(-0.6, size.width / size.height + 0.6, self.POINTS, dtype=np.float32)
        time = (np.arange(size.frames, dtype=np.float32) / RATE)[:, None]
        place = (along - speed * near * time) / near  # The pattern is carried along the curtain.
        swing, folds, rough = (field(rng, (512,), *band) for band in ((400, 60, 1.5), (130, 22, 1.4), (22, 4, 1.0)))
        glow = field(rng, (512,), 240, 40, 1.2)
        across = along + near * (0.13 * line(folds, place * 90 + 3 * time) + 0.05 * line(swing, place * 90 - 5 * time))
        base = 0.84 - 0.17 * near * rng.uniform(0.3, 1.5) + near * 0.07 * line(swing, place * 90 + 140)
        base = base + 0.045 * near * line(folds, place * 90 + 135 + 3 * time)
        rays_ = np.exp(0.4 * line(rough, place * 95 - 6 * time) + 0.5 * line(glow, place * 90 + 4 * time) - 0.2)
        power = rays_ * near * rng.uniform(0.7, 1.1)
        footprint = self.splatted(across * size.height, base * size.height, power, size)
        return self.raised(footprint, colour, size.height, near * rng.uniform(0.8, 1.25), rng)

    @staticmethod
    def splatted(x, y, power, size):
        """The line's brightness where it stands, `[frames, height, width]`: bilinear, so that it is antialiased."""
        frame = np.arange(size.frames)[:, None]
        x, y = np.clip(x, 0, size.width - 1.01), np.clip(y, 0, size.height - 1.01)
        power = power * ((x > 0) & (x < size.width - 1.01))
        left, top = x.astype(np.int64), y.astype(np.int64)
        u, v = x - left, y - top
        cell = (frame * size.height + top) * size.width + left
        out = np.zeros(size.frames * size.height * size.width)
        for shift, weight in ((0, (1 - u) * (1 - v)), (1, u * (1 - v)), (size.width, (1 - u) * v),
                              (size.width + 1, u * v)):
            out += np.bincount((cell + shift).ravel(), (power * weight).ravel(), len(out))
        scale = size.width / size.height * 144 / Aurora.POINTS
        return (out.reshape(size.frames, size.height, size.width) * scale).astype(np.float32)

    @staticmethod
    def raised(footprint, colour, height, tall, rng):
        """Rays over their feet: a quick rise at the lower edge and a long fall upwards, in the colour, which pales at
        the lower edge where the light is densest and deepens towards the top."""
        above = (np.arange(height)[None] - np.arange(height)[:, None]).astype(np.float32) / height
        rise = smoothstep(-0.02, 0.035, above)
        body = rise * np.exp(-np.maximum(above, 0) / (0.16 * tall))
        crown = rise * np.exp(-np.maximum(above, 0) / (0.34 * tall)) * 0.35
        edge = np.exp(-np.square((above - 0.02) / 0.02)) * 0.25
        deep = colour * np.array([1.25, 0.75, 1.25]) * rng.uniform(0.8, 1.1)
        tint = np.stack([body * colour[c] + crown * deep[c] + edge * (colour[c] + 0.1) for c in range(3)])
        light = np.matmul(tint.astype(np.float32)[None], footprint[:, None]) * 0.55
        return np.moveaxis(light, 1, -1)

    @staticmethod
    def converged(light, rng):
        """Rays run together towards a point high above, as parallel lines seen from below do."""
        frames, height, width = light.shape[:3]
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        centre, far = width * rng.uniform(0.3, 0.7), rng.uniform(1.6, 3.0)
        source = centre + (x - centre) * (1 + (1 - y / height) / far - 0.5 / far)
        return np.stack([cv2.remap(f, source, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT) for f in light])
