"""Light that changes on drawn frames [N, F, 3, S, S] in [0, 1], and how a camera grades them. None of it moves
anything."""

import torch
import torch.nn.functional as F

from motion.footage.motions import along
from motion.footage.textures import power_noise


def wide(x):
    """[N] → [N, 1, 1, 1, 1]; [N, F] → [N, F, 1, 1, 1]."""
    return x.reshape(*x.shape, *[1] * (5 - x.ndim))


def pixels(size, device):
    """Pixels' places from -0.5 to 0.5, x and y, [S, S] each."""
    line = (torch.arange(size, device=device) + 0.5) / size - 0.5
    return line[None].expand(size, size), line[:, None].expand(size, size)


def shaded(random, frames, times, paths):
    """Soft shadows and broad lights, in a fifth of the samples, that move by themselves along `paths` [N, 6, 2]."""
    n, count, _, size, _ = frames.shape
    field = power_noise(random, n, 64, 1.8, 2.6)[:, None]
    moved = [part[..., None, None] / size for part in along(paths, times)]
    at = [place + part for place, part in zip(pixels(size, frames.device), moved)]
    at = torch.stack(at, -1).reshape(n, count * size, size, 2)
    shade = F.grid_sample(field, at, padding_mode="reflection", align_corners=False).reshape(n, count, 1, size, size)
    depth = random.uniform(-0.35, 0.6, n) * random.chance(0.2, n)
    return frames * (1 - wide(depth) * torch.sigmoid(3 * shade))


def gleaming(random, frames, times, paths):
    """A highlight, in a tenth of the samples, that glides over everything along `paths` [N, 6, 2] and may bleach it."""
    n, _, _, size, _ = frames.shape
    start, radius = random.uniform(-0.4, 0.4, 2, n, 1), random.log_uniform(0.02, 0.25, 2, n)
    x, y = (place - wide(middle + moved / size)[:, :, 0] for place, middle, moved in
            zip(pixels(size, frames.device), start, along(paths, times)))
    light = torch.exp(-(x / wide(radius[0])[:, :, 0]) ** 2 - (y / wide(radius[1])[:, :, 0]) ** 2)
    strength = random.uniform(0.1, 0.8, n) * random.chance(0.1, n)
    return frames + wide(strength) * light[:, :, None] * (1.1 - frames)


def graded(random, frames, times):
    """A grade of all frames alike, an exposure that drifts, and one that flickers."""
    n = len(frames)
    gamma = torch.where(random.chance(0.5, n), torch.exp(random.normal(n) * 0.25), 1.0)
    frames = frames.clamp(1e-4, 1) ** wide(gamma)
    dim = random.chance(0.4, n)
    frames = frames * wide(torch.where(dim, random.uniform(0.4, 1, n), 1.0))
    frames = frames + wide(random.uniform(0, 0.2, n) * dim)
    drift = random.normal(n) * 0.06 * random.chance(0.15, n)
    flicker = random.normal(n, times.shape[1]) * (0.02 * random.chance(0.06, n))[:, None]
    return (frames * wide(1 + drift[:, None] * times + flicker)).clamp(0, 1)
