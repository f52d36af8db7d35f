"""Draws clips and keeps their latents, to train the transformer on.

    nice python -m generator.encode --vae FOLDER --out runs/latents --shards 200

Of each clip, and of the clip seen in a mirror: the film's latents, those of two of its frames by themselves (a still that
is given at a later frame stands beside the film), and those of its last nine frames (so does a clip that is given there).
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLLTXVideo

from stock.briefs import mirrored

from . import models
from .footage import any_clip, write
from .principal import pointwise

SHARD = 48
# Frames whose stills are kept, and how many frames the clip at the end has.
STILLS, TAIL = (16, 32), 9


@torch.inference_mode()
def latents_of(vae, clip):
    """`clip`: uint8 `[frames, height, width, 3]`. Latents are normalised, float16, `[latents, channels, h, w]`: the film's,
    then a still each, then the tail's."""
    x = torch.from_numpy(clip.copy()).to(models.DEVICE).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    parts = [x, *(x[:, :, f:f + 1] for f in STILLS), x[:, :, -TAIL:]]
    means = [vae.encode(part).latent_dist.mean for part in parts]
    z = torch.cat(means, 2).float()[0].permute(1, 0, 2, 3)
    mean, std = (s.view(1, -1, 1, 1) for s in (vae.latents_mean, vae.latents_std))
    return ((z - mean) / std).half().cpu().numpy()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--vae", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--shards", type=int, default=200)
    p.add_argument("--seed", type=int, default=2)
    p.add_argument("--held", action="store_true", help="of the combinations that are never trained")
    p.add_argument("--turn", default="0/1", help="K/N: every N-th shard from the K-th, for N processes")
    args = p.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    vae = AutoencoderKLLTXVideo.from_pretrained(args.vae, torch_dtype=torch.float32).eval().to(models.DEVICE)
    pointwise(vae.encoder)
    turn, turns = map(int, args.turn.split("/"))
    for shard in range(turn, args.shards, turns):
        path = args.out / f"latents_{shard:04d}.npy"
        if path.exists():
            continue
        asks, kept = [], []
        for i in range(SHARD):
            name, ask, clip = any_clip(args.seed, shard * SHARD + i, args.held)
            asks.append([name, ask])
            kept.append(latents_of(vae, clip))
            other = None if args.held else mirrored(name, ask)
            if other is not None and other != ask:
                asks.append([name, other])
                kept.append(latents_of(vae, clip[:, :, ::-1]))
        path.with_suffix(".jsonl").write_text("".join(json.dumps(ask) + "\n" for ask in asks))
        write(path, np.stack(kept))
        print(f"{path.name} of {args.shards}", flush=True)


if __name__ == "__main__":
    main()
