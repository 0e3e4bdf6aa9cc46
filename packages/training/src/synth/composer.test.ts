/** What labels say, looked up again in the stems that were mixed. */
import { fileURLToPath } from "node:url";
import { formatSap, parseSap } from "@uat/evaluation";
import { describe, expect, test } from "vitest";
import type { Scene, ScenePart } from "./composer.ts";
import { readSceneConfig, type SceneConfig } from "./config.ts";
import { energy, type Span } from "./levels.ts";
import { DIRECT_TO_REVERBERANT } from "./room.ts";
import { composeScenes } from "./synthesize.ts";

const tiny = await readSceneConfig(fileURLToPath(new URL("../../../../recipes/tiny/scenes.yaml", import.meta.url)));
/** Rich in what is to be looked at. */
const config: SceneConfig = {
  ...tiny,
  seed: 11,
  duration: [4, 6],
  events: { ...tiny.events, probability: 1, count: [1, 2], near: 0.35, far: 0.35 },
  backgrounds: { ...tiny.backgrounds, probability: 0.5, partial: 0.5 },
};
const SCENES = 36;
const scenes = await composeScenes(config, [...Array(SCENES).keys()]);

const meanSquare = (samples: Float32Array, spans: readonly Span[]) =>
  spans.reduce((sum, s) => sum + energy(samples, s), 0) / spans.reduce((n, s) => n + s.end - s.start, 0);
const partsOf = (role: ScenePart["role"]) =>
  scenes.flatMap((scene) => scene.parts.filter((p) => p.role === role).map((part) => ({ scene, part })));
const eventOf = ({ sap }: Scene, { label }: ScenePart) =>
  [...sap.nonLinguisticEvents.discreteEvents, ...sap.nonLinguisticEvents.continuousEvents].find(
    (e) => e.label === label,
  )!;
const speechOf = ({ parts }: Scene) => parts.find((p) => p.role === "speech");

/** Runs of 5 ms frames within `floor` dB of the loudest, with gaps of 60 ms or more between them. */
function bursts(samples: Float32Array, rate: number, floor: number): Span[] {
  const hop = rate / 200;
  const powers = Array.from({ length: Math.floor(samples.length / hop) }, (_, f) =>
    energy(samples, { start: f * hop, end: (f + 1) * hop }),
  );
  const threshold = Math.max(...powers) * 10 ** (-floor / 10);
  const runs: { start: number; end: number }[] = [];
  for (const [f, power] of powers.entries()) {
    if (power < threshold) continue;
    const last = runs.at(-1);
    if (last && f * hop - last.end < 0.06 * rate) last.end = (f + 1) * hop;
    else runs.push({ start: f * hop, end: (f + 1) * hop });
  }
  return runs;
}

test("there is enough of everything to look at", () => {
  expect(partsOf("speech").length).toBeGreaterThan(15);
  expect(partsOf("events").length).toBeGreaterThan(30);
  expect(partsOf("backgrounds").length).toBeGreaterThan(8);
  expect(partsOf("music").length).toBeGreaterThan(2);
  for (const words of [
    "far away",
    "near",
    "loud",
    "faint",
    "twice",
    "before the speech",
    "during the speech",
    "after the speech",
  ])
    expect(
      partsOf("events").filter(({ scene, part }) => eventOf(scene, part).characteristic.includes(words)).length,
      words,
    ).toBeGreaterThan(1);
});

test("the scene is the sum of its stems and does not clip", () => {
  for (const { samples, parts } of scenes) {
    let worst = 0;
    for (let i = 0; i < samples.length; i++) {
      const sum = parts.reduce((total, { stem }) => total + stem[i]!, 0);
      worst = Math.max(worst, Math.abs(samples[i]! - sum));
    }
    expect(worst).toBeLessThan(1e-5);
    expect(samples.reduce((m, v) => Math.max(m, Math.abs(v)), 0)).toBeLessThanOrEqual(0.9801);
  }
});

test("the ratio of speech to each sound, measured in the stems, is the one given, within 0.1 dB and the range", () => {
  let measured = 0;
  for (const scene of scenes) {
    const speech = speechOf(scene);
    if (!speech) continue;
    for (const part of scene.parts) {
      if (part.role === "speech") continue;
      const snr = 10 * Math.log10(meanSquare(speech.stem, speech.spans) / meanSquare(part.stem, part.spans));
      expect(Math.abs(snr - part.snr)).toBeLessThan(0.1);
      const [low, high] = config[part.role].snr;
      expect(snr).toBeGreaterThan(low - 0.1);
      expect(snr).toBeLessThan(high + 0.1);
      measured++;
    }
  }
  expect(measured).toBeGreaterThan(25);
});

test("without speech the ratio is to the usual level of speech", () => {
  for (const scene of scenes.filter((s) => !speechOf(s))) {
    // scenes that would clip are scaled as a whole, which the ratio does not see
    const peak = scene.samples.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    if (peak > 0.979) continue;
    for (const part of scene.parts)
      expect(Math.abs(config.level - 10 * Math.log10(meanSquare(part.stem, part.spans)) - part.snr)).toBeLessThan(0.1);
  }
});

test("loud and faint are what they say, in decibels measured in the stems", () => {
  for (const { scene, part } of partsOf("events")) {
    const speech = speechOf(scene);
    if (!speech) continue;
    const snr = 10 * Math.log10(meanSquare(speech.stem, speech.spans) / meanSquare(part.stem, part.spans));
    const { characteristic } = eventOf(scene, part);
    expect(/\bloud\b/.test(characteristic)).toBe(snr <= 0);
    expect(/\bfaint\b/.test(characteristic)).toBe(snr >= 11);
  }
});

const COUNTS: Readonly<Record<string, number>> = { once: 1, twice: 2, "three times": 3, "four times": 4 };

test("a sound said to be heard n times makes n bursts in its stem, at the onsets given", () => {
  let counted = 0;
  for (const { scene, part } of partsOf("events")) {
    const { characteristic } = eventOf(scene, part);
    const words = Object.keys(COUNTS).find((w) => characteristic.includes(w));
    expect(words).toBeDefined();
    expect(part.spans).toHaveLength(COUNTS[words!]!);
    // a reverberant tail fills the gaps between bursts: they are looked for in the direct sound
    const found = bursts(part.direct, scene.sampleRate, 20);
    expect(found).toHaveLength(COUNTS[words!]!);
    for (const [i, span] of part.spans.entries())
      expect(Math.abs(found[i]!.start - span.start) / scene.sampleRate).toBeLessThan(0.06);
    counted++;
  }
  expect(counted).toBeGreaterThan(30);
});

test("outside of its spans a discrete sound is at least 20 dB weaker", () => {
  for (const { part } of partsOf("events")) {
    const outside: Span[] = [];
    let at = 0;
    for (const { start, end } of part.spans) {
      outside.push({ start: at, end: start });
      at = end;
    }
    outside.push({ start: at, end: part.stem.length });
    expect(meanSquare(part.stem, outside)).toBeLessThan(0.01 * meanSquare(part.stem, part.spans));
  }
});

test("before, during and after the speech are so in the stems", () => {
  for (const { scene, part } of partsOf("events")) {
    const speech = speechOf(scene);
    const when = /(before|during|after) the speech$/.exec(eventOf(scene, part).characteristic)?.[1];
    if (!speech || !when || part.path.distance === "far") continue;
    const talk = bursts(speech.direct, scene.sampleRate, 25);
    const [from, to] = [talk[0]!.start, talk.at(-1)!.end];
    const rings = bursts(part.direct, scene.sampleRate, 20);
    const slack = 0.12 * scene.sampleRate;
    if (when === "before") expect(rings.at(-1)!.end).toBeLessThan(from + slack);
    if (when === "after") expect(rings[0]!.start).toBeGreaterThan(to - slack);
    if (when === "during") {
      expect(rings[0]!.start).toBeGreaterThan(from - slack);
      expect(rings.at(-1)!.start).toBeLessThan(to);
    }
  }
});

test("near and far are so: direct against reverberant sound, level, highs", () => {
  for (const role of ["events", "backgrounds", "music"] as const)
    for (const { scene, part } of partsOf(role)) {
      const { characteristic } = eventOf(scene, part);
      const rest = part.stem.map((v, i) => v - part.direct[i]!);
      const ratio = 10 * Math.log10(energy(part.direct) / energy(rest));
      const middle = (config[role].snr[0] + config[role].snr[1]) / 2;
      if (characteristic.includes("far away")) {
        // a tail cut at the scene's end is missing from the ratio
        const [low, high] = DIRECT_TO_REVERBERANT.far;
        expect(ratio).toBeGreaterThan(low - 0.1);
        expect(ratio).toBeLessThan(high + 4);
        expect(part.path.cutoff).toBeLessThanOrEqual(3000);
        expect(part.snr).toBeGreaterThan(middle - 0.1);
      }
      if (/\bnear\b/.test(characteristic)) {
        expect(ratio).toBeGreaterThan(DIRECT_TO_REVERBERANT.near[0] - 0.1);
        expect(part.path.cutoff).toBeUndefined();
        expect(part.snr).toBeLessThan(middle + 0.1);
      }
    }
});

test("continuous sounds begin and end where they say", () => {
  for (const role of ["backgrounds", "music"] as const)
    for (const { scene, part } of partsOf(role)) {
      const { characteristic } = eventOf(scene, part);
      const share = (samples: number) => samples / scene.samples.length;
      const found = bursts(part.stem, scene.sampleRate, 35);
      const [start, end] = [share(found[0]!.start), share(found.at(-1)!.end)];
      expect(/beginning/.test(characteristic), characteristic).toBe(start > 0.15);
      if (characteristic.includes("throughout")) expect(end).toBeGreaterThan(0.84);
    }
});

test("answers are valid, say what is said, and name exactly the sounds that are there", () => {
  for (const scene of scenes) {
    const answer = parseSap(formatSap(scene.sap));
    expect(answer).toEqual(scene.sap);
    const { discreteEvents, continuousEvents } = scene.sap.nonLinguisticEvents;
    const labels = (...roles: ScenePart["role"][]) =>
      scene.parts
        .filter((p) => roles.includes(p.role))
        .map((p) => p.label)
        .sort();
    expect(discreteEvents.map((e) => e.label).sort()).toEqual(labels("events"));
    expect(continuousEvents.map((e) => e.label).sort()).toEqual(labels("backgrounds", "music"));
    expect(scene.sap.transcription === null).toBe(speechOf(scene) === undefined);
    expect(scene.parts.length).toBeGreaterThan(0);
  }
});

describe("a scene depends on the seed and its number alone", () => {
  test("whatever is composed before it", async () => {
    const [last] = await composeScenes(config, [SCENES - 1]);
    expect(Buffer.from(last!.samples.buffer).equals(Buffer.from(scenes.at(-1)!.samples.buffer))).toBe(true);
    expect(last!.sap).toEqual(scenes.at(-1)!.sap);
  });

  test("and other seeds and splits give others", async () => {
    const others = [
      ...(await composeScenes({ ...config, seed: 12 }, [0])),
      ...(await composeScenes({ ...config, split: "validation" }, [0])),
    ];
    for (const other of others)
      expect(Buffer.from(other.samples.buffer).equals(Buffer.from(scenes[0]!.samples.buffer))).toBe(false);
  });
});

test("training and validation share no sentence", async () => {
  const validation = await composeScenes(
    { ...config, split: "validation", speech: { ...config.speech, probability: 1 } },
    [0, 1, 2, 3],
  );
  const said = (list: readonly Scene[]) => new Set(list.map((s) => s.sap.transcription));
  expect(said(validation).size).toBeGreaterThan(1);
  for (const text of said(validation)) expect(said(scenes)).not.toContain(text);
});
