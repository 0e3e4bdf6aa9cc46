/** The built page in Chromium: served as `uat serve` serves it, or as a plain host would, without isolation. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { StaticFiles } from "../../packages/server/src/http/static-files.ts";
import { launchChromium } from "../browser/chromium.ts";

const path = (url: string) => fileURLToPath(new URL(url, import.meta.url));

export interface SiteOptions {
  /** More command line flags of Chromium. */
  readonly flags?: readonly string[];
  /** False: without the headers that give a page threads. */
  readonly isolated?: boolean;
}

export interface Site {
  readonly origin: string;
  readonly browser: Browser;
  /** Paths that were asked for, with the number of requests. */
  readonly requests: Map<string, number>;
  /** Opens the page in a context of its own and waits until its script has run. */
  open(address?: string, context?: Parameters<Browser["newPage"]>[0]): Promise<{ page: Page; errors: string[] }>;
  close(): Promise<void>;
}

export async function startSite({ flags = [], isolated = true }: SiteOptions = {}): Promise<Site> {
  const files = await StaticFiles.open(path("../../packages/codec/dist/playground"), {
    "/models/base/": path("../../models/base"),
    "/models/samples/": path("../../models/samples"),
    "/runtime/": path("../../node_modules/onnxruntime-web/dist"),
    // a tokeniser with a gate and a flow decoder, both tiny
    "/models/tiny/tokenizer/": path("../fixtures/tokenizers/uniaudio/checkpoint/tokenizer"),
    "/models/tiny/decoder/": path("../fixtures/decoders/uniaudio/checkpoint/decoder"),
  });
  const requests = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const key = `${request.method} ${pathname}`;
    requests.set(key, (requests.get(key) ?? 0) + 1);
    if (!isolated) {
      const { writeHead } = response;
      response.writeHead = ((status: number, headers: Record<string, string> = {}) => {
        const { "cross-origin-opener-policy": _, "cross-origin-embedder-policy": __, ...rest } = headers;
        return writeHead.call(response, status, rest);
      }) as typeof writeHead;
    }
    if (!(await files.send(request, response, pathname))) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await launchChromium(["--autoplay-policy=no-user-gesture-required", ...flags]);
  return {
    origin,
    browser,
    requests,
    async open(address = "/", context = {}) {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...context });
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      await page.goto(origin + address);
      await page.waitForSelector("#choose");
      return { page, errors };
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Waits until the clip on the page can be heard. @throws Error with what the page says when it cannot. */
export async function decoded(page: Page, timeout = 90_000): Promise<void> {
  const end = await page.waitForFunction(
    () => {
      const failed = document.querySelector("#veil.failed:not([hidden])");
      if (failed) return failed.textContent;
      const wav = document.querySelector<HTMLButtonElement>('[data-take="wav"]');
      const working = document.getElementById("work")?.textContent?.endsWith("…");
      return wav && !wav.disabled && !working ? "decoded" : undefined;
    },
    undefined,
    { timeout },
  );
  const said = await end.jsonValue();
  if (said !== "decoded") throw new Error(`the page says: ${said}`);
}
