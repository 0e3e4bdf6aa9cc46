import { describe, expect, test } from "vitest";
import { addCounts, countErrorsAsJiwer, errorsOf } from "./edit-distance.ts";
import { EvaluationError } from "./errors.ts";
import { fixtureJson } from "./fixtures.ts";
import { jiwerCharacters, jiwerWords } from "./jiwer.ts";
import { corpusWer, tokenizeForWer, wordErrors } from "./wer.ts";

interface Jiwer {
  sub: number;
  del: number;
  ins: number;
  hits: number;
}
interface Pair {
  ref: string;
  hyp: string;
  ref_tokens: string[];
  hyp_tokens: string[];
  upstream: {
    ref_len: number;
    errors: number;
    correct: number;
    sub: number;
    del: number;
    ins: number;
    wer_percent: number;
    alignment: number[][];
  };
  jiwer_raw?: Jiwer & Record<"wer" | "mer" | "wil" | "wip" | "cer" | "c_sub" | "c_del" | "c_ins" | "c_hits", number>;
  jiwer_on_tokens?: Jiwer & { wer: number };
  jiwer_cer_on_joined_tokens?: Jiwer & { cer: number };
}
const golden = fixtureJson<{
  pairs: Pair[];
  corpus: { upstream: Record<string, number>; jiwer_raw_corpus: { wer: number; cer: number } };
}>("metrics/wer.json");

describe("every reference pair", () => {
  test.each(golden.pairs.map((p) => [p.ref, p.hyp, p] as const))("%j / %j", (ref, hyp, p) => {
    expect(tokenizeForWer(ref)).toEqual(p.ref_tokens);
    expect(tokenizeForWer(hyp)).toEqual(p.hyp_tokens);
    const { percent, alignment, ...got } = wordErrors(ref, hyp);
    const { ref_len, correct, sub, del, ins, wer_percent, errors } = p.upstream;
    expect(got).toEqual({
      reference: ref_len,
      hypothesis: p.hyp_tokens.length,
      correct,
      substitutions: sub,
      deletions: del,
      insertions: ins,
    });
    expect(errorsOf(got)).toBe(errors);
    expect(percent).toBeCloseTo(wer_percent, 12);
    expect(alignment).toEqual(p.upstream.alignment);

    if (!p.jiwer_raw) return expect(() => jiwerWords(ref, hyp)).toThrow(EvaluationError);
    const counts = ({ sub, del, ins, hits }: Jiwer) => ({
      substitutions: sub,
      deletions: del,
      insertions: ins,
      correct: hits,
    });
    const raw = p.jiwer_raw;
    const words = jiwerWords(ref, hyp);
    expect(words).toMatchObject(counts(raw));
    for (const [mine, theirs] of [
      [words.rate, raw.wer],
      [words.mer, raw.mer],
      [words.wil, raw.wil],
      [words.wip, raw.wip],
    ] as const)
      expect(mine).toBeCloseTo(theirs, 12);
    const characters = jiwerCharacters(ref, hyp);
    expect(characters.rate).toBeCloseTo(raw.cer, 12);
    expect(characters).toMatchObject(counts({ sub: raw.c_sub, del: raw.c_del, ins: raw.c_ins, hits: raw.c_hits }));
    const [joinedRef, joinedHyp] = [p.ref_tokens.join(" "), p.hyp_tokens.join(" ")];
    expect(jiwerWords(joinedRef, joinedHyp)).toMatchObject(counts(p.jiwer_on_tokens as Jiwer));
    const [solidRef, solidHyp] = [p.ref_tokens.join(""), p.hyp_tokens.join("")];
    expect(jiwerCharacters(solidRef, solidHyp)).toMatchObject(counts(p.jiwer_cer_on_joined_tokens as Jiwer));
    return undefined;
  });
});

test("totals over the reference pairs", () => {
  const total = corpusWer(golden.pairs.map(({ ref, hyp }) => ({ reference: ref, hypothesis: hyp })));
  const { ref, sub, del, ins, wer } = golden.corpus.upstream;
  expect(total).toMatchObject({ reference: ref, substitutions: sub, deletions: del, insertions: ins });
  expect(total.wer).toBeCloseTo(wer as number, 12);
  expect(total.pairs).toBe(golden.pairs.length - 1);
  const named = golden.pairs.filter((p) => p.jiwer_raw);
  const [refs, hyps] = [named.map((p) => p.ref), named.map((p) => p.hyp)];
  expect(jiwerWords(refs, hyps).rate).toBeCloseTo(golden.corpus.jiwer_raw_corpus.wer, 12);
  expect(jiwerCharacters(refs, hyps).rate).toBeCloseTo(golden.corpus.jiwer_raw_corpus.cer, 12);
});

test("the punctuation is the listed one, no more and no less", () => {
  const { codepoints } = fixtureJson<{ codepoints: number[] }>("metrics/punctuation_codepoints.json");
  const listed = new Set(codepoints);
  for (let code = 0x21; code < 0xd800; code++) check(code);
  for (let code = 0xe000; code < 0x10000; code++) check(code);
  function check(code: number): void {
    const c = String.fromCharCode(code);
    if (/\s/.test(c) || (code >= 0x4e00 && code <= 0x9fff) || code === 0x85) return;
    expect(tokenizeForWer(`a${c}b`).length, `U+${code.toString(16)}`).toBe(listed.has(code) ? 2 : 1);
  }
});

test("both ways to split errors agree on their number", () => {
  let state = 1;
  const random = (n: number) => (state = (state * 48271) % 0x7fffffff) % n;
  const sentence = () => Array.from({ length: random(9) }, () => "abc".charAt(random(3)));
  for (let i = 0; i < 500; i++) {
    const [ref, hyp] = [sentence(), sentence()];
    const { percent: _, alignment, ...upstream } = wordErrors(ref.join(" "), hyp.join(" "));
    const jiwer = countErrorsAsJiwer(ref, hyp);
    expect(errorsOf(jiwer)).toBe(errorsOf(upstream));
    for (const counts of [jiwer, upstream]) {
      expect(counts.correct + counts.substitutions + counts.deletions).toBe(ref.length);
      expect(counts.correct + counts.substitutions + counts.insertions).toBe(hyp.length);
    }
    expect(alignment.at(-1)?.slice(0, 2) ?? [0, 0]).toEqual([ref.length, hyp.length]);
  }
  expect(errorsOf(addCounts([]))).toBe(0);
});
