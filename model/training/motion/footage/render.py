"""Draws scenes at any times, with the true motion between them.

Times `s` are [N, F, rows, 1]: rows are one, or as many as the picture's, where they are exposed one after another.
Colours are display-referred, [N, 3, F, S, S] while drawn; a layer's colour is not multiplied by its cover.
"""

import torch
import torch.nn.functional as F

from motion.footage.motions import looked_up, placed, settled, slope, spread, stances
from motion.footage.shapes import MARGIN

TAPS, STEPS = 5, 4
"""Instants that an open shutter's picture is the mean of, and places along the motion between two of them."""


def exposed(times, lag, size):
    """When each row of each frame is exposed: `times` [N, F] → [N, F, rows, 1]."""
    if lag is None:
        return times[:, :, None, None]
    rows = (torch.arange(size, device=times.device) / size - 0.5)[None, None, :, None]
    return times[:, :, None, None] + lag[:, None, None, None] * rows


def lines(size, device):
    """Pixels' columns [1, S] and rows [S, 1]."""
    line = torch.arange(size, device=device, dtype=torch.float32)
    return line[None], line[:, None]


def sample(pictures, x, y, padding):
    """`pictures` [N, C, H, W] at x and y [N, F, S, S], from -1 to 1: [N, C, F, S, S]."""
    n, frames, size, _ = x.shape
    at = torch.stack([x, y], -1).reshape(n, frames * size, size, 2)
    return F.grid_sample(pictures, at, padding_mode=padding, align_corners=False).reshape(n, -1, frames, size, size)


def dressed(layer, textures):
    """A layer's texture, graded: [N, 3, T, T]."""
    picture = textures[layer.texture[:, None], layer.channels]
    return torch.addcmul(layer.lift[..., None, None] + 0.5, picture - 0.5, layer.gain[..., None, None]).clamp_(0, 1)


def drawn(layer, u, s, texture, shapes):
    """A layer's colour [N, 3, F, S, S] and cover [N, 1, F, S, S] where its points `u` are."""
    like = u[0]
    texel = spread(layer.texels[:, 0] * 2 / texture.shape[-1], like)
    middle = [spread(layer.texels[:, i], like) for i in (1, 2)]
    at = [torch.addcmul(middle, part, texel) for part, middle in zip(u, middle)]
    colour = sample(texture, *at, "reflection")
    if layer.lit:
        colour = (colour * (1 + spread(layer.folds, like) * slope(layer, u, s))[:, None]).clamp(0, 1)
    inside = [u[axis] / spread(layer.size[:, axis] * MARGIN, like) for axis in (0, 1)]
    # Beyond the bank's square a shape is as far as at its border, which is outside.
    distance = sample(shapes[layer.shape], *inside, "border")
    # Nothing is so soft or so small that it has no end within that square.
    sharp = (layer.size.abs().amin(-1) / layer.soft).clamp(min=2.5)
    cover = (spread(0.5 + layer.grow / layer.soft, distance) - distance * spread(sharp, distance)).clamp_(0, 1)
    return colour, cover * spread(layer.opacity, cover)


class Drawing:
    """What is drawn of scenes at their frames' times [N, F]: `pictures` [N, F, 3, S, S]; for each of W `ways`, pairs of
    frames, `flows` [N, W, 2, S, S] in pixels and `visible` [N, W, S, S], whether a pixel's point is seen in the other
    frame too.

    The point seen at a pixel is that of the foremost layer which covers more than half of it."""

    def __init__(self, scene, banks, times, lag, size, ways=()):
        x, y = lines(size, times.device)
        s, (n, frames) = exposed(times, lag, size), times.shape
        pairs = torch.tensor(ways, dtype=torch.long, device=times.device).reshape(-1, 2)
        here, there = pairs.unbind(1)
        pictures = torch.zeros(n, 3, frames, size, size, device=times.device)
        seen = torch.zeros(n, frames, size, size, dtype=torch.uint8, device=times.device)
        targets = [line.expand(n, len(ways), size, size) for line in (x, y)]
        stood = stances(scene, s, size)
        # With rows exposed one after another, where points go is first taken to be where they are at the frame's time.
        standing = stood if lag is None else stances(scene, times[:, :, None, None], size)
        for index in range(len(scene)):
            layer = scene.layer(index)
            u = looked_up(layer, x, y, s, stood[index])
            colour, cover = drawn(layer, u, s, dressed(layer, banks[0]), banks[1])
            pictures = pictures.lerp_(colour, cover.expand_as(colour))
            solid = cover[:, 0] > 0.5
            seen = seen.masked_fill_(solid, index)
            if ways:
                points, when = [part[:, here] for part in u], times[:, there][:, :, None, None]
                stands = placed(layer, points, when, [part[:, there] for part in standing[index]])
                if lag is not None:
                    stands = settled(layer, points, when, lag[:, None, None, None], stands, size)
                targets = [torch.where(solid[:, here], new, old) for new, old in zip(stands, targets)]
        self.pictures = pictures.transpose(1, 2)
        self.flows = torch.stack([target - line for target, line in zip(targets, (x, y))], 2)
        self.visible = self.found(seen[:, here], seen[:, there], *targets)

    @staticmethod
    def found(here, there, x, y):
        """Whether the layer seen `here` [N, W, S, S] is the one seen where its point stands `there`."""
        size = here.shape[-1]
        x, y = x.round().long(), y.round().long()
        inside = (x >= 0) & (x < size) & (y >= 0) & (y < size)
        index = (y.clamp(0, size - 1) * size + x.clamp(0, size - 1)).flatten(2)
        return inside & (there.flatten(2).gather(2, index).reshape(here.shape) == here)


def blurred(scene, banks, times, lag, size, shutter):
    """Pictures [N, F, 3, S, S] with the shutter open for so many intervals [N] about each time.

    Each layer is the mean of instants, and each instant is drawn out along the layer's motion to the next, so that
    there are no gaps between them; then layers are laid over one another. Opaque things keep their true cover but where
    two of them blur at one place."""
    x, y = lines(size, times.device)
    half = shutter[:, None] / TAPS / 2
    moments = [exposed(times + half * (2 * tap + 1 - TAPS), lag, size) for tap in range(TAPS)]
    stood = [stances(scene, s, size) for s in moments]
    ends = [exposed(times + way * half, lag, size) for way in (-1, 1)]
    standing = [stances(scene, s, size) for s in ends]
    pictures = 0
    for index in range(len(scene)):
        layer, total = scene.layer(index), 0
        texture = dressed(layer, banks[0])
        for tap, s in enumerate(moments):
            u = looked_up(layer, x, y, s, stood[tap][index])
            colour, cover = drawn(layer, u, s, texture, banks[1])
            total = total + torch.cat([colour * cover, cover], 1)
            if tap == TAPS // 2:
                before, after = (placed(layer, u, s, stance[index]) for s, stance in zip(ends, standing))
        total = drawn_out(total / TAPS, [b - a for a, b in zip(before, after)])
        pictures = total[:, :, :3] + pictures * (1 - total[:, :, 3:])
    return pictures


def drawn_out(layer, step):
    """A layer [N, 4, F, S, S], its colour times its cover, as the mean over places along `step`, x and y in pixels,
    [N, F, S, S] each: [N, F, 4, S, S]."""
    n, _, frames, size, _ = layer.shape
    layer = layer.transpose(1, 2).reshape(n * frames, 4, size, size)
    x, y = lines(size, layer.device)
    total = 0
    for place in range(STEPS):
        share = (place + 0.5) / STEPS - 0.5
        at = [(line + share * part.flatten(0, 1)) * 2 / (size - 1) - 1 for line, part in zip((x, y), step)]
        total = total + F.grid_sample(layer, torch.stack(at, -1), padding_mode="border", align_corners=True)
    return (total / STEPS).reshape(n, frames, 4, size, size)
