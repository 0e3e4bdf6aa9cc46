import { expect, it } from "vitest";
import { readCat } from "./cat-archive.ts";

it("reads names, descriptions and bytes of every sound", () => {
  const text = (s: string) => [s.length + 1, ...new TextEncoder().encode(s), 0];
  const sound = (description: string, wav: number[], path: string) => [...text(description), ...wav, 0, ...text(path)];
  const bodies = [sound("Bell. CC0", [1, 2, 3], "src/wav/osfx_00.wav"), sound("Horn", [4, 5], "src/wav/osfx_01.wav")];
  const lengths = [3, 2];
  const file = new Uint8Array(16 + bodies[0]!.length + bodies[1]!.length);
  const view = new DataView(file.buffer);
  let at = 16;
  for (const [i, body] of bodies.entries()) {
    view.setUint32(i * 8, (at | 0x80000000) >>> 0, true);
    view.setUint32(i * 8 + 4, lengths[i]!, true);
    file.set(body, at);
    at += body.length;
  }
  const sounds = readCat(file);
  expect(sounds.map(({ path, description }) => [path, description])).toEqual([
    ["osfx_00.wav", "Bell. CC0"],
    ["osfx_01.wav", "Horn"],
  ]);
  expect([...sounds[0]!.bytes]).toEqual([1, 2, 3]);
  expect([...sounds[1]!.bytes]).toEqual([4, 5]);
});
