"""What all trainers share: the learning rate's schedule, the moving average of the weights, and checkpoints."""

import math

import torch


def warmup(step, steps):
    """The share of the peak learning rate while it comes up over so many steps."""
    return min(1.0, (step + 1) / steps)


def cosine(share, least):
    """Cosine annealing (Loshchilov & Hutter 2017): from 1 down to `least` when the whole run, a share of 1, is done."""
    return least + (1 - least) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate


def descend(loss, model, optimizer):
    """One step of an optimiser down the loss, by gradients of the model's weights of norm 1 at most; none where those are not
    finite."""
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    if torch.isfinite(norm):
        optimizer.step()


@torch.no_grad()
def update_average(average, weights, step, decay, warm):
    """One update of an exponential moving average of weights. Its decay comes up to `decay`, over the more steps the larger
    `warm` is, since the first weights are not worth remembering."""
    torch._foreach_lerp_(list(average), list(weights), 1 - min(decay, step / (step + warm)))


def written(path, write):
    """Has a file written at once or not at all."""
    partial = path.with_name(path.name + ".partial")
    write(partial)
    partial.replace(path)


def save(path, parts, **state):
    """Writes a checkpoint: what `parts`, models and optimisers by name, know of themselves, and a state of any kind."""
    written(path, lambda partial: torch.save({name: part.state_dict() for name, part in parts.items()} | state, partial))


def resume(path, parts, device):
    """Goes on from a checkpoint, which has to be there; the state that was saved beside the parts."""
    state = torch.load(path, map_location=device)
    for name, part in parts.items():
        part.load_state_dict(state.pop(name))
    return state
