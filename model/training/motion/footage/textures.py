"""A bank of textures, band-limited at one texel: what surfaces look like. [K, 3, T, T], display-referred RGB in [0, 1].

Natural statistics come from the dead-leaves model (Lee, Mumford & Huang 2001), overlapping shapes whose sizes follow a
power law, and from noise with a 1/f spectrum; what people make are stripes, checks, grids, bricks, windows, print and
plain paint.
"""

import math

import torch
import torch.nn.functional as F


def colours(random, *shape):
    """Colours [..., 3]: mostly muted, now and then saturated, black or white."""
    grey = random.uniform(0.05, 0.95, *shape, 1)
    strength = torch.tensor([0.03, 0.1, 0.25], device=random.device)[random.choice(3, *shape, 1)]
    colour = grey + random.normal(*shape, 3) * strength
    end = random.uniform(0, 1, *shape, 1)
    colour = torch.where((end < 0.08) | (end > 0.92), end, colour)
    return colour.clamp(0, 1)


def paints(random, count):
    """A colour for each of `count` pictures, [count, 3, 1, 1]."""
    return colours(random, count)[:, :, None, None]


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


def turned_places(random, count, size, upright=0.4):
    """Places seen from any angle, some of them upright: [count, size, size] each."""
    x, y = places(size, random.device)
    angle = random.uniform(0, math.tau, count, 1, 1) * ~random.chance(upright, count, 1, 1)
    return torch.cos(angle) * x + torch.sin(angle) * y, torch.cos(angle) * y - torch.sin(angle) * x


def noisy(random, count, size):
    """Clouds, skin, bark, dust: 1/f noise in brightness and, less, in colour."""
    luma = power_noise(random, count, size)[:, None]
    chroma = power_noise(random, 3 * count, size).reshape(count, 3, size, size) * random.uniform(0, 0.6, count, 1, 1, 1)
    return paints(random, count) + (luma + chroma) * random.uniform(0.03, 0.25, count, 1, 1, 1)


def leaves(random, count, size, number=140):
    """Dead leaves: ellipses, boxes and bars, each flat or shaded, laid over one another."""
    x, y = places(size, random.device)
    picture = noisy(random, count, size)
    grain = power_noise(random, count, size)[:, None]
    for _ in range(number):
        centre, angle = random.uniform(-1.1, 1.1, 2, count, 1, 1), random.uniform(0, math.tau, count, 1, 1)
        # The power law of sizes that natural pictures have: as many areas of each octave.
        radius = random.log_uniform(0.02, 0.5, count, 1, 1)
        flat = random.log_uniform(0.06, 1, count, 1, 1)
        dx, dy = x - centre[0], y - centre[1]
        u = (torch.cos(angle) * dx + torch.sin(angle) * dy) / radius
        v = (torch.cos(angle) * dy - torch.sin(angle) * dx) / (radius * flat)
        box = random.chance(0.5, count, 1, 1)
        distance = torch.where(box, torch.maximum(u.abs(), v.abs()), torch.hypot(u, v))
        cover = ((1 - distance) * radius * flat * size / 2 + 0.5).clamp(0, 1)[:, None]
        strength = random.uniform(-0.15, 0.15, count, 1, 1, 1), random.uniform(0, 0.06, count, 1, 1, 1)
        shade = u[:, None] * strength[0] + grain * strength[1]
        picture = torch.lerp(picture, paints(random, count) + shade, cover)
    return picture


def mixed(random, others):
    """Regions with ragged edges, filled with other textures at half and quarter size: detail of many sizes, as leaves,
    gravel and crowds have. `others` [count, 3, T, T]."""
    count, _, size, _ = others.shape
    picture = others
    for fill in range(3):
        small = others[random.permutations(count)]
        for _ in range(1 + fill % 2):
            half = F.avg_pool2d(small, 2)
            wide = torch.cat([half, half.flip(-1)], -1)
            small = torch.cat([wide, wide.flip(-2)], -2)
        region = power_noise(random, count, size, 1.3, 2.2)[:, None]
        cover = ((region - random.uniform(0, 0.8, count, 1, 1, 1)) * size * 0.08 + 0.5).clamp(0, 1)
        picture = torch.lerp(picture, small, cover)
    light = power_noise(random, count, size, 1.8, 2.4)[:, None] * random.uniform(0, 0.2, count, 1, 1, 1)
    return picture * (1 + light)


def streaked(random, others):
    """Other textures drawn out along flowing lines, as hair, wood and rippled water are. `others` [count, 3, T, T]."""
    count, _, size, _ = others.shape
    x, y = turned_places(random, count, size)
    bend = power_noise(random, 2 * count, size, 2.2, 3.0).reshape(2, count, size, size) * 0.06
    along, across = random.uniform(0.08, 0.3, count, 1, 1), random.uniform(0.5, 0.9, count, 1, 1)
    at = torch.stack([(x + bend[0]) * along, (y + bend[1]) * across], -1)
    return F.grid_sample(others, at, padding_mode="reflection", align_corners=False)


def waves(random, count, size):
    """Stripes, checks and grids: periods of 5 to 60 texels, hard or soft."""
    u, v = turned_places(random, count, size)
    period = random.log_uniform(5, 60, 2, count, 1, 1)
    period[1] = torch.where(random.chance(0.6, count, 1, 1), period[0], period[1])
    turns = size * math.pi / period
    phase = random.uniform(0, math.tau, 2, count, 1, 1)
    a, b = torch.sin(u * turns[0] + phase[0]), torch.sin(v * turns[1] + phase[1])
    kind = random.choice(4, count, 1, 1)
    wave = torch.where(kind <= 1, a, torch.where(kind == 2, a * b, torch.minimum(a, b) + 0.5))
    # A slope of a texel at the edge of a stripe is as hard as a texel can be.
    hard = random.uniform(0, 1, count, 1, 1) * period.amin(0) / 4 + 1
    share = (wave * hard * 0.5 + 0.5).clamp(0, 1)[:, None]
    dirt = power_noise(random, count, size)[:, None] * random.uniform(0, 0.05, count, 1, 1, 1)
    return torch.lerp(paints(random, count), paints(random, count), share) + dirt


def tiles(random, count, size):
    """Bricks, paving and walls of windows: like boxes in rows, each a little different."""
    u, v = turned_places(random, count, size, 0.7)
    high = random.log_uniform(9, 48, count, 1, 1) / size * 2
    wide = high * random.uniform(0.7, 2.5, count, 1, 1)
    row = (v / high).floor()
    shifted = u / wide + row * random.choice(2, count, 1, 1) * 0.5
    column = shifted.floor()
    gap = random.uniform(0.06, 0.35, count, 1, 1) * high / 2
    sides = (0.5 - (shifted - column - 0.5).abs()) * wide, (0.5 - (v / high - row - 0.5).abs()) * high
    inner = torch.minimum(*sides) - gap
    cover = (inner * size / 2 + 0.5).clamp(0, 1)[:, None]
    names = ((row * 7 + column * 13) % 61).long().flatten(1)
    own = (random.normal(count, 61) * random.uniform(0, 0.2, count, 1)).gather(1, names).reshape(count, 1, size, size)
    grain = power_noise(random, count, size)[:, None] * random.uniform(0, 0.08, count, 1, 1, 1)
    return torch.lerp(paints(random, count), paints(random, count) + own, cover) + grain


def plain(random, count, size):
    """Paint, lit a little unevenly: the ground on which nothing can be matched."""
    x, _ = turned_places(random, count, size)
    slope = x[:, None] * random.uniform(0, 0.2, count, 1, 1, 1)
    grain = power_noise(random, count, size)[:, None] * random.log_uniform(0.0005, 0.02, count, 1, 1, 1)
    return paints(random, count) + slope + grain


def printed(random, count, size):
    """Lines of small strokes, as print has."""
    height = 24
    strokes = random.chance(0.45, count, 1, size // height * 4, size // 6).float()
    strokes[:, :, 3::4] = 0
    strokes = strokes * random.chance(0.85, count, 1, 1, size // 6)
    ink = F.interpolate(strokes, size=(size, size), mode="bilinear", align_corners=False)
    ink = ((ink - 0.5) * 2 + 0.5).clamp(0, 1)
    return torch.lerp(paints(random, count), paints(random, count), ink)


KINDS = ("leaves", "mixed", "more mixed", "noise", "streaks", "stripes", "tiles", "plain", "print")
"""Kinds in a bank, in order."""
NATURAL = range(0, 5)
STRIPES, TILES, PLAIN = (KINDS.index(name) for name in ("stripes", "tiles", "plain"))


def bank(random, size, each):
    """Textures of every kind, `each` of a kind: [K, 3, size, size]."""
    dead, cloudy, striped = (draw(random, each, size) for draw in (leaves, noisy, waves))
    made = tiles(random, each, size)
    some = torch.cat([dead, cloudy, made])
    pool = [some[random.permutations(len(some))[:each]] for _ in range(2)]
    kinds = [dead, mixed(random, dead), mixed(random, pool[0]), cloudy, streaked(random, pool[1]), striped, made,
             plain(random, each, size), printed(random, each, size)]
    return torch.cat(kinds).clamp(0, 1)
