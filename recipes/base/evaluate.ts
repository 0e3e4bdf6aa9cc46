/**
 * Stage `evaluate`: how well the words survive tokens and back, on sentences of the held-out shard, with Whisper base
 * as the listener; and how much of the codebook held-out audio uses. Writes work/evaluation.json for the model card.
 */
import { writeFileSync } from "node:fs";
import { resample } from "@uat/audio";
import { corpusWer, normalizeEnglish, WhisperTranscriber } from "@uat/evaluation";
import { createRuntime } from "@uat/graph";
import { AudioDecoder, AudioTokenizer, directoryFiles } from "universal-audio-tokenizer/internal";
import { SHARD_SAMPLE_RATE, Shard } from "./shard.ts";

interface Sentence {
  readonly path: string;
  readonly reference: string;
  readonly original: string;
  readonly reconstructed: string;
}

export async function evaluate(options: {
  model: string;
  whisper: string;
  heldOut: string;
  out: string;
  log: (line: string) => void;
}): Promise<void> {
  const { log } = options;
  const runtime = await createRuntime();
  const listener = await WhisperTranscriber.load(directoryFiles(options.whisper), runtime);
  const tokenizer = await AudioTokenizer.fromPretrained(options.model);
  const q8 = await AudioTokenizer.fromPretrained(options.model, { dtype: "q8" });
  const decoder = await AudioDecoder.fromPretrained(options.model);
  const shard = await Shard.open(options.heldOut);
  const used = new Set<number>();
  let total = 0;
  let agreeing = 0;
  const sentences: Sentence[] = [];
  for (const clip of shard.clips) {
    const samples = await shard.read(clip);
    const audio = { samples, sampleRate: SHARD_SAMPLE_RATE };
    const codes = (await tokenizer.encode(audio)).clips[0]?.codes ?? new Int32Array(0);
    const quantized = (await q8.encode(audio)).clips[0]?.codes ?? new Int32Array(0);
    total += codes.length;
    for (const [t, c] of codes.entries()) {
      used.add(c);
      if (quantized[t] === c) agreeing++;
    }
    if (clip.text === undefined || codes.length === 0) continue;
    const { waveform, sampleRate } = await decoder.decode(codes);
    const original = (await listener.transcribe(samples)).text;
    const reconstructed = (await listener.transcribe(resample(waveform, sampleRate, SHARD_SAMPLE_RATE))).text;
    sentences.push({ path: clip.path, reference: clip.text, original, reconstructed });
    log(`  ${clip.text}\n    → ${reconstructed}`);
  }
  const werOf = (key: "original" | "reconstructed"): number =>
    100 *
    corpusWer(
      sentences.map((s) => ({ reference: normalizeEnglish(s.reference), hypothesis: normalizeEnglish(s[key]) })),
    ).wer;
  const report = {
    sentences: sentences.length,
    werOriginal: werOf("original"),
    werReconstructed: werOf("reconstructed"),
    tokens: total,
    codesUsed: used.size,
    q8Agreement: agreeing / total,
    details: sentences,
  };
  log(
    `  WER of originals ${report.werOriginal.toFixed(1)} %, through tokens and back ${report.werReconstructed.toFixed(1)} % (${sentences.length} sentences)`,
  );
  log(
    `  ${used.size} codes used by ${total} tokens; q8 gives the same code in ${(100 * report.q8Agreement).toFixed(2)} %`,
  );
  writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
  await shard.close();
  await Promise.all([tokenizer.dispose(), q8.dispose(), decoder.dispose()]);
  await runtime.dispose();
}
