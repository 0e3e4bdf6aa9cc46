/** `GET /healthz`: whether inference works, by doing a little of it. */
import { encodeWav } from "@uat/audio";
import type { z } from "zod";
import type { healthResponse } from "../api/schemas.ts";
import type { Control, Engine } from "../engine/engine.ts";
import type { EnginePool } from "../engine/pool.ts";

/** Seconds an engine may take for the tiny job when it does nothing else meanwhile. */
const PATIENCE = 10;
/** Milliseconds for which an answer is given again: whoever asks in a loop must not keep the engines busy. */
const FRESH = 1000;

/** A fifth of a second of a falling tone. */
const CHIRP = encodeWav(
  [Float32Array.from({ length: 3200 }, (_, i) => 0.1 * Math.sin((0.3 - i * 2e-5) * i))],
  16_000,
  "s16",
);

async function tinyJob(engine: Engine, control: Control): Promise<void> {
  if (engine.info.tokenizer) {
    const job = { audio: CHIRP.slice(), name: "probe", channel: 0, maxSeconds: 1, maxChannels: 1 };
    const { codes } = await engine.tokens(job, control);
    if (codes.some((id) => id < 0 || id >= engine.info.codebookSize)) throw new Error("codes outside the codebook");
  } else {
    const codes = new Int32Array(5);
    const { file } = await engine.decode({ codes, format: "wav" }, control);
    if (file.length <= 44) throw new Error("no audio from five codes");
  }
}

export class Health {
  readonly #pool: () => EnginePool | undefined;
  readonly #patience: number;
  #last: Promise<z.output<typeof healthResponse>> | undefined;
  #until = 0;

  constructor(pool: () => EnginePool | undefined, patience = PATIENCE) {
    this.#pool = pool;
    this.#patience = patience;
  }

  /** The last answer while it is fresh, or the one that is being worked out; else a new one. */
  check(): Promise<z.output<typeof healthResponse>> {
    if (this.#last && Date.now() < this.#until) return this.#last;
    this.#until = Number.POSITIVE_INFINITY;
    this.#last = this.#probe().finally(() => {
      this.#until = Date.now() + FRESH;
    });
    return this.#last;
  }

  async #probe(): Promise<z.output<typeof healthResponse>> {
    const engines = (await this.#pool()?.probe(tinyJob, this.#patience)) ?? [];
    return { healthy: engines.length > 0 && engines.every(Boolean), engines };
  }
}
