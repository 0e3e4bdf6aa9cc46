/** What a command says on stderr while it works: a bar on a terminal, plain lines elsewhere, nothing with --quiet. */
import { oneLine } from "../errors.ts";

const BAR_WIDTH = 24;
/** Milliseconds between two drawings of a bar, and between two plain lines. */
const REDRAW = 80;
const PLAIN_INTERVAL = 10_000;

export class Reporter {
  readonly #quiet: boolean;
  readonly #terminal: boolean;
  #drawn = false;
  #last: number;

  constructor(quiet: boolean, terminal = Boolean(process.stderr.isTTY)) {
    this.#quiet = quiet;
    this.#terminal = terminal;
    this.#last = terminal ? 0 : Date.now();
  }

  /** A line that stays. */
  note(text: string): void {
    if (this.#quiet) return;
    this.clear();
    process.stderr.write(`${oneLine(text)}\n`);
  }

  warn(text: string): void {
    this.note(`uat: warning: ${text}`);
  }

  /** How far `label` is: `share` from 0 to 1, or unknown; `detail` says it in words. */
  progress(label: string, share: number | undefined, detail = ""): void {
    const now = Date.now();
    if (this.#quiet || now - this.#last < (this.#terminal ? REDRAW : PLAIN_INTERVAL)) return;
    this.#last = now;
    const percent = share === undefined ? "" : `${Math.floor(100 * Math.min(1, share))} %`;
    if (!this.#terminal) {
      process.stderr.write(`${oneLine(`${label}: ${[percent, detail].filter(Boolean).join(", ")}`)}\n`);
      return;
    }
    const filled = Math.round(BAR_WIDTH * Math.min(1, share ?? 0));
    const bar = share === undefined ? "" : `${"━".repeat(filled)}${"─".repeat(BAR_WIDTH - filled)} `;
    const line = oneLine(`${label} ${bar}${percent.padStart(5)} ${detail}`);
    process.stderr.write(`\r\x1b[2K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    this.#drawn = true;
  }

  /** Takes the bar away, before anything else is written to the terminal. */
  clear(): void {
    if (this.#drawn) process.stderr.write("\r\x1b[2K");
    this.#drawn = false;
  }
}

/** `1.2 MB`: bytes for people. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}
