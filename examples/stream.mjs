// Node: codes arrive bit by bit, audio leaves bit by bit.   node examples/stream.mjs
import { AudioDecoder, AudioTokenizer } from "universal-audio-tokenizer";

const tokenizer = await AudioTokenizer.fromPretrained("base");
const { clips } = await tokenizer.encode("models/samples/speech.flac");
await tokenizer.dispose();

/** As if a language model wrote ten codes at a time. */
async function* codes() {
  for (let at = 0; at < clips[0].codes.length; at += 10) yield clips[0].codes.subarray(at, at + 10);
}

const decoder = await AudioDecoder.fromPretrained("base");
let samples = 0;
for await (const chunk of decoder.decodeStream(codes(), { blockSize: 25 })) {
  samples += chunk.length;
  console.log(`+${chunk.length} samples, ${(samples / decoder.sampleRate).toFixed(2)} s so far`);
}
await decoder.dispose();
