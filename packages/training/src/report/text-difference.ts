/** Where a predicted text departs from its target, token by token, for a table that people read. */
import { align, CORRECT, DELETION, INSERTION } from "@uat/evaluation";

/** Texts with more tokens are shown as they are: aligning takes memory for the product of their lengths. */
const MOST_TOKENS = 600;

/** A stretch of text: in both, only in the prediction, or only in the target. */
export interface Stretch {
  readonly kind: "same" | "added" | "missing";
  readonly text: string;
}

/** Words, single characters of scripts without spaces, punctuation and white space. */
const tokens = (text: string) =>
  text.match(
    /\s+|[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]|(?:(?![\p{sc=Han}\p{sc=Hira}\p{sc=Kana}])[\p{L}\p{M}\p{N}'’])+|./gsu,
  ) ?? [];

/** The prediction in stretches, in order, with what it lacks of the target in its place. */
export function textDifference(target: string, prediction: string): Stretch[] {
  const wanted = tokens(target);
  const given = tokens(prediction);
  if (wanted.length > MOST_TOKENS || given.length > MOST_TOKENS) return [{ kind: "same", text: prediction }];
  const out: Stretch[] = [];
  const open = { same: "", missing: "", added: "" };
  const close = (...kinds: Stretch["kind"][]) => {
    for (const kind of kinds) {
      if (open[kind] !== "") out.push({ kind, text: open[kind] });
      open[kind] = "";
    }
  };
  for (const [i, j, kind] of align(wanted, given)) {
    if (kind === CORRECT) {
      close("missing", "added");
      open.same += given[j - 1];
      continue;
    }
    close("same");
    if (kind !== INSERTION) open.missing += wanted[i - 1];
    if (kind !== DELETION) open.added += given[j - 1];
  }
  close("same", "missing", "added");
  return out;
}
