/** What runs the server elsewhere: the examples, as a user runs them, and the files for containers. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { decodeAudio } from "../../packages/audio/src/index.ts";
import { OPERATIONS } from "../../packages/server/src/api/operations.ts";
import { root, uat } from "../cli/run-uat.ts";
import { smallServer } from "./small-server.ts";

const run = promisify(execFile);

describe("examples", () => {
  let folder: string;
  let url: string;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "uat-examples-test-"));
    symlinkSync(join(root, "models"), join(folder, "models"), "junction");
    ({ url, stop } = await smallServer());
  });
  afterAll(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const example = (program: string, name: string) =>
    run(program, [join(root, "examples", name), url], { cwd: folder, encoding: "utf8" });

  test("client.mjs", async () => {
    const { stdout } = await example(process.execPath, "client.mjs");
    expect(stdout).toMatch(/^3\.48 s → codes \[1,1,88\] at 25 Hz\nreconstruction\.wav: \d+ bytes in \d+ parts\n$/);
    expect(readFileSync(join(folder, "reconstruction.wav")).subarray(0, 4).toString()).toBe("RIFF");
  });

  test("client-live.mjs", async () => {
    const { stdout } = await example(process.execPath, "client-live.mjs");
    expect(stdout).toMatch(/^from 0\.00 s: 25 codes\n(from \d\.\d\d s: \d+ codes\n)+88 codes for 3\.48 s\n$/);
  });

  test.skipIf(!existsSync("/usr/bin/python3"))("client.py (needs python3)", async () => {
    const { stdout } = await example("python3", "client.py");
    expect(stdout).toMatch(
      /^3\.48 s: 88 codes, \[\d+, \d+, \d+, \d+\] …\n8\.00 s: 200 codes, .*\nspeech\.flac: \d+ bytes\n$/,
    );
    const { channels, sampleRate } = await decodeAudio(readFileSync(join(folder, "speech.flac")));
    expect(channels[0]!.length / sampleRate).toBeCloseTo(3.5, 1);
  });

  test.skipIf(!existsSync("/usr/bin/curl"))("curl.sh (needs curl)", async () => {
    const { stdout } = await example("sh", "curl.sh");
    expect(stdout).toMatch(/^tokens\.json: codes \[2,1,200\]\nspeech\.wav: \d+ bytes\n$/);
    expect(readFileSync(join(folder, "speech.wav")).length).toBeGreaterThan(100_000);
  });
});

const options = async () => (await uat(["serve", "--help"])).stdout.toString();

test("the Kubernetes example asks paths and gives options that exist, and runs without privileges", async () => {
  const documents = parseAllDocuments(readFileSync(join(root, "deploy/kubernetes.yaml"), "utf8"));
  expect(documents.flatMap((d) => d.errors)).toEqual([]);
  const deployment = documents[0]?.toJS();
  const { containers, securityContext, terminationGracePeriodSeconds } = deployment.spec.template.spec;
  const [container] = containers;
  const open = OPERATIONS.filter((o) => o.open).map((o) => o.path);
  for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"])
    expect(open).toContain(container[probe].httpGet.path);
  const help = await options();
  for (const word of container.args.filter((a: string) => a.startsWith("--"))) expect(help).toContain(`${word} `);
  expect(securityContext.runAsNonRoot).toBe(true);
  expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
  expect(terminationGracePeriodSeconds).toBeGreaterThan(30);
});

test("the Dockerfile runs without privileges, checks its health and starts the command with options that exist", async () => {
  const text = readFileSync(join(root, "deploy/Dockerfile"), "utf8");
  expect(text).toMatch(/^USER node$/m);
  expect(text).toContain("/healthz");
  const [, entry] = /^ENTRYPOINT (.*)$/m.exec(text) ?? [];
  const [command, name, ...rest] = JSON.parse(entry as string) as string[];
  expect([command, name]).toEqual(["uat", "serve"]);
  const help = await options();
  for (const word of rest.filter((a) => a.startsWith("--"))) expect(help).toContain(word);
});
