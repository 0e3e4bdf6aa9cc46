import { expect, test } from "vitest";
import { Counter, exposition, Gauge, Histogram } from "./registry.ts";

test("metrics as Prometheus' text format has them", () => {
  const counter = new Counter("c_total", "Things.");
  counter.add({ route: 'a"b\\c\nd' });
  counter.add({ route: 'a"b\\c\nd' }, 2);
  const histogram = new Histogram("h_seconds", "Times.", [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe({ kind: "x" }, value);
  expect(exposition([counter, histogram, new Gauge("g", "Now.", () => 4)])).toBe(`# HELP c_total Things.
# TYPE c_total counter
c_total{route="a\\"b\\\\c\\nd"} 3
# HELP h_seconds Times.
# TYPE h_seconds histogram
h_seconds_bucket{kind="x",le="0.1"} 2
h_seconds_bucket{kind="x",le="1"} 3
h_seconds_bucket{kind="x",le="+Inf"} 4
h_seconds_sum{kind="x"} 7.65
h_seconds_count{kind="x"} 4
# HELP g Now.
# TYPE g gauge
g 4
`);
});
