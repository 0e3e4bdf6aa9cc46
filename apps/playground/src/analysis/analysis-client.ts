/** Files read and spectrograms drawn, out of the page's way. */
import type { AnalysisCall, AnalysisCalls, AnalysisReply } from "./protocol.ts";

export class AnalysisClient {
  readonly #worker = new Worker(new URL("./analysis-worker.ts", import.meta.url), { type: "module", name: "analysis" });
  readonly #waiting = new Map<number, { resolve(result: never): void; reject(error: Error): void }>();
  #last = 0;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<AnalysisReply>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) waiting?.reject(new Error(data.error));
      else waiting?.resolve(data.result as never);
    };
  }

  call<Name extends keyof AnalysisCalls>(
    name: Name,
    ...args: Parameters<AnalysisCalls[Name]>
  ): Promise<ReturnType<AnalysisCalls[Name]>> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, name, args } satisfies AnalysisCall);
    });
  }
}
