"""A small two-dimensional fluid, for what smokes, burns, spreads or drifts.

Stable fluids (Stam 1999): velocities are carried semi-Lagrangianly, then made free of divergence by a Fourier transform
of the whole domain, which is periodic; vorticity confinement (Fedkiw, Stam and Jensen 2001) gives back the eddies that
the interpolation smooths away. Lengths are in heights of the picture, and times in seconds.
"""

import cv2
import numpy as np

from .element import unit

MARGIN = 0.16       # of the domain around the picture
SPONGE = 0.09       # the domain's outermost part, where everything comes to rest
FINE = 2            # pixels to a cell


def smooth_length(n):
    """The least length from `n` that has no prime factor over 5: one whose transform is fast."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1


def wave_numbers(height, width):
    """Of `rfft2`, in radians a cell: along x `[1, W/2+1]`, along y `[H, 1]`."""
    ky = 2 * np.pi * np.fft.fftfreq(height)[:, None]
    kx = 2 * np.pi * np.fft.rfftfreq(width)[None]
    return kx.astype(np.float32), ky.astype(np.float32)


def fractal_noise(rng, height, width, scale, power=1.8):
    """Periodic noise `[H, W]` of mean 0 and deviation 1, whose amplitude falls by `power` below `scale` pixels."""
    kx, ky = wave_numbers(height, width)
    wave = (kx * kx + ky * ky) * (scale / (2 * np.pi)) ** 2
    spectrum = np.fft.rfft2(rng.standard_normal((height, width), np.float32)) * (1 + wave) ** (-power / 2)
    spectrum[0, 0] = 0
    noise = np.fft.irfft2(spectrum, (height, width)).astype(np.float32)
    return noise / noise.std()


def wandering(rng, count, times, period):
    """`count` random walks about 0, of deviation about 1, at `times`; they turn about each `period`: `[n, count]`."""
    at = np.asarray(times, np.float32) / period + 1
    knots = rng.standard_normal((int(at.max()) + 3, count)).astype(np.float32)
    rows, columns = np.meshgrid(at, np.arange(count, dtype=np.float32), indexing="ij")
    return cv2.remap(knots, columns, rows, cv2.INTER_CUBIC).reshape(len(at), count)


def identity_map(height, width):
    """Each pixel's own (x, y), for `cv2.remap`: `[H, W, 2]`."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.dstack([x, y])


def look_up(field, places, interpolation=cv2.INTER_CUBIC):
    """A periodic `field` at `places`, in its pixels."""
    return cv2.remap(field, places, None, interpolation, borderMode=cv2.BORDER_WRAP)


def slope(field, axis):
    """A periodic field's slope along an axis, a pixel, by central differences."""
    return (np.roll(field, -1, axis) - np.roll(field, 1, axis)) * np.float32(0.5)


def blur_around(field, radius):
    """A periodic field, blurred by `radius` pixels."""
    pad = int(3 * radius) + 1
    padded = cv2.copyMakeBorder(field, pad, pad, pad, pad, cv2.BORDER_WRAP)
    return cv2.GaussianBlur(padded, (0, 0), radius)[pad:-pad, pad:-pad]


class Fluid:
    """A fluid around a picture of `size`: velocities at half of its resolution, what they carry at full.

    `wind` is the mean velocity, which stays; `swirl` is how strong the vorticity confinement is. `open_ends` brings all
    to rest at the domain's edges, so that nothing comes back on the other side.
    """

    def __init__(self, size, wind=(0.0, 0.0), swirl=0.3, open_ends=True):
        pad = int(MARGIN * size.height)
        rows, columns = (smooth_length(-(-(n + 2 * pad) // FINE)) for n in (size.height, size.width))
        self.size, self.swirl = size, swirl
        self.cells = size.height / FINE
        self.shape, self.fine_shape = (rows, columns), (rows * FINE, columns * FINE)
        self.corner = (self.fine_shape[0] - size.height) // 2, (self.fine_shape[1] - size.width) // 2
        self.wind = np.array(wind, np.float32)
        self.velocity = np.tile(self.wind, (rows, columns, 1))
        self.own, self.own_fine = identity_map(*self.shape), identity_map(*self.fine_shape)
        self.own_cells = (self.own_fine + 0.5) / FINE - np.float32(0.5)
        self.kx, self.ky = wave_numbers(rows, columns)
        self.inverse = 1 / np.maximum(self.kx ** 2 + self.ky ** 2, 1e-9)
        self.calm, self.calm_fine = self._edges(self.shape, open_ends), self._edges(self.fine_shape, open_ends)
        self.path, self.seconds = self.own_fine, 0.0

    def _edges(self, shape, open_ends):
        """1 inside, and down to 0 at the domain's edges."""
        if not open_ends:
            return np.ones(shape, np.float32)
        reach = SPONGE * self.size.height * shape[0] / self.fine_shape[0]
        ramps = [np.clip((np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5) / reach, 0, 1) for n in shape]
        return np.sqrt(np.outer(*ramps)).astype(np.float32)

    def places(self):
        """Where the fine pixels are, in heights from the picture's top left: x, y, each `[H, W]`."""
        row, column = self.corner
        x, y = self.own_fine[..., 0] + 0.5 - column, self.own_fine[..., 1] + 0.5 - row
        return x / self.size.height, y / self.size.height

    def coarse(self, field):
        """A fine field at the velocities' resolution."""
        return cv2.resize(field, self.shape[::-1], interpolation=cv2.INTER_AREA)

    def picture(self, field):
        """The part of a fine field that is in the picture."""
        row, column = self.corner
        return field[row:row + self.size.height, column:column + self.size.width]

    def stir(self, rng, speed, scale):
        """Add eddies of that root mean square speed, and of about `scale` heights."""
        eddies = np.dstack([fractal_noise(rng, *self.shape, scale * self.cells, 4) for _ in range(2)])
        eddies = self._project(eddies) - self.wind
        self.velocity += eddies * (speed / eddies.std())

    def step(self, seconds, force=None):
        """Move on by `seconds`, under `force` `[h, w, 2]`, in heights a second squared."""
        self.seconds = seconds
        reach = np.float32(seconds * self.cells)
        middle = look_up(self.velocity, self.own - self.velocity * (reach / 2), cv2.INTER_LINEAR)
        back = middle * -reach
        self.path = self.own_fine + look_up(back, self.own_cells, cv2.INTER_LINEAR) * FINE
        velocity = look_up(self.velocity, self.own + back)
        velocity += np.float32(seconds) * self._confinement(velocity)
        if force is not None:
            velocity += np.float32(seconds) * force
        velocity = self._project(velocity)
        self.velocity = self.wind + (velocity - self.wind) * self.calm[..., None]

    def carry(self, field, spread=0.0):
        """A fine field, moved as the last step moved the fluid; `spread`, in heights squared a second, diffuses it."""
        field = np.maximum(look_up(field, self.path), 0) * self.calm_fine
        if not spread:
            return field
        return blur_around(field, (2 * spread * self.seconds) ** 0.5 * self.size.height)

    def at(self, points):
        """The velocity at `points` `[n, 2]`, in heights from the picture's top left."""
        row, column = self.corner
        cells = (points * self.size.height + (column, row)) / FINE - 0.5
        return look_up(self.velocity, cells.astype(np.float32)[:, None], cv2.INTER_LINEAR)[:, 0]

    def _confinement(self, velocity):
        """The force that pushes eddies back to where they turn most (Fedkiw et al. 2001, equation 11)."""
        turning = (slope(velocity[..., 1], 1) - slope(velocity[..., 0], 0)) * np.float32(self.cells)
        strength = np.abs(turning)
        slope_x, slope_y = slope(strength, 1), slope(strength, 0)
        turning *= self.swirl / self.cells / (np.sqrt(slope_x * slope_x + slope_y * slope_y) + np.float32(1e-4))
        return np.dstack([slope_y * turning, -slope_x * turning])

    def _project(self, velocity):
        """The part of `velocity` that is free of divergence, with the wind as its mean."""
        u, v = np.fft.rfft2(velocity[..., 0]), np.fft.rfft2(velocity[..., 1])
        pressure = (self.kx * u + self.ky * v) * self.inverse
        u -= self.kx * pressure
        v -= self.ky * pressure
        u[0, 0], v[0, 0] = self.wind * (self.shape[0] * self.shape[1])
        return np.dstack([np.fft.irfft2(u, self.shape), np.fft.irfft2(v, self.shape)]).astype(np.float32)


class Vents:
    """Where something flows into the fluid, towards `direction`, and how strongly in each of `steps`, in seconds.

    `centres` `[n, 2]` and `radii` `[n]` are in heights. The flow is uneven: a texture, blown along at `speed`, opens
    and closes it; and the jets swing about `direction`.
    """

    def __init__(self, fluid, direction, centres, radii, speed, steps, rng):
        x, y = fluid.places()
        self.shapes = np.stack([np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * r * r))
                                for (cx, cy), r in zip(centres, radii)]).astype(np.float32)
        self.near = [fluid.coarse(shape) for shape in self.shapes]
        self.axis = np.array(unit(direction), np.float32)
        self.speed, self.fluid = speed, fluid
        self.texture = np.clip(0.55 + 0.6 * fractal_noise(rng, *fluid.fine_shape, 0.18 * fluid.size.height, 2), 0, 2)
        self.clock = np.cumsum(steps)
        self.strength = np.clip(1 + 0.4 * wandering(rng, len(centres), self.clock, 0.35), 0.1, None)
        self.swing = 0.35 * wandering(rng, len(centres), self.clock, 0.5)

    def inflow(self, step):
        """What comes out in that step: a fine field."""
        x, y = self.axis * (self.speed * self.clock[step] * self.fluid.size.height)
        texture = np.roll(self.texture, (int(y), int(x)), (0, 1))
        return np.tensordot(self.strength[step], self.shapes, 1) * texture

    def push(self, step, stiffness):
        """The force that drives the fluid at the vents to the jets' speed."""
        force = np.zeros_like(self.fluid.velocity)
        for near, strength, angle in zip(self.near, self.strength[step], self.swing[step]):
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
            jet = turn @ self.axis * np.float32(self.speed * strength)
            force += (jet - self.fluid.velocity) * near[..., None] * np.float32(stiffness)
        return force


def edge_points(size, direction, along, beyond=0.03):
    """Points on the edge that `direction` comes from, at fractions `along` of it, `beyond` outside: `[n, 2]`."""
    dx, dy = unit(direction)
    wide = size.width / size.height
    centre = np.array([wide / 2, 0.5]) - np.array([dx * (wide / 2 + beyond), dy * (0.5 + beyond)])
    across = np.array([abs(dy) * wide, abs(dx)])
    return (centre + (np.asarray(along)[:, None] - 0.5) * across).astype(np.float32)
