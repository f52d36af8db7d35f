"""Trains the motion network on drawn footage (see footage.py), resumably.

    python footage.py --out runs/footage --shards 44
    python train.py --footage runs/footage --run runs/motion --stage flow --steps 12000
    python train.py --footage runs/footage --run runs/motion --stage all  --steps 6000
    python export.py --run runs/motion

Stage `flow` supervises the flow pyramid with true flow and true visibility; stage `all` goes on with that and adds
synthesis on top of the flow as it is, supervised with the true picture between, the true flows to it and the error really made. Interrupted at any
moment, the same command goes on from the last checkpoint. Without one, it starts from the committed weights if asked
(`--from ../../resources/motion.safetensors`).
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from networks import Motion, resize


class Footage:
    """Triplets from every shard finished so far, cropped and varied; new shards join as they appear."""

    def __init__(self, folder, seed):
        self.folder, self.rng, self.shards, self.known = folder, np.random.default_rng(seed), [], set()

    def refresh(self):
        for path in sorted(self.folder.glob("shard_????.npz")):
            if path.name not in self.known:
                self.known.add(path.name)
                with np.load(path) as data:
                    self.shards.append({k: data[k] for k in data.files})

    def one(self, size, newest):
        """One varied triplet; `newest` leans to later shards, as a curriculum does."""
        rng = self.rng
        index = len(self.shards) - 1 if newest else int(rng.integers(len(self.shards)))
        shard = self.shards[index]
        i = int(rng.integers(len(shard["t"])))
        frames, t, flows, visible = shard["frames"][i], float(shard["t"][i]), shard["flows"][i], shard["visible"][i]
        full = frames.shape[1]
        y, x = rng.integers(0, full - size + 1, 2)
        frames = frames[:, y:y + size, x:x + size].astype(np.float32) / 255
        flows = flows[:, y:y + size, x:x + size].astype(np.float32)
        visible = visible[:, y:y + size, x:x + size].astype(np.float32)
        if rng.random() < 0.5:
            frames, flows, visible = frames[:, :, ::-1], flows[:, :, ::-1] * [-1, 1], visible[:, :, ::-1]
        if rng.random() < 0.5:
            frames, flows, visible = frames[:, ::-1], flows[:, ::-1] * [1, -1], visible[:, ::-1]
        if rng.random() < 0.5:
            frames, flows = frames.transpose(0, 2, 1, 3), flows.transpose(0, 2, 1, 3)[..., ::-1]
            visible = visible.transpose(0, 2, 1)
        if rng.random() < 0.5:
            frames, t, flows, visible = frames[::-1], 1 - t, flows[[1, 0, 3, 2]], visible[[1, 0, 3, 2]]
        return self.graded(frames), t, flows.transpose(0, 3, 1, 2), visible

    def graded(self, frames):
        """What a camera adds: grade, exposure that drifts, grain, sensor noise, compression's softness."""
        rng = self.rng
        frames = np.ascontiguousarray(frames.transpose(0, 3, 1, 2))
        if rng.random() < 0.5:
            frames = np.clip(frames, 0, 1) ** np.exp(rng.normal(0, 0.25))
        if rng.random() < 0.4:
            frames = frames * rng.uniform(0.4, 1.0) + rng.uniform(0, 0.2)
        if rng.random() < 0.15:
            ramp = np.array([0, 0.5, 1], np.float32)[:, None, None, None]
            frames = frames * (1 + ramp * rng.normal(0, 0.06)).astype(np.float32)
        if rng.random() < 0.4:
            deviation = np.exp(rng.uniform(np.log(0.002), np.log(0.03)))
            # The frame between keeps clean: what is made should not guess at noise.
            frames[[0, 2]] += rng.normal(0, deviation, (2, *frames.shape[1:])).astype(np.float32)
        return np.clip(frames, 0, 1).astype(np.float32)

    def batch(self, n, size):
        parts = [self.one(size, self.rng.random() < 0.15) for _ in range(n)]
        frames, t, flows, visible = (np.stack(p) for p in zip(*parts))
        return (torch.from_numpy(frames), torch.from_numpy(t.astype(np.float32)),
                torch.from_numpy(np.ascontiguousarray(flows, np.float32)), torch.from_numpy(np.ascontiguousarray(visible)))


def shrunk_flow(flow, size):
    """True flow at a lower resolution, in that resolution's pixels."""
    factor = flow.shape[-1] / size[1]
    return F.adaptive_avg_pool2d(flow, size) / factor


def flow_loss(flows, visibles, truth, seen):
    """Robust end-point error over all levels, in full-size pixels, and cross-entropy of visibility.

    What cannot be seen in the other frame counts less: its motion is a guess, though a wanted one."""
    total = 0.0
    for level, (flow, visible) in enumerate(zip(reversed(flows), reversed(visibles))):
        size = flow.shape[-2:]
        factor = truth.shape[-1] / size[1]
        there = F.adaptive_avg_pool2d(seen, size)
        error = ((flow - shrunk_flow(truth, size)) * factor).pow(2).sum(1, keepdim=True)
        robust = (error + 0.01).pow(0.4) * (0.35 + 0.65 * there)
        total = total + 0.7 ** level * (robust.mean() + 0.1 * F.binary_cross_entropy_with_logits(visible.float(), there))
    return total


def laplacian_loss(a, b, levels=4):
    total = 0.0
    for level in range(levels):
        small_a, small_b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        detail = (a - resize(small_a, a.shape[-2:])) - (b - resize(small_b, b.shape[-2:]))
        total = total + 2 ** level * detail.abs().mean()
        a, b = small_a, small_b
    return total + 2 ** levels * (a - b).abs().mean()


def picture_loss(made, true, error, to, true_to, seen):
    """Picture by Laplacian pyramid and by squared error (what PSNR counts), flow where the pixel is really seen."""
    missed = (made - true).abs().mean(1, keepdim=True)
    flow = sum(((a - b).pow(2).sum(1, keepdim=True) + 0.01).pow(0.4).mul(s).mean() for a, b, s in zip(to, true_to, seen))
    return (laplacian_loss(made, true) + 10 * (made - true).pow(2).mean() + 0.01 * flow
            + 0.2 * (error - missed.detach()).abs().mean())


def step_loss(model, batch, stage, levels):
    frames, t, flows, visible = batch
    truth, seen = torch.cat([flows[:, 0], flows[:, 1]]), torch.cat([visible[:, 0], visible[:, 1]])[:, None]
    if stage == "flow":
        guessed, visibles, _ = model.flow(frames[:, 0], frames[:, 2], levels)
        return flow_loss(guessed, visibles, truth, seen)
    made, error, (to0, to1, _), (guessed, visibles) = model(frames[:, 0], frames[:, 2], t, levels)
    picture = picture_loss(made, frames[:, 1], error, (to0, to1), (flows[:, 2], flows[:, 3]),
                           (visible[:, 2:3], visible[:, 3:4]))
    return picture + flow_loss(guessed, visibles, truth, seen)


def rate(step, steps, peak):
    warm = min(1.0, (step + 1) / 200)
    return peak * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--footage", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--stage", choices=("flow", "all"), required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--levels", type=int, default=4)
    parser.add_argument("--peak", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1e9, help="end the cosine by then, whatever step it is")
    parser.add_argument("--from", dest="start", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)
    model, smooth = Motion(), Motion()
    if args.start:
        model.load_state_dict(load_file(args.start))
    parameters = model.flow.parameters() if args.stage == "flow" else model.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=args.peak, weight_decay=1e-4, betas=(0.9, 0.99))
    first, saved = 0, args.run / "checkpoint.pt"
    smooth.load_state_dict(model.state_dict())
    if saved.exists():
        state = torch.load(saved)
        model.load_state_dict(state["model"])
        smooth.load_state_dict(state["smooth"])
        if state["stage"] == args.stage:
            optimizer.load_state_dict(state["optimizer"])
            first = state["step"]
    footage, began, average = Footage(args.footage, [args.seed, first, args.stage == "all"]), time.time(), None
    step = first
    while step < args.steps:
        if (step - first) % 100 == 0:
            footage.refresh()
        spent = (time.time() - began) / 60 / args.minutes
        if spent >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate(max(step, spent * args.steps), args.steps, args.peak)
        # bf16 halves a step on processors that have it; losses and flows stay f32.
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            loss = step_loss(model, footage.batch(args.batch, args.size), args.stage, args.levels)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if torch.isfinite(norm):
            optimizer.step()
        step += 1
        decay = min(0.998, (step - first + 1) / (step - first + 10))
        with torch.no_grad():
            for mine, theirs in zip(smooth.parameters(), model.parameters()):
                mine.lerp_(theirs, 1 - decay)
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        if step % 50 == 0:
            print(f"step {step} loss {average:.4f} shards {len(footage.shards)} "
                  f"{(time.time() - began) / (step - first):.2f} s/step", flush=True)
        if step % 250 == 0 or step == args.steps:
            save(saved, model, smooth, optimizer, step, args.stage)
    save(saved, model, smooth, optimizer, step, args.stage)


def save(path, model, smooth, optimizer, step, stage):
    partial = path.with_suffix(".partial")
    torch.save({"model": model.state_dict(), "smooth": smooth.state_dict(), "optimizer": optimizer.state_dict(),
                "step": step, "stage": stage}, partial)
    partial.replace(path)


if __name__ == "__main__":
    main()
