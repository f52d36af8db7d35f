"""The second motion network, which makes a frame between two: the definition that trains, and the reference for other engines.

Most of its weights and of its time are where pictures are small. `Encoder` runs once a frame, so that a frame's features serve
both of its pairs. `Matching` runs once a pair: all places are compared with all others at a sixteenth, then nearby ones at a
sixteenth and an eighth. `Synthesis` runs once a time wanted: flows projected to that time are refined coarse to fine, up to half
resolution, with what each frame is worth at each pixel. Nothing is painted: the result is a mix of the frames' own pixels, moved
by the flows and as they stand, so that what stands still comes out as it is, whatever the weights.

Tensors are NCHW; pictures are display-referred RGB in [0, 1], their sides multiples of `STEP` (see `padded`); flows are (x, y)
in pixels of their own resolution. `python -m motion.network` prints the weights and the work of each part at 1280x720.
"""

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import nn

from motion.operations import (
    acceleration, correlation, halved_flow, matched, projected, rescaled, resize, resize_flow, trust, warp,
)

STEP = 32
"""The sides of pictures are multiples of it."""
CHANNELS = (16, 32, 64, 96, 128)
"""Features at a half, a quarter, an eighth, a sixteenth and a 32nd."""
RADIUS, MEMORY = 3, 32
GUARD = 0.004
"""By how much the frames may agree less along a curved path than along an even one before it is left, in display units: less is
noise."""


def conv(i, o, kernel=3, stride=1):
    return nn.Conv2d(i, o, kernel, stride, kernel // 2)


def act(x):
    return F.leaky_relu(x, 0.1)


def silent(i, o):
    """A convolution that says nothing yet: what it betters is taken as it is until it has learned."""
    out = conv(i, o)
    nn.init.zeros_(out.weight)
    nn.init.zeros_(out.bias)
    return out


def padded(picture, scale=1.0):
    """A picture with its sides made multiples of `STEP` at the `scale` that motion is looked for at, by repeating its
    right and bottom border."""
    (h, w), step = picture.shape[-2:], round(STEP / scale)
    return F.pad(picture, (0, -w % step, 0, -h % step), mode="replicate")


class Block(nn.Module):
    """Two convolutions beside the straight way (He et al. 2016)."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second = conv(width, width), conv(width, width)

    def forward(self, x):
        return act(x + self.second(act(self.first(x))))


class Encoder(nn.Module):
    """A frame's features, from a half down to a 32nd, and last those at a sixteenth told of what is around."""

    def __init__(self):
        super().__init__()
        widths = (3, *CHANNELS)
        self.down = nn.ModuleList(conv(i, o, stride=2) for i, o in zip(widths, widths[1:]))
        # At half resolution one convolution is all that is worth its time.
        self.keep = nn.ModuleList(conv(o, o) for o in CHANNELS[1:])
        self.around = conv(CHANNELS[3] + CHANNELS[4], CHANNELS[3])

    def forward(self, picture):
        x, features = picture * 2 - 1, []
        for level, down in enumerate(self.down):
            x = act(down(x))
            if level > 0:
                x = act(self.keep[level - 1](x))
            features.append(x)
        around = resize(features[4], features[3].shape[-2:])
        return [*features, act(self.around(torch.cat([features[3], around], 1)))]


class Step(nn.Module):
    """One step of matching: features of both frames, the flow so far and memory → better flow, visibility (a logit), memory."""

    def __init__(self, features, memory, width):
        super().__init__()
        self.mix = conv((2 * RADIUS + 1) ** 2 + 2 * features + 4 + memory, width, kernel=1)
        self.body1, self.body2 = conv(width, width), conv(width, width)
        self.out, self.memory = silent(width, 3), conv(width, MEMORY, kernel=1)

    def forward(self, a, b, flow, seen, memory):
        moved = warp(b, flow)
        near = correlation(a, moved, RADIUS)
        told = [near, a, moved, flow.to(a.dtype) * 0.1, seen.to(a.dtype)] + ([] if memory is None else [memory])
        x = act(self.mix(torch.cat(told, 1)))
        x = act(self.body2(act(self.body1(x))))
        out = self.out(x).float()
        return flow + out[:, :2], out[:, 2:], act(self.memory(x))


class Matching(nn.Module):
    """Flows between two frames at an eighth, from their features."""

    def __init__(self):
        super().__init__()
        self.likeness = conv(CHANNELS[3], 64, kernel=1)
        self.sharp = nn.Parameter(torch.tensor([16.0]))
        self.sixteenth = Step(CHANNELS[3], 0, 96)
        self.eighth = Step(CHANNELS[2], MEMORY, 64)

    def described(self, features):
        """What tells a place from the others of its frame, so long that the likeness of two places is `sharp` at most."""
        x = self.likeness(features).float()
        x = F.normalize(x - x.mean((2, 3), keepdim=True), dim=1)
        return x * (self.sharp.clamp(min=1) * x.shape[1] ** 0.5) ** 0.5

    def forward(self, a, b):
        """From the frames `a` to the frames `b`, each the features that `Encoder` gives: flows and visibility logits, two of
        each, at a sixteenth and at an eighth, and the shares of the global matching."""
        flow, sure, share = matched(self.described(a[5]), self.described(b[5]))
        first, seen, memory = self.sixteenth(a[5], b[5], flow, torch.cat([sure, sure * 0], 1), None)
        size = a[2].shape[-2:]
        flow, wide, memory = resize_flow(first, size), resize(seen, size), resize(memory, size)
        sure = resize(sure, size)
        last, seen_last, _ = self.eighth(a[2], b[2], flow, torch.cat([sure, wide], 1), memory)
        return (first, last), (seen, seen_last), share


@dataclass
class Pair:
    """What is known of a pair before any time between is asked for; all at an eighth but the pictures and features."""

    pictures: tuple
    """The first and the last frame, [N, 3, H, W], at full size."""
    small: tuple
    """Both at the size that motion is looked for at."""
    features: tuple
    flows: tuple
    """0→1 and 1→0, [N, 2, h, w]."""
    seen: tuple
    """Visibility in the other frame, [0, 1]."""
    bends: tuple
    """Accelerations as the first and the last frame have them; none where there is no frame further out."""

    def backwards(self):
        """The same with the last frame first."""
        return Pair(*(getattr(self, part.name) and getattr(self, part.name)[::-1] for part in fields(self)))


class Level(nn.Module):
    """One step of the synthesis: moves both frames' features along the flows to the wanted time, and betters the flows."""

    def __init__(self, features, told, memory, width, blocks, out):
        super().__init__()
        self.mix = conv(2 * features + 4 + told + memory, width, kernel=1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.out, self.memory = silent(width, 4), conv(width, out, kernel=1)

    def forward(self, first, last, flows, told, memory):
        kind = first.dtype
        moved = [warp(first, flows[:, :2]), warp(last, flows[:, 2:])]
        x = [*moved, flows.to(kind) * 0.1, *(x.to(kind) for x in told)] + ([] if memory is None else [memory])
        x = act(self.mix(torch.cat(x, 1)))
        for block in self.blocks:
            x = block(x)
        return flows + self.out(x).float(), act(self.memory(x))


class Synthesis(nn.Module):
    """Flows to both frames at a wanted time, and what each frame is worth at each pixel."""

    TOLD = 6
    """Beside features: how much of either side lands at a place, whether it is seen in the other frame, the time, and how much
    the paths disagree."""

    def __init__(self):
        super().__init__()
        half, quarter, eighth, sixteenth, least = CHANNELS
        self.least = Level(least, self.TOLD, 0, 192, 2, 64)
        self.sixteenth = Level(sixteenth, self.TOLD, 64, 160, 2, 64)
        self.eighth = Level(eighth, self.TOLD, 64, 80, 2, 40)
        self.quarter = Level(quarter, 0, 40, 40, 1, 16)
        self.blend1, self.blend2 = conv(2 * 3 + 4 + 16 + 2 * half, 16), conv(16, 16)
        # Flows, the worth of four pictures at full resolution, and the error to expect.
        self.head = silent(16, 4 + 4 * 4 + 1)

    def forward(self, pair, flows, told, t):
        """From flows t→0 and t→1 at an eighth [N, 4, h, w]: the list of flows coarse to fine, the last at half resolution, the
        worth of the first and the last frame moved and as they stand [N, 4, H, W], and the error expected [N, 1, H, W]."""
        a, b = pair.features
        half, memory, found = F.avg_pool2d(told, 2), None, []
        beside = {4: (F.avg_pool2d(half, 2),), 3: (half,), 2: (told,), 1: ()}
        flows = halved_flow(halved_flow(flows))
        for level, index in zip((self.least, self.sixteenth, self.eighth, self.quarter), beside):
            size = a[index].shape[-2:]
            if memory is not None:
                flows, memory = resize_flow(flows, size), resize(memory, size)
            flows, memory = level(a[index], b[index], flows, beside[index], memory)
            found.append(flows)
        last, worth, error = self.finest(pair, flows, memory, t)
        return [*found, last], worth, error

    def finest(self, pair, flows, memory, t):
        a, b = pair.features
        size = a[0].shape[-2:]
        flows, memory = resize_flow(flows, size), resize(memory, size)
        kind, small = a[0].dtype, [F.avg_pool2d(x, 2) for x in pair.small]
        sides = flows[:, :2], flows[:, 2:]
        pictures = [warp(x, flow).to(kind) for x, flow in zip(small, sides)]
        features = [warp(x, flow) for x, flow in zip((a[0], b[0]), sides)]
        x = torch.cat([*pictures, *features, flows.to(kind) * 0.1, memory], 1)
        out = self.head(act(self.blend2(act(self.blend1(x))))).float()
        worth = F.pixel_shuffle(out[:, 4:20], 2)
        # The worth before looking is each frame's nearness in time (Jiang et al. 2018, Super SloMo); a frame as it stands is
        # worth little until something says that it is.
        near = torch.log(torch.cat([1 - t, t], 1))
        worth = torch.softmax(worth + torch.cat([near, near - 3], 1), 1)
        error = resize(F.softplus(out[:, 20:21] - 3), worth.shape[-2:])
        return flows + out[:, :4], worth, error


class Motion(nn.Module):
    """The network."""

    def __init__(self):
        super().__init__()
        self.encoder, self.matching, self.synthesis = Encoder(), Matching(), Synthesis()

    def match(self, first, last, before=None, after=None, spacing=None, scale=1.0):
        """A pair, ready for any time between, and for training the flows and visibility logits of all of its steps and the shares
        of the global matching, both ways. `before` and `after` stand `spacing` [N, 2] intervals further out; where a
        spacing is 0 that frame is not looked at. Motion is looked for in pictures of `scale` of their size."""
        n, curved = len(first), spacing is not None and bool(spacing.any())
        pictures = rescaled(torch.cat([first, last, before, after] if curved else [first, last]), scale)
        features = self.encoder(pictures)
        part = [[x[i * n:(i + 1) * n] for x in features] for i in range(4 if curved else 2)]
        order = [(0, 1), (1, 0), (0, 2), (1, 3)] if curved else [(0, 1), (1, 0)]
        both = [[torch.cat(level) for level in zip(*(part[pair[side]] for pair in order))] for side in (0, 1)]
        steps, logits, share = self.matching(*both)
        flows = steps[-1].float().chunk(len(order))
        seen = torch.sigmoid(logits[-1].float()).chunk(len(order))
        bends = acceleration(*flows[:2], *seen[:2], *flows[2:], *seen[2:], spacing) if curved else None
        small = pictures[:n], pictures[n:2 * n]
        pair = Pair((first, last), small, (part[0], part[1]), flows[:2], seen[:2], bends)
        inner = [[x[:2 * n] for x in kind] for kind in (steps, logits)]
        return pair, (*inner, None if share is None else share[:2 * n])

    def between(self, pair, t):
        """The frame at times `t` [N]: the picture, the error to expect, the flows coarse to fine and the worth of each part."""
        t = t.reshape(-1, 1, 1, 1)
        flows, told = self.paths(pair, t)
        found, worth, error = self.synthesis(pair, flows.detach(), told.detach(), t)
        (first, last), size = pair.pictures, pair.pictures[0].shape[-2:]
        full = resize_flow(found[-1], size)
        if worth.shape[-2:] != size:
            worth, error = resize(worth, size), resize(error, size)
        parts = (warp(first, full[:, :2]), warp(last, full[:, 2:]), first, last)
        picture = sum(part * worth[:, i:i + 1] for i, part in enumerate(parts))
        # Between two frames that are the same there is nothing but that frame.
        differs = (first != last).flatten(1).any(1)[:, None, None, None]
        return torch.where(differs, picture, first), error * differs, found, worth, parts

    def paths(self, pair, t):
        """The flows t→0 and t→1 at an eighth [N, 4, h, w], and what is told beside them (`Synthesis.TOLD`). Paths are
        even where the frames agree less along a curved one, and nothing moves where they agree more as they stand."""
        small = [F.avg_pool2d(x, 8) for x in pair.small]
        trusts = (trust(small[0], small[1], *pair.flows, pair.seen[0]), trust(small[1], small[0], *pair.flows[::-1], pair.seen[1]))
        none = (torch.zeros_like(pair.flows[0]),) * 2
        ways = [projected(trusts, *pair.flows, bends, t) for bends in ([none] if pair.bends is None else [none, pair.bends])]
        apart = [self.disagreement(small, way) for way in ways]
        way, far = ways[0], apart[0]
        if len(ways) == 2:
            worse = apart[1] > apart[0] + GUARD
            way = [torch.where(worse, even, curved) for curved, even in zip(ways[1], way)]
            far = torch.where(worse, far, apart[1])
        to0, to1, covered0, covered1 = way
        standing = self.disagreement(small, none)
        stands = standing < far
        to0, to1, far = (torch.where(stands, *x) for x in ((none[0], to0), (none[0], to1), (standing, far)))
        seen = [warp(seen, flow) for seen, flow in zip(pair.seen, (to0, to1))]
        return torch.cat([to0, to1], 1), torch.cat([covered0, covered1, *seen, t.expand_as(far), far], 1)

    @staticmethod
    def disagreement(pictures, way):
        """How far two pictures differ along paths, the mean of nine places: [N, 1, h, w]."""
        apart = (warp(pictures[0], way[0]) - warp(pictures[1], way[1])).abs().mean(1, keepdim=True)
        return F.avg_pool2d(F.pad(apart, [1] * 4, mode="replicate"), 3, 1)

    def forward(self, first, last, t, before=None, after=None, spacing=None, scale=1.0, both=False):
        """The frame at times `t` [N] between `first` and `last` [N, 3, H, W], and the error to expect (display units);
        the mean of what is made forwards and backwards in time, if `both`."""
        pair, _ = self.match(first, last, before, after, spacing, scale)
        made = self.between(pair, t)[:2]
        if not both:
            return made
        return tuple((x + y) / 2 for x, y in zip(made, self.between(pair.backwards(), 1 - t)[:2]))


def work(model, height=736, width=1280):
    """Weights and multiply-adds of each part, in millions and thousand millions, for a pair alone of that size."""
    places = height * width // 16 ** 2
    near = (2 * RADIUS + 1) ** 2 * (places * CHANNELS[3] + 4 * places * CHANNELS[2])
    # Both ways: all places with all, by 64 features, and nearby ones.
    found = {"matching": 2 * (64 * places ** 2 + near)}

    def count(name):
        def hook(module, _, out):
            macs = out.numel() * module.weight[0].numel()
            found[name] = found.get(name, 0) + macs
        return hook

    parts = {"encoder": model.encoder, "matching": model.matching, "synthesis": model.synthesis}
    for name, part in parts.items():
        for module in part.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(count(name))
    with torch.no_grad():
        model(*(torch.rand(1, 3, height, width) for _ in range(2)), torch.tensor([0.5]))
    return {name: (sum(p.numel() for p in part.parameters()) / 1e6, found[name] / 1e9) for name, part in parts.items()}


if __name__ == "__main__":
    for part, (weights, macs) in work(Motion()).items():
        print(f"{part:10} {weights:.2f} M weights, {macs:.1f} GMAC")
