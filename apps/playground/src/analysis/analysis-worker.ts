/** The worker that reads files and draws spectrograms, apart from the networks so that pictures need not wait for them. */
import { blobSource, decodeAudio } from "@uat/audio";
import { COLUMN_RATE, melTiles, peaksOf } from "./picture.ts";
import type { AnalysisCall, AnalysisReply, Palette, Picture, ReadSound, Sound } from "./protocol.ts";

const scope = globalThis as unknown as {
  postMessage(message: AnalysisReply, transfer?: Transferable[]): void;
  onmessage: (event: MessageEvent<AnalysisCall>) => void;
};

/** The page holds everything in memory; longer recordings are for the command line. */
const LONGEST_SECONDS = 180;

async function read(bytes: Uint8Array | Blob, name: string): Promise<ReadSound> {
  const { channels, sampleRate } = await decodeAudio(bytes instanceof Blob ? blobSource(bytes) : bytes, { name });
  const [first = new Float32Array(0)] = channels;
  if (first.length === 0) throw new Error(`${name}: holds no samples; give a file with sound in it`);
  const samples = first.slice(0, LONGEST_SECONDS * sampleRate);
  return { samples, sampleRate, channels: channels.length, leftOut: (first.length - samples.length) / sampleRate };
}

async function draw(sound: Sound, palette: Palette): Promise<Picture> {
  const { tiles, columns } = melTiles(sound, palette);
  return {
    tiles: await Promise.all(tiles.map((tile) => createImageBitmap(tile))),
    columns,
    columnRate: COLUMN_RATE,
    peaks: peaksOf(sound),
    duration: sound.samples.length / sound.sampleRate,
  };
}

const calls = { read, draw } as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;

scope.onmessage = async ({ data: { id, name, args } }) => {
  try {
    const result = (await calls[name]?.(...args)) as ReadSound | Picture;
    scope.postMessage({ id, result }, "tiles" in result ? [...result.tiles] : [result.samples.buffer]);
  } catch (error) {
    scope.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
};
