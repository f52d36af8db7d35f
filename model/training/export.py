"""Writes the weights that the bundle carries, and the numbers that the Rust code is tested against.

    python export.py --run runs/motion

The reference is the PyTorch network's own answer, with those weights, on a small drawn pair of frames.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

from footage import Studio, sample
from networks import Motion

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
HEIGHT, WIDTH, LEVELS = 64, 96, 4


def reference(model):
    """Inputs and answers for one drawn pair, with a frame before and one after it: at two times, and without them."""
    rng = np.random.default_rng(20_261_122)
    frames, _, _, _ = sample(Studio(7, textures=6, cutouts=6), rng, 12)
    pictures = torch.from_numpy(frames[[0, 1, 3, 4], :HEIGHT, :WIDTH].astype(np.float32) / 255).permute(0, 3, 1, 2)
    before, first, last, after = (p.contiguous() for p in pictures.split(1))
    answers = {"before": before, "first": first, "last": last, "after": after}
    with torch.no_grad():
        flows, visibles, _ = model.flow(first, last, LEVELS)
        answers |= {"flow": flows[-1], "visible": visibles[-1]}
        matched = model.match(first, last, before, after, torch.tensor([[1.0, 0.5]]), LEVELS)
        answers["told"] = matched[1]
        for name, t, spacing in (("half", 0.5, (1.0, 0.5)), ("third", 0.3, (1.0, 0.5)), ("straight", 0.5, (0.0, 0.0))):
            picture, error, (curved, even, weights) = model(
                first, last, torch.tensor([t]), before, after, torch.tensor([spacing]), LEVELS)
            answers |= {f"{name}.picture": picture, f"{name}.error": error, f"{name}.weights": weights,
                        f"{name}.flow": torch.cat([*curved, *even], 1)}
    return {k: v.contiguous() for k, v in answers.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository, or a folder laid out as it is")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = Motion()
    model.load_state_dict(torch.load(args.run / "checkpoint.pt")["smooth"])
    model.eval()
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, args.root / "resources" / "motion.safetensors")
    save_file(reference(model), args.root / "model" / "tests" / "fixtures" / "motion_reference.safetensors")


if __name__ == "__main__":
    main()
