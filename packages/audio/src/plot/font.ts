/**
 * A small sans-serif drawn with strokes, so that it is smooth at any size.
 *
 * A glyph is a list of strokes; a stroke is a list of points, two base-36 digits (x, y) each, on a grid whose baseline
 * is y = 6, small letters reach 16, capitals 20, descenders 0. A stroke that starts with ~ is a smooth curve through its
 * points. The glyph's width is its largest x.
 */
import type { Canvas, Color } from "./canvas.ts";

const BASELINE = 6;
const CAP_HEIGHT = 14;
const GAP = 4.6;
const SPACE = 6;

const A_BOWL = "~9d7f4g1e0b18467799";
const B_BOWL = "~0d2f5g8e9b88562709";
const ARCH = "~0c2f5g8f9c";

// biome-ignore format: one line a kind of character
const GLYPHS: Readonly<Record<string, string>> = {
  "0": "~0d1i5k9iad9856180d", "1": "1h5k56", "2": "~0g2j5k8j9g8d06 06a6", "3": "~0i3k7k9h7e4d ~4d8ca9763608",
  "4": "767k0aaa", "5": "9k1k1d ~1d5f9daa874608", "6": "~8k4i1e0a275687aa8d5e2d0a", "7": "0kak36",
  "8": "~5d2e1h2j5k8j9h8e5d ~5d1c09275687a99c5d", "9": "~26689cag8j5k2j0g2d5c8dag",
  A: "065ka6 2b8b", B: "060k 0k5k ~5k8j9h8e5d 5d0d ~5d9ca98756 5606", C: "~ah8j5k1i0d185687a9",
  D: "060k4k ~4k8iad8846 4606", E: "9k0k0696 0d7d", F: "9k0k06 0d7d", G: "~ah8j5k1i0d185687a9 a9ac6c",
  H: "060k a6ak 0dad", I: "060k", J: "6k6a ~6a573608", K: "060k 9k0b 3ea6", L: "0k0686", M: "060k69ckc6",
  N: "060ka6ak", O: "~0d2i6kaicda866280d", P: "060k 0k5k ~5k9jag9d5c 5c0c", Q: "~0d2i6kaicda866280d 89c5",
  R: "060k 0k5k ~5k9jag9d5c 5c0c 5ca6", S: "~9i5k1i1f5d9b985608", T: "0kak 565k", U: "0k0b ~0b185698ab abak",
  V: "0k56ak", W: "0k467ka6ek", X: "0ka6 06ak", Y: "0k5dak 5d56", Z: "0kak06a6",
  a: `9g96 ${A_BOWL}`, b: `0k06 ${B_BOWL}`, c: "~8e5g2f0b275688", d: `9k96 ${A_BOWL}`, e: "0b9b ~9b8e5g2f0b275688",
  f: "~6k3j2g 2g26 0g5g", g: `9g94 ~94714011 ${A_BOWL}`, h: `0k06 ${ARCH} 9c96`, i: "0g06 0j0k",
  j: "3g33 ~332100 3j3k", k: "0k06 8g0a 3c96", l: "0k06", m: "0g06 ~0c1f4g6f7c 7c76 ~7c8fbgdfec ece6",
  n: `0g06 ${ARCH} 9c96`, o: "~0b1e5g9eab9856180b", p: `0g00 ${B_BOWL}`, q: `9g90 ${A_BOWL}`, r: "0g06 ~0b2f6g",
  s: "~7f4g1f1c4b7a774607", t: "2k29 ~293666 0g6g", u: "0g0a ~0a1746779a 9g96", v: "0g468g", w: "0g366g96cg",
  x: "0g86 068g", y: "0g46 8g20", z: "0g8g0686",
  ".": "0607", ",": "1704", ":": "0607 0e0f", ";": "1704 1e1f", "-": "0b6b", "–": "0bab", _: "0494", "/": "047k",
  "(": "~4k1h0d1844", ")": "~0k3h4d3804", "+": "0b8b 474f", "=": "098f 0d8d", "%": "06ak ~0h2k4h2e0h ~698ca98669",
  "·": "0b0c", "×": "0f87 078f", "'": "0k0g", "!": "0k0b 0607", "?": "~0i2k6k8h4d4b 4647", "…": "0607 4647 8687",
  "→": "0bcb 8fcb87", "&": "a62g ~2g3k6k7g1b1746a9", "#": "262k 868k 0gag 0aaa", "@": "~7a5e3b6979ca8k0d56c7",
  "[": "4k0k0444", "]": "0k4k4404", "~": "~0a2c6aac", "≈": "~082a68aa ~0c2e6cae",
};

interface Stroke {
  readonly points: readonly (readonly [number, number])[];
}

const parsed = new Map<string, { strokes: Stroke[]; width: number }>();

function glyphOf(character: string): { strokes: Stroke[]; width: number } {
  const known = parsed.get(character);
  if (known) return known;
  const text = GLYPHS[character] ?? GLYPHS[character.normalize("NFD")[0] ?? "?"] ?? GLYPHS["?"]!;
  let width = 0;
  const strokes = text.split(" ").map((stroke): Stroke => {
    const smooth = stroke.startsWith("~");
    const digits = smooth ? stroke.slice(1) : stroke;
    const points: [number, number][] = [];
    for (let i = 0; i + 1 < digits.length; i += 2) {
      const x = Number.parseInt(digits[i]!, 36);
      points.push([x, Number.parseInt(digits[i + 1]!, 36) - BASELINE]);
      width = Math.max(width, x);
    }
    return { points: smooth ? curve(points) : points };
  });
  const glyph = { strokes, width };
  parsed.set(character, glyph);
  return glyph;
}

/** A Catmull-Rom curve through the points, as short lines; closed when it ends where it starts. */
function curve(points: readonly [number, number][]): [number, number][] {
  const last = points.length - 1;
  const closed = points[0]![0] === points[last]![0] && points[0]![1] === points[last]![1];
  const at = (i: number) => points[closed ? (i + last) % last : Math.max(0, Math.min(last, i))]!;
  const out: [number, number][] = [];
  const steps = 6;
  for (let i = 0; i < last; i++) {
    const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    for (let s = 0; s < steps; s++) {
      const t = s / steps;
      const mix = (k: 0 | 1) =>
        0.5 *
        (2 * b[k] +
          (c[k] - a[k]) * t +
          (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) * t * t +
          (3 * b[k] - a[k] - 3 * c[k] + d[k]) * t ** 3);
      out.push([mix(0), mix(1)]);
    }
  }
  out.push(points[last]!);
  return out;
}

export interface TextStyle {
  /** Height of capitals in pixels. */
  readonly size: number;
  readonly color: Color;
  /** Thickness of strokes in pixels. */
  readonly weight?: number;
  /** Where `x` is: the text's left edge (default), middle or right edge. */
  readonly align?: "left" | "middle" | "right";
}

export function textWidth(text: string, size: number): number {
  const scale = size / CAP_HEIGHT;
  let width = 0;
  for (const c of text) width += (c === " " ? SPACE : glyphOf(c).width + GAP) * scale;
  return width;
}

/** Draws a line of text; `y` is its baseline. */
export function drawText(canvas: Canvas, text: string, x: number, y: number, style: TextStyle): void {
  const { size, color, weight = Math.max(1.15, size / 8.5), align = "left" } = style;
  const scale = size / CAP_HEIGHT;
  let pen = x - (align === "left" ? 0 : textWidth(text, size) / (align === "middle" ? 2 : 1));
  for (const character of text) {
    if (character === " ") {
      pen += SPACE * scale;
      continue;
    }
    const { strokes, width } = glyphOf(character);
    drawGlyph(canvas, strokes, pen, y, scale, weight, color);
    pen += (width + GAP) * scale;
  }
}

/** Ink where a pixel's centre is nearer to a stroke than half its thickness, fading over one pixel. */
function drawGlyph(
  canvas: Canvas,
  strokes: readonly Stroke[],
  left: number,
  baseline: number,
  scale: number,
  weight: number,
  color: Color,
): void {
  const lines = strokes.flatMap(({ points }) =>
    points.slice(1).map((end, i) => {
      const start = points[i]!;
      return [left + start[0] * scale, baseline - start[1] * scale, left + end[0] * scale, baseline - end[1] * scale];
    }),
  );
  const xs = lines.flatMap((l) => [l[0]!, l[2]!]);
  const ys = lines.flatMap((l) => [l[1]!, l[3]!]);
  const margin = weight / 2 + 1;
  for (let py = Math.floor(Math.min(...ys) - margin); py <= Math.max(...ys) + margin; py++) {
    for (let px = Math.floor(Math.min(...xs) - margin); px <= Math.max(...xs) + margin; px++) {
      let nearest = Number.POSITIVE_INFINITY;
      for (const [x0, y0, x1, y1] of lines as [number, number, number, number][]) {
        const [dx, dy] = [x1 - x0, y1 - y0];
        const length = dx * dx + dy * dy;
        const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((px - x0) * dx + (py - y0) * dy) / length));
        nearest = Math.min(nearest, Math.hypot(px - x0 - t * dx, py - y0 - t * dy));
      }
      const ink = Math.max(0, Math.min(1, weight / 2 + 0.5 - nearest));
      if (ink > 0) canvas.blend(px, py, color, ink);
    }
  }
}
