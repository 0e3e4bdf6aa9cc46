import type { ArenaEntry, ParameterArena } from "./parameter-arena.ts";

/** A stretch that lies in one piece in an arena and in its companion, from these elements on. */
export interface Run {
  readonly start: number;
  readonly companionStart: number;
  readonly length: number;
}

/**
 * Joins parameters that lie side by side in both arenas; the padding between them goes along.
 * @param entries entries of the companion, in order of memory.
 */
export function contiguousRuns(arena: ParameterArena, entries: Iterable<ArenaEntry>): Run[] {
  const runs: { start: number; companionStart: number; length: number }[] = [];
  let next = { start: -1, companionStart: -1 };
  for (const { name, offset, length, end } of entries) {
    const { offset: start, end: startOfNext } = arena.entry(name);
    const run = runs.at(-1);
    if (run && start === next.start && offset === next.companionStart)
      run.length = offset + length - run.companionStart;
    else runs.push({ start, companionStart: offset, length });
    next = { start: startOfNext, companionStart: end };
  }
  return runs;
}
