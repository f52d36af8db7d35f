"""Writes the weights that the bundle carries, and the numbers that the Rust code is tested against.

    python export.py --flow runs/flow --synthesis runs/synthesis

Of each stage a mean of the weights that its run came to and of those that it went on from is written: on real clips it is better
than either (Wortsman et al. 2022 found it of networks trained on further data). The reference is the PyTorch network's own answer,
with those weights, on a small drawn pair of frames.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import train
from motion.footage import Studio
from networks import Motion
from trainer import written

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS, REFERENCE = Path("resources/motion.safetensors"), Path("model/tests/fixtures/motion_reference.safetensors")
HEIGHT, WIDTH, LEVELS, REACH = 64, 96, 4, 12.0
SHARE = {"flow": 0.5, "synthesis": 0.7}
"""The runs' shares of the mean; chosen by the five clips of docs/quality.md."""


def answers(model, before, first, last, after):
    """What the network says of a pair with a frame before and one after it: at two times, and without them."""
    with torch.no_grad():
        flows, visibles, _ = model.flow(first, last, LEVELS)
        said = {"flow": flows[-1], "visible": visibles[-1]}
        matched = model.match(first, last, before, after, torch.tensor([[1.0, 0.5]]), LEVELS)
        said["told"] = matched[1]
        for name, t, spacing in (("half", 0.5, (1.0, 0.5)), ("third", 0.3, (1.0, 0.5)), ("straight", 0.5, (0.0, 0.0))):
            picture, error, (curved, even, weights) = model(
                first, last, torch.tensor([t]), before, after, torch.tensor([spacing]), LEVELS)
            said |= {f"{name}.picture": picture, f"{name}.error": error, f"{name}.weights": weights,
                     f"{name}.flow": torch.cat([*curved, *even], 1)}
    return said


def reference(model):
    """Inputs and answers for the first drawn pair for which no choice between flows hangs by a rounding, as it does over even
    ground: with noise of a millionth on the pictures the answers are the same."""
    studio, random = Studio(7, size=WIDTH, each=2), torch.Generator().manual_seed(7)
    for index in range(100):
        frames = studio.batch(1, REACH, index).frames[:, :, :, :HEIGHT]
        before, first, _, last, after = (frame.contiguous() for frame in frames.unbind(1))
        pictures = before, first, last, after
        said = answers(model, *pictures)
        noisy = answers(model, *(picture + 1e-6 * torch.randn(picture.shape, generator=random) for picture in pictures))
        if all((noisy[name] - value).abs().max() < 3e-4 * value.abs().max() for name, value in said.items()):
            said |= {"before": before, "first": first, "last": last, "after": after}
            return {name: value.contiguous() for name, value in said.items()}
    raise SystemExit("the network's answers hang by roundings for each of 100 drawn pairs; nothing was written")


def averaged(root, runs):
    """The weights under `root`, but of each stage that has a run the mean, by the stage's share, of what that came to and what it
    went on from; of one that went on from none, what it came to."""
    weights = load_file(root / WEIGHTS)
    for stage, (run, share) in runs.items():
        if run is not None:
            saved = torch.load(run / train.CHECKPOINT, map_location="cpu")
            start = saved["start"] or {}
            for name in [name for name in weights if name.startswith(f"{stage}.")]:
                trained = saved["smooth"][name]
                weights[name] = start.get(name.removeprefix(f"{stage}."), trained).lerp(trained, share)
    return weights


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for stage, share in SHARE.items():
        parser.add_argument(f"--{stage}", type=Path, help="the run that trained it; without one it stays")
        told = "how much of the mean is what it came to [default: %(default)s]"
        parser.add_argument(f"--{stage}-share", type=float, default=share, help=told)
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository, or a folder laid out as it is")
    args = vars(parser.parse_args())
    torch.set_num_threads(1)
    root, model = args["root"], Motion().eval()
    model.load_state_dict(averaged(root, {stage: (args[stage], args[f"{stage}_share"]) for stage in SHARE}))
    files = {WEIGHTS: {k: v.contiguous() for k, v in model.state_dict().items()}, REFERENCE: reference(model)}
    for path, tensors in files.items():
        written(root / path, lambda partial: save_file(tensors, partial))


if __name__ == "__main__":
    main()
