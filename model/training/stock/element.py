"""What every stock element is: words it understands, and a way to draw what they ask for."""

from dataclasses import dataclass

import numpy as np

RATE = 24

# Display-referred sRGB. One name, one colour: the words of a prompt that name a colour mean these.
COLOURS = {
    "red": (0.86, 0.10, 0.10), "orange": (0.97, 0.50, 0.08), "yellow": (0.97, 0.86, 0.12),
    "green": (0.14, 0.70, 0.20), "cyan": (0.10, 0.78, 0.84), "blue": (0.12, 0.26, 0.88),
    "purple": (0.50, 0.16, 0.80), "pink": (0.97, 0.42, 0.68), "white": (0.97, 0.97, 0.97),
    "grey": (0.52, 0.52, 0.52), "black": (0.02, 0.02, 0.02), "brown": (0.44, 0.26, 0.12),
    "gold": (0.86, 0.67, 0.24),
}
DIRECTIONS = ("left", "right", "up", "down")
SPEEDS = {"slow": 0.5, "medium": 1.0, "fast": 2.0}
DENSITIES = {"sparse": 0.4, "medium": 1.0, "dense": 2.2}
SIZES = {"small": 0.6, "medium": 1.0, "large": 1.7}
TIMES = ("dawn", "day", "dusk", "night")


@dataclass(frozen=True)
class Size:
    """Of a clip: frames, and pixels."""
    frames: int
    height: int
    width: int


class Element:
    """A stock element.

    `attributes` lists what words change it: a name to the values it takes. `natural` gives, for each of them, the
    values it has where a prompt says nothing of it: one of them is drawn. `nouns` are ways to name it, and `verbs` ways
    to say that it moves, to which a direction is added.
    """

    name = ""
    attributes: dict[str, tuple[str, ...]] = {}
    natural: dict[str, tuple[str, ...]] = {}
    nouns: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()

    def draw(self, ask: dict[str, str], size: Size, rng: np.random.Generator) -> np.ndarray:
        """The clip that `ask`, a value for each attribute, describes: float32 `[frames, height, width, 3]`,
        display-referred sRGB, 0 to 1, at 24 frames a second."""
        raise NotImplementedError


def colour_of(name, rng=None, spread=0.04):
    """The RGB of a colour's name; with `rng`, a little off, as things are."""
    rgb = np.array(COLOURS[name], np.float32)
    if rng is not None:
        rgb = rgb + rng.normal(0, spread, 3)
    return np.clip(rgb, 0, 1).astype(np.float32)


def unit(direction):
    """A direction as (x, y), y down."""
    return {"left": (-1.0, 0.0), "right": (1.0, 0.0), "up": (0.0, -1.0), "down": (0.0, 1.0)}[direction]


def over(alpha, colour, background):
    """`colour` over `background` by `alpha` `[..., H, W]`."""
    a = np.asarray(alpha, np.float32)[..., None]
    return background + (np.asarray(colour, np.float32) - background) * a
