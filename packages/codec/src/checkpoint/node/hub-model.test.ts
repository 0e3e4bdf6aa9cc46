import { randomBytes } from "node:crypto";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HubProgress } from "../hub-progress.ts";
import { downloadHubModel, type HubModelOptions, openHubModel } from "./hub-model.ts";
import { COMMIT, startHub, type TestHub } from "./hub-server.test-helper.ts";

const ID = "some/model";
const weights = randomBytes(300_000);
const files = {
  "README.md": "card",
  "LICENSE.txt": "terms",
  "tokenizer/config.json": "{}",
  "tokenizer/preprocessor_config.json": "{}",
  "lfs:tokenizer/model.safetensors": weights,
  "lfs:tokenizer/pytorch_model.bin": "not needed",
  "decoder/config.yaml": "flow: 1",
  "lfs:decoder/flow.pt": randomBytes(50_000),
  "lfs:decoder/hift.pt": randomBytes(1000),
  "lfs:decoder/llm.pt": "not needed",
};

let hub: TestHub;
let cache: string;
beforeEach(async () => {
  hub = await startHub(ID, files, { license: "other", license_name: "some-license", license_link: "LICENSE" });
  cache = mkdtempSync(join(tmpdir(), "hub-cache-"));
});
afterEach(async () => {
  await hub.close();
  rmSync(cache, { recursive: true, force: true });
});

const options = (more: HubModelOptions = {}, env: Record<string, string> = {}): HubModelOptions => ({
  retry: { attempts: 3, pauseMs: 1, stallMs: 2000 },
  ...more,
  env: { HF_ENDPOINT: hub.endpoint, HF_HOME: cache, ...env },
});
const partials = (): string[] => {
  const folder = join(cache, "hub/models--some--model/blobs");
  return readdirSync(folder).filter((name) => name.includes("incomplete"));
};

describe("downloads", () => {
  test("what is needed, into the hub's layout, with progress and the licence", async () => {
    const events: HubProgress[] = [];
    const licenses: unknown[] = [];
    const folder = await downloadHubModel(
      ID,
      options({
        progress_callback: (event) => events.push(event),
        onLicense: (license) => void licenses.push(license),
      }),
    );
    expect(folder).toBe(join(cache, "hub/models--some--model/snapshots", COMMIT));
    expect(readFileSync(join(folder, "tokenizer/model.safetensors")).equals(weights)).toBe(true);
    expect(lstatSync(join(folder, "tokenizer/config.json")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(cache, "hub/models--some--model/refs/main"), "utf8")).toBe(COMMIT);
    expect(readdirSync(join(folder, "decoder")).sort()).toEqual(["config.yaml", "flow.pt", "hift.pt"]);
    expect(readdirSync(join(folder, "tokenizer"))).toHaveLength(3);
    expect(partials()).toEqual([]);
    expect(licenses).toEqual([{ id: ID, license: "some-license (LICENSE)" }]);
    const statuses = events.filter((e) => e.file === "tokenizer/model.safetensors").map((e) => e.status);
    expect([...new Set(statuses)]).toEqual(["initiate", "download", "progress", "done"]);
    expect(events.filter((e) => e.status === "progress" && e.file === "decoder/flow.pt").at(-1)).toMatchObject({
      loaded: 50_000,
      total: 50_000,
      progress: 100,
    });
    expect(events.at(-1)).toEqual({ status: "ready", name: ID });
  });

  test("once; and one part only where asked", async () => {
    await downloadHubModel(ID, options({ part: "decoder" }));
    expect(hub.requests.filter((r) => r.path.startsWith("/storage/")).map((r) => r.path)).toEqual([
      "/storage/decoder/flow.pt",
      "/storage/decoder/hift.pt",
    ]);
    hub.requests.length = 0;
    const licenses: unknown[] = [];
    await downloadHubModel(ID, options({ part: "decoder", onLicense: (l) => void licenses.push(l) }));
    expect(hub.requests.some((r) => r.path.includes("resolve"))).toBe(false);
    expect(licenses).toEqual([]);
    hub.requests.length = 0;
    await downloadHubModel(ID, options({ part: "decoder", revision: COMMIT }));
    expect(hub.requests).toEqual([]);
  });

  test("continue after the connection broke", async () => {
    hub.cut = { after: 70_000, times: 2 };
    const folder = await downloadHubModel(ID, options({ part: "tokenizer" }));
    expect(readFileSync(join(folder, "tokenizer/model.safetensors")).equals(weights)).toBe(true);
    const ranges = hub.requests.filter((r) => r.path.startsWith("/storage/")).map((r) => r.range);
    expect(ranges).toEqual([undefined, "bytes=70000-", "bytes=140000-"]);
  });

  test("continue in another run", async () => {
    hub.cut = { after: 100_000, times: 1 };
    await expect(downloadHubModel(ID, options({ part: "tokenizer", retry: { attempts: 1 } }))).rejects.toThrow(
      /some\/model: the download of tokenizer\/model.safetensors broke off .*run again/,
    );
    expect(partials()).toHaveLength(1);
    hub.requests.length = 0;
    await downloadHubModel(ID, options({ part: "tokenizer" }));
    expect(hub.requests.find((r) => r.path.startsWith("/storage/"))?.range).toBe("bytes=100000-");
    expect(partials()).toEqual([]);
  });

  test("start over where the server has no ranges", async () => {
    hub.cut = { after: 100_000, times: 1 };
    hub.noRanges = true;
    const folder = await downloadHubModel(ID, options({ part: "tokenizer" }));
    expect(readFileSync(join(folder, "tokenizer/model.safetensors")).equals(weights)).toBe(true);
  });

  test("refuse damaged content and leave nothing", async () => {
    hub.corrupt = true;
    await expect(downloadHubModel(ID, options({ part: "tokenizer" }))).rejects.toThrow(/has the checksum .* run again/);
    expect(partials()).toEqual([]);
    hub.corrupt = false;
    await downloadHubModel(ID, options({ part: "tokenizer" }));
  });

  test("a connection that brings nothing counts as broken", async () => {
    hub.cut = { after: 100_000, times: 1, pauseMs: 60_000 };
    const retry = { attempts: 2, pauseMs: 1, stallMs: 300 };
    const folder = await downloadHubModel(ID, options({ part: "tokenizer", retry }));
    expect(readFileSync(join(folder, "tokenizer/model.safetensors")).equals(weights)).toBe(true);
  });

  test("without a network", async () => {
    const { endpoint, close } = await startHub(ID, files, {});
    await close();
    await expect(downloadHubModel(ID, options({}, { HF_ENDPOINT: endpoint }))).rejects.toThrow(
      /cannot be reached \(ECONNREFUSED\); check the network/,
    );
  });

  test("at once by several callers", async () => {
    const folders = await Promise.all([1, 2, 3].map(() => downloadHubModel(ID, options())));
    expect(new Set(folders).size).toBe(1);
    expect(readFileSync(join(folders[0]!, "tokenizer/model.safetensors")).equals(weights)).toBe(true);
    expect(partials()).toEqual([]);
  });

  test("the licence callback may refuse", async () => {
    const refuse = (): never => {
      throw new Error("no");
    };
    await expect(downloadHubModel(ID, options({ onLicense: refuse }))).rejects.toThrow("no");
    expect(hub.requests.some((r) => r.path.includes("resolve"))).toBe(false);
  });
});

describe("without the network", () => {
  test("HF_HUB_OFFLINE uses the cache alone", async () => {
    await expect(downloadHubModel(ID, options({}, { HF_HUB_OFFLINE: "1" }))).rejects.toThrow(
      /is not in the cache .* HF_HUB_OFFLINE is set/,
    );
    expect(hub.requests).toEqual([]);
    await downloadHubModel(ID, options({ part: "tokenizer" }));
    hub.requests.length = 0;
    const opened = await openHubModel(ID, options({}, { HF_HUB_OFFLINE: "1" }));
    expect(await opened.text("tokenizer/config.json")).toBe("{}");
    expect(hub.requests).toEqual([]);
    await expect(openHubModel(ID, options({ part: "decoder" }, { HF_HUB_OFFLINE: "1" }))).rejects.toThrow(
      "is not in the cache",
    );
  });
  test("a hub that cannot be reached or is busy is no obstacle to a complete copy", async () => {
    await downloadHubModel(ID, options());
    hub.refuse = { status: 503 };
    await downloadHubModel(ID, options());
  });
});

describe("refusals", () => {
  test.each([
    [{ status: 404, code: "RepoNotFound" }, "is not on"],
    [{ status: 401, code: "RepoNotFound" }, "no token; set HF_TOKEN"],
    [{ status: 403, code: "GatedRepo" }, "accept its terms at"],
    [{ status: 401 }, "asks for a valid token"],
    [{ status: 200 }, "does not answer as a Hugging Face Hub does"],
  ])("%j", async (refuse, message) => {
    hub.refuse = refuse;
    await expect(downloadHubModel(ID, options())).rejects.toMatchObject({
      isInputError: true,
      message: expect.stringContaining(message),
    });
  });
  test("an unknown revision", () =>
    expect(downloadHubModel(ID, options({ revision: "v9" }))).rejects.toThrow('has no revision "v9"'));
  test("a repository of another kind", async () => {
    const other = await startHub(ID, { "model.bin": "x" }, {});
    await expect(downloadHubModel(ID, options({}, { HF_ENDPOINT: other.endpoint }))).rejects.toThrow(
      "has no tokenizer/ or decoder/ directory",
    );
    await other.close();
  });
  test.each(["a", "../x/y", "a/b/c", "a/../b", "-a/b"])("the id %s", (id) =>
    expect(downloadHubModel(id, options())).rejects.toThrow("is not a model id"),
  );
  test("a cache that cannot be written", async () => {
    writeFileSync(join(cache, "hub"), "a file");
    await expect(downloadHubModel(ID, options())).rejects.toMatchObject({ isInputError: true });
  });
  test("the token goes to the hub", async () => {
    await downloadHubModel(ID, options({ part: "tokenizer" }, { HF_TOKEN: "secret" }));
    expect(hub.requests.every((r) => r.path.startsWith("/storage/") || r.authorization === "Bearer secret")).toBe(true);
  });
});
