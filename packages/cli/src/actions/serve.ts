/** The work of `uat serve`. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { jsonLog, parseKeys, type ServerOptions, startServer } from "@uat/server";
import type { Command } from "commander";
import { embeddedFolder } from "universal-audio-tokenizer/internal";
import { InputError, systemError } from "../errors.ts";
import { endInOrder } from "../interrupt.ts";
import { type GlobalOptions, modelOptions } from "../options.ts";
import { Reporter } from "../output/reporter.ts";

export interface ServeOptions extends GlobalOptions {
  readonly model: string;
  readonly revision?: string;
  readonly dtype: "fp32" | "q8";
  readonly tokens: boolean;
  readonly decode: boolean;
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly keys?: string;
  readonly cors?: string[];
  readonly allowHost?: string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly static?: string;
  readonly queue?: number;
  readonly deadline?: number;
  readonly maxBytes?: number;
  readonly maxSeconds?: number;
  readonly maxChannels?: number;
  readonly maxClips?: number;
  readonly maxTokens?: number;
  readonly maxStreams?: number;
}

export async function serve(command: Command): Promise<void> {
  const options = command.optsWithGlobals<ServeOptions>();
  if (!options.tokens && !options.decode)
    throw new InputError("--no-tokens and --no-decode leave nothing to serve: give one of them at most");
  if (options.device === "webgpu" && options.workers > 1)
    throw new InputError(`--workers ${options.workers} with --device webgpu: one GPU serves one engine: give 1`);
  const reporter = new Reporter(options.quiet ?? false);
  // a reader of the log that has gone is no reason to stop serving
  process.stdout.on("error", () => undefined);
  const server = startServer({
    ...(await serverOptions(options)),
    log: jsonLog((line) => process.stdout.write(line)),
    onWarning: modelOptions(command, reporter).onWarning,
  });
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const running = await server;
  endInOrder(() => stop());
  const { model } = options;
  reporter.note(`${model} at ${running.url}; ${running.url}/docs tells how to ask; Ctrl-C stops it`);
  await stopped;
  await running.stop();
}

async function serverOptions(options: ServeOptions): Promise<ServerOptions> {
  const { model, revision, dtype, device, threads, tokens, decode, host, port, workers } = options;
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined))
    throw new InputError("--tls-cert and --tls-key belong together: give both, or neither");
  const tls = options.tlsCert
    ? { cert: await fileAt(options.tlsCert), key: await fileAt(options.tlsKey as string) }
    : undefined;
  const keys = options.keys ? parseKeys((await fileAt(options.keys)).toString("utf8")) : undefined;
  if (keys?.length === 0) throw new InputError(`${options.keys}: holds no key; expected one a line`);
  return {
    model,
    revision,
    dtype,
    device,
    threads,
    tokens,
    decode,
    host,
    port,
    workers,
    apiKeys: keys ?? parseKeys(process.env.UAT_API_KEYS ?? ""),
    corsOrigins: options.cors,
    allowedHosts: options.allowHost,
    tls,
    ...(options.static === undefined ? playground() : { staticFolder: options.static }),
    limits: {
      queue: options.queue,
      deadline: options.deadline,
      maxBytes: options.maxBytes,
      maxSeconds: options.maxSeconds,
      maxChannels: options.maxChannels,
      maxClips: options.maxClips,
      maxTokens: options.maxTokens,
      maxStreams: options.maxStreams,
    } as ServerOptions["limits"],
  };
}

async function fileAt(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw systemError(path, "read", error);
  }
}

/**
 * The page that comes with the published package, beside the bundles, with what it asks for below itself: the embedded
 * model, the sample clips and the WebAssembly of the runtime, each where the package holds it already.
 */
function playground(): Pick<ServerOptions, "staticFolder" | "staticMounts"> {
  const staticFolder = fileURLToPath(new URL("../playground", import.meta.url));
  if (!existsSync(staticFolder)) return {};
  const found = {
    "/models/base/": embeddedFolder("base"),
    "/models/samples/": embeddedFolder("samples"),
    "/runtime/": dirname(createRequire(import.meta.url).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm")),
  };
  const staticMounts = Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return { staticFolder, staticMounts };
}
