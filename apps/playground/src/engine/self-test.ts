/** Is WebGPU to be trusted with this model, and is it worth it? The same two seconds on both tell. */
import { decoderMel } from "@uat/audio";
import type { AudioDecoder, AudioTokenizer } from "universal-audio-tokenizer";

export interface Codec {
  readonly tokenizer: AudioTokenizer;
  readonly decoder: AudioDecoder;
}

const RATE = 16_000;
const SECONDS = 2;
/**
 * Mean difference of the log-mels that is still the same sound: 0.05 is 0.4 dB. Waveforms are not compared, since
 * rounding moves phases.
 */
const MEL_TOLERANCE = 0.05;

/** A gliding tone with overtones and noise in turn: loud, quiet and everything between. */
function probe(): Float32Array {
  let seed = 1;
  let phase = 0;
  return Float32Array.from({ length: SECONDS * RATE }, (_, i) => {
    const t = i / RATE;
    phase += (2 * Math.PI * (120 + 60 * t)) / RATE;
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    const tone = Math.sin(phase) + 0.5 * Math.sin(3 * phase) + 0.25 * Math.sin(7 * phase);
    const voiced = Math.sin(2 * Math.PI * 1.5 * t) > 0;
    return 0.2 * (voiced ? tone : (seed / 2 ** 31) * Math.sin(Math.PI * 3 * t) ** 2);
  });
}

async function run({ tokenizer, decoder }: Codec) {
  const samples = probe();
  const once = async () => {
    const { clips } = await tokenizer.encode({ samples, sampleRate: RATE });
    const codes = clips[0]?.codes ?? new Int32Array(0);
    return { codes, waveform: (await decoder.decode(codes)).waveform };
  };
  await once(); // kernels are compiled at first use
  const start = performance.now();
  return { ...(await once()), took: performance.now() - start };
}

/** @returns what is wrong with `tested`, if anything, and how many times as fast as `trusted` it is. */
export async function compareCodecs(
  trusted: Codec,
  tested: Codec,
): Promise<{ problem: string | undefined; speedup: number }> {
  const want = await run(trusted);
  let got: Awaited<ReturnType<typeof run>>;
  try {
    got = await run(tested);
  } catch (error) {
    return { problem: `WebGPU fails: ${(error as Error).message.slice(0, 200)}`, speedup: 0 };
  }
  return { problem: difference(got, want), speedup: want.took / got.took };
}

function difference(
  got: { codes: Int32Array; waveform: Float32Array },
  want: { codes: Int32Array; waveform: Float32Array },
): string | undefined {
  const other = want.codes.filter((code, i) => code !== got.codes[i]).length;
  if (other > 0 || got.codes.length !== want.codes.length)
    return `WebGPU gives ${other} of ${want.codes.length} codes otherwise than WASM`;
  const [a, b] = [decoderMel(got.waveform).data, decoderMel(want.waveform).data];
  let sum = Math.abs(a.length - b.length);
  for (const [i, v] of b.entries()) sum += Math.abs((a[i] ?? 0) - v);
  return sum / b.length <= MEL_TOLERANCE ? undefined : "WebGPU decodes to another sound than WASM";
}
