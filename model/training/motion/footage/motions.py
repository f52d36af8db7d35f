"""How layers move: the closed form of where each point of a scene stands at any time.

A layer's point u (pixels, in its own axes) stands at time s, with the joints' angles a0, a1, a2 and the camera about
the picture's middle m,

    x(u, s) = m + C(s) · (p + path(s) + z^s · (R(a0) o0 + R(a1) o1 + R(a2) (c + u + W(u, s))) − m)

W is a sum of travelling waves, too shallow to fold over itself. Most things have the last joint alone; a forearm hangs
from an elbow that hangs from a shoulder. Times are intervals, from 0, the first frame, to 1, the last. Points and
vectors are pairs of tensors, x and y, since matrices of two rows are slow to multiply in great numbers.
"""

import torch

from motion.footage.layers import PATH

SUBSTITUTIONS = 5
"""A wave's slope is 0.42 at most, so each leaves less than half of the error."""


def spread(x, like):
    """[N] → [N, 1…], to meet times of the shape of `like`."""
    return x.reshape(len(x), *[1] * (like.ndim - 1))


def along(path, s):
    """Where a path leads by time: `path` [N, 6, 2], `s` [N, …] → x and y, [N, …]; see `layers.PATH`."""
    shares = (s, s * (s - 1) / 2, s * (s - 1) * (2 * s - 1) / 6, (4 * s * (1 - s)).clamp(min=0), (-s).clamp(min=0),
              (s - 1).clamp(min=0))
    return tuple(sum(share * spread(path[:, i, axis], s) for i, share in enumerate(shares)) for axis in (0, 1))


def paths(random, reach, *shape, crowd=0.5):
    """Paths [..., 6, 2] whose shift is within `reach` pixels: a share, `crowd`, is near none, where precision is
    learned, the others are spread. They curve, as thrown, swung and jumping things do, and may start or stop outside
    the interval."""
    least = max(reach, 0.2)
    near, far = random.log_uniform(0.15, least, *shape), random.uniform(0, reach, *shape)
    length = torch.where(random.chance(crowd, *shape), near, far)
    path = torch.zeros(*shape, len(PATH), 2, device=random.device)
    path[..., 0, :] = random.vectors(length, torch.where(random.chance(0.5, *shape), 1.0, 0.4))
    bend = torch.where(random.chance(0.5, *shape), random.log_uniform(0.1, least, *shape) * 0.7,
                       random.uniform(0, 0.6, *shape) * length) * random.chance(0.6, *shape)
    path[..., 1, :] = random.vectors(bend)
    path[..., 2, :] = random.normal(*shape, 2) * (0.2 * bend + 0.05 * length)[..., None]
    sways = random.chance(0.4, *shape) * (0.02 * length + 0.15)
    path[..., 3, :] = random.normal(*shape, 2) * sways[..., None]
    for side in (4, 5):
        path[..., side, :] = random.vectors(random.uniform(0, reach, *shape) * random.chance(0.12, *shape))
    return path


def turned(angle, scale, x, y):
    """A vector, turned and scaled."""
    c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
    return c * x - s * y, s * x + c * y


def joint(layer, index, s):
    """A joint's angle at times `s`."""
    base, even, height, speed, phase, bend = (spread(part, s) for part in layer.angle[:, index].unbind(1))
    return base + even * s + bend * s * (s - 1) / 2 + height * torch.sin(speed * s + phase)


def stance(layer, s, size):
    """A layer's axes and origin at times `s` [N, …]: x = A·(u + W) + p. The axes are those of a turn and a scale, so
    A's first column (a, b) tells all: a, b, px, py, each [N, …]."""
    angles = [joint(layer, index, s) for index in range(3)]
    scale = torch.exp(spread(layer.zoom, s) * s)
    x, y = along(layer.path, s)
    x, y = x + spread(layer.place[:, 0], s) - size / 2, y + spread(layer.place[:, 1], s) - size / 2
    for index, angle in enumerate(angles):
        hung = turned(angle, scale, *(spread(layer.offsets[:, index, axis], s) for axis in (0, 1)))
        x, y = x + hung[0], y + hung[1]
    turn, closing = spread(layer.turn, s) * s, torch.exp(spread(layer.closing, s) * s)
    x, y = turned(turn, closing, x, y)
    whole = angles[2] + turn, scale * closing
    return torch.cos(whole[0]) * whole[1], torch.sin(whole[0]) * whole[1], x + size / 2, y + size / 2


def stances(scene, s, size):
    """Each layer's `stance` at times `s` [N, …], of all of them at once: a GPU waits for orders, not for numbers."""
    n, count = scene.texture.shape
    times = s[:, None].expand(n, count, *s.shape[1:]).flatten(0, 1)
    parts = stance(scene.flat(), times, size)
    return list(zip(*(part.unflatten(0, (n, count)).unbind(1) for part in parts)))


def waved(layer, u, s):
    """W(u, s): x and y like `u`, [N, …]."""
    x = y = 0
    for wave in layer.waves.unbind(1):
        high_x, high_y, number_x, number_y, speed, phase = (spread(part, u[0]) for part in wave.unbind(1))
        height = torch.sin(u[0] * number_x + u[1] * number_y + (phase + speed * s))
        x, y = x + high_x * height, y + high_y * height
    return x, y


def slope(layer, u, s):
    """Which way the waves' flanks face at u, between -WAVES and WAVES."""
    total = 0
    for wave in layer.waves.unbind(1):
        number_x, number_y, speed, phase = (spread(part, u[0]) for part in wave[:, 2:].unbind(1))
        total = total + torch.cos(u[0] * number_x + u[1] * number_y + (phase + speed * s))
    return total


def placed(layer, u, s, stance):
    """Where points `u` stand at times `s`, x and y."""
    a, b, px, py = stance
    x, y = u
    if layer.wavy:
        more = waved(layer, u, s)
        x, y = x + more[0], y + more[1]
    return a * x - b * y + px, b * x + a * y + py


def looked_up(layer, x, y, s, stance):
    """Which points stand at x [1, S] and y [S, 1] at times `s` [N, F, rows, 1]: two of [N, F, S, S]."""
    a, b, px, py = stance
    square = a * a + b * b
    a, b = a / square, b / square
    # Row and column apart as long as may be: only the last sum is of every pixel.
    v = (a * x - a * px - b * py) + b * y, (-b * x + b * px - a * py) + a * y
    if not layer.wavy:
        return v
    u = v
    for _ in range(SUBSTITUTIONS):
        more = waved(layer, u, s)
        u = v[0] - more[0], v[1] - more[1]
    return u


def settled(layer, u, when, lag, there, size):
    """Where points u stand when the very rows are exposed on which they stand: two of [N, W, S, S], from where they
    stand `when` the frames' middle rows are, `there`; `when` and the share of an interval that rows take, `lag`, [N, W,
    1, 1]."""

    def on(row):
        s = when + lag * (row / size - 0.5)
        return placed(layer, u, s, stance(layer, s, size))

    # Aitken's step from two substitutions: rows pass faster than things fall, so these near the row evenly.
    row = there[1]
    once = on(row)[1]
    twice = on(once)[1]
    curve = twice - 2 * once + row
    return on(torch.where(curve.abs() > 1e-3, row - (once - row) ** 2 / curve, twice))
