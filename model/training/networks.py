"""The motion network in PyTorch: the definition that trains, and the reference that the Rust code is tested against.

Two parts. `Flow` matches two frames coarse to fine and runs once a pair, both ways as one batch: a pyramid of pictures,
one encoder and one decoder shared by every level, matching by local correlation (PWC-Net, Sun et al. 2018; a decoder
shared over levels as in UPR-Net, Jin et al. 2023), then a finer stage at half resolution. `Synthesis` runs once a
time wanted: from flows projected to that time it gives what is left of the flow error, how much each frame is worth
at each pixel, and how wrong the result may be. Neither paints: both act on the frames' own pixels through warps.

Tensors are NCHW f32; pictures are display-referred RGB in [0,1]; flows are (x, y) in pixels of their own resolution.
"""

import torch
import torch.nn.functional as F
from torch import nn

from motion.operations import correlation, counted, resize, resize_flow, splat, warp

RADIUS, FINE_RADIUS = 3, 2
FEATURES, HALF_FEATURES, HIDDEN, FINE_HIDDEN = 48, 24, 32, 16
SLOPE = 0.1


def conv(i, o, kernel=3, stride=1):
    return nn.Conv2d(i, o, kernel, stride, kernel // 2)


def act(x):
    return F.leaky_relu(x, SLOPE)


class Encoder(nn.Module):
    """Features at half and at quarter resolution."""

    def __init__(self):
        super().__init__()
        self.half1, self.half2 = conv(3, HALF_FEATURES, stride=2), conv(HALF_FEATURES, HALF_FEATURES)
        self.quarter1, self.quarter2 = conv(HALF_FEATURES, FEATURES, stride=2), conv(FEATURES, FEATURES)
        self.quarter3 = conv(FEATURES, FEATURES)

    def forward(self, x):
        half = act(self.half2(act(self.half1(x))))
        return half, self.quarter3(act(self.quarter2(act(self.quarter1(half)))))


class Decoder(nn.Module):
    """One step of matching: features, flow so far and memory → better flow, visibility (a logit), memory."""

    def __init__(self, features, radius, hidden, widths):
        super().__init__()
        self.radius = radius
        a, b, c = widths
        self.mix = conv((2 * radius + 1) ** 2 + 2 * features + 3 + hidden, a, kernel=1)
        self.body1, self.body2, self.body3 = conv(a, a), conv(a, b), conv(b, c)
        self.out, self.memory = conv(c, 3), conv(c, hidden, kernel=1)

    def forward(self, a, b, flow, visible, memory):
        moved = warp(b, flow)
        matches = act(correlation(a, moved, self.radius))
        x = act(self.mix(torch.cat([matches, a, moved, flow * 0.1, visible, memory], 1)))
        x = act(self.body3(act(self.body2(act(self.body1(x))))))
        out = self.out(x)
        return flow + out[:, :2], out[:, 2:], act(self.memory(x))


def described(features):
    """Each place by the features of the square of nine about it, less the features' mean: [N, 9C, H, W]."""
    features = features - features.mean((2, 3), keepdim=True)
    return F.unfold(F.pad(features, [1] * 4, mode="replicate"), 3).unflatten(2, features.shape[-2:])


def grain(described):
    """How far each place is from the four beside it, in the mean: [N, H, W]."""
    near = F.pad(described, [1] * 4, mode="replicate")
    beside = (near[..., 1:-1, :-2], near[..., 1:-1, 2:], near[..., :-2, 1:-1], near[..., 2:, 1:-1])
    return sum((described - other).pow(2).sum(1) for other in beside) / 4


def within(flow):
    """Where a flow leads to a point of the picture: [N, H, W]."""
    h, w = flow.shape[-2:]
    x, y = counted(w, flow) + flow[:, 0], counted(h, flow)[:, None] + flow[:, 1]
    return (x >= 0) & (x <= w - 1) & (y >= 0) & (y <= h - 1)


def roughness(features):
    """How far each place is from the four beside it, in the mean, by the squares of nine about them: [N, H, W]."""
    return 9 * F.avg_pool2d(F.pad(grain(features), [1] * 4, mode="replicate")[:, None], 3, 1)[:, 0]


def looked_beside(a, b, flow, told=None):
    """Flow [N, 2, H, W] from `a` to `b`, where a place that is lost takes over the flow of one beside it.

    Propagation (Barnes et al. 2009), without weights: what is taken over is that of a place two or five away, leads to
    within the picture and more than a place away from where the place's own does, leaves at most 0.7 of the difference, and
    is much the same as three neighbours then have. Any place may take over what is `told` of it [N, 2, h, w] from elsewhere,
    if that leaves at most 0.85 of the difference."""
    h, w = flow.shape[-2:]
    rough = roughness(a)
    a, b = described(a), described(b)
    own = (a - warp(b, flow)).pow(2).sum(1)
    seen = within(flow)
    lost = seen & (own > 0.6 * rough)
    least, best = 0.7 * own, flow
    for step in (2, 5):
        around = F.pad(flow, [step] * 4, mode="replicate")
        for dy, dx in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)):
            tried = around[:, :, dy * step:dy * step + h, dx * step:dx * step + w]
            left = (a - warp(b, tried)).pow(2).sum(1)
            better = lost & within(tried) & (left < least)
            least, best = torch.where(better, left, least), torch.where(better[:, None], tried, best)
    if told is not None:
        told = resize_flow(told, (h, w))
        left = (a - warp(b, told)).pow(2).sum(1)
        found = least < 0.7 * own
        far = (told - flow).abs().amax(1) > 1
        better = seen & far & within(told) & (left < torch.where(found, least, 0.85 * own))
        best = torch.where(better[:, None], told, best)
    taken = (best - flow).abs().amax(1) > 1
    after = torch.where(taken[:, None], best, flow)
    around = F.pad(after, [1] * 4, value=torch.inf).unfold(2, 3, 1).unfold(3, 3, 1).flatten(4)
    neighbours = ((around - after[..., None]).abs().amax(1) <= 1).sum(-1) - 1
    return torch.where((taken & (neighbours >= 3))[:, None], after, flow)


def across(outer, spacing):
    """The flows across an interval [2N, 2, H, W] that an even motion makes of those beyond it, `spacing` [N, 2] intervals
    out. Nearly as far out as the interval is long they tell nothing new: then they lead nowhere; none where all do."""
    spacing = spacing.T.reshape(-1, 1, 1, 1)
    near = (spacing > 0) & (spacing <= 0.6)
    if not near.any():
        return None
    return torch.where(near, -outer / torch.where(near, spacing, torch.ones_like(spacing)), torch.inf)


class Flow(nn.Module):
    BESIDE = 2
    """The finest levels, at which places beside are asked, before the last step."""
    STEPS = 3
    """Steps of matching at each level but the finest, where one costs as much as four at the next."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder(FEATURES, RADIUS, HIDDEN, (96, 96, 64))
        self.fine = Decoder(HALF_FEATURES, FINE_RADIUS, FINE_HIDDEN, (48, 48, 32))
        self.memory_to_fine = conv(HIDDEN, FINE_HIDDEN, kernel=1)

    def forward(self, first, last, levels=4, ways=2, told=None):
        """Flows 0→1 and 1→0 at half resolution with their visibility logits: two lists, coarse to fine, each entry
        stacking both directions in the batch, or the first alone (`ways`); and the quarter-resolution features of both
        frames. What is `told` of the flows from elsewhere [ways * N, 2, h, w], at any resolution, is tried as well."""
        n = first.shape[0]
        # Each less its own mean colour, so that what is seen in a frame is the same beside every other.
        both = torch.cat([first, last])
        pyramid = [both - both.mean((2, 3), keepdim=True)]
        for _ in range(levels - 1):
            pyramid.append(F.avg_pool2d(pyramid[-1], 2))
        flow = visible = memory = None
        flows, visibles = [], []
        for level, picture in reversed(list(enumerate(pyramid))):
            half, quarter = self.encoder(picture)
            size = quarter.shape[-2:]
            if flow is None:
                flow, visible, memory = (picture.new_zeros(ways * n, c, *size) for c in (2, 1, HIDDEN))
            else:
                flow, visible, memory = resize_flow(flow, size), resize(visible, size), resize(memory, size)
            a, b = quarter[:ways * n], quarter.roll(n, 0)[:ways * n]
            steps = self.STEPS if level > 0 else 1
            for step in range(steps):
                # Training teaches the matching nearby.
                if not self.training and level < self.BESIDE and step == steps - 1:
                    with torch.no_grad():
                        flow = looked_beside(a, b, flow, told)
                flow, visible, memory = self.decoder(a, b, flow, visible, memory)
            flows.append(flow)
            visibles.append(visible)
        size = half.shape[-2:]
        memory = resize(self.memory_to_fine(memory), size)
        a, b = half[:ways * n], half.roll(n, 0)[:ways * n]
        flow, visible = resize_flow(flow, size), resize(visible, size)
        if not self.training and told is not None:
            # At this size places find too little beside them where nothing is told.
            some = told.isfinite().flatten(1).any(1)[:, None, None, None]
            with torch.no_grad():
                flow = torch.where(some, looked_beside(a, b, flow, told), flow)
        flow, visible, _ = self.fine(a, b, flow, visible, memory)
        return flows + [flow], visibles + [visible], quarter


def acceleration(forward, backward, seen0, seen1, before, after, seen_before, seen_after, spacing):
    """How the speed changes over the interval, at each pixel of the first and of the last frame (quadratic motion, Xu et
    al. 2019): four channels, the acceleration in pixels per interval squared, how far its witnesses lie apart, and how
    sure they are.

    A point that stands at x(0) = 0, x(1) = f and x(−s) = o moves with 2(o + s·f) / s(1+s); the last frame tells the
    same of what comes after it. Each side counts by how well its outer frame shows the pixel, and both tell each other.
    `before` is the flow 0→−s, `after` 1→1+s, `spacing` [N,2] holds both s, 0 where there is no such frame."""
    parts = []
    for flow, outer, seen, s in ((forward, before, seen_before, spacing[:, 0]), (backward, after, seen_after, spacing[:, 1])):
        s = s.reshape(-1, 1, 1, 1)
        there = (s > 0).to(flow.dtype)
        some = torch.where(s > 0, s, torch.ones_like(s))
        parts.append((2 * (outer + some * flow) / (some * (1 + some)), seen * there))
    (own0, sure0), (own1, sure1) = parts

    def joined(own, sure, other, other_sure, flow, seen):
        told = warp(torch.cat([other, other_sure], 1), flow)
        other, other_sure = told[:, :2], told[:, 2:] * seen
        total = sure + other_sure + DOUBT
        bend = (own * sure + other * other_sure) / total
        apart = [(x - bend).abs().mean(1, keepdim=True) for x in (own, other)]
        return torch.cat([bend, (apart[0] * sure + apart[1] * other_sure) / total, total - DOUBT], 1)

    return joined(own0, sure0, own1, sure1, forward, seen0), joined(own1, sure1, own0, sure0, backward, seen1)


DOUBT = 0.1
"""Draws an acceleration that nothing speaks for to none."""


def trust(picture, other, flow, back, visible):
    """How far to trust what each pixel of a picture says of motion, [N,1,H,W]: it matches where it goes, is seen there, and
    comes back from there (Sundaram et al. 2010)."""
    alike = torch.exp(-12 * (picture - warp(other, flow)).abs().mean(1, keepdim=True).clamp(max=0.5))
    back = warp(back, flow)
    usual = 0.1 * (flow.pow(2) + back.pow(2)).sum(1, keepdim=True) + 2
    astray = (flow + back).pow(2).sum(1, keepdim=True) / usual
    return alike * (torch.exp(-astray) * visible).clamp(min=0.01)


def project(trust0, trust1, forward, backward, bend0, bend1, t):
    """Motion of the interval as seen at time t, from each side: `(v0, bend0, covered0, v1, bend1, covered1)`.

    `v` is in pixels over the whole interval and `bend` its change: a point stands s·v − s(1−s)/2·bend after its place at
    0. Pixels that are trusted more win where several land (softmax splatting, Niklaus and Liu 2020); where one side leaves a
    hole the other side's motion fills it, and where both do, what the first frame has at that place.
    """
    sides, bow = [], t * (1 - t) / 2
    for weight, flow, bend, fraction, sign in (
        (trust0, forward, bend0[:, :2], t, 1.0), (trust1, backward, bend1[:, :2], 1 - t, -1.0),
    ):
        motion = torch.cat([sign * flow, bend], 1)
        total, mass = splat(motion, flow * fraction - bow * bend, weight)
        sides.append((total, mass, motion))
    (sum0, mass0, own0), (sum1, mass1, _) = sides
    hole0, hole1 = mass0 < 1e-3, mass1 < 1e-3
    v0, v1 = sum0 / mass0.clamp(min=1e-3), sum1 / mass1.clamp(min=1e-3)
    v0, v1 = torch.where(hole0, torch.where(hole1, own0, v1), v0), torch.where(hole1, torch.where(hole0, own0, v0), v1)
    return v0[:, :2], v0[:, 2:], mass0.clamp(max=1), v1[:, :2], v1[:, 2:], mass1.clamp(max=1)


class Synthesis(nn.Module):
    """What each of six pictures is worth at one time: each frame moved along its curved path, moved evenly, and as it
    stands; with what is left of the flow error, and the error to expect."""

    def __init__(self):
        super().__init__()
        self.down0, self.keep0 = conv(34, 32, stride=2), conv(32, 32)
        self.down1, self.keep1 = conv(32, 64, stride=2), conv(64 + 2 * FEATURES, 64)
        self.down2, self.keep2 = conv(64, 96, stride=2), conv(96, 96)
        self.down3, self.keep3 = conv(96, 128, stride=2), conv(128, 128)
        self.up2, self.up1, self.up0 = conv(128 + 96, 96), conv(96 + 64, 64), conv(64 + 32, 48)
        self.head = conv(48, 15)

    def forward(self, first, last, t, features0, features1, forward, backward, bend0, bend1, visible0, visible1):
        """Flows and accelerations (see `acceleration`) at full resolution; visibilities in [0,1]; features at quarter resolution.
        Returns the flows t→0 and t→1 along the curve, the same moved evenly, the six weights (curved, even, standing; the
        first frame before the last in each) and the error expected (display units)."""
        n, _, h, w = first.shape
        t = t.reshape(n, 1, 1, 1)
        trusts = trust(first, last, forward, backward, visible0), trust(last, first, backward, forward, visible1)
        v0, b0, covered0, v1, b1, covered1 = project(*trusts, forward, backward, bend0, bend1, t)
        bow = t * (1 - t) / 2
        to0, to1, q0, q1 = -t * v0, (1 - t) * v1, bow * b0, bow * b1
        middle = (q0 + q1) / 2
        curved0, curved1 = to0 + middle, to1 + middle
        v0, _, _, v1, _, _ = project(*trusts, forward, backward, bend0 * 0, bend1 * 0, t)
        even0, even1 = -t * v0, (1 - t) * v1
        x = torch.cat([warp(first, curved0), warp(last, curved1), warp(first, even0), warp(last, even1), first, last,
                       curved0 * 0.05, curved1 * 0.05, q0 * 0.2, q1 * 0.2, covered0, covered1,
                       warp(torch.cat([visible0, bow * 0.2 * bend0[:, 2:3], bend0[:, 3:]], 1), curved0),
                       warp(torch.cat([visible1, bow * 0.2 * bend1[:, 2:3], bend1[:, 3:]], 1), curved1)], 1)
        x0 = act(self.keep0(act(self.down0(x))))
        x1 = act(self.down1(x0))
        size = x1.shape[-2:]
        context0, context1 = warp(features0, resize_flow(curved0, size)), warp(features1, resize_flow(curved1, size))
        x1 = act(self.keep1(torch.cat([x1, context0, context1], 1)))
        x2 = act(self.keep2(act(self.down2(x1))))
        x3 = act(self.keep3(act(self.down3(x2))))
        x2 = act(self.up2(torch.cat([resize(x3, x2.shape[-2:]), x2], 1)))
        x1 = act(self.up1(torch.cat([resize(x2, x1.shape[-2:]), x1], 1)))
        x0 = act(self.up0(torch.cat([resize(x1, x0.shape[-2:]), x0], 1)))
        # Said at half resolution: four answers for the pixels of a square would differ where the network is at a loss, and
        # be seen as a dotted pattern.
        out = resize(self.head(x0), (h, w)).float()
        # The worth before looking is each frame's nearness in time (Jiang et al. 2018, Super SloMo).
        near = torch.log(torch.cat([1 - t, t] * 3, 1))
        weights = torch.softmax(out[:, 8:14] + near, 1)
        curved = (curved0 + out[:, 0:2], curved1 + out[:, 2:4])
        even = (even0 + out[:, 4:6], even1 + out[:, 6:8])
        return curved, even, weights, F.softplus(out[:, 14:15])


def shown(first, last, curved, even):
    """The six pictures that are mixed: each frame moved along its curve, moved evenly, and as it stands."""
    return warp(first, curved[0]), warp(last, curved[1]), warp(first, even[0]), warp(last, even[1]), first, last


def mixed(pictures, weights):
    """The picture that the synthesis means: what is shown, each as much as it is worth."""
    return sum(picture * weights[:, i:i + 1] for i, picture in enumerate(pictures))


class Motion(nn.Module):
    """Flow and synthesis together. Pictures' sides are padded by the caller to multiples of the coarsest features'."""

    def __init__(self):
        super().__init__()
        self.flow, self.synthesis = Flow(), Synthesis()

    def match(self, first, last, before, after, spacing, levels=4):
        """What is known of a pair before any time between is asked for: features at quarter resolution [2N], then at
        full resolution both flows, both accelerations and both visibilities, [2N] each: the first frame's before the
        last's. `before` and `after` stand `spacing` [N,2] intervals further out; where a spacing is 0 that frame is not
        looked at."""
        n, _, h, w = first.shape
        told = None
        if spacing.any():
            outer, seen, _ = self.flow(torch.cat([first, last]), torch.cat([before, after]), levels, ways=1)
            outer, seen = outer[-1].float(), torch.sigmoid(seen[-1].float())
            told = across(outer, spacing)
        flows, visibles, features = self.flow(first, last, levels, told=told)
        flow, visible = flows[-1].float(), torch.sigmoid(visibles[-1].float())
        bend = torch.zeros_like(flow.repeat(1, 2, 1, 1))
        if spacing.any():
            bend = torch.cat(acceleration(flow[:n], flow[n:], visible[:n], visible[n:], outer[:n], outer[n:],
                                          seen[:n], seen[n:], spacing))
        # Three channels of the acceleration are lengths.
        bend = resize(bend, (h, w)) * bend.new_tensor([2.0, 2.0, 2.0, 1.0])[:, None, None]
        return features, resize_flow(flow, (h, w)), bend, resize(visible, (h, w))

    def forward(self, first, last, t, before, after, spacing, levels=4):
        """The frame at t between `first` (0) and `last` (1), its expected error, and what made it."""
        # The flow learns from true flow alone: what synthesis would make of it teaches it to blur over its errors.
        with torch.no_grad():
            matched = self.match(first, last, before, after, spacing, levels)
        curved, even, weights, error = self.synthesis(first, last, t, *(half for x in matched for half in x.chunk(2)))
        return mixed(shown(first, last, curved, even), weights), error, (curved, even, weights)
