"""What all trainers share."""

import pytest
import torch

import trainer


def test_the_rate_comes_up_and_goes_down_as_a_cosine_does():
    assert [trainer.warmup(step, 100) for step in (0, 49, 99, 5000)] == [0.01, 0.5, 1, 1]
    assert [trainer.cosine(share, 0.02) for share in (0, 0.5, 1, 3)] == pytest.approx([1, 0.51, 0.02, 0.02])


def test_an_average_follows_its_weights_closely_at_first_and_slowly_later():
    average, weights = torch.zeros(1), torch.ones(1)
    trainer.update_average([average], [weights], step=1, decay=0.99, warm=9)
    assert average.item() == pytest.approx(0.9)
    trainer.update_average([average], [torch.zeros(1)], step=10_000, decay=0.99, warm=9)
    assert average.item() == pytest.approx(0.9 * 0.99)


def test_a_training_goes_on_from_its_checkpoint_as_if_it_had_not_stopped(tmp_path):
    def begun():
        model = torch.nn.Linear(3, 1)
        return {"model": model, "optimizer": torch.optim.AdamW(model.parameters())}

    def step(parts):
        parts["model"](torch.ones(3)).backward()
        parts["optimizer"].step()
        return parts["model"].weight.detach().clone()

    one, other = begun(), begun()
    step(one)
    trainer.save(tmp_path / "run.pt", one, step=1)
    assert trainer.resume(tmp_path / "run.pt", other, "cpu") == {"step": 1}
    # What is left of the first's gradients is no part of a checkpoint.
    one["model"].zero_grad()
    assert torch.equal(step(one), step(other))


def test_what_is_cut_short_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "state.json"
    trainer.written(path, lambda partial: partial.write_text("whole"))

    def cut_short(partial):
        partial.write_text("wh")
        raise OSError("no room")

    with pytest.raises(OSError):
        trainer.written(path, cut_short)
    assert path.read_text() == "whole"
