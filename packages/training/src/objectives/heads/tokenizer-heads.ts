/** The heads that a configuration asks for, with all that they need around the graph. */
import type { HeadTargets } from "../../data/collate.ts";
import { CTC_LABELS, ctcHead } from "./ctc.ts";
import { distillHead, type TeacherConfig } from "./distill.ts";
import { type FrameObjectives, frameHeads, PITCH } from "./frames.ts";
import type { Head, HeadInputs } from "./head.ts";
import { type HeadVocabularies, unitLabel, type VocabularyObjectives } from "./labels.ts";
import { TAGS, tagsHead } from "./tags.ts";

/** `objectives` of a tokeniser's configuration. */
export interface HeadObjectives extends VocabularyObjectives {
  readonly distill: { readonly weight: number } | null;
  readonly ctc: (VocabularyObjectives["ctc"] & { readonly weight: number; readonly from: "codes" | "hidden" }) | null;
  readonly tags: (VocabularyObjectives["tags"] & { readonly weight: number }) | null;
  readonly frames: FrameObjectives;
}

export interface TokenizerHeads {
  /** For tokenizerObjective; empty where the configuration asks for none. */
  readonly heads: (inputs: HeadInputs) => readonly Head[];
  /** Names of tensors that a batch has to hold for them, besides those of the tokeniser itself. */
  readonly inputs: readonly string[];
  /** Whether clips are to be prepared with their pitch. */
  readonly pitch: boolean;
  /** Labels of the rows, for tokenizerCollate. */
  readonly targets: HeadTargets;
}

/**
 * @param given vocabularies for `ctc` and `tags` (headVocabularies), the teacher's configuration for `distill` (openTeacher).
 *   Heads with weight 0 are left out.
 */
export function tokenizerHeads(
  { distill, ctc, tags, frames }: HeadObjectives,
  given: HeadVocabularies & { readonly teacher?: TeacherConfig | undefined } = {},
): TokenizerHeads {
  const makers: ((inputs: HeadInputs) => readonly Head[])[] = [];
  const names: string[] = [];
  const { teacher, units, tags: classes } = given;
  if (distill && distill.weight > 0) {
    if (!teacher) throw new Error("distillation without a teacher");
    makers.push((inputs) => [distillHead(inputs, { weight: distill.weight, teacher })]);
    names.push("input_features");
  }
  if (ctc && ctc.weight > 0) {
    if (!units) throw new Error("ctc without units");
    makers.push((inputs) => [ctcHead(inputs, { weight: ctc.weight, units: units.size, from: ctc.from })]);
    names.push(CTC_LABELS);
  }
  if (tags && tags.weight > 0) {
    if (!classes) throw new Error("tags without classes");
    makers.push((inputs) => [tagsHead(inputs, { weight: tags.weight, classes: classes.size })]);
    names.push(TAGS);
  }
  if (frames.log_mel > 0 || frames.energy > 0 || frames.pitch > 0) makers.push((inputs) => frameHeads(inputs, frames));
  if (frames.log_mel > 0 || frames.energy > 0) names.push("input_features");
  if (frames.pitch > 0) names.push(PITCH);
  return {
    heads: (inputs) => makers.flatMap((make) => make(inputs)),
    inputs: [...new Set(names)],
    pitch: frames.pitch > 0,
    targets: {
      ...(names.includes(CTC_LABELS) &&
        units && {
          units: (example) => {
            const label = unitLabel(example, units.kind);
            return label === undefined ? undefined : units.encode(label, example.id);
          },
        }),
      ...(names.includes(TAGS) &&
        classes && {
          tags: {
            classes: classes.size,
            encode: (example) => example.tags && classes.encode(example.tags, example.id),
          },
        }),
    },
  };
}
