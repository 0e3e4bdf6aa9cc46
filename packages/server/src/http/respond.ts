/** Answers: JSON, bytes, and errors as JSON of one line. */
import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type RequestError, requestError } from "../errors.ts";

export function sendBytes(
  response: ServerResponse,
  status: number,
  type: string,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  response.writeHead(status, {
    "content-type": type,
    "content-length": String(bytes.length),
    "cache-control": "no-store",
    ...headers,
  });
  response.end(bytes);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendBytes(response, status, "application/json; charset=utf-8", `${JSON.stringify(value)}\n`, headers);
}

/** Headers that belong to an error. */
export function errorHeaders(error: RequestError): Record<string, string> {
  return {
    ...(error.retryAfter !== undefined && { "retry-after": String(error.retryAfter) }),
    ...(error.code === "unauthorized" && { "www-authenticate": 'Bearer realm="uat"' }),
  };
}

/** Tells a failure. Where the answer has begun, the connection is cut, which clients see as an incomplete body. */
export function sendError(response: ServerResponse, thrown: unknown, headers: Readonly<Record<string, string>> = {}) {
  const error = requestError(thrown);
  if (response.headersSent) response.destroy();
  else sendJson(response, error.status, error, { ...errorHeaders(error), ...headers });
  return error;
}

/** An answer on a bare socket, where there is no ServerResponse: broken requests and refused upgrades. */
export function endSocket(socket: Duplex, error: RequestError, reason: string): void {
  if (!socket.writable) return void socket.destroy();
  const body = `${JSON.stringify(error)}\n`;
  const lines = [
    `HTTP/1.1 ${error.status} ${reason}`,
    "connection: close",
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(errorHeaders(error)).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
