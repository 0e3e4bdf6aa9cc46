/** Samples → what is drawn of them: peaks for the waveform, coloured pixels for the spectrogram. */
import { DECODER_HOP_LENGTH, DECODER_MELS, DECODER_SAMPLE_RATE, decoderMel, resample } from "@uat/audio";
import { type Palette, PEAK_RATE, type Peaks, type Sound, TILE } from "./protocol.ts";

/** Natural logarithms between the quietest colour and the clip's loudest value: 72 dB. */
const RANGE = 8.3;
/** Shorter sounds have no frame of the transform. */
const SHORTEST = 1024;

export function peaksOf({ samples, sampleRate }: Sound): Peaks {
  const count = Math.max(1, Math.ceil((samples.length / sampleRate) * PEAK_RATE));
  const [low, high] = [new Int8Array(count), new Int8Array(count)];
  for (let i = 0; i < count; i++) {
    const end = Math.min(samples.length, Math.ceil(((i + 1) * sampleRate) / PEAK_RATE));
    let [min, max] = [0, 0];
    for (let k = Math.floor((i * sampleRate) / PEAK_RATE); k < end; k++) {
      const v = samples[k]!;
      if (v < min) min = v;
      if (v > max) max = v;
    }
    low[i] = Math.max(-127, Math.round(127 * min));
    high[i] = Math.min(127, Math.round(127 * max));
  }
  return { low, high };
}

/** Columns of pixels, tile by tile, each [DECODER_MELS rows, up to TILE columns] of RGBA. */
export function melTiles({ samples, sampleRate }: Sound, palette: Palette): { tiles: ImageData[]; columns: number } {
  const heard = resample(samples, sampleRate, DECODER_SAMPLE_RATE);
  const padded = new Float32Array(Math.max(SHORTEST, heard.length));
  padded.set(heard);
  const { data, frames } = decoderMel(padded);
  const loudest = data.reduce((most, v) => Math.max(most, v), -RANGE);
  const tiles: ImageData[] = [];
  for (let first = 0; first < frames; first += TILE) {
    const width = Math.min(TILE, frames - first);
    const pixels = new Uint32Array(width * DECODER_MELS);
    const colours = new Uint32Array(palette.buffer, palette.byteOffset, 256);
    for (let band = 0; band < DECODER_MELS; band++)
      for (let t = 0; t < width; t++) {
        const share = 1 + (data[band * frames + first + t]! - loudest) / RANGE;
        pixels[(DECODER_MELS - 1 - band) * width + t] = colours[Math.round(255 * Math.max(0, share) ** 1.35)]!;
      }
    tiles.push(new ImageData(new Uint8ClampedArray(pixels.buffer), width, DECODER_MELS));
  }
  return { tiles, columns: frames };
}

export const COLUMN_RATE = DECODER_SAMPLE_RATE / DECODER_HOP_LENGTH;
