"""Writes tests/fixtures/text/: token ids of varied texts, and byte pairs learned from them.

Run with transformers 4.48 (which brings tokenizers): python tests/interop/make-text-goldens.py TOKENIZER_JSON
TOKENIZER_JSON is that of a multilingual Whisper; its first 1,000 merges and eight special tokens are kept.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import WhisperTokenizerFast

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "text"
ADDED = ["<|emotion|>", "<|startofcaption|>", "<|startofsap|>"]
SPECIAL = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|de|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|notimestamps|>",
    "<|0.00|>",
]
TEXTS = [
    "",
    " ",
    "The boy was there when the sun rose.",
    " A leading blank, and one at the end ",
    "   three blanks,\ttabs\t\tand\nlines\r\n\r\nand  two blanks",
    "Call 0800 123456 at 7:45 p.m., it costs $3.50 (50 % off)!",
    "I'm sure they'll say we've said it isn't John's; he'd DON'T 'S",
    "Die Bäckerei in der Königstraße öffnet um acht, größer als üblich.",
    "Ça, c'est déjà l'été à Nîmes: ŒUVRE, cœur",
    "e\u0301 decomposed and é composed, ﬁ ligature",
    "今天天气很好,我们去公园吧。",
    "東京の天気は晴れです",
    "Привет, мир! Γειά σου, κόσμε. שלום עולם مرحبا",
    "👩‍🚀 lifts off 🚀🚀, 👍🏽 and 🇩🇪",
    "x\u00a0y\u2009z\u3000w\u200bv",
    "\ufeffmark at the beginning, \u0000 and \u0007 inside",
    "<|endoftext|> and <|en|> are written, <|emotion|>not<|startofsap|> meant",
    "<|startoftranscript|>",
    '{"transcription":"He said \\"yes\\".","paralinguistics":{"age":"Adult","gender":"Male","emotion":null}}',
    '{"nonLinguisticEvents":{"description":null,"discreteEvents":[{"label":"dog bark","characteristic":"far"}]}}',
    "https://example.org/a_b?c=d&e=f#g",
    "snake_case camelCase kebab-case 1e-5 0x1F -- --- ... !!! ?!",
    "a" * 200,
    "ab" * 60 + " " * 20 + "-" * 40,
    "²³ ½ Ⅷ ٣ १२ n°",
]

# runs: pairs that overlap themselves
RUNS = ["a" * n + " " + "ab" * (n // 2) + "b" * n for n in range(1, 12)] + ["aaa"] * 3 + ["aaaaa", "abba baab"]


def encode(tokenizer, text):
    return tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


def load(file):
    tokenizer = WhisperTokenizerFast(tokenizer_file=str(file))
    tokenizer.add_special_tokens({"additional_special_tokens": ADDED})
    return tokenizer


def reduced(data):
    merges = data["model"]["merges"][:1000]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {symbol: i for i, symbol in enumerate(alphabet + ["".join(m) for m in merges])}
    assert all(data["model"]["vocab"][symbol] == i for symbol, i in vocab.items())
    added = {t["content"]: t for t in data["added_tokens"]}
    data["model"] = {**data["model"], "vocab": vocab, "merges": merges}
    data["added_tokens"] = [{**added[content], "id": len(vocab) + i} for i, content in enumerate(SPECIAL)]
    data["post_processor"] = None
    return data


def learned(texts, merges):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=256 + merges,
        min_frequency=1,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())["model"]["merges"]


def main():
    data = reduced(json.loads(Path(sys.argv[1]).read_text()))
    OUT.mkdir(exist_ok=True)
    (OUT / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    tokenizer = load(OUT / "tokenizer.json")
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL[:2] + ADDED}
    samples = [{"text": text, "ids": encode(tokenizer, text)} for text in TEXTS]
    for sample in samples:
        assert tokenizer.decode(sample["ids"], clean_up_tokenization_spaces=False) == sample["text"], sample
    corpora = [(TEXTS[2:8], 150), (RUNS, 100)]
    pairs = [{"texts": texts, "merges": learned(texts, count)} for texts, count in corpora]
    golden = {"size": len(tokenizer), "special": ids, "samples": samples, "learned": pairs}
    (OUT / "ids.json").write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")


main()
