/**
 * Ctrl-C and SIGTERM: unfinished files are removed, then the process ends by the very signal, which shells show as exit
 * code 130 or 143. Ending by the signal is also the only way that does not wait for a running inference thread.
 */
import { rmSync } from "node:fs";
import { temporaryFolders } from "@uat/graph";

const cleanups = new Set<() => void>();
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Registers a synchronous clean-up for interruption. @returns a function that takes it back. */
export function onInterrupt(cleanup: () => void): () => void {
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

let graceful: ((signal: NodeJS.Signals) => void) | undefined;

/**
 * Work that can end in order takes the first signal itself; the next one ends the process as ever.
 * @returns a function that takes it back.
 */
export function endInOrder(stop: (signal: NodeJS.Signals) => void): () => void {
  graceful = stop;
  return () => {
    graceful = undefined;
  };
}

/** Ends the process by a signal, as if nobody had listened for it. */
export function endBySignal(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

export function handleSignals(): void {
  for (const signal of SIGNALS) {
    const handle = () => {
      if (graceful) {
        const stop = graceful;
        graceful = undefined;
        stop(signal);
        return;
      }
      for (const cleanup of cleanups) {
        try {
          cleanup();
        } catch {
          // the next clean-up still has to run
        }
      }
      for (const folder of temporaryFolders) rmSync(folder, { recursive: true, force: true });
      endBySignal(signal);
    };
    process.on(signal, handle);
  }
}
