"""Where a training's batches come from: drawn as they are needed, here or by helpers, and used several times."""

from collections import deque
from dataclasses import fields

import torch

from motion.footage import Batch, Studio, views
from motion.footage.draws import Random

NAMES = [field.name for field in fields(Batch)]
LEAST_REACH, MOST_REACH, LEARNED_BY = 16.0, 200.0, 150_000
"""The curriculum: motions of up to 16 pixels at first, of up to 200 when so many samples were seen."""


def reach_at(seen, random):
    """The largest motion of a batch, in pixels: as often of each octave up to what the curriculum has come to."""
    most = LEAST_REACH + (MOST_REACH - LEAST_REACH) * min(1.0, seen / LEARNED_BY)
    return 8.0 * (most / 8.0) ** random.between(0, 1)


def seen_otherwise(batch, random):
    """A batch with its samples in mirrors, with rows for columns, and backwards in time, each of them or not."""
    frames, flows, visible = views.turned(random, batch.frames, batch.flows, batch.visible)
    return Batch(*views.backwards(random, frames, batch.t, batch.spacing, flows, visible))


class Pool:
    """Samples that are used again, `most` of them, in memory that is taken once: frames in half precision (a 4096th of
    white at most is lost), what is seen as a byte. The oldest go first."""

    KINDS = {"frames": torch.float16, "visible": torch.bool}

    def __init__(self, most):
        self.most, self.count, self.parts = most, 0, None

    def __len__(self):
        return min(self.count, self.most)

    def add(self, batch):
        values = {name: getattr(batch, name) for name in NAMES}
        if self.parts is None:
            self.parts = {name: value.new_empty((self.most, *value.shape[1:]), dtype=self.KINDS.get(name, value.dtype))
                          for name, value in values.items()}
        at = torch.arange(self.count, self.count + len(batch)) % self.most
        for name, value in values.items():
            self.parts[name][at.to(value.device)] = value.to(self.parts[name].dtype)
        self.count += len(batch)

    def some(self, n, random):
        chosen = random.permutations(len(self))[:n]
        return Batch(*(self.parts[name][chosen].float() for name in NAMES))


class Helpers:
    """Processes that draw on the processor. What is ordered comes in order: the same seed gives the same batches."""

    def __init__(self, count, seed, size):
        self.orders, self.ahead = deque(), 2 * count
        self.workers = torch.multiprocessing.get_context("spawn").Pool(count, self.begin, (seed, size))

    @classmethod
    def begin(cls, seed, size):
        torch.set_num_threads(1)
        cls.studio = Studio(seed, "cpu", size)

    @classmethod
    def draw(cls, n, reach, index):
        batch = cls.studio.batch(n, reach, index)
        return [getattr(batch, name) for name in NAMES]

    def order(self, *what):
        self.orders.append(self.workers.apply_async(self.draw, what))

    def next(self):
        return Batch(*self.orders.popleft().get())


class Supply:
    """Batches for a training, of `batch` samples each. They are drawn anew each time, or taken from a pool of samples
    of which each is used about `reuse` times, since drawing costs a processor more than learning from what was drawn.
    `index` is the number of the next batch to be drawn, by the studio or by as many `helpers`."""

    def __init__(self, studio, batch, reuse, pool, index, seed, helpers=0):
        self.studio, self.size, self.reuse = studio, batch, reuse
        self.index = self.ordered = index
        self.seed, self.random = seed, Random(seed * 7919 + index, studio.device)
        self.helpers = Helpers(helpers, studio.seed, studio.size) if helpers else None
        self.pool, self.owed = Pool(max(pool, 4 * batch)) if reuse > 1 else None, 0.0

    def what(self, index, seen):
        """What the batch of a number is to be, whoever draws it."""
        return self.size, reach_at(seen, Random(self.seed * 104_729 + index, "cpu")), index

    def draw(self, seen):
        if self.helpers:
            while len(self.helpers.orders) <= self.helpers.ahead:
                self.helpers.order(*self.what(self.ordered, seen))
                self.ordered += 1
            batch = self.helpers.next()
            batch = Batch(*(getattr(batch, name).to(self.studio.device) for name in NAMES))
        else:
            batch = self.studio.batch(*self.what(self.index, seen))
        self.index += 1
        return batch

    def next(self, seen):
        """The next batch, when `seen` samples have been learned from."""
        if self.pool is None:
            return seen_otherwise(self.draw(seen), self.random)
        self.owed += 1 / self.reuse
        while self.owed > 0 or len(self.pool) < 4 * self.size:
            self.pool.add(self.draw(seen))
            self.owed -= 1
        return seen_otherwise(self.pool.some(self.size, self.random), self.random)
