/**
 * Training of the half of a decoder that makes mels of tokens, as a run's configuration says: clips and their tokens in,
 * a decoder out. flow-system.ts and acoustic-system.ts say what differs between the two kinds of it.
 */
import { join } from "node:path";
import { DECODER_SAMPLE_RATE, decoderMel, type MelFeatures } from "@uat/audio";
import {
  fileSource,
  type MelModel,
  memoryStore,
  openTorchFile,
  type TensorStore,
  TorchGenerator,
} from "universal-audio-tokenizer/internal";
import type { SavedCheckpoint } from "../checkpoint/saved-checkpoint.ts";
import { isNamed } from "../config/model-config.ts";
import type { AcousticRun, FlowRun } from "../config/read-run-config.ts";
import type { Batch } from "../data/loader.ts";
import { TrainingError } from "../errors.ts";
import type { BatchRecipe, Metrics, SampleOfStep, TrainingSystem } from "../loop/system.ts";
import type { TokenClip } from "../objectives/flow-batch.ts";
import type { Random } from "../random.ts";
import { ClipTokens } from "./clip-tokens.ts";
import { type DecoderSystemOptions, freshNote } from "./decoder-checkpoint.ts";
import { clipRecipe, clipsOf } from "./decoder-clips.ts";
import { float32Tensors, writeDecoder } from "./decoder-files.ts";
import type { DecoderStart } from "./decoder-start.ts";
import type { AskedParameter } from "./initial-weights.ts";
import { addMelErrors, firstFrames, type MelErrors } from "./mel-errors.ts";
import { type BatchSizes, NetworkTraining, type TrainedNetwork } from "./network-training.ts";
import { optimizerGroups } from "./optimizer-groups.ts";
import { stepRandom } from "./step-random.ts";

/** What differs between kinds of networks from tokens to mel. */
export interface MelKind<B extends BatchSizes> {
  /** The name of its weights in a checkpoint. */
  readonly half: "flow" | "acoustic";
  readonly vocabulary: number;
  /** Tokens a second. */
  readonly frameRate: number;
  /** Mel bins. */
  readonly bins: number;
  readonly asked: readonly AskedParameter[];
  readonly network: TrainedNetwork<B>;
  /** Parameters by the optimiser's groups. */
  readonly groups: (names: readonly string[]) => Readonly<Record<string, readonly string[]>>;
  /** @param remember whether the same clip always sounds the same. */
  readonly batch: (clips: readonly MelClip[], longest: number, random: Random, remember: boolean) => B;
  readonly load: (weights: TensorStore) => Promise<MelModel>;
}

/** A clip with its tokens. */
export interface MelClip extends TokenClip {
  readonly name: string;
  /** The speaker's x-vector, where the row has one. */
  readonly embedding?: Float32Array | undefined;
}

type MelRun = FlowRun | AcousticRun;

/** Clips that are decoded, and seconds of each, in an evaluation. */
const DECODED_CLIPS = 4;
const DECODED_TOKENS = 250;
const EVALUATION_SEED = 0;

export class MelSystem<B extends BatchSizes> implements TrainingSystem {
  readonly facts: Readonly<Record<string, string | number>>;
  readonly training: BatchRecipe;
  readonly validation: BatchRecipe;
  readonly #run: MelRun;
  readonly #kind: MelKind<B>;
  readonly #start: DecoderStart;
  readonly #options: DecoderSystemOptions;
  readonly #tokens: ClipTokens;
  readonly #training: NetworkTraining<B>;
  readonly #isRandom: boolean;

  private constructor(
    run: MelRun,
    kind: MelKind<B>,
    start: DecoderStart,
    options: DecoderSystemOptions,
    tokens: ClipTokens,
    training: NetworkTraining<B>,
  ) {
    this.#run = run;
    this.#kind = kind;
    this.#start = start;
    this.#options = options;
    this.#tokens = tokens;
    this.#training = training;
    const { max_seconds, augment } = run.data;
    this.training = clipRecipe(max_seconds, augment);
    this.validation = clipRecipe(max_seconds);
    this.#isRandom = Object.values(augment).some((change) => change !== undefined);
    const parameters = training.parameters.entries.reduce((sum, { length }) => sum + length, 0);
    this.facts = { parameters, codes: kind.vocabulary };
  }

  /** @throws TrainingError or CheckpointError for a model or tokeniser that is not there or does not fit. */
  static async create<B extends BatchSizes>(
    run: MelRun,
    kind: MelKind<B>,
    start: DecoderStart,
    options: DecoderSystemOptions,
  ): Promise<MelSystem<B>> {
    const { runtime, collective, file, onNote } = options;
    const { parameters, fresh } = await start.weights(kind.half, kind.asked, run.seed);
    if (run.model.init !== null && fresh.size > 0) onNote?.(freshNote(fresh));
    const names = parameters.map(({ name }) => name).filter((name) => !isNamed(name, run.model.freeze));
    if (names.length === 0) throw new TrainingError(`${file}: model.freeze leaves nothing to train`);
    const { clip, ema } = run.optimizer;
    const tokens = await ClipTokens.open(run.data, {
      vocabulary: kind.vocabulary,
      rate: kind.frameRate,
      threads: run.threads ?? undefined,
    });
    try {
      const training = await NetworkTraining.create(runtime, kind.network, {
        parameters,
        groups: optimizerGroups(run.optimizer, kind.groups(names)),
        clip,
        averageDecay: ema ?? undefined,
        collective,
        recompute: run.recompute,
        fresh,
      });
      return new MelSystem(run, kind, start, options, tokens, training);
    } catch (error) {
      await tokens.dispose();
      throw error;
    }
  }

  async step(batches: readonly Batch[]): Promise<Metrics> {
    const { optimizer } = this.#training.updater;
    const { rank, world } = this.#options.collective;
    // each process draws its own
    const random = stepRandom(this.#run.seed, optimizer.updates * world + rank);
    const crops: B[] = [];
    for (const batch of batches) {
      const clips = await this.#clips(batch, !this.#isRandom);
      crops.push(this.#kind.batch(clips, this.#run.objectives.crop_tokens, random, !this.#isRandom));
    }
    return this.#training.step(crops, random);
  }

  /** Clips with their tokens, cut to the shorter of the two. */
  async #clips(batch: Batch, remember: boolean): Promise<MelClip[]> {
    const samplesPerToken = DECODER_SAMPLE_RATE / this.#kind.frameRate;
    const clips: MelClip[] = [];
    for (const [i, samples] of clipsOf(batch).entries()) {
      const example = batch.examples[i]!;
      const tokens = await this.#tokens.tokens(example, samples, remember);
      const most = Math.floor(samples.length / samplesPerToken + 0.5);
      clips.push({
        name: example.id,
        tokens: tokens.subarray(0, most),
        samples,
        embedding: this.#tokens.embedding(example),
      });
    }
    return clips;
  }

  /**
   * `loss` of crops; of the first clips, decoded whole, `mel_error`: the mean absolute difference of log-mels (natural
   * logarithm), and `mel_error_of_mean`, that of each clip's mean spectrum.
   */
  async evaluate(batches: AsyncIterable<Batch>, onSample: (sample: SampleOfStep) => void): Promise<Metrics> {
    const random = stepRandom(EVALUATION_SEED, 0);
    const model = await this.#kind.load(this.#training.weights());
    let [loss, rows] = [0, 0];
    const errors: MelErrors = { error: 0, ofMean: 0, count: 0 };
    let decoded = 0;
    try {
      for await (const batch of batches) {
        const clips = await this.#clips(batch, true);
        const crop = this.#kind.batch(clips, this.#run.objectives.crop_tokens, random, true);
        loss += (await this.#training.loss(crop, random)) * crop.size;
        rows += crop.size;
        for (const clip of clips) {
          if (decoded++ >= DECODED_CLIPS) continue;
          const { target, prediction } = await this.#decoded(model, clip);
          addMelErrors(errors, target, prediction);
          onSample({ kind: "spectrogram", name: clip.name, target, prediction });
        }
      }
    } finally {
      await model.dispose();
    }
    if (rows === 0) return {};
    const { error, ofMean, count } = errors;
    return { loss: loss / rows, mel_error: error / count, mel_error_of_mean: ofMean / count };
  }

  async #decoded(model: MelModel, clip: MelClip): Promise<{ target: MelFeatures; prediction: MelFeatures }> {
    const tokens = clip.tokens.slice(0, DECODED_TOKENS);
    const { data, bins, frames } = await model.mel({
      tokens,
      embedding: clip.embedding,
      noise: (n) => new TorchGenerator(EVALUATION_SEED).randn(n * this.#kind.bins),
    });
    const whole = decoderMel(clip.samples);
    const shared = Math.min(frames, whole.frames);
    return {
      target: firstFrames(whole, shared),
      prediction: firstFrames({ data, mels: bins, frames }, shared),
    };
  }

  checkpoint(): ReturnType<TrainingSystem["checkpoint"]> {
    const { storage } = this.#run;
    return {
      system: null,
      ...this.#training.checkpoint(storage),
      writeModel: async (folder) => {
        const hift = await this.#start.tensors("hift");
        await writeDecoder(join(folder, "decoder"), this.#start.config, {
          [this.#kind.half]: this.#training.weights(),
          hift: hift && memoryStore(float32Tensors(hift)),
          storage,
        });
      },
    };
  }

  restore(saved: SavedCheckpoint): Promise<void> {
    return this.#training.restore(saved, async (path) => {
      const file = join(path, "decoder", `${this.#kind.half}.pt`);
      return { store: await openTorchFile(await fileSource(file)), file };
    });
  }

  async dispose(): Promise<void> {
    await this.#tokens.dispose();
    await this.#training.dispose();
  }
}
