"""What the network must do whatever its weights are, and that training it goes somewhere and can be gone on with."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from motion import checkpoint
from motion.footage import Studio
from motion.footage.draws import Random
from motion.losses import root_error
from motion.network import Motion, Pair, padded
from motion.operations import matched, projected, resize, warp
from motion.train import Run, Supply, seen_otherwise, step


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def texture(seed, height, width):
    """Soft noise that no place repeats, [1, 3, H, W]."""
    noise = torch.rand(1, 3, height // 8, width // 8, generator=torch.Generator().manual_seed(seed))
    return resize(noise, (height, width))


def rough(seed):
    """A network of random weights that says something everywhere."""
    torch.manual_seed(seed)
    model = Motion().eval()
    for parameter in model.parameters():
        if parameter.ndim > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return model


@torch.no_grad()
def test_what_stands_still_comes_out_as_it_is():
    model = rough(1)
    still = torch.full((1, 3, 64, 96), 0.37)
    for t in (0.1, 0.5, 0.8):
        picture, _ = model(still, still, torch.tensor([t]))
        assert (picture - still).abs().max() < 1e-5


@torch.no_grad()
def test_only_the_frames_own_pixels_are_shown():
    model = rough(2)
    first, last = texture(1, 64, 96) * 0.2 + 0.3, texture(2, 64, 96) * 0.2 + 0.5
    picture, error = model(first, last, torch.tensor([0.4]))
    assert picture.min() >= first.min() - 1e-5 and picture.max() <= last.max() + 1e-5
    assert picture.shape == first.shape and error.shape == (1, 1, 64, 96) and (error >= 0).all()


@torch.no_grad()
def test_any_size_is_padded_by_its_border():
    wide = padded(texture(3, 40, 72))
    assert wide.shape == (1, 3, 64, 96)
    assert torch.equal(wide[..., 40:, :72], wide[..., 39:40, :72].expand(-1, -1, 24, -1))


@torch.no_grad()
def test_a_shift_by_half_the_picture_is_found_by_global_matching():
    torch.manual_seed(4)
    a = torch.randn(1, 64, 6, 24)
    b = a.roll(12, 3)
    flow, sure, _ = matched(a * 4, b * 4)
    assert (flow[:, 0, :, :12] - 12).abs().max() < 0.01 and flow[:, 1].abs().max() < 0.01
    assert sure.min() > 0.9


@torch.no_grad()
def test_a_match_is_the_same_in_a_larger_picture():
    torch.manual_seed(4)
    a = F.normalize(torch.randn(1, 64, 12, 24), dim=1) * 8
    small, _, _ = matched(a[..., :6, :12], a[..., :6, :12])
    large, _, _ = matched(a, a)
    assert small.abs().max() < 0.1 and large.abs().max() < 0.1, "however many places there are"


@torch.no_grad()
def test_a_pan_is_projected_to_the_wanted_time_and_bends_curve_it():
    flow = torch.zeros(1, 2, 16, 24)
    flow[:, 0] = 4
    sure = torch.ones(1, 1, 16, 24)
    t = torch.tensor([0.25]).reshape(1, 1, 1, 1)
    none = (flow * 0, flow * 0)
    to0, to1, covered, _ = projected((sure, sure), flow, -flow, none, t)
    assert torch.allclose(to0[:, 0, :, 4:-4], torch.tensor(-1.0)) and torch.allclose(to1[:, 0, :, 4:-4], torch.tensor(3.0))
    assert covered[..., 4:-4].min() > 0.99
    bend = torch.zeros_like(flow)
    bend[:, 1] = 8
    bent = projected((sure, sure), flow, -flow, (bend, bend), t)[0]
    # s·v − s(1−s)/2·bend from the first frame: the way back is the other way.
    assert torch.allclose(bent[:, 1, 6:-6, 6:-6], torch.tensor(0.25 * 0.75 / 2 * 8))


@torch.no_grad()
def test_a_curve_is_followed_but_where_the_frames_agree_less_along_it():
    model, first = rough(5), texture(6, 128, 192)
    last = first.clone()
    last[..., 48:80, 80:112] = 1 - last[..., 48:80, 80:112]
    flow, seen, t = torch.zeros(1, 2, 16, 24), (torch.ones(1, 1, 16, 24),) * 2, torch.full((1, 1, 1, 1), 0.5)
    bend = torch.zeros_like(flow)
    bend[:, 0] = 40
    paths = model.paths(Pair(first, last, None, (flow, flow), seen, (bend, bend)), t)[0]
    # Half-way a bend of 40 leads five places to the right: there, beside the block that differs, it is not followed.
    assert torch.allclose(paths[:, 0, 7:9, 6:8], torch.tensor(0.0))
    assert torch.allclose(paths[:, 0, 1:3, 6:16], torch.tensor(5.0))
    even = model.paths(Pair(first, last, None, (flow, flow), seen, None), t)[0]
    assert not even.any()


def args(folder, start=None):
    return SimpleNamespace(run=folder, start=start, peak=1e-3, least=0.05, seed=1, bf16=False)


def test_a_few_steps_learn_a_batch_and_the_small_form_goes_on_where_they_ended(tmp_path):
    studio = Studio(3, "cpu", size=96, each=2, texture=128)
    batch = studio.batch(4, 6, 0, ["things"], plain=True)
    run = Run(args(tmp_path), torch.device("cpu"))
    told = [run.learn(batch, done, 0.0) for done in range(70)]
    first, last = told[0], told[-1]
    assert last[0] < 0.75 * first[0], f"loss {first[0]:.3f} -> {last[0]:.3f}"
    assert last[1] > last[2] + 0.5, f"made {last[1]:.2f} dB, a blend {last[2]:.2f}"

    run.smooth.load_state_dict(run.model.state_dict())
    checkpoint.export(tmp_path / "small", run.smooth, run.optimizer, run.names, run.state)
    assert (tmp_path / "small" / checkpoint.WEIGHTS).stat().st_size < 8e6
    assert (tmp_path / "small" / checkpoint.MOMENTS).stat().st_size < 1e6
    again = Run(args(tmp_path / "other", tmp_path / "small"), torch.device("cpu"))
    assert again.state["samples"] == 280
    with torch.no_grad():
        before, after = (model(batch.frames[:, 1], batch.frames[:, 3], batch.t)[0] for model in (run.model, again.model))
    assert root_error(before, after)[1] > 40, "as near as half precision is"
    worst = max(again.learn(batch, done, 0.0)[0] for done in range(20))
    assert worst < 1.3 * last[0], f"it goes on: {last[0]:.3f}, then {worst:.3f} at most"


def test_a_batch_turned_about_keeps_its_motion_true():
    studio = Studio(3, "cpu", size=96, each=2, texture=128)
    batch = studio.batch(4, 10, 1, ["things"], plain=True)
    random = Random(0, "cpu")
    for _ in range(4):
        seen = seen_otherwise(batch, random)
        back = warp(seen.frames[:, 3], seen.flows[:, 0])
        apart = ((back - seen.frames[:, 1]).abs().mean(1) * seen.visible[:, 0]).mean()
        assert apart < 0.01
    assert step(Motion(), seen, False)[0].isfinite()


def test_drawn_samples_are_used_again_and_a_later_start_draws_others():
    studio = Studio(3, "cpu", size=64, each=2, texture=96)
    supply = Supply(studio, 2, reuse=4, pool=16, index=0, seed=1)
    batches = [supply.next(0) for _ in range(17)]
    # Four batches to begin with, which are to be used four times before another is drawn.
    assert supply.index == 5 and len(supply.pool) == 10
    assert all(len(batch) == 2 for batch in batches)
    later = Supply(studio, 2, reuse=1, pool=16, index=supply.index, seed=1)
    assert not torch.equal(later.next(0).frames, batches[0].frames) and later.index == supply.index + 1
