"""Writes tests/fixtures/audio-metrics/*.json: scores of clips and of distorted copies of them by the reference packages.

Run with what `pip install pystoi speechmos resemblyzer distillmos torchmetrics librosa webrtcvad` brings:
python tests/interop/make-metric-goldens.py
No audio is stored: clips lie in this repository, distortions are formulas (packages/evaluation/src/metrics/fixtures.ts
computes the same ones).
"""

import importlib
import json
import warnings
from importlib.metadata import version
from pathlib import Path

import distillmos
import librosa
import onnx
import numpy as np
import soundfile
import torch
from pystoi import stoi
from resemblyzer import VoiceEncoder
from speechmos import dnsmos
from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio as si_sdr

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "fixtures" / "audio-metrics"
RATE = 16000
TINY = "recipes/tiny/clips/"
CLIPS = {
    "kathleen-a0018": [TINY + "kathleen-a0018.flac"],
    "kathleen-a0193": [TINY + "kathleen-a0193.flac"],
    "kerstin-0129": [TINY + "kerstin-0129.flac"],
    "speech16k": ["tests/fixtures/audio/speech16k.wav"],
    "long": [TINY + f for f in ("kathleen-a0018.flac", "kathleen-a0036.flac", "kathleen-a0054.flac", "kathleen-a0193.flac", "kerstin-0129.flac")]
    + ["tests/fixtures/audio/speech16k.wav"],
}


def uniform(n, seed):
    """The low 32 bits of a linear congruential generator as numbers in [-1, 1)."""
    state, out = seed, np.empty(n)
    for i in range(n):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = state / 2**31 - 1
    return out


def delayed(x, n):
    return np.concatenate([np.zeros(n), x[: len(x) - n]])


def smoothed(x, taps):
    total = np.concatenate([[0.0], np.cumsum(x)])
    end = np.arange(1, len(x) + 1)
    return (total[end] - total[np.maximum(end - taps, 0)]) / taps


def slowed(x, factor):
    at = np.arange(len(x)) * factor
    whole = np.floor(at).astype(int)
    above = np.minimum(whole + 1, len(x) - 1)
    kept = whole < len(x)
    y = np.zeros(len(x))
    y[kept] = x[whole[kept]] + (at - whole)[kept] * (x[above[kept]] - x[whole[kept]])
    return y


DISTORTIONS = {
    "noise 0.002": lambda x: x + 0.002 * uniform(len(x), 1),
    "noise 0.02": lambda x: x + 0.02 * uniform(len(x), 2),
    "noise 0.1": lambda x: x + 0.1 * uniform(len(x), 3),
    "limited": lambda x: np.clip(x, -0.1 * np.abs(x).max(), 0.1 * np.abs(x).max()),
    "dull": lambda x: smoothed(x, 12),
    "coarse": lambda x: np.floor(x * 32 + 0.5) / 32,
    "gaps": lambda x: np.where(np.arange(len(x)) // 320 % 4 == 3, 0, x),
    "late and quiet": lambda x: 0.4 * delayed(x, 100),
    "tremolo": lambda x: x * (1 + 0.8 * np.sin(2 * np.pi * 6 * np.arange(len(x)) / RATE)),
    "noise in bursts": lambda x: x + 0.1 * uniform(len(x), 4) * (np.arange(len(x)) // 4000 % 3 == 1),
    "lower": lambda x: slowed(x, 0.9),
}


def read(paths):
    parts = []
    for p in paths:
        samples, rate = soundfile.read(ROOT / p, dtype="float32")
        assert rate == RATE and samples.ndim == 1
        parts.append(samples)
    return np.concatenate(parts)


def number(v):
    v = float(v)
    return float(f"{v:.7g}")


def mel_cepstrum_distance(a, b):
    """Log-mel mean absolute difference and mel-cepstral distortion of two 22.05 kHz signals, from librosa's mels."""
    def mel(y):
        padded = np.pad(y, 384, mode="reflect")
        s = np.sqrt(np.abs(librosa.stft(padded.astype(np.float64), n_fft=1024, hop_length=256, center=False)) ** 2 + 1e-9)
        bank = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=80, fmax=8000)
        return np.log(np.maximum(bank @ s, 1e-5))
    from scipy.fft import dct
    ma, mb = mel(a), mel(b)
    ca, cb = (dct(m, type=2, norm="ortho", axis=0)[1:14] for m in (ma, mb))
    mcd = np.mean(10 / np.log(10) * np.sqrt(2 * np.sum((ca - cb) ** 2, axis=0)))
    return np.mean(np.abs(ma - mb)), mcd


encoder = VoiceEncoder("cpu", verbose=False)
quality = distillmos.ConvTransformerSQAModel().eval()


def of_one(x):
    d = dnsmos.run(np.clip(x, -1, 1), RATE)
    with torch.no_grad():
        mos = quality(torch.from_numpy(x)[None])
    partials = encoder.embed_utterance(x, return_partials=True)
    return {
        "dnsmos": {k: number(d[f"{k}_mos"]) for k in ("sig", "bak", "ovrl", "p808")},
        "distillmos": number(mos[0]),
        "partials": len(partials[1]),
        "embedding": [number(v) for v in partials[0]],
    }


def of_pair(x, y):
    tx, ty = torch.from_numpy(x).double(), torch.from_numpy(y).double()
    mel, mcd = mel_cepstrum_distance(x, y)  # as if it were 22.05 kHz: mels only count bins
    return {
        "stoi": number(stoi(x, y, RATE)),
        "estoi": number(stoi(x, y, RATE, extended=True)),
        "siSdr": number(si_sdr(ty, tx, zero_mean=True)),
        "melDistance": number(mel),
        "melCepstralDistortion": number(mcd),
    }


def small_networks():
    """Two ONNX files with the inputs and outputs of DNSMOS's that compute something simple: they stand in for its weights."""
    h, f32 = onnx.helper, onnx.TensorProto.FLOAT
    constant = lambda name, values: onnx.numpy_helper.from_array(np.asarray(values, np.float32), name)

    def save(name, shape, outputs, nodes, constants):
        graph = h.make_graph(
            nodes, name,
            [h.make_tensor_value_info("input_1", f32, ["N", *shape])],
            [h.make_tensor_value_info("Identity:0", f32, ["N", outputs])],
            constants,
        )
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", 12)], ir_version=7)
        path = OUT / "speechmos" / "dnsmos_models" / f"{name}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, path)

    save("sig_bak_ovr", [144160], 3, [
        h.make_node("Abs", ["input_1"], ["size"]),
        h.make_node("ReduceMean", ["size"], ["mean"], axes=[1], keepdims=1),
        h.make_node("ReduceMax", ["size"], ["max"], axes=[1], keepdims=1),
        h.make_node("Slice", ["size", "starts", "ends", "axes"], ["early"]),
        h.make_node("ReduceMean", ["early"], ["beginning"], axes=[1], keepdims=1),
        h.make_node("Concat", ["mean", "max", "beginning"], ["raw"], axis=1),
        h.make_node("Mul", ["raw", "scale"], ["Identity:0"]),
    ], [constant("scale", [40, 4, 30])] + [onnx.numpy_helper.from_array(np.array([v]), n) for n, v in (("starts", 0), ("ends", 8000), ("axes", 1))])
    save("model_v8", [900, 120], 1, [
        h.make_node("Mul", ["input_1", "frames"], ["rising"]),
        h.make_node("ReduceMean", ["rising"], ["mean"], axes=[1], keepdims=0),
        h.make_node("MatMul", ["mean", "bands"], ["Identity:0"]),
    ], [constant("frames", 1 + np.arange(900)[:, None] / 900), constant("bands", np.cos(np.arange(120))[:, None] * 0.4)])


def small_scores(x):
    """What the packages say with small networks in the place of theirs."""
    real = dnsmos.ort.InferenceSession
    dnsmos.ort.InferenceSession = lambda path, *a, **k: real(str(OUT / "speechmos" / "dnsmos_models" / Path(path).name), providers=["CPUExecutionProvider"])
    importlib.reload(dnsmos)  # it keeps its sessions
    d = dnsmos.run(x, RATE)
    dnsmos.ort.InferenceSession = real
    importlib.reload(dnsmos)
    small = VoiceEncoder("cpu", verbose=False)
    small.lstm, small.linear = torch.nn.LSTM(40, 8, 3, batch_first=True), torch.nn.Linear(8, 8)
    with torch.no_grad():
        for k, (name, p) in enumerate(sorted([*small.lstm.named_parameters(prefix="lstm"), *small.linear.named_parameters(prefix="linear")])):
            size = 50 if name == "lstm.weight_ih_l0" else 0.5  # mels are small
            p.copy_(torch.from_numpy(size * np.sin(1.7 * np.arange(p.numel()) + k)).reshape(p.shape))
    vector = small.embed_utterance(x)
    with torch.no_grad():
        mos = chirps(distillmos.ConvTransformerSQAModel().eval())(torch.from_numpy(x)[None])
    return {"dnsmos": {k: number(d[f"{k}_mos"]) for k in ("sig", "bak", "ovrl", "p808")}, "embedding": [number(v) for v in vector], "distillmos": number(mos[0])}


def chirps(model):
    """The model with sines of rising frequency for weights (plain ones would make matrices of rank 2), numbered in the order of their names."""
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    for k, name in enumerate(sorted(state)):
        t = state[name]
        i = np.arange(t.numel())
        wave = np.sin(0.0123 * i * i + k)
        if name.endswith("running_var"):
            wave = 1 + 0.5 * wave
        elif t.ndim == 1 and name.endswith("weight"):
            wave = 1 + 0.3 * wave
        elif t.ndim > 1:
            wave = 1.5 * wave / np.sqrt(t.numel() / t.shape[0])
        else:
            wave = 0.2 * wave
        t.copy_(torch.from_numpy(wave).reshape(t.shape))
    return model


if __name__ == "__main__":
    small_networks()
    packages = ("pystoi", "speechmos", "resemblyzer", "distillmos", "torchmetrics", "librosa")
    made = {"versions": {p: version(p) for p in packages}, "sampleRate": RATE, "clips": {}}
    for name, paths in CLIPS.items():
        x = read(paths)
        copies = {d: f(x.astype(np.float64)).astype(np.float32) for d, f in DISTORTIONS.items()}
        chosen = copies if name in ("kathleen-a0018", "kerstin-0129", "speech16k") else {d: copies[d] for d in ("noise 0.02", "lower", "gaps")}
        made["clips"][name] = {
            "files": paths,
            "samples": len(x),
            # of the float32 samples as float64: tells that the test hears the same
            "energy": number(np.sum(x.astype(np.float64) ** 2)),
            "original": of_one(x),
            "small": small_scores(np.clip(x, -1, 1)),
            "copies": {d: {"energy": number(np.sum(y.astype(np.float64) ** 2)), **of_pair(x, y)} for d, y in chosen.items()},
            "scores": {d: of_one(copies[d]) for d in ("noise 0.02", "gaps")} if name in ("speech16k", "kerstin-0129") else {},
        }
        print(name, len(x))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "scores.json").write_text(json.dumps(made, separators=(",", ":")).replace('"kathleen', '\n"kathleen').replace('"copies"', '\n"copies"') + "\n")
