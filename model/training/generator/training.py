"""What the trainers share: steps of Muon and AdamW, the mean of the weights, and going on where one was stopped."""

import time

import torch

import trainer

from . import models

# After how many steps it says how it stands, and keeps what it has.
TELL, KEEP = 50, 250


class Training:
    """A module in training, kept in `folder / "last.pt"`.

    Muon (Jordan et al. 2024) moves the matrices that `matrices(name, parameter)` names, and convolutions among them as
    matrices of output channels; AdamW moves all else. `mean` is an average over the last steps, which is what is exported.
    """

    def __init__(self, module, folder, matrices, betas=(0.9, 0.98), memory=0.999):
        folder.mkdir(parents=True, exist_ok=True)
        self.module, self.path, self.step, self.memory = module, folder / "last.pt", 0, memory
        self.mean = {k: v.detach().clone() for k, v in module.state_dict().items()}
        trained = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
        muon = [p for n, p in trained if matrices(n, p)]
        chosen = {id(p) for p in muon}
        # torch's Muon takes matrices alone: those of convolutions are views of their weights.
        self.views = [(p, torch.nn.Parameter(p.detach().flatten(1))) for p in muon]
        self.optimisers = [
            torch.optim.Muon([v for _, v in self.views], weight_decay=0, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW([p for _, p in trained if id(p) not in chosen], betas=betas, weight_decay=0)]
        if self.path.exists():
            self._resume()

    def _resume(self):
        state = trainer.resume(self.path, {"module": self.module}, models.DEVICE)
        self.mean, self.step = state["mean"], state["step"]
        for optimiser, kept in zip(self.optimisers, state["optimisers"]):
            optimiser.load_state_dict(kept)

    def run(self, steps, rate, judged, minutes=float("inf")):
        """Goes on to so many steps, or for so long, whichever comes first; `judged()` gives the loss of a batch, and figures
        by name to tell the means of: tensors, which are read when they are told, since a GPU waits for each that is read."""
        sums, told_at, first = {}, time.time(), self.step
        began = told_at
        while (share := max(self.step / steps, (time.time() - began) / 60 / minutes)) < 1:
            loss, figures = judged()
            self.advance(loss, scheduled(self.step, share, rate))
            for name, value in figures.items():
                sums.setdefault(name, []).append(value)
            if self.step % TELL == 0:
                told = " ".join(f"{name} {torch.stack(values).mean():.3f}" for name, values in sorted(sums.items()))
                print(f"{self.step} {told} {(time.time() - told_at) / (self.step - first):.3f} s", flush=True)
                sums, told_at, first = {}, time.time(), self.step
            if self.step % KEEP == 0:
                self.keep()
        self.keep()

    def advance(self, loss, rate):
        """One step down the loss, at a rate."""
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        for parameter, view in self.views:
            view.grad = parameter.grad.flatten(1)
        for optimiser in self.optimisers:
            trainer.set_rate(optimiser, rate)
            optimiser.step()
        self.module.zero_grad(set_to_none=True)
        self.step += 1
        now = {k: v for k, v in self.module.state_dict().items() if v.is_floating_point()}
        trainer.update_average((self.mean[k] for k in now), now.values(), self.step, self.memory, warm=50)

    def keep(self):
        trainer.save(self.path, {"module": self.module}, mean=self.mean, step=self.step,
                     optimisers=[optimiser.state_dict() for optimiser in self.optimisers])


def scheduled(step, share, rate):
    """Warm-up, level, then down to nothing over the last quarter; `share` of the run is done."""
    return rate * min(trainer.warmup(step, 100), max(0.01, (1 - share) / 0.25))
