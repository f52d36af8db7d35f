"""Trains the VAE on drawn clips, from crops of many sizes; on a GPU where there is one.

    nice python -m generator.train_vae --clips runs/clips --run runs/vae --steps 20000 [--from FOLDER]

Stops and goes on at any time. The loss is of the picture (L1, over the pixels, over their differences along each axis,
and over the picture at half and quarter size), with a light KL term, so that latents lie near a normal distribution.
"""

import argparse
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import models

KL = 2e-4
# Frames, edge and number of the crops of a batch, about as many pixels each.
CROPS = ((17, 96, 3), (9, 128, 3), (33, 64, 3), (17, 64, 7), (1, 144, 16), (9, 96, 6))


class Clips:
    """Crops of the shards that are there; looks again now and then, since they're drawn meanwhile."""

    def __init__(self, folder, rng):
        self.folder, self.rng, self.shards, self.asked = folder, rng, [], 0

    def crop(self, frames, edge):
        if self.asked % 2000 == 0:
            self.shards = [np.load(p, mmap_mode="r") for p in sorted(self.folder.glob("clips_*.npy"))]
        self.asked += 1
        shard = self.shards[self.rng.integers(len(self.shards))]
        clip = shard[self.rng.integers(len(shard))]
        t, y, x = (self.rng.integers(n - m + 1) for n, m in zip(clip.shape, (frames, edge, edge)))
        crop = clip[t:t + frames, y:y + edge, x:x + edge]
        crop = crop[:, :, ::-1] if self.rng.random() < 0.5 else crop
        # Colours change places, so that the VAE knows more of them than the words do.
        return crop[..., self.rng.permutation(3)] if self.rng.random() < 0.5 else crop

    def batch(self, crops=None):
        frames, edge, count = crops or CROPS[self.rng.integers(len(CROPS))]
        crops = np.stack([self.crop(frames, edge) for _ in range(count)])
        return torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def differences(x, y):
    """How far two clips differ in what changes from pixel to pixel and from frame to frame."""
    e = x - y
    parts = [e.diff(dim=d).abs().mean() for d in (2, 3, 4) if e.shape[d] > 1]
    return sum(parts) / len(parts)


def picture_loss(x, y):
    loss = (x - y).abs().mean() + differences(x, y)
    for k in (2, 4):
        a, b = (F.avg_pool3d(z, (1, k, k)) for z in (x, y))
        loss = loss + 0.5 * (a - b).abs().mean()
    return loss


@torch.no_grad()
def settle(vae, x):
    """Gives a new VAE latents of unit deviation, little noise on them, and the best linear way from what its decoder
    sees of `x` to the picture."""
    channels, head = models.CHANNELS, vae.encoder.conv_out.conv
    latents = vae.encode(x).latent_dist.mean
    mean, std = latents.mean((0, 2, 3, 4)), latents.std((0, 2, 3, 4))
    head.weight[:channels] /= std[:, None, None, None, None]
    head.bias[:channels] = (head.bias[:channels] - mean) / std
    head.weight[channels:] *= 0.01
    head.bias[channels:] = -4
    seen, last = [], vae.decoder.conv_out
    hook = last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    vae.decode(vae.encode(x).latent_dist.mean)
    hook.remove()
    edge = vae.config.patch_size
    b, c, t, h, w = x.shape
    # The order of a patch is (channel, x, y).
    patches = x.reshape(b, c, t, h // edge, edge, w // edge, edge).permute(0, 2, 3, 5, 1, 6, 4).reshape(-1, c * edge**2)
    features = seen[0].permute(0, 2, 3, 4, 1).reshape(len(patches), -1)
    features = torch.cat([features, torch.ones(len(features), 1)], 1)
    ridge = 1e-3 * len(features) * torch.eye(features.shape[1])
    fit = torch.linalg.solve(features.T @ features + ridge, features.T @ patches)
    last.conv.weight.zero_()
    last.conv.weight[:, :, 1, 1, 1] = fit[:-1].T
    last.conv.bias.copy_(fit[-1])


def save(path, state):
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def rate(step, steps, peak):
    """Warm-up, then a cosine to a twentieth."""
    warm = min(1, (step + 1) / 200)
    return peak * warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1, step / steps))))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--clips", type=Path, required=True)
    p.add_argument("--run", type=Path, required=True)
    p.add_argument("--steps", type=int, default=20000)
    p.add_argument("--rate", type=float, default=1e-4,
                   help="three times as much is too much: a step moves what thousands of inputs add up to")
    p.add_argument("--from", dest="start", type=Path, help="a VAE in diffusers' layout to go on from")
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    args.run.mkdir(parents=True, exist_ok=True)
    vae = models.vae()
    if args.start:
        vae.load_state_dict(type(vae).from_pretrained(args.start).state_dict())
    clips = Clips(args.clips, np.random.default_rng(7))
    if not args.start and not (args.run / "last.pt").exists():
        settle(vae, torch.cat([clips.batch((9, 48, 16)) for _ in range(4)]))
    vae = vae.to(models.DEVICE, memory_format=torch.channels_last_3d)
    mean = {k: v.detach().clone() for k, v in vae.state_dict().items()}
    optimiser = torch.optim.AdamW(vae.parameters(), lr=args.rate, betas=(0.9, 0.99), weight_decay=0)
    step, kept = 0, args.run / "last.pt"
    if kept.exists():
        state = torch.load(kept, map_location=models.DEVICE)
        vae.load_state_dict(state["vae"])
        mean, step = state["mean"], state["step"]
        optimiser.load_state_dict(state["optimiser"])
    clips.rng = np.random.default_rng([7, step])
    batches = models.ahead(clips.batch)
    sums, began = np.zeros(3), time.time()
    while step < args.steps:
        for group in optimiser.param_groups:
            group["lr"] = rate(step, args.steps, args.rate)
        x = next(batches).to(models.DEVICE)
        with models.low_precision():
            posterior = vae.encode(x).latent_dist
            y = vae.decode(posterior.sample()).sample
        y = y.float()
        kl = 0.5 * (posterior.mean.float()**2 + posterior.var.float() - 1 - posterior.logvar.float()).mean()
        loss = picture_loss(x, y) + KL * kl
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            decay = min(0.999, step / (step + 50))
            for name, value in vae.state_dict().items():
                mean[name].lerp_(value, 1 - decay)
            sums += [loss.item(), ((x - y)**2).mean().item() / 4, kl.item()]
        if step % 50 == 0:
            loss, error, kl = sums / 50
            print(f"{step} loss {loss:.4f} psnr {-10 * math.log10(error):.2f} kl {kl:.3f} "
                  f"{(time.time() - began) / 50:.2f} s", flush=True)
            sums, began = np.zeros(3), time.time()
        if step % 250 == 0 or step == args.steps:
            save(kept, {"vae": vae.state_dict(), "mean": mean, "step": step, "optimiser": optimiser.state_dict()})


if __name__ == "__main__":
    main()
