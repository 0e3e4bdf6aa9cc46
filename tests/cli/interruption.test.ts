/** Full disks, closed pipes, Ctrl-C: nothing half-written stays. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { afterAll, describe, expect, test } from "vitest";
import { fixtures, namesIn, speech, uat, workFolder } from "./run-uat.ts";

const { folder, model, remove } = workFolder();
afterAll(remove);

describe.skipIf(!existsSync("/dev/full"))("a full disk", () => {
  test("is one clear line", async () => {
    for (const args of [
      ["tokenize", speech, "--out", "/dev/full"],
      ["decode", join(fixtures, "decoders/uniaudio/cases/n7/tokens.npy"), "--out", "/dev/full"],
    ]) {
      const { code, stderr } = await uat([...args, "--model", model, "--quiet"]);
      expect(stderr).toBe("uat: /dev/full: cannot be written: no space left on the disk\n");
      expect(code).toBe(2);
    }
  });
});

test("a place that cannot be written is told before work starts", async () => {
  writeFileSync(join(folder, "plain"), "");
  const { code, stderr } = await uat(["tokenize", speech, "--model", model, "--out", join(folder, "plain/x.json")]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^uat: .*plain\/x\.json: cannot be written: [^\n]+\n$/);
  const decoded = await uat(["decode", "-", "--model", model, "--out", join(folder, "plain/x.wav")], { input: "[1]" });
  expect(decoded.stderr).toMatch(/^uat: .*plain\/x\.wav: cannot be written: [^\n]+\n$/);
  const directory = await uat(["tokenize", speech, "--model", model, "--out", folder]);
  expect(directory.stderr).toMatch(/is a directory/);
});

test("a reader that goes away ends the command quietly", async () => {
  const files = Array.from({ length: 3 }, () => speech);
  const { code, stderr } = await uat(["tokenize", ...files, "--model", model, "--quiet"], {
    onStart: (child) => child.stdout?.destroy(),
  });
  expect(stderr).toBe("");
  expect(code).toBe(0);
});

test("existing files are replaced whole; links stay links; failures leave them alone", async () => {
  const target = join(folder, "real.json");
  const link = join(folder, "link.json");
  writeFileSync(target, "old");
  symlinkSync(target, link);
  const failed = await uat(["tokenize", join(folder, "gone.wav"), "--model", model, "--out", link]);
  expect(failed.code).toBe(2);
  expect(readFileSync(target, "utf8")).toBe("old");
  expect((await uat(["tokenize", speech, "--model", model, "--quiet", "--out", link])).code).toBe(0);
  expect(JSON.parse(readFileSync(target, "utf8")).codes).toHaveLength(75);
  expect(namesIn(folder).filter((n) => n.endsWith(".tmp"))).toEqual([]);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s mid-run leaves no file and no directory", async (signal) => {
  const clip = join(folder, "long.wav");
  // four minutes: far more work than the time until the signal
  if (!existsSync(clip))
    writeFileSync(clip, encodeWav([Float32Array.from({ length: 240 * 16000 }, () => Math.random() - 0.5)], 16000));
  const work = join(folder, `work-${signal}`);
  mkdirSync(work);
  let sent = false;
  const { code, stderr } = await uat(["reconstruct", clip, "--plot", "--model", model, "--out-dir", "new/deep"], {
    cwd: work,
    onStart(child) {
      // once the temporary file is there
      const timer = setInterval(() => {
        if (child.exitCode !== null) clearInterval(timer);
        if (!existsSync(join(work, "new/deep")) || sent) return;
        sent = true;
        clearInterval(timer);
        child.kill(signal);
      }, 10);
    },
  });
  expect(sent).toBe(true);
  expect(code).toBe(signal === "SIGINT" ? 130 : 143);
  expect(stderr).not.toMatch(/ at |rror/);
  expect(namesIn(work)).toEqual([]);
});
