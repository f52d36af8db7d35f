"""A bank of textures, band-limited at one texel: what surfaces look like. [K, 3, T, T], display-referred RGB in [0, 1].

Natural statistics come from the dead-leaves model (Lee, Mumford & Huang 2001), overlapping shapes whose sizes follow a power
law, and from noise with a 1/f spectrum; what people make are stripes, checks, grids, print and plain paint.
"""

import math

import torch
import torch.nn.functional as F


class Random:
    """Draws from one generator, on its device."""

    def __init__(self, seed, device):
        self.generator = torch.Generator(device).manual_seed(seed)
        self.device = device

    def uniform(self, low, high, *shape):
        return torch.rand(*shape, generator=self.generator, device=self.device) * (high - low) + low

    def normal(self, *shape):
        return torch.randn(*shape, generator=self.generator, device=self.device)

    def log_uniform(self, low, high, *shape):
        return torch.exp(self.uniform(math.log(low), math.log(high), *shape))

    def chance(self, share, *shape):
        return self.uniform(0, 1, *shape) < share

    def choice(self, count, *shape):
        return torch.randint(count, shape, generator=self.generator, device=self.device)


def colours(random, *shape):
    """Colours [..., 3]: mostly muted, now and then saturated, black or white."""
    grey = random.uniform(0.05, 0.95, *shape, 1)
    strength = torch.tensor([0.03, 0.12, 0.3], device=random.device)[random.choice(3, *shape, 1)]
    colour = grey + random.normal(*shape, 3) * strength
    end = random.uniform(0, 1, *shape, 1)
    colour = torch.where(end < 0.08, end, torch.where(end > 0.92, end, colour))
    return colour.clamp(0, 1)


def power_noise(random, count, size, low=0.7, high=2.0):
    """Noise of a 1/f^e amplitude spectrum, e drawn for each, of zero mean and unit deviation: [count, size, size]."""
    rows = torch.fft.fftfreq(size, device=random.device)[:, None]
    columns = torch.fft.rfftfreq(size, device=random.device)[None]
    f = torch.hypot(rows, columns)
    f[0, 0] = 1
    exponent = random.uniform(low, high, count, 1, 1)
    # The roll-off keeps the top half octave out: what is left survives a shift by less than a texel.
    amplitude = f ** -exponent * torch.exp(-((f / 0.36) ** 6))
    amplitude[:, 0, 0] = 0
    spectrum = torch.complex(random.normal(count, *f.shape), random.normal(count, *f.shape)) * amplitude
    noise = torch.fft.irfft2(spectrum, s=(size, size))
    return noise / (noise.std((1, 2), keepdim=True) + 1e-8)


def places(size, device):
    """Texel centres from -1 to 1: x and y, [size, size] each."""
    line = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
    return line[None].expand(size, size), line[:, None].expand(size, size)


def noisy(random, count, size):
    luma = power_noise(random, count, size)[:, None]
    chroma = power_noise(random, 3 * count, size).reshape(count, 3, size, size) * random.uniform(0, 0.6, count, 1, 1, 1)
    return colours(random, count)[:, :, None, None] + (luma + chroma) * random.uniform(0.03, 0.25, count, 1, 1, 1)


def leaves(random, count, size, number=140):
    """Dead leaves: ellipses and boxes, each flat or shaded, laid over one another."""
    x, y = places(size, random.device)
    picture = noisy(random, count, size)
    grain = power_noise(random, count, size)[:, None]
    for _ in range(number):
        centre, angle = random.uniform(-1.1, 1.1, 2, count, 1, 1), random.uniform(0, math.tau, count, 1, 1)
        # The power law of sizes that natural pictures have: as many areas of each octave.
        radius = random.log_uniform(0.02, 0.5, count, 1, 1)
        flat = random.uniform(0.15, 1, count, 1, 1)
        dx, dy = x - centre[0], y - centre[1]
        u = (torch.cos(angle) * dx + torch.sin(angle) * dy) / radius
        v = (torch.cos(angle) * dy - torch.sin(angle) * dx) / (radius * flat)
        box = random.chance(0.5, count, 1, 1)
        distance = torch.where(box, torch.maximum(u.abs(), v.abs()), torch.hypot(u, v))
        cover = ((1 - distance) * radius * flat * size / 2 + 0.5).clamp(0, 1)[:, None]
        paint = colours(random, count)[:, :, None, None]
        shade = u[:, None] * random.uniform(-0.15, 0.15, count, 1, 1, 1) + grain * random.uniform(0, 0.06, count, 1, 1, 1)
        picture = torch.lerp(picture, paint + shade, cover)
    return picture


def waves(random, count, size):
    """Stripes, checks and grids: periods of 5 to 60 texels, hard or soft."""
    x, y = places(size, random.device)
    angle = random.uniform(0, math.tau, count, 1, 1)
    angle = torch.where(random.chance(0.3, count, 1, 1), torch.zeros_like(angle), angle)
    period = random.log_uniform(5, 60, 2, count, 1, 1)
    period[1] = torch.where(random.chance(0.6, count, 1, 1), period[0], period[1])
    turns = size * math.pi / period
    u, v = torch.cos(angle) * x + torch.sin(angle) * y, torch.cos(angle) * y - torch.sin(angle) * x
    phase = random.uniform(0, math.tau, 2, count, 1, 1)
    a, b = torch.sin(u * turns[0] + phase[0]), torch.sin(v * turns[1] + phase[1])
    kind = random.choice(3, count, 1, 1)
    wave = torch.where(kind == 0, a, torch.where(kind == 1, a * b, torch.minimum(a, b) + 0.5))
    # A slope of a texel at the edge of a stripe is as hard as a texel can be.
    hard = random.uniform(0, 1, count, 1, 1) * period.amin(0) / 4 + 1
    share = (wave * hard * 0.5 + 0.5).clamp(0, 1)[:, None]
    one, other = (colours(random, count)[:, :, None, None] for _ in range(2))
    dirt = power_noise(random, count, size)[:, None] * random.uniform(0, 0.05, count, 1, 1, 1)
    return torch.lerp(one, other, share) + dirt


def plain(random, count, size):
    """Paint, lit a little unevenly: the ground on which nothing can be matched."""
    x, y = places(size, random.device)
    angle = random.uniform(0, math.tau, count, 1, 1)
    slope = (torch.cos(angle) * x + torch.sin(angle) * y)[:, None] * random.uniform(0, 0.2, count, 1, 1, 1)
    grain = power_noise(random, count, size)[:, None] * random.log_uniform(0.0005, 0.02, count, 1, 1, 1)
    return colours(random, count)[:, :, None, None] + slope + grain


def printed(random, count, size):
    """Lines of small strokes, as print has."""
    height = 24
    strokes = random.chance(0.45, count, 1, size // height * 4, size // 6).float()
    strokes[:, :, 3::4] = 0
    strokes = strokes * random.chance(0.85, count, 1, 1, size // 6)
    ink = F.interpolate(strokes, size=(size, size), mode="bilinear", align_corners=False)
    ink = ((ink - 0.5) * 2 + 0.5).clamp(0, 1)
    paper, black = (colours(random, count)[:, :, None, None] for _ in range(2))
    return torch.lerp(paper, black, ink)


def bank(random, size, each):
    """Textures of every kind, `each` of a kind: [K, 3, size, size]."""
    kinds = (leaves, leaves, noisy, waves, plain, printed)
    return torch.cat([kind(random, each, size) for kind in kinds]).clamp(0, 1)


KINDS = 6
"""Kinds in a bank, in order: dead leaves twice, noise, stripes and checks, plain, print."""
STRIPES, PLAIN = 3, 4
