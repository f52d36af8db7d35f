"""Motion graphics: gradients, stripes, drifting shapes, rings and the neon grid."""

import numpy as np

from .canvas import backdrop, blend, coverage, moments, paste, plane, scattered, smooth, wrap
from .element import SIZES, SPEEDS, Element, colour_of, unit

HUES = ("blue", "red", "orange", "yellow", "green", "cyan", "purple", "pink")
WAYS = ("left", "right", "up", "down")
SIDES = {"circles": 0, "triangles": 3, "squares": 4, "hexagons": 6}


def axes(direction, x, y):
    """Coordinates along and across a direction."""
    dx, dy = unit(direction)
    return x * dx + y * dy, y * dx - x * dy


def lookup(table, start, step, u):
    """`table`, sampled every `step` from `start`, at u: it must be finer than what it holds."""
    index = ((u - start) * (1 / step)).astype(np.int32)
    return table[np.clip(index, 0, len(table) - 1)]


class Gradient(Element):
    name = "gradient"
    attributes = {"colour": HUES, "accent": ("black", "white", *HUES), "direction": WAYS, "speed": tuple(SPEEDS)}
    natural = {"colour": HUES, "accent": ("black", "white"), "direction": WAYS, "speed": ("medium",)}
    nouns = ("a gradient", "gradient background", "a smooth gradient", "a soft gradient background", "colour gradient")
    verbs = ("moving", "flowing", "drifting", "sliding")

    def draw(self, ask, size, rng):
        along, across = axes(ask["direction"], *plane(size))
        t = moments(size)[:, None, None]
        # About one period is in view, so that both colours always are.
        length = np.ptp(along) * rng.uniform(0.75, 1.1)
        u = along - 0.55 * SPEEDS[ask["speed"]] * t
        phase = 2 * np.pi * u / length + rng.uniform(0, 2 * np.pi) + self.warp(rng, u, across, t)
        # The bias gives the named colour the larger share of the picture.
        weight = np.clip(0.5 - 0.5 * np.sin(phase), 0, 1) ** rng.uniform(1.3, 1.9)
        return lookup(self.ramp(ask, rng), 0.0, 1 / 2047, weight)

    def warp(self, rng, u, across, t):
        """Bends that travel with the gradient and slowly change."""
        total = np.zeros(np.broadcast_shapes(u.shape, across.shape), np.float32)
        for _ in range(3):
            kx, ky = rng.uniform(0.6, 2.2), rng.uniform(1.5, 5.0) * rng.choice([-1, 1])
            total += rng.uniform(0.2, 0.5) * np.sin(kx * u + ky * across + rng.uniform(-0.6, 0.6) * t
                                                    + rng.uniform(0, 6.28))
        return total

    def ramp(self, ask, rng):
        """The colours from the named one (0) to the accent (1)."""
        first, second = colour_of(ask["colour"], rng), colour_of(ask["accent"], rng)
        if ask["accent"] == ask["colour"]:
            second = first * 0.45
        weight = np.linspace(0, 1, 2048, dtype=np.float32)
        glow = 0.12 * np.exp(-((weight / 0.25) ** 2))[:, None]
        return np.clip(blend(first, second, weight) + glow * first, 0, 1)


class Bands:
    """A row of bands without a period: of each place along it, how much a band covers it, the band's tone, and how far
    across the band it is (-1 to 1)."""

    def __init__(self, rng, start, end, pitch, share, softness, step):
        widths = pitch * rng.uniform(0.7, 1.4, int((end - start) / (0.7 * pitch)) + 2)
        edges = start + np.cumsum(widths) - widths[0] * rng.uniform(0, 1)
        self.start, self.step = start, step
        u = np.arange(start, end, step, dtype=np.float32)
        index = np.clip(np.searchsorted(edges, u), 0, len(edges) - 1)
        half = share * widths[index] / 2
        offset = u - (edges[index] - widths[index] / 2)
        self.alpha = coverage(np.abs(offset) - half, softness)
        self.tone = rng.uniform(0.65, 1.08, len(edges)).astype(np.float32)[index]
        self.across = np.clip(offset / half, -1.5, 1.5).astype(np.float32)

    def shadow(self, offset, spread):
        """The soft shadow of the bands, moved by `offset`."""
        n = max(3, int(spread / self.step) | 1)
        kernel = np.hanning(n + 2)
        padded = np.pad(np.roll(self.alpha, int(offset / self.step)), n // 2 + 1, mode="edge")
        return np.convolve(padded, kernel / kernel.sum(), "valid")


class Stripes(Element):
    name = "stripes"
    attributes = {
        "colour": ("white", "red", "yellow", "green", "cyan", "blue", "purple", "pink"),
        "background": ("black", "white", "grey", "blue", "red"), "direction": WAYS, "speed": tuple(SPEEDS),
        "size": tuple(SIZES),
    }
    natural = {"colour": ("white",), "background": ("black",), "direction": WAYS, "speed": ("medium",),
               "size": ("medium",)}
    nouns = ("stripes", "moving stripes", "lines", "soft stripes", "a striped background", "a pattern of lines")
    verbs = ("moving", "sliding", "passing", "scrolling")

    def draw(self, ask, size, rng):
        along, across = axes(ask["direction"], *plane(size))
        # A slant below 45 degrees leaves the motion that is seen, at right angles to the stripes, nearest the direction
        # that is asked for.
        slant = float(rng.choice([0, 1, -1])) * rng.uniform(0.25, 0.6)
        # Thin stripes go slower: at a good part of their spacing in each frame, they would seem to go backwards.
        speed = 0.5 * SPEEDS[ask["speed"]] * SIZES[ask["size"]] ** 0.5 * np.cos(slant)
        position = along * np.cos(slant) + across * np.sin(slant)
        travel = speed * moments(size)[-1]
        step = 0.125 / size.height
        bands = Bands(rng, position.min() - travel - 0.1, position.max() + 0.1, 0.24 * SIZES[ask["size"]],
                      rng.uniform(0.4, 0.6), self.softness(rng, ask, size), step)
        colours = self.colours(ask, rng, bands, np.sign(rng.normal()))
        u = position - speed * moments(size)[:, None, None]
        x, y = plane(size)
        light = 1.03 - rng.uniform(0.08, 0.2) * ((x - rng.uniform(-0.5, 0.5)) ** 2 + (y - rng.uniform(-0.3, 0.3)) ** 2)
        return np.clip(lookup(colours, bands.start, step, u) * light[..., None], 0, 1).astype(np.float32)

    def softness(self, rng, ask, size):
        """The width of an edge: from just antialiased to a soft glow."""
        return max(1.6 / size.height, rng.choice([0.012, 0.03, 0.06]) * SIZES[ask["size"]])

    def colours(self, ask, rng, bands, side):
        """The colour at each place along the bands: each is lit from one side and shades the background."""
        ink, ground = colour_of(ask["colour"], rng), colour_of(ask["background"], rng, 0.015)
        shade = 1 - 0.45 * bands.shadow(side * 0.03, 0.08)[:, None]
        lit = (bands.tone * (0.93 + 0.1 * side * bands.across))[:, None]
        below = ground * shade
        return (below + (ink * lit - below) * bands.alpha[:, None]).astype(np.float32)


def polygon(x, y, radius, sides):
    """The distance to a regular polygon (a circle for 0 sides) with a corner at the top."""
    r = np.hypot(x, y)
    if sides == 0:
        return r - radius
    sector = 2 * np.pi / sides
    angle = np.mod(np.arctan2(x, -y), sector) - sector / 2
    return r * np.cos(angle) - radius * np.cos(sector / 2)


class Shapes(Element):
    name = "shapes"
    attributes = {
        "shape": tuple(SIDES), "colour": ("blue", "red", "orange", "yellow", "green", "purple", "pink", "white"),
        "background": ("black", "white", "grey", "blue"), "direction": WAYS, "size": tuple(SIZES),
        "speed": tuple(SPEEDS),
    }
    natural = {
        "shape": tuple(SIDES), "colour": ("blue", "orange", "pink", "white"), "background": ("black",),
        "direction": WAYS, "size": ("medium",), "speed": ("medium",),
    }
    nouns = ("geometric shapes", "shapes", "floating shapes", "abstract geometric shapes")
    verbs = ("drifting", "floating", "moving", "gliding")

    def draw(self, ask, size, rng):
        ground = backdrop(size, ask["background"], rng)
        clip = np.repeat(ground[None], size.frames, 0)
        count = int(np.clip(30 / SIZES[ask["size"]] ** 1.3 * rng.uniform(0.75, 1.25), 12, 70))
        style = rng.choice(["filled", "outline", "both"])
        # Far ones first.
        depths = sorted(rng.uniform(0.4, 1.7, count) ** -1.0, reverse=True)
        for depth, place in zip(depths, scattered(rng, count)):
            outline = style == "outline" or (style == "both" and rng.random() < 0.4)
            self.drift(clip, ask, size, rng, (depth, 2 * place - 1), outline, ground.mean((0, 1)))
        return np.clip(clip, 0, 1)

    def drift(self, clip, ask, size, rng, start, outline, ground):
        """One shape, over all the frames. Depth 1 is in focus; nearer is larger, faster and blurred."""
        depth, (x, y) = start
        radius = 0.12 * SIZES[ask["size"]] * rng.uniform(0.7, 1.3) / depth
        dx, dy = unit(ask["direction"])
        speed = 0.42 * SPEEDS[ask["speed"]] / depth
        t = moments(size)
        sway = rng.uniform(-0.06, 0.06) * SPEEDS[ask["speed"]]
        edge_x, edge_y = size.width / size.height / 2 + 1.3 * radius, 0.5 + 1.3 * radius
        cx = wrap(x * edge_x + (dx * speed + dy * sway) * t, -edge_x, edge_x)
        cy = wrap(y * edge_y + (dy * speed + dx * sway) * t, -edge_y, edge_y)
        angle = rng.uniform(0, 6.28) + rng.uniform(-0.9, 0.9) * SPEEDS[ask["speed"]] ** 0.5 * t
        # Defocus, and half the way it goes while the shutter is open.
        softness = 1.6 / size.height + 0.05 * abs(1 / depth - 1) + 0.25 * speed / 24
        ink = np.clip(colour_of(ask["colour"], rng, 0.05) * rng.uniform(0.75, 1.1), 0, 1)
        ink = ground + (ink - ground) * min(1, 0.45 + 0.55 / depth)
        self.stamp(clip, (cx, cy, angle, radius, softness), SIDES[ask["shape"]], ink, outline)

    def stamp(self, clip, pose, sides, ink, outline):
        cx, cy, angle, radius, softness = pose
        height, width = clip.shape[1:3]
        half = int(np.ceil((radius + softness) * height)) + 1
        column, row = cx * height + width / 2, (cy + 0.5) * height
        left, top = np.floor(column).astype(int) - half, np.floor(row).astype(int) - half
        offset = np.arange(2 * half, dtype=np.float32) + 0.5
        seen = np.flatnonzero((left < width) & (left > -2 * half) & (top < height) & (top > -2 * half))
        x = ((offset + left[seen, None] - column[seen, None]) / height)[:, None, :]
        y = ((offset + top[seen, None] - row[seen, None]) / height)[:, :, None]
        c, s = np.cos(angle[seen])[:, None, None], np.sin(angle[seen])[:, None, None]
        distance = polygon(x * c + y * s, y * c - x * s, radius, sides)
        if outline:
            distance = np.abs(distance + 0.09 * radius) - 0.09 * radius
        alpha = 0.88 * coverage(distance, softness)
        shade = np.clip(1 - 0.22 * (y - x) / radius, 0, 1.25)[..., None] * ink
        for i, frame in enumerate(seen):
            paste(clip[frame], alpha[i], shade[i], left[frame], top[frame])


class Rings(Element):
    name = "rings"
    attributes = {
        "colour": ("white", "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"),
        "background": ("black", "white", "grey", "blue"), "direction": ("outward", "inward"), "speed": tuple(SPEEDS),
    }
    natural = {"colour": ("white", "cyan", "blue"), "background": ("black",), "direction": ("outward",),
               "speed": ("medium",)}
    nouns = ("rings", "concentric rings", "growing rings", "concentric circles", "pulsing rings", "waves of rings")
    verbs = ("growing", "spreading", "moving", "pulsing")

    def draw(self, ask, size, rng):
        ground = backdrop(size, ask["background"], rng)
        speed = 0.38 * SPEEDS[ask["speed"]] * (1 if ask["direction"] == "outward" else -1)
        x, y = plane(size)
        flatten = float(rng.choice([1, rng.uniform(1, 2)]))
        r = np.hypot(x - rng.uniform(-0.3, 0.3), (y - rng.uniform(-0.15, 0.15)) * flatten)
        tunnel = rng.random() < 0.35
        # Rings down a tunnel are evenly spaced in the logarithm of their radius.
        place = 0.45 * np.log(r + 0.03) if tunnel else r
        travel = speed * moments(size)
        step = 0.125 / size.height
        bands = Bands(rng, place.min() - travel.max() - 0.1, place.max() - travel.min() + 0.1,
                      rng.uniform(0.15, 0.32), rng.uniform(0.25, 0.6), rng.choice([0.02, 0.045, 0.09]), step)
        u = place - travel[:, None, None]
        middle = smooth(r / (0.14 if tunnel else 0.05))
        fade = middle if tunnel else middle * np.exp(-rng.uniform(0, 0.9) * r)
        alpha = lookup((bands.alpha * (0.3 + 0.65 * bands.tone)).astype(np.float32), bands.start, step, u) * fade
        glow = lookup((0.25 * bands.shadow(0, 0.2)).astype(np.float32), bands.start, step, u) * fade
        total = np.maximum(alpha, glow)[..., None]
        return np.clip(ground + (colour_of(ask["colour"], rng) - ground) * total, 0, 1).astype(np.float32)


def filtered_lines(u, width, footprint):
    """The share of lines, `width` wide at the whole numbers, in a window `footprint` wide at u: a box filter over a
    periodic line has a closed form, so that far lines fade into an even tone and do not twinkle."""
    def integral(v):
        cell = np.floor(v)
        return cell * width + np.minimum(v - cell, width)
    window = np.maximum(footprint, 1e-4)
    low = u + width / 2 - window / 2
    return (integral(low + window) - integral(low)) / window


class Grid(Element):
    name = "grid"
    attributes = {
        "colour": ("pink", "purple", "blue", "cyan", "green", "orange", "red", "white"),
        "background": ("black", "blue", "purple", "grey"), "direction": ("toward", "left", "right"),
        "speed": tuple(SPEEDS),
    }
    natural = {"colour": ("pink", "purple", "cyan"), "background": ("black",), "direction": ("toward",),
               "speed": ("medium",)}
    nouns = ("a neon grid", "a perspective grid", "a retro grid", "a grid floor", "a glowing grid", "a synthwave grid")
    verbs = ("moving", "sliding", "scrolling", "rushing")

    def draw(self, ask, size, rng):
        x, y = plane(size)
        horizon = rng.uniform(-0.16, 0.08)
        ink = colour_of(ask["colour"], rng)
        lines = self.floor(ask, size, rng, x - rng.uniform(-0.25, 0.25), np.maximum(y - horizon, 0.004))
        scene = self.sky(ask, size, rng, horizon, ink)
        below = coverage(horizon - y, 1.5 / size.height)
        scene = scene * (1 - below * rng.uniform(0.25, 0.5))[..., None]
        light = (lines * below)[..., None]
        # A line's core burns out to white, its glow keeps the colour.
        core = ink + (1 - ink) * 0.35 * light
        return np.clip(scene + (core - scene) * np.minimum(light, 1), 0, 1).astype(np.float32)

    def floor(self, ask, size, rng, x, below):
        """The light of the lines of a floor seen in perspective, `below` the horizon."""
        near = rng.uniform(0.45, 0.7)
        cell = rng.uniform(0.28, 0.42)
        depth = near / below
        shift = 0.8 * SPEEDS[ask["speed"]] / cell * moments(size)[:, None, None] + rng.random()
        ahead, aside = depth / cell, x * depth / cell / near * 0.5
        sign = {"toward": 0, "left": 1, "right": -1}[ask["direction"]]
        moved = 0.4 * SPEEDS[ask["speed"]] / cell / 24
        foot_z = depth / below / size.height / cell + (moved if sign == 0 else 0)
        slope = np.hypot(1, x / below)
        foot_x = depth / near * 0.5 * slope / size.height / cell + (moved if sign else 0)
        z = ahead + (shift if sign == 0 else 0)
        across = aside + sign * shift * 0.6
        total = 0
        for width, gain in ((0.035, 1.0), (0.22, 0.22)):
            a, b = filtered_lines(z, width, foot_z), filtered_lines(across, width, foot_x)
            total = total + gain * (a + b - a * b)
        return total * np.exp(-0.09 * ahead) + 0.25 * np.exp(-below / 0.03)

    def sky(self, ask, size, rng, horizon, ink):
        """The background, the glow at the horizon, and often a sun."""
        x, y = plane(size)
        ground = backdrop(size, ask["background"], rng)
        glow = rng.uniform(0.35, 0.6) * np.exp(-np.abs(y - horizon) / rng.uniform(0.05, 0.14)) + 0 * x
        scene = ground + (ink - ground) * glow[..., None]
        if rng.random() < 0.5:
            radius = rng.uniform(0.14, 0.26)
            up = horizon - rng.uniform(0.3, 0.9) * radius
            distance = np.hypot(x - rng.uniform(-0.3, 0.3), y - up) - radius
            disc = coverage(distance, 2 / size.height) * (y < horizon)
            tone = ink + (1 - ink) * (0.6 * smooth((up + radius - y) / (2 * radius)))[..., None]
            halo = 0.4 * np.exp(-np.maximum(distance, 0) / 0.08)[..., None]
            scene = scene + (ink - scene) * halo * 0.6
            scene = scene + (tone - scene) * disc[..., None]
        return scene
