/** The frame of the suite: gives parts their clips, remembers their results, collects what the report says. */
import { Random } from "@uat/audio";
import type { AudioDecoder, AudioTokenizer } from "universal-audio-tokenizer";
import {
  type DataFacts,
  type ModelFacts,
  type ReportPlayer,
  reportSection,
  type TaskReport,
} from "../../report/report.ts";
import type {
  ClipFacts,
  Evaluation,
  EvaluationClip,
  EvaluationContext,
  Json,
  Measured,
  Player,
  Section,
} from "../evaluation.ts";
import { RunFileError } from "./files.ts";
import { listDigest } from "./model-digest.ts";
import { ResultStore } from "./result-store.ts";

/** Where clips come from. */
export interface ClipSource {
  /** Those of the inputs. */
  clips(): Promise<readonly EvaluationClip[]>;
  open(path: string, facts?: ClipFacts): Promise<EvaluationClip>;
}

/** The model's files and how to load them. */
export interface ModelSource extends ModelFacts {
  /** What else decides its codes and waveforms, e.g. `fp32`. */
  readonly settings: string;
  tokenizer(): Promise<AudioTokenizer>;
  decoder(): Promise<AudioDecoder>;
}

export interface RunOptions {
  readonly inputs: readonly string[];
  readonly source: ClipSource;
  /** Needed when a part says so. */
  readonly model?: ModelSource | undefined;
  readonly store: ResultStore;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly command: string;
  readonly machine: Readonly<Record<string, string>>;
  /** Keeps the sounds of a player. @returns where, and for how long they play. */
  readonly keepPlayer: (player: Player) => ReportPlayer;
  readonly onProgress: (label: string, done: number, total: number | undefined) => void;
  readonly onNote: (message: string) => void;
  readonly onWarning: (message: string) => void;
}

/** Players kept of one section, and reasons named in the report. */
const MOST_PLAYERS = 8;
const MOST_REASONS = 20;

/** Runs one part. @throws what the part throws; the signal's reason when it aborts. */
export async function runEvaluation(evaluation: Evaluation, options: RunOptions): Promise<TaskReport> {
  const context = new Context(evaluation, options);
  const { sections, facts = {} } = await evaluation.run(context);
  const { model } = options;
  return {
    task: evaluation.name,
    title: evaluation.title,
    protocol: evaluation.protocol,
    ...(model && context.usesModel ? { model: await context.modelFacts(model) } : {}),
    data: context.dataFacts(),
    seed: options.seed,
    facts: { ...(model && context.usesModel ? { "Precision of the tokenizer": model.settings } : {}), ...facts },
    machine: options.machine,
    command: options.command,
    written: new Date().toISOString(),
    sections: sections.map((section) => keepSection(section, options)),
  };
}

function keepSection(section: Section, { keepPlayer }: RunOptions) {
  const players: ReportPlayer[] = [];
  for (const player of (section.players ?? []).slice(0, MOST_PLAYERS)) players.push(keepPlayer(player));
  return reportSection(section, players);
}

class Context implements EvaluationContext {
  readonly inputs: readonly string[];
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly #evaluation: Evaluation;
  readonly #options: RunOptions;
  /** By name: every clip that was named, the seconds of those measured, why others were not. */
  readonly #clips = new Map<string, EvaluationClip>();
  readonly #seconds = new Map<string, number>();
  readonly #reasons = new Map<string, string>();
  #tokenizer: Promise<AudioTokenizer> | undefined;

  constructor(evaluation: Evaluation, options: RunOptions) {
    this.#evaluation = evaluation;
    this.#options = options;
    this.inputs = options.inputs;
    this.seed = options.seed;
    this.signal = options.signal;
  }

  get usesModel(): boolean {
    return this.#evaluation.needsModel === true;
  }

  get model(): ModelSource {
    const { model } = this.#options;
    if (!this.usesModel || !model) throw new Error(`${this.#evaluation.name} did not say that it needs a model`);
    return { ...model, tokenizer: () => (this.#tokenizer ??= model.tokenizer()) };
  }

  async modelFacts({ name, sha256, files }: ModelSource): Promise<ModelFacts> {
    const tokenizer = await this.#tokenizer;
    if (!tokenizer) return { name, sha256, files };
    const { frameRate, codebookSize } = tokenizer;
    return { name, sha256, files, rates: { frameRate, bitsPerSecond: Math.log2(codebookSize) * frameRate } };
  }

  async clips(): Promise<readonly EvaluationClip[]> {
    const clips = await this.#options.source.clips();
    for (const clip of clips) this.#clips.set(clip.name, clip);
    return clips;
  }

  async openClip(path: string, facts?: ClipFacts): Promise<EvaluationClip> {
    const clip = await this.#options.source.open(path, facts);
    this.#clips.set(clip.name, clip);
    return clip;
  }

  async measure<R>(
    clips: readonly EvaluationClip[],
    key: string,
    measureClip: (clip: EvaluationClip) => Promise<R>,
  ): Promise<Measured<R>[]> {
    const { store, onProgress, onWarning } = this.#options;
    const rows: Measured<R>[] = [];
    for (const [i, clip] of clips.entries()) {
      this.signal.throwIfAborted();
      onProgress(`${this.#evaluation.name}: ${clip.name}`, i, clips.length);
      const id = this.#key(key, [clip.hash, clip.text ?? null, clip.language ?? null]);
      const known = store.get(id) as { seconds: number; value: R } | undefined;
      if (known) {
        rows.push({ clip, seconds: known.seconds, result: known.value });
        this.#seconds.set(clip.name, known.seconds);
        continue;
      }
      const heard = { seconds: 0 };
      try {
        const value = await measureClip(listened(clip, heard));
        this.signal.throwIfAborted();
        await store.add(id, `${this.#evaluation.name}, ${key}: ${clip.name}`, {
          seconds: heard.seconds,
          value: value as Json,
        });
        rows.push({ clip, seconds: heard.seconds, result: value });
        this.#seconds.set(clip.name, heard.seconds);
      } catch (error) {
        if (this.signal.aborted || !isClipError(error)) throw error;
        this.#reasons.set(clip.name, (error as Error).message);
        onWarning(`left out: ${(error as Error).message}`);
      }
    }
    onProgress(this.#evaluation.name, clips.length, clips.length);
    return rows;
  }

  async remember<R extends Json>(key: string, compute: () => Promise<R>): Promise<R> {
    this.signal.throwIfAborted();
    const { store } = this.#options;
    const id = this.#key(key, null);
    const known = store.get(id);
    if (known !== undefined) return known as R;
    const value = await compute();
    await store.add(id, `${this.#evaluation.name}, ${key}`, value);
    return value;
  }

  random(purpose: string): Random {
    return new Random(Number.parseInt(ResultStore.key(this.seed, purpose).slice(0, 8), 16));
  }

  progress(label: string, done: number, total?: number): void {
    this.#options.onProgress(`${this.#evaluation.name}: ${label}`, done, total);
  }

  note(message: string): void {
    this.#options.onNote(message);
  }

  warn(message: string): void {
    this.#options.onWarning(message);
  }

  dataFacts(): DataFacts {
    const seconds = [...this.#seconds.values()].reduce((sum, value) => sum + value, 0);
    return {
      inputs: this.inputs,
      clips: this.#clips.size,
      minutes: seconds / 60,
      sha256: listDigest([...this.#clips.values()]),
      leftOut: this.#reasons.size,
      unreadable: [...this.#reasons].slice(0, MOST_REASONS).map(([name, reason]) => ({ name, reason })),
    };
  }

  #key(key: string, clip: Json): string {
    const { name, protocol } = this.#evaluation;
    const { model } = this.#options;
    const weights = this.usesModel && model ? [model.sha256, model.settings] : [];
    return ResultStore.key(name, protocol, key, clip, this.seed, weights);
  }
}

/** The clip, with the seconds that were read of it noted. */
const listened = (clip: EvaluationClip, heard: { seconds: number }): EvaluationClip => ({
  ...clip,
  async read(sampleRate) {
    const audio = await clip.read(sampleRate);
    heard.seconds = audio.seconds;
    return audio;
  },
});

/** Errors about a clip are the user's to mend; those about the run's own files end it. */
const isClipError = (error: unknown): boolean =>
  (error as { isInputError?: unknown } | undefined)?.isInputError === true && !(error instanceof RunFileError);
