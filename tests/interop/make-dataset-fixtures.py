"""Writes tests/fixtures/datasets: Parquet lists as others write them.

Run with datasets 3.6, pyarrow and soundfile: python tests/interop/make-dataset-fixtures.py
"""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile as sf
from datasets import Audio, ClassLabel, Dataset, Features, Value

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "datasets"
OUT.mkdir(exist_ok=True)


def wav(hertz: float) -> bytes:
    file = io.BytesIO()
    samples = 0.5 * np.sin(2 * np.pi * hertz * np.arange(800) / 16000)
    sf.write(file, samples, 16000, format="WAV", subtype="PCM_16")
    return file.getvalue()


# Hugging Face's audio layout, as `datasets` writes it: two rows to a row group
rows = {
    "audio": [{"bytes": wav(200 + 100 * i), "path": f"tone{i}.wav"} for i in range(5)],
    "sentence": ["one", "two", None, "four", "fünf"],
    "label": [0, 1, 1, 0, 1],
    "speaker_id": [7, 7, 8, 8, 9],
}
features = Features(
    {
        "audio": Audio(),
        "sentence": Value("string"),
        "label": ClassLabel(names=["cat", "dog"]),
        "speaker_id": Value("int64"),
    }
)
Dataset.from_dict(rows, features=features).to_parquet(OUT / "hf-audio.parquet", batch_size=2)

# paths, tags as lists, in the codecs that pyarrow offers
table = pa.table(
    {
        "path": [f"clips/{i}.wav" for i in range(4)],
        "text": [f"text {i}" for i in range(4)],
        "tags": [["rain"], ["rain", "wind"], [], None],
        "duration": pa.array([1.5, 2.0, None, 0.25], pa.float32()),
        "picture": [b"\x00\xff"] * 4,
    }
)
for codec in ["none", "snappy", "gzip", "brotli", "zstd"]:
    pq.write_table(table, OUT / f"paths-{codec}.parquet", compression=codec, row_group_size=3)
