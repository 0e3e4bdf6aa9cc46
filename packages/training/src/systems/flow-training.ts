/** Training of the flow, the half of a decoder that makes mel spectrograms of tokens. */
import type { Runtime } from "@uat/graph";
import { type FlowConfig, memoryStore, type TensorStore } from "universal-audio-tokenizer/internal";
import { LossProgram } from "../engine/loss-program.ts";
import { Dropout } from "../objectives/dropout.ts";
import { flowInputs, flowLoss } from "../objectives/flow.ts";
import { type FlowClip, flowBatch, flowStepInputs } from "../objectives/flow-batch.ts";
import { AdamW, type AdamWGroup } from "../optimizer/adamw.ts";
import { clipCoefficient, gradientNorm } from "../optimizer/gradients.ts";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { storedTensors } from "./decoder-files.ts";
import { askedParameters, startingWeights } from "./initial-weights.ts";
import { stepRandom } from "./step-random.ts";

export interface FlowTrainingOptions {
  /** Seeds fresh weights and every draw. */
  readonly seed: number;
  /** Weights to start from; fresh ones where absent. */
  readonly weights?: TensorStore | undefined;
  /** Tokens of a crop at most. */
  readonly cropTokens: number;
  /** Learning rates and the like of the parameters with these names. */
  readonly groups: (names: readonly string[]) => readonly AdamWGroup[];
  /** Largest norm of all gradients together; none by default. */
  readonly clip?: number | undefined;
  /** Layers are computed twice instead of kept: less memory, more time. */
  readonly recompute?: boolean | undefined;
}

export interface FlowStep {
  readonly loss: number;
  /** Before clipping. */
  readonly gradientNorm: number;
}

export class FlowTraining {
  readonly config: FlowConfig;
  readonly parameters: ParameterArena;
  readonly optimizer: AdamW;
  readonly #options: FlowTrainingOptions;
  readonly #program: LossProgram;
  readonly #dropout: Dropout;
  readonly #gradients: ParameterArena;

  private constructor(
    config: FlowConfig,
    options: FlowTrainingOptions,
    optimizer: AdamW,
    program: LossProgram,
    dropout: Dropout,
  ) {
    this.config = config;
    this.parameters = optimizer.parameters;
    this.optimizer = optimizer;
    this.#options = options;
    this.#program = program;
    this.#dropout = dropout;
    this.#gradients = optimizer.newGradients();
  }

  /**
   * @param runtime one that runs on the calling thread.
   * @throws TrainingError when `weights` lack a tensor or hold another shape than the configuration says.
   */
  static async create(runtime: Runtime, config: FlowConfig, options: FlowTrainingOptions): Promise<FlowTraining> {
    const asked = askedParameters((g, p) => flowLoss(flowInputs(g, config), p, config));
    const groups = options.groups(asked.map(({ name }) => name));
    const parameters = ParameterArena.from(
      await startingWeights(asked, options.seed, options.weights),
      groups.map((group) => group.parameters),
    );
    const optimizer = await AdamW.create(runtime, parameters, groups);
    const dropout = new Dropout();
    const trained = new Set(groups.flatMap((group) => group.parameters));
    const program = await LossProgram.compile(runtime, "flow_training", { parameters, trained }, (graph, p) => ({
      loss: flowLoss(flowInputs(graph, config), p, config, {
        dropout: (x, rate) => dropout.apply(graph, x, rate),
        layer: options.recompute ? (body) => graph.recompute(body) : undefined,
      }),
    }));
    return new FlowTraining(config, options, optimizer, program, dropout);
  }

  /**
   * One update from crops of these clips. Every draw depends on the seed and the number of updates so far.
   * @throws TrainingError for clips that do not fit the configuration.
   */
  async step(clips: readonly FlowClip[]): Promise<FlowStep> {
    const random = stepRandom(this.#options.seed, this.optimizer.updates);
    const batch = flowBatch(clips, this.#options.cropTokens, this.config, random);
    const inputs = {
      ...flowStepInputs(batch, this.config, random),
      ...this.#dropout.draw(random, { batch: batch.size, tokens: batch.tokenCount, frames: batch.frames }),
    };
    const { loss } = await this.#program.run(inputs, this.#gradients);
    const norm = gradientNorm(this.#gradients);
    const { clip } = this.#options;
    await this.optimizer.step(this.#gradients, {
      scale: clip === undefined ? 1 : clipCoefficient(norm, clip),
      without: this.#program.without,
    });
    return { loss, gradientNorm: norm };
  }

  /** The weights as they are, under the official names: what `Flow.load` and `writeDecoder` take. */
  weights(): TensorStore {
    return memoryStore(storedTensors(this.parameters, this.parameters.entries));
  }

  async dispose(): Promise<void> {
    await this.#program.dispose();
    await this.optimizer.dispose();
  }
}
