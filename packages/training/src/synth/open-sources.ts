/** All sources of a configuration, opened, less what is held out of the split. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { TrainingError } from "../errors.ts";
import {
  type SceneConfig,
  SOUND_ROLES,
  type SoundRole,
  type SoundSourceConfig,
  type SpeechSourceConfig,
} from "./config.ts";
import { HoldOut } from "./hold-out.ts";
import { type ClipRow, ClipSpeech, soundItems } from "./sources/clip-rows.ts";
import { Espeak, EspeakSpeech } from "./sources/espeak.ts";
import { folderClips } from "./sources/folder.ts";
import { Kokoro, KokoroSpeech, kokoroVoices } from "./sources/kokoro.ts";
import { parquetClips } from "./sources/parquet.ts";
import type { SoundSource, SpeechSource } from "./sources/source.ts";
import { syntheticSource } from "./sources/synthetic.ts";

export interface Sources {
  readonly speech: readonly SpeechSource[];
  readonly sounds: Readonly<Record<SoundRole, readonly SoundSource[]>>;
  /** Recordings there are, and texts times voices; generators are not counted: what unreadable clips are a share of. */
  readonly clips: number;
  /** Changes when the clips, texts or voices do. */
  readonly fingerprint: string;
  close(): Promise<void>;
}

/** @throws TrainingError for a source that cannot be opened, and for a role that is left with nothing by the hold-out. */
export async function openSources(config: SceneConfig, threads?: number): Promise<Sources> {
  const opener = new Opener(config, threads);
  try {
    const speech: SpeechSource[] = [];
    const sounds: Record<SoundRole, SoundSource[]> = { events: [], backgrounds: [], music: [] };
    if (config.speech.probability > 0)
      for (const source of config.speech.sources) speech.push(await opener.speech(source));
    for (const role of SOUND_ROLES)
      if (config[role].probability > 0)
        for (const source of config[role].sources) sounds[role].push(await opener.sounds(source, role));
    opener.checkNotEmpty(
      "speech",
      config.speech.sources.length,
      speech.reduce((n, s) => n + s.size, 0),
    );
    for (const role of SOUND_ROLES)
      opener.checkNotEmpty(
        role,
        config[role].sources.length,
        sounds[role].reduce((n, s) => n + s.items.length, 0),
      );
    return {
      speech: speech.filter((s) => s.size > 0),
      sounds: Object.fromEntries(
        SOUND_ROLES.map((role) => [role, sounds[role].filter((s) => s.items.length > 0)]),
      ) as unknown as Record<SoundRole, SoundSource[]>,
      clips: opener.clips,
      fingerprint: opener.fingerprint(),
      close: () => opener.close(),
    };
  } catch (error) {
    await opener.close();
    throw error;
  }
}

class Opener {
  clips = 0;
  readonly #config: SceneConfig;
  readonly #threads: number | undefined;
  readonly #holdOut: HoldOut;
  readonly #hash = createHash("sha256");
  readonly #open: { close?(): Promise<void> }[] = [];
  /** A role that is off in the configuration is empty by wish. */
  #roles = new Set<string>();

  constructor(config: SceneConfig, threads: number | undefined) {
    this.#config = config;
    this.#threads = threads;
    this.#holdOut = new HoldOut(config.hold_out, config.split);
  }

  async sounds(source: SoundSourceConfig, role: SoundRole): Promise<SoundSource> {
    this.#roles.add(role);
    const { sampling_rate: sampleRate, duration } = this.#config;
    if (source.type === "synthetic") {
      const { name = "synthetic", sounds } = source;
      const all = syntheticSource({ name, kind: role, sounds, sampleRate, seconds: duration[1] });
      const kept = new Set(
        this.#holdOut
          .generators(
            name,
            all.items.map((i) => i.origin),
          )
          .map((o) => o.clip),
      );
      return { ...all, items: all.items.filter((item) => kept.has(item.origin.clip)) };
    }
    const { name, rows } = await this.#clips(source);
    const kept = this.#holdOut.clips(name, rows);
    return { name, items: soundItems(name, kept), generated: false };
  }

  async speech(source: SpeechSourceConfig): Promise<SpeechSource> {
    this.#roles.add("speech");
    const { sampling_rate: sampleRate } = this.#config;
    if (source.type === "folder" || source.type === "parquet") {
      const { name, rows } = await this.#clips(source);
      const kept = this.#holdOut.clips(
        name,
        rows.map((row) => ({ clip: row.clip, speaker: row.labels.speaker ?? null, text: row.labels.text, row })),
      );
      return new ClipSpeech(
        name,
        kept.map((k) => k.row),
        rows,
        sampleRate,
      );
    }
    const { name = source.type, licence } = source;
    const espeak = await Espeak.open(source.espeak);
    const all =
      source.type === "espeak" ? source.voices : (source.names ?? (await kokoroVoices(source.voices, source.language)));
    const { voices, texts } = this.#holdOut.speech(name, all, await readTexts(source.texts, name));
    this.#hash.update(JSON.stringify([name, voices, texts]));
    this.clips += voices.length * texts.length;
    if (source.type === "espeak") return new EspeakSpeech({ name, espeak, voices, texts, licence, sampleRate });
    const kokoro = await Kokoro.open(source, this.#threads);
    this.#open.push(kokoro);
    return new KokoroSpeech({ name, kokoro, espeak, voices, texts, licence, sampleRate });
  }

  /** @throws TrainingError for a role whose sources are all held out, or none of which are. */
  checkNotEmpty(role: string, sources: number, items: number): void {
    if (!this.#roles.has(role) || sources === 0 || items > 0) return;
    const { split } = this.#config;
    throw new TrainingError(
      split === "validation"
        ? `${role}: nothing is held out for validation; name speakers, texts, clips or sources of it under hold_out, or set hold_out.share`
        : `${role}: everything is held out for validation; hold out less, or add sources`,
    );
  }

  fingerprint(): string {
    return this.#hash.digest("hex");
  }

  async close(): Promise<void> {
    for (const source of this.#open.splice(0)) await source.close?.();
  }

  async #clips(
    source: Extract<SoundSourceConfig, { type: "folder" | "parquet" }>,
  ): Promise<{ name: string; rows: ClipRow[] }> {
    const { name = basename(source.path), path, labels } = source;
    const options = { name, path, labels, sampleRate: this.#config.sampling_rate };
    const rows =
      source.type === "folder"
        ? await folderClips(options)
        : await parquetClips({ ...options, columns: source.columns });
    for (const { clip, labels: own } of rows) this.#hash.update(JSON.stringify([name, clip, own]));
    this.clips += rows.length;
    return { name, rows };
  }
}

/** Sentences: a list, or a file with one a line. */
async function readTexts(texts: string | readonly string[], name: string): Promise<string[]> {
  const lines = typeof texts === "string" ? await readLines(texts, name) : texts;
  const kept = lines.map((line) => line.trim()).filter((line) => line !== "");
  if (kept.length === 0)
    throw new TrainingError(`${texts}: has no sentences; expected one a line for source "${name}"`);
  return kept;
}

async function readLines(path: string, name: string): Promise<string[]> {
  const file = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === "ENOENT" ? "no such file" : error.message;
    throw new TrainingError(`${path}: ${reason}; expected sentences for source "${name}", one a line`);
  });
  return file.split(/\r?\n/);
}
