/**
 * The vocoder in training, the half of a decoder that makes sound of mel spectrograms: first by distances of spectra,
 * then against discriminators that are trained beside it. Both see the same made-up sounds: the vocoder is run once a
 * step.
 */
import type { Runtime } from "@uat/graph";
import { type HiftConfig, memoryStore, samplesPerFrame, type TensorStore } from "universal-audio-tokenizer/internal";
import { LossProgram, type LossResult } from "../engine/loss-program.ts";
import { alone, type Collective } from "../loop/collective.ts";
import { meanMetrics, Updater } from "../loop/updater.ts";
import {
  DISCRIMINATOR,
  discriminatorObjective,
  generatorObjective,
  type VocoderObjectives,
  vocoderInputs,
} from "../objectives/vocoder.ts";
import { type VocoderBatch, vocoderStepInputs } from "../objectives/vocoder-batch.ts";
import { AdamW, type AdamWGroup } from "../optimizer/adamw.ts";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { WeightAverage } from "../optimizer/weight-average.ts";
import type { Random } from "../random.ts";
import { storedTensors } from "./decoder-files.ts";
import { type AskedParameter, askedParameters, type InitialParameter } from "./initial-weights.ts";

export interface VocoderTrainingOptions {
  /** Values to start from, of all that {@link vocoderParameters} names. */
  readonly parameters: readonly InitialParameter[];
  /** What is trained of the vocoder, and how. */
  readonly generator: readonly AdamWGroup[];
  /** Likewise of the discriminators; empty where there are none. */
  readonly discriminator: readonly AdamWGroup[];
  readonly objectives: VocoderObjectives;
  /** Mel frames of a crop. */
  readonly frames: number;
  /** Largest norm of all gradients of a part together; null: no clipping. */
  readonly clip: number | null;
  /** Decay of the vocoder's averaged weights; none by default. */
  readonly averageDecay?: number | undefined;
  readonly collective?: Collective | undefined;
}

/** Parameters of the vocoder and of its discriminators. */
export function vocoderParameters(
  config: HiftConfig,
  objectives: VocoderObjectives,
  frames: number,
): { generator: AskedParameter[]; discriminator: AskedParameter[] } {
  const asked = askedParameters((g, p) =>
    generatorObjective(vocoderInputs(g, config, frames), p, config, objectives, true),
  );
  return {
    generator: asked.filter(({ name }) => !isDiscriminator(name)),
    discriminator: asked.filter(({ name }) => isDiscriminator(name)),
  };
}

export const isDiscriminator = (parameter: string): boolean => parameter.startsWith(`${DISCRIMINATOR}.`);

/** What plays against a vocoder, and the vocoder's loss with it. */
interface Opponent {
  readonly generator: LossProgram;
  readonly discriminator: LossProgram;
  readonly updater: Updater;
}

export class VocoderTraining {
  readonly config: HiftConfig;
  readonly parameters: ParameterArena;
  readonly generator: Updater;
  readonly #options: VocoderTrainingOptions;
  readonly #spectral: LossProgram;
  readonly #evaluation: LossProgram;
  readonly #opponent: Opponent | undefined;

  private constructor(
    config: HiftConfig,
    options: VocoderTrainingOptions,
    generator: Updater,
    spectral: LossProgram,
    evaluation: LossProgram,
    opponent: Opponent | undefined,
  ) {
    this.config = config;
    this.parameters = generator.optimizer.parameters;
    this.generator = generator;
    this.#options = options;
    this.#spectral = spectral;
    this.#evaluation = evaluation;
    this.#opponent = opponent;
  }

  /** @param runtime one that runs on the calling thread. */
  static async create(runtime: Runtime, config: HiftConfig, options: VocoderTrainingOptions): Promise<VocoderTraining> {
    const { objectives, frames, clip, averageDecay, collective = alone } = options;
    const lists = (groups: readonly AdamWGroup[]) => groups.map((group) => group.parameters);
    const parameters = ParameterArena.from(options.parameters, [
      ...lists(options.generator),
      ...lists(options.discriminator),
    ]);
    const names = lists(options.generator).flat();
    const average =
      averageDecay === undefined ? undefined : await WeightAverage.create(runtime, parameters, names, averageDecay);
    const generator = await Updater.create(runtime, await AdamW.create(runtime, parameters, options.generator), {
      clip,
      average,
      collective,
    });
    const program = (name: string, trained: readonly string[], adversarial: boolean) =>
      LossProgram.compile(runtime, name, { parameters, trained: new Set(trained) }, (g, p) =>
        generatorObjective(vocoderInputs(g, config, frames), p, config, objectives, adversarial),
      );
    const spectral = await program("vocoder_spectral", names, false);
    const evaluation = await program("vocoder_evaluation", [], false);
    const { adversarial } = objectives;
    const opponent = adversarial && {
      generator: await program("vocoder_adversarial", names, true),
      discriminator: await LossProgram.compile(
        runtime,
        "discriminator",
        { parameters, trained: new Set(lists(options.discriminator).flat()) },
        (g, p) => discriminatorObjective(g, p, frames * samplesPerFrame(config), adversarial),
      ),
      updater: await Updater.create(runtime, await AdamW.create(runtime, parameters, options.discriminator), {
        clip,
        collective,
      }),
    };
    return new VocoderTraining(config, options, generator, spectral, evaluation, opponent ?? undefined);
  }

  /** That of the discriminators, where there are any. */
  get discriminator(): Updater | undefined {
    return this.#opponent?.updater;
  }

  /**
   * One update of the vocoder and, once they take part, one of the discriminators, from one or more batches whose
   * gradients are averaged.
   * @returns the parts of the loss by name.
   * @throws NonFiniteError when a loss or gradient is not a number.
   */
  async update(batches: readonly VocoderBatch[], random: Random): Promise<Record<string, number>> {
    const inputs = batches.map((batch) => vocoderStepInputs(batch, this.config, random));
    const from = this.#options.objectives.adversarial?.start_step ?? 0;
    const opponent = this.generator.optimizer.updates >= from ? this.#opponent : undefined;
    const made = await this.generator.update(opponent?.generator ?? this.#spectral, inputs);
    const metrics = { ...meanMetrics(made.results), gradient_norm: made.gradientNorm };
    if (!opponent) return metrics;
    const pairs = made.results.map((result, i) => ({ audio: inputs[i]!.audio!, sound: result.outputs.sound! }));
    const judged = await opponent.updater.update(opponent.discriminator, pairs);
    return {
      ...metrics,
      discriminator: meanMetrics(judged.results).loss as number,
      discriminator_gradient_norm: judged.gradientNorm,
    };
  }

  /** The loss without discriminators and its parts, without an update, by averaged weights where there are any. */
  loss(batch: VocoderBatch, random: Random): Promise<LossResult> {
    const inputs = vocoderStepInputs(batch, this.config, random);
    return this.#evaluation.run(inputs, undefined, this.generator.average?.average);
  }

  /** The vocoder's weights as `Vocoder.load` takes them, averaged where there are averages. */
  weights(): TensorStore {
    const average = this.generator.average?.average;
    const tensors = storedTensors(this.parameters);
    if (average) for (const [name, tensor] of storedTensors(average)) tensors.set(name, tensor);
    for (const name of tensors.keys()) if (isDiscriminator(name)) tensors.delete(name);
    return memoryStore(tensors);
  }

  async dispose(): Promise<void> {
    await this.#spectral.dispose();
    await this.#evaluation.dispose();
    await this.#opponent?.generator.dispose();
    await this.#opponent?.discriminator.dispose();
    await this.#opponent?.updater.dispose();
    await this.generator.dispose();
  }
}
