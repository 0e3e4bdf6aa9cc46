/** PNG: signature, header, the rows each with a filter byte, all deflated, end. */
import { crc32, deflateSync } from "node:zlib";
import type { Canvas } from "./canvas.ts";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Filter that stores the difference to the pixel above: smooth pictures pack better so. */
const UP = 2;

/** The file of a picture, 8-bit RGB. */
export function encodePng({ width, height, pixels }: Canvas): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB, deflate, filters, not interlaced
  const row = 3 * width;
  const rows = new Uint8Array((row + 1) * height);
  for (let y = 0; y < height; y++) {
    rows[y * (row + 1)] = UP;
    for (let i = 0; i < row; i++) {
      const above = y === 0 ? 0 : pixels[(y - 1) * row + i]!;
      rows[y * (row + 1) + 1 + i] = pixels[y * row + i]! - above;
    }
  }
  return Buffer.concat([SIGNATURE, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND")]);
}

function chunk(type: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, "latin1");
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}
