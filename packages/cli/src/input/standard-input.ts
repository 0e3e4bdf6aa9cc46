/** Standard input, read to its end. */
import { InputError } from "../errors.ts";

/** @param what named in messages, e.g. `audio`. @throws InputError on a terminal, where nothing would ever come. */
export async function readStandardInput(what: string): Promise<Uint8Array> {
  if (process.stdin.isTTY) throw new InputError(`-: standard input is a terminal; pipe ${what} into it`);
  const parts: Uint8Array[] = [];
  for await (const part of process.stdin) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}
