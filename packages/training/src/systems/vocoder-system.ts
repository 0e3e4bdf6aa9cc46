/** Training of a vocoder as a run's configuration says: clips in, a decoder in the official layout out. */
import { join } from "node:path";
import { DECODER_HOP_LENGTH, DECODER_SAMPLE_RATE, decoderMel, trackPitch } from "@uat/audio";
import {
  directoryFiles,
  type Mel,
  memoryStore,
  openVocoderWeights,
  sliceMel,
  TorchGenerator,
  Vocoder,
} from "universal-audio-tokenizer/internal";
import type { SavedCheckpoint } from "../checkpoint/saved-checkpoint.ts";
import { arenaTensors } from "../checkpoint/stored-weights.ts";
import { isNamed } from "../config/model-config.ts";
import type { VocoderRun } from "../config/read-run-config.ts";
import type { Batch } from "../data/loader.ts";
import { TrainingError } from "../errors.ts";
import type { BatchRecipe, Metrics, SampleOfStep, TrainingSystem } from "../loop/system.ts";
import { type VocoderBatch, vocoderBatch } from "../objectives/vocoder-batch.ts";
import type { AdamW } from "../optimizer/adamw.ts";
import { type DecoderSystemOptions, freshNote, restoreAverage, restoreWeights } from "./decoder-checkpoint.ts";
import { clipRecipe, clipsOf } from "./decoder-clips.ts";
import { float32Tensors, writeDecoder } from "./decoder-files.ts";
import { DecoderStart } from "./decoder-start.ts";
import { ForetoldMels } from "./foretold-mels.ts";
import { initialWeights } from "./initial-weights.ts";
import { addMelErrors, type MelErrors } from "./mel-errors.ts";
import { optimizerGroups } from "./optimizer-groups.ts";
import { stepRandom } from "./step-random.ts";
import { isDiscriminator, VocoderTraining, vocoderParameters } from "./vocoder-training.ts";

/** Clips that are spoken again in an evaluation, and the frames of each. */
const SPOKEN_CLIPS = 4;
const SPOKEN_FRAMES = 430;
const EVALUATION_SEED = 0;
/** A pitch further off than this share is a gross error. */
const GROSS = 0.2;

/** Frames of an evaluation, by what became of their pitch. */
interface PitchErrors {
  frames: number;
  /** Voiced where it is not, or the other way round. */
  wrongVoicing: number;
  voiced: number;
  gross: number;
}

export class VocoderSystem implements TrainingSystem {
  readonly facts: Readonly<Record<string, string | number>>;
  readonly training: BatchRecipe;
  readonly validation: BatchRecipe;
  readonly #run: VocoderRun;
  readonly #start: DecoderStart;
  readonly #options: DecoderSystemOptions;
  readonly #vocoder: VocoderTraining;
  readonly #foretold: ForetoldMels | undefined;

  private constructor(
    run: VocoderRun,
    start: DecoderStart,
    options: DecoderSystemOptions,
    vocoder: VocoderTraining,
    counts: { generator: number; discriminator: number },
    foretold: ForetoldMels | undefined,
  ) {
    this.#foretold = foretold;
    this.#run = run;
    this.#start = start;
    this.#options = options;
    this.#vocoder = vocoder;
    const { max_seconds, augment } = run.data;
    this.training = clipRecipe(max_seconds, augment);
    this.validation = clipRecipe(max_seconds);
    this.facts = {
      parameters: counts.generator,
      ...(counts.discriminator > 0 && { "parameters of discriminators": counts.discriminator }),
    };
  }

  /** @throws TrainingError or CheckpointError for a model that is not there, or a configuration that does not fit it. */
  static async create(run: VocoderRun, options: DecoderSystemOptions): Promise<VocoderSystem> {
    const { runtime, collective, file, onNote } = options;
    const start = await DecoderStart.read(run.model, file);
    const config = start.config.hift;
    const { objectives } = run;
    const frames = objectives.segment_frames;
    const longest = Math.max(...objectives.stft_resolutions.map(({ window }) => window), 1024) / 2;
    if (frames * DECODER_HOP_LENGTH <= longest)
      throw new TrainingError(
        `${file}: objectives.segment_frames is ${frames}; expected more than ${Math.floor(longest / DECODER_HOP_LENGTH)}, half of the longest spectrum`,
      );
    const asked = vocoderParameters(config, objectives, frames);
    const { parameters, fresh } = await start.weights("hift", asked.generator, run.seed);
    if (run.model.init !== null && fresh.size > 0) onNote?.(freshNote(fresh));
    const foretold = objectives.mels === "codes" ? await ForetoldMels.open(run, start, runtime, file) : undefined;
    const opponents = [...initialWeights(asked.discriminator, run.seed)];
    const generator = parameters.map(({ name }) => name).filter((name) => !isNamed(name, run.model.freeze));
    if (generator.length === 0) throw new TrainingError(`${file}: model.freeze leaves nothing to train`);
    const { clip, ema } = run.optimizer;
    const vocoder = await VocoderTraining.create(runtime, config, {
      parameters: [...parameters, ...opponents],
      generator: optimizerGroups(run.optimizer, { generator }),
      discriminator: optimizerGroups(run.optimizer, { discriminator: opponents.map(({ name }) => name) }),
      objectives,
      frames,
      clip,
      averageDecay: ema ?? undefined,
      collective,
    });
    const count = (list: typeof parameters) => list.reduce((sum, { values }) => sum + values.length, 0);
    const counts = { generator: count(parameters), discriminator: count(opponents) };
    return new VocoderSystem(run, start, options, vocoder, counts, foretold);
  }

  async step(batches: readonly Batch[]): Promise<Metrics> {
    const { generator, discriminator } = this.#vocoder;
    const { rank, world } = this.#options.collective;
    // each process draws its own
    const random = stepRandom(this.#run.seed, generator.optimizer.updates * world + rank);
    const frames = this.#run.objectives.segment_frames;
    const isSame = Object.values(this.#run.data.augment).every((change) => change === undefined);
    const crops: VocoderBatch[] = [];
    for (const batch of batches)
      crops.push(vocoderBatch(clipsOf(batch), frames, random, await this.#mels(batch, isSame)));
    const rates = [generator, discriminator].flatMap((part) => (part ? learningRates(part.optimizer) : []));
    return { ...(await this.#vocoder.update(crops, random)), ...Object.fromEntries(rates) };
  }

  /**
   * `loss` of crops, without discriminators, and its parts; of the first clips, spoken again with the predicted pitch,
   * `mel_distance` (mean absolute difference of log-mels, natural logarithm), `voicing_error` and `gross_pitch_error`.
   */
  async evaluate(batches: AsyncIterable<Batch>, onSample: (sample: SampleOfStep) => void): Promise<Metrics> {
    const random = stepRandom(EVALUATION_SEED, 0);
    const frames = this.#run.objectives.segment_frames;
    const vocoder = await Vocoder.load(this.#vocoder.config, this.#vocoder.weights(), this.#options.runtime);
    const sums: Record<string, number> = {};
    const mels: MelErrors = { error: 0, ofMean: 0, count: 0 };
    const pitches: PitchErrors = { frames: 0, wrongVoicing: 0, voiced: 0, gross: 0 };
    let [rows, spoken] = [0, 0];
    try {
      for await (const batch of batches) {
        const clips = clipsOf(batch);
        const heard = await this.#mels(batch, true);
        const { loss, metrics } = await this.#vocoder.loss(vocoderBatch(clips, frames, random, heard), random);
        for (const [name, value] of Object.entries({ loss, ...metrics }))
          sums[name] = (sums[name] ?? 0) + value * clips.length;
        rows += clips.length;
        for (const [i, clip] of clips.entries()) {
          if (spoken++ >= SPOKEN_CLIPS) continue;
          const most = Math.min(SPOKEN_FRAMES, heard?.[i]?.frames ?? SPOKEN_FRAMES);
          const samples = clip.slice(0, most * DECODER_HOP_LENGTH);
          const { waveform, f0 } = await speak(vocoder, heard ? sliceMel(heard[i]!, 0, most) : melOfSound(samples));
          addMelErrors(mels, decoderMel(samples), decoderMel(waveform));
          addPitchErrors(pitches, trackPitch(samples, PITCH), f0);
          const name = batch.ids[i] as string;
          onSample({
            kind: "audio",
            name,
            sampleRate: DECODER_SAMPLE_RATE,
            target: samples.subarray(0, waveform.length),
            prediction: waveform,
          });
          onSample({ kind: "spectrogram", name, target: decoderMel(samples), prediction: decoderMel(waveform) });
        }
      }
    } finally {
      await vocoder.dispose();
    }
    if (rows === 0) return {};
    return {
      ...Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / rows])),
      mel_distance: mels.error / mels.count,
      voicing_error: pitches.wrongVoicing / pitches.frames,
      ...(pitches.voiced > 0 && { gross_pitch_error: pitches.gross / pitches.voiced }),
    };
  }

  checkpoint(): ReturnType<TrainingSystem["checkpoint"]> {
    const { storage } = this.#run;
    const { generator, discriminator, parameters } = this.#vocoder;
    const average = generator.average?.average;
    const names = parameters.entries.map(({ name }) => name);
    // hift.pt holds the averages, or half precision, and never the discriminators
    const beside = storage !== "fp32" || average ? names : names.filter(isDiscriminator);
    return {
      system: null,
      optimizers: {
        generator: generator.optimizer,
        ...(discriminator && { discriminator: discriminator.optimizer }),
      },
      averages: average ? { weights: average } : {},
      ...(beside.length > 0 && { weights: arenaTensors(parameters, "fp32", beside) }),
      writeModel: async (folder) => {
        const half = "acoustic" in this.#start.config ? "acoustic" : "flow";
        const other = await this.#start.tensors(half);
        await writeDecoder(join(folder, "decoder"), this.#start.config, {
          hift: this.#vocoder.weights(),
          [half]: other && memoryStore(float32Tensors(other)),
          storage,
        });
      },
    };
  }

  async restore(saved: SavedCheckpoint): Promise<void> {
    const { generator, discriminator, parameters } = this.#vocoder;
    await restoreWeights(saved, parameters, async (path) => {
      const files = directoryFiles(join(path, "decoder"));
      return { store: await openVocoderWeights(files, ""), file: join(path, "decoder", "hift.pt") };
    });
    await saved.restoreOptimizer("generator", generator.optimizer);
    if (discriminator) await saved.restoreOptimizer("discriminator", discriminator.optimizer);
    await restoreAverage(saved, generator.average?.average);
  }

  /** What the vocoder is given in place of the clips' own mels, if anything. */
  async #mels(batch: Batch, remember: boolean): Promise<Mel[] | undefined> {
    if (!this.#foretold) return undefined;
    const mels: Mel[] = [];
    for (const [i, samples] of clipsOf(batch).entries())
      mels.push(await this.#foretold.mel(batch.examples[i]!, samples, remember));
    return mels;
  }

  async dispose(): Promise<void> {
    await this.#foretold?.dispose();
    await this.#vocoder.dispose();
  }
}

const learningRates = (optimizer: AdamW): [string, number][] =>
  optimizer.groups.map((group) => [`lr_${group.name}`, optimizer.settings(group).learningRate]);

const PITCH = { sampleRate: DECODER_SAMPLE_RATE, hop: DECODER_HOP_LENGTH };

export function melOfSound(samples: Float32Array): Mel {
  const { data, mels, frames } = decoderMel(samples);
  return { data, bins: mels, frames };
}

/** Sound made of a mel, as a decoder does, and the pitch that the vocoder predicts. */
export async function speak(vocoder: Vocoder, mel: Mel): Promise<{ waveform: Float32Array; f0: Float32Array }> {
  const { frames } = mel;
  const random = new TorchGenerator(EVALUATION_SEED);
  const f0 = await vocoder.f0(mel);
  const phases = random.uniform(vocoder.harmonics, -Math.PI, Math.PI);
  const source = vocoder.excitation(f0, { phases, noise: () => random.randn(frames * vocoder.samplesPerFrame) });
  return { waveform: await vocoder.waveform(mel, source), f0 };
}

function addPitchErrors(sums: PitchErrors, target: Float32Array, predicted: Float32Array): void {
  for (const [t, hz] of target.entries()) {
    // HiFT takes pitches up to 10 Hz for unvoiced
    const guess = (predicted[t] as number) > 10 ? (predicted[t] as number) : 0;
    sums.frames++;
    if (hz > 0 !== guess > 0) sums.wrongVoicing++;
    else if (hz > 0) {
      sums.voiced++;
      if (Math.abs(guess / hz - 1) > GROSS) sums.gross++;
    }
  }
}
