"""Extend on real clips, whose true continuation is known: by motion, and by the model in the bundle, beside a freeze.

    cargo build --release
    python longer.py --clips FOLDER

From each of a few places in a clip the frames before are given to `pickup render Extend`, which never sees those after;
what it makes is compared with them by PSNR over RGB in 8 bits, so many frames after the last that was given. The means are
over a clip's places, then over the clips.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np

from compare import PICKUP, clips_in, decoded, psnr

GIVEN, AFTER = 17, (1, 2, 4, 8, 16)
WAYS = {"motion": "Motion", "model": "Video model"}


def extended(files, folder, by):
    """What follows so many files, as Extend makes it."""
    source, made = folder / "in", folder / by
    source.mkdir(exist_ok=True)
    for i, file in enumerate(files):
        link = source / f"{i + 1:04d}.png"
        link.unlink(missing_ok=True)
        link.symlink_to(file)
    subprocess.run([PICKUP, "render", "Extend", "--in", source / "%04d.png", "--out", made / "%04d.png",
                    "--set", f"tail={AFTER[-1]}", "--set", f"by={by}"], check=True, capture_output=True)
    return [cv2.imread(str(made / f"{len(files) + n:04d}.png")) for n in AFTER]


def compared(clip, places):
    """PSNR by way and number of frames after the last, the freeze first."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "all").mkdir()
        files = decoded(clip, 1, folder / "all")
        for end in np.linspace(GIVEN, len(files) - AFTER[-1], places).astype(int):
            given, truths = files[end - GIVEN:end], [cv2.imread(str(files[end - 1 + n])) for n in AFTER]
            ways = [[cv2.imread(str(given[-1]))] * len(AFTER)]
            ways += [extended(given, folder, by) for by in WAYS.values()]
            rows.append([[psnr(a, b) for a, b in zip(way, truths)] for way in ways])
    return np.mean(rows, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--places", type=int, default=5, help="how many places of each clip it is extended from")
    args = parser.parse_args()
    print("| clip | frames after | " + " | ".join(map(str, AFTER)) + " |\n" + "|---" * (len(AFTER) + 2) + "|")
    every = []
    for clip in clips_in(args.clips):
        every.append(compared(clip, args.places))
        told(clip.stem, every[-1])
    told("**mean**", np.mean(every, 0))


def told(name, table):
    for way, row in zip(["freeze", *WAYS], table):
        print(f"| {name} | {way} | " + " | ".join(f"{x:.2f}" for x in row) + " |", flush=True)


if __name__ == "__main__":
    main()
