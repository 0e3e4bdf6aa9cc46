import { buildGraph, compile, createRuntime, Scope, emitModel } from "@uat/graph";
import { whisperFeatures } from "@uat/audio";
import { directoryFiles, openSafetensorsModel, parametersOf, parseWhisperVqConfig, whisperVq } from "universal-audio-tokenizer/internal";
import { readFileSync } from "node:fs";
const files = directoryFiles("models/base");
const config = parseWhisperVqConfig(JSON.parse(readFileSync("models/base/tokenizer/config.json","utf8")));
const store = await openSafetensorsModel(files, "tokenizer/model");
const rt = await createRuntime();
const s = new Float32Array(480000).map(() => Math.random()*.2-.1);
for (let i=0;i<6;i++) { const a=performance.now(); whisperFeatures(s, 80); console.log("features", (performance.now()-a).toFixed(1)); }
const q = process.argv[2] === "q8" ? { quantize: (n: string) => /layers\.(2\.|3\.self)/.test(n) } : {};
const p = await compile(rt, buildGraph("x", (g) => { const t = whisperVq(g, new Scope(g, parametersOf(store)), config); return { codes: t.codes!, distances: t.distances! }; }), q);
const big = new Float32Array(80*3000); for (let i=0;i<big.length;i++) big[i]=Math.random()*2-1;
const bigIn = { input_features: { data: big, shape: [1,80,3000] }, attention_mask: { data: new Int32Array(3000).fill(1), shape: [1,3000] } };
const ts: number[] = []; for (let i=0;i<12;i++){ const a=performance.now(); await p.run(bigIn); ts.push(performance.now()-a);} console.log("run", ts.map(x=>x.toFixed(0)).join(" "));
