"""Writes tests/fixtures/training/adamw: what torch.optim.AdamW, OneCycleLR and AveragedModel do over a few steps.

Run with PyTorch 2.6: python tests/interop/make-adamw-goldens.py
Values are float32, printed with nine digits, which tell every float32 from its neighbours.
"""

import json
from pathlib import Path

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "training" / "adamw"
STEPS = 6
SHAPES = {"encoder.weight": (5, 7), "encoder.bias": (5,), "decoder.weight": (4, 3, 2), "head.scale": (), "frozen": (3,)}
# head.scale gets no gradient in these steps (None in torch)
WITHOUT = {2: ["head.scale"], 3: ["head.scale"]}
GROUPS = [
    {"name": "encoder", "params": ["encoder.weight", "encoder.bias"], "lr": 1e-3, "weight_decay": 0.1},
    {"name": "decoder", "params": ["decoder.weight"], "lr": 2e-2, "betas": [0.8, 0.95], "eps": 1e-6, "weight_decay": 0.0},
    {"name": "rest", "params": ["head.scale"], "lr": 5e-3},
]
CLIP = 1.0
DECAY = 0.9


def numbers(tensor):
    return [float(f"{v:.9g}") for v in tensor.detach().flatten().tolist()]


def model(generator):
    m = torch.nn.Module()
    for name, shape in SHAPES.items():
        value = torch.randn(shape, generator=generator)
        m.register_parameter(name.replace(".", "_"), torch.nn.Parameter(value, requires_grad=name != "frozen"))
    return m


def parameter(m, name):
    return getattr(m, name.replace(".", "_"))


def optimizer_of(m):
    groups = [{**g, "params": [parameter(m, n) for n in g["params"]]} for g in GROUPS]
    return torch.optim.AdamW(groups, amsgrad=False)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(4)
    m = model(generator)
    optimizer = optimizer_of(m)
    # every group's rate falls by a tenth a step, so that a step counts where it should
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - 0.1 * step)
    average = AveragedModel(m, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
    average.update_parameters(m)  # the first call copies
    trained = [n for g in GROUPS for n in g["params"]]
    golden = {
        "shapes": SHAPES,
        "groups": GROUPS,
        "clip": CLIP,
        "decay": DECAY,
        "initial": {n: numbers(parameter(m, n)) for n in SHAPES},
        "steps": [],
    }
    for step in range(STEPS):
        optimizer.zero_grad(set_to_none=True)
        without = WITHOUT.get(step, [])
        gradients = {}
        for n in trained:
            if n in without:
                continue
            # steps 0 and 4 stay below the clipping norm
            gradients[n] = torch.randn(SHAPES[n], generator=generator) * (0.05 if step in (0, 4) else 3.0)
            parameter(m, n).grad = gradients[n].clone()
        norm = torch.nn.utils.clip_grad_norm_(list(m.parameters()), CLIP)
        optimizer.step()
        scheduler.step()
        average.update_parameters(m)
        golden["steps"].append({
            "gradients": {n: numbers(g) for n, g in gradients.items()},
            "norm": float(norm),
            "parameters": {n: numbers(parameter(m, n)) for n in SHAPES},
            "average": {n: numbers(parameter(average.module, n)) for n in SHAPES},
        })
        if step == 2:
            torch.save(optimizer.state_dict(), OUT / "optimizer-step3.pt")
            torch.save(scheduler.state_dict(), OUT / "scheduler-step3.pt")
    state = optimizer.state_dict()["state"]
    golden["moments"] = {
        n: {"step": int(state[i]["step"]), "exp_avg": numbers(state[i]["exp_avg"]), "exp_avg_sq": numbers(state[i]["exp_avg_sq"])}
        for i, n in enumerate(trained)
    }
    (OUT / "steps.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")

    cycles = []
    for options in ({"max_lr": 1e-3, "total_steps": 20}, {"max_lr": 0.02, "total_steps": 7, "pct_start": 0.5, "div_factor": 10.0, "final_div_factor": 100.0}):
        p = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.AdamW([p])
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, **options)
        rows = []
        for _ in range(options["total_steps"]):
            rows.append([optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"][0]])
            optimizer.step()
            if len(rows) < options["total_steps"]:
                scheduler.step()
        cycles.append({"options": options, "rows": rows})
    (OUT / "one-cycle.json").write_text(json.dumps(cycles, separators=(",", ":")) + "\n")


main()
