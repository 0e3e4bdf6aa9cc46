import { expect, test } from "vitest";
import { chartSections } from "./charts.ts";
import { Curves } from "./curves.ts";

const curves = new Curves();
curves.add({
  step: 5,
  gamma: 0.5,
  loss: 3,
  text_loss: 2,
  quantizer_loss: 1,
  lr_encoder: 1e-5,
  lr_decoder: 6e-4,
  gradient_norm: 0.9,
  samples_per_second: 30,
  unreadable_clips: 2,
});
curves.add({ step: 10, split: "validation", loss: 3.5, text_loss: 2.5, sap_valid: 0.4, sap_wer: 0.9, mos: 3 });
const sections = chartSections(curves);

test("every metric is in one chart, and charts stand in sections", () => {
  expect(sections.map((s) => [s.title, ...s.charts.map((c) => c.title)])).toEqual([
    ["Loss", "Loss", "Parts of the loss"],
    ["Quality", "SAP", "Mos"],
    ["Quantiser", "γ"],
    ["Optimisation", "Learning rates", "Gradient norm before clipping"],
    ["Speed", "Samples per second"],
    ["More", "Unreadable clips"],
  ]);
});

test("splits of a metric differ by colour, parts of a whole keep theirs", () => {
  const lines = (title: string) =>
    sections
      .flatMap((s) => s.charts.filter((c) => c.title === title))
      .flatMap((c) => c.lines.map((l) => [l.name, l.color, l.points]));
  expect(sections[0]?.charts[0]?.main).toBe(true);
  expect(lines("Loss")).toEqual([
    ["train", 0, false],
    ["validation", 1, true],
  ]);
  expect(lines("Parts of the loss")).toEqual([
    ["text", 0, false],
    ["text (validation)", 0, true],
    ["quantizer", 1, false],
  ]);
  expect(lines("Mos")).toEqual([["validation", 1, true]]);
});

test("all charts have the axis of the whole run, and only schedules are not smoothed", () => {
  const charts = sections.flatMap((s) => s.charts);
  for (const chart of charts) {
    expect(chart.steps).toEqual([5, 10]);
    expect(chart.smooth).toBe(chart.title !== "Learning rates");
  }
});
