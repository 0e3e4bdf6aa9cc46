/** Facts about a file: audio, or tensors as safetensors, torch.save or npy. */
import { type ByteSource, openAudio } from "@uat/audio";
import { openSafetensors, openTorchFile, readNpy } from "universal-audio-tokenizer/internal";
import type { Facts } from "../actions/inspect.ts";
import { clamped, withSource } from "../input/open-source.ts";
import { formatBytes } from "../output/reporter.ts";
import { storeFacts } from "./tensors.ts";

export const inspectFile = (path: string): Promise<Facts> =>
  withSource(path, async (source) => {
    const head = source.size > 0 ? await source.read(0, Math.min(16, source.size)) : new Uint8Array(0);
    const common = { file: path, bytes: source.size };
    switch (kindOf(path, head)) {
      case "npy": {
        const { type, shape } = readNpy(await source.read(0, source.size), path);
        return { ...common, kind: "npy array", type, shape: `[${shape.join(", ")}]` };
      }
      case "safetensors":
        return { ...common, kind: "safetensors", ...storeFacts(await openSafetensors(asCheckpoint(source)), true) };
      case "torch":
        return { ...common, kind: "torch.save file", ...storeFacts(await openTorchFile(asCheckpoint(source)), true) };
      default:
        return { ...common, kind: "audio", ...(await audioFacts(clamped(source), path)) };
    }
  });

/** Names decide between the tensor formats, whose first bytes say little; everything else is taken for audio. */
function kindOf(path: string, head: Uint8Array): "npy" | "safetensors" | "torch" | "audio" {
  if (head[0] === 0x93 && head[1] === 0x4e) return "npy";
  if (/\.npy$/i.test(path)) return "npy";
  if (/\.safetensors$/i.test(path)) return "safetensors";
  if (/\.(pt|pth|bin|ckpt)$/i.test(path) || (head[0] === 0x50 && head[1] === 0x4b)) return "torch";
  return "audio";
}

async function audioFacts(source: ByteSource, path: string): Promise<Facts> {
  const stream = await openAudio(source, { name: path });
  try {
    let seconds = stream.duration;
    if (seconds === undefined) {
      // only decoding tells
      let samples = 0;
      for await (const block of stream.blocks()) samples += block[0]?.length ?? 0;
      seconds = samples / stream.sampleRate;
    }
    return {
      container: stream.container,
      codec: stream.codec,
      sampleRate: stream.sampleRate,
      channels: stream.numberOfChannels,
      duration: Math.round(seconds * 1000) / 1000,
      size: formatBytes(source.size),
    };
  } finally {
    stream.close();
  }
}

/** The codec's sources have a path and a close; those of openPath in Node are such. */
type CheckpointSource = Parameters<typeof openSafetensors>[0];
const asCheckpoint = (source: ByteSource): CheckpointSource => source as CheckpointSource;
