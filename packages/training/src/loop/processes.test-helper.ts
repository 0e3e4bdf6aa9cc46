/** Runs of several processes within one: their connections, and something small to train. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { Random } from "../random.ts";

/** Both ends of a connection, over a socket in `folder`. */
export function socketPair(folder: string): Promise<[Socket, Socket]> {
  return new Promise((resolve, reject) => {
    const path = join(folder, `socket-${pairs++}`);
    const server = createServer((near) => {
      server.close();
      resolve([near, far]);
    });
    server.on("error", reject);
    const far = server.listen(path) && connect(path);
  });
}
let pairs = 0;

/** A folder that goes with the test; its path is short, as those of sockets must be. */
export function temporaryFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "group-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** One row of a list. */
export interface Row {
  readonly audio: string;
  readonly text: string;
}

/** Twelve short tones in `folder`, as rows that name them. */
export function toneRows(folder: string): Row[] {
  const random = new Random(1);
  mkdirSync(join(folder, "clips"), { recursive: true });
  return Array.from({ length: 12 }, (_, i) => {
    const step = (2 * Math.PI * (200 + 70 * i)) / 16000;
    const samples = Float32Array.from(
      { length: 6400 + 800 * i },
      (_, t) => 0.3 * Math.sin(step * t) + 0.02 * random.normal(),
    );
    writeFileSync(join(folder, `clips/${i}.wav`), encodeWav([samples], 16000, "s16"));
    return { audio: `clips/${i}.wav`, text: `tone ${i}` };
  });
}

/** A list of rows beside `clips`. */
export function writeRows(folder: string, name: string, rows: readonly Row[]): void {
  writeFileSync(join(folder, name), rows.map((row) => `${JSON.stringify({ task: "asr", ...row })}\n`).join(""));
}

/** Settings of a run of a tokeniser with d 32 on a list, as YAML. */
export function tinyRun(rows: string, settings: Record<string, unknown>, config: Record<string, unknown> = {}): string {
  const geometry = {
    d_model: 32,
    encoder_layers: 2,
    encoder_attention_heads: 2,
    encoder_ffn_dim: 64,
    decoder_layers: 1,
    decoder_attention_heads: 2,
    decoder_ffn_dim: 64,
    num_mel_bins: 80,
    max_target_positions: 32,
    pooling_kernel_size: 2,
    pooling_type: "avg",
    pooling_position: 0,
    quantize_vocab_size: 16,
    quantize_position: 1,
    quantize_ema_decay: 0.9,
    quantize_loss_scale: 10,
    ...config,
  };
  return JSON.stringify({
    system: "tokenizer",
    seed: 3,
    batch_size: 4,
    workers: 0,
    threads: 1,
    evaluate_every: 0,
    model: { tokenizer: "bytes", config: geometry },
    data: { train: [{ manifest: rows }], max_seconds: 2, long_text: "error" },
    ...settings,
  });
}
