"""The kinds of scene that there are. Each is drawn of a stage, a number of samples and a reach in pixels."""

from motion.footage import shapes
from motion.footage.figures import PARTS, figure

SOLID = shapes.THINGS.index(shapes.box), 5
SLENDER = shapes.THINGS.index(shapes.bar), 3
"""Kinds of shapes by the first and their number: boxes, blobs and polygons; bars, fences and plants."""


def things(stage, n, reach):
    """Cut-outs over a ground that moves with the camera, their shadow, something small and fast, a fence or a plant
    close by, and a title."""
    scene = stage.blank(n, 9)
    stage.ground(scene, plain=0.1)
    stage.things(scene, [2, 3, 4], reach, (0.08, 0.5))
    # It may move by more than its own size, as a ball does.
    stage.things(scene, [5], reach, (0.02, 0.08), share=0.6)
    stage.things(scene, [6], reach * 0.5, (0.2, 0.9), share=0.4)
    scene.shape[:, 6] = stage.shaped(*SLENDER, n)
    stage.shadow(scene, 1, of=2)
    stage.follow(scene, reach)
    stage.title(scene, [7, 8], 0.25)
    stage.settle(scene, reach)
    return scene


def person(stage, n, reach):
    """A figure between a thing behind it and a thing before it."""
    scene = stage.blank(n, PARTS + 3)
    stage.ground(scene, plain=0.2)
    stage.things(scene, [1, PARTS + 2], reach * 0.6, (0.08, 0.45), share=0.6)
    figure(stage, scene, list(range(2, PARTS + 2)), reach)
    stage.follow(scene, reach * 0.6, still=0.4, depth=0.0, pinned=0.0)
    stage.settle(scene, reach)
    return scene


def people(stage, n, reach):
    """Two figures, one before the other."""
    scene = stage.blank(n, 2 * PARTS + 1)
    stage.ground(scene, plain=0.2)
    figure(stage, scene, list(range(1, PARTS + 1)), reach, scale=(0.4, 1.1))
    figure(stage, scene, list(range(PARTS + 1, 2 * PARTS + 1)), reach, scale=(0.5, 1.8))
    stage.follow(scene, reach * 0.5, still=0.5, depth=0.0, pinned=0.0)
    stage.settle(scene, reach)
    return scene


def cloth(stage, n, reach):
    """Large cloth that folds, and a thing before it."""
    scene = stage.blank(n, 4)
    stage.ground(scene, plain=0.2)
    stage.things(scene, [1, 2], reach * 0.7, (0.25, 0.8))
    scene.shape[:, 1:3] = stage.shaped(*SOLID, n, 2)
    stage.cloth(scene, [1, 2])
    stage.things(scene, [3], reach, (0.06, 0.4))
    stage.follow(scene, reach * 0.5, still=0.4)
    stage.settle(scene, reach)
    return scene


def large(stage, n, reach):
    """Things larger than half the picture that come in, go out and uncover what is behind them, many of them plain."""
    scene = stage.blank(n, 5)
    stage.ground(scene, plain=0.35)
    stage.things(scene, [2, 3, 4], reach, (0.3, 1.1))
    scene.shape[:, 2:] = stage.shaped(*SOLID, n, 3)
    # An edge lies in the picture more often than the middle does.
    scene.place[:, 2:] = stage.random.uniform(-0.5, 1.5, n, 3, 2) * stage.size
    stage.painted(scene, [2, 3, 4], 0.35)
    stage.shadow(scene, 1, of=2)
    stage.follow(scene, reach * 0.4, still=0.5)
    stage.settle(scene, reach)
    return scene


def pan(stage, n, reach):
    """A camera that turns over a ground, as fast as the reach, and passes things that are nearer; a title stands."""
    scene = stage.blank(n, 6)
    stage.ground(scene, plain=0.03)
    stage.things(scene, [1, 2, 3], reach * 0.15, (0.06, 0.5))
    stage.follow(scene, reach, still=0.0, crowd=0.15, depth=1.2)
    stage.title(scene, [4, 5], 0.35)
    stage.settle(scene, reach)
    return scene


CASTS = {"things": (things, 0.3), "person": (person, 0.24), "people": (people, 0.08), "cloth": (cloth, 0.12),
         "large": (large, 0.14), "pan": (pan, 0.12)}
"""Kinds of scene, and how often each is drawn."""
OPEN = {"pan": 0.4, "large": 0.15, "things": 0.15, "cloth": 0.1, "person": 0.1, "people": 0.1}
"""How often the shutter is open long enough to blur what moves."""
