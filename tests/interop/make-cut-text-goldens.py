"""Writes tests/fixtures/text/cut-ids.json: token ids of the texts of ids.json with fewer merges.

Run with transformers 4.48 (which brings tokenizers): python tests/interop/make-cut-text-goldens.py
"""

import json
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "text"
MERGES = [0, 40, 300, 999]

whole = json.loads((OUT / "tokenizer.json").read_text())["model"]
texts = [sample["text"] for sample in json.loads((OUT / "ids.json").read_text())["samples"]]
by_id = sorted(whole["vocab"], key=whole["vocab"].get)


def cut(merges):
    vocab = {token: i for i, token in enumerate(by_id[: 256 + merges])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[tuple(m) for m in whole["merges"][:merges]]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return [tokenizer.encode(text).ids for text in texts]


(OUT / "cut-ids.json").write_text(json.dumps({str(n): cut(n) for n in MERGES}, separators=(",", ":")) + "\n")
