import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openFile } from "./node.ts";
import { decodeAudio } from "./open-audio.ts";

const audio = fileURLToPath(new URL("../../../tests/fixtures/audio/", import.meta.url));

describe("openFile", () => {
  it("reads a file by ranges", async () => {
    const file = await openFile(`${audio}speech.flac`);
    expect((await decodeAudio(file)).channels[0]!.length).toBe(35200);
    await file.close();
  });

  it("names missing files and directories", async () => {
    await expect(openFile(`${audio}absent.wav`)).rejects.toThrow(/absent\.wav: no such file/);
    await expect(openFile(audio)).rejects.toThrow(/is a directory/);
  });
});
