import { realpath } from "node:fs/promises";
import { InputError } from "../errors.ts";

/** Refuses outputs that would replace an input, also through links. @throws InputError naming the file. */
export async function refuseOverwriting(
  inputs: readonly unknown[],
  outputs: readonly string[],
  advice: string,
): Promise<void> {
  const real = (path: unknown) =>
    typeof path === "string" && path !== "-" ? realpath(path).catch(() => undefined) : undefined;
  const taken = new Set(await Promise.all(inputs.map(real)));
  for (const output of outputs) {
    const target = await real(output);
    if (target !== undefined && taken.has(target)) throw new InputError(`${output}: is an input; ${advice}`);
  }
}
