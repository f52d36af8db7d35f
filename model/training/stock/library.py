"""The stock elements, by name."""

from .flower import Flower
from .forms import FORMS
from .fluids import Fire, Fog, Ink, Smoke
from .confetti import Confetti
from .graphics import Gradient, Grid, Rings, Shapes, Stripes
from .leaves import Leaves
from .objects import Ball, Balloon, Cube
from .skies import Aurora, Clouds
from .sparks import Bokeh, Dust, Embers, LightLeak, Starfield
from .water import Ripples, Sea, Underwater
from .weather import Rain, Snow

ELEMENTS = {element.name: element for element in (
    Aurora(), Ball(), Balloon(), Bokeh(), Clouds(), Confetti(), Cube(), Dust(), Embers(), Fire(), Flower(), Fog(),
    Gradient(), Grid(), Ink(), Leaves(), LightLeak(), Rain(), Rings(), Ripples(), Sea(), Shapes(), Smoke(), Snow(),
    Starfield(), Stripes(), Underwater())}

# Words that tell them from one another: light that falls over a picture, what can be laid over one, and what fills one or
# stands in it.
LIGHT = {"bokeh": "bokeh", "light leak": "leak leaks leaking"}
MATTER = {
    "confetti": "confetti", "dust": "dust", "embers": "embers sparks", "fire": "fire flames", "fog": "fog mist",
    "leaves": "leaves", "rain": "rain rainfall", "smoke": "smoke", "snow": "snow snowfall snowflakes",
}
WHOLE = {
    "aurora": "aurora northern polar", "ball": "ball", "balloon": "balloons", "clouds": "clouds cloudy sky",
    "cube": "cube box", "flower": "flower daisy rose sunflower tulip", "gradient": "gradient", "grid": "grid", "ink": "ink",
    "rings": "rings circles", "ripples": "ripples pond water", "sea": "sea ocean waves",
    "shapes": "shapes geometric hexagons squares triangles", "starfield": "stars starfield starry space",
    "stripes": "stripes striped lines", "underwater": "underwater rays",
}


def world():
    """The words that the plugin tells elements by."""
    kinds = {"light": LIGHT, "matter": MATTER, "whole": WHOLE}
    assert sorted(name for elements in kinds.values() for name in elements) == sorted(ELEMENTS)
    words = {kind: " ".join(elements.values()).split() for kind, elements in kinds.items()}
    return {kind: sorted({form for word in said for form in (word, *FORMS.get(word, "").split())}) for kind, said in words.items()}
