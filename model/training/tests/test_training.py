"""Each training draws, takes a few steps, goes on where it was stopped and writes what the bundle carries, in its layout; and what
the bundle carries is what its cards say."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from motion.footage import Studio
from networks import Motion
from train import ghosts

TRAINING = Path(__file__).resolve().parents[1]
RESOURCES = TRAINING.parents[1] / "resources"
STOCK = RESOURCES / "models" / "stock"


def run(*command):
    done = subprocess.run([sys.executable, *map(str, command)], cwd=TRAINING, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def layout(path):
    """The names, types and shapes of what a file holds."""
    with safe_open(path, "pt") as file:
        return {name: (file.get_slice(name).get_dtype(), tuple(file.get_slice(name).get_shape())) for name in file.keys()}


def weights(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name).float() for name in file.keys()}


def apart(one, other):
    """How far apart two files' weights are in the mean."""
    one, other = weights(one), weights(other)
    return sum((one[name] - other[name]).abs().mean().item() for name in one) / len(one)


def test_the_motion_network_trains_and_is_written_as_the_bundle_has_it(tmp_path):
    for name in ("resources", "model/tests/fixtures"):
        (tmp_path / name).mkdir(parents=True)
    carried = tmp_path / "resources/motion.safetensors"
    shutil.copy(RESOURCES / "motion.safetensors", carried)
    step = ["train.py", "--batch", 1, "--size", 64, "--pool", 4, "--minutes", 5]
    run(*step, "--run", tmp_path / "flow", "--stage", "flow", "--steps", 3)
    synthesis = [*step, "--run", tmp_path / "run", "--stage", "synthesis", "--flow", tmp_path / "flow", "--steps"]
    assert "stands on" in run(*synthesis, 2)
    once = torch.load(tmp_path / "run/checkpoint.pt")
    run(*synthesis, 4)
    trained = torch.load(tmp_path / "run/checkpoint.pt")
    assert (trained["steps"], trained["seed"], trained["learned"]) == (4, once["seed"], once["learned"] + 2)
    # It did go on: what was drawn before is not drawn again, and the four of a pool are.
    assert trained["index"] >= once["index"] + 4 and trained["minutes"] > once["minutes"]
    export = ["export.py", "--flow", tmp_path / "flow", "--synthesis", tmp_path / "run", "--root", tmp_path]
    run(*export)
    written = carried.read_bytes()
    run(*export)
    assert carried.read_bytes() == written
    assert layout(carried) == layout(RESOURCES / "motion.safetensors")
    # By the stage's share between what the bundle had and what was trained, which itself has gone on a little way.
    before, after = weights(RESOURCES / "motion.safetensors"), weights(carried)
    for stage, share in (("flow", 0.5), ("synthesis", 0.7)):
        names = [name for name in before if name.startswith(stage)]
        gone = sum((trained["smooth"][name] - before[name]).abs().sum() for name in names)
        kept = sum((after[name] - before[name]).abs().sum() for name in names)
        assert 0 < gone < 0.05 * sum(before[name].abs().sum() for name in names)
        assert kept / gone == pytest.approx(share, rel=1e-3)


def test_flows_are_reckoned_in_32_bits_where_products_are_in_16():
    """In 16 bits a flow would be off by tenths of a pixel, the more the further right."""
    model, frames = Motion(), Studio(5, size=192, each=2).batch(1, 20.0, 0).frames
    model.load_state_dict(weights(RESOURCES / "motion.safetensors"))

    def flow():
        with torch.no_grad():
            return model.flow(frames[:, 1], frames[:, 3])[0][-1]

    with torch.autocast("cpu", dtype=torch.bfloat16):
        short = flow()
    assert short.dtype == torch.float32
    assert (short - flow()).norm(dim=1).mean() < 0.02


def test_mixing_pictures_that_disagree_costs_and_showing_one_of_them_does_not():
    black, white, half = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4), torch.full((1, 2, 4, 4), 0.5)
    alone = torch.cat([torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)], 1)
    assert ghosts((black, white), half, (black + white) / 2) == pytest.approx(0.5)
    assert ghosts((black, white), alone, white) == 0
    assert ghosts((white, white), half, white) == 0


def test_the_second_motion_network_trains_and_goes_on_from_its_small_form(tmp_path):
    step = ["-m", "motion.train", "--size", 128, "--batch", 2, "--pool", 16, "--minutes", 5]
    run(*step, "--run", tmp_path / "one", "--steps", 10)
    run(*step, "--run", tmp_path / "other", "--from", tmp_path / "one", "--steps", 2)
    one, other = tmp_path / "one/weights.safetensors", tmp_path / "other/weights.safetensors"
    assert layout(one) == layout(other) == layout(TRAINING / "motion/weights/weights.safetensors")
    steps = [json.loads((tmp_path / run / "state.json").read_text())["steps"] for run in ("one", "other")]
    assert steps == [10, 12]
    assert 0 < apart(one, other) < 0.1 * apart(one, TRAINING / "motion/weights/weights.safetensors")


def test_the_generator_trains_and_is_written_as_the_bundle_has_it(tmp_path):
    run("-m", "generator.encode", "--vae", STOCK / "vae", "--out", tmp_path / "latents", "--shards", 1)
    run("-m", "generator.words", "--run", tmp_path / "words", "--steps", 10)
    train = ["-m", "generator.train", "--latents", tmp_path / "latents", "--words", tmp_path / "words", "--run", tmp_path / "run",
             "--batch", 1, "--threads", 1]
    run(*train, "--steps", 6)
    run(*train, "--steps", 10)
    run("-m", "generator.export", "--vae", STOCK / "vae", "--words", tmp_path / "words", "--run", tmp_path / "run",
        "--out", tmp_path / "model")
    files = {path.relative_to(STOCK): path for path in STOCK.rglob("*") if path.suffix in (".json", ".safetensors")}
    assert len(files) > 7
    for name, path in files.items():
        if path.suffix == ".safetensors":
            assert layout(tmp_path / "model" / name) == layout(path), name
        # The lexicon is written by hand.
        elif name.name not in ("config.json", "lexicon.json"):
            assert json.loads((tmp_path / "model" / name).read_text()) == json.loads(path.read_text()), name
    vae = "vae/diffusion_pytorch_model.safetensors"
    assert apart(tmp_path / "model" / vae, STOCK / vae) == 0
    assert apart(tmp_path / "model/transformer/diffusion_pytorch_model.safetensors",
                 STOCK / "transformer/diffusion_pytorch_model.safetensors") > 0


@pytest.mark.parametrize("card", (RESOURCES / "motion.md", STOCK / "README.md"), ids=("motion", "stock"))
def test_a_card_has_the_fingerprint_of_each_weight_file(card):
    said = dict(re.findall(r"^\| `([^`]+\.safetensors)` \| `([0-9a-f]{64})` \|", card.read_text(), re.M))
    there = [path for path in card.parent.rglob("*.safetensors") if "models" not in path.relative_to(card.parent).parts]
    assert said == {str(path.relative_to(card.parent)): hashlib.sha256(path.read_bytes()).hexdigest() for path in there}
