"""Falling leaves."""

import cv2
import numpy as np

from .canvas import scattered, wrap
from .element import DENSITIES, RATE, Element, colour_of, unit
from .objects import scenery
from .solid import light_from, premultiplied, rotation, stamp

# Of a leaf's half length, in the pixels that leaves are first painted at.
PAINTED = 72


def outline(rng):
    """The edge of a leaf as points, its stalk at (-1, 0) and its tip at (1, 0): a beech's, an oak's or a maple's."""
    kind = rng.choice(["beech", "oak", "maple"])
    if kind == "maple":
        angle = np.linspace(-2.7, 2.7, 240)
        reach = sum(length * np.exp(-(((np.abs(angle) - at) / 0.26) ** 2))
                    for at, length in ((0, 0.75), (0.85, 0.62), (1.7, 0.42)))
        radius = 0.34 + reach * (1 + 0.07 * np.sin(21 * np.abs(angle)))
        return np.stack([1.05 * radius * np.cos(angle) - 0.25, radius * np.sin(angle)], 1)
    s = np.linspace(0, 1, 120)
    half = rng.uniform(0.36, 0.5) * np.sin(np.pi * s ** rng.uniform(0.75, 0.95)) ** rng.uniform(0.8, 1.1)
    if kind == "oak":
        half = half * (1 - 0.3 * np.cos(2 * np.pi * 3.5 * s) * np.sin(np.pi * s))
    edge = np.stack([2 * s - 1, half], 1)
    return np.concatenate([edge, edge[::-1] * (1, -1)])


def painted(rng, ink):
    """A picture of a leaf, flat: blotches, a paler midrib and side veins, a darker edge, a stalk."""
    n = int(1.4 * PAINTED)
    mask = np.zeros((2 * n, 2 * n), np.uint8)
    points = np.round((outline(rng) * PAINTED + n) * 16).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, 4)
    cv2.line(mask, (n - int(1.35 * PAINTED), n), (n, n), 255, 3, cv2.LINE_AA)
    alpha = mask.astype(np.float32) / 255
    x, y = np.meshgrid(*(2 * [(np.arange(2 * n, dtype=np.float32) + 0.5 - n) / PAINTED]))
    away = np.abs(y)
    veins = np.abs(np.mod((x - 1.1 * away) * 4.5, 1) - 0.5) / 4.5
    vein = np.maximum(np.exp(-((veins / 0.018) ** 2)) * 0.6, np.exp(-((away / 0.03) ** 2)))
    blotch = cv2.resize(rng.normal(0, 1, (7, 7)).astype(np.float32), (2 * n, 2 * n), interpolation=cv2.INTER_CUBIC)
    inner = cv2.GaussianBlur(alpha, (0, 0), 8)
    tone = (0.72 + 0.34 * inner + 0.07 * blotch)[..., None]
    rgb = ink * tone
    rgb = rgb + (np.minimum(ink * 1.25 + 0.1, 1) - rgb) * (0.55 * vein)[..., None]
    return premultiplied(np.clip(rgb, 0, 1), alpha)


def halves(picture, radius, blur, height):
    """The two sides of the midrib, each with the leaf's middle in it, reduced to a leaf of half length `radius` (at
    twice its size) and blurred."""
    side = max(6, 2 * round(picture.shape[0] * radius * height / PAINTED))
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    middle, sigma = side // 2, 2 * blur * height
    pad = int(3 * sigma) + 1 if sigma > 0.6 else 0
    found = []
    # They overlap by two rows, so that no gap shows at the midrib.
    for half, row in ((small[:middle + 1], middle), (small[middle - 1:], 1)):
        if pad:
            half = cv2.GaussianBlur(cv2.copyMakeBorder(half, pad, pad, pad, pad, cv2.BORDER_CONSTANT), (0, 0), sigma)
        found.append((half, (middle + pad, row + pad)))
    return found


class Leaves(Element):
    name = "leaves"
    attributes = {
        "colour": ("orange", "red", "yellow", "green", "brown"), "background": ("black", "white", "grey", "blue"),
        "direction": ("down", "left", "right"), "density": tuple(DENSITIES),
    }
    natural = {"colour": ("orange",), "background": ("white", "black", "blue"), "direction": ("down",),
               "density": ("medium",)}
    nouns = ("leaves", "falling leaves", "autumn leaves", "tumbling leaves", "leaves in the wind")
    verbs = ("falling", "tumbling", "blowing", "drifting")

    def draw(self, ask, size, rng):
        scene = scenery(size, ask["background"], rng)
        clip = np.repeat(scene[None], size.frames, 0)
        light, gusts = light_from(rng), rng.uniform(0, 6.28, 2)
        pictures = [painted(rng, np.clip(colour_of(ask["colour"], rng, 0.05) * rng.uniform(0.85, 1.08), 0, 1))
                    for _ in range(4)]
        count = max(8, round(22 * DENSITIES[ask["density"]] * rng.uniform(0.85, 1.2)))
        depths = sorted(rng.uniform(0.4, 1.8, count) ** -1.0, reverse=True)
        turns = np.stack([self.tumble(size, rng) for _ in range(count)])
        paths = self.paths(ask, size, turns[..., 2], gusts)
        for depth, place, turn, path in zip(depths, scattered(rng, count), turns[:, -size.frames:], paths):
            picture = pictures[rng.integers(len(pictures))]
            self.fall(clip, rng, (depth, 2 * place - 1), (turn, path), picture, light)
        return np.clip(clip, 0, 1)

    def fall(self, clip, rng, start, motion, picture, light):
        """One leaf, over all the frames."""
        depth, (x, y) = start
        turns, path = motion
        height, width = clip.shape[1:3]
        radius = 0.098 * rng.uniform(0.75, 1.25) / depth
        edge_x, edge_y = width / height / 2 + 1.4 * radius, 0.5 + 1.4 * radius
        x = wrap(x * edge_x + path[:, 0] / depth, -edge_x, edge_x)
        y = wrap(y * edge_y + path[:, 1] / depth, -edge_y, edge_y)
        upper, lower = halves(picture, radius, 0.014 * abs(1 / depth - 1), height)
        fold = rng.uniform(0.15, 0.6)
        for i, frame in enumerate(clip):
            for half, way in ((upper, -1), (lower, 1)):
                self.stamp_half(frame, half, (x[i], y[i]), turns[i], way * fold, light)

    def tumble(self, size, rng):
        """Turns `[frames + warm-up, 3, 3]`: a leaf flutters about its long axis while that axis slowly goes round."""
        t = (np.arange(size.frames + RATE) - RATE) / RATE
        flutter = rng.uniform(2.0, 4.5) * rng.choice([-1, 1]) * t + rng.uniform(0.4, 1.0) * np.sin(
            rng.uniform(2, 5) * t + rng.uniform(0, 6.28))
        slow = rotation(rng.normal(size=3), rng.uniform(0.8, 2.0) * t + rng.uniform(0, 6.28))
        start = rotation(rng.normal(size=3), np.array([rng.uniform(0, 6.28)]))
        return slow @ start @ rotation((1, 0.15, 0), flutter)

    def paths(self, ask, size, normals, gusts):
        """The ways `[leaves, frames, 3]` of thin plates in air, in heights: drag along the normal is several times that
        along the surface, so that a tilted leaf glides sideways, as falling paper does (Tanabe & Kaneko 1994)."""
        way = unit(ask["direction"])[0]
        pull = np.array([0, 3.2 if way == 0 else 1.6, 0])
        across, along = 7.5, 2.0
        velocity = np.tile([0.9 * way, 0.4, 0], (len(normals), 1))
        place, places = np.zeros_like(velocity), []
        for step in range(normals.shape[1]):
            n, t = normals[:, step], step / RATE
            gust = 0.25 * np.sin(1.7 * t + gusts[0]) + 0.15 * np.sin(3.1 * t + gusts[1])
            slip = velocity - (0.9 * way + gust * (0.5 + 0.5 * abs(way)), 0, 0)
            crosswise = (slip * n).sum(1, keepdims=True) * n
            velocity = velocity + (pull - across * crosswise - along * (slip - crosswise)) / RATE
            place = place + velocity / RATE
            places.append(place)
        shown = np.stack(places[-size.frames:], 1)
        return shown - shown[:, :1]

    def stamp_half(self, frame, side_picture, centre, turn, fold, light):
        """One side of the leaf, folded at the midrib. Light comes through a leaf that is lit from behind."""
        picture, anchor = side_picture
        c, s = np.cos(fold), np.sin(fold)
        side = turn[:, 1] * c + turn[:, 2] * s
        normal = turn[:, 2] * c - turn[:, 1] * s
        facing = normal * (-1 if normal[2] > 0 else 1) @ light
        gain = 0.62 + (0.5 * facing if facing > 0 else -0.3 * facing)
        stamp(frame, picture * np.array([gain, gain, gain, 1], np.float32), centre,
              np.column_stack([turn[:2, 0], side[:2]]), anchor)
