"""Procedural footage that knows its own motion: layers in depth order, each moving by a known map.

A layer is a picture with alpha whose point u (in texture pixels, about its centre) stands at time t at

    x(u, t) = p + path(t) + R(a0 + a·t) · z^t · (u + t·D(u))

so flow and visibility between any two times follow exactly. Paths curve, as thrown, swung and jumping things do: see
`Motion`. `sample` draws five frames (before, first, between, last, after) with the flows 0→1, 1→0, t→0, t→1 and their
visibilities. Nothing here reads a file: the same seed draws the same footage.
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from textures import cutout, power_noise, texture

SIZE = 208
"""Edge of a drawn frame in pixels; training crops from it."""


def still():
    return np.zeros(2)


@dataclass
class Motion:
    """How something moves, in pixels and radians over the interval from 0 to 1."""

    shift: np.ndarray
    """From where it stands at 0 to where it stands at 1."""
    turn: float = 0.0
    zoom: float = 1.0
    bend: np.ndarray = None
    """Acceleration: a thrown ball's weight."""
    jerk: np.ndarray = None
    """What the acceleration changes by: so much further out at 2 and back at −1 than the bend alone would have it."""
    sway: np.ndarray = None
    """How far the middle of the interval strays from all that, as no other frame could tell."""
    before: np.ndarray = None
    after: np.ndarray = None
    """What the speed differs by before 0 and after 1: a bounce, a start, a stop."""

    def __add__(self, other):
        def both(a, b):
            return a if b is None else b if a is None else a + b

        return Motion(self.shift + other.shift, self.turn + other.turn, self.zoom * other.zoom,
                      *(both(getattr(self, k), getattr(other, k)) for k in ("bend", "jerk", "sway", "before", "after")))

    def __neg__(self):
        return Motion(*(-self.shift, -self.turn, 1 / self.zoom),
                      *(None if v is None else -v for v in (self.bend, self.jerk, self.sway, self.before, self.after)))

    def path(self, t):
        x = self.shift * t
        for vector, share in ((self.bend, t * (t - 1) / 2), (self.jerk, t * (t - 1) * (2 * t - 1) / 6),
                              (self.sway, max(0.0, 4 * t * (1 - t))), (self.before, max(0.0, -t)),
                              (self.after, max(0.0, t - 1))):
            if vector is not None:
                x = x + vector * share
        return x


class Layer:
    """A picture with alpha and its motion; see the module's formula."""

    def __init__(self, rgba, position, angle0, motion, deformation, wraps):
        self.rgba, self.position, self.wraps = rgba, np.asarray(position, np.float64), wraps
        self.angle0, self.motion, self.deformation = angle0, motion, deformation

    def matrix(self, t):
        angle, zoom = self.angle0 + self.motion.turn * t, self.motion.zoom ** t
        c, s = np.cos(angle) * zoom, np.sin(angle) * zoom
        return np.array([[c, -s], [s, c]])

    def place(self, u, t):
        """Where texture points `u` [H,W,2] stand at time t."""
        if self.deformation is not None and t:
            u = u + t * self.deform(u)
        return u @ self.matrix(t).T.astype(np.float32) + (self.position + self.motion.path(t)).astype(np.float32)

    def deform(self, u):
        h, w = self.deformation.shape[:2]
        c = np.array([w / 2, h / 2], np.float32)
        return cv2.remap(self.deformation, u + c, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    def lookup(self, x, t):
        """Which texture points stand at frame points `x` [H,W,2] at time t."""
        inverse = np.linalg.inv(self.matrix(t)).T.astype(np.float32)
        v = (x - (self.position + self.motion.path(t)).astype(np.float32)) @ inverse
        if self.deformation is None or not t:
            return v
        u = v
        for _ in range(3):
            # D is smooth and small against its wavelength, so this contracts.
            u = v - t * self.deform(u)
        return u

    def draw(self, u):
        h, w = self.rgba.shape[:2]
        border = cv2.BORDER_REFLECT if self.wraps else cv2.BORDER_CONSTANT
        c = np.array([w / 2, h / 2], np.float32)
        return cv2.remap(self.rgba, u + c, None, cv2.INTER_CUBIC, borderMode=border)


def log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def random_vector(rng, length, flatness=1.0):
    direction = rng.uniform(0, 2 * np.pi)
    return length * np.array([np.cos(direction), np.sin(direction) * flatness])


def random_motion(rng, reach):
    """A motion whose shift is within `reach`."""
    # Half the shifts crowd near zero, where precision is learned; half are spread to the full reach.
    length = log_uniform(rng, 0.15, reach) if rng.random() < 0.5 else rng.uniform(0, reach)
    motion = Motion(random_vector(rng, length, rng.choice([1, 0.4])))
    if rng.random() < 0.5:
        motion.turn = rng.normal(0, 0.05)
    if rng.random() < 0.5:
        motion.zoom = float(np.exp(rng.normal(0, 0.035)))
    if rng.random() < 0.6:
        bend = log_uniform(rng, 0.1, reach) if rng.random() < 0.5 else rng.uniform(0, 0.6) * length
        motion.bend = random_vector(rng, bend)
        motion.jerk = rng.normal(0, 0.2, 2) * bend + rng.normal(0, 0.05, 2) * length
    if rng.random() < 0.4:
        motion.sway = rng.normal(0, 0.02, 2) * length + rng.normal(0, 0.15, 2)
    if rng.random() < 0.12:
        motion.before = random_vector(rng, rng.uniform(0, reach))
    if rng.random() < 0.12:
        motion.after = random_vector(rng, rng.uniform(0, reach))
    return motion


def random_deformation(rng, size, reach):
    if rng.random() < 0.55:
        return None
    coarse = int(rng.integers(3, 7))
    amplitude = min(log_uniform(rng, 0.3, 6), reach, size / coarse * 0.1)
    field = rng.normal(0, 1, (coarse, coarse, 2)).astype(np.float32)
    return cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC) * amplitude


class Studio:
    """A bank of textures and cut-outs to dress scenes from; made once a run, because drawing them costs most."""

    def __init__(self, seed, textures=96, cutouts=96, size=448):
        rng = np.random.default_rng([seed, 0])
        self.textures = [texture(rng, size).astype(np.float32) for _ in range(textures)]
        self.cutouts = [cutout(rng, size) for _ in range(cutouts)]
        self.size = size

    def dressed(self, rng, scale, opaque):
        """A premultiplied RGBA picture at `scale`: reduced by area, so that detail stays band-limited."""
        rgb = self.textures[rng.integers(len(self.textures))]
        if rng.random() < 0.7:
            # A new grade makes one texture many.
            rgb = np.clip(rgb[..., rng.permutation(3)] * rng.uniform(0.6, 1.25) * rng.uniform(0.85, 1.15, 3) + rng.uniform(-0.15, 0.15), 0, 1)
        if rng.random() < 0.5:
            rgb = rgb[:, ::-1]
        alpha = np.ones(rgb.shape[:2], np.float32) if opaque else self.cutouts[rng.integers(len(self.cutouts))]
        if not opaque and rng.random() < 0.06:
            alpha = alpha * rng.uniform(0.3, 0.8)
        rgba = np.dstack([rgb * alpha[..., None], alpha]).astype(np.float32)
        edge = max(24, int(self.size * scale))
        rgba = cv2.resize(rgba, (edge, edge), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        return np.ascontiguousarray(np.clip(rgba, 0, 1))

    def scene(self, rng, reach):
        """Layers from back to front."""
        camera = random_motion(rng, reach)
        if rng.random() < 0.25:
            camera = Motion(still())
        layers = []
        for i in range(int(rng.integers(1, 6))):
            own = random_motion(rng, reach)
            scale = rng.uniform(0.55, 1.0) if i == 0 else log_uniform(rng, 0.12, 0.9)
            if i and rng.random() < 0.15:
                own = -camera  # held still, as a title is
            elif i == 0 or rng.random() < 0.25:
                own = Motion(still())  # moves with the camera
            elif rng.random() < 0.15:
                # Small and fast, as a ball: it may move by more than its own size.
                own, scale = random_motion(rng, 1.4 * reach), log_uniform(rng, 0.06, 0.2)
            rgba = self.dressed(rng, scale, opaque=i == 0)
            position = rng.uniform(0.1, 0.9, 2) * SIZE
            motion = camera + own
            rigid = np.allclose(motion.shift, 0) and rng.random() < 0.7
            deformation = None if rigid else random_deformation(rng, rgba.shape[0], reach)
            layers.append(Layer(rgba, position, rng.uniform(0, 2 * np.pi), motion, deformation, wraps=i == 0))
        return layers


def grid(size):
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    return np.ascontiguousarray(np.dstack([x, y]))


def compose(layers, lookups):
    """The picture, and the index of the layer seen at each pixel."""
    picture, seen = 0.0, np.zeros(lookups[0].shape[:2], np.int32)
    for i, (layer, u) in enumerate(zip(layers, lookups)):
        rgba = layer.draw(u)
        alpha = np.clip(rgba[..., 3:], 0, 1)
        picture = rgba[..., :3] + (1 - alpha) * picture
        seen[alpha[..., 0] > 0.5] = i
    return picture, seen


def blurred(layers, x, t, shutter, taps=5):
    """The picture with the shutter open around t: the mean of `taps` instants."""
    instants = [float(t + shutter * (i / (taps - 1) - 0.5)) for i in range(taps)]
    return sum(compose(layers, [l.lookup(x, s) for l in layers])[0] for s in instants) / taps


def sample(studio, rng, reach):
    """Five frames [5,H,W,3] u8, their times [5], and for the inner three flows [4,H,W,2] f16 in pixels (01, 10, t0, t1)
    and what is visible [4,H,W] bool. The outer two are as far from the inner ones as the interval is long, or nearer."""
    x = grid(SIZE)
    t = 0.5 if rng.random() < 0.7 else float(rng.uniform(0.1, 0.9))
    before, after = (1.0 if rng.random() < 0.65 else float(rng.uniform(0.3, 1.0)) for _ in range(2))
    layers = studio.scene(rng, reach)
    times = (-before, 0.0, t, 1.0, 1.0 + after)
    lookups = {s: [layer.lookup(x, s) for layer in layers] for s in times}
    drawn = {s: compose(layers, lookups[s]) for s in times}
    pictures = [drawn[s][0] for s in times]
    if rng.random() < 0.25:
        shutter = rng.uniform(0.1, 0.6)
        pictures = [blurred(layers, x, s, shutter) for s in times]
    if rng.random() < 0.15:
        pictures = shaded(rng, pictures, times, reach)
    flows, visible = [], []
    for a, b in ((0.0, 1.0), (1.0, 0.0), (t, 0.0), (t, 1.0)):
        seen = drawn[a][1]
        target = np.zeros_like(x)
        for i, layer in enumerate(layers):
            mine = seen == i
            if mine.any():
                target[mine] = layer.place(lookups[a][i], b)[mine]
        flows.append(target - x)
        there = cv2.remap(drawn[b][1].astype(np.float32), target, None, cv2.INTER_NEAREST,
                          borderMode=cv2.BORDER_CONSTANT, borderValue=-1)
        visible.append(there == seen)
    frames = np.clip(np.stack(pictures) * 255 + 0.5, 0, 255).astype(np.uint8)
    return frames, np.float32(times), np.stack(flows).astype(np.float16), np.stack(visible)


def shaded(rng, pictures, times, reach):
    """A soft shadow that moves by itself: light changes where nothing moved."""
    field = cv2.resize(power_noise(rng, 64, 2.2), (SIZE * 2, SIZE * 2), interpolation=cv2.INTER_CUBIC)
    depth, motion = rng.uniform(0.1, 0.5), random_motion(rng, reach)
    out = []
    for picture, s in zip(pictures, times):
        at = (grid(SIZE) + SIZE / 2 + motion.path(s)).astype(np.float32)
        shade = cv2.remap(field, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        out.append(picture * (1 - depth / (1 + np.exp(-3 * shade)))[..., None])
    return out


def write_shard(folder, seed, index, count, reach):
    """`count` samples from a studio of their own, so that shards share no texture: a folder of arrays, to be mapped."""
    rng = np.random.default_rng([seed, index, 1])
    studio = Studio(seed * 100_003 + index, textures=24, cutouts=24)
    arrays = zip(*(sample(studio, rng, reach) for _ in range(count)))
    partial = folder.with_suffix(".partial")
    partial.mkdir(exist_ok=True)
    for name, array in zip(("frames", "times", "flows", "visible"), arrays):
        np.save(partial / f"{name}.npy", np.stack(array))
    os.replace(partial, folder)


def reach_of(index):
    """The curriculum: how far things move, in pixels over the interval, by shard."""
    return (8, 12, 16, 20, 24, 28)[index] if index < 6 else (16, 32, 48, 24, 64)[index % 5]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shards", type=int, default=60)
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first shard to draw")
    parser.add_argument("--count", type=int, default=96, help="samples a shard")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    for index in range(args.first, args.first + args.shards):
        folder = args.out / f"shard_{index:04d}"
        if not folder.exists():
            write_shard(folder, args.seed, index, args.count, reach_of(index))


if __name__ == "__main__":
    main()
