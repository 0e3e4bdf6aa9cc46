/** A picture in memory, drawn on with rectangles, pixels and lines of any direction. */

/** Red, green, blue from 0 to 255. */
export type Color = readonly [number, number, number];

export class Canvas {
  readonly width: number;
  readonly height: number;
  /** RGB, row-major. */
  readonly pixels: Uint8Array;

  constructor(width: number, height: number, background: Color = [255, 255, 255]) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(3 * width * height);
    this.fill(0, 0, width, height, background);
  }

  /** Lays a colour over one pixel; `alpha` 1 covers it. Outside of the picture nothing happens. */
  blend(x: number, y: number, [r, g, b]: Color, alpha = 1): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const at = 3 * (y * this.width + x);
    const p = this.pixels;
    p[at] = p[at]! + (r - p[at]!) * alpha;
    p[at + 1] = p[at + 1]! + (g - p[at + 1]!) * alpha;
    p[at + 2] = p[at + 2]! + (b - p[at + 2]!) * alpha;
  }

  fill(left: number, top: number, width: number, height: number, color: Color, alpha = 1): void {
    for (let y = top; y < top + height; y++) for (let x = left; x < left + width; x++) this.blend(x, y, color, alpha);
  }

  /** Colours every pixel of a rectangle by its place in it. */
  shade(left: number, top: number, width: number, height: number, color: (x: number, y: number) => Color): void {
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) this.blend(left + x, top + y, color(x, y));
  }
}
