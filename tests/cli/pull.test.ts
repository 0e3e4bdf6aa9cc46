/** `uat pull` and `--model org/name` against a local server that speaks the hub's API. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { COMMIT, startHub, type TestHub } from "../../packages/codec/src/checkpoint/node/hub-server.test-helper.ts";
import { fixtures, namesIn, speech, uat } from "./run-uat.ts";

const checkpoint = join(fixtures, "tokenizers/uniaudio/checkpoint/tokenizer");
let hub: TestHub;
let cache: string;
beforeAll(async () => {
  const file = (name: string) => readFileSync(join(checkpoint, name));
  hub = await startHub(
    "some/model",
    {
      "tokenizer/config.json": file("config.json"),
      "tokenizer/preprocessor_config.json": file("preprocessor_config.json"),
      "lfs:tokenizer/model.safetensors": file("model.safetensors"),
    },
    { license: "other", license_name: "some-license" },
  );
  cache = mkdtempSync(join(tmpdir(), "uat-cli-hub-"));
});
afterAll(async () => {
  await hub.close();
  rmSync(cache, { recursive: true, force: true });
});
const env = () => ({ HF_ENDPOINT: hub.endpoint, HF_HOME: cache, HF_HUB_OFFLINE: "" });

test("pull shows the licence, prints the folder; the id then works as a model, offline too", async () => {
  const { code, stdout, stderr } = await uat(["pull", "some/model"], { env: env() });
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/^some\/model: licence some-license$/m);
  const folder = String(stdout).trimEnd();
  expect(folder).toBe(join(cache, `hub/models--some--model/snapshots/${COMMIT}`));
  expect(namesIn(join(folder, "tokenizer"))).toContain("model.safetensors");

  const offline = { ...env(), HF_HUB_OFFLINE: "1" };
  const tokenized = await uat(["tokenize", speech, "--model", "some/model", "--quiet"], { env: offline });
  expect(tokenized.stderr).toBe("");
  expect(JSON.parse(String(tokenized.stdout)).codes).toHaveLength(75);
  expect(String((await uat(["inspect", "some/model", "--json"], { env: offline })).stdout)).toContain('"bitRate": 225');
});

test("a revision that is not there", async () => {
  hub.refuse = { status: 404, code: "RevisionNotFound" };
  const { code, stdout, stderr } = await uat(["pull", "some/model", "--revision", "v9"], { env: env() });
  hub.refuse = undefined;
  expect(code).toBe(2);
  expect(String(stdout)).toBe("");
  expect(stderr).toMatch(/^uat: some\/model: has no revision "v9"[^\n]*\n$/);
});
