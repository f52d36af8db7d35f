"""Figures with joints: a trunk, a head, arms and legs of two parts, each a layer that hangs from the one above it."""

import math

import torch

from motion.footage import shapes, textures
from motion.footage.layers import BASE, BEND, EVEN, HEIGHT, PHASE, SPEED
from motion.footage.motions import paths

PARTS = 10
"""Layers of a figure, from back to front: a far arm and leg, a near leg, the trunk, the head, a near arm."""
ARMS, LEGS, TRUNK, HEAD = ((0, 1), (8, 9)), ((2, 3), (4, 5)), 6, 7
ARM, FOREARM, THIGH, SHIN = 0.17, 0.16, 0.24, 0.235
"""Lengths between joints, as shares of a figure's height; those of adults (Drillis and Contini 1966)."""


def dress(stage, scene, layers):
    """Shirt, trousers and skin: parts that wear the same have the same look."""
    r, n = stage.random, len(scene.texture)
    tone = r.uniform(0.2, 0.9, n, 1) * torch.tensor([1.0, 0.78, 0.66], device=r.device)
    skin = layers[HEAD]
    natural = r.choice(len(textures.NATURAL), n)
    scene.texture[:, skin] = stage.textured(n, kind=torch.where(r.chance(0.5, n), textures.PLAIN, natural))
    scene.channels[:, skin] = torch.arange(3, device=r.device)
    scene.gain[:, skin], scene.lift[:, skin] = r.uniform(0.1, 0.5, n, 1), tone - 0.5
    short = ~r.chance(0.7, n), r.chance(0.3, n)
    shirt, trousers = layers[TRUNK], layers[LEGS[0][0]]
    for name in ("texture", "texels", "channels", "gain", "lift"):
        look = getattr(scene, name)
        for pairs, above, bare in ((ARMS, shirt, short[0]), (LEGS, trousers, short[1])):
            below = torch.where(bare.reshape(n, *[1] * (look.ndim - 2)), look[:, skin], look[:, above])
            for upper, lower in pairs:
                look[:, layers[upper]], look[:, layers[lower]] = look[:, above], below


def swing(stage, tall, length, base, walking, phase, wide, reach):
    """A limb's `JOINT`s at its root, [N, 6]: to and fro, round, or ever faster, so that its end moves by the reach at
    most."""
    r, n = stage.random, len(tall)
    height = torch.where(walking, r.uniform(0.2, 0.7, n), r.uniform(0.1, wide, n) * r.chance(0.8, n))
    within = reach / (2 * length * tall)
    speed = torch.minimum(r.uniform(0.3, 2.6, n), within / (height + 0.02))
    even = r.uniform(-1.2, 1.2, n) * r.chance(0.25, n) * ~walking
    bend = r.normal(n) * 0.8 * r.chance(0.3, n) * ~walking
    even, bend = even.clamp(-within, within), bend.clamp(-within, within)
    return torch.stack([base, even, height, speed, phase, bend], -1)


def limb(stage, scene, layers, tall, trunk, root, kind, lengths, upper, lower):
    """Two layers become an arm or a leg: its upper part turns about `root` [N, 2] on the trunk, its lower one about the
    end of that. `kind` is the lower part's shape; `upper` and `lower` are the joints' angles [N, 6]."""
    r, n = stage.random, len(tall)
    facing = torch.where(r.chance(0.5, n), 1.0, -1.0)
    for layer, shape, length, own in zip(layers, (shapes.LIMB, kind), lengths, (upper, lower)):
        half = tall * length / 2 / shapes.JOINT
        scene.shape[:, layer] = stage.shaped(shape, 1, n)
        scene.size[:, layer] = torch.stack([half * facing * r.uniform(0.8, 1.1, n), half], -1)
        scene.offsets[:, layer] = 0
        scene.offsets[:, layer, 0] = root
        scene.offsets[:, layer, 2, 1] = tall * length / 2
        scene.angle[:, layer, 0] = trunk
        scene.angle[:, layer, 2] = own
    scene.angle[:, layers[1], 1] = upper
    scene.offsets[:, layers[1], 1, 1] = tall * lengths[0]


def bent(stage, upper, most, way):
    """A lower part's angles: like the upper one's, but bent the one way in which its joint can bend."""
    r, n = stage.random, len(upper)
    lower = upper.clone()
    lower[:, BASE] += way * r.uniform(0, most, n)
    lower[:, HEIGHT] *= r.uniform(0.7, 1.6, n)
    lower[:, PHASE] += r.uniform(-0.7, 0.7, n)
    return lower


def body(stage, scene, layers, tall, wide, trunk):
    """The trunk, and the head on it, which nods."""
    r, n = stage.random, len(tall)
    scene.shape[:, layers[TRUNK]] = stage.shaped(shapes.TRUNK, 1, n)
    scene.size[:, layers[TRUNK]] = torch.stack([wide, tall * 0.165], -1)
    scene.angle[:, layers[TRUNK], 2] = trunk
    scene.shape[:, layers[HEAD]] = stage.shaped(shapes.HEAD, 1, n)
    scene.size[:, layers[HEAD]] = (tall * 0.095)[:, None].expand(n, 2)
    scene.offsets[:, layers[HEAD], 0, 1] = -tall * 0.14
    scene.offsets[:, layers[HEAD], 2, 1] = -tall * 0.085
    scene.angle[:, layers[HEAD], 0] = trunk
    scene.angle[:, layers[HEAD], 2] = trunk
    scene.angle[:, layers[HEAD], 2, HEIGHT] += r.uniform(0, 0.2, n)


def figure(stage, scene, layers, reach, scale=(0.4, 1.8)):
    """`PARTS` layers become a figure, `scale` pictures' sides tall, that walks, or moves its limbs in any way."""
    r, n = stage.random, len(scene.texture)
    tall = r.log_uniform(*scale, n) * stage.size
    wide = tall * r.uniform(0.11, 0.2, n)
    scene.place[:, layers] = (r.uniform(0.15, 0.85, n, 2) * stage.size)[:, None]
    scene.path[:, layers] = paths(r, reach, n)[:, None]
    scene.opacity[:, layers], scene.soft[:, layers], scene.angle[:, layers] = 1, 1, 0
    dress(stage, scene, layers)
    trunk = torch.zeros_like(scene.angle[:, 0, 0])
    trunk[:, BASE], trunk[:, EVEN] = r.normal(n) * 0.25, r.normal(n) * 0.08
    for part, most in ((HEIGHT, 0.15), (SPEED, 1.5), (PHASE, math.tau)):
        trunk[:, part] = r.uniform(0, most, n)
    trunk[:, BEND] = r.normal(n) * 0.1
    body(stage, scene, layers, tall, wide, trunk)
    walking, phase, way = r.chance(0.45, n), r.uniform(0, math.tau, n), torch.where(r.chance(0.5, n), 1.0, -1.0)
    for index, (arm, leg) in enumerate(zip(ARMS, LEGS)):
        side = 2.0 * index - 1
        turn = phase + math.pi * index
        free = r.normal(n) * torch.where(walking, 0.12, 1.2)
        upper = swing(stage, tall, ARM + FOREARM, free, walking, turn, 1.3, reach)
        root = torch.stack([side * wide * 0.48, -tall * 0.12], -1)
        lower = bent(stage, upper, 1.6, -way)
        limb(stage, scene, [layers[i] for i in arm], tall, trunk, root, shapes.FORE, (ARM, FOREARM), upper, lower)
        free = -side * 0.12 + r.normal(n) * 0.45
        free = torch.where(walking, free * 0.2, free)
        upper = swing(stage, tall, THIGH + SHIN, free, walking, turn + math.pi, 0.7, reach)
        root = torch.stack([side * wide * 0.25, tall * 0.14], -1)
        lower = bent(stage, upper, 0.9, way)
        limb(stage, scene, [layers[i] for i in leg], tall, trunk, root, shapes.SHIN, (THIGH, SHIN), upper, lower)
