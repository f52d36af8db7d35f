"""A sheet of drawn samples, a row each: five frames (before, first, between, last, after) and, in the last column, the
flow 0→1, dark where the point is not seen in the last frame. Rows are, for each kind of scene in turn, as many samples
as asked for."""

import argparse
from pathlib import Path

import torch
from PIL import Image

from motion.footage import Studio, scene


def coloured(flow, visible, reach):
    """A flow as colours, [N, 3, S, S]."""
    x, y = (flow / reach).clamp(-1, 1).unbind(1)
    return torch.stack([0.5 + x / 2, 0.5 + y / 2, 0.5 - x / 4 - y / 4], 1) * (0.35 + 0.65 * visible[:, None])


def main():
    parser = argparse.ArgumentParser(prog="motion.footage", description=__doc__)
    parser.add_argument("--sheet", type=Path, required=True, help="the picture to write")
    parser.add_argument("--reach", type=float, default=40, help="the largest motion in pixels")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", choices=list(scene.CASTS), default=list(scene.CASTS),
                        help="kinds of scene, in the order of the rows [default: all, in this order]")
    parser.add_argument("--each", type=int, default=3, help="samples of each kind")
    args = parser.parse_args()
    studio, rows = Studio(args.seed), []
    for index, kind in enumerate(args.kinds):
        batch = studio.batch(args.each, args.reach, index, [kind], turned=False)
        flow = coloured(batch.flows[:, 0], batch.visible[:, 0], args.reach)
        rows += [torch.cat([*frames, flow], 2) for frames, flow in zip(batch.frames, flow)]
    sheet = (torch.cat(rows, 1).clamp(0, 1).permute(1, 2, 0) * 255).round().byte()
    Image.fromarray(sheet.numpy()).save(args.sheet)


if __name__ == "__main__":
    main()
