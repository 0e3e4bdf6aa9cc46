/** A chat endpoint on this machine that answers as a test says, well or badly. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ChatRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly model: string;
  readonly temperature: number;
  readonly max_tokens?: number;
  /** Text of all messages; a sound is shown as `<wav N bytes>`. */
  readonly text: string;
  /** Requests before this one. */
  readonly index: number;
}

/** A completion's text, or what to do instead. */
export type ChatReply =
  | string
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  | "hang up"
  | "never";

export interface ChatServer {
  /** Base URL, ending in /v1. */
  readonly url: string;
  readonly requests: ChatRequest[];
  close(): Promise<void>;
}

export async function startChatServer(reply: (request: ChatRequest) => ChatReply): Promise<ChatServer> {
  const requests: ChatRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const request = await parse(incoming, requests.length);
    requests.push(request);
    send(response, reply(request));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function parse(incoming: IncomingMessage, index: number): Promise<ChatRequest> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const body = JSON.parse(Buffer.concat(parts).toString("utf8"));
  const text = (body.messages as { content: unknown }[])
    .flatMap(({ content }) =>
      typeof content === "string" ? [content] : (content as Record<string, unknown>[]).map(shown),
    )
    .join("\n");
  return { ...body, path: incoming.url, authorization: incoming.headers.authorization, text, index };
}

function shown(part: Record<string, unknown>): string {
  if (part.type === "text") return part.text as string;
  const { data, format } = part.input_audio as { data: string; format: string };
  return `<${format} ${Buffer.from(data, "base64").length} bytes>`;
}

function send(response: ServerResponse, reply: ChatReply): void {
  if (reply === "never") return;
  if (reply === "hang up") {
    response.socket?.destroy();
    return;
  }
  if (typeof reply === "string") {
    const message = { role: "assistant", content: reply };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }] }));
    return;
  }
  response.writeHead(reply.status, reply.headers);
  response.end(reply.body ?? "");
}
