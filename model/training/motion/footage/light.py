"""What a camera and a codec add to drawn frames [N, F, 3, S, S] in [0, 1]: light that changes, grade, noise, blocks.

None of it moves anything: true motion stays as it is.
"""

import math

import torch
import torch.nn.functional as F

from motion.footage.render import along, grid
from motion.footage.textures import power_noise

QUANTISATION = (16.0, 1.4)
"""A coefficient's step grows from the first to the highest as JPEG's tables do, in eight-bit levels at middling quality."""


def wide(x):
    """[N] → [N, 1, 1, 1, 1]; [N, F] → [N, F, 1, 1, 1]."""
    return x.reshape(*x.shape, *[1] * (5 - x.ndim))


def shaded(random, frames, times, paths):
    """Soft shadows and lights that move by themselves along `paths` [N, 6, 2]."""
    n, count, _, size, _ = frames.shape
    field = power_noise(random, n, 64, 1.8, 2.6)[:, None]
    at = grid(size, frames.device) / size - 0.5 + along(paths, times)[:, :, None, None] / size
    at = at.reshape(n, count * size, size, 2)
    shade = F.grid_sample(field, at, padding_mode="reflection", align_corners=False).reshape(n, count, 1, size, size)
    depth = random.uniform(-0.35, 0.6, n) * random.chance(0.2, n)
    return frames * (1 - wide(depth) * torch.sigmoid(3 * shade))


def graded(random, frames, times):
    """A grade of all frames alike, an exposure that drifts, and one that flickers."""
    n = len(frames)
    gamma = torch.where(random.chance(0.5, n), torch.exp(random.normal(n) * 0.25), 1.0)
    frames = frames.clamp(1e-4, 1) ** wide(gamma)
    dim = random.chance(0.4, n)
    frames = frames * wide(torch.where(dim, random.uniform(0.4, 1, n), 1.0)) + wide(torch.where(dim, random.uniform(0, 0.2, n), 0.0))
    drift = random.normal(n) * 0.06 * random.chance(0.15, n)
    flicker = random.normal(n, times.shape[1]) * (0.02 * random.chance(0.06, n))[:, None]
    return (frames * wide(1 + drift[:, None] * times + flicker)).clamp(0, 1)


def grained(random, frames):
    """Film grain or a sensor's noise, of which the light's part grows with its root, and some of it is wider than a pixel."""
    n, count, _, size, _ = frames.shape
    strength = torch.where(random.chance(0.45, n), random.log_uniform(0.002, 0.035, n), 0.0)
    noise = random.normal(n, count, 3, size, size)
    grey = random.chance(0.4, n)
    noise = torch.where(wide(grey), noise[:, :, :1], noise)
    soft = F.avg_pool2d(F.pad(noise.flatten(0, 1), [1] * 4, mode="reflect"), 3, 1).reshape(noise.shape) * 2.2
    noise = torch.where(wide(random.chance(0.35, n)), soft, noise)
    by_light = torch.where(wide(random.chance(0.5, n)), (frames + 0.05).sqrt() * 1.4, 1.0)
    return (frames + wide(strength) * by_light * noise).clamp(0, 1)


def cosines(device):
    """The eight-point discrete cosine transform, orthonormal: [8, 8]."""
    k, i = torch.arange(8, device=device)[:, None], torch.arange(8, device=device)[None]
    rows = torch.cos((2 * i + 1) * k * math.pi / 16) * 0.5
    rows[0] = rows[0] / math.sqrt(2)
    return rows


def coded(random, frames):
    """Blocks of eight pixels whose coefficients are rounded, colour at half resolution, as codecs leave them."""
    n, count, _, size, _ = frames.shape
    quality = random.log_uniform(0.15, 1.6, n)
    some = random.chance(0.35, n)
    luma = frames.mean(2, keepdim=True)
    colour = F.avg_pool2d((frames - luma).flatten(0, 1), 2)
    colour = F.interpolate(colour, scale_factor=2, mode="bilinear", align_corners=False).reshape(frames.shape)
    rows = cosines(frames.device)
    blocks = luma.reshape(n, count, size // 8, 8, size // 8, 8).permute(0, 1, 2, 4, 3, 5)
    table = QUANTISATION[0] * QUANTISATION[1] ** (torch.arange(8, device=frames.device)[:, None] + torch.arange(8, device=frames.device)) ** 0.5
    step = table.pow(0.8) / 255 * quality.reshape(n, 1, 1, 1, 1, 1)
    coefficients = rows @ blocks @ rows.T
    blocks = rows.T @ ((coefficients / step).round() * step) @ rows
    luma = blocks.permute(0, 1, 2, 4, 3, 5).reshape(n, count, 1, size, size)
    return torch.where(wide(some), luma + colour, frames).clamp(0, 1)


def sharpened(random, frames):
    """A little softer, or sharpened as cameras do."""
    n, count, _, size, _ = frames.shape
    soft = F.avg_pool2d(F.pad(frames.flatten(0, 1), [1] * 4, mode="replicate"), 3, 1).reshape(frames.shape)
    share = torch.where(random.chance(0.3, n), random.uniform(-0.5, 0.7, n), 0.0)
    return torch.lerp(frames, soft, wide(share).expand_as(frames)).clamp(0, 1)
