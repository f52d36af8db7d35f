"""The stock elements, by name."""

from .flower import Flower
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
