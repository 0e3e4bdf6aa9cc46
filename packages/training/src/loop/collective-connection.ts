/**
 * Messages between two processes over a stream of bytes. A message is a header of 24 bytes (a mark, its kind, the number
 * of the call it belongs to, its length) and its content. Numbers are as the machine has them: both ends are on one.
 * Large contents are neither gathered nor copied on the way out; on the way in they are handed over piece by piece, and
 * the stream stands still while nobody takes them.
 */
import type { Duplex } from "node:stream";

export const KINDS = ["beat", "error", "leave", "value", "sum", "broadcast"] as const;

/** `beat` says only that a process lives; `error` and `leave` end the conversation. */
export type Kind = (typeof KINDS)[number];

const MARK = 0x55415454;
const HEADER_BYTES = 24;
/** Bytes handed to the system at once, and half of what waits to be taken. */
export const PIECE_BYTES = 1 << 20;
/** Of messages that are held in memory whole. */
const LONGEST_VALUE = 1 << 28;

/** The content of a message that has begun to arrive. */
export interface Incoming {
  readonly kind: Kind;
  readonly call: number;
  /** Bytes. */
  readonly length: number;
}

export interface ConnectionEvents {
  /** The other process gives up; the content of its message. */
  onError(content: Buffer): void;
  /** Nothing more will come. @param inOrder the other process took leave first. */
  onEnd(inOrder: boolean): void;
  /** What came is no message. */
  onNonsense(message: string): void;
}

export class Connection {
  readonly #stream: Duplex;
  readonly #events: ConnectionEvents;
  readonly #chunks: Buffer[] = [];
  #waiting = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #incoming: Incoming | undefined;
  /** Of the incoming message. */
  #left = 0;
  #arrived: (() => void) | undefined;
  #taken: (() => void) | undefined;
  #writing = false;
  /** Bytes that came so far. */
  received = 0;

  constructor(stream: Duplex, events: ConnectionEvents) {
    this.#stream = stream;
    this.#events = events;
    stream.on("data", (chunk: Buffer) => {
      this.received += chunk.length;
      this.#chunks.push(chunk);
      this.#waiting += chunk.length;
      if (this.#waiting >= 2 * PIECE_BYTES) stream.pause();
      this.#wake?.();
    });
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    stream.on("end", end);
    stream.on("close", () => {
      end();
      // nobody takes the message that has begun: the listener would never see the end
      if (this.#incoming) events.onEnd(false);
    });
    // a stream that broke closes as well
    stream.on("error", () => undefined);
    void this.#listen();
  }

  /** Waits until bytes are there. @returns false at the end. */
  async #more(): Promise<boolean> {
    while (this.#chunks.length === 0) {
      if (this.#ended) return false;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return true;
  }

  /** Fills `target`. @returns false when the stream ends before. */
  async #fill(target: Uint8Array): Promise<boolean> {
    for (let at = 0; at < target.length; ) {
      if (this.#chunks.length === 0 && !(await this.#more())) return false;
      const chunk = this.#chunks[0] as Buffer;
      const count = Math.min(chunk.length, target.length - at);
      target.set(count < chunk.length ? chunk.subarray(0, count) : chunk, at);
      at += count;
      if (count < chunk.length) this.#chunks[0] = chunk.subarray(count);
      else this.#chunks.shift();
      this.#waiting -= count;
      if (this.#waiting < PIECE_BYTES && this.#stream.isPaused()) this.#stream.resume();
    }
    return true;
  }

  async #listen(): Promise<void> {
    const header = Buffer.alloc(HEADER_BYTES);
    let left = false;
    while (await this.#fill(header)) {
      const kind = KINDS[header.readUInt32LE(4)];
      const length = header.readDoubleLE(16);
      const held = kind === "beat" || kind === "error" || kind === "leave" || kind === "value";
      if (header.readUInt32LE(0) !== MARK || kind === undefined || (held && !(length <= LONGEST_VALUE)))
        return this.#events.onNonsense("bytes came that are no message");
      if (kind === "beat") continue;
      if (kind === "leave") {
        left = true;
        continue;
      }
      if (kind === "error") {
        const content = Buffer.alloc(length);
        if (await this.#fill(content)) return this.#events.onError(content);
        break;
      }
      this.#incoming = { kind, call: header.readDoubleLE(8), length };
      this.#left = length;
      const taken = new Promise<void>((resolve) => (this.#taken = resolve));
      this.#arrived?.();
      await taken;
    }
    this.#events.onEnd(left);
  }

  /** The next message, once it begins to arrive. Never resolves where the stream ends before. */
  async next(): Promise<Incoming> {
    while (!this.#incoming) await new Promise<void>((resolve) => (this.#arrived = resolve));
    const incoming = this.#incoming;
    if (this.#left === 0) this.#finish();
    return incoming;
  }

  /** The next bytes of the message that `next` gave. Never resolves where the stream ends before. */
  async take(target: Uint8Array): Promise<void> {
    if (!(await this.#fill(target))) {
      this.#finish();
      return new Promise(() => undefined);
    }
    this.#left -= target.length;
    if (this.#left === 0 && target.length > 0) this.#finish();
  }

  #finish(): void {
    this.#incoming = undefined;
    this.#taken?.();
  }

  /** Begins a message of `length` bytes: `write` follows until there are so many. */
  begin(kind: Kind, call: number, length: number): void {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(MARK, 0);
    header.writeUInt32LE(KINDS.indexOf(kind), 4);
    header.writeDoubleLE(call, 8);
    header.writeDoubleLE(length, 16);
    this.#writing = true;
    if (this.#stream.writable) this.#stream.write(header);
  }

  /** The bytes must stay as they are until `flush` has resolved, or the other process shows that it has them. */
  write(bytes: Uint8Array): void {
    if (!this.#stream.writable) return;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES)
      this.#stream.write(bytes.subarray(at, Math.min(bytes.length, at + PIECE_BYTES)));
  }

  /** Ends a message. @returns when the system has taken all of it, or never will. */
  flush(): Promise<void> {
    this.#writing = false;
    return new Promise((resolve) => {
      if (!this.#stream.writable) resolve();
      else this.#stream.write(new Uint8Array(0), () => resolve());
    });
  }

  /** A small message whole. */
  send(kind: Kind, call: number, content: Uint8Array = new Uint8Array(0)): Promise<void> {
    this.begin(kind, call, content.length);
    this.write(content);
    return this.flush();
  }

  /** Shows that this process lives, unless a message that is under way does so. */
  beat(): void {
    if (!this.#writing && this.#stream.writableLength === 0) void this.send("beat", 0);
  }

  /** No more is written; what comes is still read. */
  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }
}
