/** Mel spectrograms as small pictures: one colour a value, time to the right, low bands at the bottom. */
import type { MelFeatures } from "@uat/audio";
import { Canvas, encodePng, heat } from "@uat/audio/plot";

const MOST_COLUMNS = 800;
/** Pixels that a short or low spectrogram is enlarged to, by whole factors. */
const SMALLEST = { width: 400, height: 160 } as const;

/** Values between which colours run. */
export interface ColorRange {
  readonly low: number;
  readonly high: number;
}

export interface Picture {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** From the value that a twentieth of the spectrogram lies below to its largest; values that are not finite count not. */
export function colorRange({ data }: MelFeatures): ColorRange {
  const values = data.filter(Number.isFinite).sort();
  const low = values[Math.floor(0.05 * values.length)] ?? 0;
  const high = values.at(-1) ?? 0;
  return high > low ? { low, high } : { low: low - 1, high: high + 1 };
}

/** Draws `mel` [mels, frames]; of long ones, neighbouring frames are averaged into one column. */
export function drawSpectrogram(mel: MelFeatures, range: ColorRange): Picture {
  const columns = Math.max(1, Math.min(MOST_COLUMNS, mel.frames));
  const scaleX = Math.max(1, Math.ceil(SMALLEST.width / columns));
  const scaleY = Math.max(1, Math.ceil(SMALLEST.height / Math.max(1, mel.mels)));
  const canvas = new Canvas(columns * scaleX, Math.max(1, mel.mels) * scaleY, [127, 127, 127]);
  for (let column = 0; column < columns; column++) {
    const start = Math.floor((column * mel.frames) / columns);
    const end = Math.floor(((column + 1) * mel.frames) / columns);
    for (let band = 0; band < mel.mels; band++) {
      let sum = 0;
      for (let frame = start; frame < end; frame++) sum += mel.data[band * mel.frames + frame]!;
      const share = (sum / (end - start) - range.low) / (range.high - range.low);
      // grey stays where a value is not finite
      if (Number.isFinite(share))
        canvas.fill(column * scaleX, (mel.mels - 1 - band) * scaleY, scaleX, scaleY, heat(share));
    }
  }
  return { png: encodePng(canvas), width: canvas.width, height: canvas.height };
}
