"""What lenses, sensors, film and codecs leave on frames [N, F, 3, S, S] in [0, 1]."""

import math

import torch
import torch.nn.functional as F

from motion.footage.light import wide

LUMA = (0.2126, 0.7152, 0.0722)
"""Shares of R, G and B in brightness, of BT.709."""
COARSENESS = 16.0, 1.5
"""A coefficient's step in eight-bit levels at middling quality, and by what it grows with each step in frequency: near
JPEG's table for brightness (ITU-T T.81, annex K), which runs from 16 to about 100 along its diagonal."""


def smooth(frames):
    """The mean over three by three pixels."""
    flat = F.pad(frames.flatten(0, 1), [1] * 4, mode="replicate")
    return F.avg_pool2d(flat, 3, 1).reshape(frames.shape)


def sharpened(random, frames):
    """Some a little softer, some sharpened as cameras do."""
    n = len(frames)
    share = random.uniform(-0.5, 0.7, n) * random.chance(0.3, n)
    return torch.lerp(frames, smooth(frames), wide(share)).clamp(0, 1)


def rescaled(random, frames):
    """Half of the samples of some groups as after a way through a smaller size."""
    n, _, _, size, _ = frames.shape
    if not random.decide(0.15):
        return frames
    small = round(size * random.between(0.5, 0.9))
    flat = F.interpolate(frames.flatten(0, 1), size=(small, small), mode="bicubic", antialias=True)
    flat = F.interpolate(flat, size=(size, size), mode="bicubic")
    return torch.where(wide(random.chance(0.5, n)), flat.reshape(frames.shape), frames).clamp(0, 1)


def grained(random, frames):
    """Film grain or a sensor's noise, of which the light's part grows with its root; some of it is wider than a
    pixel."""
    n, count, _, size, _ = frames.shape
    strength = random.log_uniform(0.002, 0.035, n) * random.chance(0.45, n)
    noise = random.normal(n, count, 3, size, size)
    noise = torch.where(wide(random.chance(0.4, n)), noise[:, :, :1], noise)
    noise = torch.where(wide(random.chance(0.35, n)), smooth(noise) * 2.2, noise)
    by_light = torch.where(wide(random.chance(0.5, n)), (frames + 0.05).sqrt() * 1.4, 1.0)
    return (frames + wide(strength) * by_light * noise).clamp(0, 1)


def cosines(device):
    """The eight-point discrete cosine transform, orthonormal: [8, 8]."""
    k, i = torch.arange(8, device=device)[:, None], torch.arange(8, device=device)[None]
    rows = torch.cos((2 * i + 1) * k * math.pi / 16) * 0.5
    rows[0] = rows[0] / math.sqrt(2)
    return rows


def quantised(plane, step, offset):
    """Planes [N, F, S, S] whose blocks' coefficients are rounded to multiples of a table [N, 8, 8]; the grid of blocks
    begins at `offset`, x and y."""
    n, count, size, _ = plane.shape
    extra = -size % 8 + 8
    left, top = offset
    wider = F.pad(plane, [left, extra - left, top, extra - top], mode="replicate")
    side = (size + extra) // 8
    blocks = wider.reshape(n, count, side, 8, side, 8).transpose(3, 4)
    rows, step = cosines(plane.device), step[:, None, None, None]
    coefficients = ((rows @ blocks @ rows.T) / step).round() * step
    blocks = (rows.T @ coefficients @ rows).transpose(3, 4).reshape(n, count, size + extra, size + extra)
    return blocks[..., top:top + size, left:left + size]


def coded(random, frames):
    """Some as codecs leave them: blocks of eight pixels with rounded coefficients, colour at half resolution."""
    if not random.decide(0.7):
        return frames
    n, count, _, size, _ = frames.shape
    quality, some = random.log_uniform(0.08, 1.1, n), random.chance(0.5, n)
    luma = (frames * frames.new_tensor(LUMA)[:, None, None]).sum(2)
    colour = F.avg_pool2d((frames - luma[:, :, None])[:, :, ::2].flatten(0, 1), 2)
    order = torch.arange(8, device=frames.device)
    table = COARSENESS[0] * COARSENESS[1] ** ((order[:, None] + order) / 2) / 255
    step = table * quality[:, None, None]
    grid = [int(random.between(0, 8)) for _ in range(2)]
    luma = quantised(luma, step, grid)
    colour = quantised(colour.reshape(n, 2 * count, size // 2, size // 2), step * 1.4, grid).flatten(0, 1)[:, None]
    colour = F.interpolate(colour, size=(size, size), mode="bilinear").reshape(n, count, 2, size, size)
    red, blue = luma[:, :, None] + colour[:, :, :1], luma[:, :, None] + colour[:, :, 1:]
    green = (luma[:, :, None] - LUMA[0] * red - LUMA[2] * blue) / LUMA[1]
    return torch.where(wide(some), torch.cat([red, green, blue], 2), frames).clamp(0, 1)
