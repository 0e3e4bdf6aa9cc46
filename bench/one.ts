/** Runs one item in this process: prepare, warm-up, then the median of three runs; prints a JSON line. */
import { ITEMS } from "./items.ts";

const [name, directory] = process.argv.slice(2);
const item = ITEMS.find((i) => i.name === name);
if (!item || !directory) throw new Error(`no item is called ${name}`);
const run = await item.prepare(directory);
const times: number[] = [];
for (let i = 0; i < (item.once ? 0 : (item.warmUps ?? 1)); i++) await run();
for (let i = 0; i < (item.once ? 1 : 3); i++) {
  const start = performance.now();
  times.push((await run()) ?? (performance.now() - start) / 1000);
}
const seconds = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
console.log(JSON.stringify({ item: name, seconds, peakMegabytes: process.resourceUsage().maxRSS / 1024 }));
process.exit(0);
