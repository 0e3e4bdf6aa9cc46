/** Tensors of a checkpoint, counted and listed. */
import { ITEM_BYTES, type TensorStore } from "universal-audio-tokenizer/internal";
import type { Facts } from "../actions/inspect.ts";
import { formatBytes } from "../output/reporter.ts";

/** `listed` adds every tensor with its type and shape. */
export function storeFacts(store: TensorStore, listed = false): Facts {
  let parameters = 0;
  let bytes = 0;
  const types = new Map<string, number>();
  const list: Facts[] = [];
  for (const name of store.names()) {
    const { dtype, shape } = store.info(name)!;
    const count = shape.reduce((n, d) => n * d, 1);
    parameters += count;
    bytes += count * ITEM_BYTES[dtype];
    types.set(dtype, (types.get(dtype) ?? 0) + count);
    list.push({ name: printable(name), dtype, shape: `[${shape.join(", ")}]` });
  }
  const main = [...types].sort((a, b) => b[1] - a[1]).map(([type]) => type);
  return {
    tensors: list.length,
    parameters,
    weights: `${formatCount(parameters)} parameters, ${formatBytes(bytes)}`,
    dtype: main.join(", "),
    ...(listed && list.length > 0 ? { list } : {}),
  };
}

const printable = (text: string): string => text.replace(/\p{Cc}/gu, " ");

/** `1.5 M`: counts for people. */
export function formatCount(count: number): string {
  if (count < 1e4) return String(count);
  const [value, unit] = count < 1e6 ? [count / 1e3, "k"] : count < 1e9 ? [count / 1e6, "M"] : [count / 1e9, "G"];
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}
