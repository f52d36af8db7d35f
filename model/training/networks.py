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

RADIUS, FINE_RADIUS = 3, 2
FEATURES, HALF_FEATURES, HIDDEN, FINE_HIDDEN = 48, 24, 32, 16
SLOPE = 0.1


def conv(i, o, kernel=3, stride=1):
    return nn.Conv2d(i, o, kernel, stride, kernel // 2)


def act(x):
    return F.leaky_relu(x, SLOPE)


def warp(x, flow):
    """Backward warp: out(p) = x(p + flow(p)), bilinear, the border repeated."""
    n, _, h, w = x.shape
    ys = torch.arange(h, dtype=flow.dtype)[None, :, None] + flow[:, 1]
    xs = torch.arange(w, dtype=flow.dtype)[None, None] + flow[:, 0]
    at = torch.stack([xs * (2 / max(w - 1, 1)) - 1, ys * (2 / max(h - 1, 1)) - 1], -1)
    return F.grid_sample(x, at, mode="bilinear", padding_mode="border", align_corners=True)


def correlation(a, b, radius):
    """Mean over channels of a(p)·b(p + d), for every d within the radius, dy outermost; zero outside."""
    n, c, h, w = a.shape
    side, wide = 2 * radius + 1, w + 2 * radius
    rows = a.permute(0, 2, 3, 1).reshape(n * h, w, c) / c
    b = F.pad(b, [radius] * 4).permute(0, 2, 1, 3)
    out = []
    for dy in range(side):
        # All pairs of a row's pixels by matrix product, of which the band about the diagonal is wanted: far fewer
        # passes over memory than a product for each shift.
        pairs = torch.bmm(rows, b[:, dy:dy + h].reshape(n * h, c, wide))
        out.append(pairs.as_strided((n, h, w, side), (h * w * wide, w * wide, wide + 1, 1)))
    return torch.cat(out, -1).permute(0, 3, 1, 2)


def resize(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def upsample_flow(flow, size):
    h, w = flow.shape[-2:]
    scale = torch.tensor([size[1] / w, size[0] / h], dtype=flow.dtype)[None, :, None, None]
    return resize(flow, size) * scale


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


class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder(FEATURES, RADIUS, HIDDEN, (96, 96, 64))
        self.fine = Decoder(HALF_FEATURES, FINE_RADIUS, FINE_HIDDEN, (48, 48, 32))
        self.memory_to_fine = conv(HIDDEN, FINE_HIDDEN, kernel=1)

    def forward(self, first, last, levels=4):
        """Flows 0→1 and 1→0 at half resolution with their visibility logits: two lists, coarse to fine, each entry
        stacking both directions in the batch; and the quarter-resolution features of both frames."""
        n = first.shape[0]
        both = torch.cat([first, last])
        mean = (first.mean((2, 3), keepdim=True) + last.mean((2, 3), keepdim=True)) / 2
        both = both - torch.cat([mean, mean])
        pyramid = [both]
        for _ in range(levels - 1):
            pyramid.append(F.avg_pool2d(pyramid[-1], 2))
        flow = visible = memory = None
        flows, visibles = [], []
        for picture in reversed(pyramid):
            half, quarter = self.encoder(picture)
            size = quarter.shape[-2:]
            if flow is None:
                zero = quarter.new_zeros
                flow, visible, memory = zero(2 * n, 2, *size), zero(2 * n, 1, *size), zero(2 * n, HIDDEN, *size)
            else:
                flow, visible, memory = upsample_flow(flow, size), resize(visible, size), resize(memory, size)
            flow, visible, memory = self.decoder(quarter, quarter.roll(n, 0), flow, visible, memory)
            flows.append(flow)
            visibles.append(visible)
        size = half.shape[-2:]
        memory = resize(self.memory_to_fine(memory), size)
        flow, visible, _ = self.fine(half, half.roll(n, 0), upsample_flow(flow, size), resize(visible, size), memory)
        return flows + [flow], visibles + [visible], quarter


def splat(values, displacement, weight):
    """Forward bilinear splat: sums of weight·values and of weight, landed at p + displacement(p)."""
    n, c, h, w = values.shape
    payload = torch.cat([values * weight, weight], 1).permute(0, 2, 3, 1).reshape(-1, c + 1)
    xs = torch.arange(w, dtype=values.dtype)[None, None] + displacement[:, 0]
    ys = torch.arange(h, dtype=values.dtype)[None, :, None] + displacement[:, 1]
    x0, y0 = xs.floor(), ys.floor()
    base = torch.arange(n)[:, None, None] * (h * w)
    total = values.new_zeros(n * h * w, c + 1)
    for dy in (0, 1):
        for dx in (0, 1):
            x, y = x0 + dx, y0 + dy
            share = (1 - (xs - x).abs()) * (1 - (ys - y).abs())
            inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
            share = torch.where(inside, share, torch.zeros_like(share))
            index = base + y.clamp(0, h - 1).long() * w + x.clamp(0, w - 1).long()
            total.index_add_(0, index.reshape(-1), payload * share.reshape(-1, 1))
    total = total.reshape(n, h, w, c + 1).permute(0, 3, 1, 2)
    return total[:, :c], total[:, c:]


def project(first, last, forward, backward, t):
    """Motion of the interval as seen at time t, from each side: `(v0, covered0, v1, covered1)`.

    `v` is in pixels over the whole interval, so that flow t→0 is −t·v0 and flow t→1 is (1−t)·v1. Pixels that match
    well win where several land; where one side leaves a hole the other side's motion fills it, and where both do, the
    motion that the first frame has at that place.
    """
    sides = []
    for picture, other, flow, fraction, sign in (
        (first, last, forward, t, 1.0), (last, first, backward, 1 - t, -1.0),
    ):
        error = (picture - warp(other, flow)).abs().mean(1, keepdim=True)
        weight = torch.exp(-12 * error.clamp(max=0.5))
        total, mass = splat(sign * flow, flow * fraction, weight)
        sides.append((total, mass, sign * flow))
    (sum0, mass0, own0), (sum1, mass1, _) = sides
    hole0, hole1 = mass0 < 1e-3, mass1 < 1e-3
    v0, v1 = sum0 / mass0.clamp(min=1e-3), sum1 / mass1.clamp(min=1e-3)
    v0, v1 = torch.where(hole0, torch.where(hole1, own0, v1), v0), torch.where(hole1, torch.where(hole0, own0, v0), v1)
    return v0, mass0.clamp(max=1), v1, mass1.clamp(max=1)


class Synthesis(nn.Module):
    """What is left of the flow error, the worth of each frame, and the error to expect, at one time."""

    def __init__(self):
        super().__init__()
        self.down0, self.keep0 = conv(17, 32, stride=2), conv(32, 32)
        self.down1, self.keep1 = conv(32, 64, stride=2), conv(64 + 2 * FEATURES, 64)
        self.down2, self.keep2 = conv(64, 96, stride=2), conv(96, 96)
        self.up1, self.up0 = conv(96 + 64, 64), conv(64 + 32, 32)
        self.head = conv(32, 6 * 4)

    def forward(self, first, last, features0, features1, forward, backward, visible0, visible1, t):
        """`forward`, `backward` at full resolution; visibilities in [0,1]; features at quarter resolution.
        Returns flow t→0, flow t→1, the first frame's weight, the error expected (display units)."""
        n, _, h, w = first.shape
        t = t.reshape(n, 1, 1, 1)
        v0, covered0, v1, covered1 = project(first, last, forward, backward, t)
        to0, to1 = -t * v0, (1 - t) * v1
        moved0, moved1 = warp(first, to0), warp(last, to1)
        x = torch.cat([moved0, moved1, moved0 - moved1, to0 * 0.05, to1 * 0.05, covered0, covered1,
                       warp(visible0, to0), warp(visible1, to1)], 1)
        x0 = act(self.keep0(act(self.down0(x))))
        x1 = act(self.down1(x0))
        size = x1.shape[-2:]
        scale = torch.tensor([size[1] / w, size[0] / h])[None, :, None, None]
        context0 = warp(features0, resize(to0, size) * scale)
        context1 = warp(features1, resize(to1, size) * scale)
        x1 = act(self.keep1(torch.cat([x1, context0, context1], 1)))
        x2 = act(self.keep2(act(self.down2(x1))))
        x1 = act(self.up1(torch.cat([resize(x2, x1.shape[-2:]), x1], 1)))
        x0 = act(self.up0(torch.cat([resize(x1, x0.shape[-2:]), x0], 1)))
        out = F.pixel_shuffle(self.head(x0), 2)
        prior = (1 - t) * torch.sigmoid(out[:, 4:5])
        weight = prior / (prior + t * torch.sigmoid(-out[:, 4:5]))
        return to0 + out[:, :2], to1 + out[:, 2:4], weight, F.softplus(out[:, 5:6])


class Motion(nn.Module):
    """Flow and synthesis together. Pictures' sizes are multiples of 8·2^(levels−1)… padded by the caller."""

    def __init__(self):
        super().__init__()
        self.flow, self.synthesis = Flow(), Synthesis()

    def forward(self, first, last, t, levels=4):
        n, _, h, w = first.shape
        flows, visibles, features = self.flow(first, last, levels)
        # The flow learns from true flow alone: what synthesis would make of it teaches it to blur over its errors.
        flow = upsample_flow(flows[-1].detach(), (h, w)).float()
        visible = torch.sigmoid(resize(visibles[-1].detach(), (h, w)).float())
        to0, to1, weight, error = self.synthesis(
            first, last, features[:n], features[n:], flow[:n], flow[n:], visible[:n], visible[n:], t)
        return warp(first, to0) * weight + warp(last, to1) * (1 - weight), error, (to0, to1, weight), (flows, visibles)
