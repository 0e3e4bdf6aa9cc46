/** `GET /v1/models`: what is served, and what one may ask of it. */
import type { z } from "zod";
import type { modelsResponse } from "../api/schemas.ts";
import { sendJson } from "../http/respond.ts";
import type { Context } from "./context.ts";

export function getModels({ model, limits, response }: Context): void {
  const body: z.output<typeof modelsResponse> = {
    object: "list",
    data: [
      {
        id: model.id,
        object: "model",
        codebook_size: model.codebookSize,
        frame_rate: model.frameRate,
        tokenizer: model.tokenizer
          ? { runtime: model.tokenizer.runtime, live_is_exact: model.tokenizer.liveIsExact }
          : null,
        decoder: model.decoder
          ? { runtime: model.decoder.runtime, kind: model.decoder.kind, sample_rate: model.decoder.sampleRate }
          : null,
      },
    ],
    limits: {
      max_bytes: limits.maxBytes,
      max_seconds: limits.maxSeconds,
      max_channels: limits.maxChannels,
      max_clips: limits.maxClips,
      max_tokens: limits.maxTokens,
      max_stream_seconds: limits.maxStreamSeconds,
      deadline_seconds: limits.deadline,
    },
  };
  sendJson(response, 200, body);
}
