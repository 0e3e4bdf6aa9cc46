/**
 * Labels of connectionist temporal classification (Graves et al., 2006): characters or phonemes as numbers, 0 being the
 * blank that stands between them.
 */
import { TrainingError } from "../errors.ts";

export const BLANK = 0;

export const UNIT_KINDS = ["characters", "phonemes"] as const;

/** `characters` of the text, or `phonemes` that a column gives: a list, or text with blanks between them. */
export type UnitKind = (typeof UNIT_KINDS)[number];

/** The units of a row's label, before they are numbered. */
export function splitUnits(kind: UnitKind, label: string | readonly string[]): string[] {
  if (typeof label !== "string") return label.filter((unit) => unit !== "");
  if (kind === "phonemes") return label.split(/\s+/).filter((unit) => unit !== "");
  // Case is not heard, nor how long a blank is.
  return Array.from(label.normalize("NFC").toLowerCase().trim().replace(/\s+/g, " "));
}

export class UnitVocabulary {
  readonly kind: UnitKind;
  /** Without the blank; unit i has the number i + 1. */
  readonly units: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;

  /** @param units the different units, in the order of their numbers. */
  constructor(kind: UnitKind, units: readonly string[]) {
    this.kind = kind;
    this.units = units;
    this.#numbers = new Map(units.map((unit, i) => [unit, i + 1]));
    if (units.length === 0 || this.#numbers.size !== units.length)
      throw new TrainingError(`a vocabulary of ${units.length} ${kind}: expected at least one, none of them twice`);
  }

  /** All units of the labels, in the order of their code points. @throws TrainingError when there are none. */
  static ofLabels(kind: UnitKind, labels: Iterable<string | readonly string[]>): UnitVocabulary {
    const units = new Set<string>();
    for (const label of labels) for (const unit of splitUnits(kind, label)) units.add(unit);
    return new UnitVocabulary(kind, [...units].sort());
  }

  /** Outputs of the head: units and the blank. */
  get size(): number {
    return this.units.length + 1;
  }

  /**
   * @param row named in messages.
   * @throws TrainingError for a unit that is not in the vocabulary.
   */
  encode(label: string | readonly string[], row: string): Int32Array {
    return Int32Array.from(splitUnits(this.kind, label), (unit) => {
      const number = this.#numbers.get(unit);
      if (number === undefined) {
        throw new TrainingError(
          `${row}: ${JSON.stringify(unit.slice(0, 20))} is none of the ${this.units.length} ${this.kind} known; ` +
            "remove the row, or list the unit in objectives.ctc.vocabulary",
        );
      }
      return number;
    });
  }

  /** The units that the likeliest numbers of successive frames spell: repetitions joined, then blanks dropped. */
  decode(frames: ArrayLike<number>): string[] {
    const out: string[] = [];
    for (let i = 0; i < frames.length; i++)
      if (frames[i] !== BLANK && (i === 0 || frames[i] !== frames[i - 1])) out.push(this.units[frames[i]! - 1] ?? "");
    return out;
  }
}

/** Fewest frames into which a label fits: one a unit, and a blank between equal neighbours. */
export function framesNeeded(label: ArrayLike<number>): number {
  let frames = label.length;
  for (let i = 1; i < label.length; i++) if (label[i] === label[i - 1]) frames++;
  return frames;
}
