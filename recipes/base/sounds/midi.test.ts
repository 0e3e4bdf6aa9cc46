import { describe, expect, it } from "vitest";
import { midiFile, variableLength } from "./midi.ts";

describe("variableLength", () => {
  it.each([
    [0x00, [0x00]],
    [0x40, [0x40]],
    [0x7f, [0x7f]],
    [0x80, [0x81, 0x00]],
    [0x2000, [0xc0, 0x00]],
    [0x3fff, [0xff, 0x7f]],
    [0x100000, [0xc0, 0x80, 0x00]],
    [0x0fffffff, [0xff, 0xff, 0xff, 0x7f]],
  ])("writes %i as the table of the MIDI specification does", (value, bytes) => {
    expect(variableLength(value)).toEqual(bytes);
  });
});

describe("midiFile", () => {
  it("is a header, a program change, notes in order of time and an end", () => {
    const bytes = [...midiFile([{ start: 0.5, duration: 0.25, key: 60, velocity: 100 }], 2, 73)];
    expect(bytes.slice(0, 14)).toEqual([0x4d, 0x54, 0x68, 0x64, 0, 0, 0, 6, 0, 0, 0, 1, 1, 0xe0]);
    expect(bytes.slice(14, 22)).toEqual([0x4d, 0x54, 0x72, 0x6b, 0, 0, 0, bytes.length - 22]);
    // 0.5 s are 480 ticks (83 60), 0.25 s are 240 (81 70).
    expect(bytes.slice(22)).toEqual([
      ...[0, 0xc2, 73],
      ...[0x83, 0x60, 0x92, 60, 100],
      ...[0x81, 0x70, 0x82, 60, 0],
      ...[0, 0xff, 0x2f, 0],
    ]);
  });
});
