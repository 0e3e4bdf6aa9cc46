/** Servers for tests: the fixtures' small random networks, in this process, at any free port. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Random } from "../../packages/audio/src/index.ts";
import { type RunningServer, type ServerOptions, startServer } from "../../packages/server/src/index.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));

export const fixture = (path: string): string => join(fixtures, path);

/** A folder `small` with a tokenizer and a decoder of the fixtures (512 codes). */
export function smallModel(tokenizer = "uniaudio"): { model: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "uat-server-test-"));
  const model = join(folder, "small");
  mkdirSync(model);
  symlinkSync(join(fixtures, `tokenizers/${tokenizer}/checkpoint/tokenizer`), join(model, "tokenizer"));
  symlinkSync(join(fixtures, "decoders/uniaudio/checkpoint/decoder"), join(model, "decoder"));
  return { model, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly [name: string]: unknown;
}

export async function smallServer(
  options: Partial<ServerOptions> & { readonly tokenizer?: string } = {},
): Promise<{ server: RunningServer; url: string; model: string; log: LogLine[]; stop(): Promise<void> }> {
  const { tokenizer, ...rest } = options;
  const { model, remove } = smallModel(tokenizer);
  const log: LogLine[] = [];
  const server = await startServer({
    model,
    port: 0,
    threads: 1,
    device: "cpu",
    log: (level, event, details) => log.push({ level, event, ...details }),
    ...rest,
  });
  const stop = async () => {
    await server.stop();
    remove();
  };
  return { server, url: server.url, model, log, stop };
}

/** Mono noise. */
export function noise(seconds: number, seed = 1, sampleRate = 16_000): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: Math.round(seconds * sampleRate) }, () => 0.1 * random.normal());
}
