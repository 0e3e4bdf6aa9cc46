"""Reads with TensorBoard what write-events.ts wrote and checks every value.

Run with TensorBoard: npx tsx tests/interop/write-events.ts DIR && python tests/interop/read-events.py DIR
"""

import io
import sys
import wave
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator as PluginAccumulator
from tensorboard.util.tensor_util import make_ndarray

folder = Path(sys.argv[1])


def read(path):
    accumulator = EventAccumulator(str(path), size_guidance={k: 0 for k in ("scalars", "images", "audio", "tensors")})
    accumulator.Reload()
    return accumulator


def close(a, b):
    return abs(a - b) <= 1e-6 * abs(b)


train, validation = read(folder), read(folder / "validation")
tags = train.Tags()
assert sorted(tags["scalars"]) == ["loss", "lr_encoder"], tags
assert sorted(tags["images"]) == ["spectrogram/tone/prediction", "spectrogram/tone/target"], tags
assert sorted(tags["audio"]) == ["audio/tone/prediction", "audio/tone/target"], tags
assert sorted(tags["tensors"]) == ["configuration", "text/words"], tags

# before the resume values are negative, after it positive; nothing of steps 21 to 40 of the first process is left
loss = train.Scalars("loss")
assert [e.step for e in loss] == list(range(1, 51))
assert all(close(e.value, (10 if e.step > 20 else -10) / e.step) for e in loss)
assert [(e.step, round(e.value, 4)) for e in validation.Scalars("loss")] == [
    (10, -2.0), (20, -1.0), (30, 0.6667), (40, 0.5), (50, 0.4)
]  # fmt: skip

assert [e.step for e in train.Images("spectrogram/tone/target")] == [10]
images = train.Images("spectrogram/tone/prediction")
assert [(e.step, e.width, e.height) for e in images] == [(s, 480, 160) for s in (10, 20, 30, 40, 50)], images
assert all(e.encoded_image_string.startswith(b"\x89PNG") for e in images)

sounds = train.Audio("audio/tone/prediction")
assert [(e.step, e.sample_rate, e.length_frames, e.content_type) for e in sounds] == [
    (s, 16000, 8000, "audio/wav") for s in (10, 20, 30, 40, 50)
]
with wave.open(io.BytesIO(sounds[-1].encoded_audio_string)) as wav:
    samples = memoryview(wav.readframes(8000)).cast("h")
    assert close(max(samples), 16384) or max(samples) in range(16370, 16385), max(samples)

# tensors are taken back by the reader that TensorBoard's own pages use
plugins = PluginAccumulator(str(folder), size_guidance={"tensors": 0})
plugins.Reload()
assert [e.step for e in plugins.Tensors("loss")] == list(range(1, 51))
texts = plugins.Tensors("text/words")
assert [e.step for e in texts] == [10, 20, 30, 40, 50]
assert make_ndarray(texts[-1].tensor_proto).item().decode() == "target\n\n    a *b*\n\nprediction\n\n    step 50"
assert plugins.SummaryMetadata("text/words").plugin_data.plugin_name == "text"
print("TensorBoard reads every value")
