/** Worker thread that holds the sessions of onnxruntime-node and answers the requests of native.ts, one at a time. */
import { parentPort } from "node:worker_threads";
import { type HostReply, type HostRequest, NativeHost } from "./native.ts";
import type { NumericArray } from "./runtime.ts";

const host = new NativeHost();
let queue = Promise.resolve();

async function answer(request: HostRequest): Promise<void> {
  const reply = (message: HostReply, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer);
  try {
    if (request.kind === "load")
      reply({
        call: request.call,
        result: await host.load(request),
      });
    else if (request.kind === "release") reply({ call: request.call, result: await host.release(request.id) });
    else {
      const outputs: Record<string, NumericArray> = await host.run(request.id, request.inputs);
      reply({ call: request.call, result: outputs });
    }
  } catch (error) {
    reply({
      call: request.call,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

parentPort?.on("message", (request: HostRequest) => {
  queue = queue.then(() => answer(request));
});
