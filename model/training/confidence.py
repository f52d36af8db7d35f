"""Whether the output Confidence tells the truth: how often pixels are right that Repair calls so and so sure.

    cargo build --release
    python confidence.py --clips FOLDER                                        # the table in docs/quality.md
    python confidence.py --clips FOLDER -- --set motionModel=flownet.pkl       # by RIFE

Every second frame from the 21st on of each clip, at most 960 pixels wide; of those every second one is made anew, five a clip. A pixel
is right if no channel is further than 8 of 255 from the true one's.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np

from compare import PICKUP, clips_in

RIGHT = 8
FRAMES = 13
MADE = [2, 4, 6, 8, 10]
# Lower ends of what pixels are told to be, in per cent.
BINS = [0, 10, 30, 50, 60, 70, 80, 85, 90, 95, 98]


def told_and_off(clip, options):
    """Of all pixels made anew how sure they are said to be, 0 to 255, and how far off."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "in")
        source.mkdir()
        select = "select='not(mod(n,2))*gte(n,20)',scale='min(960,iw)':-2"
        subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-vf", select, "-fps_mode", "passthrough",
                        "-frames:v", str(FRAMES), source / "%04d.png"], check=True)
        for output in ("Result", "Confidence"):
            subprocess.run([PICKUP, "render", "Repair", "--in", source / "%04d.png", "--out",
                            Path(folder, output, "%04d.png"), "--set", f"frames={','.join(map(str, MADE))}", "--set",
                            f"output={output}", "--set", "quality=Normal", *options], check=True, capture_output=True)
        read = lambda kind, frame: cv2.imread(str(Path(folder, kind, f"{frame:04d}.png"))).astype(int)
        told = [read("Confidence", frame)[..., 0] for frame in MADE]
        off = [np.abs(read("in", frame) - read("Result", frame)).max(2) for frame in MADE]
    return np.stack(told).ravel(), np.stack(off).ravel()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("options", nargs="*", help="after --, passed on to pickup render")
    args = parser.parse_args()
    clips = [told_and_off(clip, args.options) for clip in clips_in(args.clips)]
    told, off = (np.concatenate(values) for values in zip(*clips))
    print("| told to be sure | pixels | told, mean | right |\n|---|---|---|---|")
    for low, high in zip(BINS, BINS[1:] + [101]):
        here = (told >= 2.55 * low) & (told < 2.55 * high)
        if here.any():
            mean, right = told[here].mean() / 2.55, 100 * (off[here] <= RIGHT).mean()
            print(f"| from {low} % | {here.mean():.1%} | {mean:.0f} % | {right:.0f} % |")


if __name__ == "__main__":
    main()
