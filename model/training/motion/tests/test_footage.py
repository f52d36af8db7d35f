"""True flow and occlusion agree with the pictures, on every device there is."""

import pytest
import torch
import torch.nn.functional as F

from motion.footage import WAYS, Batch, Studio, scene, views
from motion.footage.draws import Random
from motion.footage.render import Drawing, blurred
from motion.footage.stage import Stage
from motion.operations import warp

DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
SIZE = 128


@pytest.fixture(scope="module", params=DEVICES)
def studio(request):
    torch.set_num_threads(1)
    return Studio(5, request.param, size=SIZE, each=3, texture=192)


@pytest.fixture(scope="module")
def still_light(studio):
    """Batches of each kind and reach without noise, light or blur, drawn once."""
    drawn = {}

    def batch(kind, reach):
        if (kind, reach) not in drawn:
            drawn[kind, reach] = studio.batch(12, reach, 1, [kind], plain=True)
        return drawn[kind, reach]

    return batch


def errors(batch, way, flow):
    """How far the picture warped by a flow is from the one it should be, [N, S, S]."""
    a, b = WAYS[way]
    return (warp(batch.frames[:, b], flow) - batch.frames[:, a]).abs().mean(1)


def inner(visible):
    """Pixels that are seen, as are all about them: not at edges, whose pixels are mixed."""
    return -F.max_pool2d(-visible[:, None], 5, 1, 2)[:, 0] > 0.5


@pytest.mark.parametrize("reach", (16, 60))
@pytest.mark.parametrize("kind", scene.CASTS)
def test_true_flow_leads_to_the_same_colours_where_it_is_seen(still_light, kind, reach):
    batch = still_light(kind, reach)
    for way in range(4):
        flow, seen = batch.flows[:, way], inner(batch.visible[:, way])
        right = errors(batch, way, flow)[seen]
        still, against = (errors(batch, way, other)[seen] for other in (flow * 0, -flow))
        assert seen.float().mean() > 0.3
        assert right.mean() < 0.008, f"way {way}: {right.mean():.4f}"
        assert right.mean() < 0.2 * min(still.mean(), against.mean()), f"{right.mean():.4f}, {still.mean():.4f}"
        assert (right > 0.06).float().mean() < 0.03


@pytest.mark.parametrize("kind", scene.CASTS)
def test_a_point_that_is_seen_comes_back(still_light, kind):
    batch = still_light(kind, 16)
    there, seen = batch.flows[:, 0], inner(batch.visible[:, 0])
    off = (there + warp(batch.flows[:, 1], there)).norm(dim=1)[seen]
    assert off.median() < 0.02 and off.quantile(0.97) < 0.5, f"{off.median():.3f}, {off.quantile(0.97):.3f}"


@pytest.mark.parametrize("kind", scene.CASTS)
def test_what_is_not_seen_is_not_found_by_its_flow(still_light, kind):
    batch = still_light(kind, 60)
    for way in range(4):
        wrong, hidden = errors(batch, way, batch.flows[:, way]), batch.visible[:, way] < 0.5
        assert 0.01 < hidden.float().mean() < 0.7
        assert wrong[hidden].mean() > 5 * wrong[inner(batch.visible[:, way])].mean()


def stands(studio, kind, n=4, reach=20):
    """Scenes as numbers, and their frames' times."""
    drawn = scene.CASTS[kind][0](Stage(Random(7, studio.device), SIZE, studio.each), n, reach)
    drawn.opacity *= drawn.opacity > 0.5
    return drawn, torch.tensor([[-1.0, 0.0, 0.5, 1.0, 2.0]], device=studio.device).expand(n, 5)


@pytest.mark.parametrize("kind", ("pan", "cloth"))
def test_rows_that_are_exposed_one_after_another_keep_their_flow_true(studio, kind):
    drawn, times = stands(studio, kind)
    drawn.lit.clear()
    lag = torch.full((4,), 0.4, device=studio.device)
    rolled, whole = (Drawing(drawn, studio.banks, times, one, SIZE, WAYS) for one in (lag, None))
    seen = inner(rolled.visible[:, 0].float())
    back = warp(rolled.pictures[:, 3], rolled.flows[:, 0])
    assert (back - rolled.pictures[:, 1]).abs().mean(1)[seen].mean() < 0.01
    assert (rolled.flows - whole.flows).abs().max() > 1


def test_an_open_shutter_shows_the_mean_of_instants(studio):
    drawn, times = stands(studio, "things")
    shutter = torch.full((4,), 0.5, device=studio.device)
    fast = blurred(drawn, studio.banks, times[:, 1:2], None, SIZE, shutter)
    instants = [times[:, 1:2] + 0.5 * ((i + 0.5) / 40 - 0.5) for i in range(40)]
    slow = sum(Drawing(drawn, studio.banks, s, None, SIZE).pictures for s in instants) / 40
    sharp = Drawing(drawn, studio.banks, times[:, 1:2], None, SIZE).pictures
    off, unblurred = ((picture - slow).abs()[..., 8:-8, 8:-8].mean() for picture in (fast, sharp))
    assert off < 0.008 and off < 0.3 * unblurred, f"{off:.4f}, {unblurred:.4f}"


def test_batches_are_what_they_are_said_to_be(studio):
    batch = studio.batch(6, 40, 9)
    assert batch.frames.shape == (6, 5, 3, SIZE, SIZE) and batch.flows.shape == (6, 4, 2, SIZE, SIZE)
    assert batch.t.shape == (6,) and batch.spacing.shape == (6, 2) and batch.visible.shape == (6, 4, SIZE, SIZE)
    for part in (batch.frames, batch.t, batch.spacing, batch.flows, batch.visible):
        assert part.dtype == torch.float32 and part.device.type == studio.device.type and part.isfinite().all()
    assert batch.frames.min() >= 0 and batch.frames.max() <= 1 and batch.frames.std() > 0.05
    assert ((batch.t > 0) & (batch.t < 1)).all() and ((batch.visible == 0) | (batch.visible == 1)).all()
    assert ((batch.spacing == 0) | ((batch.spacing >= 0.3) & (batch.spacing <= 1))).all()
    for side, outer, inner_ in ((0, 0, 1), (1, 4, 3)):
        none = batch.spacing[:, side] == 0
        assert torch.equal(batch.frames[none, outer], batch.frames[none, inner_])


def test_the_same_index_draws_the_same_and_another_another(studio):
    one, same, other = (studio.batch(2, 12, index) for index in (4, 4, 5))
    assert torch.equal(one.frames, same.frames) and torch.equal(one.flows, same.flows)
    assert not torch.equal(one.frames, other.frames)


def test_a_studio_goes_on_where_another_ended(studio):
    first, resumed = (Studio(6, studio.device, size=64, each=2, texture=64, skip=skip) for skip in (0, 2))
    batches = [first.batch(2, 8) for _ in range(4)]
    assert torch.equal(batches[2].frames, resumed.batch(2, 8).frames)
    assert torch.equal(batches[3].frames, resumed.batch(2, 8).frames)


def test_noise_and_light_leave_the_frame_between_clean_and_the_motion_as_it_is(studio):
    plain, filmed = (studio.batch(8, 12, 6, ["things"], plain=plain, turned=False) for plain in (True, False))
    assert torch.equal(plain.flows, filmed.flows) and torch.equal(plain.visible, filmed.visible)
    assert not torch.equal(plain.frames, filmed.frames)


def test_mirrors_and_time_turned_back_keep_flow_true(still_light):
    batch, random = still_light("things", 16), Random(3, "cpu")
    parts = [part.cpu() for part in (batch.frames, batch.t, batch.spacing, batch.flows, batch.visible)]
    frames, t, spacing, flows, visible = views.backwards(random, *parts)
    frames, flows, visible = views.turned(random, frames, flows, visible)
    other = Batch(frames, t, spacing, flows, visible)
    assert not torch.equal(other.t, parts[1]) and not torch.equal(other.frames, parts[0])
    for way in range(4):
        assert errors(other, way, flows[:, way])[inner(visible[:, way])].mean() < 0.008
