/** A picture of a player's sound: its log-mel spectrogram, so that what is lost can be seen as well as heard. */
import { DECODER_SAMPLE_RATE, resample } from "@uat/audio";
import { Canvas, encodePng, heat, MelColumns } from "@uat/audio/plot";

const WIDTH = 360;
/** Nepers from the loudest value to black. */
const RANGE = 9;
const HEADER = 44;

/**
 * A PNG file, 80 bands up to 8 kHz high; undefined for sounds shorter than a frame.
 * @param wav mono, 16 bits, with the header that PlayerSounds writes.
 */
export function melPicture(wav: Uint8Array): Uint8Array | undefined {
  if (wav.length < HEADER) return undefined;
  const view = new DataView(wav.buffer, wav.byteOffset, wav.length);
  const rate = view.getUint32(24, true);
  const samples = Float32Array.from(
    { length: (wav.length - HEADER) >> 1 },
    (_, i) => view.getInt16(HEADER + 2 * i, true) / 32768,
  );
  const heard = resample(samples, rate, DECODER_SAMPLE_RATE);
  const mel = new MelColumns(heard.length / DECODER_SAMPLE_RATE, WIDTH);
  mel.push(heard);
  mel.finish();
  const loudest = mel.max();
  if (!Number.isFinite(loudest)) return undefined;
  const canvas = new Canvas(mel.columns, mel.bands);
  canvas.shade(0, 0, mel.columns, mel.bands, (x, y) => {
    const value = mel.value(x, mel.bands - 1 - y);
    return heat(value === undefined ? 0 : 1 + (value - loudest) / RANGE);
  });
  return encodePng(canvas);
}
