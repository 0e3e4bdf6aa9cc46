/** Runs one item in this process: prepare, one warm-up, then the median of three runs; prints a JSON line. */
import { ITEMS } from "./items.ts";

const [name, directory] = process.argv.slice(2);
const item = ITEMS.find((i) => i.name === name);
if (!item || !directory) throw new Error(`no item is called ${name}`);
const run = await item.prepare(directory);
await run();
const times: number[] = [];
for (let i = 0; i < 3; i++) {
  const start = performance.now();
  await run();
  times.push((performance.now() - start) / 1000);
}
const seconds = times.sort((a, b) => a - b)[1];
console.log(JSON.stringify({ item: name, seconds, peakMegabytes: process.resourceUsage().maxRSS / 1024 }));
process.exit(0);
