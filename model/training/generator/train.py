"""Trains the transformer, from latents that `encode.py` keeps and captions that `words.py` taught to read.

    nice python -m generator.train --latents runs/latents --words runs/words --run runs/generator --steps 40000

Rectified flow (Liu et al. 2022): at noise level s the latents are (1 - s) x + s n, and the network is to say n - x. A
batch has one job, drawn at random, as the plugin gives them: nothing known, the first frame, the last, both, a clip at
either end or at both; what is known stands among the tokens without noise, at its own times, and is not judged. Each clip
has sixteen captions; one in ten that are read is empty, for guidance. Many batches see a window of each frame, at its own
place: that has a fourth of the tokens, so that four times as many captions are read for the same work (Zheng et al. 2023
leave out tokens to the same end). Stops and goes on at any time.
"""

import argparse
import json
import threading
import time
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from diffusers import LTXConditionPipeline, LTXVideoTransformer3DModel
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import T5EncoderModel

from stock.briefs import caption
from stock.element import RATE

from . import models
from .training import Training
from .words import with_unknown

FILM = 5
# Job: its share, latents of the film that are known, and what stands beside them: latents of the kept row, with the frame
# each part starts at.
LAST, MIDDLE, TAIL = ((6, 7), 32), ((5, 6), 16), ((7, 9), 24)
JOBS = {
    "generate": (0.52, 0, ()), "animate": (0.18, 1, ()), "to the last": (0.05, 0, (LAST,)),
    "first and last": (0.06, 1, (LAST,)), "keyframes": (0.02, 1, (MIDDLE, LAST)), "extend": (0.08, 2, ()),
    "extend back": (0.04, 0, (TAIL,)), "bridge": (0.05, 2, (TAIL,)),
}
# How long films are, in latents, and their shares; of other jobs all are whole.
LENGTHS = {"generate": {1: 0.25, 2: 0.2, 3: 0.1, FILM: 0.45}, "animate": {2: 0.3, 3: 0.2, FILM: 0.5}}
EMPTY = 0.1
# Room for any caption: the longest that `stock.briefs` writes has some 35 words.
WORDS = 40
# The window of latents that a cropped batch sees, and up to how many tokens attention is quicker written out than tiled.
WINDOW, SHORT = (5, 8), 200
# How far noise levels lean to the noisy end: what is large is settled there.
SHIFT = 3.0
BLIND = 0.35
UNKNOWN = 0.06
# How many captions a clip has, and how often, in seconds, new shards are looked for.
CAPTIONS, LOOK = 16, 10


class Latents:
    """The shards that are there, where the training is, and the captions of each clip; a thread looks again now and then,
    since they are encoded meanwhile."""

    def __init__(self, folders, tokenizer):
        self.folders, self.tokenizer, self.known = folders, tokenizer, set()
        self.rows = self.words = None
        self.empty = self._tokens([""])[0].to(models.DEVICE)
        self.look()
        while self.rows is None:
            time.sleep(LOOK)
            self.look()
        self.size = self.rows.shape[-2:]
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while True:
            time.sleep(LOOK)
            self.look()

    def _tokens(self, texts):
        words = self.tokenizer(texts, padding="max_length", max_length=WORDS, truncation=True, return_tensors="pt")
        return words.input_ids.to(torch.int32)

    def look(self):
        there = (path for folder in self.folders for path in sorted(folder.glob("latents_*.npy")))
        new = [path for path in there if path not in self.known]
        rows, words = ([], []) if self.rows is None else ([self.rows], [self.words])
        for path in new:
            rng = np.random.default_rng([13, len(self.known)])
            self.known.add(path)
            asks = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
            texts = [with_unknown(rng, caption(rng, *ask), UNKNOWN) for ask in asks for _ in range(CAPTIONS)]
            rows.append(torch.from_numpy(np.load(path)).to(models.DEVICE))
            words.append(self._tokens(texts).unflatten(0, (-1, CAPTIONS)).to(models.DEVICE))
        if new:
            # The rows last: no clip is ever taken without its words.
            self.words = torch.cat(words)
            self.rows = torch.cat(rows)

    def batch(self, count, corner, size):
        """Windows of a corner and size of so many clips, and the words of a caption for each, now and then of none."""
        rows, (top, left), (height, width) = self.rows, corner, size
        chosen = torch.randint(len(rows), (count,), device=rows.device)
        words = self.words[chosen, torch.randint(CAPTIONS, (count,), device=rows.device)]
        words = torch.where(torch.rand(count, 1, device=rows.device) < EMPTY, self.empty, words)
        if words.device.type == "cpu":
            # To look costs a GPU more than the room.
            words = words[:, :int((words != self.tokenizer.pad_token_id).sum(1).max())]
        return rows[chosen, ..., top:top + height, left:left + width].float(), words.long()


@lru_cache(maxsize=None)
def coordinates(latents, height, width, start, corner=(0, 0)):
    """Seconds, and pixels down and across, of each token of a part that starts at a frame, and whose first latent is at a
    corner: `[3, tokens]`."""
    ids = LTXConditionPipeline._prepare_video_ids(1, latents, height, width, device=models.DEVICE)
    ids = LTXConditionPipeline._scale_video_ids(ids, scale_factor=models.SPACE, scale_factor_t=models.TIME,
                                                frame_index=start, device=models.DEVICE).float()[0]
    ids[0] /= RATE
    ids[1:] += models.SPACE * ids.new_tensor(corner)[:, None]
    return ids


def tokens_of(latents):
    """`[batch, latents, channels, h, w]` as tokens `[batch, latents * h * w, channels]`."""
    return latents.permute(0, 1, 3, 4, 2).flatten(1, 3)


def arranged(rows, job, length=FILM, corner=(0, 0)):
    """Tokens of a batch for a job, how many are known, which stand first, and where all stand; `corner` is of the window
    they are."""
    _, known, beside = JOBS[job]
    height, width = rows.shape[-2:]
    film = tokens_of(rows[:, :length])
    parts, places = [], []
    for (a, b), start in beside:
        parts.append(tokens_of(rows[:, a:b]))
        places.append(coordinates(b - a, height, width, start, corner))
    extra = sum(p.shape[1] for p in parts)
    tokens = torch.cat([*parts, film], 1)
    places = torch.cat([*places, coordinates(length, height, width, 0, corner)], 1)
    return tokens, extra + known * height * width, places


def levels(count):
    """Noise levels: logit-normal (Esser et al. 2024), leaning to the noisy end, and a share all but noise alone. There the
    words are all there is to go by, and there brightness and colour of the whole are settled."""
    normal, blind, even = torch.randn(count), torch.rand(count), torch.rand(count)
    s = normal.sigmoid()
    s = SHIFT * s / (1 + (SHIFT - 1) * s)
    return torch.where(blind < BLIND, 0.85 + 0.15 * even, s).to(models.DEVICE, non_blocking=True)


class Captions:
    """The text encoder, as it was trained on captions alone: by a run of `words.py`, or as a model's folder has it."""

    def __init__(self, path):
        self.tokenizer = models.tokenizer()
        if (path / "text_encoder").is_dir():
            self.encoder = T5EncoderModel.from_pretrained(path / "text_encoder", torch_dtype=torch.float32)
        else:
            self.encoder = models.text_encoder()
            self.encoder.load_state_dict(models.averaged(path, "text_encoder"))
        self.encoder.to(models.DEVICE).eval()

    @torch.no_grad()
    def told(self, words):
        mask = (words != self.tokenizer.pad_token_id).long()
        return self.encoder(words, attention_mask=mask).last_hidden_state, mask


def velocity(transformer, tokens, told, times, places):
    """What the transformer says of tokens at their noise levels."""
    states, mask = told
    places = places[None].expand(len(tokens), -1, -1)
    by_products = tokens.device.type == "cpu" and tokens.shape[1] <= SHORT
    with sdpa_kernel(SDPBackend.MATH) if by_products else nullcontext():
        return transformer(tokens, states, 1000 * times, mask, video_coords=places).sample


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--latents", type=Path, nargs="+", required=True, help="folders of encode.py")
    p.add_argument("--words", type=Path, required=True, help="a run of words.py, or a model's folder")
    p.add_argument("--run", type=Path, required=True)
    p.add_argument("--steps", type=int, default=40000)
    p.add_argument("--minutes", type=float, default=float("inf"), help="end by then, whatever step it is")
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--windows", type=float, default=0.75, help="the share of batches that see a window of each frame")
    p.add_argument("--from", dest="start", type=Path, help="a model's folder to go on from")
    p.add_argument("--compile", action="store_true",
                   help="a sixth more steps in the same time, after half a minute; needs a C++ compiler")
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    captions, transformer = Captions(args.words), models.transformer()
    if args.start:
        kept = LTXVideoTransformer3DModel.from_pretrained(args.start / "transformer", torch_dtype=torch.float32)
        models.grow_from(transformer, kept.state_dict())
    transformer.to(models.DEVICE)
    if args.compile:
        # All blocks are one program: made in half a minute, where that of the whole takes over three.
        transformer.compile_repeated_blocks(dynamic=True)
    training = Training(transformer, args.run, matrices=lambda n, p: (
        p.ndim == 2 and "transformer_blocks" in n and "scale_shift_table" not in n))
    rng = np.random.default_rng([11, training.step])
    torch.manual_seed(training.step)
    shares = np.array([share for share, *_ in JOBS.values()])
    latents = Latents(args.latents, captions.tokenizer)

    def drawn():
        job = str(rng.choice(list(JOBS), p=shares / shares.sum()))
        # Shorter films cost less and teach the same: how things look, a still too, and which way they go.
        lengths = LENGTHS.get(job, {FILM: 1})
        length = int(rng.choice(list(lengths), p=list(lengths.values())))
        count, size, corner = args.batch * FILM // length, latents.size, (0, 0)
        if rng.random() < args.windows:
            count = count * size[0] * size[1] // (WINDOW[0] * WINDOW[1])
            corner = [int(rng.integers(whole - part + 1)) for whole, part in zip(size, WINDOW)]
            size = WINDOW
        rows, words = latents.batch(count, corner, size)
        return job, words, *arranged(rows, job, length, tuple(corner))

    def judged():
        job, words, x, known, places = drawn()
        noise = torch.randn_like(x)
        times = levels(len(x))[:, None].repeat(1, x.shape[1])
        times[:, :known] = 0
        noisy = x + times[..., None] * (noise - x)
        with models.low_precision():
            said = velocity(transformer, noisy, captions.told(words), times, places)
        loss = (said.float() - (noise - x))[:, known:].pow(2).mean()
        return loss, {job: loss.detach()}

    training.run(args.steps, args.rate, judged, args.minutes)


if __name__ == "__main__":
    main()
