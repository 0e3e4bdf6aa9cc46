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
import {
  activeSpan,
  activeSpans,
  addAt,
  fadeEnds,
  fromDecibels,
  level,
  peak,
  type Span,
  scaled,
  toDecibels,
} from "./levels.ts";
import type { Sources } from "./open-sources.ts";
import { mannerWords } from "./prosody.ts";
import { type Distance, drawPath, type Path, travel } from "./room.ts";
import { chance, pick, seededBy, seedOf, shuffled } from "./scene-random.ts";
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
/** Seconds between sounds that are one after the other. */
const GAP = 0.15;
/** Decibels below its loudest moment from where speech counts as heard. */
const HEARD_FLOOR = 25;
/** Draws of a clip before a source counts as unusable for a scene. */
const TRIES = 30;
/** Longest share of a scene that one discrete sound takes; longer clips are cut. */
const LONGEST_EVENT = 0.5;
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
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const { item, generated } = pick(random, items);
      if (taken.has(item.label)) continue;
      const samples = await this.#readable(() => item.load(seededBy(seed)));
      const span = samples && activeSpan(samples, sampleRate, 40);
      if (!samples || !span) continue;
      const clip = samples.subarray(span.start, span.end);
      const placed =
        role === "events" ? this.#placeEvent(clip, path, context) : this.#placeContinuous(clip, path, role, context);
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

  #placeEvent(clip: Float32Array, path: Path, context: Context): Placed | undefined {
    const { sampling_rate: sampleRate, events } = this.#config;
    const { length, spoken, random } = context;
    const longest = Math.round(LONGEST_EVENT * length);
    const dry = clip.slice(0, longest);
    if (clip.length > longest) fadeEnds(dry, sampleRate, 0.02);
    const countable = activeSpans(dry, sampleRate, { floor: 25, join: 0.1 }).length === 1;
    const { direct, wet } = travel(dry, path, sampleRate, random);
    const heard = activeSpan(wet, sampleRate);
    if (!heard) return undefined;
    const size = heard.end - heard.start;
    const wanted = countable ? between(random, events.repeat) : 1;
    const starts = this.#times(size, wanted, length, spoken, random);
    if (!starts) return undefined;
    const stem = new Float32Array(length);
    const straight = new Float32Array(length);
    const spans = starts.map((start, i) => {
      // no two knocks are quite alike
      const jitter = i === 0 ? 1 : fromDecibels(random.uniform(-1, 1));
      addAt(stem, wet, start - heard.start, jitter);
      addAt(straight, direct, start - heard.start, jitter);
      return { start, end: Math.min(length, start + size) };
    });
    return { stem, direct: straight, spans, countable, offset: 0 };
  }

  /** Starts of `wanted` occurrences or fewer: all before, during or after the speech where they fit, anywhere else. */
  #times(
    size: number,
    wanted: number,
    length: number,
    spoken: Spoken | undefined,
    random: Random,
  ): number[] | undefined {
    const gap = Math.round(GAP * this.#config.sampling_rate);
    const edge = gap >> 2;
    const whole = { start: edge, end: length - edge };
    const places = spoken
      ? shuffled(random, [
          { start: edge, end: spoken.whole.start - gap },
          spoken.part.spans[0]!,
          { start: spoken.whole.end + gap, end: length - edge },
        ])
      : [whole];
    for (let n = wanted; n > 0; n--) {
      const rest = Array.from({ length: n - 1 }, () => gap + random.below(2 * gap));
      for (const { start, end } of n === 1 ? [...places, whole] : places) {
        const free = end - start - n * size - rest.reduce((a, b) => a + b, 0);
        if (free < 0) continue;
        let at = start + random.below(free + 1);
        return [0, ...rest].map((pause, i) => (at += i === 0 ? 0 : size + pause));
      }
    }
    return undefined;
  }

  #placeContinuous(
    clip: Float32Array,
    path: Path,
    role: "backgrounds" | "music",
    context: Context,
  ): Placed | undefined {
    const { sampling_rate: sampleRate } = this.#config;
    const { length, random } = context;
    const isPartial = chance(random, this.#config[role].partial);
    const share = random.uniform(0.25, 0.5);
    const begins = isPartial && random.below(2) === 0 ? Math.round(share * length) : 0;
    const ends = isPartial && begins === 0 ? Math.round((1 - share) * length) : length;
    const needed = ends - begins;
    const offset = clip.length > needed ? random.below(clip.length - needed + 1) : 0;
    const dry = looped(clip.subarray(offset), needed, Math.round(0.05 * sampleRate));
    if (isPartial) fadeEnds(dry, sampleRate, 0.03);
    const { direct, wet } = travel(dry, path, sampleRate, random);
    const stem = laid(wet, begins, length);
    const span = activeSpan(stem, sampleRate);
    if (!span) return undefined;
    return { stem, direct: laid(direct, begins, length), spans: [span], countable: false, offset };
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

interface Placed {
  readonly stem: Float32Array;
  readonly direct: Float32Array;
  readonly spans: readonly Span[];
  readonly countable: boolean;
  /** Samples of the clip left out at its start. */
  readonly offset: number;
}

/** A whole number in [low, high]. */
const between = (random: Random, [low, high]: readonly [number, number]): number => low + random.below(high - low + 1);

/** Near sounds are of the louder half of the range, distant ones of the fainter half. */
function ratiosOf([low, high]: readonly [number, number], distance: Distance): readonly [number, number] {
  const middle = (low + high) / 2;
  return distance === "near" ? [low, middle] : distance === "far" ? [middle, high] : [low, high];
}

/** A sound laid into silence at sample `at`. */
function laid(sound: Float32Array, at: number, length: number): Float32Array {
  const out = new Float32Array(length);
  addAt(out, sound, at);
  return out;
}

/** The first `length` samples of a clip, repeated with cross-fades of equal power where it is shorter. */
function looped(clip: Float32Array, length: number, fade: number): Float32Array {
  if (clip.length >= length) return clip.slice(0, length);
  const overlap = Math.min(fade, clip.length >> 1);
  const out = new Float32Array(length);
  for (let at = 0; at < length; at += clip.length - overlap) {
    for (let i = 0; i < clip.length && at + i < length; i++) {
      const rise = at > 0 && i < overlap ? Math.sin((0.5 * Math.PI * (i + 0.5)) / overlap) : 1;
      const left = clip.length - 1 - i;
      const fall = left < overlap ? Math.sin((0.5 * Math.PI * (left + 0.5)) / overlap) : 1;
      out[at + i] = out[at + i]! + clip[i]! * rise * fall;
    }
  }
  return out;
}
