/**
 * A colour for each code, such that codes with near vectors look alike: hue and chroma are the angle and the distance on
 * the map of the first two principal components, lightness is the third, all by rank so that every hue is used as much.
 * OKLCH (Ottosson, 2020) keeps equal steps equal to the eye.
 */

/** @param scores [size, 3] principal components. @returns [size, 3] sRGB. */
export function codeColours(scores: Float32Array): Uint8Array {
  const size = scores.length / 3;
  const [x, y, z] = [0, 1, 2].map((k) => ranks(Float32Array.from({ length: size }, (_, i) => scores[3 * i + k]!)));
  const colours = new Uint8Array(3 * size);
  for (let i = 0; i < size; i++) {
    const radius = Math.min(1, Math.hypot(x![i]!, y![i]!));
    const hue = Math.atan2(y![i]!, x![i]!);
    colours.set(oklch(0.72 + 0.13 * z![i]!, 0.06 + 0.13 * radius, hue), 3 * i);
  }
  return colours;
}

/** Before the map is known: hues a golden angle apart. */
export function plainColours(size: number): Uint8Array {
  const colours = new Uint8Array(3 * size);
  for (let i = 0; i < size; i++) colours.set(oklch(0.72, 0.09, i * 2.399963), 3 * i);
  return colours;
}

/** Each value's rank among all, from -1 to 1. */
function ranks(values: Float32Array): Float32Array {
  const order = Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
  const out = new Float32Array(values.length);
  for (const [rank, i] of order.entries()) out[i] = values.length > 1 ? (2 * rank) / (values.length - 1) - 1 : 0;
  return out;
}

/** OKLCH, hue in radians, to sRGB of 0 to 255. */
export function oklch(lightness: number, chroma: number, hue: number): [number, number, number] {
  const [a, b] = [chroma * Math.cos(hue), chroma * Math.sin(hue)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const channel = (linear: number) => {
    const v = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.max(0, Math.min(1, v)));
  };
  return [
    channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    channel(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}
