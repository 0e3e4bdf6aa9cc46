/**
 * Python's pickle as inert data, protocols 0 to 5. Nothing is imported or called: a global is looked up in the
 * caller's table and anything that is not there is refused by name, at the moment the stream asks for it.
 * The machine is a stack, a memo and marks; opcodes as documented in CPython's Lib/pickletools.py.
 */
import { CheckpointError, shown } from "./errors.ts";

/** A Python tuple (a list becomes an array, a dict a Map, None null, a long past 2^53 a bigint). */
export class PickleTuple {
  readonly items: readonly unknown[];
  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

/** What stands for a Python global: inert, or with the plain function that stands for calling it. */
export class PickleGlobal {
  readonly name: string;
  readonly call: ((args: readonly unknown[]) => unknown) | undefined;
  constructor(name: string, call?: (args: readonly unknown[]) => unknown) {
    this.name = name;
    this.call = call;
  }
}

/** What a pickle may refer to. */
export interface PickleEnvironment {
  /** For messages. */
  readonly source: string;
  /** The global `module.name`, or undefined to refuse it. */
  find(module: string, name: string): PickleGlobal | undefined;
  /** The object that a persistent id (torch: a storage) stands for. */
  persistent(id: unknown): unknown;
}

/** The stream ends before its STOP: whoever read only its beginning may try again with more. */
export class PickleTruncated extends CheckpointError {}

// A large model's state dict makes some 10 objects a tensor: these are far beyond any, and bound a hostile file's memory.
const MAX_OBJECTS = 300_000;
const MAX_STACK = 1_000_000;
const MAX_INTEGER_BYTES = 64;

const MARK = Symbol("mark");

/**
 * Runs one pickle.
 * @param bytes starting with the pickle; what follows its STOP is left alone.
 * @returns the value and the position after STOP.
 * @throws CheckpointError for anything malformed, refused or past the bounds; PickleTruncated when bytes are missing.
 */
export function unpickle(bytes: Uint8Array, environment: PickleEnvironment): { value: unknown; end: number } {
  return new Machine(bytes, environment).run();
}

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #environment: PickleEnvironment;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  readonly #utf8 = new TextDecoder();
  #at = 0;
  #objects = 0;

  constructor(bytes: Uint8Array, environment: PickleEnvironment) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#environment = environment;
  }

  run(): { value: unknown; end: number } {
    for (;;) {
      const opcode = this.#take(1)[0]!;
      if (opcode === 0x2e) return { value: this.#pop(), end: this.#at };
      this.#step(opcode);
    }
  }

  #fail(what: string): never {
    throw new CheckpointError(`refusing to load ${this.#environment.source}: ${what}`);
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at)
      throw new PickleTruncated(`refusing to load ${this.#environment.source}: the pickle is cut short`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #uint8(): number {
    return this.#take(1)[0]!;
  }
  #uint16(): number {
    this.#take(2);
    return this.#view.getUint16(this.#at - 2, true);
  }
  #uint32(): number {
    this.#take(4);
    return this.#view.getUint32(this.#at - 4, true);
  }
  #uint64(): number {
    this.#take(8);
    return Number(this.#view.getBigUint64(this.#at - 8, true));
  }

  #text(length: number): string {
    return this.#utf8.decode(this.#take(length));
  }

  /** An argument of protocol 0: text up to a line feed. */
  #line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) this.#take(this.#bytes.length + 1);
    const line = this.#text(end - this.#at);
    this.#at = end + 1;
    return line;
  }

  #push(value: unknown): void {
    if (this.#stack.length >= MAX_STACK) this.#fail("the pickle stacks up too many values");
    this.#stack.push(value);
  }

  /** Pushes a new container, counted against the memory bound. */
  #pushNew(value: unknown): void {
    if (++this.#objects > MAX_OBJECTS) this.#fail(`the pickle makes more than ${MAX_OBJECTS} objects`);
    this.#push(value);
  }

  #pop(): unknown {
    if (this.#stack.length === 0 || this.#stack.at(-1) === MARK)
      this.#fail("the pickle takes a value where there is none");
    return this.#stack.pop();
  }

  #top(): unknown {
    if (this.#stack.length === 0 || this.#stack.at(-1) === MARK)
      this.#fail("the pickle takes a value where there is none");
    return this.#stack.at(-1);
  }

  #popToMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) this.#fail("the pickle has no mark where one is needed");
    const items = this.#stack.splice(mark + 1);
    this.#stack.pop();
    return items;
  }

  #memoize(index: number): void {
    if (this.#memo.size >= MAX_OBJECTS * 8) this.#fail("the pickle remembers too many values");
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): void {
    if (!this.#memo.has(index)) this.#fail(`the pickle refers to entry ${index} of its memo, which is not there`);
    this.#push(this.#memo.get(index));
  }

  #integer(text: string): unknown {
    const digits = text.endsWith("L") ? text.slice(0, -1) : text;
    if (!/^[+-]?\d{1,150}$/.test(digits)) this.#fail(`the pickle has ${shown(text)} where a whole number is expected`);
    const value = Number(digits);
    return Number.isSafeInteger(value) ? value : BigInt(digits);
  }

  /** Two's complement, little-endian, any length. */
  #long(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) this.#fail(`the pickle has an integer of ${length} bytes`);
    const bytes = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    value = BigInt.asIntN(8 * length, value);
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  #global(module: unknown, name: unknown): PickleGlobal {
    if (typeof module !== "string" || typeof name !== "string")
      this.#fail("the pickle names a class by something else than text");
    const found = this.#environment.find(module, name);
    const full = shown(`${module}.${name}`).slice(1, -1);
    return found ?? this.#fail(`pickle asks for ${full}, which is not needed for tensors and could run code`);
  }

  #call(callable: unknown, args: unknown): unknown {
    if (!(callable instanceof PickleGlobal)) this.#fail("the pickle calls something that is not a function");
    if (!(args instanceof PickleTuple)) this.#fail(`the pickle calls ${callable.name} without a tuple of arguments`);
    if (!callable.call) this.#fail(`the pickle calls ${callable.name}, which stands for a type here`);
    return callable.call(args.items);
  }

  #setItems(items: readonly unknown[]): void {
    const target = this.#top();
    if (!(target instanceof Map)) this.#fail("the pickle sets items of something that is not a dict");
    if (items.length % 2) this.#fail("the pickle sets a key without a value");
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  }

  #appendAll(items: readonly unknown[]): void {
    const target = this.#top();
    if (!Array.isArray(target)) this.#fail("the pickle appends to something that is not a list");
    for (const item of items) target.push(item);
  }

  #addItems(items: readonly unknown[]): void {
    const target = this.#top();
    if (!(target instanceof Set)) this.#fail("the pickle adds to something that is not a set");
    for (const item of items) target.add(item);
  }

  #tuple(size: number): void {
    const items: unknown[] = [];
    for (let i = 0; i < size; i++) items.unshift(this.#pop());
    this.#pushNew(new PickleTuple(items));
  }

  #step(opcode: number): void {
    switch (opcode) {
      case 0x80: {
        const protocol = this.#uint8();
        if (protocol > 5) this.#fail(`the pickle has protocol ${protocol}; supported are 0 to 5`);
        break;
      }
      case 0x95: // FRAME: a hint for readers of streams
        this.#take(8);
        break;
      case 0x28:
        this.#push(MARK);
        break;
      case 0x30:
        if (this.#stack.length === 0) this.#fail("the pickle takes a value where there is none");
        this.#stack.pop();
        break;
      case 0x31:
        this.#popToMark();
        break;
      case 0x32:
        this.#push(this.#top());
        break;

      // Plain values
      case 0x4e:
        this.#push(null);
        break;
      case 0x88:
        this.#push(true);
        break;
      case 0x89:
        this.#push(false);
        break;
      case 0x4a:
        this.#push(this.#uint32() | 0);
        break;
      case 0x4b:
        this.#push(this.#uint8());
        break;
      case 0x4d:
        this.#push(this.#uint16());
        break;
      case 0x49: {
        // INT: protocol 0 spells the truth values 00 and 01
        const line = this.#line();
        this.#push(line === "00" ? false : line === "01" ? true : this.#integer(line));
        break;
      }
      case 0x4c:
        this.#push(this.#integer(this.#line()));
        break;
      case 0x8a:
        this.#push(this.#long(this.#uint8()));
        break;
      case 0x8b:
        this.#push(this.#long(this.#uint32()));
        break;
      case 0x46:
        this.#push(Number(this.#line()));
        break;
      case 0x47:
        this.#take(8);
        this.#push(this.#view.getFloat64(this.#at - 8, false));
        break;

      // Text and bytes
      case 0x53: {
        const line = this.#line();
        const quoted = /^(['"])([^\\]*)\1$/.exec(line);
        this.#push(quoted ? quoted[2] : this.#fail("the pickle has a string with escapes (protocol 0)"));
        break;
      }
      case 0x56: {
        const line = this.#line();
        this.#push(line.includes("\\") ? this.#fail("the pickle has a string with escapes (protocol 0)") : line);
        break;
      }
      case 0x54:
      case 0x58:
        this.#push(this.#text(this.#uint32()));
        break;
      case 0x55:
      case 0x8c:
        this.#push(this.#text(this.#uint8()));
        break;
      case 0x8d:
        this.#push(this.#text(this.#uint64()));
        break;
      case 0x42:
        this.#pushNew(this.#take(this.#uint32()));
        break;
      case 0x43:
        this.#pushNew(this.#take(this.#uint8()));
        break;
      case 0x8e:
      case 0x96:
        this.#pushNew(this.#take(this.#uint64()));
        break;

      // Containers
      case 0x29:
        this.#pushNew(new PickleTuple([]));
        break;
      case 0x85:
      case 0x86:
      case 0x87:
        this.#tuple(opcode - 0x84);
        break;
      case 0x74:
        this.#pushNew(new PickleTuple(this.#popToMark()));
        break;
      case 0x5d:
        this.#pushNew([]);
        break;
      case 0x6c:
        this.#pushNew(this.#popToMark());
        break;
      case 0x61:
        this.#appendAll([this.#pop()]);
        break;
      case 0x65:
        this.#appendAll(this.#popToMark());
        break;
      case 0x7d:
        this.#pushNew(new Map());
        break;
      case 0x64: {
        const items = this.#popToMark();
        this.#pushNew(new Map());
        this.#setItems(items);
        break;
      }
      case 0x73: {
        const value = this.#pop();
        this.#setItems([this.#pop(), value]);
        break;
      }
      case 0x75:
        this.#setItems(this.#popToMark());
        break;
      case 0x8f:
        this.#pushNew(new Set());
        break;
      case 0x90:
        this.#addItems(this.#popToMark());
        break;
      case 0x91:
        this.#pushNew(new Set(this.#popToMark()));
        break;

      // Memo
      case 0x70:
        this.#memoize(Number(this.#line()));
        break;
      case 0x71:
        this.#memoize(this.#uint8());
        break;
      case 0x72:
        this.#memoize(this.#uint32());
        break;
      case 0x94:
        this.#memoize(this.#memo.size);
        break;
      case 0x67:
        this.#recall(Number(this.#line()));
        break;
      case 0x68:
        this.#recall(this.#uint8());
        break;
      case 0x6a:
        this.#recall(this.#uint32());
        break;

      // Globals and calls
      case 0x63: {
        const module = this.#line();
        this.#push(this.#global(module, this.#line()));
        break;
      }
      case 0x93: {
        const name = this.#pop();
        this.#push(this.#global(this.#pop(), name));
        break;
      }
      case 0x50:
        this.#push(this.#environment.persistent(this.#line()));
        break;
      case 0x51:
        this.#push(this.#environment.persistent(this.#pop()));
        break;
      case 0x52:
      case 0x81: {
        const args = this.#pop();
        this.#pushNew(this.#call(this.#pop(), args));
        break;
      }
      case 0x62: {
        // BUILD sets attributes; torch does so for the `_metadata` of a state dict, which holds nothing of use.
        this.#pop();
        if (!(this.#top() instanceof Map)) this.#fail("the pickle sets attributes of an object");
        break;
      }
      case 0x69: {
        const module = this.#line();
        const callable = this.#global(module, this.#line());
        this.#pushNew(this.#call(callable, new PickleTuple(this.#popToMark())));
        break;
      }
      case 0x6f: {
        const [callable, ...args] = this.#popToMark();
        this.#pushNew(this.#call(callable, new PickleTuple(args)));
        break;
      }
      case 0x92:
        this.#fail("the pickle makes an object with keyword arguments (NEWOBJ_EX)");
        break;
      case 0x82:
      case 0x83:
      case 0x84:
        this.#fail("the pickle uses the extension registry");
        break;
      case 0x97:
      case 0x98:
        this.#fail("the pickle refers to buffers outside itself");
        break;
      default:
        this.#fail(`0x${opcode.toString(16).padStart(2, "0")} at byte ${this.#at - 1} is not a pickle opcode`);
        break;
    }
  }
}
