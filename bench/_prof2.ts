import { buildGraph, Scope, emitModel } from "@uat/graph";
import { packForMapping } from "../packages/graph/src/run/mapped-weights.ts";
import { directoryFiles, openSafetensorsModel, parametersOf, parseWhisperVqConfig, whisperVq } from "universal-audio-tokenizer/internal";
import { readFileSync, readdirSync } from "node:fs";
import * as ort from "onnxruntime-node";
const files = directoryFiles("models/base");
const config = parseWhisperVqConfig(JSON.parse(readFileSync("models/base/tokenizer/config.json","utf8")));
const store = await openSafetensorsModel(files, "tokenizer/model");
const q = process.argv[2] === "q8" ? { quantize: (n: string) => /layers\.(2\.|3\.self)/.test(n) } : {};
const m = emitModel(buildGraph("x", (g) => { const t = whisperVq(g, new Scope(g, parametersOf(store)), config); return { codes: t.codes!, distances: t.distances! }; }), q);
const pk = await packForMapping(m);
const s = await ort.InferenceSession.create(pk.bytes, { externalData: pk.externalData as any, enableProfiling: true, profileFilePrefix: "/tmp/prof", extra: { session: { model_external_initializers_file_folder_path: pk.folder, x64quantprecision: "1" } } } as any);
const big = new Float32Array(80*3000); for (let i=0;i<big.length;i++) big[i]=Math.random()*2-1;
for (let i=0;i<6;i++) await s.run({ input_features: new ort.Tensor("float32", big, [1,80,3000]), attention_mask: new ort.Tensor("int32", new Int32Array(3000).fill(1), [1,3000]) });
s.endProfiling();
const f = readdirSync("/tmp").filter(x=>x.startsWith("prof")&&x.endsWith(".json")).sort().at(-1)!;
const ev = JSON.parse(readFileSync(`/tmp/${f}`,"utf8")); const by: Record<string, number> = {};
for (const e of ev) if (e.cat==="Node" && e.name.endsWith("_kernel_time")) { const k = e.args.op_name; by[k]=(by[k]??0)+e.dur/6000; }
console.log(Object.entries(by).sort((a,b)=>b[1]-a[1]).slice(0,14).map(([k,v])=>`${k} ${v.toFixed(1)}`).join(" | "));
