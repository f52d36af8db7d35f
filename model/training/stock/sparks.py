"""Small bright things in the air, and light itself: dust, embers, stars, bokeh and light leaks."""

import cv2
import numpy as np

from .element import DENSITIES, DIRECTIONS, RATE, SIZES, SPEEDS, Element, colour_of, unit
from .particles import Air, backdrop, bloom, depths, fly, glow, grid, lens, paint, shine, wrap

BACKDROPS = ("black", "grey", "blue", "brown")


def along(direction, speed):
    """The wind (x, y) that blows in a direction."""
    x, y = unit(direction)
    return x * speed, y * speed


def flicker(frames, count, slowest, fastest, rng):
    """A phase `[frames, count]` for each of `count` things, in radians, that turns between `slowest` and `fastest`."""
    time = np.arange(frames)[:, None] / RATE
    return time * rng.uniform(slowest, fastest, count) + rng.uniform(0, 2 * np.pi, count)


class Dust(Element):
    """Dust that floats in a beam of light."""

    name = "dust"
    attributes = {"colour": ("white", "gold", "orange", "blue", "cyan", "green", "pink"), "direction": DIRECTIONS,
                  "density": tuple(DENSITIES), "speed": tuple(SPEEDS), "background": BACKDROPS}
    natural = {"colour": ("white", "gold"), "direction": DIRECTIONS, "density": ("medium",), "speed": ("medium",),
               "background": ("black",)}
    nouns = ("dust", "floating dust", "dust particles", "dust in a beam of light", "dust in the air")
    verbs = ("floating", "drifting", "moving", "blowing")

    def draw(self, ask, size, rng):
        aspect = size.width / size.height
        count = int(300 * DENSITIES[ask["density"]] * aspect * rng.uniform(0.8, 1.2))
        depth = depths(count, 0.35, 2.5, rng)
        speed = 0.2 * SPEEDS[ask["speed"]] * rng.uniform(0.85, 1.15)
        air = Air(wind=along(ask["direction"], speed), gust=rng.uniform(0.2, 0.35) * speed, eddy=rng.uniform(0.5, 1.2))
        places, velocities = fly(depth, aspect, air, size.frames, rng)
        radii, peaks = lens(depth, 0.007 * rng.lognormal(0, 0.3, count), rng.uniform(0.012, 0.025))
        # Flat grains glint as they turn.
        glint = 0.35 + 1.3 * np.abs(np.cos(flicker(size.frames, count, 0.3, 2.0, rng))) ** 3
        motes = paint(places, velocities, radii, 2.8 * np.sqrt(peaks) * glint, size)
        beam = self._beam(size, rng)
        light = motes * (0.12 + beam) + 0.5 * bloom(motes * beam, 0.03) + rng.uniform(0.12, 0.22) * beam
        return shine(backdrop(ask["background"], size, rng, 0.4), glow(light, colour_of(ask["colour"], rng)))

    @staticmethod
    def _beam(size, rng):
        """How bright each place is: shafts fan out from a lamp outside the picture."""
        x, y = grid(size)
        lamp_x, lamp_y = rng.uniform(-1.2, 1.2), rng.choice((-1, -1, -1, 1)) * rng.uniform(0.7, 1.1)
        axis = np.arctan2(rng.uniform(-0.3, 0.3) - lamp_x, -lamp_y)
        off = np.arctan2(x - lamp_x, (y - lamp_y)) - axis
        off = (off + np.pi) % (2 * np.pi) - np.pi
        shafts = sum(strength * np.exp(-(((off - tilt) / width) ** 2)) for strength, tilt, width in zip(
            (1.0, *rng.uniform(0.2, 0.6, 2)), (0.0, *rng.uniform(-0.5, 0.5, 2)), rng.uniform(0.12, 0.35, 3)))
        return (shafts * rng.uniform(0.9, 1.3) / (0.4 + np.hypot(x - lamp_x, y - lamp_y))).astype(np.float32)


class Embers(Element):
    """Glowing embers that rise from a fire below the picture."""

    name = "embers"
    attributes = {"colour": ("orange", "red", "gold", "green", "blue", "purple", "white"),
                  "direction": ("up", "left", "right"), "density": tuple(DENSITIES),
                  "background": ("black", "grey", "blue", "brown")}
    natural = {"colour": ("orange",), "direction": ("up",), "density": ("medium",), "background": ("black",)}
    nouns = ("embers", "glowing embers", "sparks", "fire sparks", "sparks from a fire")
    verbs = ("rising", "flying", "drifting", "blowing")

    def draw(self, ask, size, rng):
        aspect = size.width / size.height
        count = int(260 * DENSITIES[ask["density"]] * aspect * rng.uniform(0.8, 1.2))
        depth = depths(count, 0.4, 2.2, rng)
        speed = rng.uniform(0.75, 1.2)
        lift = np.array(along(ask["direction"], speed)) - (0.0, 0.0 if ask["direction"] == "up" else 0.3 * speed)
        air = Air(wind=tuple(lift), gust=rng.uniform(0.3, 0.45) * speed, eddy=rng.uniform(0.35, 0.7), response=0.08)
        rise = rng.normal(0, 0.2, (count, 1)) * (*lift, 0.0)
        places, velocities = fly(depth, aspect, air, size.frames, rng, settling=rise)
        radii, peaks = lens(depth, 0.0055 * rng.lognormal(0, 0.4, count), 0.009)
        light = paint(places, velocities, radii, 7 * np.sqrt(peaks) * self._heat(places, size, rng), size, 1.1)
        light += 0.8 * bloom(light, 0.035) + self._fire(size, rng)
        return shine(backdrop(ask["background"], size, rng, 0.35), glow(light, colour_of(ask["colour"], rng, 0.02)))

    @staticmethod
    def _heat(places, size, rng):
        """How bright embers are: they flare up and die down, flicker, and cool on their way up."""
        count = places.shape[1]
        life = np.maximum(0, np.sin(flicker(size.frames, count, 0.8, 2.0, rng))) ** 0.7
        shimmer = 1 + 0.3 * np.sin(flicker(size.frames, count, 12, 30, rng))
        return life * shimmer * np.exp(0.8 * places[..., 1]) * rng.lognormal(-0.2, 0.5, count)

    @staticmethod
    def _fire(size, rng):
        """The glow of the fire itself, which wavers."""
        x, y = grid(size)
        away = (x - rng.uniform(-0.4, 0.4)) / rng.uniform(0.5, 1.0)
        shape = np.exp((y - 0.5) / rng.uniform(0.15, 0.3) - away**2)
        waver = 1 + 0.12 * np.sin(flicker(size.frames, 3, 4, 11, rng)).sum(axis=1)
        return (rng.uniform(0.1, 0.35) * waver[:, None, None] * shape).astype(np.float32)


class Starfield(Element):
    """Stars, that the camera flies into or drifts past."""

    name = "starfield"
    attributes = {"direction": ("toward", *DIRECTIONS), "density": tuple(DENSITIES), "speed": tuple(SPEEDS),
                  "colour": ("white", "blue", "gold", "red", "purple", "cyan")}
    natural = {"direction": ("toward",), "density": ("medium",), "speed": ("medium",), "colour": ("white",)}
    nouns = ("stars", "a starfield", "a field of stars", "outer space", "a starry sky")
    verbs = ("moving", "drifting", "flying", "streaming")

    FAR, NEAR = 3.0, 0.15

    def draw(self, ask, size, rng):
        count = int(900 * DENSITIES[ask["density"]] * size.width / size.height * rng.uniform(0.8, 1.2))
        speed = SPEEDS[ask["speed"]] * rng.uniform(0.85, 1.15)
        if ask["direction"] == "toward":
            places, velocities, nearness = self._fly_in(count, 1.0 * speed, size, rng)
        else:
            depth = depths(count // 2, 0.7, self.FAR, rng)
            air = Air(wind=along(ask["direction"], 0.55 * speed))
            places, velocities = fly(depth, size.width / size.height, air, size.frames, rng)
            nearness = np.broadcast_to(1 / depth, places.shape[:2])
        # Few stars are bright, and many faint.
        power = np.minimum(rng.pareto(1.6, places.shape[1]) + 0.4, 6)
        radii = 0.0034 * np.sqrt(np.clip(nearness, 0.3, 3)) * power**0.3
        light = paint(places, velocities, radii, 3.4 * np.minimum(nearness, 2) * power**0.7, size, 0.8)
        light += 0.5 * bloom(light, 0.025)
        space = rng.uniform(0.004, 0.02) * colour_of(ask["colour"])
        return shine(space, glow(light, colour_of(ask["colour"], rng, 0.02), 0.6))

    def _fly_in(self, count, speed, size, rng):
        """Places, velocities and nearness of stars that come from afar and pass the camera."""
        half = self.FAR * np.array([size.width / size.height / 2 + 0.1, 0.6])
        spot = rng.uniform(-1, 1, (count, 2)) * half
        time = np.arange(size.frames)[:, None] / RATE
        deep = self.FAR - self.NEAR
        z = (self.NEAR + (rng.uniform(0, deep, count) - speed * time) % deep)[..., None]
        vanishing = rng.uniform(-0.15, 0.15, 2)
        # They fade in far away, and out before they jump from the camera back to the distance.
        shown = np.clip((self.FAR - z) / 0.6, 0, 1) * np.clip((z - self.NEAR) / 0.2, 0, 1)
        return spot / z + vanishing, spot * speed / z**2, (shown / z)[..., 0]


class Bokeh(Element):
    """Lights far out of focus, as discs that drift."""

    name = "bokeh"
    attributes = {"colour": ("gold", "white", "red", "orange", "green", "blue", "purple", "pink"),
                  "direction": DIRECTIONS, "size": tuple(SIZES), "density": tuple(DENSITIES),
                  "background": ("black", "grey", "blue", "brown")}
    natural = {"colour": ("gold",), "direction": DIRECTIONS, "size": ("medium",), "density": ("medium",),
               "background": ("black",)}
    nouns = ("bokeh", "bokeh lights", "blurred lights", "soft lights", "lights out of focus")
    verbs = ("drifting", "floating", "moving", "gliding")

    def draw(self, ask, size, rng):
        aspect = size.width / size.height
        wide = SIZES[ask["size"]]
        count = int(26 * DENSITIES[ask["density"]] / wide**0.7 * aspect * rng.uniform(0.85, 1.2))
        depth = depths(count, 0.6, 1.8, rng)
        speed = rng.uniform(0.22, 0.36)
        air = Air(along(ask["direction"], speed), 0.15 * speed, 1.0)
        places, _ = fly(depth, aspect, air, size.frames, rng)
        radii = 0.075 * wide * rng.lognormal(0, 0.2, count) / depth
        bright = rng.uniform(0.35, 0.95, count) * (1 + 0.3 * np.sin(flicker(size.frames, count, 0.8, 3, rng)))
        tints = np.clip(colour_of(ask["colour"], rng, 0.02) + rng.normal(0, 0.02, (count, 3)), 0, 1)
        softness = 0.01 + rng.uniform(0.02, 0.12) * np.abs(rng.normal(size=count)) * radii
        light = _discs(places, radii, softness, bright[..., None] * tints, size)
        return shine(backdrop(ask["background"], size, rng, 0.4), light)


def _discs(places, radii, softness, colours, size):
    """Discs of light `[T, H, W, 3]` with a rim a little brighter than the middle, as lenses draw them."""
    light = np.zeros((size.frames, size.height, size.width, 3), np.float32)
    pixels = (places + (size.width / size.height / 2, 0.5)) * size.height - 0.5
    for disc, radius in enumerate(radii * size.height):
        soft = softness[disc] * size.height
        reach = radius + soft
        for frame, (x, y) in enumerate(pixels[:, disc]):
            left, top = max(int(x - reach), 0), max(int(y - reach), 0)
            part = light[frame, top:max(int(y + reach) + 2, 0), left:max(int(x + reach) + 2, 0)]
            across = (np.arange(left, left + part.shape[1], dtype=np.float32) - x) ** 2
            down = (np.arange(top, top + part.shape[0], dtype=np.float32) - y) ** 2
            away = np.sqrt(across + down[:, None])
            cover = np.clip((radius - away) / soft + 0.5, 0, 1) * (0.75 + 0.35 * np.minimum(away / radius, 1) ** 6)
            part += cover[..., None] * colours[frame, disc].astype(np.float32)
    return light


class LightLeak(Element):
    """Light that leaks into a camera and sweeps over the film."""

    name = "light leak"
    attributes = {"colour": ("orange", "red", "yellow", "pink", "purple", "blue", "green", "white"),
                  "direction": ("left", "right"), "speed": tuple(SPEEDS)}
    natural = {"colour": ("orange", "red"), "direction": ("left", "right"), "speed": ("medium",)}
    nouns = ("a light leak", "light leaks", "a film light leak", "a film burn", "leaking light")
    verbs = ("sweeping", "moving", "passing", "drifting")

    COARSE = 3

    def draw(self, ask, size, rng):
        small = (-(-size.width // self.COARSE), -(-size.height // self.COARSE))
        x = np.linspace(-0.5, 0.5, small[0], dtype=np.float32) * size.width / size.height
        y = np.linspace(-0.5, 0.5, small[1], dtype=np.float32)[:, None]
        time = np.arange(size.frames, dtype=np.float32)[:, None, None] / RATE
        speed = unit(ask["direction"])[0] * 0.75 * SPEEDS[ask["speed"]] * rng.uniform(0.85, 1.15)
        light = sum(self._band(x, y, time, speed, start, size, rng) for start in self._starts(size, rng))
        full = np.stack([cv2.resize(picture, (size.width, size.height), interpolation=cv2.INTER_CUBIC)
                         for picture in light.astype(np.float32)])
        return np.clip(glow(np.maximum(full, 0), colour_of(ask["colour"], rng, 0.02), 0.3), 0, 1)

    @staticmethod
    def _starts(size, rng):
        """Where bands begin: all along the way, so that some are always in the picture."""
        half = size.width / size.height / 2 + 0.7
        count = int(rng.integers(3, 6))
        return (np.arange(count) + rng.uniform(-0.35, 0.35, count)) / count * 2 * half - half

    @staticmethod
    def _band(x, y, time, speed, start, size, rng):
        """A leaning band of light `[T, h, w]`, sharper at one edge, that comes in again once it has left."""
        half = size.width / size.height / 2 + 0.7
        middle = wrap(start + speed * rng.uniform(0.85, 1.15) * time, half)
        away = x - middle - np.float32(rng.uniform(-0.4, 0.4)) * y
        ahead, behind = np.sort(rng.uniform(0.12, 0.5, 2))[::rng.choice((-1, 1))]
        reach = (y - np.float32(rng.uniform(-0.6, 0.6))) / np.float32(rng.uniform(0.4, 1.1))
        pulse = 1 + 0.2 * np.sin(rng.uniform(2, 7) * time + rng.uniform(0, 2 * np.pi))
        soft = np.exp(-(away / np.where(away > 0, ahead, behind)) ** 2 - reach**2)
        return rng.uniform(0.3, 1.0) * pulse * (soft + rng.uniform(0.5, 3) * soft**4)
