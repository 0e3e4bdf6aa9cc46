import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { startHub } from "../../../codec/src/checkpoint/node/hub-server.test-helper.ts";
import { fixturePath, temporaryFolder } from "./fixtures.ts";
import { openHubSource, splitFiles } from "./hub-source.ts";

const HF = readFileSync(fixturePath("datasets/hf-audio.parquet"));
const files = {
  "README.md": "card",
  "lfs:data/train-00000-of-00002.parquet": HF,
  "lfs:data/train-00001-of-00002.parquet": HF,
  "lfs:data/test-00000-of-00001.parquet": HF,
};

const hub = async () => {
  const server = await startHub("org/set", files, { license: "cc0-1.0" }, "dataset");
  onTestFinished(() => server.close());
  const env = { HF_ENDPOINT: server.endpoint, HF_HOME: temporaryFolder() };
  return { server, env };
};

describe("data sets by hub id", () => {
  it("are downloaded once, only the split's files", async () => {
    const { server, env } = await hub();
    const source = await openHubSource("org/set", { env });
    expect(source.length).toBe(10);
    expect((await source.example(6)).text).toBe("two");
    const fetched = server.requests.filter(({ path }) => path.includes("/resolve/")).map(({ path }) => path);
    // both shards hold the same bytes, which the cache keeps once
    expect(fetched.map((path) => path.replace(/.*\//, ""))).toEqual(["train-00000-of-00002.parquet"]);
    server.requests.length = 0;
    expect((await openHubSource("org/set", { env })).length).toBe(10);
    expect(server.requests.filter(({ path }) => path.includes("/resolve/"))).toEqual([]);
  });

  it("are read from the cache without a network, if it has all of the split", async () => {
    const { server, env } = await hub();
    await openHubSource("org/set", { env });
    const offline = { ...env, HF_HUB_OFFLINE: "1" };
    expect((await openHubSource("org/set", { env: offline })).length).toBe(10);
    await expect(openHubSource("org/set", { env: { ...offline, HF_HOME: temporaryFolder() } })).rejects.toThrow(
      /is not in the cache .* HF_HUB_OFFLINE is set/,
    );
    await server.close();
    expect((await openHubSource("org/set", { env })).length).toBe(10);
  });

  it("that are not there are named as the hub's addresses do", async () => {
    const { server, env } = await hub();
    await expect(openHubSource("org/other", { env })).rejects.toThrow(
      `datasets/org/other: is not on ${server.endpoint}, or is private`,
    );
    await expect(openHubSource("org/set", { env, split: "dev" })).rejects.toThrow(
      'org/set: has no Parquet files of split "dev"; it has data/test-00000-of-00001.parquet',
    );
  });
});

describe("local folders", () => {
  it("of shards are read", async () => {
    const { server, env } = await hub();
    const source = await openHubSource("org/set", { env });
    await server.close();
    const folder = source.name.replace(/\/data\/.*/, "");
    expect((await openHubSource(folder)).length).toBe(10);
  });

  it("that do not exist are not asked of the hub", async () => {
    await expect(openHubSource("./nowhere/set")).rejects.toThrow("./nowhere/set: no such folder, and no id on the hub");
    await expect(openHubSource(temporaryFolder())).rejects.toThrow(/has no Parquet files/);
  });
});

describe("files of a split", () => {
  it.each([
    [["train/0000.parquet", "test/0000.parquet"], "train", undefined, ["train/0000.parquet"]],
    [["en/train-0.parquet", "de/train-0.parquet"], "train", "de", ["de/train-0.parquet"]],
    [
      ["default/partial-train/0.parquet", "default/partial-test/0.parquet"],
      "test",
      undefined,
      ["default/partial-test/0.parquet"],
    ],
    [["data/restrained-0.parquet", "data/train-0.parquet"], "train", undefined, ["data/train-0.parquet"]],
    [["b.parquet", "a.parquet"], "train", undefined, ["a.parquet", "b.parquet"]],
  ])("%j: %s", (paths, split, config, expected) => {
    expect(splitFiles(paths, split, config, "set")).toEqual(expected);
  });

  it("of several configurations need one to be named", () => {
    const paths = ["en/train-0.parquet", "de/train-0.parquet"];
    expect(() => splitFiles(paths, "train", undefined, "set")).toThrow("set: has several configurations (de, en)");
    expect(() => splitFiles(paths, "train", "fr", "set")).toThrow('no Parquet files of configuration "fr"');
    expect(() => splitFiles(["b.parquet"], "test", undefined, "set")).toThrow('no Parquet files of split "test"');
  });
});
