// Node or a browser: audio → tokens → audio over HTTP, by a running `uat serve`.   node examples/client.mjs [URL]
import { readFileSync, writeFileSync } from "node:fs";
import { UatClient, UatServerError } from "universal-audio-tokenizer/client";

const client = new UatClient(process.argv[2] ?? "http://127.0.0.1:8723", { apiKey: process.env.UAT_API_KEY });

/** A busy server says when to come back. */
async function patiently(ask) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof UatServerError) || error.retryAfter === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfter));
    }
  }
}

const file = new Blob([readFileSync("models/samples/speech.flac")]);
const { audio_codes, shape, clips, frame_rate } = await patiently(() => client.tokensForm({ file: [file] }));
console.log(`${clips[0].duration.toFixed(2)} s → codes [${shape}] at ${frame_rate} Hz`);

const response = await patiently(() => client.decode({ codes: audio_codes, stream: true }));
const parts = [];
for await (const part of response.body) parts.push(part);
writeFileSync("reconstruction.wav", Buffer.concat(parts));
console.log(`reconstruction.wav: ${Buffer.concat(parts).length} bytes in ${parts.length} parts`);
