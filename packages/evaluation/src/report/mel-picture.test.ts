import { inflateSync } from "node:zlib";
import { encodeWav } from "@uat/audio";
import { expect, test } from "vitest";
import { melPicture } from "./mel-picture.ts";

/** Mean brightness of each row of a PNG whose rows store differences to the row above. */
function rows(png: Uint8Array): number[] {
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  // signature, header chunk of 25 bytes, then the data chunk
  const data = inflateSync(png.subarray(41, 41 + view.getUint32(33)));
  const row = new Uint8Array(3 * width);
  return Array.from({ length: height }, (_, y) => {
    for (let i = 0; i < row.length; i++) row[i] = row[i]! + data[y * (row.length + 1) + 1 + i]!;
    return row.reduce((a, b) => a + b, 0) / row.length;
  });
}

test("a high tone is bright above, a low one below", () => {
  const tone = (hz: number) =>
    encodeWav([Float32Array.from({ length: 16000 }, (_, i) => 0.3 * Math.sin((2 * Math.PI * hz * i) / 16000))], 16000);
  const brightest = (hz: number) => {
    const bright = rows(melPicture(tone(hz))!);
    expect(bright).toHaveLength(80);
    return bright.indexOf(Math.max(...bright));
  };
  expect(brightest(6000)).toBeLessThan(12);
  // 200 Hz is 3 of the 45 mels up to 8 kHz
  expect(brightest(200)).toBeGreaterThan(70);
});

test("sounds too short for a frame have none", () => {
  expect(melPicture(encodeWav([new Float32Array(10)], 16000))).toBeUndefined();
  expect(melPicture(new Uint8Array(3))).toBeUndefined();
});
