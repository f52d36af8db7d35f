"""Draws clips and keeps their latents, to train the transformer on.

    nice python -m generator.encode --vae FOLDER --out runs/latents --shards 200

Of each clip, and of the clip seen in a mirror: the film's latents, those of two of its frames by themselves (a still that
is given at a later frame stands beside the film), and those of its last nine frames (so does a clip that is given there).
"""

import argparse
from pathlib import Path

import torch
from diffusers import AutoencoderKLLTXVideo

from stock.briefs import NATURAL_SHARE, mirrored

from . import models
from .footage import any_clip, keep_shards, shard_options
from .principal import pointwise

SHARD = 48
# Frames whose stills are kept, and how many frames the clip at the end has.
STILLS, TAIL = (16, 32), 9


def ready(path):
    """A VAE to encode with, in a process of one thread."""
    torch.set_num_threads(1)
    vae = AutoencoderKLLTXVideo.from_pretrained(path, torch_dtype=torch.float32).eval().to(models.DEVICE)
    pointwise(vae.encoder)
    return vae


@torch.inference_mode()
def latents_of(vae, clip):
    """`clip`: uint8 `[frames, height, width, 3]`. Latents are normalised, float16, `[latents, channels, h, w]`: the film's,
    then a still each, then the tail's."""
    x = models.to_encode(clip)
    parts = [x, *(x[:, :, f:f + 1] for f in STILLS), x[:, :, -TAIL:]]
    means = [vae.encode(part).latent_dist.mean for part in parts]
    z = torch.cat(means, 2).float()[0].permute(1, 0, 2, 3)
    mean, std = (s.view(1, -1, 1, 1) for s in (vae.latents_mean, vae.latents_std))
    return ((z - mean) / std).half().cpu().numpy()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--vae", type=Path, required=True)
    shard_options(p, shards=200, seed=2)
    p.add_argument("--held", action="store_true", help="of the combinations that are never trained")
    p.add_argument("--natural", type=float, default=NATURAL_SHARE,
                   help="the share of what nobody would ask for; the lower, the more of what is rare")
    args = p.parse_args()
    vae = ready(args.vae)

    def made(index):
        name, ask, clip = any_clip(args.seed, index, args.held, args.natural)
        yield [name, ask], latents_of(vae, clip)
        other = None if args.held else mirrored(name, ask)
        if other is not None and other != ask:
            yield [name, other], latents_of(vae, clip[:, :, ::-1])

    keep_shards(args, "latents", SHARD, made)


if __name__ == "__main__":
    main()
