"""Draws scenes at any times, with the true motion between them."""

import torch
import torch.nn.functional as F

from motion.footage.shapes import MARGIN

SUBSTITUTIONS = 5
"""A wave's slope is 0.42 at most, so each leaves less than half of the error."""


def grid(size, device):
    """Pixels' places, (x, y), [S, S, 2]."""
    line = torch.arange(size, device=device, dtype=torch.float32)
    return torch.stack([line[None].expand(size, size), line[:, None].expand(size, size)], -1)


def rotation(angle):
    """[…] → [..., 2, 2]."""
    c, s = torch.cos(angle), torch.sin(angle)
    return torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2)


def inverse(axes):
    """Of matrices of two rows."""
    (a, b), (c, d) = (row.unbind(-1) for row in axes.unbind(-2))
    turned = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], -2)
    return turned / (a * d - b * c)[..., None, None]


def along(path, s):
    """Where a path leads by time: `path` [N, 6, 2], `s` [N, …] → [N, …, 2]; see `scene.PATH`."""
    shares = (s, s * (s - 1) / 2, s * (s - 1) * (2 * s - 1) / 6, (4 * s * (1 - s)).clamp(min=0), (-s).clamp(min=0), (s - 1).clamp(min=0))
    wide = path.reshape(len(path), *[1] * (s.ndim - 1), *path.shape[1:])
    return sum(share[..., None] * wide[..., i, :] for i, share in enumerate(shares))


def spread(x, like):
    """[N, …rest] → [N, 1…, …rest], to meet times of the shape of `like`."""
    return x.reshape(len(x), *[1] * (like.ndim - 1), *x.shape[1:])


def stance(layer, s, size):
    """A layer's axes and origin at times `s` [N, …]: x = A·(u + W) + p; A [N, …, 2, 2], p [N, …, 2]."""
    a = spread(layer.angle, s)
    angles = a[..., 0] + a[..., 1] * s[..., None] + a[..., 2] * torch.sin(a[..., 3] * s[..., None] + a[..., 4])
    joints, offsets = rotation(angles), spread(layer.offsets, s)
    hung = (joints @ offsets[..., None])[..., 0].sum(-2)
    zoom = torch.exp(spread(layer.zoom, s) * s)
    origin = spread(layer.place, s) + along(layer.path, s) + zoom[..., None] * hung
    camera = rotation(spread(layer.turn, s) * s) * torch.exp(spread(layer.closing, s) * s)[..., None, None]
    middle = size / 2
    return camera @ (joints[..., 2, :, :] * zoom[..., None, None]), (camera @ (origin - middle)[..., None])[..., 0] + middle


def waved(layer, u, s):
    """W(u, s), and the slope of its waves: `u` [N, …, 2], `s` [N, …]."""
    moved, slope = torch.zeros_like(u), torch.zeros_like(u[..., 0])
    for wave in layer.waves.unbind(1):
        height, number, speed, phase = (spread(x, s) for x in (wave[:, :2], wave[:, 2:4], wave[:, 4], wave[:, 5]))
        turn = (u * number).sum(-1) + phase + speed * s
        moved = moved + height * torch.sin(turn)[..., None]
        slope = slope + torch.cos(turn)
    return moved, slope


def place(layer, u, s, size):
    """Where points `u` stand at times `s`."""
    axes, origin = stance(layer, s, size)
    return (axes @ (u + waved(layer, u, s)[0])[..., None])[..., 0] + origin


def lookup(layer, x, s, size, wavy):
    """Which points stand at `x` [S, S, 2] at times `s` [N, F, rows, 1]: [N, F, S, S, 2]."""
    axes, origin = stance(layer, s, size)
    v = (inverse(axes) @ (x - origin)[..., None])[..., 0]
    u = v
    if wavy:
        times = s.expand(u.shape[:-1])
        for _ in range(SUBSTITUTIONS):
            u = v - waved(layer, u, times)[0]
    return u


def sample(pictures, x, y, mode="bilinear", padding="reflection"):
    """`pictures` [N, C, H, W] at x and y [N, F, S, S], from -1 to 1: [N, F, C, S, S]."""
    n, frames, size, _ = x.shape
    at = torch.stack([x, y], -1).reshape(n, frames * size, size, 2)
    out = F.grid_sample(pictures, at, mode=mode, padding_mode=padding, align_corners=False)
    return out.reshape(n, -1, frames, size, size).transpose(1, 2)


def drawn(layer, u, s, banks, lit):
    """A layer's colour [N, F, 3, S, S] and cover [N, F, 1, S, S] where its points `u` are; `lit`: folds shade it."""
    textures, shapes = banks
    half = textures.shape[-1] / 2
    texel, middle = layer.texels[:, 0], layer.texels[:, 1:]
    at = (u * spread(texel, u[..., 0])[..., None]) / half + spread(middle, u[..., 0])
    colour = sample(textures[layer.texture], at[..., 0], at[..., 1])
    wide = lambda x: x[:, None, :, None, None]
    colour = (colour - 0.5) * wide(layer.gain) + 0.5 + wide(layer.lift)
    if lit:
        slope = waved(layer, u, s.expand(u.shape[:-1]))[1]
        colour = colour * (1 + layer.folds[:, None, None, None] * slope)[:, :, None]
    inside = u / spread(layer.size, u[..., 0])
    # Beyond the bank's square a shape is as far as at its border, which is outside.
    distance = sample(shapes[layer.shape], inside[..., 0] / MARGIN, inside[..., 1] / MARGIN, padding="border")
    pixels = layer.size.abs().amin(-1)[:, None, None, None, None]
    cover = (0.5 - distance * pixels / layer.soft[:, None, None, None, None]).clamp(0, 1)
    return colour.clamp(0, 1), cover * layer.opacity[:, None, None, None, None]


class Drawing:
    """What is drawn of scenes at their frames' times: pictures [N, F, 3, S, S], the layer seen at each pixel [N, F, S, S], and
    where the points seen at the `a`th frame stand at the `b`th, [N, S, S, 2], for each of `ways`."""

    def __init__(self, scene, banks, times, lag, size, ways, shaded):
        x, n, frames = grid(size, times.device), *times.shape
        rows = (torch.arange(size, device=times.device) / size - 0.5)[None, None, :, None]
        s = times[:, :, None, None] + lag[:, None, None, None] * rows
        self.pictures = torch.zeros(n, frames, 3, size, size, device=times.device)
        self.seen = torch.zeros(n, frames, size, size, dtype=torch.long, device=times.device)
        self.targets = [x.expand(n, size, size, 2) for _ in ways]
        for index in range(scene.layers):
            layer = scene.layer(index)
            wavy = bool((layer.waves[:, :, :2] != 0).any())
            u = lookup(layer, x, s, size, wavy)
            colour, cover = drawn(layer, u, s, banks, shaded and bool((layer.folds != 0).any()))
            self.pictures = torch.lerp(self.pictures, colour, cover)
            solid = cover[:, :, 0] > 0.5
            self.seen = torch.where(solid, index, self.seen)
            for way, (a, b) in enumerate(ways):
                there = self.stands(layer, u[:, a], times[:, b], lag, size)
                self.targets[way] = torch.where(solid[:, a, ..., None], there, self.targets[way])

    @staticmethod
    def stands(layer, u, time, lag, size):
        """Where points [N, S, S, 2] stand when their frame is exposed, whose rows are so at different times."""
        s = time[:, None, None].expand(u.shape[:-1])
        if not bool((lag != 0).any()):
            return place(layer, u, time[:, None, None], size)
        there = place(layer, u, s, size)
        for _ in range(3):
            # Rows pass far slower than an interval's motion is long, so this settles at once.
            there = place(layer, u, s + lag[:, None, None] * (there[..., 1] / size - 0.5), size)
        return there

    def flow(self, way, ways):
        """The true flow [N, 2, S, S] of a way, and whether each pixel's point is seen in the other frame [N, S, S]."""
        a, b = ways[way]
        target, size = self.targets[way], self.seen.shape[-1]
        flow = (target - grid(size, target.device)).permute(0, 3, 1, 2)
        at = target.round().long()
        inside = ((at >= 0) & (at < size)).all(-1)
        index = (at[..., 1].clamp(0, size - 1) * size + at[..., 0].clamp(0, size - 1)).flatten(1)
        there = self.seen[:, b].flatten(1).gather(1, index).reshape(self.seen[:, a].shape)
        return flow, inside & (there == self.seen[:, a])


def blurred(scene, banks, times, lag, size, shutter, taps=6):
    """Pictures with the shutter open for so many intervals [N] about each time: the mean of instants."""
    total = 0
    for tap in range(taps):
        moved = times + shutter[:, None] * (tap / (taps - 1) - 0.5)
        total = total + Drawing(scene, banks, moved, lag, size, (), True).pictures
    return total / taps
