/** `POST /v1/audio/tokens`: audio files to codes. */
import type { Channel } from "@uat/audio";
import type { z } from "zod";
import { tokensRequest, type tokensResponse } from "../api/schemas.ts";
import { validate } from "../api/validate.ts";
import type { TokensResult } from "../engine/engine.ts";
import { RequestError } from "../errors.ts";
import { mediaType, parseJson, readBody } from "../http/body.ts";
import { readForm } from "../http/multipart.ts";
import { sendJson } from "../http/respond.ts";
import { type Context, checkModel } from "./context.ts";

interface Clip {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface TokensQuestion {
  readonly clips: readonly Clip[];
  readonly channel: Channel;
  readonly model?: string | undefined;
}

export async function postTokens(context: Context): Promise<void> {
  const { abandon, allowance, limits, metrics, model, pool, response, signal } = context;
  const question = await readQuestion(context);
  checkModel(question.model, model);
  const { clips, channel } = question;
  // all clips of a request or none
  pool.admit(clips.length);
  const { maxSeconds, maxChannels } = limits;
  const answers = await Promise.all(
    clips.map(({ name, bytes }) =>
      pool.submit(
        (engine, control) => engine.tokens({ audio: bytes, name, channel, maxSeconds, maxChannels }, control),
        signal,
      ),
    ),
  ).catch((error) => {
    // one clip that cannot be read ends the others
    abandon(error);
    throw error;
  });
  allowance.release();
  const seconds = answers.reduce((n, a) => n + a.value.duration, 0);
  const ran = answers.reduce((n, a) => n + a.ran, 0);
  for (const { queued, ran, value } of answers) {
    metrics.queueSeconds.observe({ operation: "tokens" }, queued);
    metrics.inferenceSeconds.observe({ operation: "tokens" }, ran);
    metrics.realTimeFactor.observe({ operation: "tokens" }, ran / value.duration);
    metrics.tokens.add({ operation: "tokens" }, value.codes.length);
    metrics.audioSeconds.add({ operation: "tokens" }, value.duration);
  }
  const timing = {
    queue_seconds: Math.max(...answers.map((a) => a.queued)),
    inference_seconds: ran,
    real_time_factor: ran / seconds,
  };
  context.note({ clips: clips.length, audio_seconds: seconds, ...timing });
  sendJson(
    response,
    200,
    tokensBody(
      answers.map((a) => a.value),
      context,
      timing,
    ),
  );
}

async function readQuestion({ request, allowance, limits }: Context): Promise<TokensQuestion> {
  const type = mediaType(request);
  if (type === "multipart/form-data") {
    const { files, fields } = await readForm(request, allowance, limits.maxClips);
    const stray =
      files.find((f) => f.field !== "file")?.field ?? [...fields.keys()].find((f) => f !== "channel" && f !== "model");
    if (stray !== undefined)
      throw new RequestError("invalid", `field ${stray}: expected file (audio, once or more), channel, model`);
    if (files.length === 0) throw new RequestError("empty", "no file in the form; send audio under the name file");
    const channel = fields.get("channel") ?? "0";
    if (!/^(mean|\d{1,2})$/.test(channel))
      throw new RequestError("invalid", `channel ${channel.slice(0, 20)}: expected mean or a number from 0`);
    return {
      clips: files.map((file, i) => ({ name: nameOf(i, files.length), bytes: file.bytes })),
      channel: channel === "mean" ? "mean" : Number(channel),
      model: fields.get("model"),
    };
  }
  if (type === "application/json") {
    const given = validate(tokensRequest, parseJson(await readBody(request, allowance)));
    const texts = typeof given.audio === "string" ? [given.audio] : given.audio;
    if (texts.length > limits.maxClips)
      throw new RequestError("too_large", `${texts.length} clips; this server takes up to ${limits.maxClips} at once`);
    return {
      clips: texts.map((text, i) => ({ name: nameOf(i, texts.length), bytes: fromBase64(text, i) })),
      channel: given.channel,
      model: given.model,
    };
  }
  throw new RequestError(
    "unsupported_media_type",
    `content-type ${type || "missing"}: expected multipart/form-data or application/json`,
  );
}

/** What messages call a clip; file names of clients are not repeated. */
const nameOf = (index: number, count: number): string => (count === 1 ? "audio" : `clip ${index}`);

/** Node skips what is not base64, so a count tells whether all of it was; a pattern over megabytes would be slower. */
function fromBase64(text: string, index: number): Buffer {
  const bytes = Buffer.from(text, "base64");
  let digits = text.length;
  while (digits > 0 && text.length - digits < 2 && text[digits - 1] === "=") digits--;
  if (bytes.length !== Math.floor((digits * 3) / 4) || digits % 4 === 1)
    throw new RequestError(
      "invalid",
      `audio ${index}: not base64; send the file's bytes in base64 without line breaks`,
    );
  return bytes;
}

function tokensBody(
  clips: readonly TokensResult[],
  { model }: Context,
  timing: z.output<typeof tokensResponse>["timing"],
): z.output<typeof tokensResponse> {
  const longest = clips.reduce((n, c) => Math.max(n, c.codes.length), 0);
  return {
    model: model.id,
    audio_codes: clips.map(({ codes }) => [[...codes, ...new Array<number>(longest - codes.length).fill(-1)]]),
    shape: [clips.length, 1, longest],
    frame_rate: model.frameRate,
    codebook_size: model.codebookSize,
    clips: clips.map(({ codes, duration, ties }) => ({ tokens: codes.length, duration, ties })),
    timing,
  };
}
