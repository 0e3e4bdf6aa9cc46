/** What is true of a scene, measured from what was mixed: all that its labels may say. */
import type { SoundRole } from "./config.ts";
import type { Distance } from "./room.ts";
import type { Voice } from "./voices.ts";

/** Seconds from the start of the scene. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

export interface SpeechFacts extends Interval {
  readonly text: string;
  readonly voice: Voice;
  /** In words, e.g. "speaks slowly"; null is unknown. */
  readonly prosody: string | null;
}

export interface SoundFacts {
  readonly role: SoundRole;
  readonly label: string;
  readonly phrase: string | undefined;
  /** What the source says of it. */
  readonly characteristic: string | undefined;
  /** Where it is heard; continuous sounds have one. */
  readonly occurrences: readonly Interval[];
  /** Decibels of the speech, or without speech of the usual speech level, over this sound. */
  readonly snr: number;
  readonly distance: Distance;
  /** One occurrence is one sound, so that counting them is right: a clip of three barks is not "once". */
  readonly countable: boolean;
}

export interface SceneFacts {
  /** Seconds. */
  readonly duration: number;
  readonly speech: SpeechFacts | undefined;
  readonly sounds: readonly SoundFacts[];
  /** Seconds, where the room is heard. */
  readonly reverberationTime: number | undefined;
}
