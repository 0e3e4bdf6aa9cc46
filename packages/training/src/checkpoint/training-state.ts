/** The JSON of a training checkpoint: where a run stands, and which files belong to it. */
import { z } from "zod";
import { TrainingError } from "../errors.ts";

const whole = z.int().nonnegative();

const optimizerCounts = z.strictObject({ updates: whole, steps: z.record(z.string(), whole) });

const trainingState = z.strictObject({
  format: z.literal(1),
  step: whole,
  seed: whole,
  configHash: z.string(),
  counters: z.record(z.string(), z.number()),
  random: z.json(),
  data: z.json(),
  system: z.json(),
  optimizers: z.record(z.string(), optimizerCounts),
});

/** Where a run stands. */
export interface TrainingState {
  /** Steps done. */
  readonly step: number;
  readonly seed: number;
  /** Of the configuration, so that a resume with another one is noticed. */
  readonly configHash: string;
  readonly counters: Readonly<Record<string, number>>;
  /** States of random generators. */
  readonly random: unknown;
  /** Position in the data. */
  readonly data: unknown;
  /** Whatever the trained system wants to find again. */
  readonly system: unknown;
  /** Update counts by optimiser. */
  readonly optimizers: Readonly<
    Record<string, { readonly updates: number; readonly steps: Readonly<Record<string, number>> }>
  >;
}

/** Names relative to the checkpoint's folder, with "/" between parts, none of which leads out of it. */
const fileName = z.string().regex(/^(?!.*(^|\/)\.{1,2}(\/|$))[^/\\:\0]+(\/[^/\\:\0]+)*$/);

const manifest = z.strictObject({
  format: z.literal(1),
  files: z.record(fileName, z.strictObject({ bytes: whole, crc32: whole })),
});

/** Size and checksum of every file of a checkpoint but the manifest itself. */
export type Manifest = z.output<typeof manifest>;

/** @throws Error for a number that JSON has no word for: it would silently come back as null. */
export function stateJson(state: TrainingState): string {
  const json = JSON.stringify(
    { format: 1, ...state },
    (key, value) => {
      if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`training state: ${key} is ${value}`);
      return value;
    },
    1,
  );
  return `${json}\n`;
}

/** @throws TrainingError when the text is not such a state. */
export function parseState(text: string, source: string): TrainingState {
  return parsed(trainingState, text, source);
}

/** @throws TrainingError when the text is not a manifest. */
export function parseManifest(text: string, source: string): Manifest {
  return parsed(manifest, text, source);
}

function parsed<T extends z.ZodType>(schema: T, text: string, source: string): z.output<T> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new TrainingError(`${source}: is damaged (not JSON)`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  throw new TrainingError(
    `${source}: is damaged or of another version (${issue.path.join(".") || "top level"}: ${issue.message})`,
  );
}
