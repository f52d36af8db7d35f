"""Writes the embedded generator as a folder in diffusers' layout, its weights in bfloat16.

    python -m generator.export --vae runs/encoder --decoder runs/decoder [--words runs/words --run runs/generator] \\
        --out ../../resources/models/stock

Without `--run` it writes the VAE alone. What is written of each run is the mean of its last steps.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLLTXVideo

from stock.element import RATE
from stock.library import world

from . import models
from .train import Captions

# How the plugin runs it: noise levels, guidance, and what it was trained on. See `Recommended` in the Rust model.
STEPS, SHIFT, GUIDANCE, RESCALE = 16, 3.0, 3.0, 0.7
WIDTH, HEIGHT, WINDOW, CONTEXT = 256, 144, 33, 9


def recommended():
    evenly = 1 - np.arange(STEPS) / STEPS
    return {"levels": [round(float(SHIFT * s / (1 + (SHIFT - 1) * s)), 5) for s in evenly], "guidance": GUIDANCE,
            "rescale": RESCALE, "pixels": WIDTH * HEIGHT, "window": WINDOW, "context": CONTEXT, "rate": RATE,
            "world": world()}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--vae", type=Path, required=True)
    p.add_argument("--decoder", type=Path, help="without it, the decoder is the VAE's own")
    p.add_argument("--words", type=Path, help="a run of words.py, or a model's folder")
    p.add_argument("--run", type=Path)
    p.add_argument("--out", type=Path, required=True)
    args = p.parse_args()
    vae = AutoencoderKLLTXVideo.from_pretrained(args.vae, torch_dtype=torch.float32)
    if args.decoder:
        vae.decoder.load_state_dict(models.averaged(args.decoder))
    vae.to(torch.bfloat16).save_pretrained(args.out / "vae")
    # Where it was read from is nobody's business.
    config = args.out / "vae" / "config.json"
    said = {k: v for k, v in json.loads(config.read_text()).items() if k != "_name_or_path"}
    config.write_text(json.dumps(said, indent=2) + "\n")
    if args.run is None:
        return
    captions, transformer = Captions(args.words), models.transformer()
    transformer.load_state_dict(models.averaged(args.run))
    captions.encoder.to(torch.bfloat16).save_pretrained(args.out / "text_encoder")
    transformer.to(torch.bfloat16).save_pretrained(args.out / "transformer")
    captions.tokenizer.save_pretrained(args.out / "tokenizer")
    (args.out / "pickup.json").write_text(json.dumps(recommended(), indent=1) + "\n")


if __name__ == "__main__":
    main()
