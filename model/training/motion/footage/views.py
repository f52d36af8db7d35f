"""Samples seen in other ways, each of them by itself: in mirrors, with rows for columns, backwards in time."""

import torch

BACKWARDS = (1, 0, 3, 2)
"""Which flow takes each one's place when time runs backwards: 0→1 and 1→0 change places, as do t→0 and t→1."""


def where(chosen, new, old):
    """Per sample one or the other: `chosen` [N]."""
    return torch.where(chosen.reshape(-1, *[1] * (old.ndim - 1)), new, old)


def turned(random, frames, flows, visible):
    """Each sample in mirrors, and with rows for columns, half of them each: frames [N, F, 3, S, S], flows [N, W, 2, S,
    S], visible [N, W, S, S]."""
    sign = flows.new_tensor([-1, 1])[:, None, None]
    for turn, along in ((lambda x: x.flip(-1), lambda f: f * sign), (lambda x: x.flip(-2), lambda f: f * -sign),
                        (lambda x: x.transpose(-1, -2), lambda f: f.flip(2))):
        chosen = random.chance(0.5, len(frames))
        frames = where(chosen, turn(frames), frames)
        flows = where(chosen, along(turn(flows)), flows)
        visible = where(chosen, turn(visible), visible)
    return frames, flows, visible


def backwards(random, frames, t, spacing, flows, visible):
    """Half of the samples backwards in time; `t` [N] and `spacing` [N, 2] of the frames too."""
    chosen = random.chance(0.5, len(frames))
    order = list(BACKWARDS)
    return (where(chosen, frames.flip(1), frames), where(chosen, 1 - t, t), where(chosen, spacing.flip(1), spacing),
            where(chosen, flows[:, order], flows), where(chosen, visible[:, order], visible))
