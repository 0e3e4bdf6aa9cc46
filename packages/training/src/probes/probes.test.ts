/** Probes of codes that are known to hold, or not to hold, what is asked of them. */
import { createRuntime, type Runtime } from "@uat/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TrainingError } from "../errors.ts";
import { Random } from "../random.ts";
import { crossValidatedClipProbe } from "./clip-probes.ts";
import { codeVectors, countCodes, standardizeByUse } from "./code-vectors.ts";
import { ctcProbe, spelling } from "./ctc-probe.ts";
import { assignFolds } from "./folds.ts";
import { agreementOf, pitchProbe, regressionProbe } from "./frame-probes.ts";
import { tokenLevel, tokenPitch } from "./token-targets.ts";
import { voicingProbe } from "./voicing-probe.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
});
afterAll(() => runtime.dispose());

const DIMENSION = 12;
/** Random vectors; dimension 3 is far from 0 and hardly varies. */
function book(size: number, seed = 5) {
  const random = new Random(seed);
  const data = Float32Array.from({ length: size * DIMENSION }, (_, i) =>
    i % DIMENSION === 3 ? 100 + 0.1 * random.normal() : random.normal(),
  );
  return codeVectors(data, DIMENSION);
}

describe("code vectors", () => {
  test("mean 0 and deviation 1 over the tokens counted", () => {
    const codebook = book(20);
    const clips = [Int32Array.of(1, 1, 4, 7), Int32Array.of(7, 19)];
    const { data } = standardizeByUse(codebook, countCodes(clips, 20));
    for (let j = 0; j < DIMENSION; j++) {
      const values = clips.flatMap((codes) => Array.from(codes, (code) => data[code * DIMENSION + j]!));
      const mean = values.reduce((a, b) => a + b) / values.length;
      expect(Math.abs(mean)).toBeLessThan(1e-5);
      expect(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length).toBeCloseTo(1, 4);
    }
  });
  test("a dimension that does not vary becomes 0", () => {
    const { data } = standardizeByUse(codeVectors(Float32Array.of(5, 1, 5, 2), 2), [1, 1]);
    expect([...data]).toEqual([0, -1, 0, 1]);
  });
  test("what is no codebook, and codes outside of it", () => {
    expect(() => codeVectors(new Float32Array(7), 2)).toThrow(/vectors of 2 values/);
    expect(() => codeVectors(Float32Array.of(1, 2, Number.NaN, 4), 2)).toThrow(/code 1 holds NaN/);
    for (const code of [-1, 20, 1.5, Number.NaN]) expect(() => countCodes([[code]], 20)).toThrow(TrainingError);
  });
});

describe("characters", () => {
  const letters = "abcdefgh ";
  /** Nine codes a character, the same ones for every voice; each character lasts one to three tokens. */
  const spoken = (random: Random) => {
    const text = Array.from({ length: 12 }, () => letters[random.below(8)]).join("");
    const codes = [...text].flatMap((c) =>
      Array.from({ length: 1 + random.below(3) }, () => letters.indexOf(c) * 9 + random.below(9)),
    );
    return { text, codes };
  };
  /** The first dimensions tell the character, the others nothing. */
  const codebook = (() => {
    const random = new Random(3);
    const data = Float32Array.from({ length: 81 * DIMENSION }, (_, i) => {
      const [code, j] = [Math.floor(i / DIMENSION), i % DIMENSION];
      return 0.2 * random.normal() + (j === Math.floor(code / 9) ? 1 : 0);
    });
    return codeVectors(data, DIMENSION);
  })();

  test("are read where the vectors tell them, and are the same whenever they are learnt", async () => {
    const random = new Random(8);
    const clips = Array.from({ length: 60 }, () => spoken(random));
    const learn = () =>
      ctcProbe(codebook, clips.slice(0, 40), clips.slice(40), {
        steps: 70,
        batchSize: 16,
        learningRate: 0.06,
        runtime,
      });
    const first = await learn();
    // a character that follows itself has no sign between: those of the text are the only errors left
    const doubled = clips.slice(40).flatMap(({ text }) => [...text].filter((c, i) => c === text[i - 1])).length;
    expect(doubled).toBeGreaterThan(0);
    const characters = 20 * 12;
    expect(first.heldOut.rate).toBeLessThan((doubled + 8) / characters);
    expect(first.heldOut.rate).toBeGreaterThanOrEqual(doubled / characters);
    expect(first.heldOut.clips).toHaveLength(20);
    expect(first.train.rate).toBeLessThan(0.25);
    expect((await learn()).heldOut.texts).toEqual(first.heldOut.texts);
  });

  test("are not read where codes and texts have nothing to do with each other", async () => {
    const random = new Random(9);
    const clips = Array.from({ length: 60 }, () => ({ text: spoken(random).text, codes: spoken(random).codes }));
    const { heldOut } = await ctcProbe(codebook, clips.slice(0, 40), clips.slice(40), {
      steps: 40,
      batchSize: 16,
      runtime,
    });
    expect(heldOut.rate).toBeGreaterThan(0.7);
  });

  test("clips that cannot be learnt from are left out and counted; without any there is no probe", async () => {
    const good = { text: "ab", codes: [0, 9, 18] };
    const long = { text: "abcdefgh", codes: [1, 2] };
    const silent = { text: " … ", codes: [1, 2] };
    const result = await ctcProbe(codebook, [good, long, silent], [good], { steps: 2, runtime });
    expect(result.skipped).toBe(2);
    await expect(ctcProbe(codebook, [long], [good], { runtime })).rejects.toThrow(/fits into its clip's tokens/);
    await expect(ctcProbe(codebook, [good], [silent], { runtime })).rejects.toThrow(/no held-out clip has a text/);
    await expect(ctcProbe(codebook, [silent], [good], { runtime })).rejects.toThrow(/no training clip has a text/);
    await expect(ctcProbe(codebook, [good], [{ text: "a", codes: [99] }], { runtime })).rejects.toThrow(/code 0/);
  });

  test("stops when asked to", async () => {
    const good = { text: "ab", codes: [0, 9, 18] };
    const abort = new AbortController();
    const onStep = (step: number) => step === 3 && abort.abort(new Error("enough"));
    const options = { runtime, signal: abort.signal, onStep };
    await expect(ctcProbe(codebook, [good], [good], options)).rejects.toThrow("enough");
  });

  test.each([
    ["Don’t — “Stop”, at 5:30!", "don't stop at 5 30"],
    ["'Tis the dogs' bone", "tis the dogs bone"],
    ["  Ünïted\tStates ", "ünïted states"],
    ["…", ""],
  ])("%s is spelt %s", (text, spelt) => expect(spelling(text)).toBe(spelt));
});

describe("moments", () => {
  const codebook = book(50);
  const random = new Random(2);
  const slope = Array.from({ length: DIMENSION }, () => random.normal());
  /** Linear in the vector, and noise. */
  const value = (code: number) =>
    slope.reduce((sum, s, j) => sum + s * (codebook.data[code * DIMENSION + j]! - (j === 3 ? 100 : 0)), 0);
  const clip = (noise: number, offset = 0) => {
    const codes = Int32Array.from({ length: 40 }, () => random.below(50));
    return { codes, targets: Float64Array.from(codes, (code) => value(code) + offset + noise * random.normal()) };
  };

  test("what is linear in the vectors is read off them", () => {
    const clips = Array.from({ length: 30 }, () => clip(0.01));
    const { train, heldOut } = regressionProbe(codebook, clips.slice(0, 20), clips.slice(20));
    expect(heldOut.correlation).toBeGreaterThan(0.999);
    expect(heldOut.rmse).toBeLessThan(0.1);
    expect(train.tokens).toBe(800);
    expect(heldOut.tokens).toBe(400);
    expect(agreementOf(heldOut.clips)).toEqual({ ...heldOut, clips: undefined });
  });

  test("noise is not read off them, and shows in training at most", () => {
    const noise = () => ({ codes: clip(0).codes, targets: Float64Array.from({ length: 40 }, () => random.normal()) });
    const clips = Array.from({ length: 60 }, noise);
    const { train, heldOut } = regressionProbe(codebook, clips.slice(0, 5), clips.slice(5));
    expect(Math.abs(heldOut.correlation)).toBeLessThan(0.1);
    expect(heldOut.rmse).toBeGreaterThan(0.95);
    expect(train.correlation).toBeGreaterThan(heldOut.correlation);
  });

  test("tokens without a target count nowhere; a clip's level does not count within clips", () => {
    const clips = Array.from({ length: 20 }, (_, i) => clip(0, i % 2 === 0 ? 30 : 0));
    const plain = Array.from({ length: 20 }, () => clip(0));
    const { heldOut } = regressionProbe(codebook, plain, clips);
    expect(heldOut.correlationWithin).toBeGreaterThan(0.99);
    expect(heldOut.correlation).toBeLessThan(0.5);
    const holed = clips.map(({ codes, targets }) => ({
      codes,
      targets: targets.map((v, t) => (t < 10 ? Number.NaN : v)),
    }));
    expect(regressionProbe(codebook, clips, holed).heldOut.tokens).toBe(600);
    expect(() => regressionProbe(codebook, clips, [{ codes: [1], targets: [Number.NaN] }])).toThrow(/no token/);
    expect(() => regressionProbe(codebook, [{ codes: [1, 2], targets: [1] }], clips)).toThrow(/2 tokens and 1 targets/);
  });

  test("pitch in cents over voiced tokens; voicing over all", () => {
    const voices = Array.from({ length: 30 }, () => {
      const { codes } = clip(0);
      return { codes, f0: Float64Array.from(codes, (c) => (value(c) > 0 ? 100 * 2 ** (value(c) / 12) : 0)) };
    });
    const pitch = pitchProbe(codebook, voices.slice(0, 20), voices.slice(20));
    expect(pitch.heldOut.tokens).toBe(voices.slice(20).reduce((n, { f0 }) => n + f0.filter((hz) => hz > 0).length, 0));
    expect(pitch.heldOut.correlation).toBeGreaterThan(0.99);
    expect(pitch.heldOut.rmse).toBeLessThan(20);
    const voicing = voicingProbe(codebook, voices.slice(0, 20), voices.slice(20));
    expect(voicing.heldOut).toBeLessThan(0.1);
    expect(voicing.clips.reduce((n, { voiced }) => n + voiced, 0)).toBe(pitch.heldOut.tokens);
    const silent = voices.map(({ codes }) => ({ codes, f0: new Float64Array(40) }));
    expect(() => voicingProbe(codebook, silent, voices)).toThrow(/expected some of both/);
  });
});

describe("clips", () => {
  const codebook = book(60);
  const random = new Random(4);
  /** Class c prefers the codes from 20 c on. */
  const sound = (c: number) => ({
    label: "xyz"[c]!,
    codes: Int32Array.from({ length: 30 }, () =>
      random.uniform() < 0.6 ? 20 * c + random.below(20) : random.below(60),
    ),
  });

  test.each(["mean", "histogram"] as const)("classes are told by the %s", async (features) => {
    const clips = Array.from({ length: 90 }, (_, i) => sound(i % 3));
    const { heldOut, train, clips: told } = await crossValidatedClipProbe(codebook, clips, features);
    expect(heldOut).toBeGreaterThan(0.85);
    expect(train).toBeGreaterThanOrEqual(heldOut);
    expect(told.map(({ label }) => label)).toEqual(clips.map(({ label }) => label));
    const shuffled = clips.map((clip, i) => ({ ...clip, label: clips[(i * 7 + 5) % 90]!.label }));
    const drawn = Array.from({ length: 90 }, () => "xyz"[random.below(3)]!);
    const chance = await crossValidatedClipProbe(
      codebook,
      shuffled.map((clip, i) => ({ ...clip, label: drawn[i]! })),
      features,
    );
    expect(chance.heldOut).toBeLessThan(0.55);
  });

  test("a recording that is heard twice does not help itself when it is grouped", async () => {
    const noise = () => Int32Array.from({ length: 30 }, () => random.below(60));
    const pairs = Array.from({ length: 40 }, (_, i) => ({
      label: "xy"[random.below(2)]!,
      codes: noise(),
      group: `r${i}`,
    }));
    const clips = [...pairs, ...pairs];
    const grouped = (await crossValidatedClipProbe(codebook, clips, "histogram")).heldOut;
    const loose = (
      await crossValidatedClipProbe(
        codebook,
        clips.map(({ group: _, ...clip }) => clip),
        "histogram",
      )
    ).heldOut;
    expect(loose).toBeGreaterThan(0.8);
    expect(grouped).toBeLessThan(0.75);
  });

  test("folds keep groups together and labels apart", () => {
    const items = Array.from({ length: 100 }, (_, i) => ({ label: i < 50 ? "a" : "b", group: `${Math.floor(i / 2)}` }));
    const folds = assignFolds(items, 5, 1);
    for (let fold = 0; fold < 5; fold++) {
      const members = items.filter((_, i) => folds[i] === fold);
      expect(members.filter(({ label }) => label === "a")).toHaveLength(10);
    }
    for (let i = 0; i < 100; i += 2) expect(folds[i]).toBe(folds[i + 1]);
    expect(assignFolds(items, 5, 2)).not.toEqual(folds);
  });

  test("what cannot be told", async () => {
    const clips = Array.from({ length: 10 }, () => sound(0));
    await expect(crossValidatedClipProbe(codebook, clips, "mean")).rejects.toThrow(/1 labels; expected two/);
    await expect(crossValidatedClipProbe(codebook, clips.slice(0, 3), "mean")).rejects.toThrow(/5 folds/);
    const others = Array.from({ length: 10 }, () => sound(1));
    const empty = [...clips, ...others, { label: "y", codes: new Int32Array(0) }];
    await expect(crossValidatedClipProbe(codebook, empty, "mean")).rejects.toThrow(/no tokens/);
  });
});

describe("targets", () => {
  const tone = (hz: number, seconds: number) =>
    Float32Array.from({ length: 16_000 * seconds }, (_, i) => {
      const phase = (2 * Math.PI * hz * i) / 16_000;
      return 0.2 * Math.sin(phase) + 0.1 * Math.sin(2 * phase) + 0.05 * Math.sin(3 * phase);
    });

  test("the pitch of a tone, none in silence", () => {
    const samples = new Float32Array(48_000);
    samples.set(tone(220, 1), 16_000);
    const f0 = tokenPitch(samples, 75, 25);
    expect(f0).toHaveLength(75);
    for (let t = 27; t < 48; t++) expect(Math.abs(1200 * Math.log2(f0[t]! / 220))).toBeLessThan(10);
    expect([...f0.subarray(0, 23), ...f0.subarray(52)].every((hz) => hz === 0)).toBe(true);
  });

  test("the level of a square wave, and of silence", () => {
    const samples = Float32Array.from({ length: 16_000 }, (_, i) => (i < 8000 ? (i % 2 === 0 ? 0.1 : -0.1) : 0));
    const level = tokenLevel(samples, 26, 25);
    for (let t = 0; t < 12; t++) expect(level[t]).toBeCloseTo(-20, 3);
    for (let t = 13; t < 26; t++) expect(level[t]).toBe(-70);
  });
});
