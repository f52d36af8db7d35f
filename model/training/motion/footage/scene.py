"""Scenes as numbers: layers from back to front, how each looks, and how it moves.

A layer's point u (pixels, in its own axes) stands at time s, with the joints' angles a0, a1, a2 and the camera about the middle m,

    x(u, s) = m + C(s) · (p + path(s) + z^s · (R(a0) o0 + R(a1) o1 + R(a2) (c + u + W(u, s))) − m)

W is a sum of travelling waves, too shallow to fold over itself. Most things have the last joint alone; a forearm hangs from an
elbow that hangs from a shoulder. Times are intervals, from 0, the first frame, to 1, the last.
"""

import math
from dataclasses import dataclass, fields

import torch

from motion.footage import shapes, textures

WAVES = 2
PATH = ("shift", "bend", "jerk", "sway", "before", "after")


@dataclass
class Scene:
    """N scenes of L layers; shapes [N, L, …], but for the camera's [N]."""

    texture: torch.Tensor
    texels: torch.Tensor
    """Texels a pixel, and where the texture's middle lies: [N, L, 1] and [N, L, 2] in one, [N, L, 3]."""
    gain: torch.Tensor
    lift: torch.Tensor
    shape: torch.Tensor
    size: torch.Tensor
    """Half sides in pixels, [N, L, 2]; a negative one is a mirror's."""
    soft: torch.Tensor
    opacity: torch.Tensor
    place: torch.Tensor
    offsets: torch.Tensor
    """o0, o1 and c, [N, L, 3, 2]."""
    angle: torch.Tensor
    """Joints' angles at 0, what is added evenly over the interval, and a swing's height, speed and phase: [N, L, 3, 5]."""
    zoom: torch.Tensor
    """The natural logarithm of z, [N, L]."""
    path: torch.Tensor
    """`PATH`, [N, L, 6, 2]."""
    waves: torch.Tensor
    """Height across and along in pixels, wave numbers across and along in radians a pixel, speed and phase: [N, L, WAVES, 6]."""
    folds: torch.Tensor
    """How much lighter a wave's front is than its back."""
    turn: torch.Tensor
    closing: torch.Tensor
    """The camera's turn over the interval in radians and the logarithm of its zoom, [N]."""

    def layer(self, index):
        """One layer of all scenes, [N, …]; the camera as it is."""
        camera = ("turn", "closing")
        return Scene(**{f.name: getattr(self, f.name) if f.name in camera else getattr(self, f.name)[:, index] for f in fields(self)})

    @property
    def layers(self):
        return self.texture.shape[1]


class Stage:
    """Draws scenes of one size in pixels."""

    def __init__(self, random, size, each_texture, each_shape):
        self.random, self.size = random, size
        self.each_texture, self.each_shape = each_texture, each_shape

    def textured(self, *shape, kind=None):
        kind = self.random.choice(textures.KINDS, *shape) if kind is None else torch.full(shape, kind, device=self.random.device)
        return kind * self.each_texture + self.random.choice(self.each_texture, *shape)

    def shaped(self, first, count, *shape):
        """Shapes of the kinds from `first` on."""
        return (first + self.random.choice(count, *shape)) * self.each_shape + self.random.choice(self.each_shape, *shape)

    def vectors(self, length, flat=1.0):
        angle = self.random.uniform(0, math.tau, *length.shape)
        return torch.stack([torch.cos(angle) * length, torch.sin(angle) * length * flat], -1)

    def paths(self, reach, *shape):
        """Paths whose shift is within `reach` pixels: half crowd near none, where precision is learned, half are spread."""
        r = self.random
        near = r.log_uniform(0.15, max(reach, 0.2), *shape)
        length = torch.where(r.chance(0.5, *shape), near, r.uniform(0, reach, *shape))
        flat = torch.where(r.chance(0.5, *shape), 1.0, 0.4)
        path = torch.zeros(*shape, len(PATH), 2, device=r.device)
        path[..., 0, :] = self.vectors(length, flat)
        bend = torch.where(r.chance(0.5, *shape), r.log_uniform(0.1, max(reach, 0.2), *shape) * 0.7, r.uniform(0, 0.6, *shape) * length)
        bend = torch.where(r.chance(0.6, *shape), bend, torch.zeros_like(bend))
        path[..., 1, :] = self.vectors(bend)
        path[..., 2, :] = r.normal(*shape, 2) * (0.2 * bend + 0.05 * length)[..., None]
        some = r.chance(0.4, *shape).float()[..., None]
        path[..., 3, :] = some * r.normal(*shape, 2) * (0.02 * length + 0.15)[..., None]
        for side in (4, 5):
            jolt = torch.where(r.chance(0.12, *shape), r.uniform(0, reach, *shape), torch.zeros(shape, device=r.device))
            path[..., side, :] = self.vectors(jolt)
        return path

    def blank(self, n, layers, reach):
        """Layers that show nothing yet, each with a look of its own, that move with nothing but themselves."""
        r, size = self.random, self.size
        zeros = lambda *shape: torch.zeros(n, layers, *shape, device=r.device)
        texels = torch.cat([r.log_uniform(0.35, 0.95, n, layers, 1), r.uniform(-0.7, 0.7, n, layers, 2)], -1)
        angle = zeros(3, 5)
        angle[..., 2, 0] = r.uniform(0, math.tau, n, layers)
        return Scene(
            texture=self.textured(n, layers), texels=texels, gain=r.uniform(0.7, 1.2, n, layers, 1) * r.uniform(0.88, 1.12, n, layers, 3),
            lift=r.uniform(-0.12, 0.12, n, layers, 1).expand(n, layers, 3).clone(), shape=self.shaped(0, len(shapes.THINGS), n, layers),
            size=zeros(2) + 1, soft=torch.where(r.chance(0.12, n, layers), r.uniform(2, 10, n, layers), 1.0),
            opacity=zeros(), place=r.uniform(0.05, 0.95, n, layers, 2) * size, offsets=zeros(3, 2), angle=angle, zoom=zeros(),
            path=zeros(len(PATH), 2), waves=zeros(WAVES, 6), folds=zeros(),
            turn=r.normal(n) * 0.05 * r.chance(0.35, n), closing=r.normal(n) * 0.04 * r.chance(0.4, n),
        )

    def ground(self, scene, plain=None):
        """The first layer becomes what is behind all."""
        n, r = len(scene.texture), self.random
        scene.shape[:, 0] = (len(shapes.THINGS) + len(shapes.PARTS)) * self.each_shape
        scene.opacity[:, 0] = 1
        if plain is not None:
            scene.texture[:, 0] = torch.where(r.chance(plain, n), self.textured(n, kind=textures.PLAIN), scene.texture[:, 0])

    def things(self, scene, layers, reach, scale=(0.05, 0.45)):
        """These layers become things, of half sides within `scale` of the picture's, with motions of their own."""
        r, (n, count) = self.random, (len(scene.texture), len(layers))
        side = r.log_uniform(*scale, n, count) * self.size
        scene.size[:, layers] = torch.stack([side, side * r.uniform(0.4, 1, n, count)], -1)
        clear = r.chance(0.06, n, count)
        scene.opacity[:, layers] = torch.where(clear, r.uniform(0.3, 0.8, n, count), 1.0) * r.chance(0.85, n, count)
        own = self.paths(reach, n, count)
        # Some move with what is behind them.
        scene.path[:, layers] = own * r.chance(0.75, n, count)[..., None, None]
        scene.angle[:, layers, 2, 1] = r.normal(n, count) * 0.12 * r.chance(0.5, n, count)
        scene.zoom[:, layers] = r.normal(n, count) * 0.05 * r.chance(0.5, n, count)
        self.wavy(scene, layers, share=0.35)

    def wavy(self, scene, layers, share, deep=False):
        """Lets the layers deform; cloth deforms deeply and folds."""
        r, n, count = self.random, len(scene.texture), len(layers)
        length = r.log_uniform(0.15, 0.8, n, count, WAVES) * self.size
        number = self.vectors(math.tau / length)
        # A slope of 0.5 in all is one that repeated substitution inverts.
        height = r.uniform(0.3, 1, n, count, WAVES) * (0.42 if deep else 0.2) / WAVES * length / math.tau
        speed = r.uniform(-2.5, 2.5, n, count, WAVES) if deep else r.normal(n, count, WAVES) * 0.6
        waves = torch.cat([self.vectors(height), number, speed[..., None], r.uniform(0, math.tau, n, count, WAVES, 1)], -1)
        some = r.chance(share, n, count)
        scene.waves[:, layers] = waves * some[..., None, None]
        if deep:
            scene.folds[:, layers] = some * r.uniform(0.05, 0.35, n, count)

    def title(self, scene, layer):
        """A layer of letters that stands still in the picture, whatever the camera does."""
        r, n = self.random, len(scene.texture)
        scene.shape[:, layer] = self.shaped(len(shapes.THINGS) - 1, 1, n)
        side = r.log_uniform(0.04, 0.2, n) * self.size
        scene.size[:, layer] = torch.stack([side, side], -1)
        scene.texture[:, layer] = self.textured(n, kind=textures.PLAIN)
        scene.opacity[:, layer] = r.chance(0.4, n).float()
        scene.angle[:, layer] = 0
        scene.path[:, layer] = 0

    def follow(self, scene, reach, still=0.2):
        """Adds the camera's path to every layer's, further layers less; what stands in the picture is to be added later."""
        r, n = self.random, len(scene.texture)
        camera = self.paths(reach, n, 1) * (~r.chance(still, n, 1))[..., None, None]
        near = torch.linspace(0, 1, scene.layers, device=r.device)[None, :, None, None]
        depth = 1 + near * (r.uniform(0, 0.6, n) * r.chance(0.6, n))[:, None, None, None]
        scene.path = scene.path + camera * depth

    def figure(self, scene, layers, reach):
        """Ten layers become a figure: a far arm and leg, the trunk, the head, a near leg and arm, each limb of two parts."""
        r, n = self.random, len(scene.texture)
        tall = r.log_uniform(0.4, 1.6, n) * self.size
        root = self.paths(reach, n)
        scene.place[:, layers] = (r.uniform(0.2, 0.8, n, 2) * self.size)[:, None]
        scene.path[:, layers] = root[:, None]
        scene.opacity[:, layers] = 1
        scene.soft[:, layers] = 1
        lean, clothes = r.normal(n) * 0.2, self.textured(n, 3)
        for index, part in enumerate(("arm", "arm+", "leg", "leg+", "trunk", "head", "leg", "leg+", "arm", "arm+")):
            layer = layers[index]
            self.body(scene, layer, tall, lean, part) if part in ("trunk", "head") else None
            scene.texture[:, layer] = clothes[:, {"trunk": 0, "arm": 0, "arm+": 0, "leg": 1, "leg+": 1, "head": 2}[part]]
        for upper, lower, arm in ((0, 1, True), (2, 3, False), (6, 7, False), (8, 9, True)):
            self.limb(scene, (layers[upper], layers[lower]), tall, lean, arm, reach)

    def body(self, scene, layer, tall, lean, part):
        n, first = len(scene.texture), len(shapes.THINGS)
        scene.angle[:, layer] = 0
        scene.angle[:, layer, :, 0] = lean[:, None]
        if part == "trunk":
            scene.shape[:, layer] = self.shaped(first + 1, 1, n)
            scene.size[:, layer] = torch.stack([tall * 0.17, tall * 0.17], -1)
            return
        scene.shape[:, layer] = self.shaped(first + 2, 1, n)
        scene.size[:, layer] = torch.stack([tall * 0.075, tall * 0.085], -1)
        scene.offsets[:, layer, 0, 1] = -tall * 0.25
        scene.angle[:, layer, 2, 2:] = torch.stack([self.random.uniform(0, 0.2, n), self.random.uniform(0.2, 1.2, n), lean], -1)

    def limb(self, scene, layers, tall, lean, arm, reach):
        """An upper part that swings about its shoulder or hip, and a lower one that bends at the elbow or the knee."""
        r, n, first = self.random, len(scene.texture), len(shapes.THINGS)
        length = tall * (0.15 if arm else 0.22)
        side = torch.where(r.chance(0.5, n), 1.0, -1.0)
        joint = torch.stack([side * tall * (0.1 if arm else 0.05), tall * (-0.13 if arm else 0.14)], -1)
        hanging = r.normal(n) * (1.1 if arm else 0.5)
        swing = r.uniform(0.1, 1.2 if arm else 0.7, n) * r.chance(0.85, n)
        # So fast that the hand moves by the reach at most.
        speed = torch.minimum(r.uniform(0.3, 1.8, n), reach / (swing * length * 2 + 1e-3))
        phase, bent = r.uniform(0, math.tau, n), r.uniform(0, 1.4 if arm else 0.8, n)
        upper = torch.stack([hanging, swing * 0, swing, speed, phase], -1)
        lower = torch.stack([hanging - bent, swing * 0, swing * r.uniform(0.8, 1.6, n), speed, phase + r.uniform(-0.5, 0.5, n)], -1)
        for layer, own, shorter in ((layers[0], upper, 1.0), (layers[1], lower, 0.95)):
            half = length * shorter / 2
            scene.shape[:, layer] = self.shaped(first, 1, n)
            scene.size[:, layer] = torch.stack([half * (0.75 if arm else 0.8), half * 1.15], -1)
            scene.offsets[:, layer] = 0
            scene.offsets[:, layer, 0] = joint
            scene.offsets[:, layer, 2, 1] = half
            scene.angle[:, layer] = 0
            scene.angle[:, layer, 0, 0] = lean
            scene.angle[:, layer, 2] = own
        scene.angle[:, layers[1], 1] = upper
        scene.offsets[:, layers[1], 1, 1] = length


def things(stage, n, reach):
    """Cut-outs over a ground that moves with the camera, and a title."""
    scene = stage.blank(n, 7, reach)
    stage.ground(scene, plain=0.25)
    stage.things(scene, [1, 2, 3, 4], reach)
    # Small and fast, as a ball: it may move by more than its own size.
    stage.things(scene, [5], 1.4 * reach, scale=(0.02, 0.08))
    stage.follow(scene, reach)
    stage.title(scene, 6)
    return scene


def figure(stage, n, reach):
    """A figure before a thing and a ground, and a thing before it."""
    scene = stage.blank(n, 13, reach)
    stage.ground(scene, plain=0.35)
    stage.things(scene, [1, 12], reach * 0.6)
    stage.figure(scene, list(range(2, 12)), reach)
    stage.follow(scene, reach * 0.5, still=0.4)
    return scene


def cloth(stage, n, reach):
    """Large cloth that folds, half of it striped, and a thing before it."""
    scene = stage.blank(n, 4, reach)
    stage.ground(scene, plain=0.3)
    stage.things(scene, [1, 2], reach * 0.7, scale=(0.25, 0.7))
    stage.wavy(scene, [1, 2], share=1.0, deep=True)
    striped = stage.random.chance(0.5, n, 2)
    scene.texture[:, 1:3] = torch.where(striped, stage.textured(n, 2, kind=textures.STRIPES), scene.texture[:, 1:3])
    stage.things(scene, [3], reach)
    stage.follow(scene, reach * 0.5, still=0.4)
    return scene


def large(stage, n, reach):
    """Things larger than half the picture that come in, go out and uncover what is behind them."""
    scene = stage.blank(n, 4, reach)
    stage.ground(scene, plain=0.5)
    stage.things(scene, [1, 2, 3], reach, scale=(0.3, 1.1))
    scene.place[:, 1:] = stage.random.uniform(-0.4, 1.4, n, 3, 2) * stage.size
    solid = stage.random.chance(0.4, n, 3)
    scene.texture[:, 1:] = torch.where(solid, stage.textured(n, 3, kind=textures.PLAIN), scene.texture[:, 1:])
    stage.follow(scene, reach * 0.4, still=0.5)
    return scene


def pan(stage, n, reach):
    """A camera that turns over a ground and a few things that move with it, as fast as the reach."""
    scene = stage.blank(n, 4, reach)
    stage.ground(scene)
    stage.things(scene, [1, 2], reach * 0.3)
    stage.follow(scene, reach * 1.3, still=0.0)
    stage.title(scene, 3)
    return scene


CASTS = {"things": (things, 0.3), "figure": (figure, 0.3), "cloth": (cloth, 0.12), "large": (large, 0.16), "pan": (pan, 0.12)}
"""What is drawn, and how often."""
