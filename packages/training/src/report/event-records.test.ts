import { expect, test } from "vitest";
import { crc32c, frameRecord } from "./event-records.ts";

// RFC 3720, appendix B.4, and the check value of CRC catalogues
test.each([
  ["32 zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["ascending", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ["descending", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ["123456789", new TextEncoder().encode("123456789"), 0xe3069283],
  ["nothing", new Uint8Array(0), 0],
])("CRC-32C of %s", (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

test("a record is its length, the data and a checksum of each", () => {
  const record = frameRecord(Uint8Array.of(1, 2, 3));
  expect(record.length).toBe(19);
  expect([...record.subarray(0, 8)]).toEqual([3, 0, 0, 0, 0, 0, 0, 0]);
  expect([...record.subarray(12, 15)]).toEqual([1, 2, 3]);
});
