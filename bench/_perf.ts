import { buildGraph, compile, createRuntime, Scope } from "@uat/graph";
import { readFileSync } from "node:fs";
import { directoryFiles } from "/work/main/packages/codec/src/checkpoint/node/file-source.ts";
import { parametersOf } from "/work/main/packages/codec/src/checkpoint/parameters.ts";
import { openSafetensorsModel } from "/work/main/packages/codec/src/checkpoint/safetensors.ts";
import { whisperVq } from "/work/main/packages/codec/src/models/whisper-vq.ts";
const [,, model, int8] = process.argv;
const folder = `/tmp/models/${model}/tokenizer`;
const config = { encoder_causal_attention:false, encoder_causal_convolution:false, quantize_causal_encoder:false, quantize_causal_block_size:null, encoder_residual_source_position:null, encoder_residual_target_position:null, use_residual_adapter:false,use_residual_gate:false, ...JSON.parse(readFileSync(`${folder}/config.json`,"utf8"))};
const t0=performance.now();
const store = await openSafetensorsModel(directoryFiles(folder), "model");
const graph = buildGraph("x", (g) => { const t = whisperVq(g, new Scope(g, parametersOf(store)), config); return { codes: t.codes!, distances: t.distances! }; });
const rt = await createRuntime({ device: "cpu" });
const prog = await compile(rt, graph, int8 ? { quantize: (n) => n.startsWith("layers."), weightBits: int8==="8"?8:7 } : {});
console.log("load", Math.round(performance.now()-t0));
const F=3000; const x = new Float32Array(config.num_mel_bins*F).map(()=>Math.random()*2-1);
const ts:number[]=[];
for (let i=0;i<5;i++){ const a=performance.now(); await prog.run({input_features:{data:x,shape:[1,config.num_mel_bins,F]}, attention_mask:{data:new Int32Array(F).fill(1),shape:[1,F]}}); ts.push(Math.round(performance.now()-a)); }
console.log(model, int8??"fp32", ts.join(" "), "peakMB", Math.round(process.resourceUsage().maxRSS/1024));
