"""Smoke, fog, fire and ink: what a simulated fluid carries."""

import cv2
import numpy as np

from .element import DENSITIES, DIRECTIONS, RATE, SIZES, SPEEDS, Element, Size, colour_of, over, unit
from .fluid import Fluid, Vents, edge_points, fractal_noise, identity_map, look_up

WARM_STEP = 2 / RATE    # longer than a frame: nobody sees it


def crossing(size, direction):
    """The picture's length along `direction`, in heights."""
    return size.width / size.height if unit(direction)[0] else 1.0


def schedule(size, speed, warm_seconds):
    """The steps' lengths in seconds, the warm-up's first, and how many are of the warm-up."""
    warm = int(np.ceil(warm_seconds / WARM_STEP))
    return [WARM_STEP] * warm + [SPEEDS[speed] / RATE] * size.frames, warm


def shift(stack, dx, dy):
    """`[T, H, W]`, moved by whole pixels; what comes in is 0."""
    height, width = stack.shape[1:]
    dx, dy = np.clip(dx, -width, width), np.clip(dy, -height, height)
    moved = np.zeros_like(stack)
    moved[:, max(dy, 0):height + min(dy, 0), max(dx, 0):width + min(dx, 0)] = \
        stack[:, max(-dy, 0):height + min(-dy, 0), max(-dx, 0):width + min(-dx, 0)]
    return moved


def light_through(density, towards):
    """How much light comes through to each place of `density` `[T, H, W]` (optical depth a height) from the direction
    `towards` (x, y): the sum along 32 steps, by doubling, at a quarter of the resolution; 0 to 1."""
    frames, height, width = density.shape
    small = np.stack([cv2.resize(d, (width // 4, height // 4), interpolation=cv2.INTER_AREA) for d in density])
    depth = small * (1.2 / height)
    for length in (1, 2, 4, 8, 16):
        depth = depth + shift(depth, round(-towards[0] * length), round(-towards[1] * length))
    light = np.exp(-depth)
    return np.stack([cv2.resize(cv2.GaussianBlur(frame, (0, 0), 1), (width, height), interpolation=cv2.INTER_CUBIC)
                     for frame in light])


def soften(stack, radius):
    """`[T, H, W]`, blurred by `radius` heights, which is not small."""
    height, width = stack.shape[1:]
    small = (width // 4, height // 4)
    return np.stack([cv2.resize(cv2.GaussianBlur(cv2.resize(frame, small, interpolation=cv2.INTER_AREA), (0, 0),
                                                 radius * small[1]), (width, height), interpolation=cv2.INTER_CUBIC)
                     for frame in stack])


def dyed(name, rng):
    """The RGB of a colour's name, a little lighter or darker, and no greyer or less grey."""
    return np.clip(colour_of(name) * np.float32(rng.uniform(0.9, 1.08)), 0, 1)


def backdrop(size, colour, rng, fall=0.12):
    """A plain background with a soft, uneven light on it: `[H, W, 3]`."""
    y, x = np.mgrid[0:1:size.height * 1j, 0:1:size.width * 1j].astype(np.float32)
    cx, cy = rng.uniform(0.2, 0.8, 2)
    far = np.hypot(x - np.float32(cx), y - np.float32(cy))
    return np.clip(colour * (1 + 0.03 - fall * far)[..., None], 0, 1)


class Smoke(Element):
    """Plumes of smoke, risen by heat or blown by wind, lit from a side."""

    name = "smoke"
    attributes = {
        "colour": ("white", "grey", "black", "red", "orange", "yellow", "green", "blue", "purple", "pink"),
        "background": ("black", "white", "grey", "blue"),
        "direction": DIRECTIONS, "speed": tuple(SPEEDS), "density": tuple(DENSITIES),
    }
    natural = {"colour": ("white", "grey"), "background": ("black",), "direction": ("up",), "speed": ("medium",),
               "density": ("medium",)}
    nouns = ("smoke", "a plume of smoke", "billowing smoke", "a cloud of smoke", "smoke plumes", "wisps of smoke")
    verbs = ("drifting", "blowing", "moving", "billowing")

    def draw(self, ask, size, rng):
        density = self._simulate(ask, size, rng)
        density = 0.55 * density + 0.45 * np.maximum(soften(density, 0.035), 0)
        angle = rng.uniform(0, 2 * np.pi)
        towards = np.array([np.cos(angle), -abs(np.sin(angle)) - 0.2])
        light = light_through(density, towards / np.hypot(*towards))
        colour = dyed(ask["colour"], rng)
        relief = 0.15 * np.tanh(0.25 * (density - soften(density, 0.05)))
        shade = np.minimum(0.6 + 0.6 * light + relief, 1.05)[..., None]
        lit = np.clip(colour * shade + 0.07 * light[..., None], 0, 1)
        alpha = 1 - np.exp(-density * 0.15)
        return np.clip(over(alpha, lit, backdrop(size, colour_of(ask["background"]), rng)), 0, 1)

    def _simulate(self, ask, size, rng):
        """The smoke's density `[T, H, W]`."""
        direction, amount = ask["direction"], DENSITIES[ask["density"]]
        axis = np.array(unit(direction), np.float32)
        flow = 0.42 * rng.uniform(0.85, 1.15)
        fluid = Fluid(size, axis * (0.6 * flow), swirl=rng.uniform(0.15, 0.35))
        fluid.stir(rng, 0.06, 0.3)
        steps, warm = schedule(size, ask["speed"], 1.15 * crossing(size, direction) / flow)
        fewest, most = {"sparse": (1, 1), "medium": (1, 3), "dense": (3, 4 if axis[0] else 6)}[ask["density"]]
        count = rng.integers(fewest, most + 1)
        along = (np.arange(count) + rng.uniform(0.3, 0.7, count)) / count
        radii = rng.uniform(0.04, 0.075, count) * amount ** 0.25 * (1.5 if count == 1 else 1)
        vents = Vents(fluid, direction, edge_points(size, direction, along), radii, 1.3 * flow, steps, rng)
        smoke, frames = np.zeros(fluid.fine_shape, np.float32), []
        for step, seconds in enumerate(steps):
            lift = fluid.coarse(np.minimum(smoke, 20))[..., None] * axis * 0.02
            fluid.step(seconds, lift + vents.push(step, 6))
            smoke = fluid.carry(smoke, 1e-4) * np.float32(np.exp(-0.15 * seconds))
            smoke += vents.inflow(step) * np.float32(75 * amount ** 0.3 * seconds)
            if step >= warm:
                frames.append(fluid.picture(smoke))
        return np.stack(frames)


class Fog(Element):
    """Banks of fog at three depths, the near ones larger, softer and faster."""

    name = "fog"
    attributes = {
        "colour": ("white", "grey", "blue", "green", "purple", "orange", "pink", "red"),
        "direction": ("left", "right"), "speed": tuple(SPEEDS), "density": tuple(DENSITIES),
    }
    natural = {"colour": ("white", "grey"), "direction": ("left", "right"), "speed": ("medium", "slow"),
               "density": ("medium",)}
    nouns = ("fog", "mist", "a bank of fog", "drifting mist", "low fog", "fog banks")
    verbs = ("drifting", "rolling", "moving", "creeping")

    def draw(self, ask, size, rng):
        colour, amount = dyed(ask["colour"], rng), DENSITIES[ask["density"]]
        dim = (0.06 + 0.10 * colour) * rng.uniform(0.3, 1.1)
        picture = np.tile(backdrop(size, dim, rng, 0.6), (size.frames, 1, 1, 1))
        banks = self._simulate(size, rng, SPEEDS[ask["speed"]])
        thinning = self._thinning(size, rng)
        glow = 0.78 + 0.3 * backdrop(size, np.ones(3, np.float32), rng, 0.8)
        for depth, (nearness, magnify) in enumerate(((0.65, 1.0), (1.0, 1.5), (1.6, 2.3))):
            travel = unit(ask["direction"])[0] * SPEEDS[ask["speed"]] * 0.5 * nearness / RATE
            fog = np.maximum(1.3 * self._layer(banks, size, travel, magnify, rng) - thinning, 0)
            fog *= fog / (fog + np.float32(0.25))    # a soft onset: no outlines
            alpha = 1 - np.exp(-fog * np.float32(amount ** 0.8 * (0.85, 0.75, 0.5)[depth]))
            shade = (0.62 + 0.42 * np.minimum(fog, 1.3))[..., None] * (0.75 + 0.125 * depth)
            picture = over(alpha, np.clip(colour * glow * shade, 0, 1), picture)
        return np.clip(picture, 0, 1)

    def _simulate(self, size, rng, pace):
        """Fog stirred by eddies, without its drift: periodic densities `[T, h, w]`."""
        fluid = Fluid(size, swirl=0.05, open_ends=False)
        fluid.stir(rng, 0.07, 0.4)
        noise = fractal_noise(rng, *fluid.fine_shape, 0.5 * size.height, 2.2)
        fog = np.maximum(0.35 + 0.9 * noise, 0).astype(np.float32)
        frames = []
        warm = 14
        for seconds in [WARM_STEP] * warm + [pace / RATE] * size.frames:
            fluid.step(seconds)
            fog = fluid.carry(fog, 3e-4)
            frames.append(fog)
        return np.stack(frames[warm:])

    def _layer(self, banks, size, travel, magnify, rng):
        """The banks, longer than high and `magnify` times as large, at `travel` heights a frame: `[T, H, W]`."""
        places = identity_map(size.height, size.width) / (magnify * np.array([1.7, 1.0]))
        start = rng.uniform(0, 1, 2) * banks.shape[2:0:-1]
        step = np.array([travel * size.height / (1.7 * magnify), 0])
        return np.stack([look_up(fog, (places + start - step * t).astype(np.float32), cv2.INTER_LINEAR)
                         for t, fog in enumerate(banks)])

    def _thinning(self, size, rng):
        """What the height takes from the fog's density: it fills the picture, or lies in its lower part: `[H, 1]`."""
        y = np.linspace(0, 1, size.height, dtype=np.float32)[:, None]
        top = rng.choice([-0.8, rng.uniform(-0.1, 0.35)])
        rise = np.clip((y - top) / 0.6, 0, 1)
        return 3.5 * (1 - rise) ** 2


class Fire(Element):
    """Flames on black, with embers."""

    name = "fire"
    attributes = {
        "colour": ("orange", "yellow", "red", "blue", "green", "purple", "pink", "cyan"),
        "size": tuple(SIZES), "speed": tuple(SPEEDS),
    }
    natural = {"colour": ("orange", "yellow"), "size": ("medium", "large"), "speed": ("medium",)}
    nouns = ("fire", "flames", "burning flames", "a burning fire", "a fire")
    verbs = ("burning", "blazing", "flickering", "glowing")
    stretch = 1.6   # flames are drawn that much longer than the fluid's eddies are

    def draw(self, ask, size, rng):
        squat = Size(size.frames, int(size.height / self.stretch), size.width)
        heat, embers = (np.stack([cv2.resize(frame, (size.width, size.height), interpolation=cv2.INTER_CUBIC)
                                  for frame in stack]) for stack in self._simulate(ask, squat, rng))
        heat = 0.65 * heat + 0.35 * soften(heat, 0.02)
        colour = dyed(ask["colour"], rng)
        picture = flame_colours(heat + embers, colour)
        return np.clip(picture + (0.3 * soften(heat, 0.09))[..., None] * colour, 0, 1)

    def _simulate(self, ask, size, rng):
        """The heat and the embers' light, each `[T, H, W]`."""
        scale = SIZES[ask["size"]]
        rise = 1.2 * scale ** 0.5
        fluid = Fluid(size, (0, -0.6), swirl=0.2)
        fluid.stir(rng, 0.15, 0.2)
        steps, warm = schedule(size, ask["speed"], 1.6)
        wide = size.width / size.height
        width = min(wide * 1.1, rng.uniform(0.5, 0.95) * scale ** 2)
        count = max(3, int(width / (0.02 + 0.08 * scale)))
        middle = wide / 2 + rng.uniform(-0.5, 0.5) * max(wide - width, 0) * 0.6
        x = middle + width * (np.linspace(-0.5, 0.5, count) + rng.uniform(-0.2, 0.2, count) / count)
        centres = np.stack([x, np.full(count, 1.0 if scale > 1 else 0.93)], 1)
        vents = Vents(fluid, "up", centres, rng.uniform(0.04, 0.08, count), 0.5 * rise, steps, rng)
        sparks = Embers(fluid, centres, int(rng.uniform(15, 45) * scale), rng)
        heat, frames, tracks = np.zeros(fluid.fine_shape, np.float32), [], []
        for step, seconds in enumerate(steps):
            lift = fluid.coarse(heat)[..., None] * np.array([0, -2.6 * rise], np.float32)
            fluid.step(seconds, lift + vents.push(step, 8))
            heat = np.maximum(fluid.carry(heat, 2e-5) - np.float32((1.6 / scale ** 0.5) * seconds), 0)
            heat = np.minimum(heat + vents.inflow(step) * np.float32(12 * seconds), 1.3)
            tracks.append(sparks.step(seconds))
            if step >= warm:
                frames.append(fluid.picture(heat))
        return np.stack(frames), draw_streaks(tracks[warm:], size)


class Embers:
    """Glowing specks that the fluid carries up from the fire."""

    def __init__(self, fluid, centres, count, rng):
        self.fluid, self.centres, self.rng = fluid, centres, rng
        self.points = self._born(count)
        self.age = rng.uniform(0, 1, count)
        self.life = rng.uniform(0.8, 2.0, count)
        self.light = rng.uniform(0.4, 1.6, count)

    def _born(self, count):
        spots = self.centres[self.rng.integers(0, len(self.centres), count)]
        return spots + self.rng.normal(0, 0.05, (count, 2))

    def step(self, seconds):
        """Move on: from where, to where, and how bright: `[n, 2]`, `[n, 2]`, `[n]`."""
        before = self.points
        flow = self.fluid.at(before) + (0, -0.25) + self.rng.normal(0, 0.12, before.shape)
        self.points = before + flow * seconds
        self.age = self.age + seconds / self.life
        light = self.light * np.clip(4 * self.age, 0, 1) * np.clip(2 * (1 - self.age), 0, 1)
        track = (before, self.points, light)
        dead = self.age >= 1
        self.points = np.where(dead[:, None], self._born(len(dead)), self.points)
        self.age = np.where(dead, 0, self.age)
        return track


def draw_streaks(tracks, size, samples=16):
    """The light of points that move within each frame, soft and antialiased: `[T, H, W]`."""
    height, width = size.height, size.width
    light = np.zeros((len(tracks), height, width), np.float32)
    share = (np.arange(samples) + 0.5)[:, None, None] / samples
    for frame, (before, after, strength) in zip(light, tracks):
        places = ((before + (after - before) * share) * height - 0.5).reshape(-1, 2)
        low = np.floor(places).astype(int)
        part = places - low
        for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
            weight = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1]) * np.tile(strength, samples)
            x, y = low[:, 0] + dx, low[:, 1] + dy
            seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            np.add.at(frame, (y[seen], x[seen]), weight[seen] / samples)
        frame[:] = cv2.GaussianBlur(frame, (0, 0), height / 260) * (4 * (height / 90) ** 2)
    return light


def flame_colours(heat, colour):
    """What a film shows of a glow of that colour, from dark edges to an overexposed core: `[T, H, W, 3]`.

    Each channel saturates by itself, as film does: orange glows red where it is faint and yellow where it is strong.
    """
    glow = 2.7 * np.linspace(0, 1.3, 256, dtype=np.float32) ** 2
    exposure = glow[:, None] * (np.maximum(colour, 0.02) ** 2.8 + 0.012)
    table = (1 - np.exp(-exposure)) ** (1 / 2.2)
    return table.astype(np.float32)[np.clip(heat * (255 / 1.3), 0, 255).astype(np.uint8)]


class Ink(Element):
    """Ink that is let into clear water, and spreads."""

    name = "ink"
    attributes = {
        "colour": ("black", "blue", "red", "green", "purple", "orange", "pink", "cyan"),
        "background": ("white", "grey", "yellow", "black"),
        "direction": DIRECTIONS, "speed": tuple(SPEEDS),
    }
    natural = {"colour": ("black", "blue"), "background": ("white",), "direction": ("down",), "speed": ("medium",)}
    nouns = ("ink in water", "ink", "ink drops in water", "a drop of ink", "a cloud of ink", "ink spreading in water")
    verbs = ("spreading", "flowing", "moving", "sinking")

    def draw(self, ask, size, rng):
        density = self._simulate(ask, size, rng)
        colour, ground = dyed(ask["colour"], rng), colour_of(ask["background"])
        body = np.clip(1.05 - 0.02 * density, 0.75, None)[..., None]
        alpha = 1 - np.exp(-0.3 * density)
        return np.clip(over(alpha, np.clip(colour * body, 0, 1), backdrop(size, ground, rng, 0.18)), 0, 1)

    def _simulate(self, ask, size, rng):
        """The ink's density `[T, H, W]`."""
        direction = ask["direction"]
        axis = np.array(unit(direction), np.float32)
        flow = 0.4 * rng.uniform(0.85, 1.15)
        fluid = Fluid(size, axis * (0.3 * flow), swirl=rng.uniform(0.2, 0.45))
        fluid.stir(rng, 0.05, 0.25)
        steps, warm = schedule(size, ask["speed"], rng.uniform(0.5, 0.8) * crossing(size, direction) / flow)
        count = rng.integers(1, 4)
        along = (np.arange(count) + rng.uniform(0.3, 0.7, count)) / count
        radii = rng.uniform(0.02, 0.065, count) * (1.4 if count == 1 else 1)
        vents = Vents(fluid, direction, edge_points(size, direction, along), radii, 2.2 * flow, steps, rng)
        ink, frames = np.zeros(fluid.fine_shape, np.float32), []
        for step, seconds in enumerate(steps):
            sink = fluid.coarse(np.minimum(ink, 20))[..., None] * axis * 0.02
            fluid.step(seconds, sink + vents.push(step, 10))
            ink = fluid.carry(ink, 1.5e-5) + vents.inflow(step) * np.float32(60 * seconds)
            if step >= warm:
                frames.append(fluid.picture(ink))
        return np.stack(frames)
