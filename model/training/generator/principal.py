"""The VAE's encoder, fitted in closed form: principal components of principal components.

    nice python -m generator.principal --clips runs/clips --out runs/encoder

Every convolution of the encoder looks at one place, and keeps what varies most of what the one before it folded together,
so that the latents of a block of 16 x 16 pixels and 8 frames are close to its 48 principal components. Such latents are
smooth, ordered by how much of the picture they carry, and there in a minute, where an encoder trained together with its
decoder takes hours; and as nothing is trained, the latents never change under the transformer.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from . import models

# How much stronger than the way straight on each stage is, so that what that adds, means of neighbours, weighs little.
GAIN = 8.0
# The last norm divides by the strength of its input, and SiLU bends what is strong: eight channels hold a value so high
# that neither matters, and what comes out is linear to a percent or so.
STILL = 4e5
# A latent's deviation is that of its component, to this power: between what the picture needs and equal for all.
FLATTEN = 0.4


def stored(x):
    """As the exported file has it, so that each stage is fitted to what the one before it really gives."""
    return x.to(torch.bfloat16).float()


def components(x, count):
    """The `count` strongest principal axes of `x` `[values, channels]`, their deviations, and the mean."""
    x = x.double()
    mean = x.mean(0)
    values, axes = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    values, axes = values.flip(0)[:count], axes.flip(1)[:, :count]
    # Which way an axis points is nobody's choice: its largest part is positive.
    axes = axes * axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
    return axes.T.float(), values.clamp(min=0).sqrt().float(), mean.float()


def look_at_one_place(conv, rows, mean):
    """Makes a causal convolution a product of channels alone, with nothing left of the mean."""
    rows = stored(rows)
    conv.weight.zero_()
    conv.bias.zero_()
    conv.weight[:len(rows), :, -1, 1, 1] = rows
    conv.bias[:len(rows)] = stored(-rows @ mean)


def flat(x):
    return x.movedim(1, -1).flatten(0, -2)


@torch.no_grad()
def fit(encoder, clips):
    """Fits the encoder to clips `[3, frames, height, width]` of values from -1 to 1; gives the latents' deviations."""
    seen = {}

    def at(module):
        """What enters a module, of all clips."""
        hook = module.register_forward_pre_hook(lambda _, inputs: seen.setdefault("x", []).append(flat(inputs[0])))
        for clip in clips:
            encoder(clip[None])
        hook.remove()
        return torch.cat(seen.pop("x"))

    first, last = encoder.conv_in, encoder.conv_out
    rows, _, mean = components(at(first), 3 * encoder.patch_size**2)
    look_at_one_place(first.conv, rows, mean)
    downs = [block.downsamplers[0].conv for block in encoder.down_blocks]
    for down in downs:
        count = len(down.conv.weight) - (down is downs[-1])
        rows, _, mean = components(at(down), count)
        look_at_one_place(down.conv, GAIN * rows, mean)
    downs[-1].conv.bias[-1] = STILL
    # SiLU of the still channels is the same everywhere: no component.
    rows, deviations, mean = components(at(last), models.CHANNELS)
    wanted = deviations**FLATTEN
    wanted /= wanted.square().mean().sqrt()
    rows *= (wanted / deviations)[:, None]
    look_at_one_place(last.conv, rows, mean)
    # The latents' own noise, which nothing here uses.
    last.conv.bias[-1] = -12
    return wanted


@torch.no_grad()
def pointwise(encoder):
    """Takes from a fitted encoder the zeros around the one place each convolution looks at: a twentieth of the work."""
    for holder in (encoder, *(block.downsamplers[0] for block in encoder.down_blocks)):
        for name, causal in list(holder.named_children()):
            if type(causal).__name__ == "LTXVideoCausalConv3d":
                conv = causal.conv
                point = torch.nn.Conv3d(conv.in_channels, conv.out_channels, 1)
                point.weight.copy_(conv.weight[:, :, -1:, 1:2, 1:2])
                point.bias.copy_(conv.bias)
                if conv.weight.count_nonzero() != point.weight.count_nonzero():
                    raise ValueError("this encoder looks around: it was not fitted by principal.py")
                setattr(holder, name, point)


def whole_clips(folder, count, seed=5):
    shards, rng = [np.load(p, mmap_mode="r") for p in sorted(folder.glob("clips_*.npy"))], np.random.default_rng(seed)
    for _ in range(count):
        shard = shards[rng.integers(len(shards))]
        yield torch.from_numpy(shard[rng.integers(len(shard))].copy()).permute(3, 0, 1, 2).float() / 127.5 - 1


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--clips", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--count", type=int, default=160)
    args = p.parse_args()
    torch.manual_seed(0)
    vae = models.vae().eval()
    deviations = fit(vae.encoder, list(whole_clips(args.clips, args.count)))
    print("deviations", " ".join(f"{d:.2f}" for d in deviations))
    vae.save_pretrained(args.out)


if __name__ == "__main__":
    main()
