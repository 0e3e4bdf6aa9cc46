/** The flow in training, the half of a decoder that makes mel spectrograms of tokens: its updates, from batches. */
import type { Runtime } from "@uat/graph";
import { type FlowConfig, memoryStore, type TensorStore } from "universal-audio-tokenizer/internal";
import { LossProgram } from "../engine/loss-program.ts";
import { alone, type Collective } from "../loop/collective.ts";
import { type UpdateResult, Updater } from "../loop/updater.ts";
import { Dropout } from "../objectives/dropout.ts";
import { type FlowLossOptions, flowInputs, flowLoss } from "../objectives/flow.ts";
import { type FlowBatch, flowStepInputs } from "../objectives/flow-batch.ts";
import { AdamW, type AdamWGroup } from "../optimizer/adamw.ts";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { WeightAverage } from "../optimizer/weight-average.ts";
import type { Random } from "../random.ts";
import { storedTensors } from "./decoder-files.ts";
import { type AskedParameter, askedParameters, type InitialParameter } from "./initial-weights.ts";

export interface FlowTrainingOptions {
  /** Values to start from, of all that {@link flowParameters} names. */
  readonly parameters: readonly InitialParameter[];
  /** What is trained, and how. */
  readonly groups: readonly AdamWGroup[];
  /** Weights of the losses, as {@link flowLoss} takes them. */
  readonly weights?: Pick<FlowLossOptions, "flow" | "prior"> | undefined;
  /** Largest norm of all gradients together; null: no clipping. */
  readonly clip: number | null;
  /** Decay of averaged weights; none by default. */
  readonly averageDecay?: number | undefined;
  readonly collective?: Collective | undefined;
  /** Layers are computed twice instead of kept: less memory, more time. */
  readonly recompute?: boolean | undefined;
}

/** The parameters of a flow. */
export const flowParameters = (config: FlowConfig): AskedParameter[] =>
  askedParameters((g, p) => flowLoss(flowInputs(g, config), p, config));

/** What the velocity is when nothing is known. */
const OUTPUT_BIAS = "decoder.estimator.final_proj.bias";

export class FlowTraining {
  readonly config: FlowConfig;
  readonly parameters: ParameterArena;
  readonly updater: Updater;
  readonly #collective: Collective;
  readonly #program: LossProgram;
  readonly #evaluation: LossProgram;
  readonly #dropout: Dropout;

  private constructor(
    config: FlowConfig,
    updater: Updater,
    collective: Collective,
    program: LossProgram,
    evaluation: LossProgram,
    dropout: Dropout,
  ) {
    this.config = config;
    this.parameters = updater.optimizer.parameters;
    this.updater = updater;
    this.#collective = collective;
    this.#program = program;
    this.#evaluation = evaluation;
    this.#dropout = dropout;
  }

  /** @param runtime one that runs on the calling thread. */
  static async create(runtime: Runtime, config: FlowConfig, options: FlowTrainingOptions): Promise<FlowTraining> {
    const { groups, weights, clip, averageDecay, collective = alone, recompute } = options;
    const lists = groups.map((group) => group.parameters);
    const parameters = ParameterArena.from(options.parameters, lists);
    const optimizer = await AdamW.create(runtime, parameters, groups);
    const average =
      averageDecay === undefined
        ? undefined
        : await WeightAverage.create(runtime, parameters, lists.flat(), averageDecay);
    const updater = await Updater.create(runtime, optimizer, { clip, average, collective });
    const dropout = new Dropout();
    const trained = new Set(lists.flat());
    const program = await LossProgram.compile(runtime, "flow_training", { parameters, trained }, (graph, p) =>
      flowLoss(flowInputs(graph, config), p, config, {
        ...weights,
        dropout: (x, rate) => dropout.apply(graph, x, rate),
        layer: recompute ? (body) => graph.recompute(body) : undefined,
      }),
    );
    const evaluation = await LossProgram.compile(
      runtime,
      "flow_evaluation",
      { parameters, trained: new Set() },
      (graph, p) => flowLoss(flowInputs(graph, config), p, config, weights),
    );
    return new FlowTraining(config, updater, collective, program, evaluation, dropout);
  }

  /**
   * Lets a fresh network start from the mean mel of a batch, which is the mean velocity: Adam's steps are no longer than
   * the learning rate, so a bias would take thousands of them to get there.
   */
  async startAtMean({ mel, size, frames }: FlowBatch): Promise<void> {
    const bias = this.parameters.view(OUTPUT_BIAS);
    const bands = bias.length;
    bias.fill(0);
    for (const [i, value] of mel.entries()) bias[Math.floor(i / frames) % bands]! += value / (size * frames);
    await this.#collective.broadcast(bias);
  }

  /**
   * One update, from one or more batches whose gradients are averaged.
   * @throws NonFiniteError when the loss or a gradient is not a number; nothing has changed then.
   */
  update(batches: readonly FlowBatch[], random: Random): Promise<UpdateResult> {
    const inputs = batches.map((batch) => ({
      ...flowStepInputs(batch, this.config, random),
      ...this.#dropout.draw(random, { batch: batch.size, tokens: batch.tokenCount, frames: batch.frames }),
    }));
    return this.updater.update(this.#program, inputs);
  }

  /** The loss of a batch without an update, by averaged weights where there are any. */
  async loss(batch: FlowBatch, random: Random): Promise<number> {
    const inputs = flowStepInputs(batch, this.config, random);
    return (await this.#evaluation.run(inputs, undefined, this.updater.average?.average)).loss;
  }

  /** The weights as `Flow.load` takes them, averaged where there are averages. */
  weights(): TensorStore {
    const average = this.updater.average?.average;
    const tensors = storedTensors(this.parameters);
    if (average) for (const [name, tensor] of storedTensors(average)) tensors.set(name, tensor);
    return memoryStore(tensors);
  }

  async dispose(): Promise<void> {
    await this.#program.dispose();
    await this.#evaluation.dispose();
    await this.updater.dispose();
  }
}
