/**
 * Samples of a run: what the model makes of the same few clips as training goes on. They are files in `samples/`, for
 * people to open and for the report to be put together from after a resume. Of each sample the first and the last two
 * steps are kept.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeWav, type MelFeatures } from "@uat/audio";
import { z } from "zod";
import { TrainingError } from "../errors.ts";
import type { SummaryValue } from "./event-messages.ts";
import { writeAtomically, writeError } from "./files.ts";
import { colorRange, drawSpectrogram } from "./spectrogram-picture.ts";

/** Steps of one sample that are kept besides its first. */
const LATEST = 2;
/** Samples of one kind that are kept in all; the oldest go first. */
const MOST = 96;
/** Seconds of a sound that are kept. */
const LONGEST = 20;
const INDEX = "index.json";
const FILE = /^(spectrogram|audio)-[\w-]+\.(png|wav)$/;

/** What a model made at a step. `name` says of which clip; the same name at another step is the same clip. */
export type Sample = { readonly step: number; readonly name: string } & (
  | {
      /** Log-mel spectrograms, [mels, frames]. */
      readonly kind: "spectrogram";
      readonly target?: MelFeatures;
      readonly prediction: MelFeatures;
    }
  | {
      /** Mono samples in [-1, 1]; the first 20 s are kept. */
      readonly kind: "audio";
      readonly sampleRate: number;
      readonly target?: Float32Array;
      readonly prediction: Float32Array;
    }
  | { readonly kind: "text"; readonly target?: string; readonly prediction: string }
);

const entrySchema = z.strictObject({
  step: z.int(),
  kind: z.enum(["spectrogram", "audio", "text"]),
  name: z.string(),
  /** A file beside the index, or the text itself. */
  target: z.string().optional(),
  prediction: z.string(),
});

/** A sample that is kept: `target` and `prediction` name files, or are the texts. */
export type SampleEntry = z.infer<typeof entrySchema>;

/** The entries that stay: the first and the latest of each name, and of each kind not too many. */
export function keptEntries(entries: readonly SampleEntry[]): SampleEntry[] {
  const sorted = [...entries].sort((a, b) => a.step - b.step);
  const same = (a: SampleEntry) => (b: SampleEntry) => a.kind === b.kind && a.name === b.name;
  const kept = sorted.filter((entry) => {
    const all = sorted.filter(same(entry));
    const place = all.indexOf(entry);
    return place === 0 || place >= all.length - LATEST;
  });
  return kept.filter((entry) => {
    const kind = kept.filter((e) => e.kind === entry.kind);
    return kind.indexOf(entry) >= kind.length - MOST;
  });
}

/** The folder of samples and its index. */
export class SampleStore {
  readonly folder: string;
  #entries: SampleEntry[];
  #changed = false;

  private constructor(folder: string, entries: SampleEntry[]) {
    this.folder = folder;
    this.#entries = entries;
  }

  /**
   * Opens the folder `folder`; it is made when there is a first sample.
   * @param resumeStep samples of later steps are forgotten.
   * @throws TrainingError when the index is not one.
   */
  static open(folder: string, resumeStep?: number): SampleStore {
    const path = join(folder, INDEX);
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new SampleStore(folder, []);
      throw writeError(path, error);
    }
    const parsed = z.array(entrySchema).safeParse(parseJson(text));
    if (!parsed.success)
      throw new TrainingError(
        `${path}: is no list of samples as a run writes it; delete the folder to go on without them`,
      );
    const store = new SampleStore(
      folder,
      parsed.data.filter((e) => e.step <= (resumeStep ?? Number.POSITIVE_INFINITY)),
    );
    store.#changed = true;
    return store;
  }

  /** What is kept, by step. */
  get entries(): readonly SampleEntry[] {
    return this.#entries;
  }

  /**
   * Keeps a sample; {@link SampleStore.save} makes it last.
   * @returns its values for TensorBoard; a target that is known already is not among them.
   * @throws TrainingError when its files cannot be written.
   */
  add(sample: Sample): SummaryValue[] {
    const { step, name, kind } = sample;
    const values: SummaryValue[] = [];
    const file = (role: "target" | "prediction", data: Uint8Array, ending: string) => {
      // a target is the same at every step: named by what it holds, it is stored once
      const which = role === "target" ? `target-${hash(data)}` : `step-${String(step).padStart(8, "0")}`;
      const path = `${kind}-${slug(name)}-${which}.${ending}`;
      const known = this.#entries.some((e) => e.target === path);
      if (!known) this.#write(path, data);
      return { path, known };
    };
    const entry: SampleEntry = { step, name, kind, prediction: "" };
    const roles = ["target", "prediction"] as const;
    if (sample.kind === "text") {
      if (sample.target !== undefined) entry.target = sample.target;
      entry.prediction = sample.prediction;
      values.push({ kind: "text", tag: `text/${name}`, text: markdownOf(sample) });
    } else if (sample.kind === "spectrogram") {
      const range = colorRange(sample.target ?? sample.prediction);
      for (const role of roles) {
        const mel = sample[role];
        if (mel === undefined) continue;
        const picture = drawSpectrogram(mel, range);
        const { path, known } = file(role, picture.png, "png");
        entry[role] = path;
        if (!known) values.push({ kind: "image", tag: `${kind}/${name}/${role}`, ...picture });
      }
    } else {
      for (const role of roles) {
        const samples = sample[role]?.subarray(0, LONGEST * sample.sampleRate);
        if (samples === undefined) continue;
        const wav = encodeWav([samples], sample.sampleRate);
        const { path, known } = file(role, wav, "wav");
        entry[role] = path;
        const { sampleRate } = sample;
        if (!known)
          values.push({ kind: "audio", tag: `${kind}/${name}/${role}`, wav, sampleRate, frames: samples.length });
      }
    }
    const others = this.#entries.filter((e) => e.kind !== kind || e.name !== name || e.step !== step);
    this.#entries = keptEntries([...others, entry]);
    this.#changed = true;
    return values;
  }

  /** The bytes of a file that an entry names; undefined when it is gone. */
  read(file: string): Uint8Array | undefined {
    try {
      return FILE.test(file) ? readFileSync(join(this.folder, file)) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Writes the index, then deletes files that nothing names any more. @throws TrainingError on a full disk. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    this.#makeFolder();
    await writeAtomically(join(this.folder, INDEX), `${JSON.stringify(this.#entries, null, 1)}\n`);
    this.#changed = false;
    const named = new Set(this.#entries.flatMap((e) => [e.target, e.prediction]));
    for (const file of readdirSync(this.folder))
      if (FILE.test(file) && !named.has(file)) rmSync(join(this.folder, file), { force: true });
  }

  #makeFolder(): void {
    try {
      mkdirSync(this.folder, { recursive: true });
    } catch (error) {
      throw writeError(this.folder, error);
    }
  }

  #write(file: string, data: Uint8Array): void {
    this.#makeFolder();
    const path = join(this.folder, file);
    try {
      writeFileSync(path, data);
    } catch (error) {
      throw writeError(path, error);
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const hash = (data: Uint8Array | string) => createHash("sha256").update(data).digest("hex").slice(0, 8);

/** A name as part of a file's name; the hash keeps different names apart. */
const slug = (name: string) => `${name.replace(/[^\w-]+/g, "-").slice(0, 40)}-${hash(name)}`;

/** Text as TensorBoard shows it, in blocks where nothing is taken for markup. */
function markdownOf({ target, prediction }: { target?: string; prediction: string }): string {
  const block = (text: string) => text.replace(/^/gm, "    ");
  return [...(target === undefined ? [] : ["target", block(target)]), "prediction", block(prediction)].join("\n\n");
}
