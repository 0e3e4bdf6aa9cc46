/**
 * What it would gain to tokenise short clips together: the processor's time that the network takes for clips one by one ÷
 * for all at once. Where all cores are busy, as under load, that is what decides.
 */
import { whisperFeatures } from "@uat/audio";
import { compile, createRuntime, type NumericArray } from "@uat/graph";
import { directoryFiles } from "universal-audio-tokenizer/internal";
import { tokenizerGraph } from "../packages/codec/src/tokenizers/whisper-vq-tokenizer.ts";

/**
 * @param seconds of each of `count` clips of noise.
 * @returns a function that measures once; it throws where a clip's codes are not the same in both ways.
 */
export async function batchGain(
  model: string,
  count: number,
  seconds: number,
  threads: number,
): Promise<() => Promise<number>> {
  const runtime = await createRuntime({ device: "cpu", threads });
  const { graph, config, store } = await tokenizerGraph(directoryFiles(model), "tokenizer");
  const program = await compile(runtime, graph).finally(() => store.close());
  let state = 1;
  const clips = Array.from({ length: count }, () =>
    Float32Array.from({ length: Math.floor((seconds * 16_000) / 640) * 640 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state / 2 ** 31 - 1) * 0.1;
    }),
  );
  const features = clips.map((samples) => whisperFeatures(samples, config.num_mel_bins));
  const [{ mels, frames }] = features as [(typeof features)[0]];
  const all = new Float32Array(count * mels * frames);
  for (const [i, { data }] of features.entries()) all.set(data, i * mels * frames);
  const codesOf = async (data: Float32Array, batch: number): Promise<string> => {
    const { audio_codes } = (await program.run({
      input_features: { data, shape: [batch, mels, frames] },
      attention_mask: { data: new Int32Array(batch * frames).fill(1), shape: [batch, frames] },
    })) as { audio_codes: NumericArray };
    return (audio_codes.data as BigInt64Array).join();
  };
  const used = () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  return async () => {
    let since = used();
    const single: string[] = [];
    for (const { data } of features) single.push(await codesOf(data, 1));
    const oneByOne = used() - since;
    since = used();
    const together = await codesOf(all, count);
    const atOnce = used() - since;
    if (together !== single.join()) throw new Error("codes differ between one by one and all at once");
    return oneByOne / atOnce;
  };
}
