/** `/v1/audio/tokens/live`: mono samples in, codes out as they come. */
import type { RawData } from "ws";
import { liveEnd, liveTokensStart } from "../api/schemas.ts";
import { validate } from "../api/validate.ts";
import { RequestError } from "../errors.ts";
import { parseMessage, type SessionKind } from "./session.ts";

/** Little-endian samples of one binary message. @throws RequestError for half a sample. */
export function samplesOf(data: RawData, format: "s16" | "f32"): Float32Array {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
  const width = format === "s16" ? 2 : 4;
  if (bytes.length % width !== 0)
    throw new RequestError("invalid", `a message of ${bytes.length} bytes: expected whole samples of ${width} bytes`);
  const samples = new Float32Array(bytes.length / width);
  for (let i = 0; i < samples.length; i++)
    samples[i] = format === "s16" ? bytes.readInt16LE(2 * i) / 32_768 : bytes.readFloatLE(4 * i);
  return samples;
}

export const liveTokens: SessionKind<typeof liveTokensStart, Float32Array> = {
  start: liveTokensStart,

  read(data, binary, { format }) {
    if (binary) return samplesOf(data, format);
    validate(liveEnd, parseMessage(data, binary));
    return undefined;
  },

  async run(samples, start, engine, { limits, metrics, model, send, signal }) {
    const { sample_rate: sampleRate, chunk, look_ahead: lookAhead, context } = start;
    if (!model.tokenizer) throw new RequestError("not_found", "this server does not tokenise; ask one that does");
    await send({
      type: "ready",
      model: model.id,
      frame_rate: model.frameRate,
      codebook_size: model.codebookSize,
      exact: model.tokenizer.liveIsExact,
    });
    const options = { sampleRate, maxSeconds: limits.maxStreamSeconds, chunk, lookAhead, context };
    let tokens = 0;
    let seconds = 0;
    for await (const piece of engine.liveTokens(samples, options, signal)) {
      tokens += piece.codes.length;
      seconds += piece.duration;
      metrics.tokens.add({ operation: "tokens" }, piece.codes.length);
      metrics.audioSeconds.add({ operation: "tokens" }, piece.duration);
      await send({ type: "tokens", start: piece.start, duration: piece.duration, codes: [...piece.codes] });
    }
    return { tokens, duration: seconds };
  },
};
