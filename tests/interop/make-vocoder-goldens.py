"""Writes tests/fixtures/training/vocoder/losses.json: losses of vocoder training and their gradients by PyTorch.

Run with PyTorch: python tests/interop/make-vocoder-goldens.py
Weights and sounds come from a linear congruential generator that the test repeats. Of each gradient the file holds its
norm and its product with a vector of the same generator.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "training" / "vocoder"
BATCH, SAMPLES = 2, 4096
RESOLUTIONS = [(512, 120, 480), (1024, 240, 1000), (256, 50, 240)]
PERIODS, PERIOD_CHANNELS = [2, 3, 5], [4, 6, 8]
SPECTRUM_RESOLUTIONS, SPECTRUM_CHANNELS = [(128, 100, 120), (256, 200, 256)], 4


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


def sound(name):
    """Noise whose neighbours resemble each other, swelling over time."""
    noise = uniform(name, BATCH * SAMPLES, 0.5).view(BATCH, SAMPLES)
    smooth = noise + noise.roll(1, 1) + noise.roll(2, 1)
    return (smooth * torch.linspace(0.02, 0.6, SAMPLES, dtype=torch.float64)).float().double()


def summary(name, gradient):
    flat = gradient.flatten()
    return {"norm": flat.norm().item(), "product": (flat @ uniform(f"{name}?", len(flat), 1)).item()}


parameters = {}


def parameter(name, *shape):
    if name not in parameters:
        count = math.prod(shape)
        fan_in = math.prod(shape[1:]) if len(shape) > 1 else 16
        parameters[name] = uniform(name, count, 1 / math.sqrt(fan_in)).view(shape).requires_grad_()
    return parameters[name]


def stft_loss(fake, real):
    total = 0
    for size, hop, window in RESOLUTIONS:
        a, b = magnitude(fake, size, hop, window), magnitude(real, size, hop, window)
        total = total + (b - a).norm() / b.norm() + F.l1_loss(a.log(), b.log())
    return total / len(RESOLUTIONS)


def magnitude(x, size, hop, window):
    spectrum = torch.stft(x, size, hop, window, torch.hann_window(window, dtype=x.dtype), return_complex=True)
    return (spectrum.real**2 + spectrum.imag**2).clamp(min=1e-7).sqrt()


def multi_period(x):
    verdicts = []
    for period in PERIODS:
        missing = -x.shape[1] % period
        h = F.pad(x[:, None], (0, missing), "reflect").view(BATCH, 1, -1, period)
        features = []
        for i, width in enumerate(PERIOD_CHANNELS):
            name = f"period.{period}.convs.{i}"
            weight = parameter(f"{name}.weight", width, h.shape[1], 5)
            stride = 1 if i == len(PERIOD_CHANNELS) - 1 else 3
            h = F.conv2d(h, weight[..., None], parameter(f"{name}.bias", width), (stride, 1), (2, 0))
            h = F.leaky_relu(h, 0.1)
            features.append(h)
        name = f"period.{period}.conv_post"
        score = F.conv2d(h, parameter(f"{name}.weight", 1, h.shape[1], 3)[..., None], parameter(f"{name}.bias", 1), 1, (1, 0))
        verdicts.append((score, [*features, score]))
    return verdicts


def multi_resolution(x):
    verdicts = []
    for r, (size, hop, window) in enumerate(SPECTRUM_RESOLUTIONS):
        h = magnitude(x, size, hop, window).transpose(1, 2)[:, None]  # [batch, 1, frames, bins]
        features = []
        layers = [(9, 1), (9, 2), (9, 2), (9, 2), (3, 1)]
        for i, (kernel, stride) in enumerate([*layers, (3, 1)]):
            last = i == len(layers)
            name = f"resolution.{r}." + ("conv_post" if last else f"convs.{i}")
            out, inner = 1 if last else SPECTRUM_CHANNELS, h.shape[1]
            # stored as [out, 3 · in, kernel]: all channels of the frame before, then of the frame, of the frame after
            weight = parameter(f"{name}.weight", out, 3 * inner, kernel).view(out, 3, inner, kernel).transpose(1, 2)
            h = F.conv2d(h, weight, parameter(f"{name}.bias", out), (1, stride), (1, (kernel - 1) // 2))
            if not last:
                h = F.leaky_relu(h, 0.1)
            features.append(h)
        verdicts.append((h, features))
    return verdicts


def discriminate(x):
    return multi_period(x) + multi_resolution(x)


# a mixture for which no activation lies so near its corner at 0 that rounding decides the side
real, fake = sound("real"), (0.6 * sound("real") + 0.4 * sound("fake")).float().double().requires_grad_()

result = {"torch": torch.__version__, "batch": BATCH, "samples": SAMPLES}

loss = stft_loss(fake, real)
result["stft"] = {"loss": loss.item(), "fake": summary("fake", torch.autograd.grad(loss, fake)[0])}

on_real, on_fake = discriminate(real), discriminate(fake.detach())
loss = sum(((r - 1) ** 2).mean() + (f**2).mean() for (r, _), (f, _) in zip(on_real, on_fake))
names = list(parameters)
gradients = torch.autograd.grad(loss, [parameters[n] for n in names])
result["discriminator"] = {
    "loss": loss.item(),
    "shapes": {n: list(parameters[n].shape) for n in names},
    "gradients": {n: summary(n, g) for n, g in zip(names, gradients)},
}

on_real, on_fake = discriminate(real), discriminate(fake)
adversarial = sum(((f - 1) ** 2).mean() for f, _ in on_fake)
features = sum(F.l1_loss(f, r.detach()) for (_, rs), (_, fs) in zip(on_real, on_fake) for r, f in zip(rs, fs))
for name, loss in [("adversarial", adversarial), ("features", features)]:
    gradient = torch.autograd.grad(loss, fake, retain_graph=True)[0]
    result[name] = {"loss": loss.item(), "fake": summary("fake", gradient)}

OUT.mkdir(parents=True, exist_ok=True)
(OUT / "losses.json").write_text(json.dumps(result, indent=1) + "\n")
