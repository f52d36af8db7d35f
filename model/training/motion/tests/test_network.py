"""What the network must do whatever its weights are, and that training it goes somewhere and can be gone on with."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from motion import checkpoint, operations
from motion.footage import Batch, Studio
from motion.footage.draws import Random
from motion.losses import root_error
from motion.network import Motion, Pair, padded
from motion.operations import matched, projected, resize, warp
from motion.supply import NAMES, Pool, Supply, seen_otherwise
from motion.train import Run, step


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
    plain, still, other = torch.full((1, 3, 64, 96), 0.37), texture(7, 64, 96), texture(8, 64, 96)
    for t in (0.1, 0.5, 0.8):
        assert (model(plain, plain + 1e-6, torch.tensor([t]))[0] - plain).abs().max() < 1e-5
        first, last = torch.cat([still, still]), torch.cat([still, other])
        picture, error = model(first, last, torch.full((2,), t))
        assert torch.equal(picture[0], still[0]) and not error[0].any(), "whatever it says of the other pair"
        assert not torch.equal(picture[1], still[0])


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
def test_a_shift_by_half_the_picture_is_found_by_global_matching(monkeypatch):
    torch.manual_seed(4)
    a = torch.randn(1, 64, 6, 24)
    b = a.roll(12, 3)
    flow, sure, _ = matched(a * 4, b * 4)
    with torch.enable_grad():
        at_once = matched(a * 4, b * 4)
    monkeypatch.setattr(operations, "TOGETHER", 144 * 7)
    in_parts = matched(a * 4, b * 4)
    assert all(torch.allclose(x, y, atol=1e-4) for x, y in zip(at_once, in_parts[:2]))
    assert at_once[2].shape == (1, 144, 144)
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
    last = first.roll(16, 3)
    last[..., 48:80, 80:112] = 1 - last[..., 48:80, 80:112]
    flow, seen, t = torch.zeros(1, 2, 16, 24), (torch.ones(1, 1, 16, 24),) * 2, torch.full((1, 1, 1, 1), 0.5)
    flow[:, 0] = 2
    bend = torch.zeros_like(flow)
    bend[:, 0] = 40
    both = (first, last)
    curved, even = (model.paths(Pair(both, both, None, (flow, -flow), seen, bends), t)[0]
                    for bends in ((bend, bend), None))
    assert torch.allclose(even[:, 0, 1:3, 6:16], torch.tensor(-1.0))
    # Half-way a bend of 40 leads five places to the right. Left of the block that differs it would lead into it.
    assert torch.allclose(curved[:, 0, 1:3, 6:16], torch.tensor(4.0))
    assert torch.allclose(curved[:, 0, 7:9, 5:7], torch.tensor(-1.0))


@torch.no_grad()
def test_nothing_moves_where_the_frames_agree_more_as_they_stand():
    model, first = rough(5), texture(9, 128, 192)
    moved = torch.cat([first[..., :64, :], first.roll(16, 3)[..., 64:, :]], 2)
    flow, seen, t = torch.zeros(1, 2, 16, 24), (torch.ones(1, 1, 16, 24),) * 2, torch.full((1, 1, 1, 1), 0.5)
    flow[:, 0] = 2
    paths = model.paths(Pair((first, moved), (first, moved), None, (flow, -flow), seen, None), t)[0]
    assert not paths[:, :, :7].any(), "the flow is wrong there"
    for axis, way in ((0, -1.0), (2, 1.0)):
        assert torch.allclose(paths[:, axis, 9:, 4:-4], torch.tensor(way))


@torch.no_grad()
def test_motion_is_looked_for_at_any_scale_and_backwards_in_time():
    model, first, last = rough(3), texture(1, 96, 160), texture(2, 96, 160)
    first, last, t = padded(first, 0.5), padded(last, 0.5), torch.tensor([0.3])
    assert first.shape == (1, 3, 128, 192)
    picture, error = model(first, last, t, scale=0.5)
    assert picture.shape == first.shape and error.shape == (1, 1, 128, 192)
    outer = (texture(3, 128, 192), texture(4, 128, 192), torch.tensor([[1.0, 0.5]]))
    there = model(first, last, t, *outer, both=True)
    back = model(last, first, 1 - t, outer[1], outer[0], outer[2].flip(1), both=True)
    assert torch.allclose(there[0], back[0], atol=2e-4) and torch.allclose(there[1], back[1], atol=2e-4)
    assert not torch.allclose(there[0], model(first, last, t, *outer)[0], atol=1e-3)


def args(folder, start=None):
    return SimpleNamespace(run=folder, start=start, peak=1e-3, least=0.05, seed=1, bf16=False)


def test_a_few_steps_learn_a_batch_and_the_small_form_goes_on_where_they_ended(tmp_path):
    studio = Studio(3, "cpu", size=96, each=2, texture=128)
    batch = studio.batch(4, 6, 0, ["things"], plain=True)
    run = Run(args(tmp_path), torch.device("cpu"))
    told = [run.learn(batch, done, 0.0) for done in range(70)]
    first, last = told[0], told[-1]
    assert last["loss"] < 0.75 * first["loss"], f"loss {first['loss']:.3f} -> {last['loss']:.3f}"
    assert last["made"] > last["blend"] + 0.5, f"made {last['made']:.2f} dB, a blend {last['blend']:.2f}"

    run.smooth.load_state_dict(run.model.state_dict())
    checkpoint.export(tmp_path / "small", run.smooth, run.optimizer, run.names, run.state)
    assert (tmp_path / "small" / checkpoint.WEIGHTS).stat().st_size < 8e6
    assert (tmp_path / "small" / checkpoint.MOMENTS).stat().st_size < 1e6
    again = Run(args(tmp_path / "other", tmp_path / "small"), torch.device("cpu"))
    assert again.state["samples"] == 280
    for one, other in zip(*(r.optimizer.param_groups[0]["params"] for r in (run, again))):
        if one.grad is None:
            continue
        moments = run.optimizer.state[one]["exp_avg_sq"], again.optimizer.state[other]["exp_avg_sq"]
        rows = [moment.reshape(len(moment), -1).mean(1) for moment in moments]
        assert torch.allclose(*rows, rtol=0.02, atol=1e-12), "of every channel, as far as half precision goes"
    with torch.no_grad():
        before, after = (model(batch.frames[:, 1], batch.frames[:, 3], batch.t)[0] for model in (run.model, again.model))
    assert root_error(before, after)[1] > 40, "as near as half precision is"
    worst = max(again.learn(batch, done, 0.0)["loss"] for done in range(20))
    assert worst < 1.3 * last["loss"], f"it goes on: {last['loss']:.3f}, then {worst:.3f} at most"


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


def test_a_pool_gives_what_was_put_in_and_the_oldest_go_first():
    pool, random = Pool(5), Random(2, "cpu")
    shapes = {"frames": (5, 3, 4, 4), "t": (), "spacing": (2,), "flows": (4, 2, 4, 4), "visible": (4, 4, 4)}
    for number in (1, 2, 3):
        values = {name: float(number == 1) if name == "visible" else number / 4 for name in NAMES}
        pool.add(Batch(*(torch.full((3, *shapes[name]), values[name]) for name in NAMES)))
    assert len(pool) == 5 and sorted(pool.some(5, random).t.tolist()) == [0.5, 0.5, 0.75, 0.75, 0.75]
    batch = pool.some(4, random)
    for name in ("frames", "flows", "spacing"):
        part = getattr(batch, name)
        assert part.dtype == torch.float32 and torch.equal(part.flatten(1)[:, 0], batch.t), name
    assert not batch.visible.any()


def test_helpers_draw_the_same_in_the_same_order():
    studio = Studio(3, "cpu", size=64)
    alone, helped = (Supply(studio, 2, 1, 0, 7, 1, helpers) for helpers in (0, 1))
    for _ in range(3):
        assert torch.equal(alone.draw(0).frames, helped.draw(0).frames)
    assert alone.index == helped.index == 10
    helped.helpers.workers.terminate()
