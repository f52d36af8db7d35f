"""Solid things: turning them, lighting them, and laying their pictures over a frame.

A picture is drawn at twice its size, `[h, w, 4]`: RGB multiplied by alpha, then alpha, so that shifts and reductions do
not bleed the colour from outside.
"""

import cv2
import numpy as np

from .canvas import paste


def rotation(axis, angle):
    """Rotation matrices `[T, 3, 3]` by Rodrigues' formula."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    a = np.asarray(angle)[:, None, None]
    return (np.eye(3) + np.sin(a) * k + (1 - np.cos(a)) * (k @ k)).astype(np.float32)


def light_from(rng):
    """Towards a key light above, before the scene (at -z), on either side."""
    v = np.array([rng.choice([-1, 1]) * rng.uniform(0.3, 0.8), -rng.uniform(0.5, 0.9), -rng.uniform(0.8, 1.2)])
    return (v / np.linalg.norm(v)).astype(np.float32)


def lit(albedo, normal, light, gloss):
    """Albedo `[..., 3]` under a key light, a sky, a floor and a weak light at the camera; a Blinn highlight seen along
    +z."""
    key = np.maximum(normal @ light, 0)[..., None]
    sky = (0.5 - 0.5 * normal[..., 1])[..., None]
    fill = np.maximum(-normal[..., 2], 0)[..., None]
    half = light + np.array([0, 0, -1], np.float32)
    shine = np.maximum(normal @ (half / np.linalg.norm(half)), 0)[..., None] ** 40
    return np.clip(albedo * (0.3 + 0.22 * sky + 0.24 * fill + 0.6 * key) + gloss * shine, 0, 1)


def premultiplied(rgb, alpha):
    return np.dstack([rgb * alpha[..., None], alpha]).astype(np.float32)


def shadow(frame, centre, radii, strength):
    """A soft elliptic shadow on the floor, in place."""
    height, width = frame.shape[:2]
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / height - centre[0]
    y = (np.arange(height, dtype=np.float32) + 0.5) / height - 0.5 - centre[1]
    r2 = (x / radii[0]) ** 2 + (y[:, None] / radii[1]) ** 2
    frame *= 1 - (strength * np.exp(-(r2 ** 1.3)))[..., None]


def smeared(picture, move):
    """A picture averaged along `move` (x, y in its pixels): what the open shutter sees."""
    reach = int(np.ceil(np.abs(move).max() / 2))
    if reach < 1:
        return picture
    kernel = np.zeros((2 * reach + 3, 2 * reach + 3), np.float32)
    for share in np.linspace(-0.5, 0.5, 2 * reach + 1):
        x, y = move[0] * share + reach + 1, move[1] * share + reach + 1
        i, j = int(y), int(x)
        kernel[i:i + 2, j:j + 2] += np.outer([1 - y + i, y - i], [1 - x + j, x - j])
    padded = cv2.copyMakeBorder(picture, *(4 * [2 * ((reach + 2) // 2)]), cv2.BORDER_CONSTANT)
    return cv2.filter2D(padded, -1, kernel / kernel.sum())


def stamp(frame, picture, centre, matrix=None, anchor=None):
    """Lay a picture over `frame`, in place: its `anchor` (its middle, unless told) at `centre` (x, y in heights), and
    turned about it by a 2x2 `matrix`."""
    height, width = frame.shape[:2]
    m = np.eye(2) if matrix is None else np.asarray(matrix)
    extent = np.array([picture.shape[1], picture.shape[0]])
    anchor = extent / 2 if anchor is None else np.asarray(anchor)
    reach = (np.array([(0, 0), (0, 1), (1, 0), (1, 1)]) * extent - anchor) @ m.T / 2
    place = np.array([centre[0] * height + width / 2, (centre[1] + 0.5) * height])
    corner = np.floor(place + reach.min(0)).astype(int) - 1
    span = [int(v) for v in np.ceil(place + reach.max(0)).astype(int) + 1 - corner]
    if (corner >= (width, height)).any() or (corner + span <= 0).any():
        return
    # Pixel centres, hence the halves.
    shift = 2 * (place - corner) - m @ (anchor - 0.5) - 0.5
    moved = cv2.warpAffine(picture, np.column_stack([m, shift]), (2 * span[0], 2 * span[1]))
    small = cv2.resize(moved, span, interpolation=cv2.INTER_AREA)
    paste(frame, small[..., 3], small[..., :3] / np.maximum(small[..., 3:], 1e-4), int(corner[0]), int(corner[1]))
