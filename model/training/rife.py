"""RIFE's network as the weights of versions 4.6 to 4.26 ask for it, for the numbers that the Rust side is held against.

    python rife.py small OUT            small random weights of every layout, and what they answer, for the repository
    python rife.py answer FLOWNET OUT   what whole weights answer to a drawn pair

The structure is that of "Real-Time Intermediate Flow Estimation for Video Frame Interpolation" (Huang et al., ECCV 2022) and of the
models that its authors published since (Practical-RIFE, MIT). Layouts differ in the encoder, in the number of blocks, and in what
blocks hand on; all of it can be seen in the tensors.
"""
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

SLOPE = 0.2


def activated(inputs, outputs, stride):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.LeakyReLU(SLOPE))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, 1, 1)
        self.beta = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x):
        return F.leaky_relu(self.conv(x) * self.beta + x, SLOPE)


class Block(nn.Module):
    """Flow of both frames (4 planes), the mask, and what is handed on to the next block."""

    def __init__(self, inputs, channels, residuals, outputs):
        super().__init__()
        self.conv0 = nn.Sequential(activated(inputs, channels // 2, 2), activated(channels // 2, channels, 2))
        self.convblock = nn.Sequential(*(Residual(channels) for _ in range(residuals)))
        self.lastconv = nn.Sequential(nn.ConvTranspose2d(channels, 4 * outputs, 4, 2, 1), nn.PixelShuffle(2))

    def forward(self, x, flow, scale):
        smaller = dict(scale_factor=1 / scale, mode="bilinear", align_corners=False)
        x = F.interpolate(x, **smaller)
        if flow is not None:
            x = torch.cat((x, F.interpolate(flow, **smaller) / scale), 1)
        out = self.lastconv(self.convblock(self.conv0(x)))
        out = F.interpolate(out, scale_factor=scale, mode="bilinear", align_corners=False)
        return out[:, :4] * scale, out[:, 4:5], out[:, 5:]


class Head(nn.Module):
    def __init__(self, width, features):
        super().__init__()
        self.cnn0 = nn.Conv2d(3, width, 3, 2, 1)
        self.cnn1 = nn.Conv2d(width, width, 3, 1, 1)
        self.cnn2 = nn.Conv2d(width, width, 3, 1, 1)
        self.cnn3 = nn.ConvTranspose2d(width, features, 4, 2, 1)

    def forward(self, x):
        for conv in (self.cnn0, self.cnn1, self.cnn2):
            x = F.leaky_relu(conv(x), SLOPE)
        return self.cnn3(x)


def encoder(kind, width, features):
    if kind == "none":
        return None
    if kind == "two":
        return nn.Sequential(nn.Conv2d(3, width, 3, 2, 1), nn.ConvTranspose2d(width, features, 4, 2, 1))
    if kind == "head":
        return Head(width, features)
    leaky, same = nn.LeakyReLU(SLOPE), (width, width, 3, 1, 1)
    first = (nn.Conv2d(3, width, 3, 2, 1), leaky, nn.Conv2d(*same), leaky, nn.Conv2d(*same), leaky)
    return nn.Sequential(*first, nn.ConvTranspose2d(width, features, 4, 2, 1))


def warped(x, flow):
    height, width = x.shape[2:]
    y, x_ = torch.meshgrid(torch.arange(height, dtype=x.dtype), torch.arange(width, dtype=x.dtype), indexing="ij")
    at = torch.stack(((x_ + flow[:, 0]) * 2 / (width - 1) - 1, (y + flow[:, 1]) * 2 / (height - 1) - 1), -1)
    return F.grid_sample(x, at, mode="bilinear", padding_mode="border", align_corners=True)


class Rife(nn.Module):
    def __init__(self, kind, widths, features, encoder_width, outputs, residuals):
        super().__init__()
        self.encode = encoder(kind, encoder_width, features)
        self.count = len(widths)
        handed = outputs - 5 if outputs > 6 else 0
        for i, width in enumerate(widths):
            inputs = 6 + 1 + 2 * features + (1 + 4 + handed if i else 0)
            setattr(self, f"block{i}", Block(inputs, width, residuals, outputs))

    def forward(self, first, last, t):
        features = [self.encode(x) for x in (first, last)] if self.encode is not None else []
        time = torch.full_like(first[:, :1], t)
        flow = mask = handed = None
        pictures, moved = [first, last], [first, last]
        for i in range(self.count):
            scale = 2 ** (self.count - 1 - i)
            if flow is None:
                flow, mask, handed = self.block0(torch.cat((*moved, *features, time), 1), None, scale)
            else:
                seen = [warped(f, flow[:, 2 * k : 2 * k + 2]) for k, f in enumerate(features)]
                told = [handed] if handed.shape[1] > 1 else []
                block = getattr(self, f"block{i}")
                more, found, handed = block(torch.cat((*moved, *seen, time, mask, *told), 1), flow, scale)
                flow = flow + more
                # Without an encoder each block corrects the mask; with one it makes it anew.
                mask = mask + found if self.encode is None else found
            moved = [warped(x, flow[:, 2 * k : 2 * k + 2]) for k, x in enumerate(pictures)]
        return flow, torch.sigmoid(mask)


# By the first version that has it.
LAYOUTS = {
    "4.6": dict(kind="none", widths=(8, 6, 4, 4), features=0, encoder_width=0, outputs=6),
    "4.7": dict(kind="two", widths=(8, 6, 4, 4), features=4, encoder_width=4, outputs=6),
    "4.10": dict(kind="four", widths=(8, 6, 4, 4), features=8, encoder_width=4, outputs=6),
    "4.13": dict(kind="head", widths=(8, 6, 4, 4), features=8, encoder_width=4, outputs=6),
    "4.21": dict(kind="head", widths=(8, 6, 4, 4), features=8, encoder_width=4, outputs=13),
    "4.25": dict(kind="head", widths=(8, 6, 4, 4, 4), features=4, encoder_width=4, outputs=13),
}


def drawn(height, width):
    """A pair that moves, of rounded numbers."""
    y, x = torch.meshgrid(torch.arange(height, dtype=torch.float32), torch.arange(width, dtype=torch.float32), indexing="ij")

    def picture(shift):
        waves = [0.5 + 0.3 * torch.sin(0.11 * (x + shift) + c) * torch.cos(0.17 * y + 0.05 * shift) for c in range(3)]
        thing = (((x - 0.5 * width - 2 * shift) / 9) ** 2 + ((y - 0.4 * height) / 7) ** 2 < 1).float()
        return torch.stack([w * (1 - thing) + thing * (0.9 - 0.3 * c) for c, w in enumerate(waves)])[None]

    return [(picture(s) * 255).round() / 255 for s in (0.0, 3.0)]


def answers(net, pair, name=""):
    with torch.inference_mode():
        flow, mask = net(*pair, 0.3)
        moved = [warped(x, flow[:, 2 * k : 2 * k + 2]) for k, x in enumerate(pair)]
    picture = moved[0] * mask + moved[1] * (1 - mask)
    return {f"{name}flow": flow, f"{name}mask": mask, f"{name}picture": picture}


def small(out):
    out.mkdir(parents=True, exist_ok=True)
    pair = drawn(64, 128)
    known = {"first": pair[0], "last": pair[1]}
    for i, (name, layout) in enumerate(LAYOUTS.items()):
        torch.manual_seed(i)
        net = Rife(**layout, residuals=2).eval()
        for key, tensor in net.state_dict().items():
            if key.endswith("beta"):
                tensor.uniform_(0.5, 1.5)
            elif "lastconv" in key:
                tensor.mul_(4.0)
            tensor.copy_(tensor.half())
        torch.save({f"module.{key}": tensor.half() for key, tensor in net.state_dict().items()}, out / f"{name}.pkl")
        # The upper rows: the repository is to stay small.
        known |= {key: tensor[:, :, :12].contiguous() for key, tensor in answers(net, pair, f"{name}.").items()}
    save_file(known, out / "reference.safetensors")


def layout_of(state):
    width = lambda name: state[name].shape[0]
    encoders = {"encode.cnn0": "head", "encode.2": "four", "encode.1": "two"}
    kind = next((kind for name, kind in encoders.items() if f"{name}.weight" in state), "none")
    first, last = {"head": ("encode.cnn0", "encode.cnn3"), "four": ("encode.0", "encode.6"), "two": ("encode.0", "encode.1")}.get(
        kind, (None, None)
    )
    blocks = sum(f"block{i}.conv0.1.0.weight" in state for i in range(9))
    return dict(
        kind=kind,
        widths=[width(f"block{i}.conv0.1.0.weight") for i in range(blocks)],
        features=state[f"{last}.weight"].shape[1] if last else 0,
        encoder_width=width(f"{first}.weight") if first else 0,
        outputs=state["block0.lastconv.0.weight"].shape[1] // 4,
        residuals=sum(f"block0.convblock.{i}.beta" in state for i in range(99)),
    )


def answer(weights, out):
    state = torch.load(weights, map_location="cpu", weights_only=True)
    state = {key.removeprefix("module."): tensor.float() for key, tensor in state.items()}
    net = Rife(**layout_of(state)).eval()
    assert not net.load_state_dict(state, strict=False).missing_keys
    pair = drawn(256, 448)
    save_file({"first": pair[0], "last": pair[1]} | answers(net, pair), out)


if __name__ == "__main__":
    command, *paths = sys.argv[1:]
    {"small": small, "answer": answer}[command](*map(Path, paths))
