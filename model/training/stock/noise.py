"""Band-limited noise that tiles: made once by FFT, then sampled wherever things have moved to."""

import cv2
import numpy as np


def field(rng, shape, longest, shortest, beta=1.8):
    """A tileable field of zero mean and unit variance, float32 of `shape`: `(height, width)`, or `(width,)`.

    It holds wavelengths from `longest` to `shortest`, in texels, whose amplitudes fall as frequency to the power
    `beta`: near 1.8 is cloud-like in two dimensions, more is smoother. Both ends of the band roll off softly.
    """
    axes = [np.fft.fftfreq(n) for n in shape[:-1]] + [np.fft.rfftfreq(shape[-1])]
    k = np.sqrt(sum(a ** 2 for a in np.meshgrid(*axes, indexing="ij", sparse=True)))
    safe = np.maximum(k, 1e-6)
    gain = safe ** -beta * np.exp(-(k * shortest) ** 4) * np.exp(-(1 / (safe * longest)) ** 4)
    spectrum = np.fft.rfftn(rng.standard_normal(shape, np.float32)) * gain
    out = np.fft.irfftn(spectrum, shape, axes=range(len(shape))).astype(np.float32)
    out -= out.mean()
    return out / out.std()


def sample(tile, x, y):
    """`tile` `[h, w]` or `[h, w, up to 4]` at texels `x`, `y` `[..., rows, columns]`, repeating endlessly.

    With two channels it is a domain warp: what to add to the coordinates at which another tile is sampled.
    """
    x, y = np.broadcast_arrays(x, y)
    height, width = tile.shape[:2]
    # Wrapped before OpenCV sees them: it keeps coordinates in 16 bits.
    columns, rows = (wrapped(a, n).reshape(-1, x.shape[-1]) for a, n in ((x, width), (y, height)))
    out = cv2.remap(tile, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return out.reshape(x.shape + tile.shape[2:])


def wrapped(values, period):
    """`values` modulo `period`, float32; several times faster than `np.mod`."""
    values = np.asarray(values, np.float32)
    return values - np.floor(values * np.float32(1 / period)) * np.float32(period)


def line(values, x):
    """The tileable 1-D `values` at texels `x`, of any shape, by linear interpolation."""
    n = len(values)
    base = np.floor(x)
    left = base.astype(np.int64) % n
    return values[left] + (values[(left + 1) % n] - values[left]) * (x - base).astype(np.float32)


def smoothstep(low, high, x):
    """0 below `low`, 1 above `high`, smooth in between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
