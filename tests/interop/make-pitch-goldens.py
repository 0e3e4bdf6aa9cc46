"""Writes tests/fixtures/pitch/speech16k.json: the pitch of tests/fixtures/audio/speech16k.wav by librosa's pYIN.

Run with librosa (0.10 or later): python tests/interop/make-pitch-goldens.py
Frames stand for 256 samples at 22,050 Hz and are measured about their middle; 0 is unvoiced.
"""

import json
from pathlib import Path

import librosa
import numpy as np

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
RATE, HOP, FRAME = 22050, 256, 2048

samples, _ = librosa.load(FIXTURES / "audio" / "speech16k.wav", sr=RATE)
# frame t starts FRAME / 2 before the middle of its hop
padded = np.pad(samples, (FRAME // 2 - HOP // 2, FRAME))
f0, _, _ = librosa.pyin(padded, fmin=60, fmax=600, sr=RATE, frame_length=FRAME, hop_length=HOP, center=False)
f0 = np.nan_to_num(f0)[: len(samples) // HOP]

(FIXTURES / "pitch").mkdir(exist_ok=True)
text = json.dumps({"librosa": librosa.__version__, "hop": HOP, "rate": RATE, "f0": [round(float(f), 2) for f in f0]})
(FIXTURES / "pitch" / "speech16k.json").write_text(text + "\n")
