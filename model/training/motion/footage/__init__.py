"""Footage that knows its own motion, drawn in batches on the device that trains.

`Studio.batch` draws five frames a sample (before, first, between, last, after), the true flows between them and what is
seen in the other frame. Nothing here reads a file: the same seed, index and kind of device draw the same footage.
`python -m motion.footage --sheet FILE.png` shows some.
"""

from dataclasses import dataclass, fields

import torch

from motion.footage import light, noise, scene, shapes, textures, views
from motion.footage.draws import Random
from motion.footage.motions import paths
from motion.footage.render import Drawing, blurred
from motion.footage.stage import Stage

WAYS = ((1, 3), (3, 1), (2, 1), (2, 3))
"""The flows told, by frames: 0→1, 1→0, t→0, t→1."""
GROUPS = {"cpu": 4, "cuda": 16}
"""Samples that share a cast, by the kind of device: what one is drawn of, all of them are. A GPU waits for its orders
where they are few."""
RENEWED = 100
"""Batches drawn from one bank."""


@dataclass
class Batch:
    """Samples; all f32, on the device."""

    frames: torch.Tensor
    """[N, 5, 3, S, S], display-referred RGB in [0, 1]. The frame between is clean; the others may be noisy."""
    t: torch.Tensor
    """When the frame between stands, [N], from 0, the first, to 1, the last."""
    spacing: torch.Tensor
    """How far the outer frames lie beyond the first and the last, in intervals, [N, 2]; 0 where there is none: then
    that frame is a copy."""
    flows: torch.Tensor
    """[N, 4, 2, S, S]: 0→1, 1→0, t→0, t→1, (x, y) in pixels."""
    visible: torch.Tensor
    """[N, 4, S, S]: 1 where a pixel's point is seen in the flow's other frame."""

    def __len__(self):
        return len(self.t)


class Studio:
    """Banks of textures and shapes, `each` of every kind, from which batches of `size` pixels a side are drawn.
    Textures are `texture` texels a side. `skip` is the index of the first batch, for a training that goes on. Every
    `RENEWED` batches the banks are drawn anew, so that nothing is learned by heart."""

    def __init__(self, seed=1, device="cpu", size=256, each=8, texture=384, skip=0):
        self.seed, self.device, self.size, self.each, self.texture = seed, torch.device(device), size, each, texture
        self.next, self.bank = skip, None
        self.stock(skip)

    def stock(self, index):
        """Has the banks at hand that the batch of an index is drawn from."""
        if self.bank != index // RENEWED:
            self.bank = index // RENEWED
            random = Random((self.seed * 1_000_003 + self.bank) % 2 ** 63, self.device)
            self.banks = textures.bank(random, self.texture, self.each), shapes.bank(random, self.each)

    @torch.no_grad()
    def batch(self, n, reach, index=None, kinds=None, plain=False, turned=True):
        """`n` samples with motions of up to `reach` pixels over the interval. Without an index it is the next batch.
        `kinds` names what is drawn (see `scene.CASTS`); `plain` leaves out all that changes pixels and moves nothing;
        `turned` shows samples in mirrors and on their sides too."""
        index = self.next if index is None else index
        self.next = index + 1
        self.stock(index)
        names, parts, together = kinds or list(scene.CASTS), [], GROUPS[self.device.type]
        for first in range(0, n, together):
            # Groups have numbers of their own, so that what one draws does not depend on another.
            random = Random(((self.seed * 1_000_003 + index) * 1024 + first) % 2 ** 63, self.device)
            cast = names[random.pick([scene.CASTS[name][1] for name in names])]
            parts.append(self.group(random, min(together, n - first), float(reach), cast, plain, turned))
        return Batch(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Batch)))

    def group(self, random, n, reach, cast, plain, turned):
        """`n` samples of one kind of scene."""
        drawn = scene.CASTS[cast][0](Stage(random, self.size, self.each), n, reach)
        drawn.still((~random.chance(0.04, n)).float())
        t, spacing, times = self.when(random, n)
        # Rolling shutters and open ones cost time to draw: a share of the groups has them. While a picture's rows are
        # exposed, things move by 30 pixels at most, so that one place never meets two rows.
        lag = random.uniform(-1, 1, n) * min(0.4, 30 / reach) if random.decide(0.08) else None
        shutter = random.uniform(0.1, 0.8, n) if random.decide(scene.OPEN[cast]) else None
        if plain:
            # What shows two motions in one pixel goes: what is clear, shadows, soft edges.
            drawn.opacity *= drawn.opacity > 0.5
            drawn.soft[:] = 1
            drawn.lit.clear()
        drawing = Drawing(drawn, self.banks, times, lag, self.size, WAYS)
        frames, flows, visible = drawing.pictures, drawing.flows, drawing.visible.float()
        if not plain:
            if shutter is not None:
                frames = blurred(drawn, self.banks, times, lag, self.size, shutter)
            frames = self.filmed(random, frames, times, spacing, reach)
        if turned:
            frames, flows, visible = views.turned(random, frames, flows, visible)
        return Batch(frames.contiguous(), t, spacing, flows, visible)

    @staticmethod
    def when(random, n):
        """t [N], spacing [N, 2], and the five frames' times [N, 5]."""
        t = torch.where(random.chance(0.6, n), 0.5, random.uniform(0.1, 0.9, n))
        spacing = torch.where(random.chance(0.65, n, 2), 1.0, random.uniform(0.3, 1, n, 2))
        spacing = spacing * ~random.chance(0.15, n, 2)
        zero = torch.zeros_like(t)
        return t, spacing, torch.stack([-spacing[:, 0], zero, t, zero + 1, 1 + spacing[:, 1]], 1)

    @staticmethod
    def filmed(random, frames, times, spacing, reach):
        """Frames as a camera and a codec leave them; the one between keeps clean: what is made should not guess at
        noise. A frame that stands for none stays a copy."""
        n = len(frames)
        frames = light.shaded(random, frames, times, paths(random, reach, n))
        frames = light.gleaming(random, frames, times, paths(random, reach, n))
        frames = noise.rescaled(random, noise.sharpened(random, light.graded(random, frames, times)))
        noisy = noise.coded(random, noise.grained(random, frames))
        noisy[:, 2] = frames[:, 2]
        for side, outer, inner in ((0, 0, 1), (1, 4, 3)):
            noisy[:, outer] = views.where(spacing[:, side] == 0, noisy[:, inner], noisy[:, outer])
        return noisy
