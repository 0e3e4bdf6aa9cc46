/** Which of a file's channels is heard. Upstream's tokeniser takes the first; its training takes the mean. */
import { AudioError } from "./errors.ts";

/** A channel's index counted from 0, or `"mean"` of all channels. */
export type Channel = number | "mean";

/** Reads a command-line word: `mean` or a number. @throws AudioError for anything else. */
export function parseChannel(text: string): Channel {
  if (text === "mean") return "mean";
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new AudioError(`channel "${text}"; expected mean or a number counted from 0; give e.g. --channel 0`);
}

/** Refuses a channel the audio does not have. */
export function checkChannel(channel: Channel, numberOfChannels: number, name = "audio"): void {
  if (channel === "mean") return;
  if (!Number.isInteger(channel) || channel < 0 || channel >= numberOfChannels) {
    const range = numberOfChannels === 1 ? "only channel 0" : `channels 0 to ${numberOfChannels - 1}`;
    throw new AudioError(`${name}: channel ${channel} asked for; it has ${range}; give one of these or mean`);
  }
}

/** One channel of a block; the first by default. `"mean"` averages sample by sample in double precision. */
export function pickChannel(channels: readonly Float32Array[], channel: Channel = 0): Float32Array {
  checkChannel(channel, channels.length);
  if (channel !== "mean") return channels[channel]!;
  if (channels.length === 1) return channels[0]!;
  const out = new Float32Array(channels[0]?.length ?? 0);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (const one of channels) sum += one[i]!;
    out[i] = sum / channels.length;
  }
  return out;
}
