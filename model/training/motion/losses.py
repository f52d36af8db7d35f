"""What the network is to come near to: the true picture as the eye takes it, true motion, and an honest word about its errors.

Pictures are display-referred RGB in [0, 1], flows in pixels of their own resolution.
"""

import torch
import torch.nn.functional as F

from motion.operations import resize

PICTURE, PYRAMID, CENSUS = 10.0, 1.0, 0.15
"""The root of each sample's mean squared error, which is what PSNR counts; a Laplacian pyramid, for edges; census, for structure that
differs little in brightness."""
PLACED, MATCHED, MOVED = 0.05, 0.05, 0.03
"""The true place among all at a sixteenth; true flow between the frames, and from the wanted time to both."""
SEEN, GHOSTS, EXPECTED = 0.1, 0.5, 0.2
"""Visibility; mixing two pictures that disagree, so that one limb stands in one place; the error that is told."""


def robust(error):
    """Grows less than in proportion (Sun et al. 2010): a pixel that is far off is far off anyhow."""
    return (error + 0.01).pow(0.4)


def shrunk(flow, size):
    """True flow at a lower resolution, in that resolution's pixels."""
    return F.adaptive_avg_pool2d(flow, size) * (size[1] / flow.shape[-1])


def flow_loss(flow, truth, visible):
    """A flow at any resolution against the true one at full size, in pixels of the full size. What cannot be seen in the other
    frame counts less: its motion is a guess, though a wanted one."""
    size = flow.shape[-2:]
    off = (flow - shrunk(truth, size)) * (truth.shape[-1] / size[1])
    return (robust(off.pow(2).sum(1, keepdim=True)) * (0.35 + 0.65 * F.adaptive_avg_pool2d(visible, size))).mean()


def pyramid_loss(a, b, levels=4):
    """Differences of the Laplacian pyramids, coarse levels counting for their fewer pixels (Bojanowski et al. 2018)."""
    total = 0.0
    for level in range(levels):
        small_a, small_b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        detail = (a - resize(small_a, a.shape[-2:])) - (b - resize(small_b, b.shape[-2:]))
        total = total + 2 ** level * detail.abs().mean()
        a, b = small_a, small_b
    return total + 2 ** levels * (a - b).abs().mean()


def census(picture):
    """Each pixel's grey less those about it, within two pixels, softly as signs (Meister et al. 2018): [N, 12, H, W]. Of two
    pixels each tells of the other, so half of the 24 will do."""
    grey = picture.mean(1, keepdim=True)
    h, w = grey.shape[-2:]
    wide = F.pad(grey, [2] * 4, mode="replicate")
    steps = [(dy, dx) for dy in range(3) for dx in range(5) if (dy, dx) < (2, 2)]
    around = torch.cat([wide[:, :, dy:dy + h, dx:dx + w] for dy, dx in steps], 1) - grey
    return around * (0.003 + around * around).rsqrt()


def census_loss(a, b):
    apart = (census(a) - census(b)).pow(2)
    return (apart / (0.1 + apart)).mean()


def root_error(made, true):
    """The mean of the samples' roots of squared error, and the PSNR in dB that each stands for, in the mean."""
    root = ((made - true).pow(2).mean((1, 2, 3)) + 1e-6).sqrt()
    return root.mean(), (-20 * torch.log10(root)).mean()


def place_loss(share, truth, seen, size):
    """How little the true place of each place of `size` has of the `share` [N, HW, HW], where it is seen."""
    (h, w), there = size, shrunk(truth, size).flatten(2)
    index = torch.arange(h * w, device=share.device)
    x, y = (index % w + there[:, 0]).round().long(), (index // w + there[:, 1]).round().long()
    counts = (F.adaptive_avg_pool2d(seen, size).flatten(1) > 0.7) & (x >= 0) & (x < w) & (y >= 0) & (y < h)
    true = share.gather(2, (y.clamp(0, h - 1) * w + x.clamp(0, w - 1))[..., None])[..., 0]
    return (-torch.log(true + 1e-5) * counts).sum() / counts.sum().clamp(min=1)


def matching_loss(steps, logits, share, flows, visible):
    """Of flows 0→1 and 1→0 of every step, one after the other in the batch, whether their points are seen, and the
    shares of the global matching: the parts of the loss."""
    truth, seen = torch.cat([flows[:, 0], flows[:, 1]]), torch.cat([visible[:, 0], visible[:, 1]])[:, None]
    there = [F.adaptive_avg_pool2d(seen, logit.shape[-2:]) for logit in logits]
    return {
        "place": PLACED * place_loss(share, truth, seen, steps[0].shape[-2:]),
        "match": MATCHED * sum(flow_loss(step, truth, seen) for step in steps),
        "seen": SEEN * sum(F.binary_cross_entropy_with_logits(x.float(), y) for x, y in zip(logits, there)),
    }


def picture_loss(made, batch):
    """What `Motion.between` gives, against the frame between and the true flows to both frames: the parts of the loss
    and the PSNR."""
    picture, error, found, worth, parts = made
    true = batch.frames[:, 2]
    root, psnr = root_error(picture, true)
    sides = [(slice(2 * side, 2 * side + 2), batch.flows[:, 2 + side], batch.visible[:, 2 + side][:, None])
             for side in (0, 1)]
    apart = (parts[0] - parts[1]).abs().mean(1, keepdim=True)
    missed = (picture - true).abs().mean(1, keepdim=True).detach()
    return {
        "picture": PICTURE * root,
        "pyramid": PYRAMID * pyramid_loss(picture, true),
        "census": CENSUS * census_loss(picture, true),
        "moved": MOVED * sum(flow_loss(flows[:, part], *way) for flows in found for part, *way in sides),
        "ghosts": GHOSTS * (worth[:, 0:1] * worth[:, 1:2] * apart).mean(),
        "expected": EXPECTED * (error - missed).abs().mean(),
    }, psnr


def off_at(flows, batch):
    """How far flows t→0 and t→1, at half resolution, are from the true ones where those are seen, in pixels of the full size."""
    total, count = 0.0, 0.0
    for side in (0, 1):
        off = 2 * (flows[:, 2 * side:2 * side + 2] - shrunk(batch.flows[:, 2 + side], flows.shape[-2:]))
        seen = F.adaptive_avg_pool2d(batch.visible[:, 2 + side][:, None], flows.shape[-2:])
        total, count = total + (off.norm(dim=1, keepdim=True) * seen).sum(), count + seen.sum()
    return total / count
