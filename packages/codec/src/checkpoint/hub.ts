/** The Hugging Face Hub's API as far as models and data sets need it: which commit, which files, which licence. */
import { CheckpointError, printable } from "./errors.ts";

/** The hub cannot be reached at all, as opposed to answering with an error. */
export class HubUnreachable extends CheckpointError {}

/** How to reach a hub. */
export interface HubConnection {
  /** e.g. `https://huggingface.co`, without a slash at the end. */
  readonly endpoint: string;
  readonly token?: string | undefined;
  readonly fetch?: typeof fetch | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One file of a repository at one commit. */
export interface HubFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** What its content must hash to: LFS files carry a SHA-256, others git's SHA-1 of a blob. */
  readonly hash: { readonly kind: "sha256" | "git"; readonly hex: string };
}

/** A repository at one commit. */
export interface HubRepository {
  readonly commit: string;
  /** One line from the model card (or the name of the licence file), for the user to see before a download. */
  readonly license: string;
  readonly files: readonly HubFile[];
}

/** What a repository of the hub is. */
export type RepositoryKind = "model" | "dataset";

/** Which half of a model. */
export type ModelPart = "tokenizer" | "decoder";

/** Files of a repository that this project reads; weights of other frameworks and training leftovers are left there. */
const NEEDED = /^(tokenizer|decoder)\/([\w.-]+\.(json|ya?ml|safetensors|safetensors\.index\.json)|(flow|hift)\.pt)$/;

/** Whether a path is of a file that a model needs. */
export const isModelFile = (path: string): boolean => NEEDED.test(path);

/** The files among `files` that a model (or one part of it) needs. */
export function neededFiles(files: readonly HubFile[], part?: ModelPart): HubFile[] {
  return files.filter(({ path }) => isModelFile(path) && (!part || path.startsWith(`${part}/`)));
}

/** A fetch that adds the token and turns failures into errors that say what to do. */
export function hubFetch(id: string, revision: string, hub: HubConnection): typeof fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    if (hub.token) headers.set("authorization", `Bearer ${hub.token}`);
    let response: Response;
    try {
      response = await (hub.fetch ?? fetch)(input, {
        ...init,
        headers,
        ...(hub.signal && !init?.signal ? { signal: hub.signal } : {}),
      });
    } catch (cause) {
      if (hub.signal?.aborted) throw cause;
      throw new HubUnreachable(
        `${id}: ${hub.endpoint} cannot be reached (${reason(cause)}); check the network, or give a local directory`,
        {
          cause,
        },
      );
    }
    if (response.ok || response.status === 416) return response;
    await response.body?.cancel();
    throw refusal(id, revision, hub, response);
  };
}

/** undici hides the reason of a failed fetch in `cause`. */
function reason(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  return cause?.code ?? cause?.message ?? (error as Error).message;
}

function refusal(id: string, revision: string, hub: HubConnection, response: Response): CheckpointError {
  const code = response.headers.get("x-error-code");
  const token = hub.token ? "the token in HF_TOKEN" : "no token; set HF_TOKEN";
  if (code === "RevisionNotFound")
    return new CheckpointError(`${id}: has no revision "${revision}" on ${hub.endpoint}`);
  if (code === "GatedRepo" || response.status === 403)
    return new CheckpointError(
      `${id}: access is restricted (${response.status}); accept its terms at ${hub.endpoint}/${id} and use a token of that account (${token})`,
    );
  if (code === "RepoNotFound" || response.status === 404)
    return new CheckpointError(`${id}: is not on ${hub.endpoint}, or is private (${token}); check the name`);
  if (response.status === 401)
    return new CheckpointError(`${id}: ${hub.endpoint} asks for a valid token (401; ${token})`);
  if (response.status === 429 || response.status >= 500)
    return new HubUnreachable(`${id}: ${hub.endpoint} is busy (${response.status}); try again later`);
  return new CheckpointError(`${id}: ${hub.endpoint} answered ${response.status} ${response.statusText}`);
}

/** A repository as the hub's addresses name it, which messages do too: data sets lie in a room of their own. */
export const hubName = (id: string, kind: RepositoryKind): string => (kind === "dataset" ? `datasets/${id}` : id);

/**
 * Asks the hub for a repository's commit, licence and files.
 * @param revision branch, tag or commit.
 * @param isWanted which paths are listed.
 * @throws HubUnreachable without a network; CheckpointError when the repository is missing, private or gated.
 */
export async function hubRepository(
  id: string,
  revision: string,
  hub: HubConnection,
  { kind = "model", isWanted = isModelFile }: { kind?: RepositoryKind; isWanted?: (path: string) => boolean } = {},
): Promise<HubRepository> {
  // Loaded when needed: most runs use a local model and should not pay for it at start-up.
  const { datasetInfo, listFiles, modelInfo } = await import("@huggingface/hub");
  const fetchHub = hubFetch(hubName(id, kind), revision, hub);
  const common = { hubUrl: hub.endpoint, fetch: fetchHub };
  const malformed = (cause?: unknown): CheckpointError =>
    new CheckpointError(`${id}: ${hub.endpoint} does not answer as a Hugging Face Hub does`, { cause });
  try {
    const wanted = { ...common, name: id, revision };
    const info =
      kind === "dataset"
        ? await datasetInfo({ ...wanted, additionalFields: ["sha", "cardData"] })
        : await modelInfo({ ...wanted, additionalFields: ["sha", "cardData"] });
    const commit: unknown = info.sha;
    if (typeof commit !== "string" || !/^[0-9a-f]{40}$/.test(commit)) throw malformed();
    const files: HubFile[] = [];
    let licenseFile: string | undefined;
    for await (const entry of listFiles({
      ...common,
      repo: { type: kind, name: id },
      revision: commit,
      recursive: true,
    })) {
      if (entry.type !== "file") continue;
      if (/^licen[cs]e(\.\w+)?$/i.test(entry.path)) licenseFile = entry.path;
      const sha256 = entry.lfs?.oid.replace(/^sha256:/, "");
      const hash = sha256
        ? ({ kind: "sha256", hex: sha256 } as const)
        : ({ kind: "git", hex: entry.oid ?? "" } as const);
      const size = entry.lfs?.size ?? entry.size;
      // The hash becomes a file name in the cache.
      if (!isWanted(entry.path)) continue;
      if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash.hex) || !Number.isSafeInteger(size) || size < 0) throw malformed();
      files.push({ path: entry.path, size, hash });
    }
    return { commit, license: licenseLine(info.cardData, licenseFile), files };
  } catch (error) {
    if (error instanceof CheckpointError || hub.signal?.aborted) throw error;
    throw malformed(error);
  }
}

/** The model card's licence; a card that says `other` names it in `license_name` and points to it in `license_link`. */
function licenseLine(card: unknown, file: string | undefined): string {
  const { license, license_name: name, license_link: link } = (card ?? {}) as Record<string, unknown>;
  const parts: string[] = [];
  const id = Array.isArray(license) ? license.join(", ") : license;
  if (typeof id === "string" && id !== "other") parts.push(id);
  if (typeof name === "string") parts.push(name);
  if (typeof link === "string") parts.push(`(${link})`);
  if (parts.length === 0) parts.push(file ? `see the file ${file} of the repository` : "none stated by the repository");
  return printable(parts.join(" ")).slice(0, 300);
}
