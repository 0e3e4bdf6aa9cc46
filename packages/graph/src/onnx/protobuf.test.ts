import fc from "fast-check";
import { expect, test } from "vitest";
import { ProtobufWriter } from "./protobuf.ts";

const hex = (w: ProtobufWriter) => Buffer.from(w.finish()).toString("hex");

/** An independent reader: fields of one message in order, varints as unsigned 64-bit numbers. */
function read(bytes: Uint8Array): { field: number; value: bigint | Uint8Array }[] {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] as number;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => bytes.subarray(at, (at += length));
  const fields = [];
  while (at < bytes.length) {
    const key = Number(varint());
    const wire = key & 7;
    const value = wire === 0 ? varint() : take(wire === 5 ? 4 : Number(varint()));
    fields.push({ field: key >> 3, value });
  }
  expect(at).toBe(bytes.length);
  return fields;
}

test.each([
  [0, "0800"],
  [1, "0801"],
  [127, "087f"],
  [128, "088001"],
  [300, "08ac02"],
  [2 ** 31 - 1, "08ffffffff07"],
  [2 ** 31, "088080808008"],
  [2 ** 53, "088080808080808010"],
  [-1, "08ffffffffffffffffff01"],
  [-(2n ** 63n), "0880808080808080808001"],
])("varint %s", (value, bytes) => {
  expect(hex(new ProtobufWriter().varint(1, value))).toBe(bytes);
});

test("any 64-bit number and field number is read back", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.integer({ min: 1, max: 4000 }),
      (v, field) => {
        expect(read(new ProtobufWriter().varint(field, v).finish())).toEqual([{ field, value: BigInt.asUintN(64, v) }]);
        const small = Number(BigInt.asIntN(53, v));
        expect(read(new ProtobufWriter().varint(field, small).finish())[0]?.value).toBe(
          BigInt.asUintN(64, BigInt(small)),
        );
      },
    ),
  );
});

test("a fraction is no varint", () => {
  expect(() => new ProtobufWriter().varint(1, 0.5)).toThrow(RangeError);
});

test("floats, strings, bytes and messages", () => {
  expect(hex(new ProtobufWriter().float(2, 1.5))).toBe("150000c03f");
  expect(hex(new ProtobufWriter().double(1, 1.5))).toBe("09000000000000f83f");
  expect(hex(new ProtobufWriter().string(1, "é"))).toBe("0a02c3a9");
  expect(hex(new ProtobufWriter().bytes(9, Uint8Array.of(1, 2)))).toBe("4a020102");
  expect(hex(new ProtobufWriter().string(1, ""))).toBe("0a00");
  const nested = new ProtobufWriter()
    .message(7, (w) => w.varint(1, 5).message(20, (v) => v.string(1, "x")))
    .varint(2, 3);
  expect(nested.length).toBe(nested.finish().length);
  const [outer, last] = read(nested.finish());
  expect(last).toEqual({ field: 2, value: 3n });
  const [five, inner] = read(outer?.value as Uint8Array);
  expect(five).toEqual({ field: 1, value: 5n });
  expect(inner?.field).toBe(20);
  expect(read(inner?.value as Uint8Array)).toEqual([{ field: 1, value: Uint8Array.of(120) }]);
});

test("a message longer than its length byte", () => {
  const body = new Uint8Array(1000).fill(7);
  const [outer] = read(new ProtobufWriter().message(1, (w) => w.bytes(3, body)).finish());
  expect(read(outer?.value as Uint8Array)).toEqual([{ field: 3, value: body }]);
});
