/** `uat serve`: the codec over HTTP and WebSocket. */
import { Command, InvalidArgumentError, Option } from "commander";
import { dtypeOption, modelOption, revisionOption, wholeNumber } from "../options.ts";

/** Parser of a size: bytes, or a number with k, m or g (powers of 1,024). */
function size(text: string): number {
  const [, digits, unit] = /^(\d+)([kmg]?)$/i.exec(text) ?? [];
  const value = Number(digits) * 1024 ** ["", "k", "m", "g"].indexOf((unit ?? "").toLowerCase());
  if (digits && Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("Expected bytes, or e.g. 32m.");
}

export const serveCommand = (): Command =>
  new Command("serve")
    .description("Serve the codec over HTTP and WebSocket.")
    .addOption(modelOption())
    .addOption(revisionOption())
    .addOption(dtypeOption())
    .option("--no-tokens", "do not load the tokenizer: codes to audio only")
    .option("--no-decode", "do not load the decoder: audio to codes only")
    .option("--host <address>", "address listened at; 0.0.0.0 for all of this machine's", "127.0.0.1")
    .addOption(new Option("-p, --port <n>", "0 takes any free one").default(8723).argParser(wholeNumber(0, 65_535)))
    .addOption(
      new Option("--workers <n>", "engines side by side, each with --threads threads and networks of its own")
        .default(1)
        .argParser(wholeNumber(1, 256)),
    )
    .option("--keys <file>", "API keys, one a line; or UAT_API_KEYS, divided by commas (default: open)")
    .option("--cors <origin...>", "pages elsewhere that may ask, e.g. https://example.org; * for all")
    .option("--allow-host <name...>", "further names of an open server on loopback, e.g. behind a proxy")
    .option("--tls-cert <file>", "PEM of the certificate chain: https")
    .option("--tls-key <file>", "PEM of its private key")
    .option("--static <folder>", "files served at / (default: the playground, where it is installed)")
    .addOption(new Option("--queue <n>", "clips that may wait (default: 256)").argParser(wholeNumber(1, 1_000_000)))
    .addOption(
      new Option("--deadline <s>", "seconds until a request is answered (default: 25)").argParser(wholeNumber(1, 3600)),
    )
    .addOption(new Option("--max-bytes <size>", "of one request's audio, e.g. 32m (default: 32m)").argParser(size))
    .addOption(new Option("--max-seconds <s>", "of one clip (default: 600)").argParser(wholeNumber(1, 86_400)))
    .addOption(new Option("--max-channels <n>", "of one clip (default: 8)").argParser(wholeNumber(1, 64)))
    .addOption(new Option("--max-clips <n>", "of one request (default: 64)").argParser(wholeNumber(1, 10_000)))
    .addOption(new Option("--max-tokens <n>", "of one decode (default: 15000)").argParser(wholeNumber(1, 10_000_000)))
    .addOption(
      new Option("--max-streams <n>", "WebSockets and streamed decodes at once (default: 32)").argParser(
        wholeNumber(1),
      ),
    )
    .addHelpText(
      "after",
      `
Paths: POST /v1/audio/tokens, POST /v1/audio/decode, GET /v1/models, WebSockets at /v1/audio/tokens/live and
/v1/audio/decode/live; /healthz, /readyz, /metrics, /openapi.json, and /docs for people. Requests are logged on standard
output, one JSON object a line, without what is in the audio. SIGTERM and Ctrl-C answer what was accepted, then end.

Examples:
  $ uat serve
  $ curl -F file=@speech.wav http://127.0.0.1:8723/v1/audio/tokens
  $ uat serve --host 0.0.0.0 --keys keys.txt --tls-cert cert.pem --tls-key key.pem
  $ uat serve --workers 4 --threads 1 --queue 512
  $ uat serve --cors https://example.org`,
    )
    .action(async (_options, command: Command) => {
      const { serve } = await import("../actions/serve.ts");
      await serve(command);
    });
