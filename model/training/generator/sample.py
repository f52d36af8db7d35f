"""Runs an exported model in PyTorch, as the plugin runs it, to look at and to measure.

    python -m generator.sample --model runs/model --out sheet.png "red smoke rising on black" "snow falling at night"
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKLLTXVideo, LTXVideoTransformer3DModel
from transformers import AutoTokenizer, T5EncoderModel

from . import models
from .train import FILM, arranged, velocity

HEIGHT, WIDTH, CHANNELS = 9, 16, 48


class Sampler:
    def __init__(self, folder):
        def load(kind, name):
            return kind.from_pretrained(folder / name, torch_dtype=torch.float32).to(models.DEVICE).eval()

        self.vae, self.text = load(AutoencoderKLLTXVideo, "vae"), load(T5EncoderModel, "text_encoder")
        self.transformer = load(LTXVideoTransformer3DModel, "transformer")
        self.tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
        self.how = json.loads((folder / "pickup.json").read_text())

    def told(self, texts):
        words = self.tokenizer(texts, padding=True, return_tensors="pt").to(models.DEVICE)
        return self.text(words.input_ids, attention_mask=words.attention_mask).last_hidden_state, words.attention_mask

    @torch.inference_mode()
    def films(self, texts, seed, rows=None, job="generate"):
        """Clips, uint8 `[films, frames, height, width, 3]`, for texts; `rows` holds what the job knows."""
        noise = torch.randn(len(texts), 9, CHANNELS, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed))
        noise = noise.to(models.DEVICE)
        clean, known, places = arranged(noise if rows is None else rows, job)
        tokens = arranged(noise, job)[0]
        tokens[:, :known] = clean[:, :known]
        both = self.told([*texts, *[""] * len(texts)])
        levels = [*self.how["levels"], 0.0]
        for level, after in zip(levels, levels[1:]):
            times = tokens.new_full(tokens.shape[:2], level)
            times[:, :known] = 0
            said = velocity(self.transformer, tokens.repeat(2, 1, 1), both, times.repeat(2, 1), places)
            said, without = said.chunk(2)
            guided = without + self.how["guidance"] * (said - without)
            # Lin et al. 2024: guidance makes what is said too strong.
            strong = said.std((1, 2), keepdim=True) / guided.std((1, 2), keepdim=True)
            guided = guided * (1 + self.how["rescale"] * (strong - 1))
            tokens[:, known:] += (after - level) * guided[:, known:]
        film = tokens[:, -FILM * HEIGHT * WIDTH:].unflatten(1, (FILM, HEIGHT, WIDTH)).permute(0, 4, 1, 2, 3)
        return models.pictures(torch.cat([self.vae.decode(one[None]).sample for one in film]))


def sheet(rows, path, scale=1.0):
    """Rows of pictures, uint8, as one."""
    image = np.concatenate([np.concatenate(list(row), 1) for row in rows])[..., ::-1]
    cv2.imwrite(str(path), cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("prompts", nargs="+")
    args = p.parse_args()
    films = Sampler(args.model).films(args.prompts, args.seed)
    sheet([film[::8] for film in films], args.out)


if __name__ == "__main__":
    main()
