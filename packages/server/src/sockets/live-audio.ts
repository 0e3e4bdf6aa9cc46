/** `/v1/audio/decode/live`: codes in, mono samples out as they come. */
import { interleave } from "@uat/audio";
import { z } from "zod";
import { liveAudioStart, liveCodes, liveEnd } from "../api/schemas.ts";
import { validate } from "../api/validate.ts";
import { RequestError } from "../errors.ts";
import { checkIds } from "../routes/decode.ts";
import { parseMessage, type SessionKind } from "./session.ts";

const message = z.discriminatedUnion("type", [liveCodes, liveEnd]);

export const liveAudio: SessionKind<typeof liveAudioStart, Int32Array> = {
  start: liveAudioStart,

  read(data, binary, _start, { model }) {
    const given = validate(message, parseMessage(data, binary));
    if (given.type === "end") return undefined;
    checkIds(given.codes, model.codebookSize);
    return Int32Array.from(given.codes);
  },

  async run(codes, { format, seed, window, block_size: blockSize }, engine, { limits, metrics, model, send, signal }) {
    if (!model.decoder) throw new RequestError("not_found", "this server does not decode; ask one that does");
    const { sampleRate } = model.decoder;
    await send({ type: "ready", model: model.id, sample_rate: sampleRate, format, channels: 1 });
    let tokens = 0;
    const most = limits.maxStreamSeconds * model.frameRate;
    async function* counted() {
      for await (const list of codes) {
        tokens += list.length;
        if (tokens > most) throw new RequestError("too_large", `more than ${most} codes, the most a stream may have`);
        yield list;
      }
    }
    let samples = 0;
    for await (const piece of engine.liveAudio(counted(), { seed, window, blockSize }, signal)) {
      samples += piece.length;
      metrics.audioSeconds.add({ operation: "decode" }, piece.length / sampleRate);
      await send(interleave([piece], format));
    }
    metrics.tokens.add({ operation: "decode" }, tokens);
    return { tokens, samples, duration: samples / sampleRate };
  },
};
