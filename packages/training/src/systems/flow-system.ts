/** Training of a flow as a run's configuration says. */
import { Flow } from "universal-audio-tokenizer/internal";
import type { FlowRun } from "../config/read-run-config.ts";
import { TrainingError } from "../errors.ts";
import { type FlowBatch, flowBatch } from "../objectives/flow-batch.ts";
import { modelParts } from "../optimizer/parameter-groups.ts";
import type { DecoderSystemOptions } from "./decoder-checkpoint.ts";
import { DecoderStart } from "./decoder-start.ts";
import { flowNetwork, flowParameters } from "./flow-training.ts";
import { MelSystem } from "./mel-system.ts";

/** @throws TrainingError or CheckpointError for a model or tokeniser that is not there or does not fit. */
export async function createFlowSystem(run: FlowRun, options: DecoderSystemOptions): Promise<MelSystem<FlowBatch>> {
  const start = await DecoderStart.read(run.model, options.file);
  if (!("flow" in start.config))
    throw new TrainingError(`${options.file}: model.init has an acoustic model and no flow; give system: acoustic`);
  const config = start.config.flow;
  const { flow, prior } = run.objectives;
  return MelSystem.create(
    run,
    {
      half: "flow",
      vocabulary: config.vocab_size,
      frameRate: config.input_frame_rate,
      bins: config.output_size,
      asked: flowParameters(config),
      network: flowNetwork(config, { flow, prior }),
      groups: (names) => ({ ...modelParts(names) }),
      batch: (clips, longest, random) => flowBatch(clips, longest, config, random),
      load: (weights) => Flow.load(config, weights, options.runtime),
    },
    start,
    options,
  );
}
