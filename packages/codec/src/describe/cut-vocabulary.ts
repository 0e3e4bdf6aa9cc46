/**
 * A smaller vocabulary for a decoder whose embedding would otherwise be most of it.
 *
 * Byte-level BPE (Radford et al., 2019) stays whole when merges are dropped from the end: a merge joins only what earlier
 * merges, or bytes, have made. Any text can still be written, in more tokens; a text that needs no dropped merge is
 * written as before.
 */
import { z } from "zod";
import { validated } from "../checkpoint/config/validate.ts";
import { CheckpointError } from "../checkpoint/errors.ts";

const id = z.int("expected an id").nonnegative("expected an id");
const merge = z.union(
  [z.string(), z.tuple([z.string(), z.string()])],
  "expected two tokens, as a list or with a blank between them",
);
const schema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id, content: z.string() })).default([]),
  model: z.looseObject({
    vocab: z.record(z.string(), id, "expected the vocabulary of a byte-level BPE tokenizer"),
    merges: z.array(merge, "expected the merges of a byte-level BPE tokenizer"),
  }),
});

export interface CutOptions {
  /** Which added tokens, such as `<|en|>`, are kept, by their content; all by default. */
  readonly keep?: ((content: string) => boolean) | undefined;
  /** Named in messages. */
  readonly file?: string | undefined;
}

export interface CutVocabulary {
  /** The content of the smaller tokenizer.json. */
  readonly tokenizerJson: Readonly<Record<string, unknown>>;
  /** The old id of each new id, ascending: the rows of an embedding that stay. */
  readonly rows: Int32Array;
}

/**
 * Keeps the bytes, the first `merges` merges with what they make, and added tokens. Kept tokens are numbered in the
 * order that they had, so that an embedding is cut by gathering rows; where ids follow the merges' ranks, as Whisper's
 * do, bytes and merges keep their ids.
 * @param tokenizerJson the parsed tokenizer.json of a byte-level BPE, such as Whisper's.
 * @param merges how many stay; more than there are is all.
 * @throws CheckpointError when it is no such tokenizer.
 */
export function cutVocabulary(
  tokenizerJson: unknown,
  merges: number,
  { keep = () => true, file = "tokenizer.json" }: CutOptions = {},
): CutVocabulary {
  if (!Number.isSafeInteger(merges) || merges < 0)
    throw new CheckpointError(`${merges} merges: expected a whole number of at least 0`);
  const json = validated(schema, tokenizerJson, file);
  const { vocab, merges: all } = json.model;
  const kept = all.slice(0, merges);
  const added = json.added_tokens.filter(({ content }) => keep(content));
  const ids = new Set(added.map((token) => token.id));
  // bytes are written with one character each
  const special = new Set(json.added_tokens.map(({ content }) => content));
  for (const [token, id] of Object.entries(vocab)) if (token.length === 1 && !special.has(token)) ids.add(id);
  for (const pair of kept) {
    const made = typeof pair === "string" ? pair.replace(" ", "") : pair.join("");
    const id = vocab[made];
    if (id === undefined)
      throw new CheckpointError(`${file}: a merge makes ${JSON.stringify(made)}, which model.vocab does not hold`);
    ids.add(id);
  }
  const rows = Int32Array.from(ids).sort();
  const renumbered = new Map(Array.from(rows, (old, i) => [old, i]));
  const newId = (id: number) => renumbered.get(id);
  return {
    tokenizerJson: {
      ...json,
      added_tokens: added.map((token) => ({ ...token, id: newId(token.id) })),
      ...("post_processor" in json && { post_processor: renumberPostProcessor(json.post_processor, newId) }),
      model: {
        ...json.model,
        vocab: Object.fromEntries(
          Object.entries(vocab).flatMap(([token, id]) => (ids.has(id) ? [[token, newId(id)]] : [])),
        ),
        merges: kept,
      },
    },
    rows,
  };
}

type NewId = (id: number) => number | undefined;

/** What a tokenizer puts around a text; nothing when one of its tokens is gone. */
function renumberPostProcessor(value: unknown, newId: NewId): unknown {
  const parsed = z
    .looseObject({ special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(z.int()) })) })
    .safeParse(value);
  if (!parsed.success) return null;
  const entries = Object.entries(parsed.data.special_tokens);
  if (entries.some(([, { ids }]) => ids.some((id) => newId(id) === undefined))) return null;
  return {
    ...parsed.data,
    special_tokens: Object.fromEntries(entries.map(([name, token]) => [name, { ...token, ids: token.ids.map(newId) }])),
  };
}

/** Fields of config.json and generation_config.json that hold one id … */
const ONE_ID = /^(bos|eos|pad|decoder_start|no_timestamps|prev_sot)_token_id$/;
/** … lists of ids … */
const LISTS = ["suppress_tokens", "begin_suppress_tokens"];
/** … ids by name … */
const MAPS = ["lang_to_id", "task_to_id"];

/**
 * config.json or generation_config.json of a checkpoint whose vocabulary was cut: ids renumbered, those of dropped tokens
 * left out, `vocab_size` set where it stands.
 */
export function renumberTokenIds(
  config: Readonly<Record<string, unknown>>,
  rows: Int32Array,
): Readonly<Record<string, unknown>> {
  const renumbered = new Map(Array.from(rows, (old, i) => [old, i]));
  const isKept = (id: unknown) => renumbered.has(id as number);
  const newId = (id: unknown) => renumbered.get(id as number);
  const entries = Object.entries(config).flatMap(([name, value]): [string, unknown][] => {
    if (name === "vocab_size") return [[name, rows.length]];
    if (ONE_ID.test(name)) {
      if (Array.isArray(value)) return [[name, value.filter(isKept).map(newId)]];
      return value === null ? [[name, value]] : isKept(value) ? [[name, newId(value)]] : [];
    }
    if (LISTS.includes(name) && Array.isArray(value)) return [[name, value.filter(isKept).map(newId)]];
    if (MAPS.includes(name) && typeof value === "object" && value !== null)
      return [
        [name, Object.fromEntries(Object.entries(value).flatMap(([k, id]) => (isKept(id) ? [[k, newId(id)]] : [])))],
      ];
    // pairs of a position and an id, or of a position and null
    if (name === "forced_decoder_ids" && Array.isArray(value))
      return [[name, value.flatMap(([at, id]) => (id === null ? [[at, id]] : isKept(id) ? [[at, newId(id)]] : []))]];
    return [[name, value]];
  });
  return Object.fromEntries(entries);
}

/** Rows of a matrix. @param bytes [old rows, width], row-major. @param rowBytes bytes of a row. */
export function gatherRows(bytes: Uint8Array, rowBytes: number, rows: Int32Array): Uint8Array {
  const out = new Uint8Array(rows.length * rowBytes);
  for (const [i, row] of rows.entries()) out.set(bytes.subarray(row * rowBytes, (row + 1) * rowBytes), i * rowBytes);
  return out;
}
