import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Settings of the hub's tools, shared with Python's huggingface_hub. */
export interface HubEnvironment {
  readonly endpoint: string;
  readonly token: string | undefined;
  /** The directory that holds `models--org--name/…`. */
  readonly cache: string;
  readonly offline: boolean;
}

/**
 * HF_ENDPOINT, HF_TOKEN (or the file that a login leaves in HF_HOME), HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME and
 * HF_HUB_OFFLINE, with the defaults of the hub's own tools.
 */
export function hubEnvironment(env: Record<string, string | undefined> = process.env): HubEnvironment {
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
  return {
    endpoint: (env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, ""),
    token: env.HF_TOKEN?.trim() || savedToken(env.HF_TOKEN_PATH || join(home, "token")),
    cache: env.HF_HUB_CACHE || join(home, "hub"),
    offline: /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE ?? ""),
  };
}

function savedToken(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
