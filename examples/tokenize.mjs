// Node: any audio file → codes → waveform.   node examples/tokenize.mjs [FILE]
import { writeFileSync } from "node:fs";
import { AudioDecoder, AudioTokenizer, codeTime, encodeWav } from "universal-audio-tokenizer";

const file = process.argv[2] ?? "models/samples/speech.flac";

const tokenizer = await AudioTokenizer.fromPretrained("base");
const { clips, audio_codes } = await tokenizer.encode(file);
const [clip] = clips;
console.log(
  `${file}: ${clip.duration.toFixed(2)} s → codes [${audio_codes.dims}] at ${clip.frameRate} Hz, ${tokenizer.runtime}`,
);
for (const index of [0, 1, 2])
  console.log(`  code ${clip.codes[index]} stands for ${codeTime(clip, index).join("–")} s`);
await tokenizer.dispose();

const decoder = await AudioDecoder.fromPretrained("base");
const { waveform, sampleRate } = await decoder.decode(clip.codes);
writeFileSync("reconstruction.wav", encodeWav([waveform], sampleRate, "s16"));
console.log(`reconstruction.wav: ${(waveform.length / sampleRate).toFixed(2)} s by ${decoder.kind}`);
await decoder.dispose();
