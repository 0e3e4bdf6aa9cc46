/** The sounds of a report's players, as small wav files. */
import { encodeWav } from "@uat/audio";
import type { Player } from "../suite/evaluation.ts";
import type { ReportPlayer } from "./report.ts";

/** Longer sounds are cut, and a page has no more than so many bytes of them: it is one file that must open at once. */
const LONGEST_SECONDS = 12;
const MOST_BYTES = 24 * 2 ** 20;

export class PlayerSounds {
  /** Wav files by name. */
  readonly files = new Map<string, Uint8Array>();
  #bytes = 0;
  #count = 0;

  /** Keeps a player's sounds, those that still fit. */
  keep(player: Player): ReportPlayer {
    const sounds = player.sounds.map(({ name, samples, sampleRate }) => {
      const cut = samples.subarray(0, LONGEST_SECONDS * sampleRate);
      const file = `players/${this.#count + 1}.wav`;
      const wav = encodeWav([cut], sampleRate);
      this.#count++;
      if (this.#bytes + wav.length <= MOST_BYTES) {
        this.files.set(file, wav);
        this.#bytes += wav.length;
      }
      return { name, file, seconds: cut.length / sampleRate };
    });
    return { title: player.title, sounds, texts: player.texts ?? {} };
  }
}
