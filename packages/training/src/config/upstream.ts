/**
 * Upstream's training configuration, read as ours. Its names of model fields are those of the published config.json;
 * the names of everything else are not published, so the usual names of such settings are understood, and a name that is
 * not is an error. Settings may be grouped in mappings of any name: only their own names count. docs/training.md lists
 * all names and says what is known and what was assumed.
 */
import { fieldName, shown } from "universal-audio-tokenizer/internal";
import { TrainingError } from "../errors.ts";
import { unknownKey } from "./check.ts";
import { TOKENIZER_FIELDS } from "./tokenizer-geometry.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface UpstreamSetting {
  /** Names in upstream's file. */
  readonly names: readonly string[];
  /** Where it goes in ours. */
  readonly to: readonly string[];
  /** What becomes of the value. */
  readonly as?: (value: unknown, place: string) => unknown;
  /** The same for the documentation. */
  readonly note?: string;
}

const groups = (key: string) => ["encoder", "decoder", "rest"].map((part) => `optimizer.groups.${part}.${key}`);
const part = (name: string) => (value: unknown, place: string) => {
  if (typeof value !== "boolean") throw new TrainingError(`${place} is ${shown(value)}; expected true or false`);
  return value ? [name] : [];
};

/** Names, in order of use, and where they go. Every name stands once. */
export const UPSTREAM_SETTINGS: readonly UpstreamSetting[] = [
  { names: ["seed"], to: ["seed"] },
  {
    names: ["num_steps", "max_steps", "total_steps", "train_steps", "num_train_steps", "max_train_steps"],
    to: ["steps"],
  },
  { names: ["batch_size", "train_batch_size", "per_device_train_batch_size"], to: ["batch_size"] },
  {
    names: ["gradient_accumulation_steps", "accumulate_grad_batches", "grad_accum_steps", "accumulation_steps"],
    to: ["accumulate"],
  },
  {
    names: ["save_steps", "save_interval", "save_every", "save_every_n_steps", "checkpoint_interval"],
    to: ["save_every"],
  },
  {
    names: ["eval_steps", "eval_interval", "eval_every", "eval_every_n_steps", "evaluation_interval", "evaluate_every"],
    to: ["evaluate_every"],
  },
  { names: ["save_total_limit", "keep_checkpoints"], to: ["keep_checkpoints"] },
  { names: ["num_workers", "dataloader_num_workers"], to: ["workers"] },
  {
    names: [
      "pretrained_model_name_or_path",
      "model_name_or_path",
      "pretrained_model",
      "pretrained_path",
      "init_checkpoint",
      "whisper_path",
      "whisper_model",
      "whisper_model_path",
    ],
    to: ["model.init"],
  },
  { names: ["tokenizer_name_or_path", "tokenizer_path", "tokenizer_file"], to: ["model.tokenizer"] },
  { names: ["freeze_encoder"], to: ["model.freeze"], as: part("encoder"), note: "true: `encoder` is added" },
  { names: ["freeze_decoder"], to: ["model.freeze"], as: part("decoder"), note: "true: `decoder` is added" },
  {
    names: [
      "decoder_cold_start",
      "cold_start_decoder",
      "reinit_decoder",
      "random_init_decoder",
      "init_decoder_from_scratch",
    ],
    to: ["model.cold_start"],
    as: part("decoder"),
    note: "true: `decoder`",
  },
  { names: ["encoder_lr", "encoder_learning_rate", "lr_encoder"], to: ["optimizer.groups.encoder.lr"] },
  {
    names: ["encoder_min_lr", "min_encoder_lr", "encoder_lr_min", "min_lr_encoder", "encoder_min_learning_rate"],
    to: ["optimizer.groups.encoder.min_lr"],
  },
  { names: ["decoder_lr", "decoder_learning_rate", "lr_decoder"], to: ["optimizer.groups.decoder.lr"] },
  {
    names: ["decoder_min_lr", "min_decoder_lr", "decoder_lr_min", "min_lr_decoder", "decoder_min_learning_rate"],
    to: ["optimizer.groups.decoder.min_lr"],
  },
  {
    names: ["learning_rate", "lr", "base_lr", "other_lr", "others_lr", "rest_lr"],
    to: ["optimizer.groups.rest.lr"],
  },
  {
    names: ["min_lr", "min_learning_rate", "lr_min", "other_min_lr", "others_min_lr", "rest_min_lr"],
    to: ["optimizer.groups.rest.min_lr"],
  },
  {
    names: ["lr_scheduler_type", "lr_scheduler", "scheduler_type", "scheduler", "lr_schedule", "schedule"],
    to: groups("schedule"),
    as: (value) => (typeof value === "string" && /^one[-_ ]?cycle(lr)?$/i.test(value) ? "one-cycle" : value),
    note: "`onecycle` is `one-cycle`",
  },
  { names: ["warmup_steps", "num_warmup_steps", "lr_warmup_steps", "warmup"], to: groups("warmup") },
  { names: ["weight_decay"], to: ["optimizer.weight_decay"] },
  { names: ["betas", "adam_betas"], to: ["optimizer.betas"] },
  { names: ["eps", "adam_epsilon", "adam_eps"], to: ["optimizer.eps"] },
  {
    names: ["max_grad_norm", "gradient_clipping", "gradient_clip_val", "grad_clip", "clip_grad_norm", "grad_norm_clip"],
    to: ["optimizer.clip"],
  },
  { names: ["min_text_length"], to: ["data.min_text_length"] },
  {
    names: ["padding", "padding_strategy", "pad_to"],
    to: ["data.padding"],
    as: (value) => (value === "max_length" ? "max" : value),
    note: "`max_length` is `max`",
  },
  {
    names: [
      "train_files",
      "train_data",
      "train_data_files",
      "train_parquet",
      "train_parquets",
      "train_datasets",
      "train_set",
    ],
    to: ["data.train"],
    as: sources,
    note: "weighted lists of Parquet files, see below",
  },
  {
    names: ["eval", "valid", "validation", "val", "test"].flatMap((split) =>
      ["files", "data", "data_files", "parquet", "parquets", "datasets", "set"].map((kind) => `${split}_${kind}`),
    ),
    to: ["data.validation"],
    as: sources,
    note: "likewise",
  },
];

/** Settings that have no counterpart: the command line's, or what is always so here. */
export const UPSTREAM_IGNORED: readonly string[] = [
  "output_dir",
  "exp_dir",
  "log_dir",
  "logging_dir",
  "logging_steps",
  "log_interval",
  "report_to",
  "run_name",
];

const SETTINGS = new Map(UPSTREAM_SETTINGS.flatMap((setting) => setting.names.map((name) => [name, setting] as const)));
const NAMES = [...SETTINGS.keys(), ...UPSTREAM_IGNORED, ...TOKENIZER_FIELDS];

/** Whether any of its names, at any depth, is one of upstream's, and none of those that ours must have. */
export function looksLikeUpstream(file: Fields): boolean {
  if (file.steps !== undefined || file.objectives !== undefined) return false;
  return [...leaves(file, [])].some(({ path }) => NAMES.includes(path.at(-1)!));
}

/**
 * @param value the parsed file.
 * @param file named in messages.
 * @returns our configuration, not yet checked, and which of its fields came from which name.
 * @throws TrainingError for names that are not known, or two for the same setting.
 */
export function fromUpstream(value: Fields, file: string): { config: Fields; origins: ReadonlyMap<string, string> } {
  const config: Record<string, unknown> = { system: "tokenizer" };
  const origins = new Map<string, string>();
  for (const { path, value: given } of leaves(value, [])) {
    const name = path.at(-1)!;
    const place = fieldName(path);
    if (UPSTREAM_IGNORED.includes(name)) continue;
    const setting = SETTINGS.get(name);
    if (setting === undefined && !TOKENIZER_FIELDS.includes(name))
      throw unknownKey(undefined, path.slice(0, -1), name, file, NAMES);
    for (const to of setting?.to ?? [`model.config.${name}`]) {
      const converted = setting?.as ? setting.as(given, `${file}: ${place}`) : given;
      const before = valueAt(config, to);
      if (before !== undefined && to !== "model.freeze")
        throw new TrainingError(`${file}: ${place} and ${origins.get(to)} say the same; remove one of them`);
      put(config, to, before === undefined ? converted : [...(before as unknown[]), ...(converted as unknown[])]);
      origins.set(to, place);
    }
  }
  return { config, origins };
}

/** Settings: what is no mapping, or is known as a whole. */
function* leaves(value: Fields, path: readonly string[]): Generator<{ path: readonly string[]; value: unknown }> {
  for (const [key, child] of Object.entries(value)) {
    const here = [...path, key];
    const whole = SETTINGS.get(key)?.as === sources;
    if (isFields(child) && !whole && path.length < 8) yield* leaves(child, here);
    else yield { path: here, value: child };
  }
}

/**
 * Weighted lists of Parquet files: one path; a list of paths or of `{ path, weight, task }`; or a mapping from a path to
 * its weight, or from a name to one of these.
 */
function sources(value: unknown, place: string): unknown[] {
  const one = (item: unknown, at: string): unknown => {
    if (typeof item === "string") return { path: item };
    if (Array.isArray(item) && item.every((path) => typeof path === "string")) return { path: item };
    if (!isFields(item)) throw new TrainingError(`${at} is ${shown(item)}; expected a path or { path, weight }`);
    const source: Record<string, unknown> = {};
    for (const [key, entry] of Object.entries(item)) {
      const to = SOURCE_KEYS.get(key);
      if (to === undefined) throw unknownKey(undefined, [], key, at, [...SOURCE_KEYS.keys()]);
      source[to] = entry;
    }
    return source;
  };
  if (typeof value === "string") return [one(value, place)];
  if (Array.isArray(value)) return value.map((item, i) => one(item, `${place}[${i}]`));
  if (!isFields(value)) throw new TrainingError(`${place} is ${shown(value)}; expected a list of Parquet files`);
  return Object.entries(value).map(([key, item]) =>
    typeof item === "number" ? { path: key, weight: item } : one(item, `${place}.${key}`),
  );
}

const SOURCE_KEYS: ReadonlyMap<string, string> = new Map([
  ...["path", "paths", "file", "files", "parquet", "data_files"].map((name) => [name, "path"] as const),
  ...["weight", "ratio", "sampling_weight", "probability"].map((name) => [name, "weight"] as const),
  ["task", "task"],
]);

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function valueAt(config: Fields, path: string): unknown {
  return path.split(".").reduce<unknown>((at, key) => (isFields(at) ? at[key] : undefined), config);
}

function put(config: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split(".");
  let at = config;
  for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>;
  at[keys.at(-1)!] = value;
}
