import { afterEach, describe, expect, test } from "vitest";
import { ChatEndpoint, type EndpointOptions, endpointKey, RefusedRequest } from "./chat-endpoint.ts";
import { type ChatReply, type ChatRequest, type ChatServer, startChatServer } from "./chat-server.test-helper.ts";
import { concurrently } from "./concurrently.ts";

let server: ChatServer | undefined;
afterEach(() => server?.close());

const KEY = "secret-key-1234567890";

async function endpoint(reply: (request: ChatRequest) => ChatReply, more: Partial<EndpointOptions> = {}) {
  server = await startChatServer(reply);
  return new ChatEndpoint({ url: server.url, model: "m", apiKey: KEY, firstDelay: 0.001, timeout: 5, ...more });
}

const ask = (to: ChatEndpoint, signal?: AbortSignal) =>
  to.ask([{ role: "user", content: "Say so." }], { temperature: 0.2, signal });

/** First what a list says, then "fine". */
const replies =
  (...list: ChatReply[]) =>
  ({ index }: ChatRequest) =>
    list[index] ?? "fine";

test("a request and its answer", async () => {
  const to = await endpoint(replies("yes\n"), { maxTokens: 9 });
  expect(await ask(to)).toBe("yes\n");
  expect(server!.requests).toMatchObject([
    {
      path: "/v1/chat/completions",
      authorization: `Bearer ${KEY}`,
      model: "m",
      temperature: 0.2,
      max_tokens: 9,
      text: "Say so.",
    },
  ]);
  expect(to.identity).toBe(`m at ${server!.url}/chat/completions, at most 9 tokens`);
});

test("the full address works as well; without a key nothing is sent; parts are joined", async () => {
  const parts = JSON.stringify({
    choices: [
      {
        message: {
          content: [
            { type: "text", text: "a" },
            { type: "text", text: "b" },
          ],
        },
      },
    ],
  });
  await endpoint(() => ({ status: 200, body: parts }));
  const to = new ChatEndpoint({ url: `${server!.url}/chat/completions?v=1`, model: "m" });
  expect(await ask(to)).toBe("ab");
  expect(server!.requests[0]).toMatchObject({ path: "/v1/chat/completions?v=1" });
  expect(server!.requests[0]!.authorization).toBeUndefined();
  expect(to.address).toBe(`${server!.url}/chat/completions`);
});

describe("asks again", () => {
  const HTML = "<html>bad gateway</html>";
  test.each<[string, ChatReply]>([
    ["too many requests", { status: 429, body: "slow down" }],
    ["an error of the server", { status: 500 }],
    ["a gateway's page", { status: 502, body: HTML }],
    ["an overloaded server", { status: 529 }],
    ["a connection that breaks", "hang up"],
    ["a page instead of JSON", { status: 200, body: HTML }],
    ["JSON that is no completion", { status: 200, body: '{"choices": []}' }],
    ["null", { status: 200, body: "null" }],
    ["a completion without text", { status: 200, body: '{"choices": [{"message": {"content": null}}]}' }],
    ["a body cut short", { status: 200, body: '{"choices": [{"mess' }],
    ["less than it promised", { status: 200, body: "{", headers: { "content-length": "500" } }],
  ])("after %s", async (_, bad) => {
    const retries: string[] = [];
    const to = await endpoint(replies(bad, bad), { timeout: 0.5, onRetry: (message) => retries.push(message) });
    expect(await ask(to)).toBe("fine");
    expect(server!.requests).toHaveLength(3);
    expect(retries).toHaveLength(2);
    for (const line of retries) expect(line).toMatch(/^http:[^\n]+; asking again in [\d.]+ s$/);
  });

  test("after silence", async () => {
    const to = await endpoint(replies("never"), { timeout: 2 });
    expect(await ask(to)).toBe("fine");
    expect(server!.requests).toHaveLength(2);
  });

  test("not before the endpoint wants it", async () => {
    const to = await endpoint(replies({ status: 429, headers: { "retry-after": "1" } }));
    const started = performance.now();
    expect(await ask(to)).toBe("fine");
    expect(performance.now() - started).toBeGreaterThan(950);
  });

  test("six times, then the run ends", async () => {
    const to = await endpoint(() => ({ status: 503, body: `overloaded\n${KEY}` }));
    const error = await ask(to).catch((e) => e);
    expect(error).toMatchObject({ isInputError: true });
    expect(error.message).toMatch(
      /answered 503 "overloaded …", 6 times; expected a completion by m; run it again later/,
    );
    expect(server!.requests).toHaveLength(6);
  });
});

describe("does not ask again", () => {
  test.each([
    [401, /answered 401 "Incorrect API key provided: …"; expected a completion; check the key/],
    [404, /check the address and the model's name, m/],
    [301, /give the address that it redirects to/],
  ])("after %s", async (status, message) => {
    const headers = { location: "http://127.0.0.1:9/elsewhere" };
    const to = await endpoint(() => ({ status, body: `Incorrect API key provided: ${KEY}`, headers }));
    const error = await ask(to).catch((e) => e);
    expect(error).toMatchObject({ isInputError: true, message: expect.stringMatching(message) });
    expect(error).not.toBeInstanceOf(RefusedRequest);
    expect(error.message).not.toContain(KEY);
    expect(server!.requests).toHaveLength(1);
  });

  test("when it takes only other requests; when it takes none, the run ends", async () => {
    const to = await endpoint(({ text }) => (text === "long" ? { status: 400, body: "too long" } : "fine"));
    const long = () => to.ask([{ role: "user", content: "long" }], { temperature: 0 });
    await expect(long()).rejects.toBeInstanceOf(RefusedRequest);
    await ask(to);
    for (let i = 0; i < 6; i++) await expect(long()).rejects.toBeInstanceOf(RefusedRequest);
    const other = new ChatEndpoint({ url: server!.url, model: "m" });
    const refused = () => other.ask([{ role: "user", content: "long" }], { temperature: 0 });
    for (let i = 0; i < 4; i++) await expect(refused()).rejects.toBeInstanceOf(RefusedRequest);
    const error = await refused().catch((e) => e);
    expect(error).not.toBeInstanceOf(RefusedRequest);
    expect(error.message).toMatch(/answered 400 "too long"; expected a completion/);
  });
});

test("a server that is not there", async () => {
  const to = await endpoint(() => "fine");
  await server!.close();
  await expect(ask(to)).rejects.toThrow(/cannot be reached \(ECONNREFUSED\), 6 times/);
});

test("stops at once when asked to, waiting or not", async () => {
  const waiting = await endpoint(() => "never", { timeout: 60 });
  const stop = (after: number) => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error("enough")), after);
    return abort.signal;
  };
  await expect(ask(waiting, stop(50))).rejects.toThrow("enough");
  await server!.close();
  const later = await endpoint(() => ({ status: 429, headers: { "retry-after": "100" } }));
  await expect(ask(later, stop(100))).rejects.toThrow("enough");
});

test.each([
  ["host/v1", /is not a URL/],
  ["ftp://host/v1", /begins with ftp:/],
  ["https://me:pw@host/v1", /holds a user name or password/],
])("the address %s is refused, and not repeated", (url, message) => {
  const make = () => new ChatEndpoint({ url, model: "m" });
  expect(make).toThrow(message);
  expect(make).not.toThrow(/me:pw/);
});

test("keys go only where they belong", () => {
  const both = { UAT_ENDPOINT_KEY: "a", OPENAI_API_KEY: "b" };
  expect(endpointKey("http://localhost:8000/v1", both)).toBe("a");
  expect(endpointKey("http://localhost:8000/v1", { OPENAI_API_KEY: "b" })).toBeUndefined();
  expect(endpointKey("https://api.openai.com/v1", { OPENAI_API_KEY: "b" })).toBe("b");
  expect(endpointKey("http://api.openai.com/v1", { OPENAI_API_KEY: "b" })).toBeUndefined();
  expect(endpointKey("https://api.openai.com.example.org/v1", { OPENAI_API_KEY: "b" })).toBeUndefined();
});

test("several at once, in order, no more than asked for; nothing new after an error", async () => {
  let [now, most] = [0, 0];
  const work = async (i: number) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, (i * 7) % 5));
    now--;
    return i * i;
  };
  const items = Array.from({ length: 20 }, (_, i) => i);
  expect(await concurrently(items, 3, work)).toEqual(items.map((i) => i * i));
  expect(most).toBe(3);
  const begun: number[] = [];
  const failing = concurrently(items, 2, async (i) => {
    begun.push(i);
    await work(i);
    if (i === 4) throw new Error("four");
  });
  await expect(failing).rejects.toThrow("four");
  expect(now).toBe(0);
  expect(begun.length).toBeLessThan(9);
});
