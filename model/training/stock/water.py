"""Water: the open sea, rings on a pond, and the light under the surface."""

import cv2
import numpy as np

from .element import DENSITIES, RATE, SIZES, SPEEDS, TIMES, Element, colour_of, unit
from .noise import field, sample, smoothstep
from .skies import FLOOR, Sky, directed, displayed, linear, rays, stars
from .waves import Waves

GRAVITY = 9.81


class Sea(Element):
    """The open sea up to the horizon, mirroring the sky."""

    name = "sea"
    attributes = {"time": TIMES, "direction": ("left", "right", "toward"), "speed": tuple(SPEEDS), "size": tuple(SIZES)}
    natural = {"time": ("day",), "direction": ("left", "right", "toward"), "speed": ("medium",), "size": ("medium",)}
    nouns = ("the sea", "the ocean", "ocean waves", "sea waves", "waves on the sea", "open water")
    verbs = ("rolling", "moving", "flowing", "coming", "travelling")

    BODY = {"dawn": linear(0.20, 0.30, 0.40), "day": linear(0.04, 0.32, 0.46), "dusk": linear(0.14, 0.11, 0.20),
            "night": linear(0.02, 0.05, 0.11)}

    def draw(self, ask, size, rng):
        sky = Sky(ask["time"], rng)
        focal, horizon = rng.uniform(0.85, 1.3), rng.uniform(0.22, 0.48)
        right, up = rays(size.height, size.width, horizon, focal)
        bands = self.bands(ask, size.frames, rng)
        pixel = 1 / (focal * size.height)
        down = np.maximum(-up, FLOOR / 3)
        view = (right, down, [[waves.seen(pixel / down, pixel / down ** 2), waves] for waves, *_ in bands])
        above = self.above(sky, right, up, rng)
        shore = smoothstep(-0.6 * pixel, 0.6 * pixel, -up)[..., None]
        mirror, body = sky.panorama(), self.BODY[ask["time"]] * rng.normal(1, 0.06, 3)
        shine = rng.uniform(0.5, 1.2)
        out = np.empty((size.frames, size.height, size.width, 3), np.float32)
        for frame in range(size.frames):
            water = self.water(sky, view, [maps[frame] for _, maps in bands], mirror, body, shine)
            out[frame] = above + (water - above) * shore
        return displayed(out)

    @staticmethod
    def bands(ask, frames, rng):
        """Waves in four bands, each with a map `[frames, texels, texels, 3]` of its height and slopes. The unit of
        length is the camera's height over the sea, a few metres."""
        towards = (0.0, -1.0) if ask["direction"] == "toward" else (unit(ask["direction"])[0], 0.0)
        # Waves that run exactly sideways would draw straight lines to the vanishing point: they come on a little too.
        veer = rng.uniform(-0.12, 0.12) if ask["direction"] == "toward" else -towards[0] * rng.uniform(0.3, 0.65)
        heading = (towards[0] - veer * towards[1], towards[1] + veer * towards[0])
        scale = SIZES[ask["size"]] ** 1.4
        longest, rough = rng.uniform(1.1, 1.6) * scale, rng.uniform(0.8, 1.2)
        times = np.arange(frames) / RATE * SPEEDS[ask["speed"]] + rng.uniform(0, 60)
        out = []
        for share, steep, focus in ((1.0, 0.12, 4), (0.28, 0.10, 2), (0.08, 0.08, 1), (0.03, 0.07, 1)):
            length = longest * share
            waves = Waves(rng, 128, length * 7, length, length / 3.6, heading, focus, GRAVITY / 2.2)
            heights = waves.heights(times, steep * rough / max(scale, 1) ** 0.4)
            out.append((waves, np.stack([heights, *waves.slopes(heights)], -1)))
        return out

    @staticmethod
    def above(sky, right, up, rng):
        x, y, z = directed(right, np.maximum(up, 0))
        light = sky.light(x, y, z) + sky.disc(x, y, z)
        if sky.time == "night":
            return light + stars(*up.shape, rng)
        # High thin clouds, drawn out along the horizon.
        veil = field(rng, (256, 256), 160, 6, 1.7)
        height = np.maximum(up, 0) + 0.12
        cloud = smoothstep(rng.uniform(0, 0.8), 2.2, sample(veil, 14 * right / height, 70 / height))[..., None]
        return light + cloud * 0.5 * (sky.hour.sun * 0.5 + sky.hour.horizon * 0.5 - light * 0.6)

    def water(self, sky, view, maps, mirror, body, shine):
        """The light that the sea sends to each pixel in one frame."""
        right, down, bands = view
        crest, dx, dz, lost = self.surface(right, down, bands, maps)
        scale = 1 / np.sqrt(right ** 2 + down ** 2 + 1)
        ray = right * scale, -down * scale, scale
        norm = 1 / np.sqrt(dx ** 2 + dz ** 2 + 1)
        facing = np.maximum((dx * ray[0] - ray[1] + dz * ray[2]) * norm, 0.02)
        bounced = [r + 2 * facing * norm * n for r, n in zip(ray, (-dx, 1, -dz))]
        # A rough surface seen from afar mirrors higher parts of the sky than a flat one would.
        tall = np.clip(np.abs(bounced[1]) + 1.5 * np.sqrt(lost) * 0.35, 0, 1)
        sky_light = cv2.remap(mirror, (np.clip(bounced[0], -1, 1) + 1) * 63.5, tall * 127, cv2.INTER_LINEAR)
        # Schlick's approximation of Fresnel's reflectance; water reflects 2 % straight on.
        fresnel = (0.02 + 0.98 * (1 - facing) ** 5 / (1 + 8 * lost))[..., None]
        depth = body * (1 + 3.5 * np.clip(crest, -0.25, 0.5))[..., None]
        glint = self.glints(sky, bounced, lost, shine)
        light = depth + (sky_light - depth) * fresnel + glint[..., None] * sky.hour.sun
        haze = np.exp(-0.012 / down)[..., None]
        return mirror[0, 64] + (light - mirror[0, 64]) * (0.4 + 0.6 * haze)

    @staticmethod
    def surface(right, down, bands, maps):
        """Crest height and slopes at each pixel, and the mean square of the slopes too fine to be seen there."""
        height = 0
        for _ in range(2):  # Where the ray meets the waves and not the mean level, closing in on it.
            ahead = (1 - height) / down
            across = right * ahead
            height = 0
            for (seen, waves), tile in zip(bands[:2], maps):
                scale = waves.texels / waves.span
                height = height + sample(tile[..., 0], across * scale, ahead * scale) * seen
        total, lost = 0, 0
        for (seen, waves), tile in zip(bands, maps):
            scale = waves.texels / waves.span
            total = total + sample(tile, across * scale, ahead * scale) * seen[..., None]
            lost = lost + (1 - seen ** 2) * np.square(tile[::4, ::4, 1:]).mean() * 2
        return height * 3, total[..., 1], total[..., 2], lost

    @staticmethod
    def glints(sky, bounced, lost, shine):
        """The sun's mirror images, wider and fainter where many facets share a pixel (Cox and Munk 1954)."""
        spread = 0.006 + 2.5 * lost
        return np.minimum(shine * 0.035 / spread, 1.5) * np.exp((sky.towards(*bounced) - 1) / spread)


class Ripples(Element):
    """A pond with drops falling into it. Their rings are waves on a grid, each Fourier mode of which swings exactly by
    the dispersion relation of gravity and surface tension: short waves run ahead, as on real water."""

    name = "ripples"
    attributes = {"colour": ("blue", "cyan", "green", "grey", "purple", "red", "gold", "black"),
                  "density": tuple(DENSITIES), "speed": tuple(SPEEDS), "size": tuple(SIZES)}
    natural = {"colour": ("blue",), "density": ("medium",), "speed": ("medium",), "size": ("medium",)}
    nouns = ("ripples", "ripples on water", "water ripples", "drops on water", "rain on a pond", "rings on water")
    verbs = ("spreading", "rippling", "growing")

    WARM, MARGIN = 40, 1.25  # Frames before the first; how much more than the picture the grid covers.

    def draw(self, ask, size, rng):
        tilt = rng.uniform(0.35, 0.75) if rng.random() < 0.6 else 0.0
        grid = self.grid(size, ask["size"], rng)
        out = np.empty((size.frames, size.height, size.width, 3), np.float32)
        place = self.view(size, grid[0].shape, tilt)
        light = self.lighting(ask["colour"], size, tilt, rng)
        for frame, height in enumerate(self.surfaces(ask, size, grid, rng)):
            out[frame] = self.shaded(height, place, light, size.height)
        return displayed(out)

    def grid(self, size, drop, rng):
        """Wave numbers and frequencies of a grid's modes, in radians a picture height and a second, and a drop's
        spectrum."""
        rows, columns = (cv2.getOptimalDFTSize(round(side * self.MARGIN)) for side in (size.height, size.width))
        k = np.hypot(np.fft.fftfreq(rows, 1 / size.height)[:, None],
                     np.fft.fftfreq(columns, 1 / size.height)[None]) * 2 * np.pi
        # The picture is about half a metre high; larger drops mean a closer camera.
        radius = 0.018 * SIZES[drop] * rng.uniform(0.9, 1.1)
        turning = np.sqrt(22 * k + 0.0011 * SIZES[drop] * k ** 3) * 0.8
        return k, turning, np.exp(-0.5 * (k * radius) ** 2) * (1 - np.exp(-0.5 * (k * radius) ** 2)) * radius

    def surfaces(self, ask, size, grid, rng):
        """The surface, frame by frame."""
        k, turning, drop = grid
        rows, columns = k.shape
        step = SPEEDS[ask["speed"]] / RATE
        turn = np.exp((-1j * turning - 0.8 - 0.00016 * k ** 2) * step).astype(np.complex64)
        modes = np.zeros(k.shape, np.complex64)
        ky, kx = np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)[None]
        often = 5.0 * DENSITIES[ask["density"]] ** 1.3 / SIZES[ask["size"]] * step * size.width / size.height
        for frame in range(-self.WARM, size.frames):
            modes *= turn
            # The last frame always has rings to see: one drop falls just before the first.
            for _ in range(rng.poisson(often) + (frame in (-8, 6))):
                y, x = rng.uniform(0, rows), rng.uniform(0, columns)
                modes += drop * rng.uniform(0.6, 1.3) * np.exp(-2j * np.pi * ky * y) * np.exp(-2j * np.pi * kx * x)
            if frame >= 0:
                # The real part adds the waves of each mode both ways: from a drop at rest, rings.
                yield np.fft.ifft2(modes).real * np.float32(size.height ** 3 * 0.0045)

    @staticmethod
    def view(size, shape, tilt):
        """The grid's texels that the pixels see: straight down, or leaning ahead by `tilt`."""
        y, x = np.mgrid[0:size.height, 0:size.width].astype(np.float32)
        depth = 1 + tilt * (0.5 - y / (size.height - 1))
        rows = shape[0] - (size.height - y) * (1 + 0.2 * tilt) * depth - 4
        return (x - size.width / 2) * depth + shape[0] * size.width / size.height / 2, rows

    @staticmethod
    def lighting(colour, size, tilt, rng):
        """The water's own light, what it mirrors by direction, and where its lamp stands."""
        base = np.square(colour_of(colour, rng, 0.02)) * rng.uniform(0.4, 0.75) + 0.004
        y, x = np.mgrid[0:size.height, 0:size.width].astype(np.float32)
        scale = 20 / size.height
        cloudy = smoothstep(-1.5, 1.5, sample(field(rng, (64, 64), 60, 16, 2), x * scale, y * scale))
        shade = 0.7 + 0.5 * (1 - y / size.height) * (0.4 + tilt) + 0.35 * (cloudy - 0.5)
        bright = np.square(colour_of(colour)) * 0.75 + 0.25
        angle = rng.uniform(0, 2 * np.pi)
        return base * shade[..., None], bright, (np.cos(angle), np.sin(angle)), rng.uniform(0.8, 1.2)

    @staticmethod
    def shaded(height, place, light, scale):
        """One frame: the slopes towards the lamp shine, those away from it darken."""
        base, bright, lamp, power = light
        dx = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) / 2
        dy = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) / 2
        slope = sample((dx * lamp[0] + dy * lamp[1]) * power, *place)
        # Compressed: a drop's first splash is far steeper than the rings that it leaves, which are to be seen well.
        slope = np.tanh(6 * slope)
        gleam = smoothstep(0.15, 1.0, slope)
        return base * (1 + 0.6 * slope)[..., None] + bright * (0.55 * gleam + 0.10 * np.maximum(slope, 0))[..., None]


class Underwater(Element):
    """Under the surface: shafts of light, and caustics on the bottom or on the surface above."""

    name = "underwater"
    attributes = {"colour": ("blue", "cyan", "green", "purple"), "direction": ("left", "right"),
                  "speed": tuple(SPEEDS)}
    natural = {"colour": ("blue",), "direction": ("left", "right"), "speed": ("medium",)}
    nouns = ("underwater", "underwater light", "light rays under water", "the sea from below", "sun rays underwater")
    verbs = ("drifting", "moving", "flowing", "shimmering")

    def draw(self, ask, size, rng):
        colour = np.square(colour_of(ask["colour"], rng, 0.02))
        rate = unit(ask["direction"])[0] * SPEEDS[ask["speed"]]
        y = (np.arange(size.height, dtype=np.float32) / size.height)[:, None]
        bright, dark = rng.uniform(0.5, 0.9), rng.uniform(0.04, 0.14)
        pale = colour * 0.7 + 0.3
        light = np.zeros((size.frames, size.height, size.width), np.float32)
        light += dark + (bright - dark) * np.exp(-y * rng.uniform(1.4, 2.6))
        shafts = self.shafts(rate, size, rng)
        kind = rng.choice(["bottom", "surface", "both", "deep"], p=[0.4, 0.25, 0.2, 0.15])
        bottom, surface = kind in ("bottom", "both"), kind in ("surface", "both")
        glow = 0.55 * shafts
        if bottom or surface:
            glow += self.caustics(ask, rate, size, bottom, surface, rng)
        picture = light[..., None] * colour * 1.1 + glow[..., None] * pale
        return displayed(picture + self.motes(rate, size, rng)[..., None] * pale)

    @staticmethod
    def shafts(rate, size, rng):
        """Beams from a point far above, `[frames, height, width]`: noise over the angle, carried sideways."""
        right = (np.arange(size.width, dtype=np.float32) - size.width * rng.uniform(0.2, 0.8)) / size.height
        y = (np.arange(size.height, dtype=np.float32) / size.height)[:, None]
        lean = rng.uniform(-0.35, 0.35)
        angle = (right - lean * y) / (1 + y / rng.uniform(0.9, 2.2))
        time = (np.arange(size.frames, dtype=np.float32) / RATE)[:, None, None]
        total = np.zeros((size.frames, size.height, size.width), np.float32)
        for layer in range(2):
            beams = field(rng, (64, 512), 110, 7, 0.9)
            x = (angle - rate * (0.30 + 0.1 * layer) * time) * 130 + 200 * layer
            total += np.maximum(sample(beams, x, y * 4 + 2 * abs(rate) * time + 9 * layer) - 0.1, 0) ** 1.3
        return total * np.exp(-y * rng.uniform(0.9, 1.8)) * rng.uniform(0.3, 0.5)

    def caustics(self, ask, rate, size, bottom, surface, rng):
        """The light on the sea bed or on the surface above, in perspective, `[frames, height, width]`."""
        maps = self.focused(ask, size.frames, rng)
        level = rng.uniform(0.45, 0.6)
        right, up = rays(size.height, size.width, level, rng.uniform(0.8, 1.1))
        out = np.zeros((size.frames, size.height, size.width), np.float32)
        time = np.arange(size.frames, dtype=np.float32) / RATE
        planes = [(-up, 1.0, 0.5)] * bottom + [(up, rng.uniform(0.7, 1.2), 0.42)] * surface
        for depth, height, power in planes:
            ahead = height / np.maximum(depth, FLOOR)
            # Both haze and the pixels' growing share of the plane wash the pattern out with distance.
            faint = power * smoothstep(0.03, 0.4, depth) * np.exp(-0.10 * ahead)
            far = smoothstep(0.34, 0.10, depth)
            for frame, tile in enumerate(maps):
                x = right * ahead - rate * 0.28 * time[frame]
                got = sample(tile, x * 80, ahead * 80)
                out[frame] += (got[..., 0] + (got[..., 1] - got[..., 0]) * far) * faint
        return out

    @staticmethod
    def focused(ask, frames, rng):
        """Caustics `[frames, texels, texels, 2]`, near and as from afar: light falls through each point of the waves,
        is bent by their slope, and is gathered where it lands."""
        texels, scale = 160, rng.uniform(0.8, 1.25)
        heading = (unit(ask["direction"])[0], rng.uniform(-0.3, 0.3))
        waves = Waves(rng, texels, 1.6, 0.5 * scale, 0.11 * scale, heading, 0.7, 0.5)
        heights = waves.heights(np.arange(frames) / RATE * SPEEDS[ask["speed"]], 0.2)
        z, x = np.mgrid[0:texels, 0:texels].astype(np.float32)
        throw = rng.uniform(0.16, 0.24) * scale * texels / waves.span
        dx, dz = waves.slopes(heights)
        out = np.empty(heights.shape, np.float32)
        for frame in range(frames):
            out[frame] = gathered(x - throw * dx[frame], z - throw * dz[frame], texels)
        out = np.maximum(out - 0.55, 0) * 0.8
        return np.stack([out, [cv2.blur(frame, (7, 19)) for frame in out]], -1)

    @staticmethod
    def motes(rate, size, rng):
        """Specks in the water, the nearer the larger, softer and faster, `[frames, height, width]`."""
        out = np.zeros((size.frames, size.height, size.width), np.float32)
        time = np.arange(size.frames, dtype=np.float32)[:, None] / RATE
        for near, many in ((0.35, 70), (0.7, 26), (1.2, 8)):
            wide = size.width / size.height + 0.4
            x, y = rng.uniform(0, wide, many), rng.uniform(-0.1, 1.1, many)
            x = (x + rate * 0.34 * near * time) % wide - 0.2
            y = y + 0.02 * np.sin(rng.uniform(0, 6, many) + 2 * time) + 0.02 * near * time
            layer = dots(x * size.height, y * size.height, rng.uniform(0.3, 1, many), size)
            sigma = size.height * 0.0055 * near ** 1.3
            out += np.stack([cv2.GaussianBlur(f, (0, 0), sigma) for f in layer]) * sigma ** 2 * 2.2 / near
        return out * rng.uniform(0.4, 1.0)


def dots(x, y, power, size):
    """Points `[frames, many]` as bilinear dots, `[frames, height, width]`."""
    out = np.zeros((size.frames, size.height, size.width), np.float32)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    frame = np.broadcast_to(np.arange(size.frames)[:, None], x.shape)
    for down in (0, 1):
        for right in (0, 1):
            weight = power * np.abs(1 - right - (x - left)) * np.abs(1 - down - (y - top))
            column, row = left + right, top + down
            inside = (column >= 0) & (column < size.width) & (row >= 0) & (row < size.height)
            np.add.at(out, (frame[inside], row[inside], column[inside]), weight[inside])
    return out


def gathered(x, z, texels):
    """How many of the points `x`, `z` fall on each texel of a tile, shared out bilinearly."""
    left, top = np.floor(x).astype(np.int64), np.floor(z).astype(np.int64)
    u, v = x - left, z - top
    out = np.zeros(texels * texels)
    for down, row_share in ((0, 1 - v), (1, v)):
        for right, share in ((0, 1 - u), (1, u)):
            cell = (top + down) % texels * texels + (left + right) % texels
            out += np.bincount(cell.ravel(), (row_share * share).ravel(), len(out))
    return cv2.GaussianBlur(out.reshape(texels, texels).astype(np.float32), (0, 0), 0.8, borderType=cv2.BORDER_REFLECT)
