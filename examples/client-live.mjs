// Node: samples in, tokens out while they come, over a WebSocket.   node examples/client-live.mjs [URL]
import { readFileSync } from "node:fs";
import { decodeAudio } from "universal-audio-tokenizer";
import WebSocket from "ws"; // browsers, and Node from 22 on, have their own

const url = process.argv[2] ?? "http://127.0.0.1:8723";
const { channels, sampleRate } = await decodeAudio(readFileSync("models/samples/speech.flac"));

const socket = new WebSocket(`${url.replace("http", "ws")}/v1/audio/tokens/live`, ["uat"]);
socket.onopen = () => {
  socket.send(JSON.stringify({ type: "start", sample_rate: sampleRate, format: "f32", chunk: 1 }));
  // as a microphone would: a tenth of a second at a time
  const block = Math.round(sampleRate / 10);
  for (let at = 0; at < channels[0].length; at += block) socket.send(channels[0].slice(at, at + block));
  socket.send(JSON.stringify({ type: "end" }));
};
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.type === "tokens") console.log(`from ${message.start.toFixed(2)} s: ${message.codes.length} codes`);
  if (message.type === "done") console.log(`${message.tokens} codes for ${message.duration.toFixed(2)} s`);
  if (message.type === "error") console.error(message.error.message);
};
