"""Random numbers on the device, and the decisions that a whole group of samples shares."""

import math

import torch


class Random:
    """Draws from one generator on its device; decisions come from another on the processor, so that a GPU is not waited
    for."""

    def __init__(self, seed, device):
        self.device = torch.device(device)
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.decisions = torch.Generator().manual_seed(seed ^ 0x5DEECE66D)

    def decide(self, share):
        """True in `share` of the cases, for all samples alike."""
        return self.between(0, 1) < share

    def between(self, low, high):
        """One number for all samples, evenly from `low` to `high`."""
        return low + (high - low) * torch.rand((), generator=self.decisions).item()

    def pick(self, shares):
        """An index, as often as its share says."""
        return int(torch.multinomial(torch.tensor(shares), 1, generator=self.decisions))

    def uniform(self, low, high, *shape):
        return torch.rand(*shape, generator=self.generator, device=self.device) * (high - low) + low

    def normal(self, *shape):
        return torch.randn(*shape, generator=self.generator, device=self.device)

    def log_uniform(self, low, high, *shape):
        return torch.exp(self.uniform(math.log(low), math.log(high), *shape))

    def chance(self, share, *shape):
        return self.uniform(0, 1, *shape) < share

    def choice(self, count, *shape):
        return torch.randint(count, shape, generator=self.generator, device=self.device)

    def permutations(self, count, *shape):
        """Orders of so many things, [..., count]."""
        return self.uniform(0, 1, *shape, count).argsort(-1)

    def vectors(self, length, flat=1.0):
        """Vectors of given lengths in all directions, [...] → [..., 2]; `flat` squeezes their y."""
        angle = self.uniform(0, math.tau, *length.shape)
        return torch.stack([torch.cos(angle) * length, torch.sin(angle) * length * flat], -1)
