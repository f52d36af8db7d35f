"""A flower that grows out of the ground and opens: curved surfaces, cut into small facets and drawn far ones first."""

from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import backdrop, plane, smooth
from .element import SIZES, Element, colour_of
from .solid import light_from

# Facets are drawn this many times larger, then reduced.
FINE = 3
GREEN = np.array([0.24, 0.50, 0.16], np.float32)


@dataclass(frozen=True)
class Whorl:
    """A ring of petals. Lengths are in radii of the head; angles, in radians from its axis, are (closed, open): of a
    petal where it starts, and how much further it has turned at its tip."""
    count: int
    length: float
    half_width: float
    start: tuple[float, float]
    curl: tuple[float, float]
    inner: float = 0.1
    point: float = 0.5


@dataclass(frozen=True)
class Kind:
    whorls: tuple[Whorl, ...]
    tilt: float
    disc: float = 0.0
    heart: str = "gold"
    sepals: bool = True


KINDS = {
    "daisy": Kind((Whorl(13, 0.95, 0.17, (0.15, 1.5), (-0.3, 0.15), 0.2),
                   Whorl(12, 0.9, 0.17, (0.1, 1.3), (-0.3, 0.1), 0.2)), 0.95, 0.29),
    "sunflower": Kind((Whorl(16, 0.7, 0.15, (0.2, 1.5), (-0.5, 0.2), 0.42, 1.0),
                       Whorl(15, 0.68, 0.15, (0.15, 1.3), (-0.5, 0.1), 0.42, 1.0)), 1.0, 0.5, "brown"),
    "tulip": Kind((Whorl(3, 1.45, 0.62, (1.05, 1.15), (-1.7, -1.25), 0.06, 0.55),
                   Whorl(3, 1.4, 0.6, (0.95, 1.0), (-1.6, -1.2), 0.05, 0.55)), 0.15, sepals=False),
    "rose": Kind((Whorl(6, 1.0, 0.55, (0.75, 0.95), (-1.2, 0.5), 0.1, 0.3),
                  Whorl(5, 0.95, 0.5, (0.65, 0.8), (-1.1, 0.1), 0.09, 0.3),
                  Whorl(5, 0.9, 0.42, (0.6, 0.7), (-1.05, -0.4), 0.08, 0.3),
                  Whorl(4, 0.85, 0.32, (0.5, 0.6), (-0.9, -0.55), 0.06, 0.3),
                  Whorl(3, 0.8, 0.24, (0.35, 0.4), (-0.7, -0.6), 0.03, 0.3)), 0.75),
}
SEPALS = Whorl(6, 0.5, 0.18, (0.75, 1.9), (-1.0, 0.4), 0.05, 1.2)


def basis(axis):
    """Two unit vectors at right angles to `axis` and to each other."""
    first = np.cross(axis, (0.0, 0.3, 1.0))
    first /= np.linalg.norm(first)
    return first, np.cross(axis, first)


def blade(length, half_width, start, curl, point, rows=10, columns=7):
    """A petal or leaf before it is placed: radius and height `[rows, 1]` along its curve, and how far to the side each
    vertex is `[rows, columns]`."""
    s = np.linspace(0, 1, rows)[:, None]
    angle = start + curl * s
    radius = np.cumsum(np.sin(angle), 0) * length / rows
    height = np.cumsum(np.cos(angle), 0) * length / rows
    outline = np.sin(np.pi * (0.06 + 0.94 * s) ** (0.9 - 0.25 * (1 - min(point, 1)))) ** (0.45 + 0.5 * point)
    return radius, height, half_width * outline * np.linspace(-1, 1, columns)


def ring(whorl, opened, phases, scale, centre, axis, cup=0.25):
    """The vertices `[petals, rows, columns, 3]` of a whorl `opened` (0 to 1 for each petal) about an axis. To the side,
    a petal follows the circle about the axis, so that a closed one wraps the heart of the flower."""
    first, second = basis(axis)
    petals = []
    for phase, share in zip(phases, opened):
        start, curl = (a + (b - a) * share for a, b in (whorl.start, whorl.curl))
        radius, height, side = blade(whorl.length, whorl.half_width, start, curl, whorl.point)
        radius = np.maximum(radius + whorl.inner, 0.02)
        turn = phase + side / np.maximum(radius, 0.55 * whorl.half_width)
        reach = radius * (1 - cup * 0.3 * (side / whorl.half_width) ** 2)
        rise = height + cup * share * side ** 2
        petals.append(reach[..., None] * (np.cos(turn)[..., None] * first + np.sin(turn)[..., None] * second)
                      + rise[..., None] * axis)
    return centre + scale * np.array(petals)


def petal_colours(ink, count, rng):
    """Albedo of a whorl's vertices: darker at the heart, faint veins, each petal a little different."""
    s = np.linspace(0, 1, 10)[:, None]
    w = np.linspace(-1, 1, 7)
    tone = (0.62 + 0.42 * s ** 0.7) * (1 - 0.07 * np.cos(3 * np.pi * w))
    tones = tone * rng.uniform(0.9, 1.06, (count, 1, 1))
    return tones[..., None] * ink


def facets(points, colours, light):
    """Quadrilaterals `[n, 4, 3]` of meshes `[..., rows, columns, 3]`, and their lit colours `[n, 3]`. Petals and leaves
    are thin: light from behind comes through."""
    corners = [points[..., :-1, :-1, :], points[..., 1:, :-1, :], points[..., 1:, 1:, :], points[..., :-1, 1:, :]]
    quads = np.stack(corners, -2).reshape(-1, 4, 3)
    normal = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    normal *= np.where(normal[:, 2:] > 0, -1, 1)
    facing = normal @ light
    shade = 0.52 + 0.5 * np.maximum(facing, 0) + 0.16 * np.maximum(-facing, 0) - 0.1 * normal[:, 1]
    colours = np.broadcast_to(colours, points.shape)
    albedo = (colours[..., :-1, :-1, :] + colours[..., 1:, 1:, :]).reshape(-1, 3) / 2
    return quads, np.clip(albedo * shade[:, None], 0, 1)


def render(scene, meshes, light):
    """Draw meshes over `scene` `[H, W, 3]` uint8, at FINE times the size, in place."""
    height, width = scene.shape[:2]
    parts = [facets(points, colours, light) for points, colours in meshes]
    quads, colours = (np.concatenate(p) for p in zip(*parts))
    order = np.argsort(-quads[..., 2].mean(1))
    screen = np.round((quads[order, :, :2] * height + (width / 2, height / 2)) * 16).astype(np.int32)
    for corners, colour in zip(screen, (colours[order] * 255).tolist()):
        cv2.fillConvexPoly(scene, corners, colour, cv2.LINE_8, 4)


def soil(scene, size, rng, ground):
    """Lay crumbly earth over the lower part of a scene, from y = `ground` on."""
    x, y = plane(size)
    grain = sum(cv2.resize(rng.normal(0, 1, (n, 2 * n)).astype(np.float32), (size.width, size.height),
                           interpolation=cv2.INTER_CUBIC) * weight
                for n, weight in ((9, 0.5), (22, 0.7), (48, 0.7)))
    lumps = np.interp(x[0], np.linspace(x.min(), x.max(), 40), rng.normal(0, 0.006, 40)).astype(np.float32)
    below = smooth((y - ground - lumps) * size.height / 2 + 0.5)[..., None]
    earth = np.array([0.21, 0.14, 0.09], np.float32) * rng.uniform(0.8, 1.2)
    earth = earth * (1 + 0.22 * grain - 1.2 * np.maximum(y - ground, 0))[..., None]
    return np.clip(scene + (earth - scene) * below, 0, 1)


class Plant:
    """One flower: what of it does not change while it grows, and its meshes at each stage."""

    def __init__(self, ask, rng):
        self.kind = KINDS[ask["kind"]]
        self.tall = 0.62 * SIZES[ask["size"]] ** 0.42 * rng.uniform(0.95, 1.05)
        self.head = self.tall * rng.uniform(0.34, 0.4) * (0.72 if ask["kind"] == "tulip" else 1)
        self.root = np.array([rng.uniform(-0.45, 0.45), rng.uniform(0.36, 0.4), 0.0])
        self.bend, self.lean = rng.uniform(-0.14, 0.14), rng.uniform(-0.25, 0.25)
        self.ink = colour_of(ask["colour"], rng, 0.03)
        self.green = np.clip(GREEN * rng.uniform(0.85, 1.15) + rng.normal(0, 0.02, 3), 0, 1)
        self.phases = [np.linspace(0, 2 * np.pi, w.count, endpoint=False) + rng.uniform(0, 0.4)
                       + rng.normal(0, 0.05, w.count) for w in self.kind.whorls]
        self.colours = [petal_colours(self.ink, w.count, rng) for w in self.kind.whorls]
        self.haste = [rng.uniform(0, 0.12, w.count) for w in self.kind.whorls]
        self.seeds = rng.uniform(0.75, 1.2, (9, 29, 1))
        low = ask["kind"] == "tulip"
        self.leaves = [(rng.uniform(0.0, 0.08) if low else rng.uniform(0.15, 0.6), side * rng.uniform(0.8, 1.2),
                        rng.uniform(0.6, 0.8) if low else rng.uniform(0.3, 0.42), rng.uniform(0.25, 0.6))
                       for side in (-1, 1, rng.choice([-1, 1]))]

    def stem(self, s, grown):
        """The middle of the stem at shares s of its present length."""
        along = np.asarray(s)[..., None] * grown
        return self.root + self.tall * (along * (0, -1, 0) + self.bend * along ** 2 * (1, 0, 0))

    def meshes(self, age):
        """The surfaces at an age from 0 (nothing) to 1 (in flower), as (vertices, albedo): those of the stem and its
        leaves, then those of the head, which is before them."""
        grown = 0.85 * smooth(age / 0.75) * (1 - self.head / self.tall) + 0.05
        return [self.stalk(grown), *self.foliage(age, grown)], self.blossom(age, grown)

    def blossom(self, age, grown):
        """The sepals, the petals and the disc."""
        swollen = smooth((age - 0.08) / 0.5)
        opened = smooth((age - 0.4) / 0.6)
        nod = self.kind.tilt * (0.25 + 0.75 * opened)
        axis = np.array([self.lean + self.bend, -np.cos(nod), -np.sin(nod)])
        axis /= np.linalg.norm(axis)
        scale = self.head * (0.1 + 0.5 * swollen + 0.4 * opened)
        # The head sits a little over the stem's end.
        centre = self.stem(1.0, grown) - 0.12 * scale * axis
        found = []
        if self.kind.sepals:
            below = centre - (0.03 + 0.12 * opened) * scale * axis
            sepals = ring(SEPALS, np.full(6, opened), np.linspace(0, 5.24, 6), scale * (1.2 - 0.2 * opened), below,
                          axis)
            found.append((sepals, self.green))
        for whorl, phases, colours, haste in zip(self.kind.whorls, self.phases, self.colours, self.haste):
            ready = smooth(opened * 1.12 - haste)
            found.append((ring(whorl, ready, phases, scale * (0.75 + 0.25 * opened), centre, axis), colours))
        if self.kind.disc:
            found.append(self.disc(centre, axis, scale * (0.45 + 0.55 * opened)))
        return found

    def stalk(self, grown):
        s = np.linspace(-0.03, 1, 26)
        turn = np.linspace(0, np.pi, 7)
        thick = 0.016 * self.tall * (1.15 - 0.35 * s)
        tube = np.stack([np.cos(turn), 0 * turn, -np.sin(turn)], -1)
        return self.stem(s, grown)[:, None] + thick[:, None, None] * tube, self.green * 0.92

    def foliage(self, age, grown):
        """Leaves unfold from the stem, the lower ones first."""
        for at, side, length, droop in self.leaves:
            unfolded = smooth((age - 0.1 - 0.35 * at) / 0.55)
            if unfolded <= 0.01:
                continue
            size = self.tall * length * unfolded
            radius, height, across = blade(1, 0.17, 0.15 + 0.5 * unfolded, 0.3 + 1.6 * droop * unfolded, 0.9, 14, 7)
            out = np.array([side, 0, -0.35]) / np.hypot(side, 0.35)
            wide = np.cross(out, (0.0, -1.0, 0.0)) * 0.75 + np.array([0, -0.45, 0])
            keel = 0.6 * np.abs(across)
            points = (radius[..., None] * out + (height + keel)[..., None] * np.array([0.0, -1.0, 0.0])
                      + across[..., None] * wide)
            rib = 0.9 + 0.25 * np.exp(-(np.linspace(-1, 1, 7) / 0.2) ** 2)[:, None]
            yield self.stem(at, grown) + size * points, self.green * np.broadcast_to(rib, points.shape)

    def disc(self, centre, axis, scale):
        """The domed heart, speckled by its florets; darker in the middle."""
        first, second = basis(axis)
        r = np.linspace(0, 1, 9)[:, None, None]
        turn = np.linspace(0, 2 * np.pi, 29)[:, None]
        flat = self.kind.disc * r * (np.cos(turn) * first + np.sin(turn) * second)
        points = centre + scale * (flat + (0.12 + 0.35 * self.kind.disc * np.sqrt(1 - 0.95 * r ** 2)) * axis)
        return points, colour_of(self.kind.heart) * self.seeds * (0.7 + 0.4 * r)


class Flower(Element):
    name = "flower"
    attributes = {
        "kind": tuple(KINDS), "colour": ("red", "pink", "yellow", "orange", "purple", "white", "blue"),
        "background": ("black", "white", "grey", "blue"), "size": tuple(SIZES),
    }
    natural = {"kind": ("daisy", "tulip", "rose"), "colour": ("red", "pink", "yellow"),
               "background": ("black", "white", "blue"), "size": ("medium",)}
    nouns = ("a flower", "flower", "a growing flower", "a blooming flower")
    verbs = ("growing", "blooming", "opening", "growing from the ground")

    def draw(self, ask, size, rng):
        plant, light = Plant(ask, rng), light_from(rng)
        scene = soil(backdrop(size, ask["background"], rng), size, rng, plant.root[1] - 0.01)
        large = cv2.resize(scene, (size.width * FINE, size.height * FINE), interpolation=cv2.INTER_LINEAR)
        large = np.round(large * 255).astype(np.uint8)
        ages = np.linspace(rng.uniform(0.14, 0.2), rng.uniform(0.97, 1.0), size.frames)
        clip = np.empty((size.frames, size.height, size.width, 3), np.float32)
        for frame, age in zip(clip, ages):
            picture = large.copy()
            for meshes in plant.meshes(age):
                render(picture, meshes, light)
            frame[:] = cv2.resize(picture, (size.width, size.height), interpolation=cv2.INTER_AREA)
        return clip / 255
