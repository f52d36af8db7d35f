"""Repair against frame blending and DIS optical flow, on real clips some of whose frames are taken away.

    cargo build --release
    python compare.py --clips FOLDER                       # the table in docs/quality.md
    python compare.py --clips FOLDER --every 4             # single frames, with three good ones between them
    python compare.py --clips FOLDER --stride 2 --most 20  # fewer frames, any clips

Each clip is decoded by ffmpeg, thinned by its stride (larger motion), and written as a PNG sequence; `pickup render
Repair` is told that every second frame, or every so many, is damaged, so it never sees them; what it makes is compared
with the truth by PSNR over RGB in 8 bits, frame by frame, then averaged over a clip's frames and over the clips. DIS is
OpenCV's with the medium preset: flow both ways, each picture warped half-way, the two averaged. Frames that were kept
are checked to come back bit for bit.

A second table says what is seen when the frames run. Flicker: how far made frames stand off the mean of the frames on both
sides where the true ones hardly move, as a share of how far the true ones do, which is their noise. Detail: how much of the
true frames' detail (power of what a blur of 1.5 pixels takes away) is there where something moves; what is missing pulses.
"""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).resolve().parents[2] / "target"))
PICKUP = TARGET / "release" / "pickup"
STRIDE = {"bigbuckbunny.mp4": 1}


def clips_in(folder):
    return sorted(p for p in folder.iterdir() if p.suffix in (".mp4", ".mkv", ".mov"))


def decoded(clip, stride, folder):
    """The clip's frames as PNG files numbered from 1, thinned by `stride`."""
    select = f"select=not(mod(n\\,{stride}))"
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-vf", select, "-fps_mode", "passthrough",
                    folder / "%04d.png"], check=True)
    return sorted(folder.glob("*.png"))


def psnr(a, b):
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return 10 * np.log10(255 ** 2 / max(error, 1e-9))


def blended(a, b):
    return np.rint((a.astype(np.float32) + b.astype(np.float32)) / 2)


def dis(a, b):
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(x, cv2.COLOR_BGR2GRAY) for x in (a, b)]
    y, x = np.mgrid[0:a.shape[0], 0:a.shape[1]].astype(np.float32)

    def halfway(picture, motion):
        return cv2.remap(picture, x - motion[..., 0] / 2, y - motion[..., 1] / 2, cv2.INTER_LINEAR,
                         borderMode=cv2.BORDER_REPLICATE).astype(np.float32)

    forward, backward = flow.calc(*grey, None), flow.calc(*grey[::-1], None)
    return np.rint((halfway(a, forward) + halfway(b, backward)) / 2)


def still(a, truth, b):
    """Where three frames hardly differ, by less than noise and compression do."""
    apart = np.maximum(np.abs(a - truth), np.abs(b - truth)).max(2)
    return cv2.GaussianBlur(apart, (0, 0), 3) < 3


def off_the_mean(a, x, b, where):
    return np.abs(a - 2 * x + b).mean(2)[where].sum()


def detail(x, where):
    return ((x - cv2.GaussianBlur(x, (0, 0), 1.5)) ** 2).mean(2)[where].sum()


def in_motion(a, truth, b, ways):
    """What `truth` and each of `ways` have of flicker where nothing moves, and of detail where something does."""
    a, b, *pictures = (x.astype(np.float32) for x in (a, b, truth, *ways))
    calm = still(a, pictures[0], b)
    return [[off_the_mean(a, x, b, calm), detail(x, ~calm)] for x in pictures]


def compare(clip, stride, every, most, options):
    """Mean PSNR of each way, flicker and detail of each as shares of the truth's, frames, and seconds a frame."""
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "in"), Path(folder, "out")
        source.mkdir()
        files = decoded(clip, stride, source)
        if most:
            for extra in files[every * most + 1:]:
                extra.unlink()
            files = files[:every * most + 1]
        lost = range(1, len(files) - 1, every)
        last = lost[-1] + 2
        began = time.time()
        subprocess.run([PICKUP, "render", "Repair", "--in", source / "%04d.png", "--out", made / "%04d.png",
                        "--frames", f"1-{last}", "--set", f"frames=2-{last - 1}x{every}",
                        *options], check=True, capture_output=True)
        seconds = (time.time() - began) / len(lost)
        rows, seen, read = [], 0, lambda path: cv2.imread(str(path))
        for kept in (files[i] for i in range(last) if i not in lost):
            if not np.array_equal(read(kept), read(made / kept.name)):
                raise SystemExit(f"{clip.name}: kept frame {kept.name} did not come back bit for bit")
        for i in lost:
            a, truth, b = (read(file) for file in files[i - 1:i + 2])
            ways = [blended(a, b), dis(a, b), read(made / files[i].name)]
            rows.append([psnr(way, truth) for way in ways])
            seen = seen + np.array(in_motion(a, truth, b, ways))
    return np.mean(rows, 0), seen[1:] / seen[0], len(rows), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--stride", type=int, help="default: 1 for bigbuckbunny.mp4, 2 for others")
    parser.add_argument("--every", type=int, default=2, help="which frames are taken away: every so many")
    parser.add_argument("--most", type=int, default=0, help="frames to make from each clip; 0 for all")
    parser.add_argument("options", nargs="*", help="after --, passed on to pickup render, such as --set quality=Best")
    args = parser.parse_args()
    clips = clips_in(args.clips)
    print("| clip | frames | blend | DIS | Pickup | over DIS | s/frame |\n|---|---|---|---|---|---|---|")
    means, shares = [], []
    for clip in clips:
        mean, share, count, seconds = compare(clip, args.stride or STRIDE.get(clip.name, 2), args.every, args.most,
                                             args.options)
        means.append(mean)
        shares.append(share)
        blend, flow, pickup = mean
        print(f"| {clip.stem} | {count} | {blend:.2f} | {flow:.2f} | {pickup:.2f} | {pickup - flow:+.2f} | {seconds:.2f} |",
              flush=True)
    blend, flow, pickup = np.mean(means, 0)
    print(f"| **mean** | | {blend:.2f} | {flow:.2f} | {pickup:.2f} | {pickup - flow:+.2f} | |")
    print("\n| clip | flicker: blend | DIS | Pickup | detail: blend | DIS | Pickup |\n|---|---|---|---|---|---|---|")
    for name, share in zip([clip.stem for clip in clips] + ["**mean**"], [*shares, np.mean(shares, 0)]):
        print(f"| {name} | " + " | ".join(f"{x:.0%}" for x in share.T.flat) + " |")


if __name__ == "__main__":
    main()
