"""Rain and snow, falling in front of a dim backdrop."""

import numpy as np

from .element import DENSITIES, SIZES, SPEEDS, Element, colour_of, over
from .particles import Air, backdrop, depths, fly, lens, paint

BLOWN = ("left", "right", "down")
BACKDROPS = ("black", "grey", "blue", "green")


def heading(direction, lean, rng):
    """The way of something that falls and is blown: (x, y) of length 1, `lean` (low, high) degrees off the vertical
    where the wind blows left or right, and a few degrees where nothing does."""
    side = {"left": -1, "right": 1, "down": rng.choice((-1, 1))}[direction]
    angle = np.radians(rng.uniform(*lean) if direction != "down" else rng.uniform(0, 6))
    return np.array([side * np.sin(angle), np.cos(angle)])


class Rain(Element):
    """Streaks of rain; its direction is where it is blown."""

    name = "rain"
    attributes = {"direction": BLOWN, "density": tuple(DENSITIES), "speed": tuple(SPEEDS), "background": BACKDROPS}
    natural = {"direction": ("down",), "density": ("medium",), "speed": ("medium",), "background": ("black", "grey")}
    nouns = ("rain", "falling rain", "rain drops", "a rain shower", "rainfall")
    verbs = ("falling", "blowing", "pouring", "moving")

    def draw(self, ask, size, rng):
        aspect = size.width / size.height
        count = int(650 * DENSITIES[ask["density"]] * aspect * rng.uniform(0.8, 1.2))
        depth = depths(count, 0.6, 3.0, rng)
        way = heading(ask["direction"], (48, 62), rng)
        speed = 2.6 * SPEEDS[ask["speed"]] * rng.uniform(0.85, 1.15)
        # Larger drops fall faster, and the wind carries all of them alike.
        fall = rng.normal(0, 0.08, (count, 1)) * speed * np.array([0.0, 1.0, 0.0])
        air = Air(wind=tuple(way * speed), gust=0.05 * speed, eddy=1.5, response=0.3)
        places, velocities = fly(depth, aspect, air, size.frames, rng, settling=fall, margin=0.6)
        radii, peaks = lens(depth, 0.005 * rng.uniform(0.8, 1.25), 0.006)
        light = rng.uniform(0.5, 1.5, count) * np.clip(1.5 / depth, 0.4, 1.5) * 9 * np.sqrt(SPEEDS[ask["speed"]])
        wet = paint(places, velocities, radii, peaks * light, size, shutter=1.1)
        behind = backdrop(ask["background"], size, rng)
        drop = 0.75 * colour_of("white") + 0.25 * behind
        return np.clip(over(0.85 * (1 - np.exp(-wet)), drop, behind), 0, 1).astype(np.float32)


class Snow(Element):
    """Falling snow."""

    name = "snow"
    attributes = {"direction": BLOWN, "density": tuple(DENSITIES), "size": tuple(SIZES), "speed": tuple(SPEEDS),
                  "background": BACKDROPS}
    natural = {"direction": ("down",), "density": ("medium",), "size": ("medium",), "speed": ("medium",),
               "background": ("black",)}
    nouns = ("snow", "falling snow", "snowflakes", "a snowfall", "snow flakes")
    verbs = ("falling", "blowing", "drifting", "moving")

    def draw(self, ask, size, rng):
        aspect = size.width / size.height
        count = int(380 * DENSITIES[ask["density"]] * aspect * rng.uniform(0.8, 1.2))
        depth = depths(count, 0.35, 3.0, rng)
        way = heading(ask["direction"], (58, 74), rng)
        speed = 0.42 * SPEEDS[ask["speed"]] * rng.uniform(0.85, 1.15)
        fall = rng.normal(0, 0.12, (count, 1)) * speed * np.array([0.0, 1.0, 0.0])
        air = Air(wind=tuple(way * speed), gust=rng.uniform(0.15, 0.3) * speed, eddy=rng.uniform(0.6, 1.4))
        places, velocities = fly(depth, aspect, air, size.frames, rng, settling=fall)
        flake = 0.0105 * SIZES[ask["size"]] * rng.uniform(0.7, 1.3, count)
        radii, peaks = lens(depth, flake, rng.uniform(0.008, 0.014))
        white = paint(places, velocities, radii, 2.5 * peaks * rng.uniform(0.6, 1.2, count), size)
        behind = backdrop(ask["background"], size, rng)
        return np.clip(over(1 - np.exp(-white), colour_of("white"), behind), 0, 1).astype(np.float32)
