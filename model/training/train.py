"""Trains the motion network on footage that is drawn as it is needed (see motion/footage), resumably.

    python train.py --run runs/flow --stage flow --minutes 85
    python train.py --run runs/synthesis --stage synthesis --flow runs/flow --minutes 85

Stage `flow` supervises the flow pyramid with true flow and true visibility. Stage `synthesis` trains what stands on top of it, with
the true picture between, the true flows to it and the error really made; the flow is taken as it is, from the run named by
`--flow`, and taken again as that run gets better, so that both stages may run side by side. A run starts from the committed
weights unless told otherwise. Interrupted at any moment, the same command goes on from the run's last checkpoint.
"""

import argparse
import time
import zlib
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import trainer
from motion.footage import Studio
from motion.losses import census_loss, flow_loss, pyramid_loss, root_error, shrunk
from motion.supply import Supply
from networks import Motion, mixed, shown

COMMITTED = Path(__file__).resolve().parents[2] / "resources" / "motion.safetensors"
CHECKPOINT = "checkpoint.pt"

WARM, LEAST = 100, 0.02
"""Steps over which the learning rate comes up, and the share of its peak that is left at the end."""
SAVED_EVERY = 120
"""Seconds: what an interruption may cost."""
LEARNED = 80_000
"""Where in the curriculum of motions (see motion/supply.py) a run begins that goes on from weights: they know the smaller ones."""
LEVELS = 4
SIZE = {"flow": 224, "synthesis": 192}
"""Sides of what is drawn, in pixels: multiples of what the coarsest level asks for."""

PICTURE, PYRAMID, CENSUS = 6.0, 1.0, 0.3
"""The root of each sample's mean squared error; a Laplacian pyramid; census. More for structure and less for PSNR than the second
network's: this one begins with good pictures, which lack detail."""
MOVED, GHOSTS, EXPECTED = 0.015, 0.5, 0.2
"""True flow from the wanted time; mixing pictures that disagree; the error that is told."""


def levels_loss(flows, visibles, truth, seen):
    """Of flows at every level, coarse to fine, and of the logits that their points are seen: each coarser level counts 0.7 of the
    next."""
    total = 0.0
    for level, (flow, visible) in enumerate(zip(reversed(flows), reversed(visibles))):
        there = F.adaptive_avg_pool2d(seen, visible.shape[-2:])
        known = F.binary_cross_entropy_with_logits(visible.float(), there)
        total = total + 0.7 ** level * (flow_loss(flow, truth, seen) + 0.1 * known)
    return total


def flow_step(model, batch):
    """The loss, and the mean end-point error in pixels."""
    truth = torch.cat([batch.flows[:, 0], batch.flows[:, 1]])
    seen = torch.cat([batch.visible[:, 0], batch.visible[:, 1]])[:, None]
    flows, visibles, _ = model.flow(batch.frames[:, 1], batch.frames[:, 3], LEVELS)
    last = flows[-1].detach().float()
    off = 2 * (last - shrunk(truth, last.shape[-2:]))
    return levels_loss(flows, visibles, truth, seen), off.norm(dim=1).mean()


def ghosts(pictures, weights, made):
    """How far the pictures that are mixed are from their mix, each as much as it counts: nothing where all of them agree, or where
    one alone is shown. One limb is to stand in one place, not two faint ones in two."""
    return sum((weights[:, i:i + 1] * (picture - made).abs()).mean() for i, picture in enumerate(pictures))


def synthesis_step(model, batch):
    """The loss, and the PSNR in dB."""
    before, first, between, last, after = batch.frames.unbind(1)
    with torch.no_grad():
        matched = model.match(first, last, before, after, batch.spacing, LEVELS)
    curved, even, weights, error = model.synthesis(first, last, batch.t, *(half for x in matched for half in x.chunk(2)))
    pictures = shown(first, last, curved, even)
    made = mixed(pictures, weights)
    root, psnr = root_error(made, between)
    missed = (made - between).abs().mean(1, keepdim=True).detach()
    moved = sum(flow_loss(flow, batch.flows[:, way], batch.visible[:, way, None]) for flow, way in zip(curved, (2, 3)))
    loss = (PICTURE * root + PYRAMID * pyramid_loss(made, between) + CENSUS * census_loss(made, between) + MOVED * moved
            + GHOSTS * ghosts(pictures, weights, made) + EXPECTED * (error - missed).abs().mean())
    return loss, psnr


STEPS = {"flow": flow_step, "synthesis": synthesis_step}


class LatestFlow:
    """The flow that another run has reached."""

    def __init__(self, run):
        self.path, self.seen = run / CHECKPOINT, None

    def into(self, *models):
        """Has models stand on it. Until that run has written something they stand on what they began with."""
        changed = self.path.stat().st_mtime if self.path.exists() else None
        if changed != self.seen:
            state = torch.load(self.path, map_location="cpu")["smooth"]
            flow = {k.removeprefix("flow."): v for k, v in state.items() if k.startswith("flow.")}
            for model in models:
                model.flow.load_state_dict(flow)
            self.seen = changed
            print(f"stands on what {self.path} has come to", flush=True)


class Run:
    """A stage's training under way: weights, their average, the optimiser, and how far it has come."""

    def __init__(self, args, device):
        self.args = args
        self.model, self.smooth = Motion().to(device), Motion().to(device)
        if args.start:
            self.model.load_state_dict(load_file(args.start))
        self.smooth.load_state_dict(self.model.state_dict())
        self.model.requires_grad_(False)
        self.part, self.smooth_part = (getattr(m, args.stage) for m in (self.model, self.smooth))
        self.part.requires_grad_(True)
        self.optimizer = torch.optim.AdamW(self.part.parameters(), lr=args.peak, weight_decay=1e-4, betas=(0.9, 0.99))
        self.parts = {"model": self.model, "smooth": self.smooth, "optimizer": self.optimizer}
        self.saved = args.run / CHECKPOINT
        self.state = trainer.resume(self.saved, self.parts, device) if self.saved.exists() else self.begun()
        self.came = self.state["minutes"]

    def begun(self):
        """The state of a run that begins: the stage's weights, if it goes on from some; how far it is in the curriculum; the next
        batch to be drawn; and the seed, which is another one for other weights and the other stage, so that no footage is seen
        twice."""
        start, weights = self.args.start, self.part.state_dict()
        known = zlib.crc32(start.read_bytes()) if start else 0
        return {
            "start": {name: value.clone() for name, value in weights.items()} if start else None,
            "learned": LEARNED if start else 0, "steps": 0, "minutes": 0.0, "index": 0,
            "seed": 2 * (self.args.seed + known) + (self.args.stage == "flow"),
        }

    def gone(self):
        """The share of the run that is done."""
        by_steps = self.state["steps"] / self.args.steps if self.args.steps else 0.0
        return max(self.state["minutes"] / self.args.minutes, by_steps)

    def save(self):
        trainer.save(self.saved, self.parts, **self.state)

    def learn(self, batch):
        """One step; its loss and figure."""
        share = trainer.warmup(self.state["steps"], WARM) * trainer.cosine(self.gone(), LEAST)
        trainer.set_rate(self.optimizer, self.args.peak * share)
        # bf16 halves a step on processors that have it; flows stay f32.
        with torch.autocast(batch.t.device.type, dtype=torch.bfloat16, enabled=self.args.bf16):
            loss, figure = STEPS[self.args.stage](self.model, batch)
        trainer.descend(loss, self.part, self.optimizer)
        self.state["steps"] += 1
        self.state["learned"] += len(batch)
        trainer.update_average(
            self.smooth_part.parameters(), self.part.parameters(), self.state["steps"], decay=0.995, warm=9)
        return torch.stack([loss.detach().float(), figure.detach().float()])


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--stage", choices=STEPS, required=True)
    parser.add_argument("--flow", type=Path, help="synthesis: the run whose flow it stands on; else that of --from")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--from", dest="start", type=Path, default=COMMITTED, help="weights to go on from [default: the bundle's]")
    start.add_argument("--new", dest="start", action="store_const", const=None, help="start from random weights")
    parser.add_argument("--minutes", type=float, default=85, help="how long the run is in all, and comes to rest over")
    parser.add_argument("--steps", type=int, help="the same in steps, if those are done sooner")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, help="pixels a side of what is drawn [default: flow 224, synthesis 192]")
    parser.add_argument("--reuse", type=float, default=4, help="times that a drawn sample is used")
    parser.add_argument("--pool", type=int, default=256, help="samples kept to be used again")
    parser.add_argument("--peak", type=float, default=3e-4)
    parser.add_argument("--seed", type=int, default=1, help="with the weights that a run starts from, what is drawn for it")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-bf16", dest="bf16", action="store_false")
    args = parser.parse_args()
    if args.flow and args.stage == "flow":
        parser.error("--flow is for the stage synthesis: the stage flow is what is trained here")
    return args


def main():
    args = parsed()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    args.run.mkdir(parents=True, exist_ok=True)
    run = Run(args, device)
    flow = LatestFlow(args.flow) if args.flow else None
    seed, index = run.state["seed"], run.state["index"]
    studio = Studio(seed, device, args.size or SIZE[args.stage], skip=index)
    supply = Supply(studio, args.batch, args.reuse, args.pool, index, seed)
    began, saved, average = time.time(), time.time(), None
    while run.gone() < 1:
        if flow and run.state["steps"] % 50 == 0:
            flow.into(run.model, run.smooth)
        told = run.learn(supply.next(run.state["learned"]))
        run.state |= {"index": supply.index, "minutes": run.came + (time.time() - began) / 60}
        average = told if average is None else average.lerp(told, 0.03)
        if run.state["steps"] % 50 == 0:
            loss, figure = average.tolist()
            print(f"step {run.state['steps']} loss {loss:.4f} figure {figure:.3f} {run.gone():.1%}", flush=True)
        if time.time() - saved > SAVED_EVERY:
            run.save()
            saved = time.time()
    run.save()
    print(f"done: {run.state['steps']} steps in {run.state['minutes']:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
