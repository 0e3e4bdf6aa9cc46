/**
 * A clip as the fragment of an address: `#t=1.HASH.SIZE.CODES`. CODES is base64url (RFC 4648, section 5) of the codes, each
 * in as few bits as SIZE asks for, the first bit first; HASH names the codebook they belong to (`-` where it is not known).
 * A fragment never reaches a server.
 */

export interface SharedTokens {
  readonly codes: Int32Array;
  readonly codebookSize: number;
  /** First hexadecimal digits of the hash of the codebook. */
  readonly hash: string | undefined;
}

/** Longer addresses are cut off by some programs: five minutes of a codebook of 8,192. */
const MOST_CODES = 7500;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Bits of one code. */
export const codeBits = (codebookSize: number): number => Math.max(1, Math.ceil(Math.log2(codebookSize)));

/** @returns undefined for more codes than an address can hold. */
export function toFragment({ codes, codebookSize, hash }: SharedTokens): string | undefined {
  if (codes.length > MOST_CODES) return undefined;
  const bits = codeBits(codebookSize);
  let text = "";
  let held = 0;
  let count = 0;
  for (const code of codes)
    for (let b = bits - 1; b >= 0; b--) {
      held = (held << 1) | ((code >> b) & 1);
      if (++count === 6) {
        text += ALPHABET[held];
        held = count = 0;
      }
    }
  if (count > 0) text += ALPHABET[held << (6 - count)];
  return `#t=1.${hash ?? "-"}.${codebookSize}.${text}`;
}

/** @returns undefined for a fragment that holds no tokens. @throws Error in one line for one that is damaged. */
export function fromFragment(fragment: string): SharedTokens | undefined {
  if (!fragment.startsWith("#t=")) return undefined;
  const [version, hash = "-", size = "", text = ""] = fragment.slice(3).split(".");
  const codebookSize = Number(size);
  if (version !== "1" || !(Number.isInteger(codebookSize) && codebookSize > 1 && codebookSize <= 2 ** 20))
    throw new Error("this link holds tokens in a form this page does not know; ask for a new one");
  const bits = codeBits(codebookSize);
  const codes: number[] = [];
  let held = 0;
  let count = 0;
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) throw new Error("this link is damaged: its tokens hold a letter that does not belong there");
    for (let b = 5; b >= 0; b--) {
      held = (held << 1) | ((value >> b) & 1);
      if (++count === bits) {
        codes.push(held);
        held = count = 0;
      }
    }
  }
  if (codes.length === 0 || codes.length > MOST_CODES || held !== 0 || codes.some((code) => code >= codebookSize))
    throw new Error("this link is damaged: part of it is missing or changed; copy the whole of it");
  return { codes: Int32Array.from(codes), codebookSize, hash: /^[0-9a-f]{8}$/.test(hash) ? hash : undefined };
}
