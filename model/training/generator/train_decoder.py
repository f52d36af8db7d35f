"""Trains the VAE's decoder on drawn clips, from crops of many sizes; on a GPU where there is one.

    nice python -m generator.train_decoder --clips runs/clips --vae runs/encoder --run runs/decoder --steps 4000

Stops and goes on at any time. `--vae` is a VAE in diffusers' layout: one that `principal.py` fitted, or one to go on from;
its encoder stays as it is. The loss is of the picture: L1 over the pixels, over their differences along each axis, and
over the picture at half and quarter size. Now and then latents are a little off, as the transformer's are, and some are of
pictures blacker than black or whiter than white, where guidance leads: what is made of them is black and white.
"""

import argparse
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLLTXVideo

from . import models
from .principal import pointwise
from .training import Training

# Frames, edge and number of the crops of a batch, about as many pixels each.
CROPS = ((17, 96, 3), (9, 128, 3), (33, 64, 3), (17, 64, 7), (1, 144, 16), (9, 96, 6))
# How far off latents may be.
NOISE = 0.25
# The share of crops that go beyond black and white, and how far: contrast, and brightness.
BEYOND, CONTRAST, BRIGHTNESS = 0.3, 0.6, 0.4


class Clips:
    """Crops of the shards that are there; looks again now and then, since they're drawn meanwhile."""

    def __init__(self, folder, rng, times=1):
        self.folder, self.rng, self.times, self.shards, self.asked = folder, rng, times, [], 0

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
        return crop[..., self.rng.permutation(3)] if self.rng.random() < 0.3 else crop

    def batch(self, crops=None):
        frames, edge, count = crops or CROPS[self.rng.integers(len(CROPS))]
        crops = np.stack([self.crop(frames, edge) for _ in range(self.times * count)])
        return torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def beyond(x):
    """Clips of -1 to 1, some of which go beyond that."""
    there, contrast, bright = torch.rand(3, len(x), 1, 1, 1, 1, device=x.device)
    return torch.where(there < BEYOND, x * (1 + CONTRAST * contrast) + BRIGHTNESS * (2 * bright - 1), x)


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
    """Gives a new decoder the best linear way from what its last convolution sees of `x` to the picture."""
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


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--clips", type=Path, required=True)
    p.add_argument("--vae", type=Path, required=True)
    p.add_argument("--run", type=Path, required=True)
    p.add_argument("--steps", type=int, default=4000)
    p.add_argument("--minutes", type=float, default=math.inf, help="end by then, whatever step it is")
    p.add_argument("--times", type=int, default=1, help="so many times as many crops a step, for a GPU")
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--new", action="store_true", help="the decoder was never trained: start it with a linear fit")
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    vae = AutoencoderKLLTXVideo.from_pretrained(args.vae, torch_dtype=torch.float32)
    vae.encoder.requires_grad_(False)
    clips = Clips(args.clips, np.random.default_rng(7), args.times)
    if args.new and not (args.run / "last.pt").exists():
        settle(vae, torch.cat([clips.batch((9, 48, 16)) for _ in range(4)]))
    pointwise(vae.encoder)
    vae = vae.to(models.DEVICE)
    training = Training(vae.decoder, args.run, lambda _, p: p.ndim == 5)
    clips.rng = np.random.default_rng([7, training.step])
    torch.manual_seed(training.step)
    batches = models.ahead(clips.batch)

    def judged():
        x = beyond(next(batches).to(models.DEVICE, memory_format=torch.channels_last_3d))
        with torch.no_grad():
            z = vae.encode(x).latent_dist.mean
            off = NOISE * torch.rand(len(z), 1, 1, 1, 1, device=z.device)**2
            z = (z + off * torch.randn_like(z)).to(memory_format=torch.channels_last_3d)
        with models.low_precision():
            y = vae.decode(z).sample
        x, y = x.clamp(-1, 1), y.float()
        loss = picture_loss(x, y)
        error = ((x - y).detach()**2).mean() / 4
        return loss, {"loss": loss.detach(), "dB": -10 * error.log10()}

    training.run(args.steps, args.rate, judged, args.minutes)


if __name__ == "__main__":
    main()
