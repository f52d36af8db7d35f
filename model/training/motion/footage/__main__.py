"""A sheet of drawn samples: each row one, its five frames and, in the last column, the flow 0→1 (hue its way, light where the
point is seen in the last frame)."""

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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path, required=True)
    parser.add_argument("--reach", type=float, default=40)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--casts", nargs="+", default=list(scene.CASTS))
    args = parser.parse_args()
    studio, rows = Studio(args.seed), []
    for index, cast in enumerate(args.casts):
        batch = studio.batch(3, args.reach, index, [cast])
        flow = coloured(batch.flows[:, 0], batch.visible[:, 0], args.reach)
        rows += [torch.cat([*frames, flow], 2) for frames, flow in zip(batch.frames, flow)]
    sheet = (torch.cat(rows, 1).clamp(0, 1).permute(1, 2, 0) * 255).round().byte()
    Image.fromarray(sheet.numpy()).save(args.sheet)


if __name__ == "__main__":
    main()
