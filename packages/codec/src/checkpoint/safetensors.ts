/**
 * safetensors: an 8-byte little-endian header length, a JSON header { name: { dtype, shape, data_offsets } }, then the
 * tensors' bytes without gaps. Large models are cut into shards with a `….index.json` that maps names to files.
 * Format: https://github.com/huggingface/safetensors#format
 */
import { type ByteSource, closingOnError } from "./byte-source.ts";
import { CheckpointError, shown } from "./errors.ts";
import { duplicateKey } from "./json-keys.ts";
import { type ModelFiles, readJson } from "./model-files.ts";
import {
  type DType,
  elementCount,
  ITEM_BYTES,
  missingTensor,
  type TensorInfo,
  type TensorStore,
} from "./tensor-store.ts";

/** The format's own limit on the header. */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_RANK = 32;

interface Entry extends TensorInfo {
  /** From the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** A parsed header: the tensors and the free-form string metadata. */
interface Header {
  readonly entries: Map<string, Entry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A store over safetensors that also shows the header's `__metadata__`. */
export interface SafetensorsStore extends TensorStore {
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Opens one safetensors file; only its header is read. The store owns `source` and closes it; so does a failure to open.
 * @throws CheckpointError when the header is not what the format allows: a length past the file or 100 MB, bad JSON,
 *   duplicate names, unknown types, offsets out of range, overlapping, with gaps, or not dtype × shape long.
 */
export async function openSafetensors(source: ByteSource): Promise<SafetensorsStore> {
  const { entries, metadata } = await closingOnError(source, () => readHeader(source));
  return {
    metadata,
    names: () => entries.keys(),
    info: (name) => entries.get(name),
    async read(name) {
      const entry = entries.get(name);
      if (!entry) throw missingTensor(name, source.name);
      return source.read(entry.offset, entry.byteLength);
    },
    locate(name) {
      const entry = entries.get(name);
      if (!entry || source.path === undefined) return undefined;
      return { path: source.path, offset: entry.offset, byteLength: entry.byteLength };
    },
    close: () => source.close(),
  };
}

/**
 * Opens `NAME.safetensors`, or the shards that `NAME.safetensors.index.json` lists.
 * @param base path without extension, e.g. `tokenizer/model`.
 * @throws CheckpointError when neither exists, a shard is missing, or a shard lacks a tensor that the index puts there.
 */
export async function openSafetensorsModel(files: ModelFiles, base: string): Promise<TensorStore> {
  const single = `${base}.safetensors`;
  if (await files.exists(single)) {
    const source = await files.open(single);
    return openSafetensors(source);
  }
  const indexPath = `${single}.index.json`;
  if (!(await files.exists(indexPath)))
    throw new CheckpointError(`${files.source}: has neither ${single} nor ${indexPath}`);
  const index = await readJson(files, indexPath);
  const weightMap = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof weightMap !== "object" || weightMap === null || Array.isArray(weightMap))
    throw new CheckpointError(
      `${indexPath}: weight_map is ${shown(weightMap)}; expected an object of tensor name to file`,
    );
  const directory = base.includes("/") ? base.slice(0, base.lastIndexOf("/") + 1) : "";
  const shards = new Map<string, TensorStore>();
  const owner = new Map<string, TensorStore>();
  try {
    for (const [name, file] of Object.entries(weightMap)) {
      // Shards lie beside their index; a path would let a hostile index read other files.
      if (typeof file !== "string" || !/^[^/\\:]+\.safetensors$/.test(file))
        throw new CheckpointError(
          `${indexPath}: ${shown(name)} lies in ${shown(file)}; expected the name of a .safetensors file`,
        );
      let shard = shards.get(file);
      if (!shard) {
        const source = await files.open(directory + file);
        shard = await openSafetensors(source);
        shards.set(file, shard);
      }
      if (!shard.info(name))
        throw new CheckpointError(`${directory}${file}: has no tensor ${shown(name)}, which ${indexPath} puts there`);
      owner.set(name, shard);
    }
  } catch (error) {
    for (const shard of shards.values()) await shard.close();
    throw error;
  }
  return {
    names: () => owner.keys(),
    info: (name) => owner.get(name)?.info(name),
    async read(name) {
      const shard = owner.get(name);
      if (!shard) throw missingTensor(name, indexPath);
      return shard.read(name);
    },
    locate: (name) => owner.get(name)?.locate(name),
    async close() {
      for (const shard of shards.values()) await shard.close();
    },
  };
}

async function readHeader(source: ByteSource): Promise<Header> {
  const fail = (what: string): never => {
    throw new CheckpointError(`${source.name}: ${what}`);
  };
  if (source.size < 8) fail(`is ${source.size} bytes long; a safetensors file has at least 8`);
  const prefix = await source.read(0, 8);
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || length > source.size - 8)
    fail(
      `says its header is ${length} bytes long, but the file has ${source.size}; it is cut short or not a safetensors file`,
    );
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await source.read(8, length));
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    fail("the safetensors header is not UTF-8");
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    fail("the safetensors header is not JSON");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    fail("the safetensors header is not a JSON object");
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) fail(`the safetensors header has ${shown(duplicate)} twice`);

  const start = 8 + length;
  const entries = new Map<string, Entry>();
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, value] of Object.entries(json as object)) {
    if (name === "__metadata__") metadata = readMetadata(value, fail);
    else entries.set(name, readEntry(name, value, start, source.size, fail));
  }
  checkLayout(entries, start, source.size, fail);
  return { entries, metadata };
}

function readMetadata(value: unknown, fail: (what: string) => never): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null || Object.values(value).some((text) => typeof text !== "string"))
    fail("__metadata__ must map strings to strings");
  return value as Record<string, string>;
}

function readEntry(name: string, value: unknown, start: number, size: number, fail: (what: string) => never): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const label = `tensor ${shown(name)}`;
  if (typeof dtype !== "string" || !Object.hasOwn(ITEM_BYTES, dtype))
    fail(`${label} has dtype ${shown(dtype)}; supported are ${Object.keys(ITEM_BYTES).join(", ")}`);
  if (!Array.isArray(shape) || shape.length > MAX_RANK)
    fail(`${label} has shape ${shown(shape)}; expected a list of sizes`);
  const byteLength = elementCount(shape as number[]) * ITEM_BYTES[dtype as DType];
  if (!Number.isSafeInteger(byteLength)) fail(`${label} has the impossible shape ${shown(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every((o) => Number.isSafeInteger(o) && o >= 0))
    fail(`${label} has data_offsets ${shown(offsets)}; expected two byte positions`);
  const [begin, end] = offsets as [number, number];
  if (begin > end || start + end > size)
    fail(`${label} lies at bytes ${begin} to ${end} of ${size - start}; the file is cut short or corrupt`);
  if (end - begin !== byteLength)
    fail(`${label} of dtype ${dtype} and shape ${shown(shape)} needs ${byteLength} bytes, but has ${end - begin}`);
  return { dtype: dtype as DType, shape: shape as number[], offset: start + begin, byteLength };
}

/** The format asks for tensors without gaps or overlaps from the end of the header to the end of the file. */
function checkLayout(entries: Map<string, Entry>, start: number, size: number, fail: (what: string) => never): void {
  let end = start;
  const ordered = [...entries].sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength);
  for (const [name, entry] of ordered) {
    if (entry.offset < end) fail(`tensor ${shown(name)} overlaps another one`);
    if (entry.offset > end) fail(`there is a gap of ${entry.offset - end} bytes before tensor ${shown(name)}`);
    end = entry.offset + entry.byteLength;
  }
  if (end !== size) fail(`${size - end} bytes follow the last tensor`);
}
