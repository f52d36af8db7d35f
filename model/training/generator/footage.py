"""Draws clips for the VAE: shards of uint8 `[clips, frames, height, width, 3]` with a line of JSON for each clip.

    nice python -m generator.footage --out runs/clips --shards 40
"""

import argparse
import json
from pathlib import Path

import numpy as np

from stock.briefs import drawn_ask, numbered
from stock.camera import drawn_size, graded, moved
from stock.element import Size
from stock.library import ELEMENTS

SIZE = Size(33, 144, 256)
SHARD = 48


def drawn(rng, name, ask, size=SIZE):
    """A clip, uint8 `[frames, height, width, 3]`."""
    clip = ELEMENTS[name].draw(ask, drawn_size(size, ask["camera"]), rng)
    clip = graded(moved(clip, size, ask["camera"], rng), ask["look"], rng)
    # Half a level of noise hides the steps of 8 bits in smooth skies.
    return np.clip(clip * 255 + rng.uniform(0, 1, clip.shape), 0, 255).astype(np.uint8)


def any_clip(seed, index, held=False):
    """Clip `index`: its element, its ask, its pictures. Elements take turns, so that each has its share."""
    rng = numbered(seed, index)
    names = sorted(ELEMENTS)
    name = names[index % len(names)]
    ask = drawn_ask(rng, name, held)
    return name, ask, drawn(rng, name, ask)


def write(path, array):
    """Keeps an array whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("wb") as f:
        np.save(f, array)
    part.rename(path)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--shards", type=int, default=40)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--turn", default="0/1", help="K/N: draw every N-th shard from the K-th, for N processes")
    args = p.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    turn, turns = map(int, args.turn.split("/"))
    for shard in range(turn, args.shards, turns):
        path = args.out / f"clips_{shard:04d}.npy"
        if path.exists():
            continue
        clips = [any_clip(args.seed, shard * SHARD + i) for i in range(SHARD)]
        path.with_suffix(".jsonl").write_text("".join(json.dumps([name, ask]) + "\n" for name, ask, _ in clips))
        write(path, np.stack([clip for _, _, clip in clips]))
        print(f"{path.name} of {args.shards}", flush=True)


if __name__ == "__main__":
    main()
