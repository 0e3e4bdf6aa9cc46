/**
 * Weights on disk, mapped by ONNX Runtime instead of passing through JavaScript.
 *
 * It maps from one folder only, and then takes no weights from memory. So the weights of the folder that holds most
 * bytes are mapped where they lie and the rest goes into the ONNX file; where too much would go there (int8 weights are
 * made at load time), all weights are written to a temporary file first and mapped from that.
 */
import { realpathSync } from "node:fs";
import { type FileHandle, mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { GraphError } from "../errors.ts";
import { type Initializer, type OnnxModel, type Place, serializeModel } from "../onnx/model.ts";
import { type PackedModel, packInMemory, readInitializer } from "./ort-session.ts";
import { temporaryFolders } from "./temporary-folders.ts";

/** Bytes of weights that may travel inside the ONNX file (protocol buffers end at 2 GB, and it is copied while parsed). */
const INSIDE_LIMIT = 32 << 20;
const ALIGNMENT = 64;

export interface MappedModel extends PackedModel {
  /** Folder to delete once the session is made. */
  readonly spool?: string | undefined;
}

export async function packForMapping(model: OnnxModel): Promise<MappedModel> {
  const home = mappableFolder(model);
  const outside = model.initializers.filter((i) => !home?.place(i)).reduce((n, i) => n + i.byteLength, 0);
  if (outside > INSIDE_LIMIT) return spool(model);
  if (!home) return packInMemory(model);
  const places = new Map<string, Place>();
  for (const i of model.initializers) places.set(i.name, home.place(i) ?? (await readInitializer(i)));
  return {
    bytes: serializeModel(model, (i) => places.get(i.name) as Place),
    externalData: [],
    folder: home.folder,
  };
}

/** Deletes the temporary file; the mapping of a session outlives it where the system allows that. */
export async function releaseSpool(model: MappedModel): Promise<void> {
  if (model.spool) await removeSpool(model.spool);
}

async function removeSpool(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  temporaryFolders.delete(folder);
}

const PREFIX = "uat-weights-";

/** Deletes what processes that were killed have left behind; folder names hold the number of their process. */
async function sweepSpools(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const owner = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split("-")[0]) : Number.NaN;
    if (!Number.isInteger(owner) || owner <= 0 || isAlive(owner)) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== "ESRCH";
  }
}

async function spool(model: OnnxModel): Promise<MappedModel> {
  let folder: string | undefined;
  let file: FileHandle | undefined;
  try {
    await sweepSpools();
    folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
    temporaryFolders.add(folder);
    file = await open(join(folder, "weights.bin"), "w");
    const places = new Map<string, Place>();
    let offset = 0;
    for (const i of model.initializers) {
      const data = await readInitializer(i);
      // a disk that fills up takes a part first and says so only at the next write
      for (let done = 0; done < data.length; ) {
        done += (await file.write(data, done, data.length - done, offset + done)).bytesWritten;
      }
      places.set(i.name, {
        location: "weights.bin",
        offset,
        length: data.length,
      });
      offset = Math.ceil((offset + data.length) / ALIGNMENT) * ALIGNMENT;
    }
    return {
      bytes: serializeModel(model, (i) => places.get(i.name) as Place),
      externalData: [],
      folder,
      spool: folder,
    };
  } catch (error) {
    if (folder) await removeSpool(folder);
    const { code } = error as { code?: string };
    if (code === "ENOSPC" || code === "EROFS" || code === "EACCES" || code === "EDQUOT") return packInMemory(model);
    throw error;
  } finally {
    await file?.close();
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw new GraphError(`cannot open the weights file ${path}: ${(error as Error).message}`);
  }
}

/** The folder that holds the files of most weight bytes, and each weight's place in it. */
function mappableFolder(
  model: OnnxModel,
): { folder: string; place: (i: Initializer) => Place | undefined } | undefined {
  const folders = new Map<string, number>();
  const real = new Map<string, string>();
  for (const { file } of model.initializers) {
    if (!file) continue;
    // hub caches link to blobs elsewhere, and ONNX Runtime refuses links that leave the folder
    if (!real.has(file.path)) real.set(file.path, realPath(file.path));
    const folder = dirname(real.get(file.path) as string);
    folders.set(folder, (folders.get(folder) ?? 0) + file.byteLength);
  }
  const [folder] = [...folders].sort((a, b) => b[1] - a[1])[0] ?? [];
  if (folder === undefined) return undefined;
  return {
    folder,
    place({ file }) {
      const path = file && (real.get(file.path) as string);
      if (!path || dirname(path) !== folder) return undefined;
      return {
        location: basename(path),
        offset: file.offset,
        length: file.byteLength,
      };
    },
  };
}
