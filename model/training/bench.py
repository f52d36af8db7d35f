"""The motion network in Rust beside the same network in PyTorch, in turn, on the same machine and threads.

    cargo bench -p pickup-model --bench motion --no-run
    python bench.py [--size 1280x720] [--rounds 5] [--threads 2]

Prints medians of seconds, and the ratio Rust / PyTorch, for matching four frames (a pair both ways, and from each of it
to the next one further out) and for making one frame of them. The Rust side's frame includes moving the pictures' own pixels; PyTorch's includes its warps. PyTorch runs the network
in both memory layouts, and with correlation written as the training has it (matrix products, fast for small crops) and
as shifted products (faster for whole frames); the ratio is to the fastest of them.
"""

import argparse
import os
import statistics
import subprocess
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import networks
from networks import Motion, mixed, shown

ROOT = Path(__file__).resolve().parents[2]


def rust(width, height, threads):
    out = subprocess.run(
        ["cargo", "bench", "-q", "-p", "pickup-model", "--bench", "motion", "--", str(width), str(height), "1"],
        cwd=ROOT, env=os.environ | {"RAYON_NUM_THREADS": str(threads)}, check=True, capture_output=True, text=True)
    words = out.stdout.split()
    return float(words[words.index("match") + 1]), float(words[words.index("frame") + 1])


def shifted_products(a, b, radius):
    h, w = a.shape[-2:]
    b, side = F.pad(b, [radius] * 4), 2 * radius + 1
    return torch.stack([(a * b[:, :, dy:dy + h, dx:dx + w]).mean(1) for dy in range(side) for dx in range(side)], 1)


@torch.no_grad()
def pytorch(model, frames, levels):
    before, first, last, after = frames
    began = time.time()
    known = model.match(first, last, before, after, torch.ones(1, 2), levels)
    matched = time.time()
    curved, even, weights, _ = model.synthesis(first, last, torch.tensor([0.5]), *(x for y in known for x in y.chunk(2)))
    mixed(shown(first, last, curved, even), weights)
    return matched - began, time.time() - matched


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    torch.set_num_threads(args.threads)
    model = Motion()
    model.load_state_dict(load_file(ROOT / "resources" / "motion.safetensors"))
    model.eval()
    # Looking beside has no weights, and is written for clarity here: PyTorch is timed without, Rust with it.
    networks.Flow.BESIDE = 0
    # As the filler does: so many levels that three features of the coarsest span the shorter side, and sides padded to
    # what the levels need.
    levels = next(n for n in range(4, 8) if n == 7 or min(height, width) >> (n + 2) < 3)
    padded = [-(-side // (4 << (levels - 1))) * (4 << (levels - 1)) for side in (height, width)]
    frames = torch.rand(4, 1, 3, *padded)
    layouts = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
    forms = {"matrices": networks.correlation, "shifts": shifted_products}
    rows = {"rust": [], **{f"{layout}, {form}": [] for layout in layouts for form in forms}}
    for round_ in range(args.rounds + 1):
        for layout, memory in layouts.items():
            model.to(memory_format=memory)
            for form, networks.correlation in forms.items():
                seconds = pytorch(model, [f.to(memory_format=memory) for f in frames], levels)
                if round_:
                    rows[f"{layout}, {form}"].append(seconds)
        if round_:
            rows["rust"].append(rust(width, height, args.threads))
    medians = {name: [statistics.median(r[i] for r in seconds) for i in (0, 1)] for name, seconds in rows.items()}
    for name, (match, frame) in medians.items():
        print(f"{name:24} match {match:.3f} s, frame {frame:.3f} s")
    best = min((m for name, m in medians.items() if name != "rust"), key=sum)
    print(f"Rust / PyTorch: match {medians['rust'][0] / best[0]:.2f}, frame {medians['rust'][1] / best[1]:.2f}, "
          f"both {sum(medians['rust']) / sum(best):.2f}")


if __name__ == "__main__":
    main()
