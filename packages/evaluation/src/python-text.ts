/** What Python's str does differently from JavaScript's strings; upstream's metrics are defined by it. */

/** Characters for which Python's str.isspace() holds: U+001C…U+001F and U+0085 count, U+FEFF does not. */
const SPACE = String.raw`[\t-\r\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`;
const ENDS = new RegExp(`^${SPACE}+|${SPACE}+$`, "g");
const RUN = new RegExp(`${SPACE}+`);
const DOUBLE = new RegExp(`${SPACE}{2,}`, "g");

/** `text.strip()`. */
export const strip = (text: string): string => text.replace(ENDS, "");

/** `text.split()`: words between runs of white space, none for blank text. */
export const splitWords = (text: string): string[] => text.split(RUN).filter((word) => word !== "");

/** Runs of two or more white-space characters become one blank; a single one stays what it is. */
export const joinRuns = (text: string): string => text.replace(DOUBLE, " ");
