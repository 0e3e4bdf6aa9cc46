/** The small part of the protocol buffer wire format that writing ONNX and TensorBoard files takes. */

const text = new TextEncoder();

/** Appends fields to one message. Numbers are varints unless said. */
export class ProtobufWriter {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  varint(field: number, value: number | bigint): this {
    this.#push(encodeVarint((field << 3) | 0));
    return this.#push(encodeVarint(value));
  }

  float(field: number, value: number): this {
    this.#push(encodeVarint((field << 3) | 5));
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#push(bytes);
  }

  double(field: number, value: number): this {
    this.#push(encodeVarint((field << 3) | 1));
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.#push(bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    this.#push(encodeVarint((field << 3) | 2));
    this.#push(encodeVarint(value.length));
    return this.#push(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, text.encode(value));
  }

  message(field: number, body: (w: ProtobufWriter) => void): this {
    const inner = new ProtobufWriter();
    body(inner);
    this.#push(encodeVarint((field << 3) | 2));
    this.#push(encodeVarint(inner.#length));
    for (const c of inner.#chunks) this.#push(c);
    return this;
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.#length);
    let at = 0;
    for (const c of this.#chunks) {
      out.set(c, at);
      at += c.length;
    }
    return out;
  }

  #push(bytes: Uint8Array): this {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    return this;
  }
}

function encodeVarint(value: number | bigint): Uint8Array {
  const out: number[] = [];
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 0x80000000) {
    let v = value;
    while (v > 127) {
      out.push((v & 127) | 128);
      v >>>= 7;
    }
    out.push(v);
  } else {
    let v = BigInt.asUintN(64, BigInt(value)); // negative numbers take ten bytes; fractions throw
    while (v > 127n) {
      out.push(Number(v & 127n) | 128);
      v >>= 7n;
    }
    out.push(Number(v));
  }
  return Uint8Array.from(out);
}
