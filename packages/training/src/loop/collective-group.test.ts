/** Several processes' collectives in one process, over real sockets. */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { TrainingError } from "../errors.ts";
import { Random } from "../random.ts";
import { LostProcessError } from "./collective.ts";
import { Follower, type GroupOptions, Leader } from "./collective-group.ts";
import { socketPair, temporaryFolder } from "./processes.test-helper.ts";

vi.setConfig({ testTimeout: 20_000 });

const { folder, remove } = temporaryFolder();
afterAll(remove);
const open: Duplex[] = [];
afterEach(() => {
  for (const stream of open.splice(0)) stream.destroy();
});

/** Both ends of a connection. */
async function pair(): Promise<[Socket, Socket]> {
  const ends = await socketPair(folder);
  open.push(...ends);
  return ends;
}

async function group(world: number, options: GroupOptions = {}) {
  const pairs = await Promise.all(Array.from({ length: world - 1 }, pair));
  const leader = new Leader(
    pairs.map(([near]) => near),
    options,
  );
  const followers = pairs.map(([, far], i) => new Follower(far, i + 1, world, options));
  return { members: [leader, ...followers], leader, followers, pairs };
}

const values = (seed: number, length: number) => {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => random.normal() * 10 ** random.uniform(-6, 6));
};

describe("sums", () => {
  // two pieces and a bit, nothing, one value, an odd number
  const lengths = [2 * 2 ** 18 + 3, 0, 1, 1001];

  test.each([2, 3, 5])("of %d processes are those by rank, bit for bit, everywhere", async (world) => {
    const { members } = await group(world);
    const given = members.map((_, rank) => lengths.map((length, i) => values(10 * rank + i, length)));
    const expected = lengths.map((_, i) =>
      given.slice(1).reduce((sum, arrays) => sum.map((x, k) => x + (arrays[i] as Float32Array)[k]!), given[0]![i]!),
    );
    await Promise.all(members.map((member, rank) => member.sum(...given[rank]!)));
    for (const arrays of given)
      for (const [i, array] of arrays.entries()) expect(bytes(array).equals(bytes(expected[i]!))).toBe(true);
  });

  test("follow each other without mixing, and arrays may change in between", async () => {
    const { members } = await group(3);
    const result = await Promise.all(
      members.map(async (member) => {
        const array = Float32Array.of(member.rank, 1);
        const seen: number[] = [];
        for (let step = 0; step < 50; step++) {
          await member.sum(array);
          seen.push(array[0] as number);
          array[0] = step * member.rank;
          const all = await member.exchange({ step, rank: member.rank });
          expect(all).toEqual([0, 1, 2].map((rank) => ({ step, rank })));
        }
        return seen;
      }),
    );
    for (const seen of result) expect(seen).toEqual([3, ...Array.from({ length: 49 }, (_, step) => 3 * step)]);
  });

  test("are the same through a stream that tears every message apart", async () => {
    const [near, far] = await pair();
    const size = new Random(3);
    const tearing = new Duplex({
      read() {},
      write: (chunk, _encoding, done) => void near.write(chunk, () => done()),
    });
    near.on("data", (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; ) {
        const end = Math.min(chunk.length, at + 1 + size.below(13));
        tearing.push(chunk.subarray(at, end));
        at = end;
      }
    });
    const [leader, follower] = [new Leader([tearing]), new Follower(far, 1, 2)];
    const [a, b] = [values(1, 5000), values(2, 5000)];
    const sum = a.map((x, i) => x + b[i]!);
    await Promise.all([leader.sum(a), follower.sum(b)]);
    expect(a).toEqual(sum);
    expect(b).toEqual(sum);
    expect(await Promise.all([leader.exchange("a"), follower.exchange("b")])).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
  });
});

const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);

test("broadcasts hand rank 0's values to all", async () => {
  const { members } = await group(3);
  const given = members.map(({ rank }) => [values(rank, 300_000), values(9 + rank, 7)] as const);
  const expected = given[0]!.map((array) => array.slice());
  await Promise.all(members.map((member, rank) => member.broadcast(...given[rank]!)));
  for (const arrays of given)
    for (const [i, array] of arrays.entries()) expect(bytes(array).equals(bytes(expected[i]!))).toBe(true);
});

test("values keep what JSON loses", async () => {
  const { members } = await group(2);
  const value = { loss: Number.NaN, large: 2 ** 53 - 1, codes: Int32Array.of(1, 2), none: undefined };
  for (const all of await Promise.all(members.map((member) => member.exchange(value))))
    expect(all).toEqual([value, value]);
});

describe("a process that goes", () => {
  test("in the middle of a sum ends the call of all others, and every later one", async () => {
    const { leader, followers, pairs } = await group(3, { explain: async () => "it was killed" });
    const arrays = [0, 1, 2].map((seed) => values(seed, 2 ** 20));
    const sums = [leader.sum(arrays[0]!), followers[0]!.sum(arrays[1]!)];
    // the third one sends a part of its message
    pairs[1]![1].write(Buffer.alloc(10));
    pairs[1]![1].end();
    const gone = "rank 2 of the run's 3 processes has gone: it was killed";
    await expect(sums[0]).rejects.toEqual(new LostProcessError(gone));
    await expect(sums[1]).rejects.toThrow(LostProcessError);
    expect(() => leader.check()).toThrow(gone);
    await expect(async () => leader.exchange(1)).rejects.toThrow(gone);
    await expect(async () => followers[0]!.exchange(1)).rejects.toThrow(LostProcessError);
  });

  test("while the others work is found by them in time", async () => {
    const onLost = vi.fn();
    const { leader, pairs } = await group(2, { onLost });
    pairs[0]![1].destroy();
    await vi.waitFor(() => expect(onLost).toHaveBeenCalled());
    expect(() => leader.check()).toThrow(/rank 1 of the run's 2 processes has gone: its connection ended/);
  });

  test("rank 0 as well", async () => {
    const { followers, pairs } = await group(2);
    const waiting = followers[0]!.exchange(1);
    pairs[0]![0].destroy();
    await expect(waiting).rejects.toThrow(/rank 0 of the run's 2 processes has gone/);
  });

  test("with an error hands it to the others as it is", async () => {
    const { leader, followers } = await group(3);
    const waiting = [leader.sum(values(1, 10)), followers[0]!.sum(values(2, 10))];
    await followers[1]!.close(new TrainingError("clip 7: a label that is none"));
    await expect(waiting[0]).rejects.toEqual(new TrainingError("clip 7: a label that is none"));
    await leader.close(new TrainingError("clip 7: a label that is none"));
    await expect(waiting[1]).rejects.toThrow();
  });

  test("with a bug is told with its rank", async () => {
    const { leader, followers } = await group(2);
    const waiting = leader.exchange(1);
    await followers[0]!.close(new RangeError("x is not y"));
    await expect(waiting).rejects.toThrow("rank 1: x is not y");
  });

  test("in order disturbs no one, until it is needed", async () => {
    const { leader, followers } = await group(3);
    void followers[0]!.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    leader.check();
    const needed = leader.exchange(1);
    void followers[1]!.exchange(1).catch(() => undefined);
    await expect(needed).rejects.toThrow(/rank 1 of the run's 3 processes has gone/);
  });

  test("all in order ends quietly", async () => {
    const onLost = vi.fn();
    const { members, pairs } = await group(3, { onLost });
    await Promise.all(members.map((member) => member.close()));
    for (const stream of pairs.flat()) expect(stream.destroyed).toBe(true);
    expect(onLost).not.toHaveBeenCalled();
  });
});

test("processes that make other calls are told apart", async () => {
  const { leader, followers } = await group(2);
  void followers[0]!.exchange(1).catch(() => undefined);
  await expect(leader.sum(values(1, 10))).rejects.toThrow(
    "the processes are out of step: in call 1 rank 0 expected 40 bytes to sum, rank 1 sent",
  );
  const other = await group(2);
  void other.followers[0]!.sum(values(1, 11)).catch(() => undefined);
  await expect(other.leader.sum(values(1, 10))).rejects.toThrow("expected 40 bytes to sum, rank 1 sent 44 to sum");
});

test("bytes that are no message end the run", async () => {
  const { leader, pairs } = await group(2);
  const waiting = leader.exchange(1);
  pairs[0]![1].write(Buffer.alloc(100, 7));
  await expect(waiting).rejects.toThrow("rank 1: bytes came that are no message");
});

describe("time", () => {
  test("a process that says nothing is given up", async () => {
    const [near] = await pair();
    const leader = new Leader([near], { beat: 10, patience: 5 });
    const started = performance.now();
    await expect(leader.exchange(1)).rejects.toThrow(/^rank 1 has not answered for 0 minutes$/);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test("a process that works for long and lives is waited for", async () => {
    const { leader, followers } = await group(2, { beat: 10, patience: 10 });
    const waiting = leader.exchange("a");
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await Promise.all([waiting, followers[0]!.exchange("b")])).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
  });
});
