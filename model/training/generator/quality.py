"""Says how well a model does what captions ask for: combinations that were never trained, of elements that have such.

    nice python -m generator.quality --model ../../resources/models/stock --judge runs/judge --out runs/quality.png

Captions are written as for training, by turns for each element; the classifier of `judge.py` says what is to be seen, and
is right where it names what the caption asked for. What a caption leaves open is not judged. Elements with so few
combinations that all are trained count by themselves.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

from stock.briefs import caption, drawn_ask, has_held_out, numbered, said
from stock.library import ELEMENTS

from . import judge as judging
from .footage import element_at
from .sample import Sampler, sheet
from .views import seen

BATCH = 6


def wishes(count, seed):
    """Captions, of held-out combinations where an element has such, with what they ask for."""
    for i in range(count):
        rng, name = numbered(seed, i), element_at(i)
        told = said(rng, name, drawn_ask(rng, name, held=has_held_out(name)))
        yield caption(rng, name, told, told), told | {"element": name}


def labelled(picture, text):
    """A picture with words beneath it."""
    words = np.full((16, picture.shape[1], 3), 24, np.uint8)
    cv2.putText(words, text[:64], (2, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.32, (220, 220, 220), 1, cv2.LINE_AA)
    return np.concatenate([picture, words])


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--judge", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True, help="a contact sheet of first, middle and last frames")
    p.add_argument("--count", type=int, default=5 * len(ELEMENTS))
    p.add_argument("--seed", type=int, default=3)
    args = p.parse_args()
    sampler, judge = Sampler(args.model), judging.loaded(args.judge)
    right, wrong, rows = {held: {a: [] for a in judging.ASKED} for held in (True, False)}, [], []
    wanted = list(wishes(args.count, args.seed))
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start:start + BATCH]
        films = sampler.films([text for text, _ in batch], args.seed + start)
        views = torch.from_numpy(np.stack([seen(film) for film in films]))
        with torch.inference_mode():
            found = judge.said(judging.to_judge(views))
        for i, (text, told) in enumerate(batch):
            mistakes = [f"{a}: {found[a][i]}" for a in judging.ASKED if a in told and found[a][i] != told[a]]
            for a in set(judging.ASKED) & set(told):
                right[has_held_out(told["element"])][a].append(found[a][i] == told[a])
            if mistakes:
                wrong.append(f"{text} -> {', '.join(mistakes)}")
            rows.append([labelled(films[i][f], t) for f, t in ((0, text), (16, text[64:]), (32, "; ".join(mistakes)))])
        print(f"{start + len(batch)} of {len(wanted)}", flush=True)
    print("\n".join(wrong))
    for held, by in right.items():
        print("never trained:" if held else "of elements all trained:",
              " ".join(f"{a} {np.mean(r):.3f} of {len(r)}" for a, r in by.items() if r))
    # Three films side by side.
    rows = [sum(rows[i:i + 3], []) for i in range(0, len(rows) - len(rows) % 3, 3)]
    sheet(rows, args.out, 0.6)


if __name__ == "__main__":
    main()
