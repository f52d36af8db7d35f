"""Footage that knows its own motion, drawn in batches on the device that trains.

`Studio.batch` draws five frames a sample (before, first, between, last, after), the true flows between them and what is seen in
the other frame. Nothing here reads a file: the same seed, index and kind of device draw the same footage.
`python -m motion.footage --sheet FILE.png` shows some.
"""

from dataclasses import dataclass, fields

import torch

from motion.footage import light, scene, shapes, textures
from motion.footage.render import Drawing, blurred

WAYS = ((1, 3), (3, 1), (2, 1), (2, 3))
"""The flows told, by frames: 0→1, 1→0, t→0, t→1."""
GROUPS = {"cpu": 8, "cuda": 16}
"""Samples that share a cast, by the kind of device: what one is drawn of, all of them are. A GPU waits for its orders where
they are few."""


@dataclass
class Batch:
    """Samples; all f32, on the device."""

    frames: torch.Tensor
    """[N, 5, 3, S, S], display-referred RGB in [0, 1]. The frame between is clean; the others may be noisy."""
    t: torch.Tensor
    """When the frame between stands, [N], from 0, the first, to 1, the last."""
    spacing: torch.Tensor
    """How far the outer frames lie beyond the first and the last, in intervals, [N, 2]; 0 where there is none: then that
    frame is a copy."""
    flows: torch.Tensor
    """[N, 4, 2, S, S]: 0→1, 1→0, t→0, t→1, (x, y) in pixels."""
    visible: torch.Tensor
    """[N, 4, S, S]: 1 where a pixel's point is seen in the flow's other frame."""

    def __len__(self):
        return len(self.t)


class Studio:
    """Banks of textures and shapes, from which batches are drawn."""

    def __init__(self, seed=1, device="cpu", size=256, each=8, texture=384):
        self.seed, self.device, self.size, self.each = seed, torch.device(device), size, each
        random = textures.Random(seed, self.device)
        self.banks = textures.bank(random, texture, each), shapes.bank(random, each)

    @torch.no_grad()
    def batch(self, n, reach, index, casts=None, plain=False):
        """`n` samples with motions of up to `reach` pixels. `casts` names what is drawn (see `scene.CASTS`); `plain` leaves out
        all that changes pixels and moves nothing."""
        random = textures.Random((self.seed * 1_000_003 + index) % 2 ** 63, self.device)
        parts = []
        together = GROUPS[self.device.type]
        for first in range(0, n, together):
            cast = self.cast(random, casts or list(scene.CASTS))
            parts.append(self.group(random, min(together, n - first), reach, cast, plain))
        return Batch(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Batch)))

    @staticmethod
    def cast(random, names):
        shares = torch.tensor([scene.CASTS[name][1] for name in names])
        at = random.uniform(0, 1, 1).item() * shares.sum()
        return names[min(int((shares.cumsum(0) <= at).sum()), len(names) - 1)]

    def group(self, random, n, reach, cast, plain):
        stage = scene.Stage(random, self.size, self.each, self.each)
        drawn = scene.CASTS[cast][0](stage, n, reach)
        self.stilled(random, drawn)
        t = torch.where(random.chance(0.6, n), 0.5, random.uniform(0.1, 0.9, n))
        spacing = torch.where(random.chance(0.65, n, 2), 1.0, random.uniform(0.3, 1, n, 2))
        spacing = spacing * ~random.chance(0.15, n, 2)
        zero = torch.zeros_like(t)
        times = torch.stack([-spacing[:, 0], zero, t, zero + 1, 1 + spacing[:, 1]], 1)
        # Rolling shutters and open ones cost time to draw: a share of the groups has them.
        rolls, open_ = random.chance(0.1, 1).item(), random.chance(0.35 if cast == "pan" else 0.12, 1).item()
        lag = random.uniform(-0.4, 0.4, n) * rolls
        drawing = Drawing(drawn, self.banks, times, lag, self.size, WAYS, not plain)
        frames = drawing.pictures
        if open_ and not plain:
            frames = blurred(drawn, self.banks, times, lag, self.size, random.uniform(0.1, 0.8, n))
        flows, visible = zip(*(drawing.flow(way, WAYS) for way in range(len(WAYS))))
        if not plain:
            frames = self.filmed(random, stage, frames, times, reach)
        return Batch(frames, t, spacing, torch.stack(flows, 1), torch.stack(visible, 1).float())

    @staticmethod
    def stilled(random, drawn):
        """Some scenes stand still altogether."""
        moves = (~random.chance(0.04, len(drawn.turn))).float()
        for name in ("path", "angle", "zoom", "waves", "turn", "closing"):
            value, share = getattr(drawn, name), moves.reshape(-1, *[1] * (getattr(drawn, name).ndim - 1))
            if name == "angle":
                value[..., 1:4] *= share
            elif name == "waves":
                value[..., 4] *= share[..., 0]
            else:
                value *= share

    @staticmethod
    def filmed(random, stage, frames, times, reach):
        """Frames as a camera and a codec leave them; the one between keeps clean: what is made should not guess at noise."""
        frames = light.shaded(random, frames, times, stage.paths(reach, len(frames)))
        frames = light.graded(random, light.sharpened(random, frames), times)
        noisy = light.coded(random, light.grained(random, frames))
        noisy[:, 2] = frames[:, 2]
        return noisy
