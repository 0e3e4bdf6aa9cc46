/**
 * What may be written, byte by byte: a deterministic finite automaton over UTF-8, built backwards from its end. Every
 * builder below returns the state in which its text begins, given the state that follows it.
 */

/** A state: where each byte leads. */
export class ByteState {
  readonly #next = new Map<number, ByteState>();
  /** Whether what was written so far is whole. */
  readonly final: boolean;

  constructor(final = false) {
    this.final = final;
  }

  /** The state after a byte; undefined where it may not be written. */
  after(byte: number): ByteState | undefined {
    return this.#next.get(byte);
  }

  /** Adds an edge. @throws Error when the byte leads elsewhere already: the grammar would not be deterministic. */
  edge(byte: number, to: ByteState): void {
    const known = this.#next.get(byte);
    if (known !== undefined && known !== to) throw new Error(`byte ${byte} leads two ways`);
    this.#next.set(byte, to);
  }

  /** Adds edges for all bytes from … to. */
  edges(from: number, to: number, next: ByteState): void {
    for (let byte = from; byte <= to; byte++) this.edge(byte, next);
  }

  successors(): Iterable<ByteState> {
    return this.#next.values();
  }
}

/** The end of a text. */
export const finalState = (): ByteState => new ByteState(true);

/** Writes `text` from a state on to a state, along edges that are there already as far as they go. */
function write(text: string, from: ByteState, to: ByteState): void {
  const bytes = new TextEncoder().encode(text);
  let state = from;
  for (const byte of bytes.subarray(0, -1)) {
    let next = state.after(byte);
    if (next === undefined) state.edge(byte, (next = new ByteState()));
    state = next;
  }
  state.edge(bytes.at(-1) as number, to);
}

/** One of several texts, none of them empty or the beginning of another. */
export function oneOf(texts: readonly string[], next: ByteState): ByteState {
  const state = new ByteState();
  for (const text of texts) write(text, state, next);
  return state;
}

/** A text that is not empty. */
export const literal = (text: string, next: ByteState): ByteState => oneOf([text], next);

/**
 * Adds the edges of one character beyond ASCII, in valid UTF-8 (RFC 3629, section 4: no overlong forms, no surrogates).
 */
function wideCharacter(from: ByteState, next: ByteState): void {
  const one = new ByteState();
  one.edges(0x80, 0xbf, next);
  const two = new ByteState();
  two.edges(0x80, 0xbf, one);
  const range = (low: number, high: number, to: ByteState): ByteState => {
    const state = new ByteState();
    state.edges(low, high, to);
    return state;
  };
  from.edges(0xc2, 0xdf, one);
  from.edge(0xe0, range(0xa0, 0xbf, one));
  from.edges(0xe1, 0xec, two);
  from.edge(0xed, range(0x80, 0x9f, one));
  from.edges(0xee, 0xef, two);
  const three = range(0x80, 0xbf, two);
  from.edge(0xf0, range(0x90, 0xbf, two));
  from.edges(0xf1, 0xf3, three);
  from.edge(0xf4, range(0x80, 0x8f, two));
}

/** Any text. */
export function anyText(): ByteState {
  const state = finalState();
  state.edges(0, 0x7f, state);
  wideCharacter(state, state);
  return state;
}

/**
 * A JSON string with its quotes (RFC 8259, section 7), as JSON.stringify writes it: control characters only by their short
 * escapes.
 */
export function jsonString(next: ByteState): ByteState {
  const inside = new ByteState();
  for (let byte = 0x20; byte < 0x80; byte++) if (byte !== 0x22 && byte !== 0x5c) inside.edge(byte, inside);
  wideCharacter(inside, inside);
  const escaped = new ByteState();
  for (const c of '"\\bfnrt') escaped.edge(c.charCodeAt(0), inside);
  inside.edge(0x5c, escaped);
  inside.edge(0x22, next);
  const state = new ByteState();
  state.edge(0x22, inside);
  return state;
}

/** A JSON string, or null. */
export function jsonStringOrNull(next: ByteState): ByteState {
  const state = jsonString(next);
  write("null", state, next);
  return state;
}

/** A JSON list of what `item` writes before the state it is given. */
export function jsonList(item: (next: ByteState) => ByteState, next: ByteState): ByteState {
  const afterItem = new ByteState();
  const first = item(afterItem);
  const state = new ByteState();
  const open = new ByteState();
  state.edge(0x5b, open);
  // an item begins here or the list ends: the item's first bytes are shared
  for (let byte = 0; byte < 256; byte++) {
    const to = first.after(byte);
    if (to) open.edge(byte, to);
  }
  open.edge(0x5d, next);
  afterItem.edge(0x2c, first);
  afterItem.edge(0x5d, next);
  return state;
}
