/** One JSON object a line: what happened, never what was in the audio. */

export type LogLevel = "info" | "warn" | "error";

export type Log = (level: LogLevel, event: string, details?: Readonly<Record<string, unknown>>) => void;

/** A log that writes lines. */
export function jsonLog(write: (line: string) => void): Log {
  return (level, event, details = {}) =>
    write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...details })}\n`);
}
