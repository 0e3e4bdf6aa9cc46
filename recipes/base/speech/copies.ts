/**
 * Stage `copies`: the speech once more at other speeds, pitch and formants with it, as a tape that runs faster or slower:
 * more voices than were recorded. Tokens are those of the copy, so that the clips must lie on the disk.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { encodeWav, loadSpeechSamples, resample } from "@uat/audio";
import { readTable, writeTable } from "../lists/lists.ts";
import { writeWhole } from "../stages/write-whole.ts";

const SPEEDS = [0.88, 0.94, 1.07, 1.14];
const RATE = 22050;

/** Makes the copies of a list's clips that are missing; `metadata.tsv` of `out` names them. Returns how many there are. */
export async function copyAtSpeeds(list: string, out: string): Promise<number> {
  const rows = [];
  for (const speed of SPEEDS) {
    // a whole rate: the resampler's table has as many phases as both rates have no factor in common
    const played = 50 * Math.round((RATE * speed) / 50);
    for (const [i, row] of readTable(list).entries()) {
      const path = join(String(speed), `${String(i).padStart(5, "0")}.wav`);
      const duration = (Number(row.duration) / speed).toFixed(3);
      rows.push({ ...row, path, duration, speaker: `${row.speaker}@${speed}` });
      const to = join(out, path);
      if (existsSync(to)) continue;
      const { samples } = await loadSpeechSamples(readFileSync(join(dirname(list), row.path!)), {
        sampleRate: RATE,
        channel: "mean",
      });
      writeWhole(to, encodeWav([resample(samples, played, RATE)], RATE, "s16"));
    }
  }
  writeTable(join(out, "metadata.tsv"), ["path", "duration", "language", "speaker", "text"], rows);
  return rows.length;
}
