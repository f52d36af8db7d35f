"""Trains the second motion network on footage that is drawn as it is needed, on a processor or on a GPU.

    python -m motion.train --run runs/motion --from motion/weights --minutes 60

Interrupted at any moment the same command goes on from the run's last checkpoint; without one it goes on from the small form in
`--from`, if that is there. At the end of the minutes or steps that it was given it writes the small form into the run's folder,
with the figures of held-out footage (see evaluate.py). Only the matching learns from true flow alone: what the picture would make
of it teaches it to blur over its errors.
"""

import argparse
import time
from pathlib import Path

import torch

import trainer
from motion import checkpoint
from motion.evaluate import held_out, loaded
from motion.footage import Studio
from motion.losses import matching_loss, off_at, picture_loss, root_error
from motion.network import Encoder, Level, Motion, Step
from motion.supply import Supply

WARM = 100
"""Steps over which the rate comes up after every start."""
SAVED_EVERY = 120
"""Seconds: what an interruption may cost."""


def step(model, batch, bf16):
    """The loss, and what is told of it: PSNR in dB of the frame made and of a blend, how far its flow is off in pixels,
    and the parts of the loss."""
    before, first, between, last, after = batch.frames.unbind(1)
    with torch.autocast(batch.t.device.type, dtype=torch.bfloat16, enabled=bf16):
        pair, matching = model.match(first, last, before, after, batch.spacing)
        made = model.between(pair, batch.t)
    parts, psnr = picture_loss(made, batch)
    parts |= matching_loss(*matching, batch.flows, batch.visible)
    loss = sum(parts.values())
    with torch.no_grad():
        blend = root_error(torch.lerp(first, last, batch.t[:, None, None, None]), between)[1]
        off = off_at(made[2][-1], batch)
    told = {"made": psnr, "blend": blend, "off": off, "loss": loss} | parts
    return loss, {name: value.detach() for name, value in told.items()}


def compiled(model):
    """Compiles the parts that are convolutions for the most."""
    for part in model.modules():
        if isinstance(part, (Encoder, Step, Level)):
            part.compile()


class Run:
    """A training under way: weights, their average, the optimiser, and how far it has come."""

    def __init__(self, args, device):
        self.args, self.device = args, device
        self.model, self.smooth = Motion().to(device), Motion().to(device)
        self.smooth.load_state_dict(self.model.state_dict())
        self.names = [name for name, _ in self.model.named_parameters()]
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=args.peak, weight_decay=1e-4, betas=(0.9, 0.99))
        self.state = {"samples": 0, "steps": 0, "index": 0, "seed": args.seed, "curve": []}
        self.parts = {"model": self.model, "smooth": self.smooth, "optimizer": self.optimizer}
        self.saved = args.run / "checkpoint.pt"
        if self.saved.exists():
            self.state = trainer.resume(self.saved, self.parts, device)["state"]
        elif args.start and (args.start / checkpoint.WEIGHTS).exists():
            self.state = checkpoint.restore(args.start, (self.model, self.smooth), self.optimizer, self.names)

    def save(self):
        trainer.save(self.saved, self.parts, state=self.state)
        checkpoint.export(self.args.run, self.smooth, self.optimizer, self.names, self.state)

    def learn(self, batch, done, share):
        """One step, after `done` steps of this start with `share` of its time gone; what is told of it."""
        rate = self.args.peak * trainer.warmup(done, WARM) * trainer.cosine(share, self.args.least)
        trainer.set_rate(self.optimizer, rate)
        loss, told = step(self.model, batch, self.args.bf16)
        trainer.descend(loss, self.model, self.optimizer)
        self.state["steps"] += 1
        self.state["samples"] += len(batch)
        trainer.update_average(
            self.smooth.parameters(), self.model.parameters(), self.state["steps"] + 1, decay=0.999, warm=9)
        return told

    def export(self):
        """Saves, and then once more with what held-out footage says of the small form as it was written."""
        self.save()
        figures = held_out(loaded(self.args.run).to(self.device), self.device)
        self.state["curve"].append({"samples": self.state["samples"], **figures})
        self.save()
        return figures


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--from", dest="start", type=Path, help="a folder with weights to go on from")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, help="end after so many steps of this start, if that is sooner")
    parser.add_argument("--batch", type=int, help="samples of a step [default: 8, on a GPU 64]")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--reuse", type=float, help="times that a drawn sample is used [default: 8, on a GPU 2]")
    parser.add_argument("--pool", type=int, default=384, help="samples kept to be used again")
    parser.add_argument("--peak", type=float, default=4e-4)
    parser.add_argument("--least", type=float, default=0.05, help="the share of the peak rate that is left at the end")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--helpers", type=int, default=0, help="processes that draw on other cores [default: none]")
    parser.add_argument("--compile", action="store_true", help="compile what can be, which pays after some minutes")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-bf16", dest="bf16", action="store_false")
    return parser.parse_args()


def main():
    args = parsed()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    args.run.mkdir(parents=True, exist_ok=True)
    run, on_gpu = Run(args, device), device.type == "cuda"
    if args.compile:
        compiled(run.model)
    batch, reuse = (64, 2) if on_gpu else (8, 8)
    studio, batch, reuse = Studio(args.seed, device, args.size), args.batch or batch, args.reuse or reuse
    supply = Supply(studio, batch, reuse, args.pool, run.state["index"], args.seed, args.helpers)
    began, saved, average, done = time.time(), time.time(), None, 0
    while (gone := (time.time() - began) / 60 / args.minutes) < 1 and not (args.steps and done >= args.steps):
        told = run.learn(supply.next(run.state["samples"]), done, max(gone, done / args.steps if args.steps else 0))
        run.state["index"], done = supply.index, done + 1
        average = told if average is None else {name: average[name].lerp(value, 0.03) for name, value in told.items()}
        if done % 50 == 0:
            figures = " ".join(f"{name} {value:.3f}" for name, value in average.items())
            steps, samples, each = run.state["steps"], run.state["samples"], (time.time() - began) / done
            print(f"step {steps} samples {samples} {figures}, {each:.2f} s/step", flush=True)
        if time.time() - saved > SAVED_EVERY:
            run.save()
            saved = time.time()
    for reach, figures in run.export().items():
        print(f"held out, {reach}: {figures}", flush=True)


if __name__ == "__main__":
    main()
