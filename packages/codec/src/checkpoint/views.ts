import { CheckpointError, shown } from "./errors.ts";
import { missingTensor, type TensorStore } from "./tensor-store.ts";

/**
 * The same tensors under other names.
 * @param rename the new name of a stored one, or undefined to leave it out.
 * @throws CheckpointError when two tensors come out with the same name.
 */
export function renamed(store: TensorStore, rename: (name: string) => string | undefined): TensorStore {
  const originals = new Map<string, string>();
  for (const name of store.names()) {
    const target = rename(name);
    if (target === undefined) continue;
    const other = originals.get(target);
    if (other !== undefined)
      throw new CheckpointError(`checkpoint has both ${shown(other)} and ${shown(name)}, which mean the same tensor`);
    originals.set(target, name);
  }
  return {
    names: () => originals.keys(),
    info(name) {
      const original = originals.get(name);
      return original === undefined ? undefined : store.info(original);
    },
    async read(name) {
      const original = originals.get(name);
      if (original === undefined) throw missingTensor(name, "checkpoint");
      return store.read(original);
    },
    locate(name) {
      const original = originals.get(name);
      return original === undefined ? undefined : store.locate(original);
    },
    close: () => store.close(),
  };
}

/**
 * Only the tensors whose names start with one of `prefixes`, without it; the store itself when none does. The first
 * prefix that occurs is taken. A training checkpoint holds its encoder below `model.encoder.`.
 */
export function stripPrefix(store: TensorStore, ...prefixes: readonly string[]): TensorStore {
  const names = [...store.names()];
  const prefix = prefixes.find((candidate) => names.some((name) => name.startsWith(candidate)));
  if (prefix === undefined) return store;
  return renamed(store, (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : undefined));
}
