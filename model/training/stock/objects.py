"""Things that move: a ball, a box, balloons."""

import cv2
import numpy as np

from .canvas import backdrop, coverage, moments, paste, plane, scattered, smooth, studio, wrap
from .solid import light_from, lit, premultiplied, rotation, shadow, smeared, stamp
from .element import DENSITIES, RATE, SIZES, SPEEDS, Element, colour_of, unit

INKS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
GROUNDS = ("black", "white", "grey", "blue")


class Ball(Element):
    name = "ball"
    attributes = {
        "action": ("bounces", "rolls", "crosses"), "colour": INKS, "background": GROUNDS,
        "direction": ("left", "right"), "size": tuple(SIZES), "speed": tuple(SPEEDS),
    }
    natural = {
        "action": ("bounces",), "colour": ("red", "orange", "blue"), "background": ("grey", "white"),
        "direction": ("left", "right"), "size": ("medium",), "speed": ("medium",),
    }
    nouns = ("a ball", "ball", "a shiny ball", "a rubber ball", "a toy ball")
    verbs = ("moving", "going", "travelling", "heading")

    def draw(self, ask, size, rng):
        radius = 0.125 * SIZES[ask["size"]] * rng.uniform(0.9, 1.1)
        light = light_from(rng)
        floor = rng.uniform(0.3, 0.4)
        scene = studio(size, ask["background"], rng, rng.uniform(0.05, 0.18), light[0] * 0.5)
        clip = np.repeat(scene[None], size.frames, 0)
        x, rise, stretch, turn = self.path(ask, size, rng, radius)
        paint = self.paint(rng, colour_of(ask["colour"], rng, 0.03))
        tilt = rotation(rng.normal(size=3), np.array([rng.uniform(0, 6.28)]))[0]
        turns = rotation((rng.uniform(-0.15, 0.15), rng.uniform(-0.15, 0.15), 1), turn) @ tilt
        y = floor - rise - radius * stretch
        # The shutter is open half the time.
        smear = np.stack([np.diff(v, prepend=v[:1]) for v in (x, y)], 1) / 2
        smear[np.abs(smear) > 0.2] = 0
        for i, frame in enumerate(clip):
            lift = rise[i] / radius
            spread = radius * (1 + 0.25 * lift)
            shadow(frame, (x[i] - 0.25 * light[0] * rise[i], floor), (spread * 1.05, spread * 0.3),
                   0.62 / (1 + 0.45 * lift))
            patch = self.sphere(radius, stretch[i], turns[i], light, paint, size.height)
            stamp(frame, smeared(patch, smear[i] * 2 * size.height), (x[i], y[i]))
        return np.clip(clip, 0, 1)

    def path(self, ask, size, rng, radius):
        """Of each frame: x, the height of the ball's lowest point, its stretch upwards, and how far it has turned."""
        way = unit(ask["direction"])[0]
        speed = SPEEDS[ask["speed"]] * rng.uniform(0.9, 1.1)
        t = moments(size)
        pace = {"bounces": 0.5, "rolls": 0.6, "crosses": 0.8}[ask["action"]] * speed
        edge = size.width / size.height / 2 + 1.4 * radius
        # The middle of the way falls in the first second, so that the ball is in view from the start.
        along = wrap(pace * (t - min(t[-1] / 2, 0.8 * edge / pace)) + rng.uniform(-0.12, 0.12), -edge, edge)
        stretch = np.ones_like(t)
        turn = way * pace * t / radius
        if ask["action"] == "bounces":
            rise, stretch = self.bounces(t * speed ** 0.5, rng, 0.6 - 0.7 * radius)
            turn = turn * 0.6
        elif ask["action"] == "crosses":
            # Thrown: a parabola in x is one in time.
            rise = np.maximum(rng.uniform(0.42, 0.55) - 0.5 * radius - rng.uniform(0.3, 0.45) * (along / edge) ** 2, 0)
        else:
            rise = np.zeros_like(t)
        return way * along, rise, stretch, turn

    def bounces(self, t, rng, top):
        """Flights under gravity, each lower by the restitution squared, and the squash where they meet the floor. The
        picture is about 1.3 m high."""
        gravity, restitution = 7.5, rng.uniform(0.8, 0.88)
        apex = top * rng.uniform(0.75, 1.0)
        rise, stretch = np.zeros_like(t), np.ones_like(t)
        start = -rng.uniform(0.1, 0.9) * 2 * (2 * apex / gravity) ** 0.5
        while start < t[-1]:
            launch = (2 * gravity * apex) ** 0.5
            end = start + 2 * launch / gravity
            flying = (t >= start) & (t < end)
            s = t - start
            rise[flying] = (launch * s - gravity * s * s / 2)[flying]
            for touch, sign in ((start, 1), (end, 1)):
                stretch -= sign * 0.1 * launch / 3 * np.exp(-(((t - touch) / 0.035) ** 2)) * 0.9
            start, apex = end, max(apex * restitution ** 2, 0.12 * top)
        return np.maximum(rise, 0), np.clip(stretch, 0.74, 1)

    def paint(self, rng, ink):
        """A pattern on the unit sphere: a function of points `[..., 3]` giving albedo."""
        pale = ink.mean() < 0.6
        other = np.array([0.95, 0.94, 0.9], np.float32) if pale else ink * 0.5
        kind = rng.choice(["stripe", "spots", "panels", "two stripes"])
        spots = rng.normal(size=(9, 3))
        spots = (spots / np.linalg.norm(spots, axis=1, keepdims=True)).astype(np.float32)
        width = rng.uniform(0.13, 0.22)

        def mark(p):
            if kind == "spots":
                return (p @ spots.T).max(-1) - 0.93
            if kind == "panels":
                return 0.35 * np.sin(3 * np.arctan2(p[..., 0], p[..., 2])) - 0.2
            return width - np.abs(np.abs(p[..., 1]) - (0.45 if kind == "two stripes" else 0))

        def albedo(p):
            share = smooth(0.5 + mark(p) / 0.05)[..., None]
            return ink + (other - ink) * share

        return albedo

    def sphere(self, radius, stretch, turn, light, paint, height):
        """The RGBA picture, at twice its size, of a sphere that keeps its volume as it is squashed."""
        wide, tall = radius * stretch ** -0.5, radius * stretch
        n = int(np.ceil(wide * height)) * 2 + 3
        offset = (np.arange(2 * n, dtype=np.float32) + 0.5 - n) / (2 * height)
        x, y = np.meshgrid(offset / wide, offset / tall)
        r = np.sqrt(x * x + y * y)
        inside = np.minimum(1, 1 / np.maximum(r, 1e-4))
        x, y = x * inside, y * inside
        normal = np.stack([x, y, -np.sqrt(np.maximum(1 - x * x - y * y, 0))], -1)
        rgb = lit(paint(normal @ turn), normal, light, 0.55)
        alpha = coverage((r - 1) * radius, 1.2 / height)
        return premultiplied(rgb, alpha)


class Cube(Element):
    name = "cube"
    attributes = {
        "colour": INKS, "background": GROUNDS, "direction": ("left", "right", "up", "down"), "speed": tuple(SPEEDS),
        "size": tuple(SIZES),
    }
    natural = {"colour": ("red", "blue", "orange", "green"), "background": ("grey", "white", "black"),
               "direction": ("left", "right"), "speed": ("medium",), "size": ("medium",)}
    nouns = ("a cube", "cube", "a box", "a spinning cube", "a tumbling box")
    verbs = ("moving", "spinning", "tumbling", "turning")

    def draw(self, ask, size, rng):
        scale = 0.125 * SIZES[ask["size"]]
        box = scale * (rng.uniform(0.75, 1.25, 3) if rng.random() < 0.4 else np.ones(3)).astype(np.float32)
        light = light_from(rng)
        floating = ask["direction"] in ("left", "right")
        scene = (studio(size, ask["background"], rng, rng.uniform(0.15, 0.25), light[0] * 0.5) if floating
                 else backdrop(size, ask["background"], rng))
        clip = np.repeat(scene[None], size.frames, 0)
        x, y = self.path(ask, size, rng, scale)
        # Tumbles the way it goes, as if it rolled over.
        dx, dy = unit(ask["direction"])
        axis = np.array([-dy, dx, 0.5 * (dx - dy)]) + rng.normal(0, 0.25, 3)
        spin = rng.uniform(1.6, 2.6) * SPEEDS[ask["speed"]] ** 0.7
        start = rotation(rng.normal(size=3), np.array([rng.uniform(0, 6.28)]))[0]
        turns = rotation(axis * (1, -1, 1), spin * moments(size)) @ start
        ink, bevel = colour_of(ask["colour"], rng, 0.03), rng.uniform(0.06, 0.18) * box.min()
        frame_width = rng.choice([0.0, rng.uniform(0.1, 0.2)])
        smear = np.array(unit(ask["direction"])) * 0.55 * SPEEDS[ask["speed"]] / RATE / 2 * 2 * size.height
        for i, frame in enumerate(clip):
            if floating:
                shadow(frame, (x[i] - 0.1 * light[0], 0.41), (scale * 1.7, scale * 0.4), 0.4)
            patch = self.picture(box, bevel, frame_width, turns[i], light, ink, size.height)
            stamp(frame, smeared(patch, smear), (x[i], y[i]))
        return np.clip(clip, 0, 1)

    def path(self, ask, size, rng, scale):
        dx, dy = unit(ask["direction"])
        speed = 0.55 * SPEEDS[ask["speed"]] * rng.uniform(0.9, 1.1)
        t = moments(size)
        edge = (size.width / size.height if dx else 1) / 2 + 1.5 * scale
        along = wrap(speed * (t - min(t[-1] / 2, 0.7 * edge / speed)), -edge, edge)
        side = rng.uniform(-0.15, 0.15) * (1 if dx else 2.5) + 0.02 * np.sin(2 * t + rng.uniform(0, 6))
        return (dx * along + abs(dy) * side, dy * along + abs(dx) * side)

    def picture(self, box, bevel, frame_width, turn, light, ink, height):
        """The picture, at twice its size, of a box with rounded edges, by the slab method (Kay & Kajiya 1986) in the
        box's own coordinates."""
        reach = float(np.linalg.norm(box)) * 1.15
        n = int(np.ceil(reach * height)) * 2 + 1
        offset = (np.arange(2 * n, dtype=np.float32) + 0.5 - n) / (2 * height)
        x, y = np.meshgrid(offset, offset)
        # A camera 1.6 heights away; sizes are true at the box's centre.
        ray = np.stack([x, y, np.full_like(x, 1.6)], -1) @ turn
        eye = np.array([0, 0, -1.6], np.float32) @ turn
        inverse = 1 / np.where(np.abs(ray) < 1e-6, 1e-6, ray)
        middle, half = -eye * inverse, box * np.abs(inverse)
        enter, leave = middle - half, middle + half
        near = np.maximum(np.maximum(enter[..., 0], enter[..., 1]), enter[..., 2])
        far = np.minimum(np.minimum(leave[..., 0], leave[..., 1]), leave[..., 2])
        p = eye + ray * near[..., None]
        alpha = cv2.blur((far > near).astype(np.float32), (3, 3))
        # Within the bevel, the normal turns to the next face.
        outside = np.maximum(np.abs(p) - (box - bevel), 0) * np.sign(p)
        normal = outside / np.maximum(np.sqrt((outside * outside).sum(-1, keepdims=True)), 1e-6)
        rgb = lit(ink * self.frame(p, box, frame_width, height), normal @ turn.T, light, 0.3)
        return premultiplied(rgb, alpha)

    def frame(self, p, box, width, height):
        """The tone of a frame along each face's edges: of the three distances to a face, the least is to the one that
        the point is on, and the next is to an edge."""
        if width == 0:
            return 1.0
        gap = np.median(box - np.abs(p), axis=-1)
        return 1 - 0.35 * coverage(width * box.min() - gap, 2.0 / height)[..., None]


def scenery(size, name, rng):
    """A plain background; blue is a sky, paler towards the ground."""
    scene = backdrop(size, name, rng)
    if name == "blue":
        pale = 0.28 + 0.3 * (plane(size)[1] + 0.5)[..., None]
        scene = scene + (np.array([0.8, 0.9, 1.0], np.float32) - scene) * pale
    return scene


class Balloon(Element):
    name = "balloon"
    attributes = {
        "colour": INKS, "background": ("black", "white", "grey", "blue"), "direction": ("up", "left", "right"),
        "density": tuple(DENSITIES),
    }
    natural = {"colour": ("red", "yellow", "pink", "orange"), "background": ("blue", "white"), "direction": ("up",),
               "density": ("medium",)}
    nouns = ("balloons", "party balloons", "flying balloons", "a lot of balloons", "helium balloons")
    verbs = ("rising", "floating", "drifting", "flying")

    def draw(self, ask, size, rng):
        scene = scenery(size, ask["background"], rng)
        clip = np.repeat(scene[None], size.frames, 0)
        light = light_from(rng)
        count = max(5, round(12 * DENSITIES[ask["density"]] * rng.uniform(0.85, 1.2)))
        thread = np.full(3, 0.85 if scene.mean() < 0.4 else 0.35, np.float32)
        depths = sorted(rng.uniform(0.4, 1.6, count) ** -1.0, reverse=True)
        for depth, place in zip(depths, scattered(rng, count)):
            self.fly(clip, ask, size, rng, (depth, 2 * place - 1), light, thread, scene.mean((0, 1)))
        return np.clip(clip, 0, 1)

    def fly(self, clip, ask, size, rng, start, light, thread, air):
        """One balloon, over all the frames: it hangs from its lift and swings like a pendulum."""
        depth, (x, y) = start
        radius = 0.105 * rng.uniform(0.85, 1.15) / depth
        t = moments(size)
        dx, dy = unit(ask["direction"])
        pace = 0.42 / depth
        swing, phase = rng.uniform(1.8, 3.2), rng.uniform(0, 6.28)
        edge = size.width / size.height / 2 + 1.5 * radius
        x = wrap(x * edge + (dx * pace + rng.uniform(-0.04, 0.04)) * t, -edge, edge)
        x = x + 0.12 * radius * np.sin(swing * t + phase)
        if dy:
            low, high = -0.5 - 3.8 * radius, 0.5 + 1.3 * radius
            y = wrap((y + 1) / 2 * (high - low) + dy * pace * t, low, high)
        else:
            y = 0.48 * y - 0.06 * t
        # A side wind tilts it the way it goes.
        tilt = 0.2 * dx + rng.uniform(0.06, 0.16) * np.cos(swing * t + phase)
        blur = 0.018 * abs(1 / depth - 1)
        ink = np.clip(colour_of(ask["colour"], rng, 0.04) * rng.uniform(0.88, 1.08), 0, 1)
        patch = self.body(radius, ink + (air - ink) * max(0, 0.3 - 0.3 / depth), light, blur, size.height)
        for i, frame in enumerate(clip):
            c, s = np.cos(tilt[i]), np.sin(tilt[i])
            at = (x[i], y[i])
            knot = (at[0] - 1.36 * radius * s, at[1] + 1.36 * radius * c)
            self.string(frame, knot, radius, tilt[i], 2.2 * t[i] + phase, thread, blur)
            stamp(frame, patch, at, np.array([[c, -s], [s, c]]))

    def body(self, radius, ink, light, blur, height):
        """The picture, at twice its size: a drop of rubber, its knot, and light that comes through it at the rim."""
        n = int(np.ceil((1.5 * radius + 2 * blur) * height)) * 2 + 2
        offset = (np.arange(2 * n, dtype=np.float32) + 0.5 - n) / (2 * height * radius)
        x, y = np.meshgrid(offset, offset)
        narrow = 1 - 0.16 * smooth(y / 1.25) - 0.06
        v = np.where(y < 0, y, y / 1.25)
        r = np.hypot(x / narrow, v)
        inside = np.minimum(1, 1 / np.maximum(r, 1e-4))
        normal = np.stack([x / narrow * inside, v * inside, -np.sqrt(np.maximum(1 - (r * inside) ** 2, 0))], -1)
        rim = (1 + normal[..., 2:]) ** 3
        rgb = lit(ink * (1 + 0.35 * rim), normal, light, 0.7)
        knot = np.maximum(np.abs(x) - 0.03 - 0.5 * np.maximum(y - 1.2, 0), np.abs(y - 1.28) - 0.1)
        alpha = coverage(np.minimum(r - 1, knot) * radius, 1.4 / height)
        picture = premultiplied(rgb * np.where(y > 1.22, 0.75, 1)[..., None], alpha)
        return cv2.GaussianBlur(picture, (0, 0), blur * height * 2) if blur * height > 0.3 else picture

    def string(self, frame, knot, radius, tilt, phase, colour, blur):
        """A waving thread that hangs from the knot: of each row, the place of the thread."""
        height, width = frame.shape[:2]
        top, length = (knot[1] + 0.5) * height, 2.2 * radius * height
        rows = np.arange(int(np.floor(top)), int(top + length) + 1)
        along = np.clip((rows + 0.5 - top) / length, 0, 1)
        wave = 0.16 * along * np.sin(5 * along - phase) - 0.8 * np.sin(tilt) * along * np.exp(-2 * along)
        place = knot[0] * height + width / 2 + wave * length
        left, right = int(place.min()) - 4, int(place.max()) + 5
        distance = np.abs(np.arange(left, right) + 0.5 - place[:, None])
        thick = 0.006 * height * radius / 0.1
        soft = 1.3 + 2 * blur * height
        alpha = coverage(distance - thick / 2, soft) * min(1, thick / soft + 0.35) * smooth((1 - along) / 0.15)[:, None]
        paste(frame, alpha.astype(np.float32), colour, left, rows[0])
