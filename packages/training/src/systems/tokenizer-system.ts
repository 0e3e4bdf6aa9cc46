/** A tokeniser in training: encoder, quantiser and the decoder that describes what it hears, or heads on the codes. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NumericArray, Runtime } from "@uat/graph";
import { fileSource, openSafetensors, writeSafetensorsFile } from "universal-audio-tokenizer/internal";
import type { SavedCheckpoint } from "../checkpoint/saved-checkpoint.ts";
import { averageFile } from "../checkpoint/saved-checkpoint.ts";
import { arenaTensors, loadArena } from "../checkpoint/stored-weights.ts";
import { isNamed } from "../config/model-config.ts";
import type { TokenizerRun } from "../config/read-run-config.ts";
import { collateTargets, collateText, type Padding, tokenizerCollate } from "../data/collate.ts";
import { copyRows, withoutCopies } from "../data/copies.ts";
import type { Example } from "../data/example.ts";
import type { Batch } from "../data/loader.ts";
import { parsePreparation, type TokenizerClips } from "../data/prepare.ts";
import { LossProgram } from "../engine/loss-program.ts";
import { TrainingError } from "../errors.ts";
import type { Collective } from "../loop/collective.ts";
import type { BatchRecipe, Metrics, SampleOfStep, TrainingSystem } from "../loop/system.ts";
import { meanMetrics, Updater } from "../loop/updater.ts";
import { Dropout } from "../objectives/dropout.ts";
import { TEACHER } from "../objectives/heads/distill.ts";
import { headVocabularies } from "../objectives/heads/labels.ts";
import { openTeacher } from "../objectives/heads/teacher.ts";
import { type TokenizerHeads, tokenizerHeads } from "../objectives/heads/tokenizer-heads.ts";
import { type TokenizerConfig, tokenizerObjective } from "../objectives/tokenizer.ts";
import { AdamW } from "../optimizer/adamw.ts";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { modelParts } from "../optimizer/parameter-groups.ts";
import { WeightAverage } from "../optimizer/weight-average.ts";
import { GreedyDecoder } from "../tasks/greedy.ts";
import { type AnswerPair, scoreAnswers } from "../tasks/scores.ts";
import { encodeTarget } from "../tasks/targets.ts";
import type { Task } from "../tasks/tasks.ts";
import type { TextTokenizer } from "../tasks/text-tokenizer.ts";
import { askedParameters } from "./initial-weights.ts";
import { optimizerGroups } from "./optimizer-groups.ts";
import { PrefixCache } from "./prefix-cache.ts";
import { CODEBOOK, QUANTIZER_BUFFERS, QuantizerTraining, quantizedBatch } from "./quantizer-training.ts";
import { stepRandom } from "./step-random.ts";
import { fillTokenizerWeights, HEADS, heldParameters, type TokenizerStart, tokenizerStart } from "./tokenizer-start.ts";

/** The adapter's dropout, which upstream has fixed. */
const ADAPTER_DROPOUT = 0.1;
/** Rows whose answers are written out in an evaluation. */
const WRITTEN_ROWS = 8;
/** Seconds that `bucket` pads to multiples of. */
const BUCKET_SECONDS = 2.5;

export interface TokenizerSystemOptions {
  readonly runtime: Runtime;
  readonly collective: Collective;
  /** The configuration's path, for messages. */
  readonly file: string;
  /** Folder of the run: outputs of frozen layers are kept below it. */
  readonly out: string;
  /** The training rows: labels that the configuration does not list are taken from them. */
  readonly examples: () => AsyncIterable<Example>;
  readonly onNote?: ((message: string) => void) | undefined;
}

export class TokenizerSystem implements TrainingSystem {
  readonly facts: Readonly<Record<string, string | number>>;
  readonly training: BatchRecipe;
  readonly validation: BatchRecipe;
  readonly #run: TokenizerRun;
  readonly #start: TokenizerStart;
  readonly #options: TokenizerSystemOptions;
  readonly #parameters: ParameterArena;
  readonly #updater: Updater;
  readonly #program: LossProgram;
  readonly #evaluation: LossProgram;
  readonly #dropout: Dropout;
  readonly #recipes: readonly [Recipe, Recipe];
  #quantizer: QuantizerTraining;
  #emptyCodebook: boolean;
  #greedy: GreedyDecoder | undefined;
  /** Rows whose text was longer than the decoder. */
  #truncated = 0;

  private constructor(parts: {
    run: TokenizerRun;
    start: TokenizerStart;
    options: TokenizerSystemOptions;
    parameters: ParameterArena;
    updater: Updater;
    program: LossProgram;
    evaluation: LossProgram;
    dropout: Dropout;
    emptyCodebook: boolean;
    trained: number;
    heads: TokenizerHeads;
    recipes: readonly [Recipe, Recipe];
  }) {
    this.#run = parts.run;
    this.#start = parts.start;
    this.#options = parts.options;
    this.#parameters = parts.parameters;
    this.#updater = parts.updater;
    this.#program = parts.program;
    this.#evaluation = parts.evaluation;
    this.#dropout = parts.dropout;
    this.#emptyCodebook = parts.emptyCodebook;
    this.#quantizer = QuantizerTraining.create(parts.parameters, parts.start.config);
    const all = parts.parameters.entries.reduce((sum, { length }) => sum + length, 0);
    this.facts = { parameters: all, "trained parameters": parts.trained, codes: this.#codes, words: this.#text.size };
    this.#recipes = parts.recipes;
    this.training = this.#batchRecipe(parts.recipes[0], parts.heads, true);
    this.validation = this.#batchRecipe(parts.recipes[1], parts.heads, false);
  }

  /** @throws TrainingError or CheckpointError for a model that is not there, or a configuration that does not fit it. */
  static async create(run: TokenizerRun, options: TokenizerSystemOptions): Promise<TokenizerSystem> {
    const { runtime, onNote } = options;
    const start = await tokenizerStart(run, options.file);
    const { config } = start;
    const textWeight = run.objectives.tokens;
    const vocabularies = await headVocabularies(run.objectives, options.examples);
    const { distill } = run.objectives;
    const teacher = distill && distill.weight > 0 ? await openTeacher(distill.teacher, config.num_mel_bins) : undefined;
    const heads = tokenizerHeads(run.objectives, { ...vocabularies, teacher: teacher?.config });
    const cached = run.model.cache_prefix;
    if (cached !== null && cached >= config.quantize_position)
      throw new TrainingError(
        `${options.file}: model.cache_prefix is ${cached}; expected a layer before the quantiser's, which is ${config.quantize_position}`,
      );
    const agreement = run.objectives.agreement?.weight ?? 0;
    const shared = { textWeight, heads: heads.heads, from: cached ?? undefined };
    const asked = askedParameters((g, p) => tokenizerObjective(g, p, config, { ...shared, from: undefined })).filter(
      ({ name }) => !name.startsWith(`${TEACHER}.`),
    );
    const held = heldParameters(asked, config);
    const moving = config.quantize_ema_decay !== null;
    const names = held
      .map(({ name }) => name)
      .filter((name) => !QUANTIZER_BUFFERS.includes(name) && !name.endsWith("encoder.embed_positions.weight"))
      .filter((name) => !(moving && name === CODEBOOK) && !isNamed(name, run.model.freeze));
    if (names.length === 0) throw new TrainingError(`${options.file}: model.freeze leaves nothing to train`);
    const parts = modelParts(names);
    const parameters = ParameterArena.zeros(held, Object.values(parts));
    const { fresh, emptyCodebook } = await fillTokenizerWeights(
      parameters,
      asked,
      start,
      run.model.cold_start,
      run.seed,
    );
    await start.store?.close();
    if (fresh.length > 0)
      onNote?.(
        `${fresh.length} parameters start from random values, the checkpoint has none (${fresh.slice(0, 3).join(", ")}${fresh.length > 3 ? ", …" : ""})`,
      );
    const optimizer = await AdamW.create(
      runtime,
      parameters,
      optimizerGroups(run.optimizer, { encoder: parts.encoder, decoder: parts.decoder, rest: parts.rest }),
    );
    const { ema, clip } = run.optimizer;
    const average = ema === null ? undefined : await WeightAverage.create(runtime, parameters, names, ema);
    const updater = await Updater.create(runtime, optimizer, { clip, average, collective: options.collective });
    const dropout = new Dropout();
    const rates = { layer: Number(start.json.dropout ?? 0), adapter: ADAPTER_DROPOUT };
    const program = await LossProgram.compile(
      runtime,
      "tokenizer_training",
      { parameters, trained: new Set(names), frozen: teacher?.source },
      (g, p) =>
        tokenizerObjective(g, p, config, {
          ...shared,
          agreement,
          training: { dropout, rates, recompute: run.recompute },
        }),
    );
    const evaluation = await LossProgram.compile(
      runtime,
      "tokenizer_evaluation",
      { parameters, trained: new Set(), frozen: teacher?.source },
      (g, p) => tokenizerObjective(g, p, config, shared),
    );
    await teacher?.close();
    const trained = names.reduce((sum, name) => sum + parameters.entry(name).length, 0);
    const recipes: Recipe[] = [];
    for (const training of [true, false]) {
      const preparation = preparationOf(run, config, heads.pitch, training);
      const prefix =
        cached === null
          ? undefined
          : await PrefixCache.open({
              runtime,
              config,
              parameters,
              layers: cached,
              folder: join(options.out, "cache"),
              preparation: JSON.stringify(preparation),
              copies: training && preparation.copy !== undefined,
              extras: heads.inputs.filter((name) => name === "input_features" || name === "pitch"),
            });
      recipes.push({ preparation, prefix });
    }
    return new TokenizerSystem({
      heads,
      recipes: recipes as [Recipe, Recipe],
      run,
      start,
      options,
      parameters,
      updater,
      program,
      evaluation,
      dropout,
      emptyCodebook,
      trained,
    });
  }

  get #config(): TokenizerConfig {
    return this.#start.config;
  }

  get #text(): TextTokenizer {
    return this.#start.text;
  }

  get #codes(): number {
    return this.#config.quantize_vocab_size as number;
  }

  #batchRecipe({ preparation, prefix }: Recipe, heads: TokenizerHeads, training: boolean): BatchRecipe {
    const { data, objectives } = this.#run;
    const padding: Padding = data.padding === "bucket" ? { multipleOf: BUCKET_SECONDS } : data.padding;
    const encode = (example: Example) => {
      const target = encodeTarget(this.#text, taskOf(example), example.text ?? "", {
        row: example.id,
        maxTargetPositions: this.#config.max_target_positions,
        longText: data.long_text,
        minTextLength: data.min_text_length,
      });
      if (target.truncated && training) this.#truncated++;
      return target;
    };
    const { targets } = heads;
    const text =
      objectives.tokens > 0
        ? { encodeTarget: encode, padTokenId: this.#text.end, multipleOf: data.padding === "longest" ? 1 : 16 }
        : undefined;
    if (!prefix) return { prepare: preparation, collate: tokenizerCollate({ preparation, padding, text, targets }) };
    return {
      prepare: preparation,
      collate: prefix.collate(tokenizerCollate({ preparation, padding: "longest" }), (clips) => {
        const items = preparation.copy ? clips.flatMap((clip) => [clip, clip]) : clips;
        return {
          ...(text && collateText(items, text)),
          ...collateTargets(items, targets),
          ...(preparation.copy && copyRows(clips.length)),
        };
      }),
      known: prefix.known,
    };
  }

  /** The inputs of both programs. */
  async #inputs(batch: Batch, { prefix }: Recipe): Promise<Readonly<Record<string, NumericArray>>> {
    return prefix ? prefix.complete(batch) : batch.tensors;
  }

  async step(batches: readonly Batch[]): Promise<Metrics> {
    const { collective } = this.#options;
    const { optimizer } = this.#updater;
    const random = stepRandom(this.#run.seed, optimizer.updates);
    const given: Readonly<Record<string, NumericArray>>[] = [];
    for (const batch of batches) given.push(await this.#inputs(batch, this.#recipes[0]));
    if (this.#emptyCodebook) await this.#fillCodebook(given);
    const inputs = given.map((tensors) => ({ ...tensors, ...this.#drawDropout(tensors, random.uint32()) }));
    const rates = optimizer.groups.map((group) => [`lr_${group.name}`, optimizer.settings(group).learningRate]);
    const { results, gradientNorm } = await this.#updater.update(this.#program, inputs);
    // the codebook follows originals alone: copies have no codes of their own
    const copies = this.#recipes[0].preparation.copy !== undefined;
    const masks = given.map((tensors) => tensors.attention_mask as NumericArray);
    const codebook = await this.#quantizer.update(
      results.map((result, i) => quantizedBatch(result, copies ? withoutCopies(masks[i]!) : masks[i]!)),
      collective,
      random,
    );
    return {
      ...meanMetrics(results),
      ...codebook,
      gradient_norm: gradientNorm,
      ...Object.fromEntries(rates),
      ...(this.#truncated > 0 && { truncated_rows: this.#truncated }),
    };
  }

  #drawDropout(tensors: Readonly<Record<string, NumericArray>>, seed: number): Record<string, NumericArray> {
    const [size, frames] = (tensors.attention_mask as NumericArray).shape as [number, number];
    const length = tensors.labels?.shape[1] ?? 0;
    const tokens = frames / (2 * (this.#config.pooling_kernel_size ?? 1));
    // each process drops other values
    const random = stepRandom(seed, this.#options.collective.rank);
    return this.#dropout.draw(random, { batch: size, tokens, length });
  }

  /** A codebook without values takes them from the frames of the first step. */
  async #fillCodebook(batches: readonly Readonly<Record<string, NumericArray>>[]): Promise<void> {
    this.#emptyCodebook = false;
    const seen = [];
    for (const tensors of batches) {
      const result = await this.#evaluation.run(tensors);
      seen.push(quantizedBatch(result, tensors.attention_mask as NumericArray));
    }
    await this.#quantizer.start(seen, this.#options.collective, stepRandom(this.#run.seed, -1));
  }

  async evaluate(batches: AsyncIterable<Batch>, onSample: (sample: SampleOfStep) => void): Promise<Metrics> {
    const average = this.#updater.average?.average;
    const sums: Record<string, number> = {};
    const used = new Set<number>();
    let rows = 0;
    const answers: { id: string; task: Task; pair: AnswerPair }[] = [];
    for await (const batch of batches) {
      const tensors = await this.#inputs(batch, this.#recipes[1]);
      const result = await this.#evaluation.run(tensors, undefined, average);
      const size = batch.ids.length;
      for (const [name, value] of Object.entries({ loss: result.loss, ...result.metrics }))
        sums[name] = (sums[name] ?? 0) + value * size;
      rows += size;
      const { codes } = quantizedBatch(result, tensors.attention_mask as NumericArray);
      for (const code of codes) used.add(code);
      if (this.#run.objectives.tokens > 0)
        for (const [row, example] of batch.examples.entries())
          if (answers.length < WRITTEN_ROWS && example.text !== undefined)
            answers.push(await this.#answer(example, result.outputs.hidden as NumericArray, row, tensors));
    }
    if (rows === 0) return {};
    const metrics: Record<string, number> = Object.fromEntries(
      Object.entries(sums).map(([name, sum]) => [name, sum / rows]),
    );
    metrics.codes_used = used.size;
    for (const { id, pair } of answers)
      onSample({ kind: "text", name: id, target: pair.reference, prediction: pair.hypothesis });
    for (const task of new Set(answers.map((a) => a.task))) {
      const scores = scoreAnswers(
        task,
        answers.filter((a) => a.task === task).map((a) => a.pair),
      );
      for (const [name, value] of Object.entries(scores)) metrics[`${task}_${name}`] = value;
    }
    return metrics;
  }

  /** What the decoder writes of a row by itself. */
  async #answer(example: Example, hidden: NumericArray, row: number, tensors: Readonly<Record<string, NumericArray>>) {
    const average = this.#updater.average?.average;
    this.#greedy ??= await GreedyDecoder.create(this.#options.runtime, this.#parameters, this.#config);
    const [, tokens, d] = hidden.shape as [number, number, number];
    const mask = tensors.attention_mask as NumericArray;
    const frames = mask.shape[1] as number;
    const stride = frames / tokens;
    let real = 0;
    while (real < tokens && mask.data[row * frames + real * stride] !== 0) real++;
    const states = (hidden.data as Float32Array).subarray(row * tokens * d, (row * tokens + real) * d);
    const task = taskOf(example);
    const ids = await this.#greedy.decode(
      states,
      this.#text.start(task),
      this.#text.end,
      this.#config.max_target_positions,
      (name) => (average?.has(name) ? average.array(name) : this.#parameters.array(name)),
    );
    return { id: example.id, task, pair: { reference: example.text ?? "", hypothesis: this.#text.answer(ids) } };
  }

  checkpoint(): ReturnType<TrainingSystem["checkpoint"]> {
    const { storage } = this.#run;
    const { average, optimizer } = this.#updater;
    const { updates, recent } = this.#quantizer.state;
    // they are no part of the official layout
    const heads = this.#parameters.entries.map(({ name }) => name).filter((name) => name.startsWith(HEADS));
    return {
      system: { codebookUpdates: updates, recentCodes: Array.from(recent), emptyCodebook: this.#emptyCodebook },
      optimizers: { adamw: optimizer },
      averages: average ? { weights: average.average } : {},
      // the model's files hold the averages, or half precision: then not what training goes on from
      ...((storage !== "fp32" || average) && { weights: arenaTensors(this.#parameters) }),
      ...(storage === "fp32" &&
        !average &&
        heads.length > 0 && { weights: arenaTensors(this.#parameters, "fp32", heads) }),
      writeModel: (folder) => this.#writeModel(folder, recent),
    };
  }

  /** The official layout of a training checkpoint: the whole encoder-decoder. */
  async #writeModel(folder: string, recent: Int32Array): Promise<void> {
    const directory = join(folder, "tokenizer");
    await mkdir(directory, { recursive: true });
    const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
    const { config, json: content, text } = this.#start;
    await writeFile(join(directory, "config.json"), json(content));
    await writeFile(join(directory, "preprocessor_config.json"), json(preprocessorConfig(config.num_mel_bins)));
    await writeFile(join(directory, "tokenizer.json"), json(text.json));
    const tensors = arenaTensors(this.#parameters, this.#run.storage);
    const average = this.#updater.average?.average;
    if (average) for (const [name, tensor] of arenaTensors(average, this.#run.storage)) tensors.set(name, tensor);
    for (const name of tensors.keys()) if (name.startsWith(HEADS)) tensors.delete(name);
    // sums of many frames pass float16's range, and codes follow from them
    for (const name of QUANTIZER_BUFFERS)
      if (this.#parameters.has(name))
        for (const [key, tensor] of arenaTensors(this.#parameters, "fp32", [name])) tensors.set(key, tensor);
    const ring = Float32Array.from(recent);
    tensors.set(QUANTIZER_BUFFERS[2] as string, {
      dtype: "F32",
      shape: [ring.length],
      data: () => new Uint8Array(ring.buffer),
    });
    await writeSafetensorsFile(join(directory, "model.safetensors"), tensors);
  }

  async restore(saved: SavedCheckpoint): Promise<void> {
    const { optimizer, average } = this.#updater;
    const beside = await saved.restoreWeights(this.#parameters);
    if (beside.size < this.#parameters.entries.length) await this.#restoreModel(saved.path, beside);
    await saved.restoreOptimizer("adamw", optimizer);
    if (average) {
      if (!saved.has(averageFile("weights")))
        throw new TrainingError(`${saved.path}: holds no averaged weights; resume with optimizer.ema: null`);
      await saved.restoreAverage("weights", average.average);
    }
    const { codebookUpdates, recentCodes, emptyCodebook } = saved.state.system as {
      codebookUpdates: number;
      recentCodes: number[];
      emptyCodebook: boolean;
    };
    this.#quantizer = QuantizerTraining.create(this.#parameters, this.#config, {
      updates: codebookUpdates,
      recent: Int32Array.from(recentCodes),
    });
    this.#emptyCodebook = emptyCodebook;
  }

  async #restoreModel(path: string, except: ReadonlySet<string>): Promise<void> {
    const file = join(path, "tokenizer", "model.safetensors");
    const store = await openSafetensors(await fileSource(file));
    try {
      const names = this.#parameters.entries.map(({ name }) => name).filter((name) => !except.has(name));
      await loadArena(this.#parameters, store, file, names);
    } finally {
      await store.close();
    }
  }

  async dispose(): Promise<void> {
    await this.#program.dispose();
    await this.#evaluation.dispose();
    await this.#greedy?.dispose();
    await this.#updater.dispose();
    for (const { prefix } of this.#recipes) await prefix?.dispose();
  }
}

/** How clips are prepared, and where outputs of the frozen layers are kept. */
interface Recipe {
  readonly preparation: TokenizerClips;
  readonly prefix: PrefixCache | undefined;
}

function preparationOf(
  { data, objectives }: TokenizerRun,
  config: TokenizerConfig,
  pitch: boolean,
  training: boolean,
): TokenizerClips {
  return parsePreparation({
    name: "tokenizer",
    mels: config.num_mel_bins as 80 | 128,
    stride: 320 * (config.pooling_kernel_size ?? 1),
    maxSeconds: data.max_seconds,
    pitch,
    // upstream trains on the mean of channels and listens to the first
    ...(training ? { augment: data.augment, copy: objectives.agreement?.changes } : { channel: 0 }),
  }) as TokenizerClips;
}

function taskOf(example: Example): Task {
  if (example.task !== undefined) return example.task;
  throw new TrainingError(
    `${example.id}: names no task; add a task column (asr, ser, caption, sap), or task to its source in data`,
  );
}

const preprocessorConfig = (mels: number) => ({
  feature_extractor_type: "WhisperFeatureExtractor",
  feature_size: mels,
  sampling_rate: 16000,
  hop_length: 160,
  n_fft: 400,
  chunk_length: 30,
  n_samples: 480000,
  nb_max_frames: 3000,
  padding_side: "right",
  padding_value: 0,
  return_attention_mask: false,
});
