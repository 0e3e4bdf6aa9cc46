/**
 * `.pt` files of torch.save as a TensorStore: the zip form (torch ≥ 1.6: data.pkl beside data/KEY) and the older one
 * (five pickles, then the storages one after the other). The pickles are read as inert data (pickle.ts).
 */
import { type ByteSource, closingOnError } from "./byte-source.ts";
import { CheckpointError, shown } from "./errors.ts";
import { PickleTruncated, PickleTuple, unpickle } from "./pickle.ts";
import { elementCount, ITEM_BYTES, missingTensor, type TensorStore } from "./tensor-store.ts";
import { type TorchStorage, TorchTensor, torchGlobals, torchStorage } from "./torch-pickle.ts";
import { ZipArchive, type ZipEntry } from "./zip.ts";

const MAX_PICKLE_BYTES = 64 * 2 ** 20;
const MAX_DEPTH = 16;
const MAX_TENSORS = 200_000;
const MAX_NAME_LENGTH = 1000;

/** The bytes of a storage: a range of the file, or an entry that has to be inflated. */
interface StorageBytes {
  readonly byteLength: number;
  /** Set when they lie in the file as they are. */
  readonly fileOffset?: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/**
 * Opens a `.pt`, `.pth`, `.bin` or `.ckpt` file written by torch.save. Nested dicts become dotted names; when the top
 * level has a dict "state_dict", only that is shown. Tensors that are not contiguous are made so when read.
 * The store owns `source` and closes it; so does a failure to open.
 * @throws CheckpointError when the file is neither form, is damaged, or its pickle asks for anything that tensors do not need.
 */
export async function openTorchFile(source: ByteSource): Promise<TensorStore> {
  return closingOnError(source, () => openTorch(source));
}

/** A whole file of torch.save, with what stands in it beside tensors. */
export interface TorchObject {
  /** Dicts are Maps, lists arrays, tuples PickleTuple, tensors TorchTensor, None null. */
  readonly value: unknown;
  /** Raw little-endian bytes, contiguous, row-major. @throws CheckpointError when the file is too short for them. */
  read(tensor: TorchTensor): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens a file of torch.save that holds more than tensors, such as the state of an optimiser. The object owns `source`
 * and closes it; so does a failure to open.
 * @throws CheckpointError as openTorchFile does.
 */
export async function openTorchObject(source: ByteSource): Promise<TorchObject> {
  const { value, storage } = await closingOnError(source, () => readForm(source));
  return {
    value,
    async read(tensor) {
      const bytes = await storage(tensor.storage);
      checkFits(tensor, bytes, source.name);
      return readTensor(tensor, bytes);
    },
    close: () => source.close(),
  };
}

async function readForm(source: ByteSource): Promise<Opened> {
  if (source.size === 0) throw new CheckpointError(`${source.name}: is empty`);
  const head = await source.read(0, Math.min(4, source.size));
  return head[0] === 0x50 && head[1] === 0x4b ? readZipForm(source) : readLegacyForm(source, head);
}

async function openTorch(source: ByteSource): Promise<TensorStore> {
  const { value, storage } = await readForm(source);
  const tensors = namedTensors(value, source.name);
  const located = new Map<string, StorageBytes>();
  for (const tensor of tensors.values()) {
    const { key } = tensor.storage;
    let bytes = located.get(key);
    if (!bytes) located.set(key, (bytes = await storage(tensor.storage)));
    checkFits(tensor, bytes, source.name);
  }
  const find = (name: string): { tensor: TorchTensor; bytes: StorageBytes } => {
    const tensor = tensors.get(name);
    if (!tensor) throw missingTensor(name, source.name);
    return { tensor, bytes: located.get(tensor.storage.key)! };
  };
  return {
    names: () => tensors.keys(),
    info(name) {
      const tensor = tensors.get(name);
      return tensor && { dtype: tensor.dtype, shape: tensor.shape };
    },
    read(name) {
      const { tensor, bytes } = find(name);
      return readTensor(tensor, bytes);
    },
    locate(name) {
      if (!tensors.has(name) || source.path === undefined) return undefined;
      const { tensor, bytes } = find(name);
      if (bytes.fileOffset === undefined || !isContiguous(tensor)) return undefined;
      const itemBytes = ITEM_BYTES[tensor.dtype];
      return {
        path: source.path,
        offset: bytes.fileOffset + tensor.offset * itemBytes,
        byteLength: elementCount(tensor.shape) * itemBytes,
      };
    },
    close: () => source.close(),
  };
}

type Opened = { value: unknown; storage: (storage: TorchStorage) => Promise<StorageBytes> };

async function readZipForm(source: ByteSource): Promise<Opened> {
  const archive = await ZipArchive.open(source);
  const pickles = [...archive.entries.values()].filter((entry) => /^([^/]+\/)?data\.pkl$/.test(entry.name));
  const pickle = pickles[0];
  if (!pickle || pickles.length > 1)
    throw new CheckpointError(
      `${source.name}: is a zip archive with ${pickles.length} data.pkl; torch.save writes one`,
    );
  const prefix = pickle.name.slice(0, -"data.pkl".length);
  if (archive.entries.has(`${prefix}constants.pkl`))
    throw new CheckpointError(`${source.name}: is a TorchScript program; expected a state dict saved by torch.save`);
  const order = archive.entries.get(`${prefix}byteorder`);
  if (order && order.size < 16 && new TextDecoder().decode(await archive.read(order)) !== "little")
    throw new CheckpointError(`${source.name}: was saved on a big-endian machine, which is not supported`);
  if (pickle.size > MAX_PICKLE_BYTES)
    throw new CheckpointError(`${source.name}: its pickle has ${pickle.size} bytes; a state dict has less than 64 MiB`);
  const { value } = unpickle(await archive.read(pickle), {
    source: source.name,
    find: torchGlobals(source.name),
    persistent: (id) => torchStorage(source.name, id),
  });
  // Tensors that share a deflated storage are mostly read one after the other.
  let inflated: { entry: ZipEntry; bytes: Uint8Array } | undefined;
  return {
    value,
    async storage({ key }) {
      const entry = archive.entries.get(`${prefix}data/${key}`);
      if (!entry)
        throw new CheckpointError(`${source.name}: the storage ${shown(key)} is missing; the file is damaged`);
      if (entry.stored) {
        const fileOffset = await archive.dataOffset(entry);
        return {
          byteLength: entry.size,
          fileOffset,
          read: (offset, length) => source.read(fileOffset + offset, length),
        };
      }
      return {
        byteLength: entry.size,
        async read(offset, length) {
          if (inflated?.entry !== entry) inflated = { entry, bytes: await archive.read(entry) };
          return inflated.bytes.subarray(offset, offset + length);
        },
      };
    },
  };
}

/** The first long of the older form. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

async function readLegacyForm(source: ByteSource, head: Uint8Array): Promise<Opened> {
  const notTorch = (): never => {
    throw new CheckpointError(`${source.name}: is not a file of torch.save (neither a zip archive nor a pickle)`);
  };
  if (head[0] !== 0x80) return notTorch();
  // Where the pickles end is known only after they were read: read a beginning, and more when that does not do.
  for (let length = Math.min(source.size, 2 ** 20); ; length = Math.min(source.size, MAX_PICKLE_BYTES, length * 4)) {
    const bytes = await source.read(0, length);
    try {
      return await readLegacyPickles(source, bytes, notTorch);
    } catch (error) {
      if (!(error instanceof PickleTruncated) || length === source.size || length >= MAX_PICKLE_BYTES) throw error;
    }
  }
}

async function readLegacyPickles(source: ByteSource, bytes: Uint8Array, notTorch: () => never): Promise<Opened> {
  let at = 0;
  const storages = new Map<string, TorchStorage>();
  const next = (): unknown => {
    const { value, end } = unpickle(bytes.subarray(at), {
      source: source.name,
      find: torchGlobals(source.name),
      persistent(id) {
        const storage = torchStorage(source.name, id);
        const known = storages.get(storage.key);
        if (known && (known.dtype !== storage.dtype || known.length !== storage.length))
          throw new CheckpointError(
            `refusing to load ${source.name}: storage ${shown(storage.key)} is described twice, differently`,
          );
        storages.set(storage.key, storage);
        return storage;
      },
    });
    at += end;
    return value;
  };
  if (next() !== LEGACY_MAGIC) return notTorch();
  const protocol = next();
  if (protocol !== LEGACY_PROTOCOL)
    throw new CheckpointError(
      `${source.name}: has torch.save protocol ${shown(protocol)}; expected ${LEGACY_PROTOCOL}`,
    );
  const system = next();
  if (!(system instanceof Map) || system.get("little_endian") !== true)
    throw new CheckpointError(`${source.name}: was saved on a big-endian machine, which is not supported`);
  const value = next();
  const keys = next();
  if (!Array.isArray(keys))
    throw new CheckpointError(`${source.name}: the list of storages is missing; the file is damaged`);
  const offsets = new Map<string, StorageBytes>();
  for (const key of keys) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (!storage?.dtype || offsets.has(storage.key))
      throw new CheckpointError(`${source.name}: the list of storages has ${shown(key)}, which no tensor uses`);
    const count = await source.read(at, 8);
    const length = Number(new DataView(count.buffer, count.byteOffset, 8).getBigUint64(0, true));
    const byteLength = length * ITEM_BYTES[storage.dtype];
    const fileOffset = at + 8;
    if (length !== storage.length || fileOffset + byteLength > source.size)
      throw new CheckpointError(
        `${source.name}: storage ${shown(key)} has ${length} elements where ${storage.length} are expected; the file is cut short or damaged`,
      );
    offsets.set(storage.key, {
      byteLength,
      fileOffset,
      read: (offset, size) => source.read(fileOffset + offset, size),
    });
    at = fileOffset + byteLength;
  }
  return {
    value,
    async storage({ key }) {
      const found = offsets.get(key);
      if (!found)
        throw new CheckpointError(`${source.name}: the storage ${shown(key)} is missing; the file is damaged`);
      return found;
    },
  };
}

/** All tensors below `value` by dotted name. */
function namedTensors(value: unknown, source: string): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  let visited = 0;
  const visit = (node: unknown, name: string, depth: number): void => {
    // A pickle may hold a graph: without these bounds one of a few bytes has more paths than can be walked.
    if (depth > MAX_DEPTH || ++visited > MAX_TENSORS * 4)
      throw new CheckpointError(`refusing to load ${source}: its dicts are nested too deeply or without end`);
    if (node instanceof TorchTensor) {
      if (tensors.has(name))
        throw new CheckpointError(`refusing to load ${source}: it has the tensor ${shown(name)} twice`);
      tensors.set(name, node);
      if (tensors.size > MAX_TENSORS)
        throw new CheckpointError(`refusing to load ${source}: it has more than ${MAX_TENSORS} tensors`);
    } else if (node instanceof Map) {
      for (const [key, child] of node) visit(child, joined(name, key, source), depth + 1);
    } else if (Array.isArray(node) || node instanceof PickleTuple) {
      const items = node instanceof PickleTuple ? node.items : node;
      items.forEach((child, i) => {
        visit(child, joined(name, i, source), depth + 1);
      });
    }
  };
  const top = value instanceof Map && value.get("state_dict") instanceof Map ? value.get("state_dict") : value;
  if (top instanceof TorchTensor) tensors.set("tensor", top);
  else visit(top, "", 0);
  if (tensors.size === 0)
    throw new CheckpointError(`${source}: holds no tensors; expected a state dict saved by torch.save`);
  return tensors;
}

function joined(prefix: string, key: unknown, source: string): string {
  const name =
    prefix === ""
      ? String(typeof key === "object" ? "object" : key)
      : `${prefix}.${typeof key === "object" ? "object" : String(key)}`;
  if (name.length > MAX_NAME_LENGTH)
    throw new CheckpointError(`refusing to load ${source}: a name is longer than ${MAX_NAME_LENGTH} characters`);
  return name;
}

function checkFits(tensor: TorchTensor, bytes: StorageBytes, source: string): void {
  if (elementCount(tensor.shape) === 0) return;
  const last = tensor.shape.reduce((sum, size, i) => sum + (size - 1) * tensor.strides[i]!, tensor.offset);
  if ((last + 1) * ITEM_BYTES[tensor.dtype] > bytes.byteLength)
    throw new CheckpointError(
      `${source}: storage ${shown(tensor.storage.key)} has ${bytes.byteLength} bytes, too few for its tensors; the file is damaged`,
    );
}

/** Dimensions of size 1 may have any stride. */
function isContiguous(tensor: TorchTensor): boolean {
  let expected = 1;
  for (let i = tensor.shape.length - 1; i >= 0; i--) {
    if (tensor.shape[i] !== 1 && tensor.strides[i] !== expected) return elementCount(tensor.shape) === 0;
    expected *= tensor.shape[i]!;
  }
  return true;
}

async function readTensor(tensor: TorchTensor, bytes: StorageBytes): Promise<Uint8Array> {
  const { shape, strides } = tensor;
  const itemBytes = ITEM_BYTES[tensor.dtype];
  const count = elementCount(shape);
  if (count === 0) return new Uint8Array(0);
  if (isContiguous(tensor)) return bytes.read(tensor.offset * itemBytes, count * itemBytes);
  const span = shape.reduce((sum, size, i) => sum + (size - 1) * strides[i]!, 1);
  const storage = await bytes.read(tensor.offset * itemBytes, span * itemBytes);
  const result = new Uint8Array(count * itemBytes);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let i = 0; i < count; i++) {
    for (let b = 0; b < itemBytes; b++) result[i * itemBytes + b] = storage[from * itemBytes + b]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
