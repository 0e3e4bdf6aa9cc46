/** Which clips measure and which are learnt from. */
import { Random } from "@uat/audio";

/** What decides where a clip may go. */
export interface FoldItem {
  readonly label: string;
  /** Clips of a group (one speaker, one recording) stay together; a clip without one goes by itself. */
  readonly group?: string | undefined;
}

/**
 * A fold, 0 … folds − 1, for every item. Groups are dealt out in random order, label after label, so that each fold has
 * its share of each label; a group counts by the label of its first item.
 */
export function assignFolds(items: readonly FoldItem[], folds: number, seed: number): Int32Array {
  const groups = new Map<string, number[]>();
  for (const [i, { group }] of items.entries()) {
    const key = group === undefined ? `item ${i}` : `group ${group}`;
    const members = groups.get(key);
    if (members) members.push(i);
    else groups.set(key, [i]);
  }
  const byLabel = new Map<string, number[][]>();
  for (const members of groups.values()) {
    const { label } = items[members[0]!]!;
    const list = byLabel.get(label);
    if (list) list.push(members);
    else byLabel.set(label, [members]);
  }
  const random = new Random(seed);
  const result = new Int32Array(items.length);
  let next = 0;
  for (const label of [...byLabel.keys()].sort()) {
    const list = byLabel.get(label) as number[][];
    for (const i of random.sample(list.length, list.length)) {
      for (const item of list[i] as number[]) result[item] = next;
      next = (next + 1) % folds;
    }
  }
  return result;
}
