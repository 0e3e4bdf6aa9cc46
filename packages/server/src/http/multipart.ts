/** multipart/form-data (RFC 7578): files into memory, a few short fields. */
import type { IncomingMessage } from "node:http";
import { Busboy } from "@fastify/busboy";
import { RequestError } from "../errors.ts";
import { type BodyAllowance, consume } from "./body.ts";

export interface FormFile {
  readonly field: string;
  readonly name: string;
  readonly bytes: Buffer;
}

export interface Form {
  readonly files: readonly FormFile[];
  readonly fields: ReadonlyMap<string, string>;
}

const MAX_FIELDS = 16;
const MAX_FIELD_BYTES = 4096;

/**
 * @param maxFiles more are refused.
 * @throws RequestError `malformed` for what is no form, `too_large` past the allowance or the number of files.
 */
export async function readForm(request: IncomingMessage, allowance: BodyAllowance, maxFiles: number): Promise<Form> {
  const files: FormFile[] = [];
  const fields = new Map<string, string>();
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= error;
  };
  const many = () => fail(new RequestError("too_large", `more than ${maxFiles} files or ${MAX_FIELDS} fields`));
  const limits = {
    fields: MAX_FIELDS,
    fieldSize: MAX_FIELD_BYTES,
    files: maxFiles,
    parts: maxFiles + MAX_FIELDS,
    headerPairs: 32,
    headerSize: 8192,
  };
  try {
    const parser = new Busboy({ headers: request.headers as { "content-type": string }, limits });
    parser.on("file", (field, stream, name) => {
      const parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => files.push({ field, name: name || field, bytes: Buffer.concat(parts) }));
      stream.on("error", fail);
    });
    parser.on("field", (field, value, _nameCut, cut) => {
      if (cut) fail(new RequestError("invalid", `field ${field}: longer than ${MAX_FIELD_BYTES} bytes`));
      fields.set(field, value);
    });
    parser.on("filesLimit", many);
    parser.on("fieldsLimit", many);
    parser.on("partsLimit", many);
    const finished = new Promise<void>((resolve) => {
      parser.on("finish", resolve);
      parser.on("error", (error) => {
        fail(error);
        resolve();
      });
    });
    await consume(request, allowance, (part) => {
      parser.write(part);
      if (failure) throw failure;
    });
    parser.end();
    await finished;
    if (failure) throw failure;
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError("malformed", `the form cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return { files, fields };
}
