/**
 * What a client sends over a WebSocket, as a list to be waited for. While more is held than the engine has taken, the
 * socket is not read: the client's own buffers fill, and memory here stays bounded.
 */
import type { RawData, WebSocket } from "ws";
import { type RequestError, requestError } from "../errors.ts";

/** Messages held before the socket is paused. */
const HELD = 8;

export class SocketInput<T> implements AsyncIterable<T> {
  readonly #socket: WebSocket;
  readonly #items: T[] = [];
  #ended = false;
  #failure: RequestError | undefined;
  #wake: () => void = () => undefined;

  /**
   * @param read turns a message into an item, or into `undefined` when it is the last; what it throws ends the stream.
   */
  constructor(socket: WebSocket, read: (data: RawData, binary: boolean) => T | undefined) {
    this.#socket = socket;
    socket.on("message", (data, binary) => {
      if (this.#ended) return;
      try {
        const item = read(data, binary);
        if (item === undefined) this.#ended = true;
        else this.#items.push(item);
      } catch (error) {
        this.fail(requestError(error));
      }
      if (this.#items.length >= HELD) socket.pause();
      this.#wake();
    });
  }

  /** Ends the stream with an error. */
  fail(error: RequestError): void {
    this.#failure ??= error;
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const item = this.#items.shift();
      if (item !== undefined) {
        if (this.#socket.isPaused && this.#items.length < HELD / 2) this.#socket.resume();
        yield item;
      } else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
