"""Draws what the classifier of `judge.py` learns from: clips as it sees them, every second frame at half the size.

    nice python -m generator.views --vae ../../resources/models/stock/vae --out runs/views --shards 40

It is to judge what a model makes of combinations that were never trained, so it has to know them itself: every second
clip is of such, and every second is shown as the VAE gives it back, which is the most that any model behind it can do.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKLLTXVideo

from stock.briefs import has_held_out
from stock.library import ELEMENTS

from . import models
from .footage import any_clip, write
from .principal import pointwise

SHARD = 54


def seen(clip):
    """A clip as the classifier sees it."""
    return np.stack([cv2.resize(f, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for f in clip[::2]])


@torch.inference_mode()
def given_back(vae, clip):
    """A clip, uint8 `[frames, height, width, 3]`, through the VAE."""
    x = torch.from_numpy(clip.copy()).to(models.DEVICE).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    # The fitted encoder is exact in nothing less than float32.
    z = vae.encode(x).latent_dist.mean
    with models.low_precision():
        y = vae.decode(z).sample
    return ((y[0].float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 3, 0).cpu().numpy()


def view(vae, seed, index):
    """What was asked for in clip `index`, and how it looks."""
    # Elements take turns: one turn of all of them in two is of what is never trained, where there is such.
    held = index // len(ELEMENTS) % 2 == 1 and has_held_out(sorted(ELEMENTS)[index % len(ELEMENTS)])
    name, ask, clip = any_clip(seed, index, held)
    back = index // (2 * len(ELEMENTS)) % 2 == 1
    return [name, ask], seen(given_back(vae, clip) if back else clip)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--vae", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--shards", type=int, default=40)
    p.add_argument("--seed", type=int, default=4)
    p.add_argument("--turn", default="0/1", help="K/N: every N-th shard from the K-th, for N processes")
    args = p.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    vae = AutoencoderKLLTXVideo.from_pretrained(args.vae, torch_dtype=torch.float32).eval().to(models.DEVICE)
    pointwise(vae.encoder)
    turn, turns = map(int, args.turn.split("/"))
    for shard in range(turn, args.shards, turns):
        path = args.out / f"views_{shard:04d}.npy"
        if path.exists():
            continue
        asks, views = zip(*(view(vae, args.seed, shard * SHARD + i) for i in range(SHARD)))
        path.with_suffix(".jsonl").write_text("".join(json.dumps(ask) + "\n" for ask in asks))
        write(path, np.stack(views))
        print(f"{path.name} of {args.shards}", flush=True)


if __name__ == "__main__":
    main()
