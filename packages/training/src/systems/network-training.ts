/** One network in training: its updates, from batches that its kind knows how to make inputs of. */
import type { Graph, NumericArray, Runtime, Scope } from "@uat/graph";
import { memoryStore, type TensorStore, type TrainingOptions } from "universal-audio-tokenizer/internal";
import type { CheckpointContent } from "../checkpoint/checkpoint-folder.ts";
import type { SavedCheckpoint } from "../checkpoint/saved-checkpoint.ts";
import { arenaTensors, type WeightStorage } from "../checkpoint/stored-weights.ts";
import { LossProgram, type Objective } from "../engine/loss-program.ts";
import { alone, type Collective } from "../loop/collective.ts";
import type { Metrics } from "../loop/system.ts";
import { meanMetrics, type UpdateResult, Updater } from "../loop/updater.ts";
import { Dropout } from "../objectives/dropout.ts";
import { AdamW, type AdamWGroup } from "../optimizer/adamw.ts";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { WeightAverage } from "../optimizer/weight-average.ts";
import type { Random } from "../random.ts";
import { type OpenWeights, restoreAverage, restoreWeights } from "./decoder-checkpoint.ts";
import { storedTensors } from "./decoder-files.ts";
import type { InitialParameter } from "./initial-weights.ts";

/** Sizes of a batch, of whatever else it is made. */
export interface BatchSizes {
  readonly size: number;
  readonly tokenCount: number;
  /** Mel frames, of networks that have some. */
  readonly frames?: number | undefined;
}

/** A network as its training sees it. */
export interface TrainedNetwork<B extends BatchSizes> {
  /** Of its programs. */
  readonly name: string;
  /** Its loss, with inputs declared in the graph. */
  readonly loss: (graph: Graph, p: Scope, options: TrainingOptions) => Objective;
  /** A batch, with the draws of one step, as those inputs. */
  readonly inputs: (batch: B, random: Random) => Record<string, NumericArray>;
  /** The bias of the last layer, and what it should be for a fresh network to foretell the mean of a batch. */
  readonly lastBias: string;
  readonly mean: (batch: B) => Float32Array;
}

export interface NetworkTrainingOptions {
  /** Values to start from, of all parameters. */
  readonly parameters: readonly InitialParameter[];
  /** What is trained, and how. */
  readonly groups: readonly AdamWGroup[];
  /** Largest norm of all gradients together; null: no clipping. */
  readonly clip: number | null;
  /** Decay of averaged weights; none by default. */
  readonly averageDecay?: number | undefined;
  readonly collective?: Collective | undefined;
  /** Layers are computed twice instead of kept: less memory, more time. */
  readonly recompute?: boolean | undefined;
  /** Parameters whose values are random. */
  readonly fresh?: ReadonlySet<string> | undefined;
}

export class NetworkTraining<B extends BatchSizes> {
  readonly parameters: ParameterArena;
  readonly updater: Updater;
  readonly #network: TrainedNetwork<B>;
  readonly #collective: Collective;
  readonly #program: LossProgram;
  readonly #evaluation: LossProgram;
  readonly #dropout: Dropout;
  /** The last layer has random weights: its output has to find the mean first. */
  readonly #isFresh: boolean;

  private constructor(
    network: TrainedNetwork<B>,
    updater: Updater,
    collective: Collective,
    program: LossProgram,
    evaluation: LossProgram,
    dropout: Dropout,
    isFresh: boolean,
  ) {
    this.#network = network;
    this.parameters = updater.optimizer.parameters;
    this.updater = updater;
    this.#collective = collective;
    this.#program = program;
    this.#evaluation = evaluation;
    this.#dropout = dropout;
    this.#isFresh = isFresh;
  }

  /** @param runtime one that runs on the calling thread. */
  static async create<B extends BatchSizes>(
    runtime: Runtime,
    network: TrainedNetwork<B>,
    options: NetworkTrainingOptions,
  ): Promise<NetworkTraining<B>> {
    const { groups, clip, averageDecay, collective = alone, recompute, fresh } = options;
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
    const compiled = (name: string, names: ReadonlySet<string>, settings: (graph: Graph) => TrainingOptions) =>
      LossProgram.compile(runtime, `${network.name}_${name}`, { parameters, trained: names }, (graph, p) =>
        network.loss(graph, p, settings(graph)),
      );
    const program = await compiled("training", trained, (graph) => ({
      dropout: (x, rate) => dropout.apply(graph, x, rate),
      layer: recompute ? (body) => graph.recompute(body) : undefined,
    }));
    const evaluation = await compiled("evaluation", new Set(), () => ({}));
    const isFresh = fresh?.has(network.lastBias) ?? false;
    return new NetworkTraining(network, updater, collective, program, evaluation, dropout, isFresh);
  }

  /**
   * Lets a fresh network start from the mean of a batch: Adam's steps are no longer than the learning rate, so a bias
   * would take thousands of them to get there.
   */
  async startAtMean(batch: B): Promise<void> {
    const start = this.parameters.view(this.#network.lastBias);
    start.set(this.#network.mean(batch));
    await this.#collective.broadcast(start);
  }

  /** A step of a run: {@link update}, by a fresh network from the mean of its first batch, with what the run's log tells. */
  async step(batches: readonly B[], random: Random): Promise<Metrics> {
    const { optimizer } = this.updater;
    if (this.#isFresh && optimizer.updates === 0) await this.startAtMean(batches[0] as B);
    const rates = optimizer.groups.map((group) => [`lr_${group.name}`, optimizer.settings(group).learningRate]);
    const { results, gradientNorm } = await this.update(batches, random);
    return { ...meanMetrics(results), gradient_norm: gradientNorm, ...Object.fromEntries(rates) };
  }

  /**
   * One update, from one or more batches whose gradients are averaged.
   * @throws NonFiniteError when the loss or a gradient is not a number; nothing has changed then.
   */
  update(batches: readonly B[], random: Random): Promise<UpdateResult> {
    const inputs = batches.map((batch) => ({
      ...this.#network.inputs(batch, random),
      ...this.#dropout.draw(random, { batch: batch.size, tokens: batch.tokenCount, frames: batch.frames ?? 0 }),
    }));
    return this.updater.update(this.#program, inputs);
  }

  /** The loss of a batch without an update, by averaged weights where there are any. */
  async loss(batch: B, random: Random): Promise<number> {
    const inputs = this.#network.inputs(batch, random);
    return (await this.#evaluation.run(inputs, undefined, this.updater.average?.average)).loss;
  }

  /** The weights as the network's own `load` takes them, averaged where there are averages. */
  weights(): TensorStore {
    const average = this.updater.average?.average;
    const tensors = storedTensors(this.parameters);
    if (average) for (const [name, tensor] of storedTensors(average)) tensors.set(name, tensor);
    return memoryStore(tensors);
  }

  /** What a checkpoint holds of it beside the model's file. */
  checkpoint(storage: WeightStorage): Pick<CheckpointContent, "optimizers" | "averages" | "weights"> {
    const { average, optimizer } = this.updater;
    return {
      optimizers: { adamw: optimizer },
      averages: average ? { weights: average.average } : {},
      // the model's file holds the averages, or half precision: then not what training goes on from
      ...((storage !== "fp32" || average) && { weights: arenaTensors(this.parameters) }),
    };
  }

  /** @param open opens the model's file in a checkpoint's folder. */
  async restore(saved: SavedCheckpoint, open: OpenWeights): Promise<void> {
    await restoreWeights(saved, this.parameters, open);
    await saved.restoreOptimizer("adamw", this.updater.optimizer);
    await restoreAverage(saved, this.updater.average?.average);
  }

  async dispose(): Promise<void> {
    await this.#program.dispose();
    await this.#evaluation.dispose();
    await this.updater.dispose();
  }
}
