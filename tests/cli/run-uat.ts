/** Runs the built command as users do, and keeps what it needs: a small model and a folder for each test. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const fixtures = join(root, "tests/fixtures");
export const speech = join(fixtures, "audio/speech16k.wav");
const bin = join(root, "packages/codec/bin/uat.js");

if (!existsSync(join(root, "packages/codec/dist/node/cli.js")))
  throw new Error("these tests run the built command: npm run build first");

export interface Result {
  /** As a shell shows it: 128 + n for the end by signal n. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly env?: Record<string, string>;
  /** Sees the process as soon as it runs. */
  readonly onStart?: (child: ChildProcess) => void;
}

export function uat(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: options.cwd ?? root,
      env: { ...process.env, UAT_DEBUG: "", HF_HUB_OFFLINE: "1", ...options.env },
    });
    const stdout: Buffer[] = [];
    let stderr = "";
    child.stdout.on("data", (part: Buffer) => stdout.push(part));
    child.stderr.on("data", (part: Buffer) => (stderr += part));
    // the command may end without reading all of its input
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const signals: Record<string, number> = { SIGINT: 130, SIGTERM: 143, SIGKILL: 137 };
      resolve({ code: code ?? signals[signal ?? ""] ?? -1, stdout: Buffer.concat(stdout), stderr });
    });
    options.onStart?.(child);
  });
}

/** A new folder with `model/` (tokenizer and decoder of the fixtures, 512 codes at 25 Hz) in it. */
export function workFolder(decoder = "uniaudio"): { folder: string; model: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "uat-cli-test-"));
  const model = join(folder, "model");
  mkdirSync(model);
  symlinkSync(join(fixtures, "tokenizers/uniaudio/checkpoint/tokenizer"), join(model, "tokenizer"));
  symlinkSync(join(fixtures, `decoders/${decoder}/checkpoint/decoder`), join(model, "decoder"));
  return { folder, model, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Names in a folder, hidden ones too. */
export const namesIn = (folder: string): string[] => readdirSync(folder).sort();
