"""Trains the transformer and its text encoder, from latents that `encode.py` keeps.

    nice python -m generator.train --latents runs/latents --run runs/generator --steps 40000 [--from FOLDER]

Rectified flow (Liu et al. 2022): at noise level s the latents are (1 - s) x + s n, and the network is to say n - x. A
batch has one job, drawn at random, as the plugin gives them: nothing known, the first frame, the last, both, a clip at
either end or at both; what is known stands among the tokens without noise, at its own times, and is not judged. Captions
are drawn anew each time; one in ten is empty, for guidance. Stops and goes on at any time.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import LTXConditionPipeline, LTXVideoTransformer3DModel
from transformers import T5EncoderModel

from stock.briefs import caption
from stock.element import RATE

from . import models
from .train_vae import save

FILM = 5
# Job: its share, latents of the film that are known, and what stands beside them: latents of the kept row, with the frame
# each part starts at.
LAST, MIDDLE, TAIL = ((6, 7), 32), ((5, 6), 16), ((7, 9), 24)
JOBS = {
    "generate": (0.40, 0, ()), "animate": (0.22, 1, ()), "to the last": (0.08, 0, (LAST,)),
    "first and last": (0.08, 1, (LAST,)), "keyframes": (0.04, 1, (MIDDLE, LAST)), "extend": (0.08, 2, ()),
    "extend back": (0.05, 0, (TAIL,)), "bridge": (0.05, 2, (TAIL,)),
}
EMPTY = 0.1
# How far noise levels lean to the noisy end: what is large is settled there.
SHIFT = 2.0
UNKNOWN_WORDS = ("zorb", "qux", "flim", "brall", "ondry")
UNKNOWN = 0.06


class Latents:
    """The shards that are there; looks again now and then, since they are encoded meanwhile."""

    def __init__(self, folder):
        self.folder, self.clips = folder, []
        self.look()

    def look(self):
        clips = []
        for path in sorted(self.folder.glob("latents_*.npy")):
            asks = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
            clips += zip(np.load(path, mmap_mode="r"), asks)
        self.clips = clips

    def batch(self, rng, count):
        clips = self.clips
        rows, asks = zip(*(clips[i] for i in rng.integers(len(clips), size=count)))
        return torch.from_numpy(np.stack(rows).astype(np.float32)), asks


def coordinates(latents, height, width, start):
    """Seconds, and pixels down and across, of each token of a part that starts at a frame: `[3, tokens]`."""
    ids = LTXConditionPipeline._prepare_video_ids(1, latents, height, width, device=models.DEVICE)
    ids = LTXConditionPipeline._scale_video_ids(ids, scale_factor=models.SPACE, scale_factor_t=models.TIME,
                                                frame_index=start, device=models.DEVICE).float()[0]
    ids[0] /= RATE
    return ids


def tokens_of(latents):
    """`[batch, latents, channels, h, w]` as tokens `[batch, latents * h * w, channels]`."""
    return latents.permute(0, 1, 3, 4, 2).flatten(1, 3)


def arranged(rows, job, length=FILM):
    """Tokens of a batch for a job, which of them are known, and where they stand."""
    _, known, beside = JOBS[job]
    height, width = rows.shape[-2:]
    film = tokens_of(rows[:, :length])
    parts, places = [], []
    for (a, b), start in beside:
        parts.append(tokens_of(rows[:, a:b]))
        places.append(coordinates(b - a, height, width, start))
    extra = sum(p.shape[1] for p in parts)
    tokens = torch.cat([*parts, film], 1)
    places = torch.cat([*places, coordinates(length, height, width, 0)], 1)
    mask = torch.zeros(tokens.shape[1], dtype=torch.bool, device=tokens.device)
    mask[:extra] = True
    mask[extra:extra + known * height * width] = True
    return tokens, mask, places


def prompts(rng, asks):
    """A caption for each ask, now and then none, now and then with a word that nobody knows."""
    texts = []
    for name, ask in asks:
        words = "" if rng.random() < EMPTY else caption(rng, name, ask)
        if words and rng.random() < UNKNOWN:
            at = words.split()
            at.insert(int(rng.integers(len(at) + 1)), str(rng.choice(UNKNOWN_WORDS)))
            words = " ".join(at)
        texts.append(words)
    return texts


def levels(rng, count):
    """Noise levels: logit-normal (Esser et al. 2024), leaning to the noisy end."""
    s = 1 / (1 + np.exp(-rng.normal(size=count)))
    return torch.from_numpy(SHIFT * s / (1 + (SHIFT - 1) * s)).float()


class Generator(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.tokenizer = models.tokenizer()
        self.text_encoder = models.text_encoder(len(self.tokenizer))
        self.transformer = models.transformer()

    def told(self, texts):
        words = self.tokenizer(texts, padding=True, return_tensors="pt").to(models.DEVICE)
        mask = words.attention_mask
        return self.text_encoder(words.input_ids, attention_mask=mask).last_hidden_state, mask

    def forward(self, tokens, texts, times, places):
        told, mask = self.told(texts)
        places = places[None].expand(len(tokens), -1, -1)
        return self.transformer(tokens, told, 1000 * times, mask, video_coords=places).sample


def optimisers(generator, rate):
    """Muon (Jordan et al. 2024) for the transformer's matrices, AdamW for all else."""
    matrices = [p for n, p in generator.named_parameters() if p.ndim == 2 and "transformer_blocks" in n
                and "scale_shift_table" not in n]
    chosen = {id(p) for p in matrices}
    others = [p for p in generator.parameters() if id(p) not in chosen]
    return [torch.optim.Muon(matrices, lr=rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=0)]


def scheduled(step, steps, rate):
    """Warm-up, level, then down to nothing over the last fifth."""
    return rate * min(1, (step + 1) / 300, max(0.01, (steps - step) / (0.2 * steps)))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--latents", type=Path, required=True)
    p.add_argument("--run", type=Path, required=True)
    p.add_argument("--steps", type=int, default=40000)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--from", dest="start", type=Path, help="a model's folder to go on from")
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    args.run.mkdir(parents=True, exist_ok=True)
    generator = Generator()
    if args.start:
        for part, kind in (("text_encoder", T5EncoderModel), ("transformer", LTXVideoTransformer3DModel)):
            getattr(generator, part).load_state_dict(kind.from_pretrained(args.start / part).state_dict())
    generator = generator.to(models.DEVICE)
    mean = {k: v.detach().clone() for k, v in generator.state_dict().items()}
    both = optimisers(generator, args.rate)
    step, kept = 0, args.run / "last.pt"
    if kept.exists():
        state = torch.load(kept, map_location=models.DEVICE)
        generator.load_state_dict(state["generator"])
        mean, step = state["mean"], state["step"]
        for optimiser, s in zip(both, state["optimisers"]):
            optimiser.load_state_dict(s)
    rng = np.random.default_rng([11, step])
    torch.manual_seed(step)
    shares = np.array([share for share, *_ in JOBS.values()])
    sums, began = {}, time.time()
    latents = Latents(args.latents)

    def drawn():
        job = str(rng.choice(list(JOBS), p=shares / shares.sum()))
        # Shorter films cost less and teach the same: how things look, and which way they go.
        length = int(rng.choice((2, 3, FILM))) if job in ("generate", "animate") else FILM
        rows, asks = latents.batch(rng, args.batch * FILM // length)
        return job, length, rows, prompts(rng, asks), levels(rng, len(rows))

    batches = models.ahead(drawn)
    while step < args.steps:
        job, length, rows, texts, level = next(batches)
        x, known, places = arranged(rows.to(models.DEVICE), job, length)
        noise, level = torch.randn_like(x), level.to(models.DEVICE)
        times = level[:, None].expand(-1, x.shape[1]).masked_fill(known, 0)
        noisy = x + times[..., None] * (noise - x)
        with models.low_precision():
            said = generator(noisy, texts, times, places)
        loss = (said.float() - (noise - x))[:, ~known].pow(2).mean()
        for optimiser in both:
            for group in optimiser.param_groups:
                group["lr"] = scheduled(step, args.steps, args.rate)
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
        for optimiser in both:
            optimiser.step()
        step += 1
        with torch.no_grad():
            decay = min(0.9995, step / (step + 100))
            for name, value in generator.state_dict().items():
                mean[name].lerp_(value, 1 - decay)
        sums.setdefault(job, []).append(loss.item())
        if step % 100 == 0:
            said = " ".join(f"{name} {np.mean(values):.3f}" for name, values in sorted(sums.items()))
            print(f"{step} {said} {(time.time() - began) / 100:.2f} s", flush=True)
            sums, began = {}, time.time()
        if step % 500 == 0 or step == args.steps:
            save(kept, {"generator": generator.state_dict(), "mean": mean, "step": step,
                        "optimisers": [optimiser.state_dict() for optimiser in both]})
            latents.look()


if __name__ == "__main__":
    main()
