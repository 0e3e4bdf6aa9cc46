/** The processes of a run: rank 0 starts the others, which are the same command, and is their only connection. */
import { type ChildProcess, spawn } from "node:child_process";
import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { TrainingError } from "../errors.ts";
import type { Collective } from "./collective.ts";
import { Follower, type GroupOptions, Leader } from "./collective-group.ts";

/** How the other processes are started. */
export interface WorkerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Sees each process as soon as it runs. */
  readonly onStart?: ((child: ChildProcess) => void) | undefined;
}

/** Tells a process its place, `RANK/WORLD`. */
const VARIABLE = "UAT_TRAINING_PROCESS";
/**
 * The connection: one end of a pair of sockets without a name, which nobody else can open and which closes with either
 * process, however that ends.
 */
const DESCRIPTOR = 3;
/** Milliseconds between the end of a connection and that of the process, and for a process to end by itself. */
const END = 3000;
/** Characters of a process's messages that are kept. */
const KEPT_TEXT = 4096;

/** After the end of a process, the milliseconds in which its last words may still be read. */
const LAST_WORDS = 500;

/**
 * Starts ranks 1 to `world` − 1. Closing the collective ends them, and returns when they have ended.
 * @throws TrainingError when the system starts no more processes.
 */
export function startProcesses(world: number, worker: WorkerCommand, options: GroupOptions = {}): Collective {
  const started: WorkerProcess[] = [];
  const stop = async (hard: boolean) => {
    await Promise.all(started.map((process) => process.finish(hard)));
  };
  try {
    for (let rank = 1; rank < world; rank++) started.push(new WorkerProcess(rank, world, worker));
  } catch (error) {
    void stop(true);
    throw error;
  }
  const group = new Leader(
    started.map(({ stream }) => stream),
    { ...options, explain: (rank) => (started[rank - 1] as WorkerProcess).explain() },
  );
  // something else may hold its end of the connection open
  for (const [i, { ended }] of started.entries())
    void ended.then(() => after(LAST_WORDS)).then(() => group.hasEnded(i + 1));
  return {
    rank: group.rank,
    world: group.world,
    sum: (...arrays) => group.sum(...arrays),
    broadcast: (...arrays) => group.broadcast(...arrays),
    exchange: (value) => group.exchange(value),
    check: () => group.check(),
    close: async (error) => {
      await group.close(error);
      await stop(error !== undefined);
    },
  };
}

/** The place that rank 0 gave this process; undefined in rank 0 itself. It ends when rank 0 does. */
export function joinProcesses(): Collective | undefined {
  const place = process.env[VARIABLE];
  if (place === undefined) return undefined;
  delete process.env[VARIABLE];
  const [rank, world] = place.split("/").map(Number) as [number, number];
  // nothing that it has is worth keeping
  const onLost = () => process.exit(1);
  return new Follower(inheritedConnection(place), rank, world, { onLost });
}

function inheritedConnection(place: string): Socket {
  let cause: unknown;
  try {
    if (process.platform === "win32" || fstatSync(DESCRIPTOR).isSocket()) return new Socket({ fd: DESCRIPTOR });
  } catch (error) {
    cause = error;
  }
  const message = `${VARIABLE} is set to ${place}, but no run has started this process; unset it`;
  throw new TrainingError(message, { cause });
}

class WorkerProcess {
  readonly stream: Socket;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  #text = "";
  #running = true;

  constructor(rank: number, world: number, { command, args, onStart }: WorkerCommand) {
    const child = spawn(command, args, {
      stdio: ["ignore", "ignore", "pipe", "overlapped"],
      env: { ...process.env, [VARIABLE]: `${rank}/${world}` },
      windowsHide: true,
      // Ctrl-C on the terminal is for rank 0: the others follow what it decides
      detached: process.platform !== "win32",
    });
    this.#child = child;
    this.ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.#running = false;
        resolve(`process ${child.pid} ${how}`);
      };
      child.on("error", ({ message }) => child.pid === undefined && end(`was not started (${message})`));
      child.on("exit", async (code, signal) => {
        this.#running = false;
        await Promise.race([new Promise((closed) => child.on("close", closed)), after(LAST_WORDS)]);
        end(howItEnded(code, signal, this.#text));
      });
    });
    const stream = child.stdio?.[DESCRIPTOR] as Socket | undefined;
    if (!stream)
      throw new TrainingError(`process ${rank} of the run's ${world} cannot be started; set fewer processes`);
    this.stream = stream;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#text = (this.#text + text).slice(-KEPT_TEXT);
    });
    onStart?.(child);
  }

  /** Why its connection has ended. */
  explain(): Promise<string> {
    return Promise.race([this.ended, after(END).then(() => `process ${this.#child.pid} has closed its connection`)]);
  }

  /** Returns when it has ended: at once, or by itself while there is hope. */
  async finish(hard: boolean): Promise<void> {
    if (!hard) await Promise.race([this.ended, after(END)]);
    if (this.#running) this.#child.kill("SIGKILL");
    await this.ended;
  }
}

function howItEnded(code: number | null, signal: NodeJS.Signals | null, text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const said = lines.find((line) => /error/i.test(line)) ?? lines.at(-1);
  const how =
    signal === "SIGKILL"
      ? "was killed (SIGKILL), as the system does when memory runs out"
      : signal
        ? `ended by ${signal}`
        : `ended with exit code ${code}`;
  return said ? `${how}: ${said.trim()}` : how;
}

/** Waits without keeping the process. */
const after = (milliseconds: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
