"""How good the network is: on drawn footage that training never sees, and on clips of which every second frame is made anew.

    python -m motion.evaluate --weights motion/weights --drawn
    python -m motion.evaluate --weights motion/weights --clips shot.mp4 ...
"""

import argparse
import subprocess
from pathlib import Path

import torch
from safetensors.torch import load_file

from motion import checkpoint
from motion.footage import Studio, scene
from motion.losses import off_at, root_error
from motion.network import Motion, padded
from motion.operations import warp

HELD_OUT, REACHES = 77, (16, 64, 160)
"""The seed of the footage that is kept back, and its largest motions in pixels."""


def shown_truly(batch):
    """The mix that the true flows make of the two frames, [N, 3, S, S]; what one alone shows is taken from there."""
    first, last = (warp(batch.frames[:, i], batch.flows[:, way]) for i, way in ((1, 2), (3, 3)))
    t = batch.t[:, None, None, None]
    worth = [near * (batch.visible[:, way, None] + 1e-3) for near, way in ((1 - t, 2), (t, 3))]
    return (first * worth[0] + last * worth[1]) / (worth[0] + worth[1])


@torch.no_grad()
def judged(model, batch):
    """Figures of a batch. PSNR in dB of the frame made, of a blend, of the frame that is nearer in time, and of what
    the true flows make; how far the flow is off in pixels; what two pictures that disagree are mixed by (display units,
    in thousandths); the error that is told, as a share of the real one; and, of the pixels told to be nearly right, the
    share within 8/255."""
    before, first, between, last, after = batch.frames.unbind(1)
    t = batch.t[:, None, None, None]
    pair, _ = model.match(first, last, before, after, batch.spacing)
    picture, error, found, worth, parts = model.between(pair, batch.t)
    missed, sure = (picture - between).abs().mean(1, keepdim=True), error < 4 / 255
    pictures = {"made": picture, "blend": torch.lerp(first, last, t), "nearest": torch.where(t < 0.5, first, last),
                "true flow": shown_truly(batch)}
    return {name: root_error(shown, between)[1] for name, shown in pictures.items()} | {
        "off": off_at(found[-1], batch),
        "ghosts": 1000 * (worth[:, 0] * worth[:, 1] * (parts[0] - parts[1]).abs().mean(1)).mean(),
        "told": error.mean() / missed.mean().clamp(min=1e-6),
        "sure and right": (sure & (missed < 8 / 255)).sum() / sure.sum().clamp(min=1),
    }


def held_out(model, device, each=2):
    """Figures (see `judged`) over drawn footage that training never sees, of every kind, by reach and in all."""
    studio, rows = Studio(HELD_OUT, device), {}
    for reach in REACHES:
        for index, kind in enumerate(scene.CASTS):
            rows.setdefault(str(reach), []).append(judged(model, studio.batch(each, reach, index, [kind])))
    rows["all"] = [row for part in rows.values() for row in part]
    return {reach: {name: round(torch.stack([row[name] for row in part]).mean().item(), 3) for name in part[0]}
            for reach, part in rows.items()}


def frames_of(clip, most):
    """Frames of a video file, 960x540 at most, [3, H, W] each, display-referred RGB in [0, 1]."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(clip), "-frames:v", str(most), "-vf",
               "scale='min(960,iw)':'min(540,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2:flags=area",
               "-f", "image2pipe", "-c:v", "ppm", "-"]
    data, frames = subprocess.run(command, check=True, capture_output=True).stdout, []
    while data:
        kind, size, _, rest = data.split(b"\n", 3)
        assert kind == b"P6"
        width, height = map(int, size.split())
        pixels = torch.frombuffer(bytearray(rest[:width * height * 3]), dtype=torch.uint8)
        frames.append(pixels.reshape(height, width, 3).permute(2, 0, 1).float() / 255)
        data = rest[width * height * 3:]
    return frames


@torch.no_grad()
def on_clip(model, frames, **choices):
    """The mean PSNR in dB of the frames made in the places of every second one, and of a blend. `choices` are those of
    `Motion.forward`."""
    made, blend, scale = [], [], choices.get("scale", 1.0)
    for i in range(1, len(frames) - 1, 2):
        first, last = frames[i - 1][None], frames[i + 1][None]
        before, after = (frames[j][None] if 0 <= j < len(frames) else None for j in (i - 3, i + 3))
        spacing = torch.tensor([[float(before is not None), float(after is not None)]])
        before, after = first if before is None else before, last if after is None else after
        inner_first, inner_last, *outer = (padded(x, scale) for x in (first, last, before, after))
        picture, _ = model(inner_first, inner_last, torch.tensor([0.5]), *outer, spacing, **choices)
        picture = picture[..., :first.shape[-2], :first.shape[-1]].clamp(0, 1)
        made.append(root_error(picture, frames[i][None])[1])
        blend.append(root_error((first + last) / 2, frames[i][None])[1])
    return torch.stack(made).mean().item(), torch.stack(blend).mean().item()


def loaded(folder):
    model = Motion().eval()
    model.load_state_dict({k: v.float() for k, v in load_file(folder / checkpoint.WEIGHTS).items()})
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True, help="a folder that training wrote")
    parser.add_argument("--drawn", action="store_true")
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--most", type=int, default=41, help="frames of each clip")
    parser.add_argument("--scale", type=float, default=1.0, help="the size that motion is looked for at in clips")
    parser.add_argument("--both", action="store_true", help="clips: the mean of what is made forwards and backwards")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = loaded(args.weights)
    if args.drawn:
        for reach, row in held_out(model, "cpu").items():
            print(f"drawn, {reach}:", ", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    rows = []
    for clip in args.clips:
        rows.append(on_clip(model, frames_of(clip, args.most), scale=args.scale, both=args.both))
        print(f"{clip.stem[:20]:20} made {rows[-1][0]:6.2f} dB  blend {rows[-1][1]:6.2f} dB", flush=True)
    if len(rows) > 1:
        print("{:20} made {:6.2f} dB  blend {:6.2f} dB".format("mean", *torch.tensor(rows).mean(0).tolist()))


if __name__ == "__main__":
    main()
