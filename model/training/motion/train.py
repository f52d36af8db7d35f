"""Trains the second motion network on footage that is drawn as it is needed, on a processor or on a GPU.

    python -m motion.train --run runs/motion --from motion/weights --minutes 60

Interrupted at any moment the same command goes on from the run's last checkpoint; without one it goes on from the small form in
`--from`, if that is there. At the end of the minutes or steps that it was given it writes the small form into the run's folder,
with the figures of held-out footage (see evaluate.py). Only the matching learns from true flow alone: what the picture would make
of it teaches it to blur over its errors.
"""

import argparse
import time
from dataclasses import fields
from pathlib import Path

import torch

from motion import checkpoint
from motion.evaluate import held_out
from motion.footage import Batch, Studio, views
from motion.footage.draws import Random
from motion.losses import matching_loss, off_at, picture_loss, root_error
from motion.network import Motion

LEAST_REACH, MOST_REACH, LEARNED_BY = 16.0, 200.0, 150_000
"""The curriculum: motions of up to 16 pixels at first, of up to 200 when so many samples were seen."""
WARM = 100
"""Steps over which the rate comes up after every start."""


def reach_at(seen, random):
    """The largest motion of a batch, in pixels: as often of each octave up to what the curriculum has come to."""
    most = LEAST_REACH + (MOST_REACH - LEAST_REACH) * min(1.0, seen / LEARNED_BY)
    return 8.0 * (most / 8.0) ** random.between(0, 1)


def seen_otherwise(batch, random):
    """A batch with its samples in mirrors, with rows for columns, and backwards in time, each of them or not."""
    frames, flows, visible = views.turned(random, batch.frames, batch.flows, batch.visible)
    return Batch(*views.backwards(random, frames, batch.t, batch.spacing, flows, visible))


class Supply:
    """Batches: drawn anew each time, or taken from a pool of samples of which each is used about `reuse` times, since drawing
    costs a processor more than learning from what was drawn."""

    def __init__(self, studio, batch, reuse, pool, index, seed):
        self.studio, self.size, self.reuse, self.pool_size = studio, batch, reuse, pool
        self.index, self.seen = index, 0
        self.random = Random(seed * 7919 + index, studio.device)
        self.pool, self.owed = None, 0.0

    def draw(self):
        batch = self.studio.batch(self.size, reach_at(self.seen, self.random), self.index)
        self.index += 1
        return batch

    def next(self, seen):
        self.seen = seen
        if self.reuse <= 1:
            return seen_otherwise(self.draw(), self.random)
        self.owed += 1 / self.reuse
        while self.owed > 0 or self.pool is None or len(self.pool) < 4 * self.size:
            new = self.draw()
            parts = [new] if self.pool is None else [self.pool, new]
            self.pool = Batch(*(torch.cat([getattr(p, f.name) for p in parts])[-self.pool_size:] for f in fields(Batch)))
            self.owed -= 1
        chosen = self.random.permutations(len(self.pool))[:self.size]
        return seen_otherwise(Batch(*(getattr(self.pool, f.name)[chosen] for f in fields(Batch))), self.random)


def step(model, batch, bf16):
    """The loss, and what is told of it: PSNR of the frame made and of a blend, and how far its flow is off in pixels."""
    before, first, between, last, after = batch.frames.unbind(1)
    with torch.autocast(batch.t.device.type, dtype=torch.bfloat16, enabled=bf16):
        pair, matching = model.match(first, last, before, after, batch.spacing)
        made = model.between(pair, batch.t)
    loss, psnr = picture_loss(made, batch)
    loss = loss + matching_loss(*matching, batch.flows, batch.visible)
    with torch.no_grad():
        blend = root_error(torch.lerp(first, last, batch.t[:, None, None, None]), between)[1]
        off = off_at(made[2][-1], batch)
    return loss, torch.stack([loss.detach(), psnr.detach(), blend, off])


class Run:
    """A training under way: weights, their average, the optimiser, and how far it has come."""

    def __init__(self, args, device):
        self.args, self.device = args, device
        self.model, self.smooth = Motion().to(device), Motion().to(device)
        self.smooth.load_state_dict(self.model.state_dict())
        self.names = [name for name, _ in self.model.named_parameters()]
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=args.peak, weight_decay=1e-4, betas=(0.9, 0.99))
        self.state = {"samples": 0, "steps": 0, "index": 0, "seed": args.seed, "curve": []}
        self.saved = args.run / "checkpoint.pt"
        if self.saved.exists():
            parts = torch.load(self.saved, map_location=device)
            self.model.load_state_dict(parts["model"])
            self.smooth.load_state_dict(parts["smooth"])
            self.optimizer.load_state_dict(parts["optimizer"])
            self.state = parts["state"]
        elif args.start and (args.start / checkpoint.WEIGHTS).exists():
            self.state = checkpoint.restore(args.start, (self.model, self.smooth), self.optimizer, self.names)

    def save(self):
        parts = {"model": self.model, "smooth": self.smooth, "optimizer": self.optimizer}
        checkpoint.save(self.saved, {k: v.state_dict() for k, v in parts.items()} | {"state": self.state})

    def rate(self, done, share):
        """The learning rate after `done` steps of this start, `share` of its time gone: up, then down as a cosine does."""
        down = 0.5 * (1 + torch.cos(torch.tensor(min(share, 1.0) * torch.pi)).item())
        return self.args.peak * min(1.0, (done + 1) / WARM) * (self.args.least + (1 - self.args.least) * down)

    def learn(self, batch, done, share):
        """One step; what is told of it."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(done, share)
        loss, told = step(self.model, batch, self.args.bf16)
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if torch.isfinite(norm):
            self.optimizer.step()
        self.state["steps"] += 1
        self.state["samples"] += len(batch)
        decay = min(0.999, (done + 1) / (done + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.smooth.parameters()), list(self.model.parameters()), 1 - decay)
        return told

    def export(self):
        """Writes the small form, with what held-out footage says of it."""
        self.state["curve"].append({"samples": self.state["samples"], **held_out(self.smooth, self.device)})
        checkpoint.export(self.args.run, self.smooth, self.optimizer, self.names, self.state)
        return self.state["curve"][-1]


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--from", dest="start", type=Path, help="a folder with weights to go on from")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, help="end after so many steps of this start, if that is sooner")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--reuse", type=float, help="times that a drawn sample is used [default: 8, on a GPU 2]")
    parser.add_argument("--pool", type=int, default=384, help="samples kept to be used again")
    parser.add_argument("--peak", type=float, default=4e-4)
    parser.add_argument("--least", type=float, default=0.05, help="the share of the peak rate that is left at the end")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-bf16", dest="bf16", action="store_false")
    return parser.parse_args()


def main():
    args = parsed()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    args.run.mkdir(parents=True, exist_ok=True)
    run = Run(args, device)
    reuse = args.reuse or (2 if device.type == "cuda" else 8)
    supply = Supply(Studio(args.seed, device, args.size), args.batch, reuse, args.pool, run.state["index"], args.seed)
    began, saved, average, done = time.time(), time.time(), None, 0
    while (gone := (time.time() - began) / 60 / args.minutes) < 1 and not (args.steps and done >= args.steps):
        told = run.learn(supply.next(run.state["samples"]), done, max(gone, done / args.steps if args.steps else 0))
        run.state["index"], done = supply.index, done + 1
        average = told if average is None else average.lerp(told, 0.03)
        if done % 50 == 0:
            loss, psnr, blend, off = average.tolist()
            print(f"step {run.state['steps']} samples {run.state['samples']} loss {loss:.4f} made {psnr:.2f} dB blend {blend:.2f} dB "
                  f"off {off:.2f} px, {(time.time() - began) / done:.2f} s/step", flush=True)
        if time.time() - saved > 300:
            run.save()
            saved = time.time()
    run.save()
    print(run.export(), flush=True)


if __name__ == "__main__":
    main()
