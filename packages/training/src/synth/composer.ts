/**
 * One scene: speech, continuous sounds and discrete ones drawn from the sources, sent along their paths, laid down in
 * time, mixed at set ratios; and what is then true of it. Facts are taken from the finished stems, never from wishes.
 */
import { formatSap, type SapAnswer } from "@uat/evaluation";
import { TrainingError } from "../errors.ts";
import type { Random } from "../random.ts";
import type { Task } from "../tasks/tasks.ts";
import { cellEnergies, settle } from "./audibility.ts";
import { type SceneConfig, SOUND_ROLES, type SoundRole } from "./config.ts";
import type { SceneFacts, SoundFacts } from "./facts.ts";
import { activeSpan, addAt, fromDecibels, level, peak, type Span, scaled, toDecibels } from "./levels.ts";
import type { Sources } from "./open-sources.ts";
import { laid, placeContinuous, placeEvent } from "./placement.ts";
import { mannerWords } from "./prosody.ts";
import { type Distance, drawPath, type Path, travel } from "./room.ts";
import { between, chance, pick, seededBy, seedOf } from "./scene-random.ts";
import { type Origin, type SoundItem, type SpeechItem, UnreadableClip } from "./sources/source.ts";
import { changePace, changePitch } from "./time-stretch.ts";
import { captionOf, descriptionOf, sapOf } from "./words.ts";

/** One source's share of a scene. */
export interface ScenePart {
  readonly role: SoundRole | "speech";
  readonly label: string;
  readonly origin: Origin;
  /** What is heard of it, [scene's samples]; all stems together are the scene. */
  readonly stem: Float32Array;
  /** The same without reverberation. */
  readonly direct: Float32Array;
  /** Samples where it is heard. */
  readonly spans: readonly Span[];
  /** Decibels of the reference (speech, or its usual level) over it; 0 for speech itself. */
  readonly snr: number;
  /** Decibels by which the source's samples were changed. */
  readonly gain: number;
  readonly path: Path;
  /** A generator makes the same sound of the same seed; recordings have none. */
  readonly seed: number | undefined;
  /** Where in the source's samples its excerpt begins, seconds. */
  readonly excerpt: number;
  /** Changes to speech: pace, semitones, decibels. */
  readonly changes?: { readonly rate: number; readonly pitch: number; readonly energy: number };
}

export interface Scene {
  readonly index: number;
  readonly samples: Float32Array;
  readonly sampleRate: number;
  readonly parts: readonly ScenePart[];
  readonly facts: SceneFacts;
  readonly sap: SapAnswer;
  readonly caption: string;
  readonly task: Task;
  /** What the decoder writes for the task. */
  readonly text: string;
}

/** Seconds kept free at either end of a scene with speech. */
const MARGIN = 0.1;
/** Decibels below its loudest moment from where speech counts as heard. */
const HEARD_FLOOR = 25;
/** Draws of a clip before a source counts as unusable for a scene. */
const TRIES = 30;
/** Peak of a scene; louder ones are scaled down as a whole. */
const CEILING = 0.98;

/** Told of clips that cannot be decoded. @throws to stop. */
export type OnUnreadable = (error: UnreadableClip) => void;

/** A part before its level is settled. */
interface Draft extends Omit<ScenePart, "snr" | "gain"> {
  readonly item: SoundItem;
  readonly snr: number;
  readonly range: readonly [number, number];
  readonly distance: Distance;
  readonly countable: boolean;
}

interface Spoken {
  /** From the first to the last sample, softest sounds included. */
  readonly whole: Span;
  readonly part: ScenePart;
  readonly facts: NonNullable<SceneFacts["speech"]>;
}

export class SceneComposer {
  readonly #config: SceneConfig;
  readonly #sources: Sources;
  readonly #onUnreadable: OnUnreadable;

  constructor(config: SceneConfig, sources: Sources, onUnreadable: OnUnreadable) {
    this.#config = config;
    this.#sources = sources;
    this.#onUnreadable = onUnreadable;
  }

  /** Scene `index`: the same for the same configuration and sources, whatever was composed before. */
  async compose(index: number): Promise<Scene> {
    const { seed, split, sampling_rate: rate, duration, room, level: usual } = this.#config;
    const draw = (...part: (string | number)[]) => seededBy(seed, split, index, ...part);
    const plan = draw("plan");
    const roles = this.#drawRoles(plan);
    const seconds = plan.uniform(...duration);
    const reverberation = chance(plan, room.probability) ? plan.uniform(...room.reverberation_time) : undefined;
    const distant = plan.uniform(...room.reverberation_time);

    const spoken = roles.has("speech") ? await this.#speak(draw("speech"), seconds, reverberation) : undefined;
    const length = spoken ? spoken.part.stem.length : Math.round(seconds * rate);
    const reference = spoken ? level(spoken.part.stem, spoken.part.spans) : fromDecibels(usual);

    const drafts: Draft[] = [];
    for (const role of SOUND_ROLES) {
      if (!roles.has(role)) continue;
      const count = role === "events" ? between(plan, this.#config.events.count) : 1;
      const taken = new Set<string>();
      for (let n = 0; n < count; n++) {
        const random = draw(role, n);
        const context = { length, reverberation, distant, spoken, taken, random };
        const draft = await this.#sound(role, context, seedOf(seed, split, index, role, n, "sound"));
        if (!draft) continue;
        drafts.push(draft);
        taken.add(draft.label);
      }
    }
    return this.#mix(index, { length, reference, reverberation, spoken, drafts, words: draw("words") });
  }

  /** Which kinds of sound there are: at least one. */
  #drawRoles(plan: Random): Set<SoundRole | "speech"> {
    const all = ["speech", ...SOUND_ROLES] as const;
    const there = all.filter((role) =>
      role === "speech" ? this.#sources.speech.length > 0 : this.#sources.sounds[role].length > 0,
    );
    const chosen = there.filter((role) => chance(plan, this.#config[role].probability));
    const spare = pick(plan, there);
    return new Set(chosen.length > 0 ? chosen : [spare]);
  }

  async #speak(random: Random, seconds: number, reverberation: number | undefined): Promise<Spoken> {
    const { speech, sampling_rate: sampleRate, duration, level: usual } = this.#config;
    const vary = (range: readonly [number, number], plain: number) => {
      const value = random.uniform(...range);
      return chance(random, speech.vary) ? value : plain;
    };
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const item = this.#drawUtterance(random);
      const changes = { rate: vary(speech.rate, 1), pitch: vary(speech.pitch, 0), energy: vary(speech.energy, 0) };
      const said = await this.#readable(() => item.speak({ rate: changes.rate }));
      if (!said) continue;
      const paced = changePace(said.samples, changes.rate / said.rate, sampleRate);
      const dry = changePitch(paced, changes.pitch, sampleRate);
      const least = dry.length + 2 * Math.round(MARGIN * sampleRate);
      if (least > duration[1] * sampleRate) continue;

      const length = Math.max(least, Math.round(seconds * sampleRate));
      const margin = Math.round(MARGIN * sampleRate);
      const onset = margin + random.below(length - dry.length - 2 * margin + 1);
      const path = drawPath("medium", reverberation, random);
      const { direct, wet } = travel(dry, path, sampleRate, random);
      // soft sounds at either end are kept, but it is heard from here to there
      const heard = activeSpan(dry, sampleRate, HEARD_FLOOR) ?? { start: 0, end: dry.length };
      const span = { start: onset + heard.start, end: onset + heard.end };
      const manner = {
        rate: said.manner.rate === undefined ? undefined : said.manner.rate * changes.rate,
        pitch: said.manner.pitch === undefined ? undefined : said.manner.pitch + changes.pitch,
        energy: said.manner.energy === undefined ? undefined : said.manner.energy + changes.energy,
      };
      const stem = laid(wet, onset, length);
      // recordings of one voice differ in level as its energy does, but no take is pushed out of range
      const energy = Math.max(-15, Math.min(12, manner.energy ?? changes.energy));
      const factor = fromDecibels(usual + energy) / level(stem, [span]);
      const seconds_ = (samples: number) => samples / sampleRate;
      return {
        whole: { start: onset, end: onset + dry.length },
        part: {
          role: "speech",
          label: "speech",
          origin: item.origin,
          stem: scaled(stem, factor),
          direct: scaled(laid(direct, onset, length), factor),
          spans: [span],
          snr: 0,
          gain: toDecibels(factor),
          path,
          seed: undefined,
          excerpt: 0,
          changes,
        },
        facts: {
          start: seconds_(span.start),
          end: seconds_(span.end),
          text: item.text,
          voice: item.voice,
          prosody: mannerWords({ ...manner, energy }),
        },
      };
    }
    throw new TrainingError(
      `speech: none of ${TRIES} utterances drawn fits into a scene of ${duration[1]} s; raise duration, or give shorter sentences`,
    );
  }

  /** Any of the sources' utterances, each as likely. */
  #drawUtterance(random: Random): SpeechItem {
    const { speech } = this.#sources;
    let at = random.below(speech.reduce((n, s) => n + s.size, 0));
    for (const source of speech) {
      if (at < source.size) return source.item(at);
      at -= source.size;
    }
    throw new Error("no speech: the composer draws it only where there is some");
  }

  /** Draws a sound of a role and lays it into the scene; undefined where none fits. */
  async #sound(role: SoundRole, context: Context, seed: number): Promise<Draft | undefined> {
    const { sampling_rate: sampleRate } = this.#config;
    const { random, taken } = context;
    const items = this.#sources.sounds[role].flatMap((s) => s.items.map((item) => ({ item, generated: s.generated })));
    const distance = this.#drawDistance(role, random);
    // distance needs a room to be heard; a scene without one gets it for this sound
    const path = drawPath(
      distance,
      context.reverberation ?? (distance === "far" ? context.distant : undefined),
      random,
    );
    const range = ratiosOf(this.#config[role].snr, distance);
    const snr = random.uniform(...range);
    const { length, spoken } = context;
    const speech = spoken && { whole: spoken.whole, heard: spoken.part.spans[0]! };
    const stage = { length, sampleRate, speech, random };
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const { item, generated } = pick(random, items);
      if (taken.has(item.label)) continue;
      const samples = await this.#readable(() => item.load(seededBy(seed)));
      const span = samples && activeSpan(samples, sampleRate, 40);
      if (!samples || !span) continue;
      const clip = samples.subarray(span.start, span.end);
      const placed =
        role === "events"
          ? placeEvent(clip, path, this.#config.events.repeat, stage)
          : placeContinuous(clip, path, this.#config[role].partial, stage);
      if (!placed) continue;
      const { label, origin } = item;
      const excerpt = (span.start + placed.offset) / sampleRate;
      const seeded = generated ? seed : undefined;
      return { role, label, origin, item, path, snr, range, distance, seed: seeded, excerpt, ...placed };
    }
    return undefined;
  }

  #drawDistance(role: SoundRole, random: Random): Distance {
    const { far } = this.#config[role];
    const near = role === "events" ? this.#config.events.near : 0;
    const at = random.uniform();
    return at < far ? "far" : at < far + near ? "near" : "medium";
  }

  #mix(
    index: number,
    given: {
      readonly length: number;
      readonly reference: number;
      readonly reverberation: number | undefined;
      readonly spoken: Spoken | undefined;
      readonly drafts: readonly Draft[];
      readonly words: Random;
    },
  ): Scene {
    const { sampling_rate: sampleRate } = this.#config;
    const { length, reference, spoken, drafts, words } = given;
    const levels = drafts.map((d) => level(d.stem, d.spans));
    const gainAt = (i: number, snr: number) => (reference * fromDecibels(-snr)) / levels[i]!;
    const cells = (stem: Float32Array) => cellEnergies(stem, sampleRate);
    const settled = settle(
      [
        ...drafts.map(({ stem, snr, range }) => ({ cells: cells(stem), isSpeech: false, snr, range })),
        ...(spoken ? [{ cells: cells(spoken.part.stem), isSpeech: true, snr: 0, range: [0, 0] as const }] : []),
      ],
      gainAt,
    );
    const mixed = drafts.flatMap((draft, i) => {
      const snr = settled[i];
      if (snr === undefined) return [];
      const factor = gainAt(i, snr);
      const { item, range, distance, countable, ...part } = draft;
      const stems = { stem: scaled(draft.stem, factor), direct: scaled(draft.direct, factor) };
      const facts: SoundFacts = {
        role: draft.role as SoundRole,
        label: draft.label,
        phrase: item.phrase,
        characteristic: item.characteristic,
        occurrences: draft.spans.map((s) => ({ start: s.start / sampleRate, end: s.end / sampleRate })),
        snr,
        distance,
        countable,
      };
      return [{ part: { ...part, ...stems, snr, gain: toDecibels(factor) } satisfies ScenePart, facts }];
    });
    const parts = [...(spoken ? [spoken.part] : []), ...mixed.map((m) => m.part)];
    const samples = new Float32Array(length);
    for (const { stem } of parts) addAt(samples, stem, 0);
    const loudest = peak(samples);
    const ceiling = loudest > CEILING ? CEILING / loudest : 1;
    const facts: SceneFacts = {
      duration: length / sampleRate,
      speech: spoken?.facts,
      sounds: mixed.map((m) => m.facts),
      reverberationTime: parts.some((p) => p.role === "speech" || p.role === "events")
        ? given.reverberation
        : undefined,
    };
    const description = descriptionOf(facts, words);
    const sap = sapOf(facts, description);
    const caption = captionOf(facts, description);
    return {
      index,
      samples: scaled(samples, ceiling),
      sampleRate,
      parts: parts.map((p) => ({
        ...p,
        stem: scaled(p.stem, ceiling),
        direct: scaled(p.direct, ceiling),
        gain: p.gain + toDecibels(ceiling),
      })),
      facts,
      sap,
      caption,
      ...this.#drawTask(sap, caption, words),
    };
  }

  /** A task that the scene has an answer for. */
  #drawTask(sap: SapAnswer, caption: string, random: Random): { task: Task; text: string } {
    const texts: Record<Task, string | null> = {
      sap: formatSap(sap),
      asr: sap.transcription,
      caption,
      ser: sap.paralinguistics.emotion,
    };
    const weights = Object.entries(this.#config.tasks).filter(([task]) => texts[task as Task] !== null);
    let at = random.uniform(
      0,
      weights.reduce((sum, [, w]) => sum + w, 0),
    );
    const drawn = weights.find(([, weight]) => (at -= weight) < 0)?.[0] as Task | undefined;
    const task = drawn ?? "sap";
    return { task, text: texts[task]! };
  }

  async #readable<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof UnreadableClip)) throw error;
      this.#onUnreadable(error);
      return undefined;
    }
  }
}

interface Context {
  /** Samples of the scene. */
  readonly length: number;
  readonly reverberation: number | undefined;
  /** Reverberation time of distant sounds in a scene without a room. */
  readonly distant: number;
  readonly spoken: Spoken | undefined;
  /** Labels the scene already has. */
  readonly taken: ReadonlySet<string>;
  readonly random: Random;
}

/** Near sounds are of the louder half of the range, distant ones of the fainter half. */
function ratiosOf([low, high]: readonly [number, number], distance: Distance): readonly [number, number] {
  const middle = (low + high) / 2;
  return distance === "near" ? [low, middle] : distance === "far" ? [middle, high] : [low, high];
}
