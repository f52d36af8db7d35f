"""Each training draws, takes a few steps, goes on where it was stopped and writes what the bundle carries, in its layout; and what
the bundle carries is what its cards say."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open

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
    run("footage.py", "--out", tmp_path / "footage", "--shards", 1, "--count", 4)
    for name in ("resources", "model/tests/fixtures"):
        (tmp_path / name).mkdir(parents=True)
    step = ["train.py", "--footage", tmp_path / "footage", "--batch", 1, "--size", 64, "--pool", 2]
    run(*step, "--run", tmp_path / "flow", "--stage", "flow", "--steps", 10)
    run(*step, "--run", tmp_path / "run", "--stage", "synthesis", "--flow", tmp_path / "flow", "--steps", 10)
    run("export.py", "--run", tmp_path / "run", "--root", tmp_path)
    assert layout(tmp_path / "resources/motion.safetensors") == layout(RESOURCES / "motion.safetensors")


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
