// Browser with a bundler: audio → tokens → audio in the page itself.   cd examples/vite && npm install && npx vite
import { AudioDecoder, AudioTokenizer, encodeWav } from "universal-audio-tokenizer";

const [input, status] = ["input", "pre"].map((name) => document.querySelector(name));
const player = Object.assign(new Audio(), { controls: true });
document.body.append(player);

/** Loaded with the first file, then kept. */
let models;
const load = () =>
  Promise.all([AudioTokenizer.fromPretrained("/models/base/"), AudioDecoder.fromPretrained("/models/base/")]);

input.addEventListener("change", async () => {
  try {
    status.textContent = "…";
    const [tokenizer, decoder] = await (models ??= load());
    const { clips } = await tokenizer.encode(input.files[0]);
    const [{ codes, duration, frameRate }] = clips;
    const { waveform, sampleRate } = await decoder.decode(codes);
    player.src = URL.createObjectURL(new Blob([encodeWav([waveform], sampleRate)], { type: "audio/wav" }));
    status.textContent = `${duration.toFixed(2)} s → ${codes.length} codes at ${frameRate} Hz on ${tokenizer.runtime}\n${codes.join(" ")}`;
  } catch (error) {
    status.textContent = error.message;
  }
});
