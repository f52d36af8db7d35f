"""A bank of shapes as signed distances, negative inside: [M, 1, G, G] over the square from -1 to 1 on each side, in units of half
of that side. An edge drawn from a distance is as sharp at every size.
"""

import math

import torch

from motion.footage.textures import places

GRID, MARGIN = 96, 1.25
"""Places a side, and how far the square reaches: shapes lie within 1."""


def ring_or_disc(random, count, x, y):
    flat = random.uniform(0.35, 1, count, 1, 1)
    distance = (torch.hypot(x, y / flat) - 1) * flat
    hole = random.uniform(0.3, 0.8, count, 1, 1)
    ring = torch.maximum(distance, hole * flat - torch.hypot(x, y / flat) * flat)
    return torch.where(random.chance(0.3, count, 1, 1), ring, distance)


def box(random, count, x, y):
    half, round_ = random.uniform(0.08, 1, count, 1, 1), random.uniform(0, 0.3, count, 1, 1)
    round_ = torch.minimum(round_, half * 0.9)
    dx, dy = x.abs() - 1 + round_, y.abs() - half + round_
    outside = torch.hypot(dx.clamp(min=0), dy.clamp(min=0))
    return outside + torch.maximum(dx, dy).clamp(max=0) - round_


def blob(random, count, x, y):
    """A closed curve whose radius wanders: a few waves round it."""
    angle, radius = torch.atan2(y, x), torch.hypot(x, y)
    edge = torch.full_like(radius.expand(count, *radius.shape), 0.75)
    for wave in range(1, 7):
        height, phase = random.uniform(0, 0.25 / wave, count, 1, 1), random.uniform(0, math.tau, count, 1, 1)
        edge = edge + height * torch.sin(wave * angle + phase)
    return (radius - edge.clamp(0.15, 1)) * 0.8


def polygon(random, count, x, y):
    """The part that several half planes share."""
    distance = torch.full((count, *x.shape), -1.0, device=x.device)
    sides = 5
    for side in range(sides):
        angle = (side + random.uniform(-0.35, 0.35, count, 1, 1)) * math.tau / sides
        far = random.uniform(0.3, 0.85, count, 1, 1)
        distance = torch.maximum(distance, torch.cos(angle) * x + torch.sin(angle) * y - far)
    return distance


def letter(random, count, x, y):
    """A few strokes between points of a grid, as letters are made of."""
    distance = torch.full((count, *x.shape), 9.0, device=x.device)
    width = random.uniform(0.08, 0.2, count, 1, 1)
    for _ in range(4):
        ends = (random.choice(3, 4, count, 1, 1).float() - 1) * 0.75
        distance = torch.minimum(distance, segment(x, y, ends[:2], ends[2:]) - width)
    return distance


def segment(x, y, a, b):
    """Distance to the line between two points."""
    along = b - a
    share = ((x - a[0]) * along[0] + (y - a[1]) * along[1]) / (along[0] ** 2 + along[1] ** 2 + 1e-6)
    share = share.clamp(0, 1)
    return torch.hypot(x - a[0] - share * along[0], y - a[1] - share * along[1])


def limb(random, count, x, y):
    """A capsule along y, thinner to its end, as arms and legs are; its length is 2, its widths are a third of that or less."""
    above, below = random.uniform(0.18, 0.34, count, 1, 1), random.uniform(0.12, 0.26, count, 1, 1)
    share = ((y + 1) / 2).clamp(0, 1)
    width = torch.lerp(above, below.expand_as(above), share)
    end = torch.hypot(x, y - y.clamp(-0.8, 0.8))
    return end - width


def trunk(random, count, x, y):
    """Shoulders wider than hips."""
    shoulders, hips = random.uniform(0.5, 0.7, count, 1, 1), random.uniform(0.35, 0.6, count, 1, 1)
    width = torch.lerp(shoulders, hips, ((y + 1) / 2).clamp(0, 1))
    return torch.maximum(x.abs() - width, y.abs() - 0.95)


def head(random, count, x, y):
    flat = random.uniform(0.7, 0.95, count, 1, 1)
    return (torch.hypot(x / flat, y) - 1) * flat


THINGS = (ring_or_disc, box, blob, polygon, letter)
PARTS = (limb, trunk, head)


def bank(random, each):
    """`each` shapes of every kind, things before the parts of figures, and one that covers everything last."""
    x, y = (p * MARGIN for p in places(GRID, random.device))
    shapes = [kind(random, each, x, y).expand(each, GRID, GRID) for kind in (*THINGS, *PARTS)]
    return torch.cat([*shapes, torch.full_like(x, -9.0)[None]])[:, None]
