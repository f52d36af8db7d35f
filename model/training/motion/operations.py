"""The operations that the network is made of beside convolutions: each is to be written once for a processor and once for a GPU.

Tensors are NCHW; flows are (x, y) in pixels of their own resolution; a backward warp by a flow reads at p + flow(p).
"""

import torch
import torch.nn.functional as F

DOUBT = 0.1
"""Draws an acceleration that nothing speaks for to none."""
TOGETHER = 4_000_000
"""Pairs of places that are compared at once where nothing is learned: all of them would be gigabytes at 4K."""


def counted(end, like):
    """0, 1 ... as a tensor of the kind that `like` is."""
    return torch.arange(end, dtype=like.dtype, device=like.device)


def warp(x, flow):
    """Backward warp: out(p) = x(p + flow(p)), bilinear, the border repeated. Places are reckoned in f32."""
    n, _, h, w = x.shape
    flow = flow.float()
    ys = counted(h, flow)[None, :, None] + flow[:, 1]
    xs = counted(w, flow)[None, None] + flow[:, 0]
    at = torch.stack([xs * (2 / max(w - 1, 1)) - 1, ys * (2 / max(h - 1, 1)) - 1], -1)
    return F.grid_sample(x.float(), at, mode="bilinear", padding_mode="border", align_corners=True).to(x.dtype)


def resize(x, size):
    """Bilinear, the corners' pixels not aligned."""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def resize_flow(flow, size):
    """Flows, one after another in the channels, at another resolution, in that resolution's pixels."""
    h, w = flow.shape[-2:]
    scale = flow.new_tensor([size[1] / w, size[0] / h] * (flow.shape[1] // 2))[None, :, None, None]
    return resize(flow, size) * scale


def rescaled(picture, scale):
    """A picture at `scale` of its size: the mean of what falls together, or bilinear where it grows."""
    size = [round(side * scale) for side in picture.shape[-2:]]
    return F.adaptive_avg_pool2d(picture, size) if scale < 1 else resize(picture, size) if scale > 1 else picture


def halved_flow(flow):
    """The mean flow of each square of four, in pixels of half the resolution."""
    return F.avg_pool2d(flow, 2) / 2


def correlation(a, b, radius):
    """Mean over channels of a(p)·b(p + d), for every d within the radius, dy outermost; zero outside: [N, (2r+1)², H, W]."""
    n, c, h, w = a.shape
    side, wide = 2 * radius + 1, w + 2 * radius
    rows = a.permute(0, 2, 3, 1).reshape(n * h, w, c) / c
    b = F.pad(b, [radius] * 4).permute(0, 2, 1, 3)
    out = []
    for dy in range(side):
        # All pairs of a row's pixels by matrix product, of which the band about the diagonal is wanted: far fewer passes over
        # memory than a product for each shift.
        pairs = torch.bmm(rows, b[:, dy:dy + h].reshape(n * h, c, wide))
        out.append(pairs.as_strided((n, h, w, side), (h * w * wide, w * wide, wide + 1, 1)))
    return torch.cat(out, -1).permute(0, 3, 1, 2)


def matched(a, b, reach=2):
    """Global matching (GMFlow, Xu et al. 2022): what is like each place of `a` [N, C, H, W] in `b`, of all places.

    The flow [N, 2, H, W] is the mean of the places within `reach` of the likest: the mean of all would be drawn to the
    middle, the more so the larger the picture is. With it how sure it is [N, 1, H, W], the likest one's share by a
    softmax over all places, and, where gradients are wanted, those shares [N, HW, HW]."""
    n, c, h, w = a.shape
    a, b, share = a.flatten(2), b.flatten(2), None
    if torch.is_grad_enabled():
        there, sure, share = likest_places(a, b, (h, w), reach)
    else:
        some = max(1, TOGETHER // (n * h * w))
        parts = [likest_places(part, b, (h, w), reach)[:2] for part in a.split(some, 2)]
        there, sure = (torch.cat(part, -1) for part in zip(*parts))
    here = torch.arange(h * w, device=a.device)
    flow = there - torch.stack([here % w, here // w])
    return flow.reshape(n, 2, h, w), sure.reshape(n, 1, h, w), share


def likest_places(a, b, size, reach):
    """For some places of a frame `a` [N, C, P] among all of a frame `b` [N, C, HW]: where they are [N, 2, P], how sure
    that is [N, P] and all shares [N, P, HW]; see `matched`."""
    h, w = size
    likeness = torch.bmm(a.transpose(1, 2), b).float() / a.shape[1] ** 0.5
    share = torch.softmax(likeness, 2)
    sure, likest = share.max(2)
    steps = torch.arange(-reach, reach + 1, device=share.device)
    # The likest place's neighbours [N, HW, rows, columns], as far as they lie in the picture.
    y = (likest // w)[..., None, None] + steps[:, None]
    x = (likest % w)[..., None, None] + steps
    inside = (y >= 0) & (y < h) & (x >= 0) & (x < w)
    index = (y.clamp(0, h - 1) * w + x.clamp(0, w - 1)).flatten(2)
    near = share.gather(2, index).reshape(inside.shape) * inside
    near = near / near.sum((2, 3), keepdim=True)
    return torch.stack([(near * x).sum((2, 3)), (near * y).sum((2, 3))], 1), sure, share


def splat(values, displacement, weight):
    """Forward bilinear splat: sums of weight·values and of weight, landed at p + displacement(p)."""
    n, c, h, w = values.shape
    payload = torch.cat([values * weight, weight], 1).permute(0, 2, 3, 1).reshape(-1, c + 1)
    xs = counted(w, values)[None, None] + displacement[:, 0]
    ys = counted(h, values)[None, :, None] + displacement[:, 1]
    x0, y0 = xs.floor(), ys.floor()
    base = torch.arange(n, device=values.device)[:, None, None] * (h * w)
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


def acceleration(forward, backward, seen0, seen1, before, after, seen_before, seen_after, spacing):
    """How the speed changes over the interval, at each pixel of the first and of the last frame (quadratic motion, Xu et al.
    2019): two channels each, the acceleration in pixels per interval squared.

    A point that stands at x(0) = 0, x(1) = f and x(−s) = o moves with 2(o + s·f) / s(1+s); the last frame tells the same of
    what comes after it. Each side counts by how well its outer frame shows the pixel, and both tell each other. `before` is
    the flow 0→−s, `after` 1→1+s, `spacing` [N,2] holds both s, 0 where there is no such frame."""
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
        return (own * sure + other * other_sure) / (sure + other_sure + DOUBT)

    return joined(own0, sure0, own1, sure1, forward, seen0), joined(own1, sure1, own0, sure0, backward, seen1)


def trust(picture, other, flow, back, visible):
    """How far to trust what each pixel of a picture says of motion, [N,1,H,W]: it matches where it goes, is seen there, and
    comes back from there (Sundaram et al. 2010)."""
    alike = torch.exp(-12 * (picture - warp(other, flow)).abs().mean(1, keepdim=True).clamp(max=0.5))
    back = warp(back, flow)
    usual = 0.1 * (flow.pow(2) + back.pow(2)).sum(1, keepdim=True) + 0.5
    astray = (flow + back).pow(2).sum(1, keepdim=True) / usual
    return alike * (torch.exp(-astray) * visible).clamp(min=0.01)


def projected(trusts, forward, backward, bends, t):
    """The motion of an interval as seen at time t: flows t→0 and t→1 [N, 2, H, W] and how much lands at each pixel from either
    side [N, 1, H, W], 1 at most.

    A point stands s·v − s(1−s)/2·bend after its place at 0. Pixels that are trusted more win where several land (softmax
    splatting, Niklaus and Liu 2020); where one side leaves a hole the other side's motion fills it, and where both do, what the
    first frame has at that place."""
    bow = t * (1 - t) / 2
    sides = []
    for weight, flow, bend, fraction, sign in (
        (trusts[0], forward, bends[0], t, 1.0), (trusts[1], backward, bends[1], 1 - t, -1.0),
    ):
        motion = torch.cat([sign * flow, bend], 1)
        total, mass = splat(motion, flow * fraction - bow * bend, weight)
        sides.append((total, mass, motion))
    (sum0, mass0, own0), (sum1, mass1, _) = sides
    hole0, hole1 = mass0 < 1e-3, mass1 < 1e-3
    v0, v1 = sum0 / mass0.clamp(min=1e-3), sum1 / mass1.clamp(min=1e-3)
    v0, v1 = torch.where(hole0, torch.where(hole1, own0, v1), v0), torch.where(hole1, torch.where(hole0, own0, v0), v1)
    middle = bow * (v0[:, 2:] + v1[:, 2:]) / 2
    return -t * v0[:, :2] + middle, (1 - t) * v1[:, :2] + middle, mass0.clamp(max=1), mass1.clamp(max=1)
