"""What the camera and the laboratory do to a drawn clip: moves, cadence and grade."""

import cv2
import numpy as np

from .element import Size

CAMERAS = ("still", "pan left", "pan right", "push in")
STEPPED = ("stop motion", "step printed")
LOOKS = ("normal", *STEPPED, "warm")
# How much larger than the frame a clip is drawn that the camera moves over.
MARGIN = 1.25
# Frames that one drawing, or one exposure, lasts.
CADENCE = 3


def drawn_size(size, camera):
    """The size to draw a clip in, for a camera that has room to move."""
    if camera == "still":
        return size
    return Size(size.frames, round(size.height * MARGIN), round(size.width * MARGIN))


def moved(clip, size, camera, rng):
    """The clip as a moving camera sees it, at `size`."""
    if camera == "still":
        return clip
    high, wide = clip.shape[1:3]
    u = np.linspace(0, 1, size.frames)
    # Eased at both ends by up to a third, as a hand would.
    ease = rng.uniform(0, 0.33)
    u = (1 - ease) * u + ease * (3 * u**2 - 2 * u**3)
    scale = np.ones(size.frames)
    x = np.full(size.frames, (wide - size.width) / 2)
    y = np.full(size.frames, (high - size.height) / 2)
    if camera == "push in":
        scale = MARGIN ** (1 - u)
        x, y = (wide - scale * size.width) / 2, (high - scale * size.height) / 2
    else:
        # The camera turns left: the view runs from the right edge of the drawing to its left.
        x = (wide - size.width) * (1 - u if camera == "pan left" else u)
    views = [np.float32([[s, 0, a], [0, s, b]]) for s, a, b in zip(scale, x, y)]
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = [cv2.warpAffine(f, m, (size.width, size.height), flags=how, borderMode=cv2.BORDER_REFLECT)
            for f, m in zip(clip, views)]
    return np.stack(seen)


def graded(clip, look, rng):
    """The clip in a look."""
    if look == "stop motion":
        # A drawing is held, and each is lit a little differently.
        held = clip[np.arange(len(clip)) // CADENCE * CADENCE]
        light = 1 + rng.normal(0, 0.012, len(clip))[np.arange(len(clip)) // CADENCE]
        return np.clip(held * light[:, None, None, None].astype(np.float32), 0, 1)
    if look == "step printed":
        # Shot slow with a long exposure, each frame printed several times (Wong and Doyle's smear).
        starts = np.arange(len(clip)) // CADENCE * CADENCE
        return np.stack([clip[s:s + CADENCE].mean(0) for s in starts])
    if look == "warm":
        return np.clip(clip * np.float32([1.06, 0.98, 0.80]) + np.float32([0.03, 0.012, 0.0]), 0, 1)
    return clip
