/**
 * A run of several processes on one machine. Rank 0 has a connection to every other process, each of them one to rank 0.
 * Sums pass through rank 0 in pieces: while it adds one, the next ones arrive and finished ones are on their way back,
 * and no more than two pieces of each process wait in memory.
 */
import type { Duplex } from "node:stream";
import { deserialize, serialize } from "node:v8";
import { TrainingError } from "../errors.ts";
import { type Collective, LostProcessError } from "./collective.ts";
import { Connection, type ConnectionEvents, type Kind, PIECE_BYTES } from "./collective-connection.ts";

export interface GroupOptions {
  /** Milliseconds between signs of life. */
  readonly beat?: number;
  /** Beats without anything from a process that rank 0 waits for, after which it counts as lost. */
  readonly patience?: number;
  /** What is known of a process whose connection ended, e.g. how it did. */
  readonly explain?: ((rank: number) => Promise<string>) | undefined;
  /** The others cannot go on. */
  readonly onLost?: (() => void) | undefined;
}

/** Beats count the time that this process runs: one that is put to sleep with the others loses nobody. */
const BEAT = 10_000;
/**
 * A quarter of an hour: a process says nothing while the engine works on a batch. The others wait for rank 0 as long as
 * it is there: it may be stopped by its terminal, and they end when it does.
 */
const PATIENCE = 90;
/** Milliseconds that the others get to read a farewell. */
const FAREWELL = 2000;

interface ErrorContent {
  readonly message: string;
  readonly isInputError: boolean;
}

function errorContent(error: unknown): ErrorContent {
  const { message = String(error), isInputError = false } = (error ?? {}) as Partial<ErrorContent>;
  return { message, isInputError };
}

interface Peer {
  readonly rank: number;
  readonly connection: Connection;
  /** It took leave, or its connection ended. */
  gone: boolean;
  heard: number;
  silent: number;
}

/** What rank 0 and the others have in common. */
abstract class Group implements Collective {
  readonly rank: number;
  readonly world: number;
  protected readonly peers: Peer[];
  readonly #options: GroupOptions;
  readonly #timer: NodeJS.Timeout;
  #failure: Error | undefined;
  #reject: ((error: Error) => void) | undefined;
  #closing = false;
  #allGone: (() => void) | undefined;
  protected call = 0;

  constructor(rank: number, world: number, streams: readonly (readonly [number, Duplex])[], options: GroupOptions) {
    this.rank = rank;
    this.world = world;
    this.#options = options;
    this.peers = streams.map(([other, stream]) => ({
      rank: other,
      connection: new Connection(stream, this.#events(other)),
      gone: false,
      heard: 0,
      silent: 0,
    }));
    this.#timer = setInterval(() => this.#beat(), options.beat ?? BEAT);
    this.#timer.unref();
  }

  #events(rank: number): ConnectionEvents {
    return {
      onError: (content) => {
        const { message, isInputError } = JSON.parse(content.toString()) as ErrorContent;
        this.lose(isInputError ? new TrainingError(message) : new Error(`rank ${rank}: ${message}`));
      },
      onEnd: (inOrder) => {
        (this.peers.find((peer) => peer.rank === rank) as Peer).gone = true;
        if (this.peers.every(({ gone }) => gone)) this.#allGone?.();
        // one that takes leave while it is waited for has made other calls than this process
        if (!inOrder || this.#reject) void this.#lost(rank);
      },
      onNonsense: (message) => this.lose(new LostProcessError(`rank ${rank}: ${message}`)),
    };
  }

  async #lost(rank: number): Promise<void> {
    const how = this.#options.explain ? await this.#options.explain(rank) : "its connection ended";
    this.lose(new LostProcessError(`rank ${rank} of the run's ${this.world} processes has gone: ${how}`));
  }

  /** The process of a rank is known to have ended. */
  hasEnded(rank: number): void {
    if (!this.peers.some((peer) => peer.rank === rank && peer.gone)) void this.#lost(rank);
  }

  /** Ends what is under way, and every later call. */
  protected lose(error: Error): void {
    if (this.#failure || this.#closing) return;
    this.#failure = error;
    this.#reject?.(error);
    for (const { connection } of this.peers) connection.destroy();
    this.#options.onLost?.();
  }

  #beat(): void {
    for (const peer of this.peers) {
      peer.connection.beat();
      const { received } = peer.connection;
      peer.silent = this.#reject && received === peer.heard ? peer.silent + 1 : 0;
      peer.heard = received;
      if (this.rank > 0 || peer.silent < (this.#options.patience ?? PATIENCE)) continue;
      const minutes = Math.round((peer.silent * (this.#options.beat ?? BEAT)) / 6000) / 10;
      this.lose(new LostProcessError(`rank ${peer.rank} has not answered for ${minutes} minutes`));
    }
  }

  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** A call that all processes make: ends with the failure of any. */
  protected together<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    if (this.#reject) throw new Error("a call to the other processes before the one before has ended");
    this.call++;
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      const gone = this.peers.find((peer) => peer.gone);
      if (gone) void this.#lost(gone.rank);
      work().then(resolve, reject);
    }).finally(() => {
      this.#reject = undefined;
    });
  }

  /** Waits for the beginning of what belongs to this call. */
  protected async expect({ rank, connection }: Peer, kind: Kind, length?: number): Promise<number> {
    const incoming = await connection.next();
    if (incoming.kind !== kind || incoming.call !== this.call || (length ?? incoming.length) !== incoming.length)
      throw new Error(
        `the processes are out of step: in call ${this.call} rank ${this.rank} expected ${length ?? "any"} bytes to ` +
          `${kind}, rank ${rank} sent ${incoming.length} to ${incoming.kind} in call ${incoming.call}`,
      );
    return incoming.length;
  }

  protected async value(peer: Peer): Promise<unknown> {
    const content = new Uint8Array(await this.expect(peer, "value"));
    await peer.connection.take(content);
    return deserialize(content);
  }

  abstract sum(...arrays: Float32Array[]): Promise<void>;
  abstract broadcast(...arrays: Float32Array[]): Promise<void>;
  abstract exchange<T>(value: T): Promise<T[]>;

  async close(error?: unknown): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    clearInterval(this.#timer);
    const left = this.peers.filter(({ gone }) => !gone);
    if (left.length > 0 && !this.#failure) {
      const content = error === undefined ? undefined : Buffer.from(JSON.stringify(errorContent(error)));
      const said = left.map(({ connection }) => connection.send(content ? "error" : "leave", 0, content));
      const heard = content ? undefined : new Promise<void>((resolve) => (this.#allGone = resolve));
      for (const { connection } of left) connection.end();
      await Promise.race([Promise.all([...said, heard]), after(FAREWELL)]);
    }
    for (const { connection } of this.peers) connection.destroy();
  }
}

/** Waits without keeping the process. */
const after = (milliseconds: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

const bytesIn = (arrays: readonly Float32Array[]): number => arrays.reduce((n, { byteLength }) => n + byteLength, 0);

/** Parts of the arrays, one after the other, that are passed on at once. */
function* pieces(arrays: readonly Float32Array[]): Generator<Float32Array> {
  const length = PIECE_BYTES / Float32Array.BYTES_PER_ELEMENT;
  for (const array of arrays)
    for (let at = 0; at < array.length; at += length) yield array.subarray(at, Math.min(array.length, at + length));
}

/** Rank 0. */
export class Leader extends Group {
  readonly #term = new Float32Array(PIECE_BYTES / Float32Array.BYTES_PER_ELEMENT);

  /** @param streams to ranks 1, 2, … */
  constructor(streams: readonly Duplex[], options: GroupOptions = {}) {
    const ranked = streams.map((stream, i) => [i + 1, stream] as const);
    super(0, streams.length + 1, ranked, options);
  }

  sum(...arrays: Float32Array[]): Promise<void> {
    return this.together(async () => {
      const length = bytesIn(arrays);
      for (const peer of this.peers) await this.expect(peer, "sum", length);
      this.#begin("sum", length);
      for (const piece of pieces(arrays)) {
        const term = this.#term.subarray(0, piece.length);
        const bytes = bytesOf(term);
        for (const { connection } of this.peers) {
          await connection.take(bytes);
          for (let i = 0; i < piece.length; i++) piece[i]! += term[i] as number;
        }
        for (const { connection } of this.peers) connection.write(bytesOf(piece));
      }
      await this.#flush();
    });
  }

  broadcast(...arrays: Float32Array[]): Promise<void> {
    return this.together(async () => {
      this.#begin("broadcast", bytesIn(arrays));
      for (const array of arrays) for (const { connection } of this.peers) connection.write(bytesOf(array));
      await this.#flush();
    });
  }

  exchange<T>(value: T): Promise<T[]> {
    return this.together(async () => {
      const values = [value];
      for (const peer of this.peers) values.push((await this.value(peer)) as T);
      const content = serialize(values);
      await Promise.all(this.peers.map(({ connection }) => connection.send("value", this.call, content)));
      return values;
    });
  }

  #begin(kind: Kind, length: number): void {
    for (const { connection } of this.peers) connection.begin(kind, this.call, length);
  }

  /** The caller may change its arrays afterwards. */
  async #flush(): Promise<void> {
    await Promise.all(this.peers.map(({ connection }) => connection.flush()));
  }
}

/** Rank 1 and above. */
export class Follower extends Group {
  /** @param stream to rank 0. */
  constructor(stream: Duplex, rank: number, world: number, options: GroupOptions = {}) {
    super(rank, world, [[0, stream]], options);
  }

  get #leader(): Peer {
    return this.peers[0] as Peer;
  }

  sum(...arrays: Float32Array[]): Promise<void> {
    return this.together(async () => {
      const { connection } = this.#leader;
      const length = bytesIn(arrays);
      connection.begin("sum", this.call, length);
      for (const array of arrays) connection.write(bytesOf(array));
      const sent = connection.flush();
      // a piece of the sum comes once all of the piece has been sent: the arrays may be written over
      await this.#fill("sum", arrays);
      await sent;
    });
  }

  broadcast(...arrays: Float32Array[]): Promise<void> {
    return this.together(() => this.#fill("broadcast", arrays));
  }

  exchange<T>(value: T): Promise<T[]> {
    return this.together(async () => {
      void this.#leader.connection.send("value", this.call, serialize(value));
      return (await this.value(this.#leader)) as T[];
    });
  }

  async #fill(kind: Kind, arrays: readonly Float32Array[]): Promise<void> {
    await this.expect(this.#leader, kind, bytesIn(arrays));
    for (const array of arrays) if (array.length > 0) await this.#leader.connection.take(bytesOf(array));
  }
}
