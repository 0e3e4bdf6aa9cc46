/**
 * The training loop: batches in, updates, what a run tells of itself, evaluations, checkpoints. Everything random is a
 * function of the seed and the position, so a run that was stopped, or killed, goes on to the same weights.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { createRuntime, type Device } from "@uat/graph";
import { CheckpointFolder } from "../checkpoint/checkpoint-folder.ts";
import { readCheckpoint, type SavedCheckpoint } from "../checkpoint/saved-checkpoint.ts";
import { type RunConfig, readRunConfig } from "../config/read-run-config.ts";
import type { Example, ExampleSource } from "../data/example.ts";
import { LengthGroups } from "../data/length-groups.ts";
import { type Batch, loadBatches, type UnreadableClip } from "../data/loader.ts";
import { inOrder, Mixture } from "../data/mixture.ts";
import { TrainingError } from "../errors.ts";
import type { ProgressState } from "../report/progress.ts";
import type { RunInfo } from "../report/run-info.ts";
import { RunLog } from "../report/run-log.ts";
import { alone, type Collective, LostProcessError } from "./collective.ts";
import { createSystem, requiredColumns } from "./create-system.ts";
import { openSource, sourceName } from "./open-sources.ts";
import { startProcesses, type WorkerCommand } from "./processes.ts";
import { holdsRun, takeRunFolder } from "./run-folder.ts";
import { checkProcesses, checkRows, meanOverRanks, sameWeights } from "./shares.ts";
import { type Metrics, NonFiniteError, type TrainingSystem } from "./system.ts";

export interface TrainOptions {
  /** Folder of the run. */
  readonly out: string;
  /** In place of the configuration's. */
  readonly steps?: number | undefined;
  readonly saveEvery?: number | undefined;
  readonly seed?: number | undefined;
  /** Goes on from the newest checkpoint in `out`, or starts where there is none. */
  readonly resume?: boolean | undefined;
  /** What computes the steps; the processor by default. */
  readonly device?: Device | undefined;
  readonly threads?: number | undefined;
  /** Ends the run after the step that is being made, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** How `processes` of the configuration are started. */
  readonly worker?: WorkerCommand | undefined;
  /** In a process that another one has started: its place in the run. */
  readonly collective?: Collective | undefined;
  readonly version?: string | undefined;
  readonly command?: string | undefined;
  readonly onProgress?: ((state: ProgressState) => void) | undefined;
  /** What goes on before and between the steps. */
  readonly onWork?: ((label: string, done: number, total: number) => void) | undefined;
  readonly onNote?: ((message: string) => void) | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
}

export interface TrainResult {
  readonly steps: number;
  /** The last checkpoint. */
  readonly checkpoint: string | undefined;
  /** Of the last step made. */
  readonly metrics: Metrics;
  /** The signal ended the run before its last step. */
  readonly stopped: boolean;
}

/**
 * Trains what a configuration says.
 * @throws TrainingError for whatever the user can mend; a loss that is not a number among them.
 */
export async function train(configPath: string, options: TrainOptions): Promise<TrainResult> {
  const read = await readRunConfig(configPath);
  const config = {
    ...read,
    steps: options.steps ?? read.steps,
    save_every: options.saveEvery ?? read.save_every,
    seed: options.seed ?? read.seed,
  } as RunConfig;
  const out = resolve(options.out);
  const world = options.collective?.world ?? config.processes;
  checkProcesses(config, world, configPath);
  // rank 0 alone writes
  if (options.collective && options.collective.rank > 0) return new Run(config, configPath, out, options).go();
  if (!options.resume && holdsRun(out))
    throw new TrainingError(`${options.out}: holds a run already; go on with --resume, or give another --out`);
  const release = await takeRunFolder(out);
  try {
    return await new Run(config, configPath, out, options).go();
  } finally {
    await release();
  }
}

/** Keys that may differ between the parts of a run: they change neither a batch nor an update. */
const FREE_KEYS = ["steps", "save_every", "evaluate_every", "keep_checkpoints", "threads", "workers", "storage"];

/** Of what decides the weights. */
function configHash(config: RunConfig): string {
  const { validation: _, validation_rows: __, ...data } = config.data;
  const decisive = Object.entries({ ...config, data }).filter(([key]) => !FREE_KEYS.includes(key));
  return createHash("sha256").update(JSON.stringify(decisive)).digest("hex").slice(0, 16);
}

async function* allRows(sources: readonly ExampleSource[]): AsyncGenerator<Example> {
  for (const source of sources) for (let i = 0; i < source.length; i++) yield source.example(i);
}

/** Exponential smoothing of what the progress line shows. */
const SMOOTHING = 0.9;

/** Where each process goes on in its share of the data, by rank. */
interface DataPosition {
  readonly next: readonly number[];
}

/** What a process tells the others of a step. */
interface Told {
  readonly metrics: Metrics;
  readonly next: number;
  readonly unreadable: readonly UnreadableClip[];
}

/** The others wait meanwhile: the work ends when one of them is lost. */
async function* whileAll(collective: Collective, batches: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    collective.check();
    yield batch;
  }
}

/** What the processes of a run settle before it begins. */
interface Beginning {
  readonly config: string;
  /** The checkpoint that rank 0 goes on from. */
  readonly from: string | undefined;
}

class Run {
  readonly #config: RunConfig;
  readonly #path: string;
  readonly #out: string;
  readonly #options: TrainOptions;
  #collective: Collective;
  #last: string | undefined;
  #unreadable = 0;

  constructor(config: RunConfig, path: string, out: string, options: TrainOptions) {
    this.#config = config;
    this.#path = path;
    this.#out = out;
    this.#options = options;
    this.#collective = options.collective ?? alone;
  }

  async go(): Promise<TrainResult> {
    const { data } = this.#config;
    const sources: ExampleSource[] = [];
    try {
      sources.push(...(await this.#sources(data.train)));
      const world = this.#options.collective?.world ?? this.#config.processes;
      checkRows(sources, world, this.#path);
      // what is made or fetched is there before the others look for it
      if (!this.#options.collective && world > 1) this.#collective = this.#start(world);
      const result = await this.#train(sources);
      await this.#collective.close();
      return result;
    } catch (error) {
      await this.#collective.close(error);
      if (!(error instanceof LostProcessError)) throw error;
      throw new TrainingError(
        `${error.message}; ${this.#last ? `the last checkpoint is ${this.#last}; go on with --resume` : "there is no checkpoint yet"}`,
      );
    } finally {
      for (const source of sources) await source.close();
    }
  }

  #start(world: number): Collective {
    const { worker } = this.#options;
    if (!worker) throw new Error("several processes need `worker`, the command that starts one");
    return startProcesses(world, worker);
  }

  get #leads(): boolean {
    return this.#collective.rank === 0;
  }

  async #train(sources: readonly ExampleSource[]): Promise<TrainResult> {
    const { onNote, onWarning, resume } = this.#options;
    const config = this.#config;
    const { world } = this.#collective;
    const shared = world > 1 ? Math.max(1, Math.floor(availableParallelism() / world)) : undefined;
    const threads = this.#options.threads ?? config.threads ?? shared;
    const checkpoints = this.#leads
      ? await CheckpointFolder.open(this.#out, { keep: config.keep_checkpoints, onWarning })
      : undefined;
    const latest = resume ? await checkpoints?.latest() : undefined;
    this.#last = latest?.path;
    const validation = this.#leads ? await this.#sources(config.data.validation) : [];
    const runtime = await createRuntime({ device: this.#options.device, threads, thread: "calling", onWarning });
    const create = () =>
      createSystem(config, {
        runtime,
        collective: this.#collective,
        file: this.#path,
        out: this.#out,
        examples: () => allRows(sources),
        onNote,
      });
    // rank 0 goes first: it tells what is wrong once, and downloads once
    const created = this.#leads ? await create() : undefined;
    const from = (await this.#begin({ config: JSON.stringify(config), from: latest?.path })).from;
    const system = created ?? (await create());
    try {
      const saved = latest ?? (from === undefined ? undefined : await readCheckpoint(from));
      if (saved) await this.#restore(saved, system);
      else if (resume) onNote?.(`${this.#out} has no checkpoint yet: starting at step 0`);
      await sameWeights(system, this.#collective, saved?.state.step ?? 0);
      if (!checkpoints) return await this.#steps(system, sources, [], undefined, undefined, saved);
      const log = await RunLog.open(this.#out, {
        runInfo: await this.#info(system, sources, validation, runtime.name),
        // a run that was killed before its first checkpoint starts anew
        resumeStep: resume && holdsRun(this.#out) ? (saved?.state.step ?? 0) : undefined,
      });
      try {
        const result = await this.#steps(system, sources, validation, checkpoints, log, saved);
        await log.close(
          result.stopped
            ? { state: "stopped", reason: `at step ${result.steps}; go on with --resume` }
            : { state: "finished" },
        );
        return result;
      } catch (error) {
        await log
          .close({ state: "failed", reason: (error as Error).message.split("\n")[0] as string })
          .catch(() => undefined);
        throw error;
      }
    } finally {
      await system.dispose();
      await runtime.dispose();
      for (const source of validation) await source.close();
    }
  }

  /** @returns what rank 0 says. */
  async #begin(own: Beginning): Promise<Beginning> {
    const all = await this.#collective.exchange(own);
    if (all.some(({ config }) => config !== own.config))
      throw new TrainingError(`${this.#path}: has changed while the run was starting; start it again`);
    return all[0] as Beginning;
  }

  async #sources(configs: RunConfig["data"]["train"]): Promise<ExampleSource[]> {
    const sources: ExampleSource[] = [];
    for (const source of configs)
      sources.push(
        await openSource(source, {
          required: requiredColumns(this.#config),
          cache: join(this.#out, "data"),
          signal: this.#options.signal,
          onProgress: this.#options.onWork,
        }),
      );
    return sources;
  }

  async #restore(saved: SavedCheckpoint, system: TrainingSystem): Promise<void> {
    const { step, configHash: hash, seed, data } = saved.state;
    if (seed !== this.#config.seed)
      throw new TrainingError(
        `${saved.path}: was trained with seed ${seed}, not ${this.#config.seed}; give --seed ${seed}`,
      );
    const processes = (data as DataPosition).next.length;
    const { world } = this.#collective;
    if (processes !== world)
      throw new TrainingError(
        `${saved.path}: was trained by ${processes} ${processes === 1 ? "process" : "processes"}, not ${world}; set processes: ${processes}`,
      );
    if (hash !== configHash(this.#config))
      throw new TrainingError(
        `${saved.path}: was trained with another configuration than ${this.#path} is now; ` +
          "give that one, or start a new run from it by model.init",
      );
    await system.restore(saved);
    this.#last = saved.path;
    this.#options.onNote?.(`going on from step ${step}`);
  }

  async #info(
    system: TrainingSystem,
    sources: readonly ExampleSource[],
    validation: readonly ExampleSource[],
    runtime: string,
  ): Promise<RunInfo> {
    const { data, system: kind, steps, seed } = this.#config;
    const rows = (split: string, configs: typeof data.train, opened: readonly ExampleSource[]) =>
      configs.map((source, i) => ({
        name: sourceName(source),
        split,
        rows: (opened[i] as ExampleSource).length,
        weight: source.weight,
      }));
    return {
      title: `Training of a ${kind}`,
      ...(this.#options.command !== undefined && { command: this.#options.command }),
      totalSteps: steps,
      seed,
      config: await readFile(this.#path, "utf8"),
      sources: [...rows("train", data.train, sources), ...rows("validation", data.validation, validation)],
      versions: { "universal-audio-tokenizer": this.#options.version ?? "development", engine: runtime },
      facts: system.facts,
    };
  }

  async #steps(
    system: TrainingSystem,
    sources: readonly ExampleSource[],
    validation: readonly ExampleSource[],
    checkpoints: CheckpointFolder | undefined,
    log: RunLog | undefined,
    saved: SavedCheckpoint | undefined,
  ): Promise<TrainResult> {
    const config = this.#config;
    const { onProgress } = this.#options;
    const { world, rank } = this.#collective;
    const weighted = sources.map((source, i) => ({ source, weight: config.data.train[i]!.weight }));
    let positions = (saved?.state.data as DataPosition | undefined)?.next ?? Array.from({ length: world }, () => 0);
    const batchSize = config.batch_size / world;
    const batches = loadBatches({
      stream: new LengthGroups(new Mixture(weighted, config.seed, this.#collective), {
        batchSize,
        batches: config.data.length_window,
        seed: config.seed,
        maxSeconds: config.data.max_seconds,
      }),
      batchSize,
      ...system.training,
      seed: config.seed,
      workers: config.workers,
      from: positions[rank] as number,
    });
    let step = saved?.state.step ?? 0;
    let metrics: Metrics = {};
    let smoothed: number | undefined;
    let secondsPerStep: number | undefined;
    let savedAt = step;
    const save = async () => {
      if (savedAt === step) return;
      savedAt = step;
      await sameWeights(system, this.#collective, step);
      if (checkpoints) this.#last = await checkpoints.save(this.#content(system, step, positions));
    };
    try {
      while (step < config.steps && !(await this.#stopped())) {
        const started = performance.now();
        const taken: Batch[] = [];
        for (let i = 0; i < config.accumulate; i++) {
          const { value, done } = await batches.next();
          if (done) throw new TrainingError("the training data came to an end; expected sources without end");
          taken.push(value);
        }
        const waited = (performance.now() - started) / 1000;
        const own = await this.#step(system, taken, step + 1);
        const told = await this.#collective.exchange<Told>({
          metrics: own,
          next: taken.at(-1)!.next,
          unreadable: taken.flatMap(({ unreadable }) => unreadable),
        });
        step++;
        metrics = meanOverRanks(told.map((t) => t.metrics));
        positions = told.map(({ next }) => next);
        this.#tellUnreadable(told.flatMap(({ unreadable }) => unreadable));
        const seconds = (performance.now() - started) / 1000;
        secondsPerStep =
          secondsPerStep === undefined ? seconds : SMOOTHING * secondsPerStep + (1 - SMOOTHING) * seconds;
        const clips = taken.reduce((n, batch) => n + batch.ids.length, 0) * world;
        log?.step({
          step,
          ...metrics,
          samples_per_second: clips / seconds,
          data_wait: waited / seconds,
          ...(this.#unreadable > 0 && { unreadable_clips: this.#unreadable }),
        });
        const loss = metrics.loss as number;
        smoothed = smoothed === undefined ? loss : SMOOTHING * smoothed + (1 - SMOOTHING) * loss;
        onProgress?.({
          step,
          totalSteps: config.steps,
          loss: smoothed,
          learningRates: Object.entries(metrics).flatMap(([name, value]) => (name.startsWith("lr_") ? [value] : [])),
          usage: metrics.codebook_usage,
          gamma: metrics.gamma,
          gradientNorm: metrics.gradient_norm,
          samplesPerSecond: clips / secondsPerStep,
          secondsLeft: (config.steps - step) * secondsPerStep,
        });
        const evaluates = config.evaluate_every > 0 && (step % config.evaluate_every === 0 || step === config.steps);
        if (evaluates && validation.length > 0 && log) await this.#evaluate(system, validation, log, step);
        if (step % config.save_every === 0) await save();
        if (evaluates || step % config.save_every === 0) await log?.flush();
      }
      await save();
    } finally {
      await batches.return(undefined);
    }
    return { steps: step, checkpoint: this.#last, metrics, stopped: step < config.steps };
  }

  /** Whether rank 0 has been asked to end: one decision for all. */
  async #stopped(): Promise<boolean> {
    const [leader] = await this.#collective.exchange(this.#options.signal?.aborted ?? false);
    return leader as boolean;
  }

  async #step(system: TrainingSystem, batches: readonly Batch[], step: number): Promise<Metrics> {
    try {
      return await system.step(batches);
    } catch (error) {
      if (!(error instanceof NonFiniteError)) throw error;
      // all processes are here: they have looked at the same sums
      const finite = Number.isFinite(error.loss);
      const own = { finite, message: error.message, ids: batches.flatMap((batch) => batch.ids) };
      const all = await this.#collective.exchange(own);
      const suspects = all.some((one) => !one.finite) ? all.filter((one) => !one.finite) : all;
      const ids = suspects.flatMap((one) => one.ids);
      const shown = ids.length > 8 ? `${ids.slice(0, 8).join(", ")} and ${ids.length - 8} more` : ids.join(", ");
      throw new TrainingError(
        `step ${step}: ${(suspects[0] as typeof own).message}; clips of this step: ${shown}; ` +
          (this.#last ? `the last good checkpoint is ${this.#last}` : "there is no checkpoint yet") +
          "; lower the learning rate or look at these clips",
      );
    }
  }

  #tellUnreadable(clips: readonly UnreadableClip[]): void {
    for (const { id, reason } of clips) {
      this.#unreadable++;
      this.#options.onWarning?.(`${id}: left out (${reason})`);
    }
  }

  async #evaluate(
    system: TrainingSystem,
    validation: readonly ExampleSource[],
    log: RunLog,
    step: number,
  ): Promise<void> {
    const { data, batch_size, seed, workers } = this.#config;
    const stream = inOrder(validation);
    const length = data.validation_rows === 0 ? stream.length : Math.min(stream.length, data.validation_rows);
    const rows = { ...stream, length, epochLength: length };
    this.#options.onWork?.("evaluation", 0, length);
    const batches = loadBatches({ stream: rows, batchSize: batch_size, ...system.validation, seed, workers });
    const metrics = await system.evaluate(whileAll(this.#collective, batches), (sample) =>
      log.sample({ ...sample, step } as Parameters<RunLog["sample"]>[0]),
    );
    log.evaluation({ step, split: "validation", ...metrics });
  }

  #content(system: TrainingSystem, step: number, next: readonly number[]): Parameters<CheckpointFolder["save"]>[0] {
    const { system: state, ...content } = system.checkpoint();
    return {
      ...content,
      state: {
        step,
        seed: this.#config.seed,
        configHash: configHash(this.#config),
        counters: { unreadable_clips: this.#unreadable },
        random: null,
        data: { next } satisfies DataPosition,
        system: state,
      },
    };
  }
}
