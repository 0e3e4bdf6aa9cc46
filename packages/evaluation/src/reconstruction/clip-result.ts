/** What is kept of one clip: measures of the original and of its reconstruction. */
import { resample } from "@uat/audio";
import type { AudioDecoder, AudioTokenizer } from "universal-audio-tokenizer";
import type { DnsmosScores } from "../metrics/dnsmos.ts";
import { melDistances } from "../metrics/mel-distance.ts";
import type { MetricNetworks } from "../metrics/metric-networks.ts";
import { comparePitch, type PitchComparison } from "../metrics/pitch.ts";
import { siSdr } from "../metrics/si-sdr.ts";
import type { SpeakerEncoder } from "../metrics/speaker-encoder.ts";
import { extendedStoi, stoi } from "../metrics/stoi.ts";
import type { EvaluationClip, Json } from "../suite/evaluation.ts";

/** Hz that originals and reconstructions are compared at. */
export const COMPARED_RATE = 16_000;

/** Something that writes down what is said. */
export interface Recognizer {
  /** Which weights, e.g. `Whisper base, sha256 1f3a…`: a part of the resume key and of the report. */
  readonly name: string;
  /** @param samples 16 kHz mono. @param language a code such as `en`. */
  transcribe(samples: Float32Array, language: string): Promise<string>;
}

/** A measure of both sides. */
export interface Both<T> {
  readonly original: T;
  readonly decoded: T;
}

/** Of one clip. What could not be measured, or was not asked for, is null. */
export interface ClipResult {
  readonly codes: number;
  readonly heard: Both<string> | null;
  readonly dnsmos: Both<DnsmosScores> | null;
  readonly distillMos: Both<number> | null;
  /** Speaker vectors. */
  readonly voice: Both<readonly number[]> | null;
  readonly pitch: PitchComparison;
  readonly siSdr: number | null;
  readonly stoi: number | null;
  readonly extendedStoi: number | null;
  readonly logMel: number | null;
  readonly melCepstral: number | null;
}

export interface MeasureOptions {
  readonly tokenizer: AudioTokenizer;
  readonly decoder: AudioDecoder;
  readonly networks: MetricNetworks;
  readonly recognizer?: Recognizer | undefined;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Encodes and decodes. Both are 16 kHz mono; a decoder's waveform may be up to one code longer. */
export async function reconstructClip(
  clip: EvaluationClip,
  { tokenizer, decoder, seed, signal }: MeasureOptions,
): Promise<Both<Float32Array> & { readonly codes: number }> {
  const { samples } = await clip.read(COMPARED_RATE);
  const { clips } = await tokenizer.encode({ samples, sampleRate: COMPARED_RATE }, { signal });
  const codes = clips[0]!.codes;
  const { waveform, sampleRate } = await decoder.decode(codes, { seed, signal });
  return { original: samples, decoded: resample(waveform, sampleRate, COMPARED_RATE), codes: codes.length };
}

/** All measures of a clip. @throws what reading, encoding or decoding throws. */
export async function measureClip(clip: EvaluationClip, options: MeasureOptions): Promise<ClipResult> {
  const { networks, recognizer, signal } = options;
  const { original, decoded, codes } = await reconstructClip(clip, options);
  const both = async <T>(of: (samples: Float32Array) => Promise<T>): Promise<Both<T>> => {
    signal.throwIfAborted();
    return { original: await of(original), decoded: await of(decoded) };
  };
  const { dnsmos, distillMos, speakerEncoder } = networks;
  const mel = melDistances(original, decoded, COMPARED_RATE);
  return {
    codes,
    heard: recognizer ? await both((samples) => recognizer.transcribe(samples, languageCode(clip.language))) : null,
    dnsmos: dnsmos ? await both((samples) => dnsmos.network.score(samples, COMPARED_RATE)) : null,
    distillMos: distillMos ? await both((samples) => distillMos.network.score(samples, COMPARED_RATE)) : null,
    voice: speakerEncoder ? await both((samples) => speakerVector(speakerEncoder.network, samples)) : null,
    pitch: comparePitch(original, decoded, COMPARED_RATE),
    siSdr: finite(siSdr(original, decoded)),
    stoi: finite(stoi(original, decoded, COMPARED_RATE)),
    extendedStoi: finite(extendedStoi(original, decoded, COMPARED_RATE)),
    logMel: finite(mel.logMel),
    melCepstral: finite(mel.cepstral),
  };
}

/** @param samples at {@link COMPARED_RATE}. */
export const speakerVector = async (encoder: SpeakerEncoder, samples: Float32Array): Promise<number[]> =>
  Array.from(await encoder.embed(samples, COMPARED_RATE), fewDigits);

/** `en-US`, `en_GB`, `EN` → `en`; English where the list does not say. */
export const languageCode = (language: string | undefined): string =>
  language?.trim().toLowerCase().split(/[-_]/)[0] || "en";

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const fewDigits = (value: number): number => Number(value.toPrecision(6));

/** Results are kept as JSON. */
export const asJson = (result: ClipResult): Json & ClipResult => result as unknown as Json & ClipResult;
