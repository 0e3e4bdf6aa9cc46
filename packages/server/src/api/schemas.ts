/**
 * What requests and answers look like: one schema each. They check requests, and the OpenAPI document and the client's
 * types are made from them.
 */
import { z } from "zod";
import { ERROR_STATUS, type ErrorCode } from "../errors.ts";

const channel = z
  .union([z.int().min(0).max(63), z.literal("mean")])
  .describe("Channel heard: an index from 0, or the mean of all.");

const model = z.string().max(256).optional().describe("Id of the model; the one that is served by default.");

const base64 = z.string().describe("A whole audio file in base64: wav, flac, mp3, ogg (Vorbis, Opus), m4a or webm.");

export const tokensRequest = z.strictObject({
  audio: z.union([base64, z.array(base64).min(1)]).describe("One clip, or several."),
  channel: channel.default(0),
  model,
});

/** The same as a form: files under `file`, everything else as text. */
export const tokensForm = z.strictObject({
  file: z
    .array(z.string().meta({ format: "binary" }))
    .min(1)
    .describe("Audio files: wav, flac, mp3, ogg (Vorbis, Opus), m4a or webm."),
  channel: z
    .string()
    .regex(/^(mean|\d{1,2})$/)
    .optional()
    .describe("Channel heard: an index from 0, or mean."),
  model,
});

const timing = z.object({
  queue_seconds: z.number().describe("Longest wait of a clip for an engine."),
  inference_seconds: z.number().describe("Work on all clips: reading audio, features, network."),
  real_time_factor: z.number().describe("inference_seconds for each second of audio."),
});

export const tokensResponse = z.object({
  model: z.string(),
  audio_codes: z.array(z.array(z.array(z.int()))).describe("[B, 1, T]; clips shorter than the longest end with -1."),
  shape: z.array(z.int()).length(3).describe("[B, 1, T]"),
  frame_rate: z.number().describe("Codes a second: code i stands for i / frame_rate to (i + 1) / frame_rate seconds."),
  codebook_size: z.int().describe("Codes are whole numbers below it."),
  clips: z.array(
    z.object({
      tokens: z.int().describe("Codes of this clip, without padding."),
      duration: z.number().describe("Seconds of audio."),
      ties: z.int().describe("Codes that rounding may decide, so that another machine may give another."),
    }),
  ),
  timing,
});

const seed = z.int().min(0).max(4_294_967_295).optional().describe("Seed of every random draw; 42 by default.");
const window = z.int().min(1).max(100_000).optional().describe("Codes of context kept in view; all by default.");
const blockSize = z.int().min(1).max(10_000).optional().describe("Codes of one chunk; the model's own by default.");

export const decodeRequest = z.strictObject({
  codes: z
    .union([z.array(z.int()), z.array(z.array(z.array(z.int())).length(1)).length(1)])
    .describe("[T], or [1, 1, T] as tokens are given; -1 at the end is padding."),
  format: z
    .enum(["wav", "flac", "opus"])
    .default("wav")
    .describe("wav, flac (16 bits, lossless) or Opus in Ogg (48 kHz, 64 kb/s)."),
  encoding: z.enum(["s16", "f32"]).optional().describe("Of wav: 16-bit integers, the default, or 32-bit floats."),
  stream: z
    .boolean()
    .default(false)
    .describe("Send audio as it is made; the header of wav and flac then tells no length."),
  seed,
  window,
  block_size: blockSize,
  model,
});

export const modelsResponse = z.object({
  object: z.literal("list"),
  data: z.array(
    z.object({
      id: z.string(),
      object: z.literal("model"),
      codebook_size: z.int(),
      frame_rate: z.number(),
      tokenizer: z
        .object({
          runtime: z.string(),
          live_is_exact: z.boolean().describe("Whether codes of a WebSocket are those of a whole file."),
        })
        .nullable(),
      decoder: z.object({ runtime: z.string(), kind: z.string(), sample_rate: z.int() }).nullable(),
    }),
  ),
  limits: z.record(z.string(), z.number()).describe("What one request and one stream may ask for."),
});

export const healthResponse = z.object({
  healthy: z.boolean(),
  engines: z.array(z.boolean()).describe("Whether each engine answered a tiny inference."),
});

export const readyResponse = z.object({ ready: z.boolean(), waiting: z.int(), running: z.int() });

export const errorResponse = z.object({
  error: z.object({
    code: z.enum(Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]]),
    message: z.string().describe("One line."),
  }),
});

/** The first message of a WebSocket that sends audio. */
export const liveTokensStart = z.strictObject({
  type: z.literal("start"),
  sample_rate: z.int().min(1000).max(768_000),
  format: z.enum(["s16", "f32"]).default("s16"),
  chunk: z.number().min(0.04).max(30).optional(),
  look_ahead: z.number().min(0).max(30).optional(),
  context: z.number().min(0).max(30).optional(),
  model,
});

/** The first message of a WebSocket that sends codes. */
export const liveAudioStart = z.strictObject({
  type: z.literal("start"),
  format: z.enum(["s16", "f32"]).default("s16"),
  seed,
  window,
  block_size: blockSize,
  model,
});

/** Codes on their way in. */
export const liveCodes = z.strictObject({ type: z.literal("tokens"), codes: z.array(z.int()).max(100_000) });

/** Nothing more comes. It ends either kind of WebSocket. */
export const liveEnd = z.strictObject({ type: z.literal("end") });
