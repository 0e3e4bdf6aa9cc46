/** For tests: a server that speaks as much of the hub's API as downloads use, and can misbehave on request. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hubName, type RepositoryKind } from "../hub.ts";

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** One request as the server saw it. */
export interface SeenRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export interface TestHub {
  readonly endpoint: string;
  readonly requests: SeenRequest[];
  /** Cut the connection after this many bytes of each large file's answer and a pause, this many times. */
  cut: { after: number; times: number; pauseMs?: number } | undefined;
  /** Answer every request with this status and error code. */
  refuse: { status: number; code?: string } | undefined;
  /** Change a byte of large files. */
  corrupt: boolean;
  /** Ignore range headers. */
  noRanges: boolean;
  close(): Promise<void>;
}

/** @param files `lfs:PATH` for files kept in large file storage, whose downloads are redirected. */
export async function startHub(
  id: string,
  files: Record<string, Uint8Array | string>,
  cardData: unknown,
  kind: RepositoryKind = "model",
): Promise<TestHub> {
  const api = `/api/${kind}s/${id}`;
  const contents = new Map(Object.entries(files).map(([path, data]) => [path.replace(/^lfs:/, ""), Buffer.from(data)]));
  const large = new Set(
    Object.keys(files)
      .filter((path) => path.startsWith("lfs:"))
      .map((path) => path.slice(4)),
  );
  const tree = [...contents].map(([path, data]) => ({
    type: "file",
    path,
    size: data.length,
    oid: createHash("sha1").update(`blob ${data.length}\0`).update(data).digest("hex"),
    ...(large.has(path)
      ? { lfs: { oid: createHash("sha256").update(data).digest("hex"), size: data.length, pointerSize: 134 } }
      : {}),
  }));
  const hub = {
    requests: [] as SeenRequest[],
    cut: undefined,
    refuse: undefined,
    corrupt: false,
    noRanges: false,
  } as unknown as TestHub & {
    endpoint: string;
  };
  const json = (response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void => {
    response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
  const sendFile = (request: IncomingMessage, response: ServerResponse, path: string): void => {
    let data = contents.get(path)!;
    if (hub.corrupt && large.has(path)) {
      data = Buffer.from(data);
      data[data.length >> 1]! ^= 1;
    }
    const start = hub.noRanges ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
    if (start !== undefined && Number(start) >= data.length) {
      response.writeHead(416).end();
      return;
    }
    const body = data.subarray(Number(start ?? 0));
    response.writeHead(start === undefined ? 200 : 206, {
      "content-length": body.length,
      ...(start === undefined ? {} : { "content-range": `bytes ${start}-${data.length - 1}/${data.length}` }),
    });
    if (hub.cut && hub.cut.times > 0 && large.has(path)) {
      const { after, pauseMs = 20 } = hub.cut;
      hub.cut.times--;
      response.write(body.subarray(0, after), () => setTimeout(() => response.destroy(), pauseMs).unref());
    } else response.end(body);
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url!, hub.endpoint);
    hub.requests.push({
      path: url.pathname,
      range: request.headers.range,
      authorization: request.headers.authorization,
    });
    const resolve = `/${hubName(id, kind)}/resolve/${COMMIT}/`;
    if (hub.refuse) {
      response.writeHead(hub.refuse.status, hub.refuse.code ? { "x-error-code": hub.refuse.code } : {}).end("{}");
    } else if (url.pathname === `${api}/revision/main` || url.pathname === `${api}/revision/${COMMIT}`) {
      json(response, { _id: "1", id, sha: COMMIT, cardData, lastModified: "2026-01-01T00:00:00Z" });
    } else if (url.pathname.startsWith(`${api}/revision/`)) {
      response.writeHead(404, { "x-error-code": "RevisionNotFound" }).end("{}");
    } else if (url.pathname === `${api}/tree/${COMMIT}`) {
      // Two pages, as the hub does for many files.
      const page = Number(url.searchParams.get("cursor") ?? 0);
      const half = Math.ceil(tree.length / 2);
      const next = `${hub.endpoint}${url.pathname}?recursive=true&cursor=1`;
      json(response, tree.slice(page * half, (page + 1) * half), page === 0 ? { link: `<${next}>; rel="next"` } : {});
    } else if (url.pathname.startsWith(resolve) && contents.has(url.pathname.slice(resolve.length))) {
      const path = url.pathname.slice(resolve.length);
      if (large.has(path)) response.writeHead(302, { location: `/storage/${path}` }).end();
      else sendFile(request, response, path);
    } else if (url.pathname.startsWith("/storage/"))
      sendFile(request, response, url.pathname.slice("/storage/".length));
    else response.writeHead(404, { "x-error-code": "RepoNotFound" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  hub.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  hub.close = () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return hub;
}
