"""Trains the motion network on drawn footage (see footage.py), resumably.

    python footage.py --out runs/footage --shards 90
    python train.py --footage runs/footage --run runs/flow --stage flow --steps 12000
    python train.py --footage runs/footage --run runs/synthesis --stage synthesis --flow runs/flow --steps 9000
    python export.py --run runs/synthesis

Stage `flow` supervises the flow pyramid with true flow and true visibility. Stage `synthesis` trains what stands on top
of it, with the true picture between, the true flows to it and the error really made; the flow is taken as it is, from
the run named by `--flow`, and taken again as that run gets better, so that both stages may run side by side.
Interrupted at any moment, the same command goes on from its last checkpoint. Without one, a stage starts from committed
weights if asked (`--from ../../resources/motion.safetensors`).
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import trainer
from networks import Motion, mixed, resize


DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
# Steps over which the learning rate comes up, and the share of its peak that is left at the end.
WARM, LEAST = 200, 0.02


class Footage:
    """Samples from every shard finished so far, cropped and varied; new shards join as they appear."""

    def __init__(self, folder, seed, respace):
        self.folder, self.rng, self.respace = folder, np.random.default_rng(seed), respace
        self.shards, self.known = [], set()

    def refresh(self):
        for path in sorted(self.folder.glob("shard_????")):
            if path.name not in self.known:
                self.known.add(path.name)
                # Mapped, where the training is on the processor. Times are reckoned with there anyway.
                arrays = {f.stem: torch.from_numpy(np.load(f, mmap_mode="c")) for f in path.glob("*.npy")}
                self.shards.append({k: x if k == "times" else x.to(DEVICE) for k, x in arrays.items()})

    def batch(self, n, size):
        """Varied samples: frames [n,5,3,S,S], t [n], spacing [n,2], flows [n,4,2,S,S], visible [n,4,S,S]."""
        frames, times, flows, visible = self.crops(n, size)
        frames, flows, visible = self.turned(frames, flows, visible)
        reverse = self.rng.random(n) < 0.5
        times = np.where(reverse[:, None], 1 - times[:, ::-1], times)
        other = self.told(reverse, 5)
        flows = torch.where(other, flows[:, [1, 0, 3, 2]], flows)
        visible = torch.where(other[..., 0], visible[:, [1, 0, 3, 2]], visible)
        rows = np.where(reverse[:, None], np.arange(5)[::-1], np.arange(5))
        respaced = np.zeros(n, bool)
        spacing = np.zeros((n, 2), np.float32)
        for i in range(n):
            rows[i], times[i], respaced[i] = self.respaced(rows[i], times[i])
            rows[i], spacing[i] = self.outer(rows[i], times[i])
        frames = frames[torch.arange(n, device=DEVICE)[:, None], torch.from_numpy(rows).to(DEVICE)]
        visible = visible * ~self.told(respaced, 4)
        return [self.graded(frames, times), self.told(times[:, 2]), self.told(spacing), flows, visible]

    def told(self, values, dimensions=None):
        """Values for each sample as a tensor, which may be spread over its so many dimensions."""
        tensor = torch.from_numpy(np.ascontiguousarray(values)).to(DEVICE)
        tensor = tensor if tensor.dtype == torch.bool else tensor.float()
        return tensor if dimensions is None else tensor.reshape(*tensor.shape, *[1] * (dimensions - tensor.ndim))

    def crops(self, n, size):
        parts, times = {"frames": [], "flows": [], "visible": []}, []
        for _ in range(n):
            shard = self.shards[int(self.rng.integers(len(self.shards)))]
            i = int(self.rng.integers(len(shard["times"])))
            y, x = (int(v) for v in self.rng.integers(0, shard["frames"].shape[2] - size + 1, 2))
            times.append(shard["times"][i])
            for name, crops in parts.items():
                crops.append(shard[name][i, :, y:y + size, x:x + size].float())
        frames, flows, visible = (torch.stack(crops) for crops in parts.values())
        times = torch.stack(times).numpy()
        return frames.permute(0, 1, 4, 2, 3) / 255, times, flows.permute(0, 1, 4, 2, 3), visible

    def turned(self, frames, flows, visible):
        """Seen in mirrors and with rows for columns, half of them each."""
        n, sign = len(frames), flows.new_tensor([-1, 1])[:, None, None]
        for turn, along in ((lambda x: x.flip(-1), lambda f: f * sign), (lambda x: x.flip(-2), lambda f: f * -sign),
                            (lambda x: x.transpose(-1, -2), lambda f: f.flip(2))):
            chosen = self.told(self.rng.random(n) < 0.5, 5)
            frames = torch.where(chosen, turn(frames), frames)
            flows = torch.where(chosen, along(turn(flows)), flows)
            visible = torch.where(chosen[..., 0], turn(visible), visible)
        return frames, flows, visible

    def respaced(self, rows, times):
        """The same frames as another row now and then: over a wider interval motion is larger than it can be matched,
        and less even. What was outside is between then; its true flow is not known, so nothing is to count as visible."""
        if not self.respace or self.rng.random() > 0.4:
            return rows, times, False
        first, last = [(0, 3), (1, 4), (0, 4)][self.rng.integers(3)]
        between = int(self.rng.integers(first + 1, last))
        taken = [max(first - 1, 0), first, between, last, min(last + 1, 4)]
        return rows[taken], (times[taken] - times[first]) / (times[last] - times[first]), True

    def outer(self, rows, times):
        """What clips do with the frames further out: they end, and they repeat frames."""
        rows, spacing = rows.copy(), np.array([-times[0], times[4] - 1], np.float32)
        for side, (far, near) in enumerate(((0, 1), (4, 3))):
            kind = self.rng.random()
            if kind < 0.15 or spacing[side] == 0:
                spacing[side] = 0
            elif kind < 0.2:
                rows[far] = rows[near]
        return rows, spacing

    def graded(self, frames, times):
        """What a camera adds: grade, exposure that drifts, grain, sensor noise."""
        rng, n = self.rng, len(frames)

        def some(share, values, otherwise):
            return self.told(np.where(rng.random(n) < share, values, otherwise), 5)

        frames = frames.clamp(0, 1) ** some(0.5, np.exp(rng.normal(0, 0.25, n)), 1)
        dim = rng.random(n) < 0.4
        frames = frames * self.told(np.where(dim, rng.uniform(0.4, 1.0, n), 1), 5)
        frames = frames + self.told(np.where(dim, rng.uniform(0, 0.2, n), 0), 5)
        frames = frames * (1 + self.told(times, 5) * some(0.15, rng.normal(0, 0.06, n), 0))
        deviation = some(0.4, np.exp(rng.uniform(np.log(0.002), np.log(0.03), n)), 0)
        # The frame between keeps clean: what is made should not guess at noise.
        noisy = frames.new_tensor([1, 1, 0, 1, 1])[None, :, None, None, None]
        return (frames + deviation * noisy * torch.randn_like(frames)).clamp(0, 1)


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
    """Picture by Laplacian pyramid and by each sample's root of squared error (near to what PSNR counts, whose every
    frame weighs the same), flow where the pixel is really seen."""
    missed = (made - true).abs().mean(1, keepdim=True)
    root = ((made - true).pow(2).mean((1, 2, 3)) + 1e-5).sqrt().mean()
    flow = sum(((a - b).pow(2).sum(1, keepdim=True) + 0.01).pow(0.4).mul(s).mean() for a, b, s in zip(to, true_to, seen))
    return (laplacian_loss(made, true) + 10 * root + 0.01 * flow + 0.2 * (error - missed.detach()).abs().mean()), root


def flow_step(model, batch, levels):
    """The loss, and the mean end-point error in pixels."""
    frames, _, _, flows, visible = batch
    truth, seen = torch.cat([flows[:, 0], flows[:, 1]]), torch.cat([visible[:, 0], visible[:, 1]])[:, None]
    guessed, visibles, _ = model.flow(frames[:, 1], frames[:, 3], levels)
    last = guessed[-1].detach().float()
    off = 2 * (last - shrunk_flow(truth, last.shape[-2:]))
    return flow_loss(guessed, visibles, truth, seen), off.pow(2).sum(1).sqrt().mean()


def synthesis_step(model, batch):
    """The loss, and the PSNR in dB."""
    frames, t, _, flows, visible, *matched = batch
    first, between, last = frames[:, 1], frames[:, 2], frames[:, 3]
    curved, even, weights, error = model.synthesis(first, last, t, *matched)
    made = mixed(first, last, curved, even, weights)
    loss, root = picture_loss(made, between, error, curved, (flows[:, 2], flows[:, 3]),
                              (visible[:, 2:3], visible[:, 3:4]))
    return loss, -20 * torch.log10(root.detach())


class Pool:
    """Samples with their motion already found. Matching costs most and is not what synthesis learns: each sample
    is matched once and used about `reuse` times, mixed with the others of the pool."""

    def __init__(self, model, footage, args):
        self.model, self.footage, self.args, self.samples, self.owed = model, footage, args, [], 0.0
        # No two of a batch are the same, nor are those of the next.
        self.least = 4 * args.batch
        self.most = max(args.pool, self.least)

    def add(self):
        n = self.args.batch
        batch = self.footage.batch(n, self.args.size)
        frames, _, spacing, _, _ = batch
        before, first, _, last, after = frames.unbind(1)
        with torch.no_grad():
            matched = self.model.match(first, last, before, after, spacing, self.args.levels)
        batch += [half for x in matched for half in x.chunk(2)]
        self.samples = (self.samples + [[x[i] for x in batch] for i in range(n)])[-self.most:]

    def batch(self):
        self.owed += 1 / self.args.reuse
        while self.owed > 0 or len(self.samples) < self.least:
            self.add()
            self.owed -= 1
        chosen = self.footage.rng.choice(len(self.samples), self.args.batch, replace=False)
        return [torch.stack(x) for x in zip(*(self.samples[i] for i in chosen))]


class LatestFlow:
    """The flow that another run has reached."""

    def __init__(self, run):
        self.path, self.seen = run / "checkpoint.pt", None

    def into(self, *models):
        changed = self.path.stat().st_mtime
        if changed != self.seen:
            state = torch.load(self.path, map_location=DEVICE)["smooth"]
            flow = {k.removeprefix("flow."): v for k, v in state.items() if k.startswith("flow.")}
            for model in models:
                model.flow.load_state_dict(flow)
            self.seen = changed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--footage", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--stage", choices=("flow", "synthesis"), required=True)
    parser.add_argument("--flow", type=Path, help="synthesis: the run whose flow it stands on; else that of --from")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--levels", type=int, default=4)
    parser.add_argument("--pool", type=int, default=384, help="synthesis: samples kept with their motion")
    parser.add_argument("--reuse", type=float, default=5, help="synthesis: times that each is used")
    parser.add_argument("--peak", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e9, help="end the cosine by then, whatever step it is")
    parser.add_argument("--from", dest="start", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)
    model, smooth = Motion().to(DEVICE), Motion().to(DEVICE)
    if args.start:
        model.load_state_dict(load_file(args.start))
    part, smooth_part = (getattr(m, args.stage) for m in (model, smooth))
    if args.stage == "synthesis":
        model.flow.requires_grad_(False)
    optimizer = torch.optim.AdamW(part.parameters(), lr=args.peak, weight_decay=1e-4, betas=(0.9, 0.99))
    first, saved = 0, args.run / "checkpoint.pt"
    smooth.load_state_dict(model.state_dict())
    parts = {"model": model, "smooth": smooth, "optimizer": optimizer}
    if saved.exists():
        first = trainer.resume(saved, parts, DEVICE)["step"]
    flow = LatestFlow(args.flow) if args.flow else None
    # The flow learns from true flow alone.
    footage = Footage(args.footage, [args.seed, first, args.stage == "synthesis"], respace=args.stage == "synthesis")
    began, average = time.time(), None
    pool, step = Pool(model, footage, args), first
    while step < args.steps:
        if (step - first) % 100 == 0:
            footage.refresh()
            if flow:
                flow.into(model, smooth)
        spent = (time.time() - began) / 60 / args.minutes
        if spent >= 1:
            break
        far = max(step, spent * args.steps)
        trainer.set_rate(optimizer, args.peak * trainer.warmup(far, WARM) * trainer.cosine(far / args.steps, LEAST))
        # bf16 halves a step on processors that have it; losses and flows stay f32.
        with torch.autocast(DEVICE.type, dtype=torch.bfloat16, enabled=args.bf16):
            if args.stage == "flow":
                loss, figure = flow_step(model, footage.batch(args.batch, args.size), args.levels)
            else:
                loss, figure = synthesis_step(model, pool.batch())
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(part.parameters(), 1.0)
        if torch.isfinite(norm):
            optimizer.step()
        step += 1
        trainer.update_average(smooth_part.parameters(), part.parameters(), step - first + 1, decay=0.998, warm=9)
        now = torch.stack([loss.detach(), figure])
        average = now if average is None else average.lerp(now, 0.02)
        if step % 50 == 0:
            print(f"step {step} loss {average[0]:.4f} figure {average[1]:.3f} shards {len(footage.shards)} "
                  f"{(time.time() - began) / (step - first):.2f} s/step", flush=True)
        if step % 250 == 0 or step == args.steps:
            trainer.save(saved, parts, step=step)
    trainer.save(saved, parts, step=step)


if __name__ == "__main__":
    main()
