/** Reading a packet bit by bit, the highest bit of each byte first. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  /** Bits read so far. */
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length * 8;
  }

  /** The next `count` (at most 24) bits, without moving; zeros behind the end. */
  peek(count: number): number {
    const at = this.position >>> 3;
    const bytes = this.#bytes;
    const word = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    return count === 0 ? 0 : (word << (this.position & 7)) >>> (32 - count);
  }

  /** Moves on. @throws Error behind the end. */
  skip(count: number): void {
    this.position += count;
    if (this.position > this.#end) throw new Error("an AAC packet ends early");
  }

  /** The next `count` (at most 24) bits as a number. @throws Error behind the end. */
  read(count: number): number {
    const value = this.peek(count);
    this.skip(count);
    return value;
  }

  /** The next bit. */
  flag(): boolean {
    return this.read(1) === 1;
  }

  /** Moves to the next whole byte. */
  align(): void {
    this.skip(-this.position & 7);
  }
}
