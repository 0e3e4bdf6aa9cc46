import { expect, test } from "vitest";
import type { Plot, Section } from "../suite/evaluation.ts";
import { columnFormat, escapeHtml, escapeMarkdown, formatInterval, formatNumber, formatThresholds } from "./format.ts";
import { reportMarkdown } from "./markdown.ts";
import { reportPage } from "./page.ts";
import { drawPlot } from "./plots.ts";
import { PUBLISHED_MEASURES, PUBLISHED_SYSTEMS } from "./published.ts";
import { parseReport } from "./read-report.ts";
import { type Report, type ReportFigure, reportSection, type TaskReport, verdictOf } from "./report.ts";
import { PlayerSounds } from "./sounds.ts";

const EVIL = `<img src=x onerror=alert(1)>|\`"'&\u202e\u0007\n`;

/** Every text of it is hostile. */
function evilTask(more: Partial<TaskReport> = {}): { task: TaskReport; sounds: PlayerSounds } {
  const plots: Plot[] = [
    {
      kind: "scatter",
      title: EVIL,
      points: [
        { x: 1, y: 2, group: EVIL, name: EVIL },
        { x: Number.NaN, y: 0 },
      ],
    },
    {
      kind: "bars",
      title: EVIL,
      bars: [
        { name: EVIL, value: 3, interval: [2, 4] },
        { name: "b", value: Number.NaN },
      ],
      unit: EVIL,
    },
    { kind: "lines", title: EVIL, lines: [{ name: EVIL, x: [0, 1, 10], y: [1, 2, 3] }], logX: true, xLabel: EVIL },
    {
      kind: "histogram",
      title: EVIL,
      groups: [
        { name: EVIL, values: [1, 2, 2] },
        { name: "c", values: [] },
      ],
      yLabel: EVIL,
    },
    {
      kind: "heat",
      title: EVIL,
      rows: [EVIL, "b"],
      columns: [EVIL, "b"],
      values: [
        [1, 0],
        [Number.NaN, 2],
      ],
      note: EVIL,
    },
  ];
  const section: Section = {
    title: EVIL,
    figures: [
      { id: "a", name: EVIL, value: 0.5, unit: EVIL, interval: [0.25, 0.75], n: 12, of: EVIL, headline: true },
      { id: "b", name: "gone", value: Number.NaN, better: "lower", must: 1 },
    ],
    published: { esc10Purity: 0.7 },
    plots,
    tables: [
      {
        title: EVIL,
        columns: [EVIL, "n"],
        rows: [
          [EVIL, 1.25],
          ["x", null],
        ],
        note: EVIL,
      },
    ],
    notes: [EVIL],
  };
  const sounds = new PlayerSounds();
  const player = sounds.keep({
    title: EVIL,
    sounds: [{ name: EVIL, samples: new Float32Array(16_000 * 20), sampleRate: 16_000 }],
    texts: { [EVIL]: EVIL },
  });
  const sha256 = "ab".repeat(32);
  const task: TaskReport = {
    task: "evil",
    title: EVIL,
    protocol: EVIL,
    model: { name: EVIL, sha256, files: [{ path: EVIL, sha256 }] },
    data: { inputs: [EVIL], clips: 3, minutes: 0.5, sha256, leftOut: 30, unreadable: [{ name: EVIL, reason: EVIL }] },
    seed: 1,
    facts: { [EVIL]: EVIL },
    machine: { [EVIL]: EVIL },
    command: EVIL,
    written: "2026-01-02T03:04:05.000Z",
    sections: [reportSection(section, [player])],
    ...more,
  };
  return { task, sounds };
}

const report = (...tasks: TaskReport[]): Report => ({ version: 1, tasks });

test("no text of others becomes markup, and nothing is fetched", () => {
  const { task, sounds } = evilTask();
  const page = reportPage(report(task), sounds.files);
  const tags = [...page.matchAll(/<\/?([a-z][a-z0-9]*)/gi)].map((match) => match[1]!.toLowerCase());
  expect(tags).not.toContain("img");
  expect(tags).not.toContain("script");
  expect(page).not.toMatch(/\son[a-z]+\s*=\s*[^&\s]*alert\(1\)[^&]*>/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that they are gone is the point
  expect(page).not.toMatch(/[\u0007\u202e]/);
  for (const [, address] of page.matchAll(/(?:src|href)="([^"]*)"/g)) expect(address).toMatch(/^(data:|#)/);
  expect(page).not.toMatch(/url\(|@import/);
  for (const attribute of page.matchAll(/aria-label="([^"]*)"/g)) expect(attribute[1]).not.toContain("<");
  expect(page.match(/<audio /g)).toHaveLength(1);
});

test("Markdown keeps its tables whatever names hold", () => {
  const { task } = evilTask();
  const lines = reportMarkdown(report(task)).split("\n");
  for (const [i, line] of lines.entries()) {
    if (!line.startsWith("|")) continue;
    const cells = (text: string) => text.replace(/\\\|/g, "").split("|").length;
    if (lines[i - 1]?.startsWith("|")) expect(cells(line)).toBe(cells(lines[i - 1]!));
    expect(line.replace(/\\./g, "")).not.toMatch(/[<>`]/);
  }
  expect(lines.some((line) => line.includes("UniAudio-Token | 25 | 325 | 0.730"))).toBe(true);
  expect(lines.some((line) => line.startsWith("| gone | –") && line.includes("not measured"))).toBe(true);
});

test("report.json comes back as it was written", () => {
  const { task } = evilTask();
  const text = JSON.stringify(report(task));
  const again = parseReport(text, "report.json");
  expect(JSON.parse(JSON.stringify(again))).toEqual(JSON.parse(text));
  expect(reportMarkdown(again)).toBe(reportMarkdown(report(task)));
});

test.each([
  ["no JSON", "{", "is not JSON"],
  ["another version", JSON.stringify({ version: 2, tasks: [] }), "version"],
  ["a list", "[]", "the whole"],
  ["a figure that is text", JSON.stringify(report(withFigure("1"))), "tasks.0.sections.0.figures.0.value"],
  ["a sound elsewhere", JSON.stringify(report(withSound("../../secret.wav"))), "players.0.sounds.0.file"],
  ["an absolute sound", JSON.stringify(report(withSound("/etc/passwd"))), "players.0.sounds.0.file"],
])("a report.json with %s is refused in one line that names it", (_, text, field) => {
  expect(() => parseReport(text, "old/report.json")).toThrow(
    expect.objectContaining({ isInputError: true, message: expect.stringContaining("old/report.json: ") }),
  );
  expect(() => parseReport(text, "old/report.json")).toThrow(field);
});

function withFigure(value: unknown): TaskReport {
  const { task } = evilTask();
  const [section] = task.sections;
  return { ...task, sections: [{ ...section!, figures: [{ ...section!.figures[0]!, value: value as number }] }] };
}

function withSound(file: string): TaskReport {
  const { task } = evilTask();
  const [section] = task.sections;
  return {
    ...task,
    sections: [{ ...section!, players: [{ title: "x", texts: {}, sounds: [{ name: "x", file, seconds: 1 }] }] }],
  };
}

test("models that differ stand side by side", () => {
  const { task } = evilTask();
  const figures = [{ id: "a", name: "A", value: 1, headline: true }];
  const one = { ...task, title: "T", sections: [{ ...task.sections[0]!, figures }] };
  const other = { ...one, model: { name: "other", sha256: "cd".repeat(32), files: [] } };
  const markdown = reportMarkdown(report({ ...one, model: { ...one.model!, name: "base" } }, other));
  expect(markdown).toContain("| Figure | base (abababababab) | other (cdcdcdcdcdcd) |");
  expect(markdown).toContain("| T: A | 1 | 1 |");
  expect(reportMarkdown(report(one))).not.toContain("side by side");
});

test("sounds are cut, and a page holds only so many", () => {
  const sounds = new PlayerSounds();
  const samples = new Float32Array(48_000 * 20);
  const kept = Array.from({ length: 40 }, (_, i) =>
    sounds.keep({ title: String(i), sounds: [{ name: "x", samples, sampleRate: 48_000 }] }),
  );
  expect(kept[0]!.sounds[0]).toMatchObject({ file: "players/1.wav", seconds: 12 });
  expect(new Set(kept.map((player) => player.sounds[0]!.file)).size).toBe(40);
  const bytes = [...sounds.files.values()].reduce((sum, wav) => sum + wav.length, 0);
  expect(bytes).toBeLessThanOrEqual(24 * 2 ** 20);
  expect(sounds.files.size).toBeGreaterThan(15);
});

test("thresholds are judged in their direction", () => {
  const figure = (value: number | null, better: "lower" | "higher"): ReportFigure => ({
    id: "x",
    name: "x",
    value,
    better,
    must: better === "lower" ? 8 : 0.73,
    aim: better === "lower" ? 3 : 0.85,
  });
  expect([9, 8, 3].map((v) => verdictOf(figure(v, "lower")))).toEqual(["missed", "must", "aim"]);
  expect([0.7, 0.73, 0.9].map((v) => verdictOf(figure(v, "higher")))).toEqual(["missed", "must", "aim"]);
  expect(verdictOf(figure(null, "higher"))).toBe("unmeasured");
  expect(verdictOf({ id: "x", name: "x", value: 1 })).toBeUndefined();
  expect(formatThresholds(figure(1, "lower"))).toBe("must ≤ 8, aim ≤ 3");
});

test("numbers for people", () => {
  expect([0.12345, 12.345, 123.45, 12345.6, -0.0001, 7].map((v) => formatNumber(v))).toEqual([
    "0.123",
    "12.35",
    "123.5",
    "12,346",
    "0.000",
    "7",
  ]);
  expect(formatNumber(-0.25, 2)).toBe("−0.25");
  expect(formatNumber(Number.NaN)).toBe("–");
  expect([1.5, 10, null, 2.25].map(columnFormat([1.5, 10, null, "x", 2.25]))).toEqual(["1.50", "10.00", "–", "2.25"]);
  expect(formatInterval({ id: "x", name: "x", value: 12.3, digits: 1, interval: [10, 14.25] })).toBe("10.0 to 14.3");
  expect(escapeHtml("a\tb\u0000<")).toBe("a\tb�&lt;");
  expect(escapeMarkdown("a|b\n*c*")).toBe("a\\|b \\*c\\*");
});

test("plots stand empty and single values", () => {
  const empty: Plot[] = [
    { kind: "scatter", title: "", points: [] },
    { kind: "bars", title: "", bars: [] },
    { kind: "lines", title: "", lines: [{ name: "a", x: [], y: [] }] },
    { kind: "lines", title: "", lines: [{ name: "a", x: [5], y: [5] }], logX: true },
    { kind: "histogram", title: "", groups: [{ name: "a", values: [3] }] },
    { kind: "heat", title: "", rows: [], columns: [], values: [] },
  ];
  for (const plot of empty) expect(drawPlot(plot).svg).not.toMatch(/NaN|Infinity|undefined/);
});

test("bars are as long as their values", () => {
  const { svg } = drawPlot({ kind: "bars", title: "t", bars: [10, 20, -5].map((value) => ({ name: "b", value })) });
  const widths = [...svg.matchAll(/<rect class="fill c0" x="[\d.]+" y="\d+" width="([\d.]+)"/g)].map((m) =>
    Number(m[1]),
  );
  expect(widths[1]! / widths[0]!).toBeCloseTo(2, 1);
  expect(widths[0]! / widths[2]!).toBeCloseTo(2, 1);
});

test("every published value is of a known measure and every measure has a value", () => {
  for (const measure of Object.keys(PUBLISHED_MEASURES))
    expect(PUBLISHED_SYSTEMS.some(({ values }) => Number.isFinite(values[measure as keyof typeof values]))).toBe(true);
  for (const { values } of PUBLISHED_SYSTEMS)
    for (const measure of Object.keys(values)) expect(PUBLISHED_MEASURES).toHaveProperty(measure);
});
