/** The picture of a reconstruction: mel of the input above that of the output, the codes beneath, one time axis. */
import { Canvas, codeColor, drawText, type MelColumns, textWidth } from "@uat/audio/plot";
import {
  AXIS,
  drawMel,
  fitted,
  frequencyAxis,
  GREY,
  INK,
  LEFT,
  label,
  NOTHING,
  PANEL,
  PLOT_WIDTH,
  timeAxis,
  WHITE,
  WIDTH,
} from "./panels.ts";

const TITLE = 84;
const STRIP = 58;
const SPACING = 14;

export interface Comparison {
  readonly title: string;
  readonly subtitle: string;
  readonly input: MelColumns;
  readonly output: MelColumns;
  readonly codes: Int32Array;
  readonly frameRate: number;
  /** Seconds of the time axis. */
  readonly seconds: number;
}

export function drawComparison(c: Comparison): Canvas {
  const tops = { input: TITLE, output: TITLE + PANEL + SPACING, codes: TITLE + 2 * (PANEL + SPACING) };
  const bottom = tops.codes + STRIP;
  const canvas = new Canvas(WIDTH, bottom + AXIS, WHITE);
  drawText(canvas, fitted(c.title, 17), LEFT, 37, { size: 17, color: INK, weight: 2.3 });
  drawText(canvas, fitted(c.subtitle, 11.5), LEFT, 65, { size: 11.5, color: GREY });

  const loudest = Math.max(c.input.max(), c.output.max());
  for (const name of ["input", "output"] as const) {
    drawMel(canvas, c[name], tops[name], loudest);
    frequencyAxis(canvas, tops[name]);
    label(canvas, name, tops[name]);
  }
  drawCodes(canvas, c, tops.codes);
  drawText(canvas, "codes", LEFT - 12, tops.codes + STRIP / 2 + 5, { size: 11, color: GREY, align: "right" });
  timeAxis(canvas, c.seconds, bottom);
  return canvas;
}

function drawCodes(canvas: Canvas, { codes, frameRate, seconds }: Comparison, top: number): void {
  const perCode = PLOT_WIDTH / (seconds * frameRate);
  canvas.fill(LEFT, top, PLOT_WIDTH, STRIP, NOTHING);
  canvas.shade(LEFT, top, PLOT_WIDTH, STRIP, (x) => {
    const at = Math.floor((x + 0.5) / perCode);
    const code = codes[at];
    // a hairline between codes, where they are wide enough: equal neighbours stay countable
    const isFirst = x > 0 && perCode >= 6 && at !== Math.floor((x - 0.5) / perCode);
    return code === undefined ? NOTHING : isFirst ? WHITE : codeColor(code);
  });
  // the numbers, where they have room
  const longest = String(codes.reduce((max, code) => Math.max(max, code), 0));
  if (perCode < textWidth(longest, 9) + 6) return;
  for (const [i, code] of codes.entries())
    drawText(canvas, String(code), LEFT + (i + 0.5) * perCode + 1.5, top + STRIP / 2 + 5, {
      size: 9,
      color: WHITE,
      align: "middle",
    });
}
