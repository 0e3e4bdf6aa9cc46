/** From prepared clips to the tensors of a batch: padding, masks, labels. */
import {
  DECODER_HOP_LENGTH,
  DECODER_MELS,
  DECODER_SAMPLE_RATE,
  paddedLength,
  WHISPER_HOP_LENGTH,
  WHISPER_SAMPLE_RATE,
  whisperFrameCount,
} from "@uat/audio";
import type { NumericArray } from "@uat/graph";
import { TrainingError } from "../errors.ts";
import { IGNORED_LABEL } from "../tasks/targets.ts";
import { copyRows, withCopies } from "./copies.ts";
import type { Example } from "./example.ts";
import { type DecoderPreparation, longestSamples, type PreparedClip, type TokenizerPreparation } from "./prepare.ts";

/** A prepared clip with its labels; bytes of its audio are gone. */
export interface BatchItem extends PreparedClip {
  readonly example: Example;
}

/** The tensors of a batch, by the names of the graph's inputs. */
export type Collate = (items: readonly BatchItem[]) => Record<string, NumericArray>;

/** To the longest clip, to the most seconds there may be, or to a multiple, so that a network meets few shapes. */
export type Padding = "longest" | "max" | { readonly multipleOf: number };

/** What the decoder is given and what it is to say; {@link IGNORED_LABEL} is not scored. */
export interface TextTarget {
  readonly decoder_input_ids: readonly number[];
  readonly labels: readonly number[];
}

export interface TextOptions {
  readonly encodeTarget: (example: Example) => TextTarget;
  /** Fills `decoder_input_ids`. */
  readonly padTokenId: number;
  /** Text is padded to a multiple of so many tokens. */
  readonly multipleOf?: number;
}

/** [batch, time] ids and labels. @throws TrainingError when a target's two halves differ in length. */
export function collateText(items: readonly BatchItem[], options: TextOptions): Record<string, NumericArray> {
  const { encodeTarget, padTokenId, multipleOf = 1 } = options;
  const targets = items.map(({ example }) => {
    const target = encodeTarget(example);
    if (target.decoder_input_ids.length !== target.labels.length || target.labels.length === 0) {
      throw new TrainingError(
        `${example.id}: ${target.decoder_input_ids.length} decoder inputs for ${target.labels.length} labels; expected as many, and at least one`,
      );
    }
    return target;
  });
  const time = paddedLength(Math.max(...targets.map(({ labels }) => labels.length)), multipleOf);
  const ids = new Int32Array(items.length * time).fill(padTokenId);
  const labels = new Int32Array(items.length * time).fill(IGNORED_LABEL);
  for (const [row, target] of targets.entries()) {
    ids.set(target.decoder_input_ids, row * time);
    labels.set(target.labels, row * time);
  }
  const shape = [items.length, time];
  return { decoder_input_ids: { data: ids, shape }, labels: { data: labels, shape } };
}

/** Labels for the heads on the codes; undefined where a row has none. */
export interface HeadTargets {
  /** Numbers of units from 1 on. */
  readonly units?: ((example: Example) => Int32Array | undefined) | undefined;
  readonly tags?:
    | {
        readonly classes: number;
        /** 1 for a class that is there, 0 for the others [classes]. */
        readonly encode: (example: Example) => Float32Array | undefined;
      }
    | undefined;
}

/** `ctc_labels` int32 [batch, length] and `tags` [batch, classes]; −1 after the units, and where a row has no tags. */
export function collateTargets(
  items: readonly BatchItem[],
  { units, tags }: HeadTargets,
): Record<string, NumericArray> {
  const tensors: Record<string, NumericArray> = {};
  if (units) {
    const labels = items.map(({ example }) => units(example));
    const length = Math.max(1, ...labels.map((label) => label?.length ?? 0));
    const data = new Int32Array(items.length * length).fill(-1);
    for (const [row, label] of labels.entries()) if (label) data.set(label, row * length);
    tensors.ctc_labels = { data, shape: [items.length, length] };
  }
  if (tags) {
    const data = new Float32Array(items.length * tags.classes).fill(-1);
    for (const [row, { example }] of items.entries()) {
      const own = tags.encode(example);
      if (own) data.set(own, row * tags.classes);
    }
    tensors.tags = { data, shape: [items.length, tags.classes] };
  }
  return tensors;
}

export interface TokenizerCollateOptions {
  /** That of the clips. */
  readonly preparation: TokenizerPreparation;
  readonly padding: Padding;
  /** Leaves out ids and labels when absent. */
  readonly text?: TextOptions | undefined;
  readonly targets?: HeadTargets | undefined;
}

/**
 * For clips prepared as `tokenizer` or `flow`: `input_features` [batch, mels, frames], `attention_mask` [batch, frames],
 * and with text `decoder_input_ids`, `labels` [batch, time]. Features are those of the samples padded with zeros; the
 * mask is the samples' mask at every 160th sample. Clips prepared with their pitch give `pitch` [batch, frames], 0 in
 * padding; targets are those of {@link collateTargets}. Clips prepared with a copy come twice (copies.ts), and their
 * own features as `target_features` with both.
 */
export function tokenizerCollate(options: TokenizerCollateOptions): Collate {
  const { preparation, padding, text, targets } = options;
  const { stride } = preparation;
  const most = longestSamples(preparation) / WHISPER_HOP_LENGTH;
  const bucket = typeof padding === "object" ? Math.round(padding.multipleOf * WHISPER_SAMPLE_RATE) : stride;
  const step = paddedLength(Math.max(1, bucket), stride) / WHISPER_HOP_LENGTH;
  return (clips) => {
    const items = preparation.name === "tokenizer" && preparation.copy ? withCopies(clips) : clips;
    const longest = Math.max(...items.map(({ tensors }) => tensors.features?.shape[1] as number));
    const frames = padding === "max" ? most : Math.min(most, paddedLength(longest, step));
    const mask = new Int32Array(items.length * frames);
    for (const [row, { length }] of items.entries())
      mask.fill(1, row * frames, row * frames + whisperFrameCount(length));
    return {
      input_features: paddedFeatures(items, "features", frames),
      attention_mask: { data: mask, shape: [items.length, frames] },
      ...(items[0]?.tensors.target_features && {
        target_features: paddedFeatures(items, "target_features", frames),
        ...copyRows(clips.length),
      }),
      ...(items[0]?.tensors.pitch && { pitch: padded(items, "pitch", frames) }),
      ...(text && collateText(items, text)),
      ...(targets && collateTargets(items, targets)),
    };
  };
}

/** Features [mels, frames] of a name, one below the other, with silence after their ends. */
function paddedFeatures(items: readonly BatchItem[], name: string, frames: number): NumericArray {
  const mels = items[0]?.tensors[name]?.shape[0] as number;
  const out = new Float32Array(items.length * mels * frames);
  for (const [row, { tensors }] of items.entries()) {
    const { data, shape } = tensors[name] as { data: Float32Array; shape: readonly number[] };
    const given = shape[1] as number;
    // a clip that is not cut off ends with a frame of silence (prepare.ts)
    const silence = data[given - 1] as number;
    for (let band = 0; band < mels; band++) {
      const at = (row * mels + band) * frames;
      out.set(data.subarray(band * given, (band + 1) * given), at);
      out.fill(silence, at + given, at + frames);
    }
  }
  return { data: out, shape: [items.length, mels, frames] };
}

/** Vectors of a name, one below the other, with zeros after their ends. */
function padded(items: readonly BatchItem[], name: string, length: number): NumericArray {
  const data = new Float32Array(items.length * length);
  for (const [row, { tensors }] of items.entries()) data.set(tensors[name]?.data as Float32Array, row * length);
  return { data, shape: [items.length, length] };
}

/** Natural logarithm of the smallest magnitude of the decoder's mel. */
const MEL_SILENCE = Math.log(1e-5);

export interface DecoderCollateOptions {
  /** That of the clips. */
  readonly preparation: DecoderPreparation;
  readonly padding: Padding;
}

/**
 * For clips prepared as `decoder` or `flow`: `samples` [batch, 256 · frames], `mel` [batch, 80, frames], `mel_mask`
 * [batch, frames].
 */
export function decoderCollate({ preparation, padding }: DecoderCollateOptions): Collate {
  const framesOf = (seconds: number) =>
    Math.max(1, Math.floor(Math.round(seconds * DECODER_SAMPLE_RATE) / DECODER_HOP_LENGTH));
  const most = framesOf(preparation.maxSeconds);
  return (items) => {
    const longest = Math.max(...items.map(({ tensors }) => tensors.mel?.shape[1] as number));
    const frames =
      padding === "longest"
        ? longest
        : padding === "max"
          ? most
          : Math.min(most, paddedLength(longest, framesOf(padding.multipleOf)));
    const mel = new Float32Array(items.length * DECODER_MELS * frames).fill(MEL_SILENCE);
    const samples = new Float32Array(items.length * DECODER_HOP_LENGTH * frames);
    const mask = new Int32Array(items.length * frames);
    for (const [row, { tensors }] of items.entries()) {
      const { data, shape } = tensors.mel as { data: Float32Array; shape: readonly number[] };
      const given = shape[1] as number;
      for (let band = 0; band < DECODER_MELS; band++) {
        mel.set(data.subarray(band * given, (band + 1) * given), (row * DECODER_MELS + band) * frames);
      }
      samples.set(tensors.samples?.data as Float32Array, row * DECODER_HOP_LENGTH * frames);
      mask.fill(1, row * frames, row * frames + given);
    }
    return {
      mel: { data: mel, shape: [items.length, DECODER_MELS, frames] },
      samples: { data: samples, shape: [items.length, DECODER_HOP_LENGTH * frames] },
      mel_mask: { data: mask, shape: [items.length, frames] },
    };
  };
}
