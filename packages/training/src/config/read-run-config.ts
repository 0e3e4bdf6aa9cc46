/** From a YAML file to a checked configuration of a run. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, resolve } from "node:path";
import { shown } from "universal-audio-tokenizer/internal";
import { parseDocument } from "yaml";
import type { z } from "zod";
import { TrainingError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { checked } from "./check.ts";
import { checkDecoderFields } from "./decoder-geometry.ts";
import { listed } from "./fields.ts";
import { isNamed } from "./model-config.ts";
import { type GroupConfig, settledGroup } from "./optimizer-config.ts";
import { RUN_SCHEMAS, SYSTEMS, type System } from "./run-config.ts";
import { checkTokenizerFields } from "./tokenizer-geometry.ts";
import { fromUpstream, looksLikeUpstream } from "./upstream.ts";

type Parsed<S extends System> = z.output<(typeof RUN_SCHEMAS)[S]>;

/** With the values that depend on others: learning rates and warm-ups that were left out, the schedules' length. */
type Settled<S extends System> = Omit<Parsed<S>, "optimizer"> & {
  readonly optimizer: Omit<Parsed<S>["optimizer"], "groups" | "schedule_steps"> & {
    readonly schedule_steps: number;
    readonly groups: Readonly<Record<keyof Parsed<S>["optimizer"]["groups"], GroupConfig>>;
  };
};

export type TokenizerRun = Settled<"tokenizer">;
export type FlowRun = Settled<"flow">;
export type AcousticRun = Settled<"acoustic">;
export type VocoderRun = Settled<"vocoder">;
export type ReaderRun = Settled<"reader">;
/** A checked configuration, by `system`. Paths are absolute, but for models and data sets that no path leads to. */
export type RunConfig = TokenizerRun | FlowRun | AcousticRun | VocoderRun | ReaderRun;

// A thousand sources have some 100,000 characters.
const MAX_LENGTH = 2 ** 20;

/**
 * Reads the configuration of a run, ours or upstream's.
 * @throws TrainingError for a file that cannot be read, is no YAML, or says what cannot be.
 */
export async function readRunConfig(path: string): Promise<RunConfig> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "is a folder" : message;
    throw new TrainingError(`${path}: ${reason}; expected a YAML file that configures a run`, { cause });
  }
  return parseRunConfig(text, path);
}

/**
 * @param text YAML 1.2 (or JSON).
 * @param file named in messages; relative paths in it start from its folder.
 * @throws TrainingError as {@link readRunConfig}.
 */
export function parseRunConfig(text: string, file: string): RunConfig {
  const value = parseYaml(text, file);
  if (value.system === undefined && looksLikeUpstream(value)) return parseUpstream(value, file);
  const system = value.system;
  if (typeof system !== "string" || !(SYSTEMS as readonly string[]).includes(system)) {
    const close = typeof system === "string" ? nearest(system, SYSTEMS) : undefined;
    throw new TrainingError(
      `${file}: system is ${system === undefined ? "missing" : shown(system)}; expected ${listed(SYSTEMS)}` +
        (close === undefined ? "" : `; did you mean ${close}?`),
    );
  }
  return settle(checked(RUN_SCHEMAS[system as System], value, file), file);
}

function parseYaml(text: string, file: string): Record<string, unknown> {
  if (text.length > MAX_LENGTH)
    throw new TrainingError(
      `${file}: is ${text.length} characters long; expected a configuration of at most 1,048,576`,
    );
  let value: unknown;
  try {
    const document = parseDocument(text, { logLevel: "silent", prettyErrors: false });
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem) {
      const line = text.slice(0, problem.pos[0]).split("\n").length;
      const hint = problem.code === "TAG_RESOLVE_FAILED" ? "; put HyperPyYAML into model.config_file" : "";
      throw new TrainingError(`${file}: line ${line} is not valid YAML (${oneLine(problem.message)})${hint}`);
    }
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    if (cause instanceof TrainingError) throw cause;
    throw new TrainingError(`${file}: is not valid YAML (${oneLine((cause as Error).message)})`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TrainingError(
      `${file}: is ${shown(value)}; expected a mapping that begins with system: ${SYSTEMS.join("|")}`,
    );
  return value as Record<string, unknown>;
}

const oneLine = (message: string): string =>
  message
    .split("\n")[0]!
    .replace(/\p{Cc}/gu, " ")
    .slice(0, 200);

function parseUpstream(value: Record<string, unknown>, file: string): RunConfig {
  const { config, origins } = fromUpstream(value, file);
  try {
    return settle(checked(RUN_SCHEMAS.tokenizer, config, file), file);
  } catch (error) {
    if (!(error instanceof TrainingError)) throw error;
    const origin = [...origins].find(([ours]) => error.message.startsWith(`${file}: ${ours}`))?.[1];
    throw new TrainingError(origin === undefined ? error.message : `${error.message} (it comes from ${origin})`, {
      cause: error,
    });
  }
}

/** Checks what no single field can tell, fills in what depends on other fields, and finds the files. */
function settle<S extends System>(parsed: Parsed<S>, file: string): RunConfig {
  const config = parsed as Parsed<System>;
  const steps = config.optimizer.schedule_steps ?? config.steps;
  const groups = Object.fromEntries(
    Object.entries(config.optimizer.groups).map(([name, group]) => [name, settledGroup(group, steps)]),
  );
  for (const [name, group] of Object.entries(groups)) checkGroup(group, steps, `${file}: optimizer.groups.${name}`);
  // a reader's sizes all have defaults
  if (config.system !== "reader") checkModel(config, file);
  if (config.system === "tokenizer") checkObjectives(config, file);
  else if (config.system !== "reader") checkDecoderFields(config.model.config, file);
  if (config.system === "reader") checkWeights([config.objectives.characters, config.objectives.labels], file);
  if (config.system === "flow") checkWeights([config.objectives.flow, config.objectives.prior], file);
  if (config.system === "acoustic") {
    const { mel, pitch, voicing } = config.objectives;
    checkWeights([mel, pitch, voicing], file);
  }
  const readsCodes =
    config.system === "flow" ||
    config.system === "acoustic" ||
    config.system === "reader" ||
    (config.system === "vocoder" && config.objectives.mels === "codes");
  if (config.data.tokenizer !== null && !readsCodes)
    throw new TrainingError(
      `${file}: data.tokenizer is ${shown(config.data.tokenizer)}; only a flow, an acoustic model, a reader, and a vocoder with objectives.mels: codes, read tokens`,
    );
  const settled = { ...config, optimizer: { ...config.optimizer, schedule_steps: steps, groups } };
  return withPaths(settled as RunConfig, dirname(resolve(file)));
}

function checkGroup({ lr, min_lr, schedule, warmup }: GroupConfig, steps: number, place: string): void {
  if (schedule === "cosine" && min_lr > lr)
    throw new TrainingError(`${place}.min_lr is ${min_lr}; expected at most lr, which is ${lr}`);
  if (schedule !== "constant" && warmup >= steps)
    throw new TrainingError(`${place}.warmup is ${warmup}; expected fewer than the schedule's ${steps} steps`);
}

function checkModel({ model, system }: Exclude<Parsed<System>, Parsed<"reader">>, file: string): void {
  const own =
    system === "tokenizer" ? model.config : { ...model.config.flow, ...model.config.acoustic, ...model.config.hift };
  if (model.init === null && model.config_file === null && Object.keys(own).length === 0)
    throw new TrainingError(
      `${file}: model has none of init, config_file and config; expected one that gives its sizes`,
    );
}

function checkWeights(weights: readonly (number | undefined)[], file: string): void {
  if (weights.every((weight) => !weight))
    throw new TrainingError(`${file}: objectives have no weight above 0; expected something to be taught`);
}

function checkObjectives({ model, objectives, data }: Parsed<"tokenizer">, file: string): void {
  checkTokenizerFields(model.config, file);
  const { tokens, distill, ctc, tags, frames } = objectives;
  const { log_mel, energy, pitch } = frames;
  checkWeights([tokens, distill?.weight, ctc?.weight, tags?.weight, log_mel, energy, pitch], file);
  const cached = model.cache_prefix;
  if (cached === null) return;
  const parts = ["encoder.conv1", "encoder.conv2", ...Array.from({ length: cached }, (_, i) => `encoder.layers.${i}`)];
  const trained = parts.find((part) => !isNamed(`model.${part}`, model.freeze));
  if (trained !== undefined)
    throw new TrainingError(`${file}: model.cache_prefix is ${cached}; expected model.freeze to hold ${trained}`);
  if (Object.keys(data.augment).length > 0)
    throw new TrainingError(
      `${file}: model.cache_prefix is ${cached}; expected no data.augment: cached clips never change`,
    );
}

function withPaths(config: RunConfig, folder: string): RunConfig {
  const path = (name: string) => (isAbsolute(name) ? name : resolve(folder, name));
  /** Models and data sets have ids too. */
  const place = (name: string) => (existsSync(path(name)) || /^\.{1,2}\//.test(name) ? path(name) : name);
  const source = (given: RunConfig["data"]["train"][number]) => ({
    ...given,
    ...(given.path !== undefined && { path: typeof given.path === "string" ? path(given.path) : given.path.map(path) }),
    ...(given.manifest !== undefined && { manifest: path(given.manifest) }),
    ...(given.folder !== undefined && { folder: path(given.folder) }),
    ...(given.dataset !== undefined && { dataset: place(given.dataset) }),
    ...(given.synth !== undefined && { synth: path(given.synth) }),
  });
  const { model, data } = config;
  const changes = <T extends Pick<RunConfig["data"]["augment"], "noise">>(given: T): T =>
    given.noise?.clips ? { ...given, noise: { ...given.noise, clips: given.noise.clips.map(path) } } : given;
  const out = {
    ...config,
    model: {
      ...model,
      init: model.init && place(model.init),
      ...("config_file" in model && { config_file: model.config_file && path(model.config_file) }),
      ...("tokenizer" in model && {
        tokenizer: model.tokenizer && model.tokenizer !== "bytes" ? path(model.tokenizer) : model.tokenizer,
      }),
    },
    data: {
      ...data,
      train: data.train.map(source),
      validation: data.validation.map(source),
      tokenizer: data.tokenizer && place(data.tokenizer),
      augment: changes(data.augment),
    },
  } as RunConfig;
  if (out.system !== "tokenizer") return out;
  const { distill, agreement } = out.objectives;
  return {
    ...out,
    objectives: {
      ...out.objectives,
      distill: distill && { ...distill, teacher: place(distill.teacher) },
      agreement: agreement && { ...agreement, changes: changes(agreement.changes) },
    },
  };
}
