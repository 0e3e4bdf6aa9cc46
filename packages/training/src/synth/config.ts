/** The configuration of scenes: a YAML file, checked key by key. Paths in it start from its own folder. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import {
  amount,
  block,
  count,
  filled,
  number,
  oneOf,
  positive,
  range,
  share,
  size,
  text,
  texts,
} from "../config/fields.ts";
import { TrainingError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { CLIP_LABELS } from "./sources/clip-rows.ts";

const labels = block(Object.fromEntries(CLIP_LABELS.map((name) => [name, text.optional()])))
  .default({})
  .describe("labels of every clip that has none of its own");
const columns = block(Object.fromEntries(["audio", ...CLIP_LABELS].map((name) => [name, text.optional()])))
  .default({})
  .describe("names of the columns, where they differ from the labels'");
const name = text.optional().describe("its name in provenance; by default its type and path");

const folder = block({ type: z.literal("folder"), name, path: text, labels });
const parquet = block({ type: z.literal("parquet"), name, path: text, labels, columns });
const synthetic = block({
  type: z.literal("synthetic"),
  name,
  sounds: texts.optional().describe("names of generators; all of the kind by default"),
});
const spoken = {
  name,
  texts: z.union([text, texts.min(1, "expected at least one sentence")], "expected a file of sentences or a list"),
  espeak: text.default("espeak-ng").describe("the espeak-ng program"),
};
const kokoro = block({
  type: z.literal("kokoro"),
  ...spoken,
  model: text.describe("the network, .onnx"),
  voices: text.describe("folder of voices, NAME.bin"),
  vocabulary: text.describe("table of symbols, .json"),
  language: text.default("en").describe("voices of this language are used: en, en-GB, es, fr, hi, it, pt"),
  names: texts.optional().describe("voices; all of the language by default"),
  licence: text.default("Apache-2.0"),
});
const espeak = block({
  type: z.literal("espeak"),
  ...spoken,
  voices: texts.min(1, "expected at least one voice, e.g. en-us+f2"),
  licence: text.default("output of espeak-ng"),
});

const sounds = z
  .array(z.discriminatedUnion("type", [folder, parquet, synthetic], "expected type folder, parquet or synthetic"))
  .default([]);
const speeches = z
  .array(
    z.discriminatedUnion("type", [folder, parquet, kokoro, espeak], "expected type folder, parquet, kokoro or espeak"),
  )
  .default([]);

const snr = (low: number, high: number) =>
  range(number).default([low, high]).describe("decibels of the speech (without speech: of `level`) over the sound");

/** Bytes of a file's sound. */
const LARGEST_SHARD = 2 ** 29;

/** Speech nearer than this to a limit of [0.5, 2] would be stretched beyond what sounds natural. */
const pace = z.number("expected a number from 0.5 to 2").min(0.5, "expected at least 0.5").max(2, "expected at most 2");

const schema = block({
  seed: count.default(0).describe("scene i depends on the seed and i alone"),
  count: size.default(64).describe("scenes"),
  split: oneOf(["train", "validation"]).default("train"),
  sampling_rate: z
    .int("expected a whole number from 8000 to 48000")
    .min(8000, "expected at least 8000")
    .max(48000, "expected at most 48000")
    .default(16000),
  duration: range(positive.max(60, "expected at most 60 seconds")).default([3, 10]).describe("seconds of a scene"),
  shard_size: size.max(100000, "expected at most 100000").default(256).describe("scenes of a Parquet file"),
  level: z
    .number("expected a number from -60 to -10")
    .min(-60, "expected at least -60")
    .max(-10, "expected at most -10")
    .default(-26)
    .describe("speech at its usual energy, dBFS root mean square"),
  tasks: filled({ sap: amount.default(1), asr: amount.default(0), caption: amount.default(0), ser: amount.default(0) })
    .refine((t) => t.sap + t.asr + t.caption + t.ser > 0, "expected at least one task above 0")
    .describe("how often each task is drawn, among those a scene has an answer for"),
  speech: filled({
    probability: share.default(0.75),
    vary: share.default(0.5).describe("how often pace, pitch and energy are changed, each by itself"),
    rate: range(pace).default([0.7, 1.4]).describe("pace relative to the voice's usual"),
    pitch: range(number.min(-4, "expected at least -4").max(4, "expected at most 4"))
      .default([-3, 3])
      .describe("semitones"),
    energy: range(number.min(-20, "expected at least -20").max(12, "expected at most 12"))
      .default([-9, 7])
      .describe("dB"),
    sources: speeches,
  }),
  events: filled({
    probability: share.default(0.7),
    count: range(size).default([1, 2]).describe("different events of a scene"),
    repeat: range(size).default([1, 4]).describe("how often one is heard"),
    snr: snr(-4, 16),
    near: share.default(0.25),
    far: share.default(0.25),
    sources: sounds,
  }),
  backgrounds: filled({
    probability: share.default(0.5),
    snr: snr(2, 24),
    far: share.default(0.1),
    partial: share.default(0.25).describe("how often it begins late or ends early"),
    sources: sounds,
  }),
  music: filled({
    probability: share.default(0.2),
    snr: snr(4, 22),
    far: share.default(0.15),
    partial: share.default(0.25),
    sources: sounds,
  }),
  room: filled({
    probability: share.default(0.4),
    reverberation_time: range(positive.max(3, "expected at most 3 seconds")).default([0.2, 0.8]).describe("seconds"),
  }),
  hold_out: filled({
    sources: texts.default([]),
    speakers: texts.default([]),
    texts: texts.default([]),
    clips: texts.default([]),
    share: share.max(0.9, "expected at most 0.9").default(0),
  }).describe("what serves validation and never training"),
});

/** A checked configuration. Paths are absolute; defaults are filled in. */
export type SceneConfig = z.output<typeof schema>;
export type SoundSourceConfig = SceneConfig["events"]["sources"][number];
export type SpeechSourceConfig = SceneConfig["speech"]["sources"][number];
export const SOUND_ROLES = ["events", "backgrounds", "music"] as const;
export type SoundRole = (typeof SOUND_ROLES)[number];

/** Values that stand above those of the file. */
export interface SceneOverrides {
  readonly count?: number | undefined;
  readonly seed?: number | undefined;
  readonly split?: "train" | "validation" | undefined;
}

/** Reads a configuration file. @throws TrainingError naming the file, the key, and what was expected. */
export async function readSceneConfig(path: string, overrides: SceneOverrides = {}): Promise<SceneConfig> {
  const file = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    const reason =
      error.code === "ENOENT" ? "no such file" : error.code === "EISDIR" ? "is a directory" : error.message;
    throw new TrainingError(`${path}: ${reason}; expected a YAML file that describes scenes`);
  });
  const document = parseDocument(file, { prettyErrors: true });
  const problem = document.errors[0];
  if (problem)
    throw new TrainingError(`${path}: is not valid YAML: ${problem.message.split("\n")[0]?.replace(/:$/, "")}`);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new TrainingError(`${path}: is not valid YAML: ${(error as Error).message}`);
  }
  return checkSceneConfig(value ?? {}, { name: path, folder: dirname(resolve(path)), overrides });
}

/** Checks a configuration as plain data. @throws TrainingError. */
export function checkSceneConfig(
  value: unknown,
  {
    name,
    folder,
    overrides = {},
  }: { readonly name: string; readonly folder: string; readonly overrides?: SceneOverrides },
): SceneConfig {
  const given = Object.entries(overrides).filter(([, v]) => v !== undefined);
  const result = schema.safeParse(isMapping(value) ? { ...value, ...Object.fromEntries(given) } : value);
  if (!result.success) throw new TrainingError(`${name}: ${issueText(result.error.issues[0]!)}`);
  const config = result.data;
  const all = [config.speech, ...SOUND_ROLES.map((role) => config[role])];
  if (all.every(({ sources, probability }) => sources.length === 0 || probability === 0))
    throw new TrainingError(
      `${name}: no sources; expected some under speech, events, backgrounds or music, e.g. events: { sources: [{ type: synthetic }] }`,
    );
  const shard = 2 * config.shard_size * config.duration[1] * config.sampling_rate;
  if (shard > LARGEST_SHARD)
    throw new TrainingError(
      `${name}: shard_size: ${config.shard_size} scenes of up to ${config.duration[1]} s are ${(shard / 2 ** 30).toFixed(1)} GiB, which are held in memory; expected at most ${LARGEST_SHARD / 2 ** 30}; lower shard_size`,
    );
  const paths = new Set(["path", "model", "voices", "vocabulary"]);
  const absolute = <T extends SoundSourceConfig | SpeechSourceConfig>(source: T): T =>
    Object.fromEntries(
      Object.entries(source).map(([key, v]) => {
        const isPath = typeof v === "string" && (paths.has(key) || key === "texts");
        const isProgram = key === "espeak" && typeof v === "string" && /[\\/]/.test(v);
        return [key, isPath || isProgram ? resolve(folder, v) : v];
      }),
    ) as T;
  return {
    ...config,
    speech: { ...config.speech, sources: config.speech.sources.map(absolute) },
    events: { ...config.events, sources: config.events.sources.map(absolute) },
    backgrounds: { ...config.backgrounds, sources: config.backgrounds.sources.map(absolute) },
    music: { ...config.music, sources: config.music.sources.map(absolute) },
  };
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function issueText(issue: z.core.$ZodIssue): string {
  const at = issue.path.length > 0 ? `${issue.path.join(".")}: ` : "";
  if (issue.code !== "unrecognized_keys") return `${at}${issue.message}`;
  const key = issue.keys[0]!;
  const known = knownKeys(issue.path, key);
  const meant = nearest(key, known);
  return `${at}unknown key "${key}"${meant ? ` (did you mean ${meant}?)` : ""}; expected some of ${known.join(", ")}`;
}

/** The keys of the block at a path; of a list of sources those of all types that have no other meaning for `key`. */
function knownKeys(path: readonly PropertyKey[], key: string): string[] {
  let here: z.ZodType[] = [schema];
  for (const step of path) {
    here = here.flatMap(unwrapped).flatMap((type) => {
      if (type instanceof z.ZodObject)
        return type.shape[step as string] ? [type.shape[step as string] as z.ZodType] : [];
      return type instanceof z.ZodArray ? [type.element as z.ZodType] : [];
    });
  }
  const keys = here.flatMap(unwrapped).flatMap((type) => (type instanceof z.ZodObject ? Object.keys(type.shape) : []));
  return [...new Set(keys)].filter((k) => k !== key);
}

/** What a default, a prefault or an optional stands around; all members of a union. */
function unwrapped(type: z.ZodType): z.ZodType[] {
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault || type instanceof z.ZodOptional)
    return unwrapped(type.unwrap() as z.ZodType);
  if (type instanceof z.ZodDiscriminatedUnion) return (type.options as z.ZodType[]).flatMap(unwrapped);
  return [type];
}
