/** Training of a flow as a run's configuration says: clips and their tokens in, a decoder in the official layout out. */
import { join } from "node:path";
import { decoderMel, type MelFeatures } from "@uat/audio";
import {
  Flow,
  type FlowConfig,
  fileSource,
  memoryStore,
  openTorchFile,
  TorchGenerator,
} from "universal-audio-tokenizer/internal";
import type { SavedCheckpoint } from "../checkpoint/saved-checkpoint.ts";
import { arenaTensors } from "../checkpoint/stored-weights.ts";
import { isNamed } from "../config/model-config.ts";
import type { FlowRun } from "../config/read-run-config.ts";
import type { Batch } from "../data/loader.ts";
import { TrainingError } from "../errors.ts";
import type { BatchRecipe, Metrics, SampleOfStep, TrainingSystem } from "../loop/system.ts";
import { meanMetrics } from "../loop/updater.ts";
import { type FlowBatch, type FlowClip, flowBatch } from "../objectives/flow-batch.ts";
import { modelParts } from "../optimizer/parameter-groups.ts";
import { ClipTokens } from "./clip-tokens.ts";
import { type DecoderSystemOptions, freshNote, restoreAverage, restoreWeights } from "./decoder-checkpoint.ts";
import { clipRecipe, clipsOf } from "./decoder-clips.ts";
import { float32Tensors, writeDecoder } from "./decoder-files.ts";
import { DecoderStart } from "./decoder-start.ts";
import { FlowTraining, flowParameters } from "./flow-training.ts";
import { addMelErrors, firstFrames, type MelErrors } from "./mel-errors.ts";
import { optimizerGroups } from "./optimizer-groups.ts";
import { stepRandom } from "./step-random.ts";

/** Clips that are decoded, and seconds of each, in an evaluation. */
const DECODED_CLIPS = 4;
const DECODED_TOKENS = 250;
const EVALUATION_SEED = 0;

export class FlowSystem implements TrainingSystem {
  readonly facts: Readonly<Record<string, string | number>>;
  readonly training: BatchRecipe;
  readonly validation: BatchRecipe;
  readonly #run: FlowRun;
  readonly #start: DecoderStart;
  readonly #options: DecoderSystemOptions;
  readonly #tokens: ClipTokens;
  readonly #flow: FlowTraining;
  /** The network has random weights throughout: its output has to find the mean mel first. */
  readonly #isFresh: boolean;
  readonly #isRandom: boolean;

  private constructor(
    run: FlowRun,
    start: DecoderStart,
    options: DecoderSystemOptions,
    tokens: ClipTokens,
    flow: FlowTraining,
    isFresh: boolean,
  ) {
    this.#run = run;
    this.#start = start;
    this.#options = options;
    this.#tokens = tokens;
    this.#flow = flow;
    this.#isFresh = isFresh;
    const { max_seconds, augment } = run.data;
    this.training = clipRecipe(max_seconds, augment);
    this.validation = clipRecipe(max_seconds);
    this.#isRandom = Object.values(augment).some((change) => change !== undefined);
    const parameters = flow.parameters.entries.reduce((sum, { length }) => sum + length, 0);
    this.facts = { parameters, codes: flow.config.vocab_size };
  }

  /** @throws TrainingError or CheckpointError for a model or tokeniser that is not there or does not fit. */
  static async create(run: FlowRun, options: DecoderSystemOptions): Promise<FlowSystem> {
    const { runtime, collective, file, onNote } = options;
    const start = await DecoderStart.read(run.model, file);
    const config = start.config.flow;
    const { parameters, fresh } = await start.weights("flow", flowParameters(config), run.seed);
    if (run.model.init !== null && fresh.size > 0) onNote?.(freshNote(fresh));
    const names = parameters.map(({ name }) => name).filter((name) => !isNamed(name, run.model.freeze));
    if (names.length === 0) throw new TrainingError(`${file}: model.freeze leaves nothing to train`);
    const { clip, ema } = run.optimizer;
    const tokens = await ClipTokens.open(run.data, {
      vocabulary: config.vocab_size,
      rate: config.input_frame_rate,
      threads: run.threads ?? undefined,
    });
    try {
      const flow = await FlowTraining.create(runtime, config, {
        parameters,
        groups: optimizerGroups(run.optimizer, { ...modelParts(names) }),
        weights: { flow: run.objectives.flow, prior: run.objectives.prior },
        clip,
        averageDecay: ema ?? undefined,
        collective,
        recompute: run.recompute,
      });
      return new FlowSystem(run, start, options, tokens, flow, fresh.size === parameters.length);
    } catch (error) {
      await tokens.dispose();
      throw error;
    }
  }

  get #config(): FlowConfig {
    return this.#flow.config;
  }

  async step(batches: readonly Batch[]): Promise<Metrics> {
    const { optimizer } = this.#flow.updater;
    const { rank, world } = this.#options.collective;
    // each process draws its own
    const random = stepRandom(this.#run.seed, optimizer.updates * world + rank);
    const crops: FlowBatch[] = [];
    for (const batch of batches) {
      const clips = await this.#clips(batch, !this.#isRandom);
      crops.push(flowBatch(clips, this.#run.objectives.crop_tokens, this.#config, random));
    }
    if (this.#isFresh && optimizer.updates === 0) await this.#flow.startAtMean(crops[0] as FlowBatch);
    const rates = optimizer.groups.map((group) => [`lr_${group.name}`, optimizer.settings(group).learningRate]);
    const { results, gradientNorm } = await this.#flow.update(crops, random);
    return { ...meanMetrics(results), gradient_norm: gradientNorm, ...Object.fromEntries(rates) };
  }

  /** Clips with their tokens, cut to the shorter of the two. */
  async #clips(batch: Batch, remember: boolean): Promise<FlowClip[]> {
    const samplesPerToken = 22050 / this.#config.input_frame_rate;
    const clips: FlowClip[] = [];
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
    const flow = await Flow.load(this.#config, this.#flow.weights(), this.#options.runtime);
    let [loss, rows] = [0, 0];
    const errors: MelErrors = { error: 0, ofMean: 0, count: 0 };
    let decoded = 0;
    try {
      for await (const batch of batches) {
        const clips = await this.#clips(batch, true);
        const crop = flowBatch(clips, this.#run.objectives.crop_tokens, this.#config, random);
        loss += (await this.#flow.loss(crop, random)) * crop.size;
        rows += crop.size;
        for (const clip of clips) {
          if (decoded++ >= DECODED_CLIPS) continue;
          const { target, prediction } = await this.#decoded(flow, clip);
          addMelErrors(errors, target, prediction);
          onSample({ kind: "spectrogram", name: clip.name ?? "clip", target, prediction });
        }
      }
    } finally {
      await flow.dispose();
    }
    if (rows === 0) return {};
    const { error, ofMean, count } = errors;
    return { loss: loss / rows, mel_error: error / count, mel_error_of_mean: ofMean / count };
  }

  async #decoded(flow: Flow, clip: FlowClip): Promise<{ target: MelFeatures; prediction: MelFeatures }> {
    const tokens = clip.tokens.slice(0, DECODED_TOKENS);
    const { data, bins, frames } = await flow.mel({
      tokens,
      embedding: clip.embedding,
      noise: (n) => new TorchGenerator(EVALUATION_SEED).randn(n * this.#config.output_size),
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
    const { average, optimizer } = this.#flow.updater;
    return {
      system: null,
      optimizers: { adamw: optimizer },
      averages: average ? { weights: average.average } : {},
      // flow.pt holds the averages, or half precision: then not what training goes on from
      ...((storage !== "fp32" || average) && { weights: arenaTensors(this.#flow.parameters) }),
      writeModel: async (folder) => {
        const hift = await this.#start.tensors("hift");
        await writeDecoder(join(folder, "decoder"), this.#start.config, {
          flow: this.#flow.weights(),
          hift: hift && memoryStore(float32Tensors(hift)),
          storage,
        });
      },
    };
  }

  async restore(saved: SavedCheckpoint): Promise<void> {
    const { parameters, updater } = this.#flow;
    await restoreWeights(saved, parameters, async (path) => {
      const file = join(path, "decoder", "flow.pt");
      return { store: await openTorchFile(await fileSource(file)), file };
    });
    await saved.restoreOptimizer("adamw", updater.optimizer);
    await restoreAverage(saved, updater.average?.average);
  }

  async dispose(): Promise<void> {
    await this.#tokens.dispose();
    await this.#flow.dispose();
  }
}
