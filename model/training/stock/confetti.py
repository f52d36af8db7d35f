"""Paper confetti: flat pieces that tumble and glide as they fall."""

import cv2
import numpy as np

from .element import DENSITIES, RATE, Element, colour_of
from .particles import Air, backdrop, depths, fly

# Pieces are drawn with sides of cv2's fixed-point numbers, on a canvas this much finer than the picture.
FINE, SHIFT = 2, 4
NEAR = 0.75
SHUTTER = (-0.2, 0.2)


def tumble(frames, count, rng):
    """The two sides `[frames, count, 2, 3]`, of length 1, of pieces of paper that spin about axes of their own."""
    axis = rng.normal(size=(count, 3)) * (1.0, 0.4, 0.4)
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    sides = np.linalg.qr(rng.normal(size=(count, 3, 3)))[0][:, :2]
    turn = np.arange(frames)[:, None] / RATE * rng.uniform(3, 9, count) * rng.choice((-1, 1), count)
    turn = (turn + rng.uniform(0, 2 * np.pi, count))[..., None, None]
    axis = axis[:, None]
    # Rodrigues' rotation formula.
    lengthwise = axis * np.sum(axis * sides, axis=-1, keepdims=True)
    return lengthwise + (sides - lengthwise) * np.cos(turn) + np.cross(axis, sides) * np.sin(turn)


def settle(normal, speed):
    """The velocity at which paper facing `normal` falls: a plate's drag is greater across it than along it, so that it
    glides sideways when it is tilted and hurries when it is on edge."""
    across = normal * normal[..., 1:2]
    return speed * (1.4 * (np.array([0.0, 1.0, 0.0]) - across) + 0.75 * across)


def shades(colour, normal, metallic, rng):
    """The colours `[frames, count, 3]` of pieces facing `normal` in the light of a lamp."""
    lamp = np.array([rng.uniform(-0.7, 0.7), rng.uniform(-0.9, -0.2), -1.0])
    lamp /= np.linalg.norm(lamp)
    facing = np.abs(normal @ lamp)[..., None]
    halfway = (lamp + (0, 0, -1)) / np.linalg.norm(lamp + (0, 0, -1))
    shine = (0.9 if metallic else 0.35) * np.abs(normal @ halfway)[..., None] ** 30
    count = normal.shape[1]
    paper = np.clip(colour + rng.normal(0, 0.03, (count, 3)), 0, 1) * rng.uniform(0.8, 1.1, (count, 1))
    lit = np.clip(paper * ((0.3 if metallic else 0.55) + 0.6 * facing), 0, 1)
    return lit + (1 - lit) * shine


class Confetti(Element):
    """Paper confetti that tumbles as it falls."""

    name = "confetti"
    attributes = {"colour": ("gold", "red", "yellow", "green", "blue", "purple", "pink", "white"),
                  "direction": ("down", "left", "right"), "density": tuple(DENSITIES),
                  "background": ("black", "white", "grey", "blue")}
    natural = {"colour": ("gold", "red", "blue", "pink"), "direction": ("down",), "density": ("medium",),
               "background": ("black",)}
    nouns = ("confetti", "falling confetti", "paper confetti", "pieces of confetti", "party confetti")
    verbs = ("falling", "tumbling", "flying", "blowing")

    def draw(self, ask, size, rng):
        aspect = size.width / size.height
        count = int(110 * DENSITIES[ask["density"]] * aspect * rng.uniform(0.8, 1.2))
        depth = -np.sort(-depths(count, 0.45, 2.2, rng))
        sides = tumble(size.frames, count, rng)
        normal = np.cross(sides[..., 0, :], sides[..., 1, :])
        speed = rng.uniform(0.5, 0.7)
        sideways = {"down": 0.0, "left": -1.1, "right": 1.1}[ask["direction"]] * speed
        fall = settle(normal, 0.4 * speed if sideways else speed)
        places, velocities = fly(depth, aspect, Air((sideways, 0.0), 0.2 * speed, 0.8), size.frames, rng, fall)
        length = rng.uniform(0.045, 0.062) * rng.uniform(0.7, 1.2, count) / depth
        width = length * rng.uniform(0.45, 0.9, count)
        half = sides[..., :2] * (np.stack([length, width], axis=-1)[..., None] / 2)
        long, short = half[:, :, 0], half[:, :, 1]
        corners = places[:, :, None] + np.stack([long + short, long - short, -long - short, short - long], axis=2)
        tints = shades(colour_of(ask["colour"], rng, 0.02), normal, ask["colour"] == "gold", rng)
        behind = backdrop(ask["background"], size, rng, 0.95 if ask["background"] == "white" else 0.5)
        return _compose(corners, velocities / RATE, tints, depth, behind, size)


def _compose(corners, step, tints, depth, behind, size):
    """Pieces, the farthest first, over what is `behind`; those near the camera are out of focus."""
    colours = np.concatenate([tints * 255, np.full((*tints.shape[:2], 1), 255)], axis=-1).tolist()
    nearest = int(np.searchsorted(-depth, -NEAR))
    middle = np.array([size.width, size.height]) / (2 * size.height)
    clip = np.empty((size.frames, *behind.shape), np.float32)
    for frame in range(size.frames):
        moved = corners[frame] + middle + np.array(SHUTTER)[:, None, None, None] * step[frame][:, None]
        points = np.round((moved * size.height * FINE - 0.5) * 2**SHIFT).astype(np.int32)
        picture = behind
        for part, blur in ((slice(0, nearest), 0.0), (slice(nearest, None), 0.009)):
            layer = sum(_pieces(shape[part], colours[frame][part], size) for shape in points) / (255 * len(SHUTTER))
            if blur:
                layer = cv2.GaussianBlur(layer, (0, 0), blur * size.height)
            picture = layer[..., :3] + picture * (1 - layer[..., 3:])
        clip[frame] = picture
    return np.clip(clip, 0, 1)


def _pieces(corners, colours, size):
    """Filled quadrilaterals as a picture with alpha (premultiplied), 0 to 255."""
    canvas = np.zeros((size.height * FINE, size.width * FINE, 4), np.uint8)
    for shape, colour in zip(corners, colours):
        cv2.fillConvexPoly(canvas, shape, colour, cv2.LINE_AA, SHIFT)
    return cv2.resize(canvas, (size.width, size.height), interpolation=cv2.INTER_AREA).astype(np.float32)
