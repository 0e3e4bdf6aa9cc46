/** Which sources serve training and which validation: no recording, speaker or text of the one is in the other. */
import { unitHash } from "./scene-random.ts";

export type Split = "train" | "validation";

/** What the configuration keeps for validation. */
export interface HoldOutRules {
  /** Whole sources, by name. */
  readonly sources: readonly string[];
  readonly speakers: readonly string[];
  /** Sentences; case, punctuation and blanks do not matter. */
  readonly texts: readonly string[];
  /** Single clips, by the name that provenance gives them. */
  readonly clips: readonly string[];
  /** Share of what is left that is held out too, chosen by the text of speech and by the clip of sounds. */
  readonly share: number;
}

/** A sentence without what its spelling may differ in. */
export const plainText = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();

export class HoldOut {
  readonly #rules: HoldOutRules;
  readonly #texts: ReadonlySet<string>;
  readonly split: Split;

  constructor(rules: HoldOutRules, split: Split) {
    this.#rules = rules;
    this.#texts = new Set(rules.texts.map(plainText));
    this.split = split;
  }

  /** The recordings of a source that serve this split. */
  clips<T extends { readonly clip: string; readonly speaker?: string | null; readonly text?: string | undefined }>(
    source: string,
    items: readonly T[],
  ): T[] {
    const held = (item: T) =>
      this.#rules.sources.includes(source) ||
      this.#rules.clips.includes(item.clip) ||
      (item.speaker != null && this.#rules.speakers.includes(item.speaker)) ||
      (item.text !== undefined ? this.#isHeldText(item.text) : this.#isHeldByShare("clip", `${source}/${item.clip}`));
    return items.filter((item) => held(item) === (this.split === "validation"));
  }

  /**
   * Generators never make the same sound in both splits, so they serve both, unless the configuration names some of
   * them.
   */
  generators<T extends { readonly clip: string }>(source: string, items: readonly T[]): T[] {
    const held = (item: T) => this.#rules.sources.includes(source) || this.#rules.clips.includes(item.clip);
    if (!items.some(held)) return [...items];
    return items.filter((item) => held(item) === (this.split === "validation"));
  }

  /**
   * Voices and texts of a TTS. Training has neither a voice nor a text that is held out; validation has held-out voices
   * where there are any, and held-out texts where there are any.
   */
  speech(
    source: string,
    voices: readonly string[],
    texts: readonly string[],
  ): { readonly voices: readonly string[]; readonly texts: readonly string[] } {
    const whole = this.#rules.sources.includes(source);
    const heldVoices = voices.filter((v) => whole || this.#rules.speakers.includes(v));
    const heldTexts = texts.filter((t) => !whole && this.#isHeldText(t));
    if (this.split === "train")
      return {
        voices: voices.filter((v) => !heldVoices.includes(v)),
        texts: texts.filter((t) => !heldTexts.includes(t)),
      };
    if (heldVoices.length + heldTexts.length === 0) return { voices: [], texts: [] };
    return {
      voices: heldVoices.length > 0 ? heldVoices : voices,
      texts: heldTexts.length > 0 ? heldTexts : texts,
    };
  }

  #isHeldText(text: string): boolean {
    const plain = plainText(text);
    return this.#texts.has(plain) || this.#isHeldByShare("text", plain);
  }

  #isHeldByShare(kind: string, key: string): boolean {
    return this.#rules.share > 0 && unitHash("hold out", kind, key) < this.#rules.share;
  }
}
