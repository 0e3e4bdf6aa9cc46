/**
 * `npm run bench -- [--only TEXT] [--rounds N] [--json FILE] [--yardstick "COMMAND"]`
 *
 * Every item runs in a process of its own, in rounds (A B A B …) so that a machine whose speed drifts does not favour
 * one. COMMAND is called with item names and prints a JSON line `{"item": …, "seconds": …}` for each: a program of
 * another framework doing the same work, run in turn with ours.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ITEMS } from "./items.ts";
import { modelDirectory } from "./models.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "3" },
    json: { type: "string" },
    yardstick: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const items = ITEMS.filter((i) => i.name.includes(values.only ?? ""));
const median = (a: readonly number[]): number => [...a].sort((x, y) => x - y)[Math.floor(a.length / 2)] as number;

interface Measured {
  readonly seconds: number[];
  readonly peak: number[];
  readonly yardstick: number[];
}

function runItem(name: string, directory: string): { seconds: number; peakMegabytes: number } {
  const child = spawnSync(
    process.execPath,
    ["--import", "tsx", fileURLToPath(new URL("one.ts", import.meta.url)), name, directory],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  if (child.status !== 0) throw new Error(`${name}: failed with ${child.signal ?? `exit code ${child.status}`}`);
  return JSON.parse(child.stdout.trim().split("\n").at(-1) as string) as { seconds: number; peakMegabytes: number };
}

function runYardstick(command: string, parts: Readonly<Record<string, number>>): number {
  const child = spawnSync(`${command} ${Object.keys(parts).join(" ")}`, {
    shell: true,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.status !== 0) throw new Error(`${command}: exit code ${child.status}`);
  let sum = 0;
  for (const line of child.stdout.trim().split("\n")) {
    const { item, seconds } = JSON.parse(line) as { item: string; seconds: number };
    sum += (parts[item] ?? 0) * seconds;
  }
  return sum;
}

const results = new Map<string, Measured>();
for (let round = 0; round < rounds; round++) {
  for (const item of items) {
    const directory = await modelDirectory(item.model);
    const { seconds, peakMegabytes } = runItem(item.name, directory);
    const measured = results.get(item.name) ?? { seconds: [], peak: [], yardstick: [] };
    measured.seconds.push(seconds);
    measured.peak.push(peakMegabytes);
    if (values.yardstick && item.yardstick) measured.yardstick.push(runYardstick(values.yardstick, item.yardstick));
    results.set(item.name, measured);
    process.stderr.write(`round ${round + 1}: ${item.name}: ${seconds.toFixed(3)} s\n`);
  }
}

const rows = [...results].map(([name, { seconds, peak, yardstick }]) => ({
  item: name,
  seconds: median(seconds),
  fastest: Math.min(...seconds),
  slowest: Math.max(...seconds),
  peakMegabytes: Math.max(...peak),
  ...(yardstick.length > 0 && {
    yardstickSeconds: median(yardstick),
    ratio: median(seconds.map((s, i) => s / (yardstick[i] as number))),
  }),
}));
const report = {
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  processor: cpus()[0]?.model,
  cores: cpus().length,
  rounds,
  rows,
};
if (values.json) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);

console.log(`${report.date}, Node ${report.node}, ${report.processor} × ${report.cores}, ${rounds} rounds`);
console.log("| item | seconds (min–max) | peak MB | ÷ yardstick |\n|---|---|---|---|");
for (const r of rows) {
  const ratio = "ratio" in r ? (r.ratio as number).toFixed(2) : "";
  console.log(
    `| ${r.item} | ${r.seconds.toFixed(3)} (${r.fastest.toFixed(3)}–${r.slowest.toFixed(3)}) | ${Math.round(r.peakMegabytes)} | ${ratio} |`,
  );
}
