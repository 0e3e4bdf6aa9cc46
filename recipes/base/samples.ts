/**
 * Makes the clips that are shipped, models/samples: `npx tsx recipes/base/samples.ts --speech DIR`, after the stage
 * `fetch`. All their parts are public domain (CC0) and none of them trains the default weights. Needs the `flac` tool.
 */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { encodeWav, loadSpeechSamples } from "@uat/audio";
import { gain, level, noise, peak, Random } from "@uat/training";
import { readManifest } from "./sources/sources.ts";
import { listMembers, unpack } from "./sources/unpack.ts";
import { heldOutPaths, readSpeechFolder } from "./speech/speech-folder.ts";
import { RecipeError } from "./stages/errors.ts";
import { runCommand } from "./stages/run-command.ts";

const RATE = 44100;

/** A sentence that is kept out of training. */
const SENTENCE = "kathleen/arctic_a0095.flac";

/** One part of a mixture: a file of a source, when it starts (seconds) and how loud it is (dBFS, root mean square). */
type Part = [file: RegExp, start: number, loudness: number];

const MIXTURES: { name: string; source: string; seconds: number; air?: number; parts: Part[] }[] = [
  {
    name: "music",
    source: "supersonic-scsynth-samples",
    seconds: 8,
    parts: [
      [/\/loop_safari\.flac$/, 0, -23],
      [/\/guit_em9\.flac$/, 0, -22],
      [/\/guit_em9\.flac$/, 4, -24],
    ],
  },
  {
    // Birds, the bell of a level crossing, a truck that pulls away and sounds its horn, a cow.
    name: "scene",
    source: "openttd-opensfx",
    seconds: 9.6,
    air: -58,
    parts: [
      [/^osfx_66\.wav$/, 0.2, -26],
      [/^osfx_14\.wav$/, 1.9, -24],
      [/^osfx_26\.wav$/, 4.3, -22],
      [/^osfx_72\.wav$/, 5.9, -30],
      [/^osfx_37\.wav$/, 8, -24],
    ],
  },
];

const { values } = parseArgs({ options: { speech: { type: "string" } } });
const folder = values.speech ?? process.env.UAT_SPEECH;
const out = fileURLToPath(new URL("../../models/samples", import.meta.url));
const work = fileURLToPath(new URL("work", import.meta.url));
mkdirSync(out, { recursive: true });

if (!heldOutPaths(readSpeechFolder(folder)).has(SENTENCE)) throw new RecipeError(`${SENTENCE} is not held out`);
copyFileSync(join(folder!, SENTENCE), join(out, "speech.flac"));

for (const { name, source: sourceName, seconds, air, parts } of MIXTURES) {
  const source = readManifest().audio.find((candidate) => candidate.name === sourceName)!;
  const { members } = await listMembers(source, await unpack(source, join(work, "downloads"), join(work, "unpacked")));
  const heldOut = new RegExp(source.heldOut ?? "$^");
  const length = Math.round(seconds * RATE);
  let mixture: Float32Array = new Float32Array(length);
  if (air !== undefined) mixture = gain(noise(length, "brown", new Random(1)), air);
  for (const [file, start, loudness] of parts) {
    const member = members.find(({ path }) => file.test(path));
    if (!member || !heldOut.test(member.path)) throw new RecipeError(`${sourceName}: ${file} is missing or trains`);
    const { samples } = await loadSpeechSamples(await member.read(), { sampleRate: RATE, channel: "mean" });
    const scaled = gain(samples, loudness - 20 * Math.log10(level(samples)));
    const at = Math.round(start * RATE);
    for (let i = 0; i < Math.min(scaled.length, length - at); i++) mixture[at + i] = mixture[at + i]! + scaled[i]!;
  }
  const fade = Math.round(0.4 * RATE);
  for (let i = 0; i < fade; i++) mixture[length - 1 - i] = mixture[length - 1 - i]! * (i / fade);
  if (peak(mixture) > 0.9) mixture = gain(mixture, 20 * Math.log10(0.9 / peak(mixture)));
  const wav = join(out, `${name}.wav`);
  writeFileSync(wav, encodeWav([mixture], RATE, "s16"));
  await runCommand("flac", ["--best", "--silent", "--force", "--no-padding", wav], out, "install flac");
  rmSync(wav);
}
