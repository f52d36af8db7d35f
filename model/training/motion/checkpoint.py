"""The small form of a training, which anyone can go on from: it is kept with the code.

Small are the averaged weights in bf16, and of Adam's state the second moments as the products of their rows' and columns' means
(Adafactor, Shazeer & Stern 2018); momentum is gone within a few dozen steps and is left out.
"""

import json

import torch
from safetensors.torch import load_file, save_file

from trainer import written

WEIGHTS, MOMENTS, STATE = "weights.safetensors", "moments.safetensors", "state.json"


def factored(moment):
    """A second moment as the means of its rows and of its columns."""
    flat = moment.reshape(len(moment), -1).float()
    return flat.mean(1), flat.mean(0)


def unfactored(rows, columns, shape):
    return (rows[:, None] * columns[None] / rows.mean().clamp(min=1e-30)).reshape(shape)


def export(folder, smooth, optimizer, names, state):
    """Writes the small form: `names` of the parameters in the optimiser's order, `state` anything that JSON holds."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {k: v.detach().to("cpu", torch.bfloat16).contiguous() for k, v in smooth.state_dict().items()}
    written(folder / WEIGHTS, lambda path: save_file(weights, path))
    moments = {}
    for name, parameter in zip(names, optimizer.param_groups[0]["params"]):
        if "exp_avg_sq" in optimizer.state.get(parameter, {}):
            # Squares of gradients go far below what bf16's exponent is short of, but its eight bits of fraction do.
            rows, columns = factored(optimizer.state[parameter]["exp_avg_sq"])
            moments[f"{name}.rows"], moments[f"{name}.columns"] = (x.to("cpu", torch.bfloat16) for x in (rows, columns))
    written(folder / MOMENTS, lambda path: save_file(moments, path))
    written(folder / STATE, lambda path: path.write_text(json.dumps(state, indent=1) + "\n"))


def restore(folder, models, optimizer, names):
    """Goes on from the small form; the state that was written with it."""
    weights = {k: v.float() for k, v in load_file(folder / WEIGHTS).items()}
    for model in models:
        model.load_state_dict(weights)
    moments = load_file(folder / MOMENTS)
    for name, parameter in zip(names, optimizer.param_groups[0]["params"]):
        if f"{name}.rows" not in moments:
            continue
        rows, columns = (moments[f"{name}.{part}"].float().to(parameter.device) for part in ("rows", "columns"))
        # As many steps as make the moments count as settled.
        optimizer.state[parameter] = {
            "step": torch.tensor(1000.0), "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": unfactored(rows, columns, parameter.shape),
        }
    return json.loads((folder / STATE).read_text())
