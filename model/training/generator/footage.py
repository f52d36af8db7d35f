"""Draws clips for the VAE: shards of uint8 `[clips, frames, height, width, 3]` with a line of JSON for each clip.

    nice python -m generator.footage --out runs/clips --shards 40
"""

import argparse
import json
from pathlib import Path

import numpy as np

from stock.briefs import NATURAL_SHARE, drawn_ask, numbered
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


def element_at(index):
    """The element of clip `index`: they take turns, so that each has its share."""
    names = sorted(ELEMENTS)
    return names[index % len(names)]


def any_clip(seed, index, held=False, natural=NATURAL_SHARE):
    """Clip `index`: its element, its ask, its pictures."""
    rng, name = numbered(seed, index), element_at(index)
    ask = drawn_ask(rng, name, held, natural)
    return name, ask, drawn(rng, name, ask)


def write(path, array):
    """Keeps an array whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("wb") as f:
        np.save(f, array)
    part.rename(path)


def shard_options(parser, shards, seed):
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=shards)
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--turn", default="0/1", help="K/N: every N-th shard from the K-th, for N processes")


def keep_shards(args, kind, size, made):
    """Keeps the shards of a kind that are not there yet: arrays, and a line of JSON for each of what they hold. `made(index)`
    gives for a clip, of which a shard has `size`, what it keeps: pairs of `[name, ask]` and an array."""
    args.out.mkdir(parents=True, exist_ok=True)
    turn, turns = map(int, args.turn.split("/"))
    for shard in range(turn, args.shards, turns):
        path = args.out / f"{kind}_{shard:04d}.npy"
        if path.exists():
            continue
        asks, arrays = zip(*(pair for i in range(size) for pair in made(shard * size + i)))
        path.with_suffix(".jsonl").write_text("".join(json.dumps(ask) + "\n" for ask in asks))
        write(path, np.stack(arrays))
        print(f"{path.name} of {args.shards}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    shard_options(p, shards=40, seed=1)
    args = p.parse_args()

    def made(index):
        name, ask, clip = any_clip(args.seed, index)
        yield [name, ask], clip

    keep_shards(args, "clips", SHARD, made)


if __name__ == "__main__":
    main()
