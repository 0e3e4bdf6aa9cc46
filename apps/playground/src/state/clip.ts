/** One clip on the page, from what was given to what is heard. */
import type { Picture, Sound } from "../analysis/protocol.ts";
import type { History, Range } from "./edits.ts";

export interface Clip {
  readonly id: number;
  readonly name: string;
  /** What was given; absent for tokens that came by a link. */
  readonly input: Sound | undefined;
  readonly inputPicture: Picture | undefined;
  /** Channels of the file the input came from. */
  readonly channels: number;
  /** The tokeniser's codes, before any edit; undefined until they are there. */
  readonly tokens: Int32Array | undefined;
  /** γ of each of `tokens`, for models with a gate. */
  readonly gate: Float32Array | undefined;
  /** The codes as edited. */
  readonly codes: Int32Array;
  readonly history: History;
  readonly selection: Range | undefined;
  /** What was decoded, and from which codes. */
  readonly output: Sound | undefined;
  readonly outputPicture: Picture | undefined;
  readonly outputCodes: Int32Array | undefined;
  /** What is being done, in a few words. */
  readonly work: string | undefined;
  /** Share of it that is done, where known. */
  readonly share: number | undefined;
  readonly error: string | undefined;
  /** Seconds the networks took. */
  readonly took: { readonly tokenize: number | undefined; readonly decode: number | undefined };
}

export const newClip = (id: number, name: string): Clip => ({
  id,
  name,
  input: undefined,
  inputPicture: undefined,
  channels: 1,
  tokens: undefined,
  gate: undefined,
  codes: new Int32Array(0),
  history: { past: [], future: [] },
  selection: undefined,
  output: undefined,
  outputPicture: undefined,
  outputCodes: undefined,
  work: undefined,
  share: undefined,
  error: undefined,
  took: { tokenize: undefined, decode: undefined },
});

export const isEdited = ({ tokens, codes }: Clip): boolean =>
  tokens !== undefined && (tokens.length !== codes.length || tokens.some((code, i) => code !== codes[i]));

/** Seconds, of the longer of what was given and what the codes stand for. */
export const clipSeconds = ({ input, codes }: Clip, frameRate: number): number =>
  Math.max(input ? input.samples.length / input.sampleRate : 0, codes.length / frameRate);

/** Places of each code of a list. */
export function placesOf(codes: Int32Array): ReadonlyMap<number, readonly number[]> {
  const places = new Map<number, number[]>();
  for (const [i, code] of codes.entries()) {
    const known = places.get(code);
    if (known) known.push(i);
    else places.set(code, [i]);
  }
  return places;
}
