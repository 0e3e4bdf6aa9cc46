import { spawn } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Random } from "../random.ts";
import { clipIdentity, FeatureCache } from "./feature-cache.ts";
import { temporaryFolder } from "./fixtures.ts";

const array = (seed: number, length = 60) => {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => 4 * random.normal());
};
const files = (dir: string, ending: string) =>
  readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(dir, name));

describe("FeatureCache", () => {
  it("gives back what was added, to half precision, in this run and the next", async () => {
    const dir = temporaryFolder();
    const cache = await FeatureCache.open(dir, "key");
    expect(cache.has("a")).toBe(false);
    expect(await cache.get("a")).toBeUndefined();
    await Promise.all([0, 1, 2].map((i) => cache.append(`clip ${i}`, array(i), [5, 12])));
    const check = async (opened: FeatureCache) => {
      expect(opened.size).toBe(3);
      for (const i of [2, 0, 1]) {
        const { data, shape } = (await opened.get(`clip ${i}`))!;
        expect(shape).toEqual([5, 12]);
        // 11 bits: half of the last one, relative
        for (const [j, value] of array(i).entries()) {
          expect(Math.abs(data[j]! - value)).toBeLessThanOrEqual(2 ** -11 * Math.abs(value) + 2 ** -25);
        }
      }
    };
    await check(cache);
    await cache.close();
    const again = await FeatureCache.open(dir, "key");
    await check(again);
    await again.append("clip 3", array(3), [60]);
    expect((await again.get("clip 3"))?.shape).toEqual([60]);
    await again.close();
    expect((await FeatureCache.open(dir, "other key")).size).toBe(0);
  });

  it("keeps what was added first", async () => {
    const cache = await FeatureCache.open(temporaryFolder(), "key");
    await cache.append("a", Float32Array.of(1), [1]);
    await cache.append("a", Float32Array.of(2), [1]);
    expect((await cache.get("a"))?.data).toEqual(Float32Array.of(1));
    await cache.close();
  });

  it("lets several processes add at once", async () => {
    const dir = temporaryFolder();
    const caches = await Promise.all([0, 1, 2].map(() => FeatureCache.open(dir, "key")));
    await Promise.all(caches.flatMap((cache, i) => [0, 1].map((j) => cache.append(`${i}${j}`, array(i), [60]))));
    await Promise.all(caches.map((cache) => cache.close()));
    expect((await FeatureCache.open(dir, "key")).size).toBe(6);
  });

  it("refuses what float16 cannot hold, and shapes that do not fit", async () => {
    const cache = await FeatureCache.open(temporaryFolder(), "key");
    await expect(cache.append("a", Float32Array.of(1, 70000), [2])).rejects.toThrow(
      /a: output 70000 at 1 does not fit/,
    );
    await expect(cache.append("a", Float32Array.of(Number.NaN), [1])).rejects.toThrow(/a: output NaN at 0/);
    await expect(cache.append("a", Float32Array.of(1), [2])).rejects.toThrow(RangeError);
    expect(cache.has("a")).toBe(false);
    await cache.append("a", Float32Array.of(1), [1]);
    expect(cache.has("a")).toBe(true);
    await cache.close();
  });

  it("cut off at any byte keeps the arrays that are whole", async () => {
    const dir = temporaryFolder();
    const cache = await FeatureCache.open(dir, "key");
    for (let i = 0; i < 4; i++) await cache.append(`${i}`, array(i), [60]);
    await cache.close();
    const [index] = files(dir, ".idx") as [string];
    const [data] = files(dir, ".f16") as [string];
    const [wholeIndex, wholeData] = [readFileSync(index), readFileSync(data)];
    expect([wholeIndex.length, wholeData.length]).toEqual([256, 480]);
    for (let cut = 0; cut <= 256; cut += 13) {
      writeFileSync(index, wholeIndex);
      truncateSync(index, cut);
      expect((await FeatureCache.open(dir, "key")).size).toBe(Math.floor(cut / 64));
    }
    writeFileSync(index, wholeIndex);
    for (let cut = 0; cut <= 480; cut += 37) {
      writeFileSync(data, wholeData);
      truncateSync(data, cut);
      expect((await FeatureCache.open(dir, "key")).size).toBe(Math.floor(cut / 120));
    }
  });

  it("damaged on the disk forgets what is damaged, and takes it again", async () => {
    const dir = temporaryFolder();
    const cache = await FeatureCache.open(dir, "key");
    for (let i = 0; i < 3; i++) await cache.append(`${i}`, array(i), [60]);
    await cache.close();
    const [index] = files(dir, ".idx") as [string];
    const [data] = files(dir, ".f16") as [string];
    const entries = readFileSync(index);
    entries[70]! ^= 1;
    writeFileSync(index, entries);
    const values = readFileSync(data);
    values[300]! ^= 1;
    writeFileSync(data, values);
    appendFileSync(index, Buffer.alloc(200, 7));
    const damaged = await FeatureCache.open(dir, "key");
    expect(["0", "1", "2"].map((id) => damaged.has(id))).toEqual([true, false, true]);
    expect(await damaged.get("2")).toBeUndefined();
    expect(damaged.has("2")).toBe(false);
    await damaged.append("2", array(2), [60]);
    await damaged.append("1", array(1), [60]);
    await damaged.close();
    const mended = await FeatureCache.open(dir, "key");
    for (let i = 0; i < 3; i++) expect((await mended.get(`${i}`))?.data.length).toBe(60);
    await mended.close();
  });

  it("of a process killed while it writes holds whole arrays only", async () => {
    const dir = temporaryFolder();
    const program = `
      import { FeatureCache } from ${JSON.stringify(fileURLToPath(new URL("feature-cache.ts", import.meta.url)))};
      const cache = await FeatureCache.open(${JSON.stringify(dir)}, "key");
      for (let i = cache.size; ; i++) {
        await cache.append(String(i), new Float32Array(20000).fill(i % 1000), [20000]);
        if (i % 100 === 0) console.log(i);
      }`;
    for (let kill = 0; kill < 3; kill++) {
      const child = spawn(
        process.execPath,
        ["--import", "tsx", "--conditions", "source", "--input-type=module", "-e", program],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      await new Promise((resolve) => child.stdout.once("data", resolve));
      await new Promise((resolve) => setTimeout(resolve, 7 * kill));
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
    const cache = await FeatureCache.open(dir, "key");
    expect(cache.size).toBeGreaterThan(2);
    expect(files(dir, ".idx").length).toBe(3);
    for (let i = 0; i < cache.size; i++) {
      const { data } = (await cache.get(String(i)))!;
      expect([data[0], data[19999]]).toEqual([i % 1000, i % 1000]);
    }
    await cache.close();
  });

  it("that cannot grow any more keeps what it has, in one line", async () => {
    const dir = temporaryFolder();
    const program = `
      import { FeatureCache } from ${JSON.stringify(fileURLToPath(new URL("feature-cache.ts", import.meta.url)))};
      const cache = await FeatureCache.open(${JSON.stringify(dir)}, "key");
      for (let i = 0; i < 30; i++) {
        try { await cache.append(String(i), new Float32Array(20000).fill(i), [20000]); }
        catch (error) { console.log(i, error.name, error.message); break; }
      }
      await cache.append("small", Float32Array.of(7), [1]);
      await cache.close();`;
    // files may have 256 KiB: six arrays and a part of the seventh
    const command = `ulimit -f 256; exec "$0" --import tsx --conditions source --input-type=module -e "$1"`;
    const child = spawn("bash", ["-c", command, process.execPath, program], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    await new Promise((resolve) => child.once("exit", resolve));
    expect(output).toMatch(/^6 TrainingError .*cannot be used as a cache \(EFBIG/);
    const cache = await FeatureCache.open(dir, "key");
    expect(cache.size).toBe(7);
    expect((await cache.get("5"))?.data[19999]).toBe(5);
    expect((await cache.get("small"))?.data).toEqual(Float32Array.of(7));
    await cache.close();
  });

  it("says when the folder cannot be used", async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, "file"), "");
    await expect(FeatureCache.open(join(dir, "file"), "key")).rejects.toThrow(/cannot be used as a cache/);
  });
});

describe("clipIdentity", () => {
  it("changes with the content, the row and the stretch", async () => {
    const path = join(temporaryFolder(), "a.wav");
    writeFileSync(path, "one");
    const clip = { id: "list:1", audio: { path } };
    const first = await clipIdentity(clip);
    expect(await clipIdentity(clip)).toBe(first);
    expect(await clipIdentity({ ...clip, id: "list:2" })).not.toBe(first);
    expect(await clipIdentity({ ...clip, start: 1 })).not.toBe(first);
    const { mtime } = statSync(path);
    writeFileSync(path, "two");
    utimesSync(path, mtime, new Date(mtime.getTime() + 5000));
    expect(await clipIdentity(clip)).not.toBe(first);
    const bytes = { id: "list:1", audio: { bytes: Buffer.from("two"), name: "x" } };
    expect(await clipIdentity(bytes)).toBe(await clipIdentity(clip));
    await expect(clipIdentity({ id: "x", audio: { path: "/nowhere" } })).rejects.toThrow("/nowhere: cannot be read");
  });
});
