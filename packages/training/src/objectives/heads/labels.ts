/** What rows say of themselves, as labels for the heads. */
import { parseSap } from "@uat/evaluation";
import type { Example } from "../../data/example.ts";
import { TrainingError } from "../../errors.ts";
import { TagVocabulary } from "../../tasks/tags.ts";
import { type UnitKind, UnitVocabulary } from "../../tasks/units.ts";

/** Column that holds phonemes. */
export const PHONEMES = "phonemes";

/**
 * The units of a row, before they are numbered: the characters that are spoken, or the phonemes that its column gives.
 * Undefined where the row has none: emotions and captions are not what is spoken.
 * @throws TrainingError for phonemes that are neither text nor a list of texts.
 */
export function unitLabel(example: Example, kind: UnitKind): string | readonly string[] | undefined {
  const label = kind === "phonemes" ? phonemes(example) : transcript(example);
  return label === undefined || label.length === 0 ? undefined : label;
}

function transcript({ task, text }: Example): string | undefined {
  if (task === "ser" || task === "caption" || text === undefined) return undefined;
  return (task === "sap" ? parseSap(text)?.transcription : text)?.trim();
}

function phonemes({ id, labels }: Example): string | readonly string[] | undefined {
  const given = labels[PHONEMES] ?? undefined;
  if (given === undefined || typeof given === "string") return given?.trim();
  if (Array.isArray(given) && given.every((unit) => typeof unit === "string")) return given;
  throw new TrainingError(`${id}: column "${PHONEMES}" is no text and no list of texts; expected phonemes`);
}

export interface HeadVocabularies {
  readonly units?: UnitVocabulary | undefined;
  readonly tags?: TagVocabulary | undefined;
}

/** The parts of `objectives` that need a vocabulary. */
export interface VocabularyObjectives {
  readonly ctc: { readonly units: UnitKind; readonly vocabulary: readonly string[] | null } | null;
  readonly tags: { readonly vocabulary: readonly string[] | null } | null;
}

/**
 * The vocabularies that the configuration lists; those that it does not list are taken from the rows.
 * @param examples the training rows; read only when a list is missing.
 * @throws TrainingError when the rows have not one unit or tag.
 */
export async function headVocabularies(
  { ctc, tags }: VocabularyObjectives,
  examples: () => AsyncIterable<Example>,
): Promise<HeadVocabularies> {
  const labels: (string | readonly string[])[] = [];
  const rows = new Set<string>();
  const reads = { units: ctc !== null && !ctc.vocabulary, tags: tags !== null && !tags.vocabulary };
  if (reads.units || reads.tags) {
    for await (const example of examples()) {
      const label = reads.units && ctc ? unitLabel(example, ctc.units) : undefined;
      if (label !== undefined) labels.push(label);
      if (reads.tags) for (const tag of example.tags ?? []) rows.add(tag);
    }
  }
  if (reads.units && labels.length === 0)
    throw new TrainingError(
      `objectives.ctc: no training row has ${ctc?.units === "phonemes" ? `phonemes in a column "${PHONEMES}"` : "a transcript"}; expected some, or ctc: null`,
    );
  if (reads.tags && rows.size === 0)
    throw new TrainingError("objectives.tags: no training row has tags; expected some, or tags: null");
  return {
    ...(ctc && {
      units: ctc.vocabulary
        ? new UnitVocabulary(ctc.units, ctc.vocabulary)
        : UnitVocabulary.ofLabels(ctc.units, labels),
    }),
    ...(tags && { tags: tags.vocabulary ? new TagVocabulary(tags.vocabulary) : TagVocabulary.ofRows([[...rows]]) }),
  };
}
