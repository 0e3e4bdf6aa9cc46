"""Writes tests/fixtures/training/heads/losses.json: losses of the heads on the codes and their gradients by PyTorch.

Run with PyTorch and transformers: python tests/interop/make-head-goldens.py
Weights and inputs come from a linear congruential generator that the test repeats. Of each gradient the file holds its
norm and its product with a vector of the same generator.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "training" / "heads"
BATCH, TOKENS, WIDTH, MELS, PER_TOKEN = 3, 6, 8, 5, 4
FRAMES = TOKENS * PER_TOKEN
LENGTHS = [24, 17, 6]
UNITS, CTC_LABELS = 6, [[1, 2, 2, 5], [-1, -1, -1, -1], [3, 4, 5, -1]]
CLASSES, TAGS = 7, [[1, 4], None, [0]]
TEACHER = {"d_model": 8, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 12, "num_mel_bins": MELS, "max_source_positions": 15}


def uniform(name, count, scale):
    """`count` values in ±scale; the seed is a hash of the name."""
    state = 2166136261
    for c in name:
        state = ((state ^ ord(c)) * 16777619) % 2**32
    values = []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append((state / 2**31 - 1) * scale)
    return torch.tensor(values, dtype=torch.float32).double()


parameters = {}


def parameter(name, *shape):
    if name not in parameters:
        fan_in = math.prod(shape[1:]) if len(shape) > 1 else 4
        parameters[name] = uniform(name, math.prod(shape), 1 / math.sqrt(fan_in)).view(shape).requires_grad_()
    return parameters[name]


def linear(name, x, width):
    return F.linear(x, parameter(f"{name}.weight", width, x.shape[-1]), parameter(f"{name}.bias", width))


def norm(name, x):
    return F.layer_norm(x, x.shape[-1:], parameter(f"{name}.weight", x.shape[-1]), parameter(f"{name}.bias", x.shape[-1]))


codes = uniform("codes", BATCH * TOKENS * WIDTH, 1).view(BATCH, TOKENS, WIDTH).requires_grad_()
hidden = uniform("hidden", BATCH * TOKENS * WIDTH, 1).view(BATCH, TOKENS, WIDTH).requires_grad_()
features = uniform("features", BATCH * MELS * FRAMES, 1).view(BATCH, MELS, FRAMES)
drawn = uniform("pitch", BATCH * FRAMES, 1).view(BATCH, FRAMES)
pitch = torch.where(drawn > -0.2, (drawn.float() + 2).double(), torch.zeros(()))
frame_mask = torch.arange(FRAMES) < torch.tensor(LENGTHS)[:, None]
token_mask = frame_mask[:, ::PER_TOKEN]


def ctc():
    rows = [i for i, row in enumerate(CTC_LABELS) if row[0] >= 0]
    labels = torch.tensor(CTC_LABELS)
    logits = linear("heads.ctc.linear", norm("heads.ctc.layer_norm", codes), UNITS).log_softmax(-1)
    sizes = ((labels >= 0).sum(1), token_mask.sum(1))
    return F.ctc_loss(
        logits[rows].transpose(0, 1), labels[rows].clamp(min=0), sizes[1][rows], sizes[0][rows], reduction="mean", zero_infinity=True
    )


def tags():
    each = linear("heads.tags.linear", norm("heads.tags.layer_norm", codes), CLASSES)
    losses = []
    for row, own in enumerate(TAGS):
        if own is None:
            continue
        real = each[row, token_mask[row]]
        target = torch.zeros(CLASSES, dtype=torch.float64)
        target[own] = 1
        losses.append(F.binary_cross_entropy_with_logits(real.logsumexp(0) - math.log(len(real)), target))
    return sum(losses) / len(losses)


def foretold(name, values):
    shared = F.gelu(linear("heads.frames.hidden", norm("heads.frames.layer_norm", codes), WIDTH))
    return linear(f"heads.frames.{name}", shared, PER_TOKEN * values).view(BATCH, FRAMES, values)


def log_mel():
    return F.mse_loss(foretold("log_mel", MELS)[frame_mask], features.transpose(1, 2)[frame_mask])


def energy():
    return F.mse_loss(foretold("energy", 1)[..., 0][frame_mask], features.mean(1)[frame_mask])


def pitches():
    octaves, voicing = foretold("pitch", 2).unbind(-1)
    voiced = (pitch > 0) & frame_mask
    entropy = F.binary_cross_entropy_with_logits(voicing[frame_mask], voiced[frame_mask].double())
    return F.mse_loss(octaves[voiced], pitch[voiced]) + entropy


def distill():
    config = WhisperConfig(**TEACHER, attn_implementation="eager", dropout=0, attention_dropout=0, activation_dropout=0)
    encoder = WhisperEncoder(config).double().eval()
    for name, p in encoder.named_parameters():
        p.data = parameter(f"teacher.{name}", *p.shape).detach()
    x = F.gelu(encoder.conv2(F.gelu(encoder.conv1(features)))).transpose(1, 2)
    x = x + encoder.embed_positions.weight[: x.shape[1]]
    real = frame_mask[:, ::2]
    bias = torch.zeros(BATCH, 1, 1, x.shape[1], dtype=torch.float64).masked_fill(~real[:, None, None], -math.inf)
    for layer in encoder.layers:
        x = layer(x, bias.expand(-1, -1, x.shape[1], -1), None)[0]
    x = encoder.layer_norm(x)
    targets = torch.stack([
        torch.stack([x[b, t * 2 : t * 2 + 2][real[b, t * 2 : t * 2 + 2]].mean(0) for t in range(TOKENS)]) for b in range(BATCH)
    ])
    return F.mse_loss(linear("heads.distill.linear", hidden, TEACHER["d_model"])[token_mask], targets[token_mask].detach())


def summary(name, gradient):
    flat = gradient.flatten()
    return {"norm": flat.norm().item(), "product": (flat @ uniform(f"{name}?", len(flat), 1)).item()}


heads = {}
for name, make in {"ctc": ctc, "tags": tags, "log_mel": log_mel, "energy": energy, "pitch": pitches, "distill": distill}.items():
    loss = make()
    inputs = {"codes": codes, "hidden": hidden, **parameters}
    grads = torch.autograd.grad(loss, list(inputs.values()), allow_unused=True)
    heads[name] = {"loss": loss.item(), "gradients": {n: summary(n, g) for n, g in zip(inputs, grads) if g is not None}}

OUT.mkdir(parents=True, exist_ok=True)
content = {
    "torch": torch.__version__.split("+")[0],
    "lengths": LENGTHS,
    "ctcLabels": CTC_LABELS,
    "tags": TAGS,
    "teacher": TEACHER,
    "shapes": {name: list(p.shape) for name, p in parameters.items()},
    "heads": heads,
}
(OUT / "losses.json").write_text(json.dumps(content, indent=1) + "\n")
