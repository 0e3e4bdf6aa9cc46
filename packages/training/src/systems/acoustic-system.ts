/** Training of an acoustic model as a run's configuration says. */
import { AcousticModel } from "universal-audio-tokenizer/internal";
import type { AcousticRun } from "../config/read-run-config.ts";
import { TrainingError } from "../errors.ts";
import { type AcousticBatch, acousticBatch, clipF0 } from "../objectives/acoustic-batch.ts";
import { acousticNetwork, acousticParameters } from "./acoustic-training.ts";
import type { DecoderSystemOptions } from "./decoder-checkpoint.ts";
import { DecoderStart } from "./decoder-start.ts";
import { type MelClip, MelSystem } from "./mel-system.ts";

/** Frames whose pitch is kept, 4 bytes each: some 50 hours of sound. */
const KEPT_FRAMES = 2 ** 24;

/** @throws TrainingError or CheckpointError for a model or tokeniser that is not there or does not fit. */
export async function createAcousticSystem(
  run: AcousticRun,
  options: DecoderSystemOptions,
): Promise<MelSystem<AcousticBatch>> {
  const start = await DecoderStart.read(run.model, options.file);
  if (!("acoustic" in start.config))
    throw new TrainingError(`${options.file}: model.init has a flow and no acoustic model; give system: flow`);
  const config = start.config.acoustic;
  const pitches = new Pitches();
  return MelSystem.create(
    run,
    {
      half: "acoustic",
      vocabulary: config.vocab_size,
      frameRate: config.input_frame_rate,
      bins: config.output_size,
      asked: acousticParameters(config),
      network: acousticNetwork(config, run.objectives),
      groups: (names) => ({ all: names }),
      batch: (clips, longest, random, remember) => {
        const withPitch = clips.map((clip) => ({ ...clip, f0: pitches.of(clip, remember) }));
        return acousticBatch(withPitch, longest, config, random);
      },
      load: (weights) => AcousticModel.load(config, weights, options.runtime),
    },
    start,
    options,
  );
}

/** Tracking a pitch takes longer than learning from it: that of a clip is found once. */
class Pitches {
  readonly #known = new Map<string, Float32Array>();
  #room = KEPT_FRAMES;

  of({ name, samples }: MelClip, remember: boolean): Float32Array {
    const known = this.#known.get(name);
    if (known) return known;
    const f0 = clipF0(samples);
    if (remember && (this.#room -= f0.length) >= 0) this.#known.set(name, f0);
    return f0;
  }
}
