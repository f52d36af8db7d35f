"""Procedural footage that knows its own motion: layers in depth order, each moving by a known map.

A layer is a picture with alpha whose point u (in texture pixels, about its centre) stands at time t at

    x(u, t) = p + d·t + R(a0 + a·t) · z^t · (u + t·D(u))

so flow and visibility between any two times follow exactly. `sample` draws one triplet (first, between, last) with the
flows 0→1, 1→0, t→0, t→1 and their visibilities. Nothing here reads a file: the same seed draws the same footage.
"""

import argparse
import os
from pathlib import Path

import cv2
import numpy as np

from textures import cutout, power_noise, texture

SIZE = 208
"""Edge of a drawn frame in pixels; training crops from it."""


class Layer:
    """A picture with alpha and its motion; see the module's formula."""

    def __init__(self, rgba, position, motion, deformation, wraps):
        self.rgba, self.position, self.wraps = rgba, np.asarray(position, np.float64), wraps
        self.shift, self.angle0, self.angle, self.zoom = motion
        self.deformation = deformation

    def matrix(self, t):
        angle, zoom = self.angle0 + self.angle * t, self.zoom ** t
        c, s = np.cos(angle) * zoom, np.sin(angle) * zoom
        return np.array([[c, -s], [s, c]])

    def place(self, u, t):
        """Where texture points `u` [H,W,2] stand at time t."""
        if self.deformation is not None and t:
            u = u + t * self.deform(u)
        return u @ self.matrix(t).T.astype(np.float32) + (self.position + self.shift * t).astype(np.float32)

    def deform(self, u):
        h, w = self.deformation.shape[:2]
        c = np.array([w / 2, h / 2], np.float32)
        return cv2.remap(self.deformation, u + c, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    def lookup(self, x, t):
        """Which texture points stand at frame points `x` [H,W,2] at time t."""
        inverse = np.linalg.inv(self.matrix(t)).T.astype(np.float32)
        v = (x - (self.position + self.shift * t).astype(np.float32)) @ inverse
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


def random_motion(rng, reach):
    """Shift (pixels), first angle, turn (radians), zoom over the interval; `reach` bounds the shift."""
    direction = rng.uniform(0, 2 * np.pi)
    # Half the shifts crowd near zero, where precision is learned; half are spread to the full reach.
    length = log_uniform(rng, 0.15, reach) if rng.random() < 0.5 else rng.uniform(0, reach)
    shift = length * np.array([np.cos(direction), np.sin(direction) * rng.choice([1, 0.4])])
    turn = rng.normal(0, 0.05) if rng.random() < 0.5 else 0.0
    zoom = float(np.exp(rng.normal(0, 0.035))) if rng.random() < 0.5 else 1.0
    return shift, turn, zoom


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
        camera, turn, zoom = random_motion(rng, reach)
        if rng.random() < 0.25:
            camera, turn, zoom = camera * 0, 0.0, 1.0
        layers = []
        for i in range(int(rng.integers(1, 6))):
            own, own_turn, own_zoom = random_motion(rng, reach)
            if i and rng.random() < 0.15:
                own, own_turn, own_zoom = -camera, -turn, 1 / zoom  # held still, as a title is
            elif i == 0 or rng.random() < 0.25:
                own, own_turn, own_zoom = own * 0, 0.0, 1.0  # moves with the camera
            scale = rng.uniform(0.55, 1.0) if i == 0 else log_uniform(rng, 0.12, 0.9)
            rgba = self.dressed(rng, scale, opaque=i == 0)
            position = rng.uniform(0.1, 0.9, 2) * SIZE
            motion = (camera + own, rng.uniform(0, 2 * np.pi), turn + own_turn, zoom * own_zoom)
            still = np.allclose(motion[0], 0) and rng.random() < 0.7
            deformation = None if still else random_deformation(rng, rgba.shape[0], reach)
            layers.append(Layer(rgba, position, motion, deformation, wraps=i == 0))
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
    """One triplet: frames [3,H,W,3] u8, t, flows [4,H,W,2] f16 in pixels (01, 10, t0, t1), visible [4,H,W] bool."""
    x = grid(SIZE)
    t = 0.5 if rng.random() < 0.7 else float(rng.uniform(0.1, 0.9))
    layers = studio.scene(rng, reach)
    times = (0.0, t, 1.0)
    lookups = {s: [layer.lookup(x, s) for layer in layers] for s in times}
    drawn = {s: compose(layers, lookups[s]) for s in times}
    pictures = [drawn[s][0] for s in times]
    if rng.random() < 0.12:
        shutter = rng.uniform(0.15, 0.6)
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
    return frames, np.float32(t), np.stack(flows).astype(np.float16), np.stack(visible)


def shaded(rng, pictures, times, reach):
    """A soft shadow that moves by itself: light changes where nothing moved."""
    field = cv2.resize(power_noise(rng, 64, 2.2), (SIZE * 2, SIZE * 2), interpolation=cv2.INTER_CUBIC)
    depth, (shift, _, _) = rng.uniform(0.1, 0.5), random_motion(rng, reach)
    out = []
    for picture, s in zip(pictures, times):
        at = (grid(SIZE) + SIZE / 2 + shift * s).astype(np.float32)
        shade = cv2.remap(field, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        out.append(picture * (1 - depth / (1 + np.exp(-3 * shade)))[..., None])
    return out


def write_shard(path, seed, index, count, reach):
    """`count` triplets from a studio of their own, so that shards share no texture."""
    rng = np.random.default_rng([seed, index, 1])
    studio = Studio(seed * 100_003 + index, textures=24, cutouts=24)
    frames, times, flows, visible = zip(*(sample(studio, rng, reach) for _ in range(count)))
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, frames=np.stack(frames), t=np.stack(times), flows=np.stack(flows), visible=np.stack(visible))
    os.replace(partial, path)


def reach_of(index):
    """The curriculum: how far things move, in pixels over the interval, by shard."""
    return (8, 12, 16, 20, 24, 28)[index] if index < 6 else (16, 32, 48, 24)[index % 4]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shards", type=int, default=60)
    parser.add_argument("--count", type=int, default=96, help="triplets a shard")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    for index in range(args.shards):
        path = args.out / f"shard_{index:04d}.npz"
        if not path.exists():
            write_shard(path, args.seed, index, args.count, reach_of(index))


if __name__ == "__main__":
    main()
