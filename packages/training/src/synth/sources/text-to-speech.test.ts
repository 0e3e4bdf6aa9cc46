/** Kokoro and espeak-ng: what is passed to them and what is made of their answers. A small network and a script stand in. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildGraph, emitModel, serializeModel, symbol } from "@uat/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Espeak, EspeakSpeech, espeakVoice } from "./espeak.ts";
import { Kokoro, KokoroSpeech, kokoroVoice, kokoroVoices } from "./kokoro.ts";
import { kokoroPhonemes, kokoroSymbols } from "./kokoro-phonemes.ts";

const folder = mkdtempSync(join(tmpdir(), "uat-tts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Answers as espeak-ng does: its arguments and text as phonemes, a tone whose length goes with the pace as speech. */
const SCRIPT = `#!/usr/bin/env node
const args = process.argv.slice(2);
if (args[0] === "--version") { console.log("stand-in"); process.exit(0); }
const value = (name) => args[args.indexOf(name) + 1];
if (value("-v") === "xx") { console.error("Error: The specified espeak-ng voice does not exist."); process.exit(1); }
let text = "";
process.stdin.on("data", (d) => (text += d)).on("end", () => {
  if (args.includes("--ipa")) return console.log(" " + text.toLowerCase() + "\\n [" + value("-v") + "]");
  const rate = 22050, n = Math.round(rate * text.length / 10 * 175 / Number(value("-s")));
  const out = Buffer.alloc(44 + 2 * n);
  out.write("RIFF", 0, "latin1"); out.writeUInt32LE(0x7ffff024, 4); out.write("WAVEfmt ", 8, "latin1");
  out.writeUInt32LE(16, 16); out.writeUInt16LE(1, 20); out.writeUInt16LE(1, 22); out.writeUInt32LE(rate, 24);
  out.writeUInt32LE(2 * rate, 28); out.writeUInt16LE(2, 32); out.writeUInt16LE(16, 34);
  out.write("data", 36, "latin1"); out.writeUInt32LE(0x7ffff000, 40);
  for (let i = 0; i < n; i++) out.writeInt16LE(Math.round(8000 * Math.sin(i / 20)), 44 + 2 * i);
  process.stdout.write(out);
});
`;
const program = join(folder, "espeak-stand-in");
writeFileSync(program, SCRIPT);
chmodSync(program, 0o755);

test("without the program there is one line that says what to do", async () => {
  await expect(Espeak.open(join(folder, "no-espeak"))).rejects.toThrow(
    /no-espeak: not found; expected the espeak-ng program; install it \(e\.g\. apt-get install espeak-ng\) or give its path by espeak:$/,
  );
});

describe("espeak-ng's own voice", async () => {
  const espeak = await Espeak.open(program);
  const options = { name: "espeak", espeak, licence: "x", sampleRate: 16000, texts: ["Hello there you.", "Good day."] };

  test("speaks every text by every voice, at the pace asked for", async () => {
    const source = new EspeakSpeech({ ...options, voices: ["en-us", "en-gb+f2", "de+m3"] });
    expect(source.size).toBe(6);
    expect(
      new Set(Array.from({ length: 6 }, (_, i) => `${source.item(i).origin.clip}|${source.item(i).text}`)).size,
    ).toBe(6);
    const [plain, fast] = await Promise.all([1, 1.25].map((rate) => source.item(0).speak({ rate })));
    expect(plain!.samples.length / 16000).toBeCloseTo(1.6, 1);
    expect(fast!.samples.length / plain!.samples.length).toBeCloseTo(0.8, 2);
    expect(fast!.rate).toBe(1.25);
  });

  test("a voice it does not have is told in its own words", async () => {
    const source = new EspeakSpeech({ ...options, voices: ["xx"] });
    await expect(source.item(0).speak({ rate: 1 })).rejects.toThrow(
      /failed \(1\): Error: The specified espeak-ng voice/,
    );
  });

  test("voices say what their names say", () => {
    expect(espeakVoice("en-gb+f2")).toMatchObject({ gender: "Female", accent: "British English", language: "en-gb" });
    expect(espeakVoice("de")).toMatchObject({ gender: "Male", accent: "German" });
    expect(espeakVoice("en-us+whisper").gender).toBeNull();
  });
});

test("tied phonemes become Kokoro's symbols", () => {
  // examples of espeak-ng 1.51: --ipa --tie=^
  expect(kokoroSymbols("ðə d^ʒˈʌd^ʒ bˈɔ^ɪ ðe^ɪ ˈɔ^ɪl ɡˌo^ʊ hˈa^ʊs", "en-us")).toBe("ðə ʤˈʌʤ bˈY ðA ˈYl ɡˌO hˈWs");
  expect(kokoroSymbols("lˈɪɾə^l bˈʌʔn\u0329 t^ʃˈɛ^ɹ nˈɜːs", "en-us")).toBe("lˈɪTᵊl bˈʌtᵊn ʧˈɛɹ nˈɜɹs");
  expect(kokoroSymbols("ɡˌə^ʊ nˈɜːs", "en-gb")).toBe("ɡˌQ nˈɜːs");
});

test("punctuation stays between the clauses, numbers stay whole", async () => {
  const said: string[] = [];
  const espeak = {
    async phonemes(clause: string) {
      said.push(clause);
      return clause.toUpperCase();
    },
  };
  const text = 'Well,  come in; (now) "please": it\'s 3.5 or 1,000!';
  expect(await kokoroPhonemes(text, "en-us", espeak)).toBe('WELL, COME IN; (NOW) "PLEASE": IT\'S 3.5 OR 1,000!');
  expect(said).toEqual(["Well", "come in", "now", "please", "it's 3.5 or 1,000"]);
});

describe("Kokoro", () => {
  const voices = join(folder, "voices");
  mkdirSync(voices);
  const files = { model: join(folder, "kokoro.onnx"), voices, vocabulary: join(folder, "vocab.json") };
  let kokoro: Kokoro;

  beforeAll(async () => {
    // gives back all that it is told: tokens, style, speed
    const graph = buildGraph("echo", (g) => {
      const tokens = g.input("tokens", [1, symbol("n")], "int64");
      const style = g.input("style", [1, 256]);
      const speed = g.input("speed", [1]);
      return { audio: tokens.cast("float32").concat(1, style, speed.reshape([1, 1])) };
    });
    const none = () => {
      throw new Error("no weights");
    };
    writeFileSync(files.model, serializeModel(emitModel(graph), none));
    const letters = [..."abcdefghijklmnopqrstuvwxyz[]ABCDEFGHIJKLMNOPQRSTUVWXYZ .,"];
    writeFileSync(files.vocabulary, JSON.stringify({ vocab: Object.fromEntries(letters.map((c, i) => [c, i + 1])) }));
    const table = new Float32Array(510 * 256).map((_, i) => Math.floor(i / 256) + (i % 256) / 1000);
    for (const name of ["af_one", "bm_two", "jf_three"])
      writeFileSync(join(voices, `${name}.bin`), Buffer.from(table.buffer));
    kokoro = await Kokoro.open(files, 1);
  });
  afterAll(() => kokoro.close());

  test("is given symbols between zeros, the style of their number, and the speed", async () => {
    const echo = await kokoro.speak("ab?z", "af_one", 1.5);
    expect([...echo.subarray(0, 5)]).toEqual([0, 1, 2, 26, 0]);
    expect(echo[5]).toBe(3);
    expect(echo[260]).toBeCloseTo(3.255, 5);
    expect(echo[261]).toBe(1.5);
    expect(echo).toHaveLength(262);
  });

  test("texts too long for its styles are unreadable, never cut", async () => {
    await expect(kokoro.speak("a".repeat(510), "af_one", 1)).rejects.toThrow(
      /^af_one: a{40}: a text of 510 phonemes; expected 1 to 509; shorten it/,
    );
    await expect(kokoro.speak("???", "af_one", 1)).rejects.toThrow(/a text of 0 phonemes/);
  });

  test("as a source: phonemes of the voice's language, its facts from its name", async () => {
    const espeak = await Espeak.open(program);
    const source = new KokoroSpeech({
      name: "kokoro",
      kokoro,
      espeak,
      voices: ["af_one", "bm_two"],
      texts: ["Hi."],
      licence: "Apache-2.0",
      sampleRate: 24000,
    });
    expect(source.size).toBe(2);
    expect(source.item(1)).toMatchObject({
      origin: { clip: "bm_two", licence: "Apache-2.0" },
      voice: { speaker: "bm_two", gender: "Male", age: "Adult", accent: "British English", language: "en-GB" },
    });
    const { samples, rate } = await source.item(0).speak({ rate: 0.8 });
    expect(rate).toBe(0.8);
    expect(samples.length).toBeGreaterThan(200);
  });

  test("voices of a language are those there are", async () => {
    expect(await kokoroVoices(voices, "en")).toEqual(["af_one", "bm_two"]);
    expect(await kokoroVoices(voices, "en-gb")).toEqual(["bm_two"]);
    await expect(kokoroVoices(voices, "fr")).rejects.toThrow(
      /no voice of Kokoro speaks fr; expected NAME\.bin of en-US/,
    );
    await expect(kokoroVoices(join(folder, "none"), "en")).rejects.toThrow(/no such folder/);
    expect(() => kokoroVoice("jf_three")).toThrow(/jf_three: not a voice that can be used here/);
  });

  test("files that are not Kokoro's are refused by name", async () => {
    const bad = join(folder, "bad.bin");
    writeFileSync(bad, "no");
    await expect(Kokoro.open({ ...files, model: bad }, 1)).rejects.toThrow(
      /bad\.bin: cannot be loaded as an ONNX model/,
    );
    await expect(Kokoro.open({ ...files, vocabulary: bad }, 1)).rejects.toThrow(/bad\.bin: cannot be read/);
    writeFileSync(join(voices, "af_short.bin"), "xx");
    await expect(kokoro.speak("a", "af_short", 1)).rejects.toThrow(/af_short\.bin: 2 bytes; expected 522240/);
    await expect(kokoro.speak("a", "af_gone", 1)).rejects.toThrow(/af_gone\.bin: cannot be read/);
  });
});
