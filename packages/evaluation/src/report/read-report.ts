/** report.json of earlier runs, possibly by others: checked before anything is made of it. */
import { z } from "zod";
import { EvaluationError } from "../errors.ts";
import { REPORT_VERSION, type Report } from "./report.ts";

const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const interval = z.tuple([z.number(), z.number()]).optional();

const figure = z.object({
  id: z.string(),
  name: z.string(),
  value: z.number().nullable(),
  unit: z.string().optional(),
  interval,
  n: z.number().optional(),
  of: z.string().optional(),
  better: z.enum(["lower", "higher"]).optional(),
  must: z.number().optional(),
  aim: z.number().optional(),
  digits: z.int().min(0).max(12).optional(),
  headline: z.boolean().optional(),
});

const base = {
  title: z.string(),
  xLabel: z.string().optional(),
  yLabel: z.string().optional(),
  note: z.string().optional(),
};

const plot = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("scatter"),
    ...base,
    points: z.array(z.object({ x: number, y: number, group: z.string().optional(), name: z.string().optional() })),
  }),
  z.object({
    kind: z.literal("bars"),
    ...base,
    bars: z.array(z.object({ name: z.string(), value: number, interval })),
    unit: z.string().optional(),
  }),
  z.object({
    kind: z.literal("lines"),
    ...base,
    lines: z.array(z.object({ name: z.string(), x: z.array(number), y: z.array(number) })),
    logX: z.boolean().optional(),
  }),
  z.object({
    kind: z.literal("histogram"),
    ...base,
    groups: z.array(z.object({ name: z.string(), values: z.array(number) })),
  }),
  z.object({
    kind: z.literal("heat"),
    ...base,
    rows: z.array(z.string()),
    columns: z.array(z.string()),
    values: z.array(z.array(number)),
  }),
]);

const section = z.object({
  title: z.string(),
  figures: z.array(figure),
  published: z.record(z.string(), z.number()),
  plots: z.array(plot),
  tables: z.array(
    z.object({
      title: z.string(),
      columns: z.array(z.string()),
      rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
      note: z.string().optional(),
    }),
  ),
  players: z.array(
    z.object({
      title: z.string(),
      // a name in the report's folder and nothing else: the file is read
      sounds: z.array(
        z.object({ name: z.string(), file: z.string().regex(/^players\/[\w-]+\.wav$/), seconds: z.number() }),
      ),
      texts: z.record(z.string(), z.string()),
    }),
  ),
  notes: z.array(z.string()),
});

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const report = z.object({
  version: z.literal(REPORT_VERSION),
  tasks: z.array(
    z.object({
      task: z.string(),
      title: z.string(),
      protocol: z.string(),
      model: z
        .object({
          name: z.string(),
          sha256: hash,
          files: z.array(z.object({ path: z.string(), sha256: hash })),
          rates: z.object({ frameRate: z.number(), bitsPerSecond: z.number() }).optional(),
        })
        .optional(),
      data: z.object({
        inputs: z.array(z.string()),
        clips: z.number(),
        minutes: z.number(),
        sha256: hash,
        leftOut: z.number(),
        unreadable: z.array(z.object({ name: z.string(), reason: z.string() })),
      }),
      seed: z.number(),
      facts: z.record(z.string(), z.union([z.string(), z.number()])),
      machine: z.record(z.string(), z.string()),
      command: z.string(),
      written: z.string(),
      sections: z.array(section),
    }),
  ),
});

/** @throws EvaluationError naming the file and the field that is not as `uat eval` writes it. */
export function parseReport(text: string, name: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EvaluationError(`${name}: is not JSON; expected the report.json of an earlier uat eval`);
  }
  const parsed = report.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") || "the whole";
  throw new EvaluationError(
    `${name}: ${field}: ${issue?.message ?? "is damaged"}; expected the report.json of an earlier uat eval of this version`,
  );
}
