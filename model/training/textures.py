"""Textures and cut-outs, drawn by code alone, band-limited at the scale they are shown.

Everything is drawn at twice its size with antialiasing and reduced by area, so that no texture holds detail finer
than a pixel can carry. Natural statistics come from the dead-leaves model (Lee, Mumford & Huang 2001): overlapping
shapes whose sizes follow a power law, filled with flat colours, gradients and 1/f noise.
"""

import cv2
import numpy as np

FONTS = [
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
]
GLYPHS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789&?!%#"


def colour(rng):
    """A colour: mostly muted, now and then saturated, black or white."""
    kind = rng.random()
    if kind < 0.08:
        return np.full(3, rng.uniform(0, 0.08))
    if kind < 0.16:
        return np.full(3, rng.uniform(0.92, 1.0))
    grey = rng.uniform(0.05, 0.95)
    return np.clip(grey + rng.normal(0, rng.choice([0.03, 0.12, 0.3]), 3), 0, 1)


def power_noise(rng, size, exponent, channels=1):
    """Gaussian noise with a 1/f^exponent amplitude spectrum, zero mean and unit deviation."""
    f = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    f[0, 0] = 1
    # The roll-off keeps the top half octave out: what is left survives a sub-pixel shift.
    amplitude = f ** -exponent * np.exp(-((f / 0.36) ** 6))
    amplitude[0, 0] = 0
    spectrum = rng.normal(size=(channels, *f.shape)) + 1j * rng.normal(size=(channels, *f.shape))
    x = np.fft.irfft2(spectrum * amplitude, s=(size, size)).astype(np.float32)
    return (x / (x.std(axis=(1, 2), keepdims=True) + 1e-8)).transpose(1, 2, 0)


def noise_picture(rng, size):
    exponent = rng.uniform(0.7, 2.0)
    luma = power_noise(rng, size, exponent)
    chroma = power_noise(rng, size, exponent, 3) * rng.uniform(0, 0.6)
    return np.clip(colour(rng) + (luma + chroma) * rng.uniform(0.03, 0.25), 0, 1).astype(np.float32)


def random_polygon(rng, centre, radius):
    n = int(rng.integers(3, 9))
    angles = np.sort(rng.uniform(0, 2 * np.pi, n))
    radii = radius * rng.uniform(0.5, 1.2, n)
    return (centre + np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None]).astype(np.int32)


def write(rng, canvas, text, at, scale, value):
    """Letters, drawn as eight bits, since newer versions of OpenCV write them on nothing else."""
    ink = np.zeros(canvas.shape[:2], np.uint8)
    cv2.putText(ink, text, at, int(rng.choice(FONTS)), scale, 255, max(2, int(scale * rng.uniform(1, 3))), cv2.LINE_AA)
    ink = (ink / np.float32(255)).reshape(*ink.shape, *[1] * (canvas.ndim - 2))
    canvas += ink * (np.float32(value) - canvas)


def draw_shape(rng, canvas, centre, radius, value):
    """One leaf: ellipse, polygon, box, bar or letter."""
    kind = rng.random()
    c = tuple(int(v) for v in centre)
    value = tuple(float(v) for v in np.atleast_1d(value))
    if kind < 0.3:
        axes = (max(1, int(radius)), max(1, int(radius * rng.uniform(0.3, 1))))
        cv2.ellipse(canvas, c, axes, rng.uniform(0, 360), 0, 360, value, -1, cv2.LINE_AA)
    elif kind < 0.6:
        cv2.fillPoly(canvas, [random_polygon(rng, centre, radius)], value, cv2.LINE_AA)
    elif kind < 0.75:
        box = cv2.boxPoints((tuple(map(float, centre)), (radius * 2, radius * rng.uniform(0.4, 2)),
                             rng.choice([0.0, rng.uniform(0, 90)])))
        cv2.fillPoly(canvas, [box.astype(np.int32)], value, cv2.LINE_AA)
    elif kind < 0.9:
        angle, length = rng.uniform(0, np.pi), radius * rng.uniform(1, 4)
        end = (int(c[0] + np.cos(angle) * length), int(c[1] + np.sin(angle) * length))
        cv2.line(canvas, c, end, value, int(rng.integers(2, 7)), cv2.LINE_AA)
    else:
        text = "".join(rng.choice(list(GLYPHS), int(rng.integers(1, 7))))
        scale = max(0.6, radius / 22)
        write(rng, canvas, text, c, scale, value)


def dead_leaves(rng, size, leaves=None):
    big = size * 2
    canvas = cv2.resize(noise_picture(rng, size), (big, big), interpolation=cv2.INTER_LINEAR)
    smallest, largest = rng.uniform(3, 14), rng.uniform(80, 320)
    count = leaves or int(rng.integers(60, 900))
    # Radii with density r^-3: the scale-invariant law of natural pictures.
    u = rng.random(count)
    radii = (smallest ** -2 + u * (largest ** -2 - smallest ** -2)) ** -0.5
    for radius in np.sort(radii)[::-1] if rng.random() < 0.5 else radii:
        draw_shape(rng, canvas, rng.uniform(0, big, 2), radius, colour(rng))
    picture = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.8:
        # Shading: no real surface is flat to the last bit.
        picture = picture * (1 + power_noise(rng, size, rng.uniform(1.0, 2.2)) * rng.uniform(0.02, 0.18))
        picture = picture + power_noise(rng, size, rng.uniform(0.2, 1.2), 3) * rng.uniform(0, 0.04)
    return np.clip(picture, 0, 1).astype(np.float32)


def pattern(rng, size):
    """A repeated pattern: stripes, checks or dots, smooth enough for its period."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), np.exp(rng.uniform(np.log(4), np.log(60)))
    a = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    b = np.sin((-x * np.sin(angle) + y * np.cos(angle)) * 2 * np.pi / (period * rng.uniform(0.5, 2)))
    wave = [a, a * b, (a + b) / 2][rng.integers(3)]
    # A steeper wave is a harder edge; the period bounds how hard it may be.
    edge = np.tanh(wave * rng.uniform(1, max(1.01, period / 3)))[..., None] * 0.5 + 0.5
    return (colour(rng) * edge + colour(rng) * (1 - edge)).astype(np.float32)


def gradient(rng, size):
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.clip((x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle) + 0.5, 0, 1)[..., None]
    return (colour(rng) * ramp + colour(rng) * (1 - ramp)).astype(np.float32)


def texture(rng, size):
    """An opaque RGB picture in [0,1], display-referred."""
    kind = rng.random()
    if kind < 0.66:
        return dead_leaves(rng, size)
    if kind < 0.84:
        return noise_picture(rng, size)
    if kind < 0.93:
        return np.clip(pattern(rng, size) + power_noise(rng, size, 1.2) * rng.uniform(0, 0.05), 0, 1)
    flat = gradient(rng, size)
    return np.clip(flat + power_noise(rng, size, 1.5) * rng.uniform(0, 0.03), 0, 1).astype(np.float32)


def cutout(rng, size):
    """An alpha mask in [0,1]: blob, shape, thin structure, fence or letters; soft now and then."""
    big = size * 2
    mask = np.zeros((big, big), np.float32)
    middle = np.full(2, big / 2)
    kind = rng.random()
    if kind < 0.35:
        noise = power_noise(rng, size // 2, rng.uniform(1.4, 2.4))[..., 0]
        y, x = np.mgrid[-1:1:(size // 2) * 1j, -1:1:(size // 2) * 1j]
        field = noise * 0.6 + 1.2 - 2.2 * np.hypot(x, y)
        mask = np.clip(cv2.resize(field.astype(np.float32), (big, big), interpolation=cv2.INTER_CUBIC) * 40, 0, 1)
    elif kind < 0.65:
        for _ in range(int(rng.integers(1, 5))):
            draw_shape(rng, mask, middle + rng.normal(0, big * 0.12, 2), big * rng.uniform(0.08, 0.3), 1.0)
    elif kind < 0.80:
        for _ in range(int(rng.integers(2, 12))):
            points = middle + np.cumsum(rng.normal(0, big * 0.08, (int(rng.integers(2, 7)), 2)), 0)
            cv2.polylines(mask, [points.astype(np.int32)], False, 1.0, int(rng.integers(2, 12)), cv2.LINE_AA)
    elif kind < 0.90:
        period, width = int(rng.integers(14, 90)), int(rng.integers(2, 12))
        for at in range(0, big, period):
            cv2.line(mask, (at, 0), (at, big), 1.0, width, cv2.LINE_AA)
            if rng.random() < 0.5 or at == 0:
                cv2.line(mask, (0, at), (big, at), 1.0, width, cv2.LINE_AA)
    else:
        for row in range(int(rng.integers(1, 5))):
            text = "".join(rng.choice(list(GLYPHS), int(rng.integers(3, 14))))
            scale = rng.uniform(1.2, 5)
            write(rng, mask, text, (int(big * 0.1), int(big * (0.3 + 0.18 * row))), scale, 1.0)
    mask = cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.12:
        mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(1, 5))
    return np.clip(mask, 0, 1)
