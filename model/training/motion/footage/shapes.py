"""A bank of shapes as signed distances, negative inside: [M, 1, G, G] over the square from -MARGIN to MARGIN on each
side, in units of half a layer's side. An edge drawn from a distance is as sharp at every size.

Formulas of distances are those of Quilez, "2D distance functions" (iquilezles.org).
"""

import math

import torch

from motion.footage.textures import places

GRID, MARGIN = 128, 1.25
"""Places a side, and how far the square reaches: shapes lie within 1."""


def segment(x, y, a, b):
    """Distance to the line between two points."""
    along = b[0] - a[0], b[1] - a[1]
    share = ((x - a[0]) * along[0] + (y - a[1]) * along[1]) / (along[0] ** 2 + along[1] ** 2 + 1e-6)
    share = share.clamp(0, 1)
    return torch.hypot(x - a[0] - share * along[0], y - a[1] - share * along[1])


def ring_or_disc(random, count, x, y):
    flat = random.uniform(0.35, 1, count, 1, 1)
    distance = (torch.hypot(x, y / flat) - 1) * flat
    hole = random.uniform(0.3, 0.8, count, 1, 1)
    ring = torch.maximum(distance, hole * flat - torch.hypot(x, y / flat) * flat)
    return torch.where(random.chance(0.3, count, 1, 1), ring, distance)


def rounded(x, y, half_x, half_y, radius):
    """A box with round corners."""
    dx, dy = x.abs() - half_x + radius, y.abs() - half_y + radius
    outside = torch.hypot(dx.clamp(min=0), dy.clamp(min=0))
    return outside + torch.maximum(dx, dy).clamp(max=0) - radius


def box(random, count, x, y):
    half, radius = random.uniform(0.3, 1, count, 1, 1), random.uniform(0, 0.3, count, 1, 1)
    return rounded(x, y, 1.0, half, torch.minimum(radius, half * 0.9))


def bar(random, count, x, y):
    """Posts, poles, wires and rods, one or two crossing."""
    widths = random.uniform(0.02, 0.12, 2, count, 1, 1)
    first = rounded(x, y, 1.0, widths[0], widths[0] * 0.5)
    angle = random.uniform(0.4, 2.7, count, 1, 1)
    second = rounded(torch.cos(angle) * x + torch.sin(angle) * y, torch.cos(angle) * y - torch.sin(angle) * x,
                     0.9, widths[1], widths[1] * 0.5)
    return torch.where(random.chance(0.35, count, 1, 1), torch.minimum(first, second), first)


def fence(random, count, x, y):
    """Posts at even distances, with rails or without: every one is like the next."""
    number = random.choice(5, count, 1, 1) + 3
    pitch, width = 2.0 / number, random.uniform(0.08, 0.3, count, 1, 1) / number
    nearest = ((x + 1) / pitch - 0.5).round().clamp(min=0).minimum(number - 1.0)
    posts = rounded(x + 1 - (nearest + 0.5) * pitch, y, width, 0.98, width * 0.3)
    rails = rounded(x, y.abs() - random.uniform(0.2, 0.8, count, 1, 1), 0.98, width, width * 0.3)
    return torch.where(random.chance(0.6, count, 1, 1), torch.minimum(posts, rails), posts)


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


def plant(random, count, x, y):
    """A stem with twigs that leave it to either side."""
    width = random.uniform(0.02, 0.06, count, 1, 1)
    distance = segment(x, y, (0 * width, 0 * width + 1), (0 * width, 0 * width - 0.9)) - width
    for _ in range(7):
        start, far = random.uniform(-0.8, 0.8, count, 1, 1), random.uniform(-0.8, 0.8, count, 1, 1)
        end = far, (start - random.uniform(0, 0.5, count, 1, 1)).clamp(min=-0.8)
        twig = segment(x, y, (0 * far, start), end) - width * 0.8
        tip = torch.hypot(x - end[0], y - end[1]) - random.uniform(0, 0.14, count, 1, 1)
        distance = torch.minimum(distance, torch.minimum(twig, tip))
    return distance


def strokes(random, count, x, y, middle, half, width):
    """A letter about `middle`: three strokes between points of a grid of three by three, and half the time an arc."""
    distance = torch.full((count, *x.shape), 9.0, device=x.device)
    for _ in range(3):
        ends = random.choice(3, 4, count, 1, 1).float() - 1
        a, b = ((middle + half[0] * ends[i], half[1] * ends[i + 1]) for i in (0, 2))
        distance = torch.minimum(distance, segment(x, y, a, b) - width)
    arc = ((torch.hypot((x - middle) / half[0], y / half[1]) - 1).abs() * min(half)) - width
    return torch.where(random.chance(0.4, count, 1, 1), torch.minimum(distance, arc), distance)


def letter(random, count, x, y):
    return strokes(random, count, x, y, 0.0, (0.6, 0.75), random.uniform(0.08, 0.18, count, 1, 1))


def word(random, count, x, y):
    """A row of letters, as titles and subtitles have."""
    distance = torch.full((count, *x.shape), 9.0, device=x.device)
    width, letters = random.uniform(0.02, 0.032, count, 1, 1), 8
    for index in range(letters):
        middle = (index + 0.5) / letters * 1.9 - 0.95
        one = strokes(random, count, x, y, middle, (0.07, 0.14), width)
        blank = random.chance(0.12, count, 1, 1)
        distance = torch.where(blank, distance, torch.minimum(distance, one))
    return distance


def tapered(x, y, top, bottom, above, below):
    """A capsule along y from `top` to `bottom`, its half widths `above` and `below` at the ends."""
    share = ((y - top) / (bottom - top)).clamp(0, 1)
    return torch.hypot(x, y - y.clamp(top, bottom)) - torch.lerp(above, below, share)


def limb(random, count, x, y):
    """An upper arm or a thigh, from its joint at y = -JOINT to the next at JOINT."""
    above, below = random.uniform(0.2, 0.34, count, 1, 1), random.uniform(0.14, 0.24, count, 1, 1)
    return tapered(x, y, -JOINT, JOINT, above, below)


def fore(random, count, x, y):
    """A forearm with its hand, or a shin."""
    above, below = random.uniform(0.15, 0.24, count, 1, 1), random.uniform(0.09, 0.15, count, 1, 1)
    hand = rounded(x, y - JOINT - 0.08, random.uniform(0.1, 0.19, count, 1, 1), 0.19, 0.1)
    return torch.minimum(tapered(x, y, -JOINT, JOINT, above, below), hand)


def shin(random, count, x, y):
    """A shin with a foot to one side."""
    above, below = random.uniform(0.17, 0.26, count, 1, 1), random.uniform(0.1, 0.16, count, 1, 1)
    foot = random.uniform(0.25, 0.5, count, 1, 1)
    foot = segment(x, y, (0 * foot, 0 * foot + JOINT + 0.08), (foot, 0 * foot + JOINT + 0.1)) - 0.11
    return torch.minimum(tapered(x, y, -JOINT, JOINT, above, below), foot)


def trunk(random, count, x, y):
    """Shoulders, a waist and hips with round corners."""
    shoulders, hips = random.uniform(0.5, 0.68, count, 1, 1), random.uniform(0.34, 0.55, count, 1, 1)
    waist = random.uniform(0, 0.12, count, 1, 1)
    width = torch.lerp(shoulders, hips, ((y + 1) / 2).clamp(0, 1)) - waist * torch.cos(y * math.pi / 2).clamp(min=0)
    radius = 0.22
    dx, dy = x.abs() - width + radius, y.abs() - 0.97 + radius
    return torch.hypot(dx.clamp(min=0), dy.clamp(min=0)) + torch.maximum(dx, dy).clamp(max=0) - radius


def head(random, count, x, y):
    """A head on its neck."""
    flat = random.uniform(0.62, 0.8, count, 1, 1)
    skull = (torch.hypot(x / flat, (y + 0.2) / 0.78) - 1) * flat * 0.9
    neck = rounded(x, y - 0.7, random.uniform(0.2, 0.32, count, 1, 1), 0.3, 0.05)
    return torch.minimum(skull, neck)


JOINT = 0.72
"""Where a limb's joints lie, as a share of half its layer's height."""
THINGS = (ring_or_disc, box, blob, blob, polygon, polygon, bar, fence, plant, letter)
"""What lies about; what several stand for is drawn more often."""
PARTS = (word, limb, fore, shin, trunk, head)
COUNT = len(THINGS) + len(PARTS)
WORD, LIMB, FORE, SHIN, TRUNK, HEAD, ALL = range(len(THINGS), COUNT + 1)
"""Kinds by their place in the bank; `ALL` covers everything."""


def bank(random, each):
    """`each` shapes of every kind, things before the parts of figures, and one that covers everything last."""
    x, y = (p * MARGIN for p in places(GRID, random.device))
    shapes = [kind(random, each, x, y).expand(each, GRID, GRID) for kind in (*THINGS, *PARTS)]
    return torch.cat([*shapes, torch.full_like(x, -9.0)[None]])[:, None]
