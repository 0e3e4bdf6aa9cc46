"""Takes a checkpoint of ours on under PyTorch: weights, AdamW's moments and the scheduler's step, there and back.

    npx tsx tests/interop/training-torch.ts start DIR      # three steps here, DIR/checkpoint-3 and its optimizer.pt
    python tests/interop/training-continue.py DIR 4        # four steps in torch, DIR/torch
    npx tsx tests/interop/training-torch.ts finish DIR 4   # compares, goes on from torch's files, compares again

Run with PyTorch 2.6 and safetensors. The files are opened with weights_only=True. The loss is half the squared distance
of every parameter to a fixed pattern, so that both sides have the same gradient without sharing a model.
"""

import math
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

# as in training-torch.ts
RATES = {"encoder": 1e-4, "decoder": 6e-3}
CLIP = 1.0


def schedule(step):
    """Share of the base rate at a step: falls by a half over ten steps."""
    return 1 - 0.05 * step


def target(parameter):
    k = torch.arange(parameter.numel(), dtype=torch.float64)
    return torch.cos(k).float().view(parameter.shape)


def main(folder, steps):
    weights = load_file(folder / "checkpoint-3" / "model.safetensors")
    order = [line.split("\t") for line in (folder / "groups.tsv").read_text().splitlines()]
    parameters = {name: torch.nn.Parameter(weights[name]) for _, name in order}
    groups = [
        {"name": group, "params": [parameters[n] for g, n in order if g == group], "lr": rate}
        for group, rate in RATES.items()
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    optimizer.load_state_dict(torch.load(folder / "optimizer.pt", weights_only=True))
    scheduler.load_state_dict(torch.load(folder / "scheduler.pt", weights_only=True))
    print(f"loaded: step {scheduler.last_epoch}, rates {[g['lr'] for g in optimizer.param_groups]}")
    for _ in range(steps):
        optimizer.zero_grad()
        loss = sum(((p - target(p)) ** 2).sum() / 2 for p in parameters.values())
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), CLIP)
        optimizer.step()
        scheduler.step()
        print(f"step {scheduler.last_epoch}: loss {loss.item():.6f}, gradient norm {norm.item():.6f}")
        assert math.isfinite(loss.item())
    out = folder / "torch"
    out.mkdir(exist_ok=True)
    save_file({name: p.detach().clone() for name, p in parameters.items()}, out / "model.safetensors")
    torch.save(optimizer.state_dict(), out / "optimizer.pt")
    torch.save(scheduler.state_dict(), out / "scheduler.pt")


main(Path(sys.argv[1]), int(sys.argv[2]))
