/** What the pickle of a `torch.save` file may ask for, and the plain records that stand for it. */
import { CheckpointError, shown } from "./errors.ts";
import { PickleGlobal, PickleTuple } from "./pickle.ts";
import { type DType, elementCount } from "./tensor-store.ts";

/** Element type and identity of a storage, the flat array that tensors are views of. */
export class TorchStorage {
  readonly key: string;
  /** Undefined for an untyped storage, whose length counts bytes. */
  readonly dtype: DType | undefined;
  readonly length: number;
  constructor(key: string, dtype: DType | undefined, length: number) {
    this.key = key;
    this.dtype = dtype;
    this.length = length;
  }
}

/** A strided view of a storage; offset and strides count elements. */
export class TorchTensor {
  readonly storage: TorchStorage;
  readonly dtype: DType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  constructor(
    storage: TorchStorage,
    dtype: DType,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
  ) {
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

const STORAGE_TYPES: Readonly<Record<string, DType | undefined>> = {
  DoubleStorage: "F64",
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
  UntypedStorage: undefined,
};

const DTYPES: Readonly<Record<string, DType>> = {
  float64: "F64",
  double: "F64",
  float32: "F32",
  float: "F32",
  float16: "F16",
  half: "F16",
  bfloat16: "BF16",
  int64: "I64",
  long: "I64",
  int32: "I32",
  int: "I32",
  int16: "I16",
  short: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};

/** Broadcast (stride 0) tensors may be larger than their storage, but not without bound. */
const MAX_BROADCAST = 2 ** 24;
const MAX_RANK = 32;

/** The global that a storage class of torch becomes. */
class StorageType extends PickleGlobal {
  readonly dtype: DType | undefined;
  constructor(name: string, dtype: DType | undefined) {
    super(name);
    this.dtype = dtype;
  }
}

/** The global that a torch.dtype becomes. */
class TypeObject extends PickleGlobal {
  readonly dtype: DType;
  constructor(name: string, dtype: DType) {
    super(name);
    this.dtype = dtype;
  }
}

/** Finds the allowed globals of one file. `source` is for messages. */
export function torchGlobals(source: string): (module: string, name: string) => PickleGlobal | undefined {
  const fail = (what: string): never => {
    throw new CheckpointError(`refusing to load ${source}: ${what}`);
  };
  const rebuild = (args: readonly unknown[], dtype?: DType): TorchTensor => {
    const [storage, offset, size, stride] = args;
    if (!(storage instanceof TorchStorage)) return fail("a tensor is built on something that is not a storage");
    if (!(size instanceof PickleTuple) || !(stride instanceof PickleTuple)) return fail("a tensor has no shape");
    const type = dtype ?? storage.dtype;
    if (!type) return fail("a tensor has no element type");
    return new TorchTensor(storage, type, ...checkedView(source, storage, type, offset, size.items, stride.items));
  };
  const callables: Record<string, (args: readonly unknown[]) => unknown> = {
    "collections.OrderedDict": (args) => {
      const dict = new Map<unknown, unknown>();
      if (args[0] === undefined) return dict;
      if (!Array.isArray(args[0])) return fail("an OrderedDict is made of something that is not a list");
      for (const pair of args[0]) {
        const items = pair instanceof PickleTuple ? pair.items : pair;
        if (!Array.isArray(items) || items.length !== 2)
          return fail("an OrderedDict is made of something that is not pairs");
        dict.set(items[0], items[1]);
      }
      return dict;
    },
    "torch._utils._rebuild_tensor": (args) => rebuild(args),
    "torch._utils._rebuild_tensor_v2": (args) => rebuild(args),
    "torch._utils._rebuild_tensor_v3": (args) => {
      const type = args[6];
      return rebuild(
        args,
        type instanceof TypeObject ? type.dtype : fail("a tensor has an element type that is not supported"),
      );
    },
    "torch._utils._rebuild_parameter": ([data]) =>
      data instanceof TorchTensor ? data : fail("a parameter is built on something that is not a tensor"),
    "torch._utils._rebuild_parameter_with_state": ([data]) =>
      data instanceof TorchTensor ? data : fail("a parameter is built on something that is not a tensor"),
    "torch.Size": ([items]) =>
      items instanceof PickleTuple ? items : new PickleTuple(Array.isArray(items) ? [...items] : []),
    "torch.device": ([type]) => (typeof type === "string" ? type : null),
  };
  return (module, name) => {
    const full = `${module}.${name}`;
    if (Object.hasOwn(callables, full)) return new PickleGlobal(full, callables[full]);
    if ((module === "torch" || module === "torch.storage") && Object.hasOwn(STORAGE_TYPES, name))
      return new StorageType(full, STORAGE_TYPES[name]);
    if (module === "torch" && Object.hasOwn(DTYPES, name)) return new TypeObject(full, DTYPES[name]!);
    return undefined;
  };
}

/**
 * The storage that a persistent id ("storage", class, key, device, length[, view]) stands for.
 * @throws CheckpointError when it is anything else.
 */
export function torchStorage(source: string, id: unknown): TorchStorage {
  const fail = (what: string): never => {
    throw new CheckpointError(`refusing to load ${source}: ${what}`);
  };
  if (!(id instanceof PickleTuple) || id.items[0] !== "storage")
    return fail("the pickle refers to an outside object that is not a storage");
  const [, type, key, , length, view] = id.items;
  if (!(type instanceof StorageType)) return fail("a storage has an unknown class");
  if (typeof key !== "string" || key.length > 200) return fail("a storage has no key");
  if (typeof length !== "number" || !Number.isSafeInteger(length) || length < 0)
    return fail(`storage ${shown(key)} has length ${shown(length)}`);
  if (view !== undefined && view !== null)
    return fail(
      `storage ${shown(key)} is a view of another one, as torch before 0.4 wrote it; save the file again with a newer torch`,
    );
  return new TorchStorage(key, type.dtype, length);
}

/** Offset, shape and strides, once they are known to stay inside the storage. */
function checkedView(
  source: string,
  storage: TorchStorage,
  dtype: DType,
  offset: unknown,
  shape: readonly unknown[],
  strides: readonly unknown[],
): [number, readonly number[], readonly number[]] {
  const natural = (value: unknown): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  const refuse = (): never => {
    throw new CheckpointError(
      `refusing to load ${source}: a ${dtype} tensor of shape ${shown(shape)}, strides ${shown(strides)} and offset ${shown(offset)} does not fit its storage of ${storage.length}`,
    );
  };
  if (!natural(offset) || shape.length !== strides.length || shape.length > MAX_RANK) return refuse();
  if (!shape.every(natural) || !strides.every(natural)) return refuse();
  const count = elementCount(shape);
  if (!Number.isSafeInteger(count)) return refuse();
  let last = offset;
  if (count > 0) for (let i = 0; i < shape.length; i++) last += (shape[i]! - 1) * strides[i]!;
  // An untyped storage counts bytes; the reader checks again against the bytes that are really there.
  if (count > 0 && last >= storage.length) return refuse();
  if (count > Math.max(storage.length, MAX_BROADCAST)) return refuse();
  return [offset, shape, strides];
}
