"""Says how well a model does what captions ask for: combinations that were never trained, of elements that have such.

    nice python -m generator.quality --model ../../resources/models/stock --judges runs/judge* --seen runs/seen \
        --out runs/quality.png

Captions are written as for training, by turns for each element; a classifier of `judge.py` says what is to be seen, and a
clip is right where it names what the caption asked for. What a caption leaves open is not judged. Elements with so few
combinations that all are trained count by themselves. Classifiers differ in what they take a ragged shape for: of several,
each is told, and what more than half of them say. What they saw is kept, so that others may judge the same films.
"""

import argparse
from collections import Counter
from functools import cache
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
    """A picture, twice as large, with words beneath it."""
    picture = picture.repeat(2, 0).repeat(2, 1)
    words = np.full((16, picture.shape[1], 3), 24, np.uint8)
    cv2.putText(words, text[:64], (2, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.32, (220, 220, 220), 1, cv2.LINE_AA)
    return np.concatenate([picture, words])


def films_seen(model, texts, seed, path):
    """Films of a model for texts, as classifiers see them: made once, and kept."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.stack([seen(film) for film in opened(model).films(texts, seed)]))
    return np.load(path)


@cache
def opened(model):
    return Sampler(model)


def agreed(said):
    """What more than half of the classifiers say; none where no value has so many."""
    value, count = Counter(said).most_common(1)[0]
    return value if 2 * count > len(said) else None


@torch.inference_mode()
def found(judges, views):
    """By attribute and clip, what each classifier says, then what they agree on."""
    said = [judge.said(judging.to_judge(torch.from_numpy(views))) for judge in judges]
    return {a: [(*each, agreed(each)) for each in zip(*(s[a] for s in said))] for a in judging.ASKED}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--judges", type=Path, nargs="+", required=True)
    p.add_argument("--seen", type=Path, required=True, help="a folder to keep what they saw of this model")
    p.add_argument("--out", type=Path, required=True, help="a contact sheet of first, middle and last frames")
    p.add_argument("--count", type=int, default=5 * len(ELEMENTS))
    p.add_argument("--seed", type=int, default=3)
    args = p.parse_args()
    judges = [judging.loaded(run) for run in args.judges]
    right, wrong, rows = {held: {a: [] for a in judging.ASKED} for held in (True, False)}, [], []
    wanted = list(wishes(args.count, args.seed))
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start:start + BATCH]
        kept = args.seen / f"{args.seed}_{start:04}.npy"
        views = films_seen(args.model, [text for text, _ in batch], args.seed + start, kept)
        said = found(judges, views)
        for i, (text, told) in enumerate(batch):
            asked = [a for a in judging.ASKED if a in told]
            mistakes = [f"{a}: {said[a][i][-1]}" for a in asked if said[a][i][-1] != told[a]]
            for a in asked:
                right[has_held_out(told["element"])][a].append([value == told[a] for value in said[a][i]])
            if mistakes:
                wrong.append(f"{text} -> {', '.join(mistakes)}")
            lines = (text, text[64:], "; ".join(mistakes))
            rows.append([labelled(views[i][f], line) for f, line in zip((0, 8, 16), lines)])
        print(f"{start + len(batch)} of {len(wanted)}", flush=True)
    print("\n".join(wrong))
    for held, by in right.items():
        print("never trained:" if held else "of elements all trained:")
        for i, name in enumerate([*map(str, args.judges), "most of them"]):
            figures = (f"{a} {np.mean([each[i] for each in r]):.3f} of {len(r)}" for a, r in by.items() if r)
            print(f"  {name}:", " ".join(figures))
    # Three films side by side.
    rows = [sum(rows[i:i + 3], []) for i in range(0, len(rows) - len(rows) % 3, 3)]
    sheet(rows, args.out, 0.6)


if __name__ == "__main__":
    main()
