"""What scenes are put together from: a ground, things, deforming things, shadows, titles and a camera."""

import math

import torch

from motion.footage import shapes, textures
from motion.footage.layers import BASE, EVEN, JOINT, PATH, WAVES, Scene
from motion.footage.motions import along, paths


class Stage:
    """Draws scenes as numbers, for pictures of one size in pixels, from banks with so many of each kind."""

    def __init__(self, random, size, each):
        self.random, self.size, self.each = random, size, each

    def textured(self, *shape, kind=None):
        """Textures of one kind, or of any."""
        if kind is None:
            kind = self.random.choice(len(textures.KINDS), *shape)
        return kind * self.each + self.random.choice(self.each, *shape)

    def shaped(self, kind, count, *shape):
        """Shapes of `count` kinds from one on."""
        return (kind + self.random.choice(count, *shape)) * self.each + self.random.choice(self.each, *shape)

    def blank(self, n, layers):
        """Layers that show nothing yet, each with a look of its own, and that stand still."""
        r, size = self.random, self.size
        zeros = lambda *shape: torch.zeros(n, layers, *shape, device=r.device)
        angle = zeros(3, len(JOINT))
        angle[..., 2, BASE] = r.uniform(0, math.tau, n, layers)
        order = torch.arange(3, device=r.device)
        channels = torch.where(r.chance(0.5, n, layers, 1), r.permutations(3, n, layers), order)
        soft = torch.where(r.chance(0.12, n, layers), r.uniform(2, 10, n, layers), 1.0)
        return Scene(
            texture=self.textured(n, layers), channels=channels,
            texels=torch.cat([r.log_uniform(0.45, 0.95, n, layers, 1), r.uniform(-0.7, 0.7, n, layers, 2)], -1),
            gain=r.uniform(0.7, 1.2, n, layers, 1) * r.uniform(0.88, 1.12, n, layers, 3),
            lift=r.uniform(-0.12, 0.12, n, layers, 1).repeat(1, 1, 3),
            shape=self.shaped(0, len(shapes.THINGS), n, layers), size=zeros(2) + 1, soft=soft, grow=zeros(),
            opacity=zeros(), place=r.uniform(0.05, 0.95, n, layers, 2) * size, offsets=zeros(3, 2), angle=angle,
            zoom=zeros(), path=zeros(len(PATH), 2), waves=zeros(WAVES, 6), folds=zeros(), turn=zeros(), closing=zeros(),
            wavy=set(), lit=set(),
        )

    def ground(self, scene, plain):
        """The first layer becomes what is behind all, plain in so large a share; now and then it bends, as depth makes
        it."""
        n, r = len(scene.texture), self.random
        scene.shape[:, 0] = shapes.ALL * self.each
        scene.opacity[:, 0] = 1
        kind = torch.where(r.chance(plain, n), textures.PLAIN, r.choice(len(textures.KINDS), n))
        scene.texture[:, 0] = self.textured(n, kind=kind)
        if r.decide(0.2):
            self.wavy(scene, [0], 0.7, slope=0.15, lengths=(0.6, 2.5))

    def things(self, scene, layers, reach, scale, share=0.9):
        """These layers become things, of half sides within `scale` of the picture's, with motions of their own."""
        r, (n, count) = self.random, (len(scene.texture), len(layers))
        side = r.log_uniform(*scale, n, count) * self.size
        scene.size[:, layers] = torch.stack([side, side * r.uniform(0.4, 1, n, count)], -1)
        clear = torch.where(r.chance(0.05, n, count), r.uniform(0.15, 0.5, n, count), 1.0)
        scene.opacity[:, layers] = clear * r.chance(share, n, count)
        # Some move with what is behind them.
        scene.path[:, layers] = paths(r, reach, n, count) * r.chance(0.75, n, count)[..., None, None]
        scene.angle[:, layers, 2, EVEN] = r.normal(n, count) * 0.12 * r.chance(0.5, n, count)
        upright, any_way = r.choice(4, n, count) * (math.pi / 2), scene.angle[:, layers, 2, BASE]
        scene.angle[:, layers, 2, BASE] = torch.where(r.chance(0.35, n, count), upright, any_way)
        scene.zoom[:, layers] = r.normal(n, count) * 0.05 * r.chance(0.5, n, count)
        bending = [layer for layer in layers if r.decide(0.35)]
        if bending:
            self.wavy(scene, bending, share=0.8)

    def wavy(self, scene, layers, share, slope=0.2, lengths=(0.15, 0.8), speed=0.6):
        """Lets layers deform: waves of so many pictures' sides, whose slopes are `slope` in all. Up to 0.42 repeated
        substitution inverts them."""
        r, n, count = self.random, len(scene.texture), len(layers)
        length = r.log_uniform(*lengths, n, count, WAVES) * self.size
        number = r.vectors(math.tau / length)
        height = r.vectors(r.uniform(0.3, 1, n, count, WAVES) * slope / WAVES * length / math.tau)
        rate, phase = r.normal(n, count, WAVES, 1) * speed, r.uniform(0, math.tau, n, count, WAVES, 1)
        waves = torch.cat([height, number, rate, phase], -1)
        scene.waves[:, layers] = waves * r.chance(share, n, count)[..., None, None]
        scene.wavy.update(layers)

    def cloth(self, scene, layers):
        """Lets layers fold as cloth does, with light on the folds; half of them are striped, checked or tiled."""
        r, n, count = self.random, len(scene.texture), len(layers)
        self.wavy(scene, layers, share=1.0, slope=0.42, lengths=(0.15, 0.6), speed=1.3)
        scene.folds[:, layers] = r.uniform(0.05, 0.35, n, count)
        scene.lit.update(layers)
        striped = self.textured(n, count, kind=textures.STRIPES + r.choice(2, n, count))
        scene.texture[:, layers] = torch.where(r.chance(0.5, n, count), striped, scene.texture[:, layers])

    def painted(self, scene, layers, share):
        """Such a share of these layers becomes plain: nothing in them can be matched."""
        some = self.random.chance(share, len(scene.texture), len(layers))
        plain = self.textured(len(scene.texture), len(layers), kind=textures.PLAIN)
        scene.texture[:, layers] = torch.where(some, plain, scene.texture[:, layers])

    def shadow(self, scene, layer, of):
        """A layer becomes the soft shadow of another on what is behind it: it darkens and hides nothing."""
        r, n = self.random, len(scene.texture)
        for name in ("shape", "size", "angle", "zoom", "path", "offsets", "place"):
            getattr(scene, name)[:, layer] = getattr(scene, name)[:, of]
        scene.place[:, layer] += r.vectors(r.uniform(0.01, 0.1, n) * self.size)
        scene.soft[:, layer] = r.log_uniform(2, 20, n)
        scene.gain[:, layer], scene.lift[:, layer] = 0, -0.48
        scene.opacity[:, layer] = r.uniform(0.15, 0.49, n) * (scene.opacity[:, of] > 0.5) * r.chance(0.5, n)

    def title(self, scene, layers, share):
        """Two layers become words that stand in the picture, whatever the camera does, and their outline."""
        r, n = self.random, len(scene.texture)
        back, front = layers
        side = r.log_uniform(0.15, 0.5, n) * self.size
        scene.size[:, layers] = torch.stack([side, side * r.uniform(0.8, 1.4, n)], -1)[:, None]
        scene.shape[:, layers] = self.shaped(shapes.WORD, 1, n, 1)
        scene.texture[:, layers] = self.textured(n, 2, kind=textures.PLAIN)
        # Light letters with a dark edge, or the other way round.
        light = torch.where(r.chance(0.8, n), 1.0, -1.0)[:, None]
        scene.gain[:, layers] = r.uniform(0.05, 0.3, n, 1, 1)
        scene.lift[:, front], scene.lift[:, back] = light * r.uniform(0.25, 0.5, n, 1), light * -0.45
        scene.soft[:, layers] = 1
        scene.grow[:, back] = r.uniform(1, 2.5, n)
        scene.place[:, layers] = (r.uniform(0.15, 0.85, n, 2) * self.size)[:, None]
        for name in ("angle", "path", "turn", "closing", "zoom", "waves"):
            getattr(scene, name)[:, layers] = 0
        scene.opacity[:, front] = r.chance(share, n).float()
        scene.opacity[:, back] = scene.opacity[:, front] * r.chance(0.6, n)

    def follow(self, scene, reach, still=0.2, crowd=0.5, depth=0.6, pinned=0.05):
        """Adds the camera's motion to every layer's, to further layers less, by a share of up to `depth`. The camera
        stands in `still` of the scenes; a `pinned` share of things stands in the picture."""
        r, (n, count) = self.random, scene.texture.shape
        moves = ~r.chance(still, n, 1)
        camera = paths(r, reach, n, 1, crowd=crowd) * moves[..., None, None]
        near = torch.linspace(0, 1, count, device=r.device)[None] * (r.uniform(0, depth, n) * r.chance(0.6, n))[:, None]
        scene.path += camera * (1 + near)[..., None, None]
        scene.turn[:] = r.normal(n, 1) * 0.05 * r.chance(0.35, n, 1) * moves
        scene.closing[:] = r.normal(n, 1) * 0.05 * r.chance(0.4, n, 1) * moves * (1 + near)
        free = ~r.chance(pinned, n, count)
        free[:, 0] = True
        scene.path *= free[..., None, None]
        scene.turn *= free
        scene.closing *= free

    def settle(self, scene, reach):
        """Keeps shifts within the reach and what moves in view: it stands at its place at some time within the
        interval."""
        n, count = scene.texture.shape
        longest = scene.path[:, :, 0].norm(dim=-1).amax(1)
        scene.path *= (reach / longest.clamp(min=reach))[:, None, None, None]
        when = self.random.uniform(0, 1, n, 1).expand(n, count).flatten()
        moved = torch.stack(along(scene.path.flatten(0, 1), when), -1).reshape(n, count, 2)
        scene.place[:, 1:] -= moved[:, 1:]
