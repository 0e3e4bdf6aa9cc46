/** `POST /v1/audio/decode`: codes to a file of wav, flac or Opus, whole or chunk by chunk. */
import { once } from "node:events";
import { audioMediaType } from "@uat/audio";
import type { z } from "zod";
import { decodeRequest } from "../api/schemas.ts";
import { validate } from "../api/validate.ts";
import { RequestError } from "../errors.ts";
import { mediaType, parseJson, readBody } from "../http/body.ts";
import { sendBytes } from "../http/respond.ts";
import { type Context, checkModel } from "./context.ts";

export async function postDecode(context: Context): Promise<void> {
  const { allowance, limits, metrics, model, pool, request, response, signal } = context;
  const type = mediaType(request);
  if (type !== "application/json")
    throw new RequestError("unsupported_media_type", `content-type ${type || "missing"}: expected application/json`);
  const question = validate(decodeRequest, parseJson(await readBody(request, allowance)));
  checkModel(question.model, model);
  const { format, encoding, seed, window } = question;
  if (encoding !== undefined && format !== "wav")
    throw new RequestError("invalid", `encoding ${encoding}: only wav has one; leave it out with ${format}`);
  const codes = checkedCodes(question.codes.flat(2), model.codebookSize, limits.maxTokens);
  allowance.release();
  context.note({ codes: codes.length, format, streamed: question.stream });
  if (question.stream) return streamDecode(context, codes, question);
  // clients that read slowly hold their answer
  allowance.hold((codes.length / model.frameRate) * (model.decoder?.sampleRate ?? 0) * (encoding === "f32" ? 4 : 2));
  const { value, queued, ran } = await pool.submit(
    (engine, control) => engine.decode({ codes, format, encoding, seed, window }, control),
    signal,
  );
  metrics.queueSeconds.observe({ operation: "decode" }, queued);
  metrics.inferenceSeconds.observe({ operation: "decode" }, ran);
  metrics.realTimeFactor.observe({ operation: "decode" }, ran / value.duration);
  metrics.tokens.add({ operation: "decode" }, codes.length);
  metrics.audioSeconds.add({ operation: "decode" }, value.duration);
  context.note({ queue_seconds: queued, inference_seconds: ran, audio_seconds: value.duration });
  sendBytes(response, 200, audioMediaType(format), value.file, {
    "x-queue-seconds": queued.toFixed(4),
    "x-inference-seconds": ran.toFixed(4),
  });
}

/** @throws RequestError for ids the model does not have. */
export function checkIds(codes: readonly number[], codebookSize: number): void {
  const wrong = codes.findIndex((id) => id < 0 || id >= codebookSize);
  if (wrong >= 0)
    throw new RequestError("invalid", `codes.${wrong}: ${codes[wrong]}; expected 0 to ${codebookSize - 1}`);
}

/** Codes without padding at their end. @throws RequestError for no codes, too many, and ids the model does not have. */
function checkedCodes(given: readonly number[], codebookSize: number, maxTokens: number): Int32Array {
  let length = given.length;
  while (length > 0 && given[length - 1] === -1) length--;
  if (length === 0) throw new RequestError("empty", "no codes; expected at least one");
  if (length > maxTokens)
    throw new RequestError("too_large", `${length} codes; this server takes up to ${maxTokens} at once`);
  const codes = given.slice(0, length);
  checkIds(codes, codebookSize);
  return Int32Array.from(codes);
}

async function streamDecode(
  { abandon, limits, metrics, model, response, signal, streams }: Context,
  codes: Int32Array,
  { format, encoding, seed, window, block_size: blockSize }: z.output<typeof decodeRequest>,
): Promise<void> {
  const sampleRate = model.decoder?.sampleRate ?? 0;
  const stream = streams.open();
  const send = async (bytes: Uint8Array) => {
    signal.throwIfAborted();
    if (response.write(bytes)) return;
    // a client that reads nothing must not hold the engine's work for ever
    const timer = setTimeout(
      () => abandon(new RequestError("timeout", "the client reads no further")),
      limits.idleTimeout * 1000,
    );
    try {
      await once(response, "drain", { signal });
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
    }
  };
  try {
    async function* all() {
      yield codes;
    }
    let samples = 0;
    const began = Date.now();
    const options = { format, encoding, seed, window, blockSize };
    for await (const piece of stream.engine.liveFile(all(), options, signal)) {
      // the first piece is there: what could be refused has been
      if (!response.headersSent) {
        response.writeHead(200, { "content-type": audioMediaType(format), "cache-control": "no-store" });
        metrics.firstAudioSeconds.observe({}, (Date.now() - began) / 1000);
      }
      samples += piece.samples;
      await send(piece.bytes);
    }
    response.end();
    metrics.tokens.add({ operation: "decode" }, codes.length);
    metrics.audioSeconds.add({ operation: "decode" }, samples / sampleRate);
  } finally {
    stream.release();
  }
}
