"""Writes the embedded generator as a folder in diffusers' layout.

    python -m generator.export --vae-run runs/vae [--run runs/generator] --out ../../resources/models/stock

Without `--run` it writes the VAE alone, to encode clips with. Weights are the means over the last steps, in bfloat16; the
latents' mean and deviation are measured on the clips.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from stock.element import RATE

from . import models

# How the plugin runs it: noise levels, guidance, and what it was trained on. See `Recommended` in the Rust model.
STEPS, SHIFT, GUIDANCE, RESCALE = 8, 2.0, 3.0, 0.5
WIDTH, HEIGHT, WINDOW, CONTEXT = 256, 144, 33, 9


def averaged(path, part):
    return torch.load(path / "last.pt", mmap=True)["mean"] if part is None else {
        name.removeprefix(f"{part}."): value for name, value in torch.load(path / "last.pt", mmap=True)["mean"].items()
        if name.startswith(f"{part}.")}


@torch.inference_mode()
def measure(vae, clips, count=64):
    """Sets what the latents are normed by, from whole clips."""
    shards = sorted(clips.glob("clips_*.npy"))
    rng, seen = np.random.default_rng(3), []
    for _ in range(count):
        clip = np.load(shards[rng.integers(len(shards))], mmap_mode="r")
        x = torch.from_numpy(clip[rng.integers(len(clip))].copy()).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
        seen.append(vae.encode(x).latent_dist.mean.permute(0, 2, 3, 4, 1).flatten(0, 3))
    seen = torch.cat(seen)
    vae.latents_mean.copy_(seen.mean(0))
    vae.latents_std.copy_(seen.std(0))


def recommended():
    evenly = 1 - np.arange(STEPS) / STEPS
    return {"levels": [round(float(SHIFT * s / (1 + (SHIFT - 1) * s)), 5) for s in evenly], "guidance": GUIDANCE,
            "rescale": RESCALE, "pixels": WIDTH * HEIGHT, "window": WINDOW, "context": CONTEXT, "rate": RATE}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--vae-run", type=Path, required=True)
    p.add_argument("--clips", type=Path, required=True)
    p.add_argument("--run", type=Path)
    p.add_argument("--out", type=Path, required=True)
    args = p.parse_args()
    vae = models.vae()
    vae.load_state_dict(averaged(args.vae_run, None))
    measure(vae.eval(), args.clips)
    vae.to(torch.bfloat16).save_pretrained(args.out / "vae")
    if args.run is None:
        return
    tokenizer = models.tokenizer()
    text, transformer = models.text_encoder(len(tokenizer)), models.transformer()
    for part, name in ((text, "text_encoder"), (transformer, "transformer")):
        part.load_state_dict(averaged(args.run, name))
        part.to(torch.bfloat16).save_pretrained(args.out / name)
    tokenizer.save_pretrained(args.out / "tokenizer")
    (args.out / "pickup.json").write_text(json.dumps(recommended(), indent=1) + "\n")


if __name__ == "__main__":
    main()
