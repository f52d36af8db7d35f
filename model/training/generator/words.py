"""Trains the text encoder on captions alone: each word of one is to tell all that the caption asks for.

    nice python -m generator.words --run runs/words --steps 3000

So the transformer hears in every word what the whole caption says, however it is put, and has not to learn to read while
it learns to draw. What a caption does not say is a value of its own. Stops and goes on at any time.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import T5EncoderModel

from stock.briefs import caption, drawn_ask, said
from stock.camera import CAMERAS, LOOKS
from stock.library import ELEMENTS

from . import models
from .training import Training

# How many captions say nothing, and how many have a word in them that nobody knows.
EMPTY, UNKNOWN = 0.05, 0.15
UNKNOWN_WORDS = ("zorb", "qux", "flim", "brall", "ondry")


def answers():
    """Everything a caption can ask for: attribute to its values; the first value is that it is not said."""
    values = {"element": sorted(ELEMENTS), "camera": CAMERAS, "look": LOOKS}
    for element in ELEMENTS.values():
        for attribute, those in element.attributes.items():
            values.setdefault(attribute, set()).update(those)
    return {attribute: ("", *sorted(those)) for attribute, those in values.items()}


def with_unknown(rng, words, share=UNKNOWN):
    """A caption, now and then with a word in it that nobody knows."""
    if words and rng.random() < share:
        at = words.split()
        at.insert(int(rng.integers(len(at) + 1)), str(rng.choice(UNKNOWN_WORDS)))
        words = " ".join(at)
    return words


def asked(rng, held=False):
    """A caption, and what it asks for."""
    if rng.random() < EMPTY and not held:
        return "", {}
    name = str(rng.choice(sorted(ELEMENTS)))
    told = said(rng, name, ask := drawn_ask(rng, name, held))
    return with_unknown(rng, caption(rng, name, ask, told)), told | {"element": name}


class Reader(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.tokenizer = models.tokenizer()
        self.text_encoder = models.text_encoder()
        self.answers = answers()
        self.heads = torch.nn.ModuleDict(
            {a: torch.nn.Linear(models.TEXT_WIDTH, len(values)) for a, values in self.answers.items()})

    def forward(self, texts):
        """For each attribute, what each word tells of it; and which are words."""
        words = self.tokenizer(texts, padding=True, return_tensors="pt").to(models.DEVICE)
        told = self.text_encoder(words.input_ids, attention_mask=words.attention_mask).last_hidden_state
        return {a: head(told) for a, head in self.heads.items()}, words.attention_mask.bool()

    def wanted(self, told):
        """The values asked for, as numbers: attribute to `[captions]`."""
        return {a: torch.tensor([values.index(t.get(a, "")) for t in told], device=models.DEVICE)
                for a, values in self.answers.items()}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--run", type=Path, required=True)
    p.add_argument("--steps", type=int, default=3000)
    p.add_argument("--batch", type=int, default=96)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--from", dest="start", type=Path, help="a model's folder to go on from")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    reader = Reader()
    if args.start:
        reader.text_encoder.load_state_dict(T5EncoderModel.from_pretrained(args.start / "text_encoder").state_dict())
    reader.to(models.DEVICE)
    training = Training(reader, args.run, lambda n, p: p.ndim == 2 and ".block." in n and "bias" not in n)
    rng = np.random.default_rng([17, training.step])

    def judged():
        texts, told = zip(*(asked(rng) for _ in range(args.batch)))
        tells, words = reader(list(texts))
        wanted = reader.wanted(told)
        loss = sum(F.cross_entropy(tells[a][words], wanted[a][:, None].expand(words.shape)[words]) for a in tells)
        wrong = sum((tells[a][:, 0].argmax(-1) != wanted[a]).float().mean() for a in tells)
        return loss, {"loss": loss.detach(), f"wrong of {len(tells)} a caption": wrong}

    training.run(args.steps, args.rate, judged)


if __name__ == "__main__":
    main()
