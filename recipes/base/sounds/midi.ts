/** Standard MIDI files of one track (format 0; MIDI 1.0 specification): a few notes for a synthesiser to play. */

export interface Note {
  /** Seconds. */
  start: number;
  duration: number;
  /** 60 is middle C; on channel 9 the percussion instrument. */
  key: number;
  /** 1 to 127. */
  velocity: number;
}

/** Ticks of a second: 480 of a quarter note, at the usual two quarters a second. */
const TICKS = 960;

/** Notes on one channel (0 to 15), played by a program (0 to 127). */
export function midiFile(notes: readonly Note[], channel: number, program: number): Uint8Array {
  const events = notes.flatMap(({ start, duration, key, velocity }) => [
    { at: Math.round(start * TICKS), bytes: [0x90 | channel, key, velocity] },
    { at: Math.round((start + duration) * TICKS), bytes: [0x80 | channel, key, 0] },
  ]);
  events.sort((a, b) => a.at - b.at);
  const track = [0, 0xc0 | channel, program];
  let now = 0;
  for (const { at, bytes } of events) {
    track.push(...variableLength(at - now), ...bytes);
    now = at;
  }
  track.push(0, 0xff, 0x2f, 0);
  const text = (s: string) => [...s].map((c) => c.charCodeAt(0));
  const u32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  return Uint8Array.from([
    ...text("MThd"),
    ...u32(6),
    ...[0, 0, 0, 1, 480 >> 8, 480 & 255],
    ...text("MTrk"),
    ...u32(track.length),
    ...track,
  ]);
}

/** A number in groups of 7 bits, the highest first, all but the last marked by their top bit. */
export function variableLength(value: number): number[] {
  const bytes = [value & 127];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 127) | 128);
  return bytes;
}
