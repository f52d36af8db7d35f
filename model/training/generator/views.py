"""Draws what the classifier of `judge.py` learns from: clips as it sees them, every second frame at half the size.

    nice python -m generator.views --vae ../../resources/models/stock/vae --out runs/views --shards 40

It is to judge what a model makes of combinations that were never trained, so it has to know them itself: every second
clip is of such, and every second is shown as the VAE gives it back, which is the most that any model behind it can do.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

from stock.briefs import has_held_out
from stock.library import ELEMENTS

from . import models
from .encode import ready
from .footage import any_clip, element_at, keep_shards, shard_options

# Two turns of all elements: one of what is trained, one of what never is.
SHARD = 2 * len(ELEMENTS)


def seen(clip):
    """A clip as the classifier sees it."""
    return np.stack([cv2.resize(f, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for f in clip[::2]])


@torch.inference_mode()
def given_back(vae, clip):
    """A clip, uint8 `[frames, height, width, 3]`, through the VAE."""
    # The fitted encoder is exact in nothing less than float32.
    z = vae.encode(models.to_encode(clip)).latent_dist.mean
    with models.low_precision():
        return models.pictures(vae.decode(z).sample)[0]


def view(vae, seed, index):
    """What was asked for in clip `index`, and how it looks."""
    held = index // len(ELEMENTS) % 2 == 1 and has_held_out(element_at(index))
    name, ask, clip = any_clip(seed, index, held)
    back = index // SHARD % 2 == 1
    return [name, ask], seen(given_back(vae, clip) if back else clip)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--vae", type=Path, required=True)
    shard_options(p, shards=40, seed=4)
    args = p.parse_args()
    vae = ready(args.vae)

    def made(index):
        yield view(vae, args.seed, index)

    keep_shards(args, "views", SHARD, made)


if __name__ == "__main__":
    main()
