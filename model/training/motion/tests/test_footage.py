"""True flow and occlusion agree with the pictures, on every device there is."""

import pytest
import torch

from motion.footage import Studio, scene
from motion.footage.render import Drawing
from motion.operations import warp

DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
WAYS = ((1, 3), (3, 1), (2, 1), (2, 3))


@pytest.fixture(scope="module", params=DEVICES)
def studio(request):
    torch.set_num_threads(1)
    return Studio(5, request.param, size=128, each=3, texture=192)


def errors(batch, way, flow):
    """How far the picture warped by a flow is from the one it should be, [N, S, S]; not at edges, whose pixels are mixed."""
    a, b = WAYS[way]
    back = warp(batch.frames[:, b], flow)
    return (back - batch.frames[:, a]).abs().mean(1)


def inner(visible):
    """Pixels that are seen, as are all about them."""
    return -torch.nn.functional.max_pool2d(-visible[:, None], 5, 1, 2)[:, 0] > 0.5


@pytest.mark.parametrize("cast", scene.CASTS)
def test_true_flow_leads_to_the_same_colours_where_it_is_seen(studio, cast):
    batch = studio.batch(8, 20, 1, [cast], plain=True)
    for way in range(4):
        flow, seen = batch.flows[:, way], inner(batch.visible[:, way])
        right = errors(batch, way, flow)[seen]
        still, against = (errors(batch, way, other)[seen] for other in (flow * 0, -flow))
        assert seen.float().mean() > 0.4
        assert right.mean() < 0.006, f"way {way}: {right.mean():.4f}"
        assert right.mean() < 0.35 * min(still.mean(), against.mean()), f"{right.mean():.4f}, {still.mean():.4f}"
        assert (right > 0.06).float().mean() < 0.02


@pytest.mark.parametrize("cast", scene.CASTS)
def test_a_point_that_is_seen_comes_back(studio, cast):
    batch = studio.batch(8, 20, 2, [cast], plain=True)
    there, seen = batch.flows[:, 0], inner(batch.visible[:, 0])
    back = warp(batch.flows[:, 1], there)
    off = (there + back).norm(dim=1)[seen]
    assert off.median() < 0.02 and off.quantile(0.97) < 0.5, f"{off.median():.3f}, {off.quantile(0.97):.3f}"


def test_what_is_not_seen_is_not_found_by_its_flow(studio):
    batch = studio.batch(16, 24, 3, ["things", "large"], plain=True)
    wrong = errors(batch, 0, batch.flows[:, 0])
    hidden = batch.visible[:, 0] < 0.5
    assert 0.02 < hidden.float().mean() < 0.6
    assert wrong[hidden].mean() > 5 * wrong[inner(batch.visible[:, 0])].mean()


def test_rows_that_are_exposed_one_after_another_keep_their_flow_true(studio):
    drawn = scene.CASTS["pan"][0](scene.Stage(random(studio), 128, 3, 3), 4, 20)
    times = torch.tensor([[-1.0, 0.0, 0.5, 1.0, 2.0]], device=studio.device).expand(4, 5)
    lag = torch.full((4,), 0.4, device=studio.device)
    drawing = Drawing(drawn, studio.banks, times, lag, 128, WAYS, False)
    flow, seen = drawing.flow(0, WAYS)
    seen = inner(seen.float())
    back = warp(drawing.pictures[:, 3], flow)
    assert (back - drawing.pictures[:, 1]).abs().mean(1)[seen].mean() < 0.01


def random(studio):
    from motion.footage.textures import Random

    return Random(7, studio.device)


def test_the_same_index_draws_the_same_and_another_another(studio):
    one, same, other = (studio.batch(2, 12, index) for index in (4, 4, 5))
    assert torch.equal(one.frames, same.frames) and torch.equal(one.flows, same.flows)
    assert not torch.equal(one.frames, other.frames)
    assert one.frames.shape == (2, 5, 3, 128, 128) and one.frames.min() >= 0 and one.frames.max() <= 1
    assert ((one.t > 0) & (one.t < 1)).all() and ((one.spacing >= 0) & (one.spacing <= 1)).all()


def test_noise_and_light_leave_the_frame_between_clean_and_the_motion_as_it_is(studio):
    plain, filmed = (studio.batch(8, 12, 6, ["things"], plain=plain) for plain in (True, False))
    assert torch.equal(plain.flows, filmed.flows)
    assert not torch.equal(plain.frames, filmed.frames)
