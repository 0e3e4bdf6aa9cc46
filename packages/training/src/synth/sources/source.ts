/** What every source of sound gives: a list of what there is, and the samples of one item when asked. */
import type { Random } from "../../random.ts";
import type { Manner } from "../prosody.ts";
import type { Voice } from "../voices.ts";

/** Where a sound comes from; goes into every row that holds it. */
export interface Origin {
  /** The source's name in the configuration. */
  readonly source: string;
  /** The item within it: a path, a row, a voice or the name of a generator. */
  readonly clip: string;
  readonly licence: string;
  readonly author?: string | undefined;
  readonly url?: string | undefined;
}

/** A sound that a scene may hold, before anything is decoded. */
export interface SoundItem {
  readonly origin: Origin;
  /** What it is, e.g. `dog bark`. */
  readonly label: string;
  /** The label as a noun phrase in a sentence, e.g. `a dog barking`; made from the label where absent. */
  readonly phrase?: string | undefined;
  /** What the source says of the sound itself, e.g. `deep`, `fast`. */
  readonly characteristic?: string | undefined;
  /** Mono samples at the rate the source was opened with. Generators draw from `random`; clips ignore it. */
  load(random: Random): Promise<Float32Array>;
}

export interface SoundSource {
  readonly name: string;
  readonly items: readonly SoundItem[];
  /** Generators make another sound each time; clips are the same recording. */
  readonly generated: boolean;
  close?(): Promise<void>;
}

/** What the composer asks of speech. */
export interface SpeechRequest {
  /** Pace relative to usual. Sources that cannot change it give `rate: 1` back and the composer stretches. */
  readonly rate: number;
}

export interface Utterance {
  /** Mono samples at the source's rate, without silence at either end. */
  readonly samples: Float32Array;
  /** Beside the voice's usual manner, before the composer changes anything. */
  readonly manner: Manner;
  /** The part of the request's rate that `samples` already have. */
  readonly rate: number;
}

/** Something that can be said: a recorded sentence, or a text by a voice. */
export interface SpeechItem {
  readonly origin: Origin;
  readonly text: string;
  readonly voice: Voice;
  speak(request: SpeechRequest): Promise<Utterance>;
}

export interface SpeechSource {
  readonly name: string;
  /** Number of different items; a TTS counts every text with every voice. */
  readonly size: number;
  item(index: number): SpeechItem;
  close?(): Promise<void>;
}

/** A clip cannot be decoded. Counted and left out; too many stop the run. */
export class UnreadableClip extends Error {
  readonly clip: string;
  constructor(clip: string, reason: string) {
    super(`${clip}: ${reason}`);
    this.clip = clip;
  }
}
