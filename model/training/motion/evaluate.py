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

HELD_OUT, REACHES = 77, (16, 64, 160)
"""The seed of the footage that is kept back, and its largest motions in pixels."""


@torch.no_grad()
def held_out(model, device, each=2):
    """Figures over drawn footage of every cast and reach: PSNR in dB of the frame made and of a blend, how far its flow is off
    in pixels, and, of the pixels that are told to be nearly right, the share that is within 8/255."""
    studio, rows = Studio(HELD_OUT, device), {}
    for reach in REACHES:
        for index, cast in enumerate(scene.CASTS):
            batch = studio.batch(each, reach, index, [cast])
            before, first, between, last, after = batch.frames.unbind(1)
            pair, _ = model.match(first, last, before, after, batch.spacing)
            picture, error, found, _, _ = model.between(pair, batch.t)
            sure = error < 4 / 255
            right = (picture - between).abs().mean(1, keepdim=True) < 8 / 255
            rows.setdefault(reach, []).append(torch.stack([
                root_error(picture, between)[1], root_error(torch.lerp(first, last, batch.t[:, None, None, None]), between)[1],
                off_at(found[-1], batch), (sure & right).sum() / sure.sum().clamp(min=1),
            ]))
    figures = {}
    for reach, row in rows.items():
        made, blend, off, right = torch.stack(row).mean(0).tolist()
        figures[str(reach)] = {"made": round(made, 2), "blend": round(blend, 2), "off": round(off, 2), "sure and right": round(right, 3)}
    return figures


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
def on_clip(model, frames):
    """The mean PSNR in dB of the frames made in the places of every second one, and of a blend."""
    made, blend = [], []
    for i in range(1, len(frames) - 1, 2):
        first, last = frames[i - 1][None], frames[i + 1][None]
        before, after = (frames[j][None] if 0 <= j < len(frames) else None for j in (i - 3, i + 3))
        spacing = torch.tensor([[float(before is not None), float(after is not None)]])
        before, after = first if before is None else before, last if after is None else after
        outer = [padded(x) for x in (before, after)]
        picture, _ = model(padded(first), padded(last), torch.tensor([0.5]), *outer, spacing)
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
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = loaded(args.weights)
    if args.drawn:
        for reach, row in held_out(model, "cpu").items():
            print(f"drawn, up to {reach} px:", ", ".join(f"{name} {value}" for name, value in row.items()))
    for clip in args.clips:
        made, blend = on_clip(model, frames_of(clip, args.most))
        print(f"{clip.stem[:20]:20} made {made:.2f} dB, blend {blend:.2f} dB", flush=True)


if __name__ == "__main__":
    main()
