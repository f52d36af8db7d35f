"""A small classifier of clips, trained on drawn ones, that says what is to be seen in generated ones.

    nice python -m generator.judge --views runs/views --run runs/judge --steps 4000

It sees every second frame at half the size, and names the element, its colour, which way it goes, how fast, the time of
day and the background. Trained on what `views.py` drew; the last shards are kept to say how good it is.
Stops and goes on at any time.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from stock.briefs import MIRRORED

from . import models
from .training import Training
from .words import answers

# Shards kept to say how good it is: two turns of each kind of clip.
TESTS = 4
ASKED = ("element", "colour", "direction", "speed", "time", "background")


def block(inputs, outputs, stride):
    return nn.Sequential(nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm3d(outputs), nn.ReLU())


class Judge(nn.Module):
    """Of clips `[batch, 3, frames, height, width]`, 0 to 1: for each attribute, how likely each of its values is."""

    def __init__(self):
        super().__init__()
        self.values = {a: values for a, values in answers().items() if a in ASKED}
        self.see = nn.Sequential(
            nn.Conv3d(3, 24, (3, 5, 5), (1, 2, 2), (1, 2, 2), bias=False), nn.BatchNorm3d(24), nn.ReLU(),
            block(24, 48, (1, 2, 2)), block(48, 64, (2, 2, 2)), block(64, 96, 1), block(96, 128, 2), block(128, 128, 1))
        self.heads = nn.ModuleDict({a: nn.Linear(256, len(values)) for a, values in self.values.items()})

    def forward(self, clips):
        seen = self.see(clips - 0.5).flatten(2)
        seen = torch.cat([seen.mean(2), seen.amax(2)], 1)
        return {a: head(seen) for a, head in self.heads.items()}

    def said(self, clips):
        """The likeliest value of each attribute, by clip."""
        return {a: [self.values[a][i] for i in (x[:, 1:].argmax(1) + 1).tolist()] for a, x in self(clips).items()}


def drawn_batch(shards, rng, count):
    """Clips of shards, uint8, seen in a mirror half the time, and what was asked for."""
    views, told = [], []
    for _ in range(count):
        clips, asks = shards[rng.integers(len(shards))]
        i = rng.integers(len(clips))
        view, (name, ask) = clips[i], asks[i]
        if rng.random() < 0.5:
            view, ask = view[:, :, ::-1], {a: MIRRORED.get(v, v) for a, v in ask.items()}
        views.append(np.ascontiguousarray(view))
        told.append(ask | {"element": name})
    return torch.from_numpy(np.stack(views)), told


def to_judge(views):
    """Clips that were seen, uint8 `[clips, frames, height, width, 3]`, as the classifier takes them."""
    return views.to(models.DEVICE).permute(0, 4, 1, 2, 3).float() / 255


def softened(views):
    """As `to_judge`, now and then blurred as a VAE does."""
    clips = to_judge(views)
    blur = F.interpolate(F.avg_pool3d(clips, (1, 2, 2)), clips.shape[2:], mode="trilinear")
    return clips + torch.rand(len(clips), 1, 1, 1, 1, device=clips.device) * (blur - clips)


def opened(folder):
    return [(np.load(p, mmap_mode="r"), [json.loads(line) for line in p.with_suffix(".jsonl").read_text().splitlines()])
            for p in sorted(folder.glob("views_*.npy"))]


@torch.inference_mode()
def accuracy(judge, shards):
    """How often it is right of drawn clips, by attribute."""
    right = {a: [] for a in ASKED}
    for clips, asks in shards:
        for start in range(0, len(clips), 16):
            for a, said in judge.said(to_judge(torch.from_numpy(clips[start:start + 16].copy()))).items():
                for value, (name, ask) in zip(said, asks[start:start + 16]):
                    ask = ask | {"element": name}
                    if a in ask:
                        right[a].append(value == ask[a])
    return {a: float(np.mean(r)) for a, r in right.items()}


def loaded(run):
    judge = Judge()
    judge.load_state_dict(models.averaged(run))
    return judge.to(models.DEVICE).eval()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--views", type=Path, required=True)
    p.add_argument("--run", type=Path, required=True)
    p.add_argument("--steps", type=int, default=4000)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--minutes", type=float, default=float("inf"), help="end by then, whatever step it is")
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    shards = opened(args.views)
    shards, tests = shards[:-TESTS], shards[-TESTS:]
    judge = Judge().to(models.DEVICE)
    training = Training(judge, args.run, lambda _, p: p.ndim == 5, memory=0.99)
    rng = np.random.default_rng([23, training.step])
    torch.manual_seed(training.step)
    batches = models.ahead(lambda: drawn_batch(shards, rng, args.batch))

    def judged():
        views, told = next(batches)
        with models.low_precision():
            found = judge(softened(views))
        loss = 0
        for a, x in found.items():
            wanted = torch.tensor([judge.values[a].index(t.get(a, "")) for t in told], device=x.device)
            loss = loss + F.cross_entropy(x.float(), wanted, label_smoothing=0.05)
        return loss, {"loss": loss.detach()}

    training.run(args.steps, args.rate, judged, args.minutes)
    print(" ".join(f"{a} {r:.3f}" for a, r in accuracy(loaded(args.run), tests).items()))


if __name__ == "__main__":
    main()
