/** What the page knows, in one object that is replaced and never changed; those who draw it are told once a turn. */
import type { Side } from "../audio/player.ts";
import type { CodeMap, EngineInfo, Progress, Upgrade } from "../engine/protocol.ts";
import type { Clip } from "./clip.ts";

export interface EngineState {
  readonly phase: "idle" | "loading" | "ready" | "failed";
  readonly progress: Progress | undefined;
  readonly info: EngineInfo | undefined;
  readonly upgrade: Upgrade | undefined;
  readonly error: string | undefined;
}

export interface Recording {
  readonly seconds: number;
  /** Loudest sample of each block so far. */
  readonly peaks: readonly number[];
}

export interface AppState {
  readonly clips: readonly Clip[];
  readonly activeId: number | undefined;
  readonly engine: EngineState;
  readonly map: CodeMap | undefined;
  /** Index of the token that is pointed at, by pointer or keyboard. */
  readonly pointed: number | undefined;
  /** Code that is pointed at on the map. */
  readonly pointedCode: number | undefined;
  /** Which of the two is heard. */
  readonly side: Side;
  readonly playing: boolean;
  /** Seconds at which playback starts, or was last stopped. */
  readonly cursor: number;
  readonly copied: Int32Array | undefined;
  readonly recording: Recording | undefined;
  readonly notice: { readonly text: string; readonly kind: "error" | "info" } | undefined;
  readonly dark: boolean;
}

export class Store {
  #state: AppState;
  readonly #listeners: ((state: AppState, before: AppState) => void)[] = [];
  #told: AppState;
  #waiting = false;

  constructor(state: AppState) {
    this.#state = state;
    this.#told = state;
  }

  get state(): AppState {
    return this.#state;
  }

  get clip(): Clip | undefined {
    return activeClip(this.#state);
  }

  set(change: Partial<AppState>): void {
    this.#state = { ...this.#state, ...change };
    if (this.#waiting) return;
    this.#waiting = true;
    queueMicrotask(() => {
      this.#waiting = false;
      const before = this.#told;
      this.#told = this.#state;
      for (const listener of this.#listeners) listener(this.#told, before);
    });
  }

  setClip(id: number, change: Partial<Clip>): void {
    this.set({ clips: this.#state.clips.map((clip) => (clip.id === id ? { ...clip, ...change } : clip)) });
  }

  setEngine(change: Partial<EngineState>): void {
    this.set({ engine: { ...this.#state.engine, ...change } });
  }

  /** Calls `listener` now and after every change. */
  listen(listener: (state: AppState, before: AppState | undefined) => void): void {
    this.#listeners.push(listener);
    listener(this.#state, undefined);
  }
}

export const activeClip = ({ clips, activeId }: AppState): Clip | undefined => clips.find(({ id }) => id === activeId);
