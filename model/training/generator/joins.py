"""Says how well Extend and Bridge go on from real frames, through the plugin itself.

    nice python -m generator.joins --pickup ../../target/release/pickup --work runs/joins --clips 27

Clips are drawn anew, of what was trained. Extend is given the first 17 frames; Bridge is given both ends and makes the
seven between. The first four frames that follow are compared with the true ones, beside the last frame frozen, and what
Extend (`onward`) and Bridge make by motion: PSNR in dB. The seam is how much the picture changes across it, as a
multiple of how much it changes from frame to frame in the rest of the shot.
"""

import argparse
import subprocess
from pathlib import Path

import cv2
import numpy as np

from stock.briefs import caption, numbered
from stock.camera import STEPPED
from stock.library import ELEMENTS

from .footage import any_clip

GIVEN, JOINED = 17, 4
# What Bridge makes: after GIVEN frames, so many.
GAP = 7


def psnr(a, b):
    return -10 * np.log10(max(np.mean((a / 255.0 - b / 255.0)**2), 1e-10))


def change(a, b):
    return np.mean(np.abs(a / 255.0 - b / 255.0))


def moving_clip(seed, index):
    """A clip of the element of `index` that moves at every frame: where a drawing stands for three, nothing moves across a
    seam, or three times as much as elsewhere."""
    while True:
        name, ask, clip = any_clip(seed, index)
        if ask["look"] not in STEPPED:
            return name, ask, clip
        index += len(ELEMENTS)


def write(folder, frames):
    folder.mkdir(parents=True, exist_ok=True)
    for i, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{i + 1:04d}.png"), frame[..., ::-1])


def rendered(args, node, folder, out, *settings):
    sets = [part for setting in settings for part in ("--set", setting)]
    subprocess.run([args.pickup, "render", node, "--in", f"{folder}/%04d.png", "--out", f"{out}/%04d.png", *sets],
                   check=True, capture_output=True)
    return [cv2.imread(str(path))[..., ::-1] for path in sorted(out.glob("*.png"))]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--pickup", required=True)
    p.add_argument("--work", type=Path, required=True)
    p.add_argument("--clips", type=int, default=27)
    p.add_argument("--seed", type=int, default=4)
    args = p.parse_args()
    sums = {}
    for i in range(args.clips):
        name, ask, clip = moving_clip(args.seed, i)
        prompt = "prompt=" + caption(numbered(args.seed, 1000 + i), name, ask)
        work = args.work / f"{i:03d}"
        write(work / "given", clip[:GIVEN])
        after = clip[GIVEN:GIVEN + JOINED]
        longer = rendered(args, "Extend", work / "given", work / "extended", prompt, "tail=16", "by=Video model")
        onward = rendered(args, "Extend", work / "given", work / "onward", "tail=4", "by=Motion")
        holed = clip.copy()
        holed[GIVEN:GIVEN + GAP] = 0
        write(work / "holed", holed)
        where = (f"start={GIVEN + 1}", f"length={GAP}")
        bridged = rendered(args, "Bridge", work / "holed", work / "bridged", prompt, *where, "by=Video model")
        moved = rendered(args, "Bridge", work / "holed", work / "moved", prompt, *where, "by=Motion")
        changes = [change(a, b) for a, b in zip(longer, longer[1:])]
        seam = changes.pop(GIVEN - 1)
        hole = slice(GIVEN, GIVEN + GAP)
        row = {
            "extend": np.mean([psnr(a, b) for a, b in zip(longer[GIVEN:], after)]),
            "onward": np.mean([psnr(a, b) for a, b in zip(onward[GIVEN:], after)]),
            "freeze": np.mean([psnr(longer[GIVEN - 1], b) for b in after]),
            "seam": seam / max(np.mean(changes), 1e-4),
            "bridge": np.mean([psnr(a, b) for a, b in zip(bridged[hole], clip[hole])]),
            "motion": np.mean([psnr(a, b) for a, b in zip(moved[hole], clip[hole])]),
        }
        print(f"{name:12} " + " ".join(f"{k} {v:.2f}" for k, v in row.items()), flush=True)
        for k, v in row.items():
            sums.setdefault(k, []).append(v)
    print("mean         " + " ".join(f"{k} {np.mean(v):.2f}" for k, v in sums.items()))
    print(f"seam at most 1.2 in {np.mean(np.array(sums['seam']) <= 1.2):.0%}, median {np.median(sums['seam']):.2f}")


if __name__ == "__main__":
    main()
