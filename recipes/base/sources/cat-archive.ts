/**
 * OpenTTD's .cat sound archive: a table of (offset, length) pairs, then for each sound a length-prefixed description
 * (which names its author and licence), a WAV file of `length` bytes, a zero byte, and a length-prefixed file name.
 */
export interface CatSound {
  /** E.g. `osfx_24.wav`. */
  path: string;
  /** E.g. `"Helicopter". Original … License: Creative Commons …`. */
  description: string;
  bytes: Uint8Array;
}

/** All sounds of a .cat file. */
export function readCat(file: Uint8Array): CatSound[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  // The top bit of an offset marks the newer sample format.
  const offset = (entry: number) => view.getUint32(entry * 8, true) & 0x7fffffff;
  const count = offset(0) / 8;
  return Array.from({ length: count }, (_, entry) => {
    let at = offset(entry);
    const text = () => {
      const length = file[at]!;
      const raw = Buffer.from(file.buffer, file.byteOffset + at + 1, length).toString("utf8");
      at += 1 + length;
      return raw.replace(/\0.*$/s, "");
    };
    const description = text();
    const length = view.getUint32(entry * 8 + 4, true);
    const bytes = file.subarray(at, at + length);
    at += length + 1;
    return { path: text().replace(/^.*\//, ""), description, bytes };
  });
}
