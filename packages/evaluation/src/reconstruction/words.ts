/** Word and character errors of what was heard against what is said. */
import { countErrorsAsJiwer, errorsOf } from "../edit-distance.ts";
import type { EvaluationClip } from "../suite/evaluation.ts";
import { normalizeText } from "../text-normalizer.ts";
import { wordErrors } from "../wer.ts";
import { type Both, type ClipResult, languageCode } from "./clip-result.ts";

/** A clip with its result. */
export interface Row {
  readonly clip: EvaluationClip;
  readonly result: ClipResult;
}

/** Errors of one clip and the length of its text, in words and in characters. */
export interface TextErrors {
  readonly row: Row;
  readonly text: string;
  readonly words: Both<number> & { readonly said: number };
  readonly characters: Both<number> & { readonly said: number };
}

/** Of the clips with a text and a transcription; those whose text has no words after normalisation are left out. */
export function textErrors(rows: readonly Row[]): TextErrors[] {
  return rows.flatMap((row) => {
    const { heard } = row.result;
    if (!heard || row.clip.text === undefined) return [];
    const normal = (text: string) => normalizeText(text, languageCode(row.clip.language));
    const text = normal(row.clip.text);
    const words = (side: string) => wordErrors(text, normal(side));
    const [original, decoded] = [words(heard.original), words(heard.decoded)];
    if (original.reference === 0) return [];
    const spelled = (side: string) => errorsOf(countErrorsAsJiwer(Array.from(text), Array.from(normal(side))));
    return [
      {
        row,
        text,
        words: { original: errorsOf(original), decoded: errorsOf(decoded), said: original.reference },
        characters: {
          original: spelled(heard.original),
          decoded: spelled(heard.decoded),
          said: Array.from(text).length,
        },
      },
    ];
  });
}

export type Side = keyof Both<number>;

/** All clips as one text: errors over the words (or characters) said, in percent. NaN without clips. */
export function errorRate(clips: readonly TextErrors[], unit: "words" | "characters", side: Side): number {
  let [errors, said] = [0, 0];
  for (const clip of clips) {
    errors += clip[unit][side];
    said += clip[unit].said;
  }
  return (100 * errors) / said;
}

/** How many points the reconstruction's rate is above the original's. */
export const rateRise = (clips: readonly TextErrors[], unit: "words" | "characters"): number =>
  errorRate(clips, unit, "decoded") - errorRate(clips, unit, "original");
