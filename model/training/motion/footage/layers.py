"""Scenes as numbers: layers from back to front, how each looks, and how it moves; see `motions` for the formula."""

from dataclasses import dataclass, fields

import torch

WAVES = 2
PATH = ("shift", "bend", "jerk", "sway", "before", "after")
JOINT = ("base", "even", "height", "speed", "phase", "bend")
BASE, EVEN, HEIGHT, SPEED, PHASE, BEND = range(len(JOINT))
SHARED = ("wavy", "lit")


@dataclass
class Scene:
    """N scenes of L layers; shapes [N, L, …]."""

    texture: torch.Tensor
    """Which texture of the bank."""
    channels: torch.Tensor
    """The order in which its colours are taken, [N, L, 3]."""
    texels: torch.Tensor
    """Texels a pixel, and where the texture's middle lies: [N, L, 1] and [N, L, 2] in one, [N, L, 3]."""
    gain: torch.Tensor
    """Contrast of each colour, [N, L, 3]."""
    lift: torch.Tensor
    """What is added to each colour, [N, L, 3]."""
    shape: torch.Tensor
    """Which shape of the bank."""
    size: torch.Tensor
    """Half sides in pixels, [N, L, 2]; a negative one is a mirror's."""
    soft: torch.Tensor
    """How wide an edge is, in pixels."""
    grow: torch.Tensor
    """How far a shape reaches beyond itself, in pixels: an outline behind its letters."""
    opacity: torch.Tensor
    """What a layer covers where it is whole; 0 where there is no such layer."""
    place: torch.Tensor
    """p, where it stands at 0, [N, L, 2]."""
    offsets: torch.Tensor
    """o0, o1 and c, [N, L, 3, 2]."""
    angle: torch.Tensor
    """The joints' `JOINT`, [N, L, 3, 6], in radians and intervals."""
    zoom: torch.Tensor
    """The natural logarithm of z, [N, L]."""
    path: torch.Tensor
    """`PATH` in pixels, [N, L, 6, 2]."""
    waves: torch.Tensor
    """Height across and along in pixels, wave numbers across and along in radians a pixel, speed and phase: [N, L,
    WAVES, 6]."""
    folds: torch.Tensor
    """How much lighter a wave's front is than its back."""
    turn: torch.Tensor
    """The camera's turn over the interval in radians, as it is seen of each layer."""
    closing: torch.Tensor
    """The logarithm of the camera's zoom over the interval."""
    wavy: set
    """Layers of which some deform; the others are rigid."""
    lit: set
    """Layers of which some are shaded by their folds."""

    def layer(self, index):
        """One layer of all scenes, [N, …]; `wavy` and `lit` say whether it is one of those."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return Scene(**{name: index in part if name in SHARED else part[:, index] for name, part in parts.items()})

    def flat(self):
        """All layers of all scenes one after another, [N·L, …]."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return Scene(**{name: part if name in SHARED else part.flatten(0, 1) for name, part in parts.items()})

    def __len__(self):
        return self.texture.shape[1]

    def still(self, share):
        """All motion times `share` [N]: 0 where nothing is to move."""
        for name in ("path", "zoom", "turn", "closing"):
            value = getattr(self, name)
            value *= share.reshape(-1, *[1] * (value.ndim - 1))
        self.angle[..., [EVEN, SPEED, BEND]] *= share[:, None, None, None]
        self.waves[..., 4] *= share[:, None, None]
