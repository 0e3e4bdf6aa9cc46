/** A reader in training (tokens → words and labels), as a run's configuration says. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type CodesReaderConfig,
  codebookHash,
  codesReaderSchema,
  fileSource,
  isReaderLabel,
  openModel,
  openSafetensors,
  openSafetensorsModel,
  parseCodesReaderConfig,
  type ReaderConfig,
  readFloat32,
  readJson,
  writeSafetensorsFile,
} from "universal-audio-tokenizer/internal";
import type { SavedCheckpoint } from "../checkpoint/saved-checkpoint.ts";
import { storedTensor } from "../checkpoint/stored-weights.ts";
import { isNamed } from "../config/model-config.ts";
import type { ReaderRun } from "../config/read-run-config.ts";
import type { Example } from "../data/example.ts";
import type { Batch } from "../data/loader.ts";
import { TrainingError } from "../errors.ts";
import type { BatchRecipe, Metrics, SampleOfStep, TrainingSystem } from "../loop/system.ts";
import { readerInputs, readerLoss } from "../objectives/reader.ts";
import { type ReaderBatch, type ReaderClip, readerBatch, readerTruth } from "../objectives/reader-batch.ts";
import { writeAtomically } from "../report/files.ts";
import { ClipTokens } from "./clip-tokens.ts";
import { codebookEmbedding } from "./codebook-embedding.ts";
import { type DecoderSystemOptions, freshNote } from "./decoder-checkpoint.ts";
import { clipRecipe, clipsOf } from "./decoder-clips.ts";
import { askedParameters, startingWeights } from "./initial-weights.ts";
import { NetworkTraining, type TrainedNetwork } from "./network-training.ts";
import { optimizerGroups } from "./optimizer-groups.ts";
import { stepRandom } from "./step-random.ts";

export interface ReaderSystemOptions extends DecoderSystemOptions {
  /** The training rows: characters and labels that the configuration does not list are taken from them. */
  readonly examples: () => AsyncIterable<Example>;
}

/** The folder of a reader within a checkpoint. */
const FOLDER = "reader";
const EVALUATION_SEED = 0;

export class ReaderSystem implements TrainingSystem {
  readonly facts: Readonly<Record<string, string | number>>;
  readonly training: BatchRecipe;
  readonly validation: BatchRecipe;
  readonly #run: ReaderRun;
  readonly #config: ReaderConfig;
  readonly #options: ReaderSystemOptions;
  readonly #tokens: ClipTokens;
  readonly #network: NetworkTraining<ReaderBatch>;

  private constructor(
    run: ReaderRun,
    config: ReaderConfig,
    options: ReaderSystemOptions,
    tokens: ClipTokens,
    network: NetworkTraining<ReaderBatch>,
  ) {
    this.#run = run;
    this.#config = config;
    this.#options = options;
    this.#tokens = tokens;
    this.#network = network;
    const { max_seconds, augment, tokenizer } = run.data;
    // codes that are listed need no sound
    const known = tokenizer === null ? async () => LISTED : undefined;
    this.training = { ...clipRecipe(max_seconds, augment), known };
    this.validation = { ...clipRecipe(max_seconds), known };
    const parameters = network.parameters.entries.reduce((sum, { length }) => sum + length, 0);
    this.facts = {
      parameters,
      codes: config.vocab_size,
      characters: config.characters.length,
      labels: config.labels.length,
    };
  }

  /** @throws TrainingError or CheckpointError for a model or tokeniser that is not there or does not fit. */
  static async create(run: ReaderRun, options: ReaderSystemOptions): Promise<ReaderSystem> {
    const { runtime, collective, file, onNote } = options;
    const files = run.model.init === null ? undefined : await openModel(run.model.init);
    const folder = files && (await files.exists(`${FOLDER}/config.json`)) ? `${FOLDER}/` : "";
    const config = await readerConfig(run, files && (await readJson(files, `${folder}config.json`)), options);
    const asked = askedParameters((g, p) => readerLoss(g, readerInputs(g, config), p, config, run.objectives));
    const store = files && (await openSafetensorsModel(files, `${folder}model`));
    const isCold = (name: string) => isNamed(name, run.model.cold_start);
    const { parameters, fresh } = await startingWeights(asked, { store, isCold, seed: run.seed });
    await store?.close();
    if (run.model.init !== null && fresh.size > 0) onNote?.(freshNote(fresh));
    const names = parameters.map(({ name }) => name).filter((name) => !isNamed(name, run.model.freeze));
    if (names.length === 0) throw new TrainingError(`${file}: model.freeze leaves nothing to train`);
    const tokens = await ClipTokens.open(run.data, {
      vocabulary: config.vocab_size,
      rate: config.frame_rate,
      threads: run.threads ?? undefined,
    });
    try {
      const codebook = await tokens.codebook();
      const width = codebook?.shape[1];
      const embedding = parameters.find(({ name }) => name === EMBEDDING);
      if (codebook && width === config.input_size && embedding && fresh.has(EMBEDDING))
        embedding.values.set(codebookEmbedding(codebook.vectors, width));
      const { clip, ema } = run.optimizer;
      const network = await NetworkTraining.create(runtime, trainedReader(config, run), {
        parameters,
        groups: optimizerGroups(run.optimizer, { all: names }),
        clip,
        averageDecay: ema ?? undefined,
        collective,
        recompute: run.recompute,
        fresh,
      });
      const codebook_sha256 = codebook ? await codebookHash(codebook.vectors) : config.codebook_sha256;
      return new ReaderSystem(run, { ...config, codebook_sha256 }, options, tokens, network);
    } catch (error) {
      await tokens.dispose();
      throw error;
    }
  }

  async step(batches: readonly Batch[]): Promise<Metrics> {
    const { optimizer } = this.#network.updater;
    const { rank, world } = this.#options.collective;
    // each process draws its own
    const random = stepRandom(this.#run.seed, optimizer.updates * world + rank);
    const { hidden_share: share, hidden_stretch: stretch } = this.#run.objectives;
    const fed: ReaderBatch[] = [];
    for (const batch of batches) {
      const clips = await this.#clips(batch, !this.#isAugmented);
      fed.push(readerBatch(clips, this.#config, random, { share, stretch }));
    }
    return this.#network.step(fed, random);
  }

  get #isAugmented(): boolean {
    return Object.values(this.#run.data.augment).some((change) => change !== undefined);
  }

  async #clips(batch: Batch, remember: boolean): Promise<ReaderClip[]> {
    const sounds = clipsOf(batch);
    const clips: ReaderClip[] = [];
    for (const [i, example] of batch.examples.entries()) {
      const tokens = await this.#tokens.tokens(example, sounds[i]!, remember);
      if (tokens.length === 0) throw new TrainingError(`${example.id}: is too short for a token; take it off the list`);
      const wrong = tokens.find((code) => !(code >= 0 && code < this.#config.vocab_size));
      if (wrong !== undefined)
        throw new TrainingError(
          `${example.id}: code ${wrong}; expected whole numbers below ${this.#config.vocab_size}`,
        );
      clips.push({ tokens, truth: readerTruth(example) });
    }
    return clips;
  }

  /** Means of `loss` over rows. */
  async evaluate(batches: AsyncIterable<Batch>, _onSample: (sample: SampleOfStep) => void): Promise<Metrics> {
    const random = stepRandom(EVALUATION_SEED, 0);
    let [loss, rows] = [0, 0];
    for await (const batch of batches) {
      const fed = readerBatch(await this.#clips(batch, true), this.#config, random);
      loss += (await this.#network.loss(fed, random)) * fed.size;
      rows += fed.size;
    }
    return rows === 0 ? {} : { loss: loss / rows };
  }

  checkpoint(): ReturnType<TrainingSystem["checkpoint"]> {
    const { storage } = this.#run;
    return {
      system: null,
      ...this.#network.checkpoint(storage),
      writeModel: async (path) => {
        const folder = join(path, FOLDER);
        await mkdir(folder, { recursive: true });
        const weights = this.#network.weights();
        const tensors = new Map();
        for (const name of weights.names())
          tensors.set(name, storedTensor(name, weights.info(name)!.shape, await readFloat32(weights, name), storage));
        await writeSafetensorsFile(join(folder, "model.safetensors"), tensors);
        await writeAtomically(join(folder, "config.json"), `${JSON.stringify(this.#config, undefined, 2)}\n`);
      },
    };
  }

  restore(saved: SavedCheckpoint): Promise<void> {
    return this.#network.restore(saved, async (path) => {
      const file = join(path, FOLDER, "model.safetensors");
      return { store: await openSafetensors(await fileSource(file)), file };
    });
  }

  async dispose(): Promise<void> {
    await this.#tokens.dispose();
    await this.#network.dispose();
  }
}

/** A clip whose codes the row lists. */
const LISTED = { tensors: { samples: { data: new Float32Array(0), shape: [0] } }, length: 0, speed: 1 };

const LAST_BIAS = "labels.bias";
const EMBEDDING = "embedding.weight";

/** Odds of a label that the first batch never shows. */
const RAREST = 1 / 200;

const trainedReader = (config: CodesReaderConfig, { objectives }: ReaderRun): TrainedNetwork<ReaderBatch> => ({
  name: "reader",
  loss: (graph, p, options) => readerLoss(graph, readerInputs(graph, config), p, config, { ...objectives, ...options }),
  inputs: ({ inputs }) => inputs,
  lastBias: LAST_BIAS,
  // log-odds of how often each label is true
  mean: ({ size, inputs }) => {
    const targets = inputs.labels!.data as Float32Array;
    const count = config.labels.length;
    return Float32Array.from({ length: count }, (_, label) => {
      let [known, heard] = [0, 0];
      for (let row = 0; row < size; row++) {
        const target = targets[row * count + label]!;
        if (target < 0) continue;
        known++;
        heard += target;
      }
      const share = Math.min(1 - RAREST, Math.max(RAREST, known === 0 ? RAREST : heard / known));
      return Math.log(share / (1 - share));
    });
  },
});

/** The reader's configuration; characters and labels that nothing lists are those of the training rows. */
async function readerConfig(
  run: ReaderRun,
  base: unknown,
  { file, examples }: ReaderSystemOptions,
): Promise<ReaderConfig> {
  const given = { ...(base as Record<string, unknown> | undefined), ...run.model.config };
  if (given.characters === undefined || given.labels === undefined) {
    const characters = new Set<string>();
    const labels = new Set<string>();
    for await (const example of examples()) {
      const truth = readerTruth(example);
      for (const character of truth.text ?? "") characters.add(character);
      for (const label of truth.labels) labels.add(label);
    }
    if (characters.size === 0 || labels.size === 0)
      throw new TrainingError(`${file}: no training row has words; a reader is taught by transcripts or SAP answers`);
    given.characters ??= [...characters].sort();
    given.labels ??= [...labels].filter(isReaderLabel).sort();
  }
  for (const field of Object.keys(run.model.config))
    if (!(field in codesReaderSchema.shape))
      throw new TrainingError(`${file}: model.config.${field} is no field of a reader's config.json`);
  return parseCodesReaderConfig(given, `${file}: model.config`);
}
