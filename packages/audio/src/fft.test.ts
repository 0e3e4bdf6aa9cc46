import { describe, expect, it } from "vitest";
import { Fft } from "./fft.ts";
import { maxDifference } from "./node-fixtures.ts";

describe("Fft", () => {
  for (const n of [1, 2, 3, 4, 5, 6, 16, 30, 400, 1024, 1125]) {
    it(`size ${n} equals the definition, and comes back`, () => {
      const re = Float64Array.from({ length: n }, (_, i) => Math.sin(i * i + 1));
      const im = Float64Array.from({ length: n }, (_, i) => Math.cos(3 * i));
      const zr = re.slice();
      const zi = im.slice();
      const fft = new Fft(n);
      fft.forward(zr, zi);
      for (const k of [0, 1 % n, n >> 1, n - 1]) {
        let sumR = 0;
        let sumI = 0;
        for (let j = 0; j < n; j++) {
          const angle = (-2 * Math.PI * ((j * k) % n)) / n;
          sumR += re[j]! * Math.cos(angle) - im[j]! * Math.sin(angle);
          sumI += re[j]! * Math.sin(angle) + im[j]! * Math.cos(angle);
        }
        expect(Math.hypot(zr[k]! - sumR, zi[k]! - sumI)).toBeLessThan(1e-9 * n);
      }
      fft.inverse(zr, zi);
      expect(Math.max(maxDifference(zr, re), maxDifference(zi, im))).toBeLessThan(1e-12 * n);
    });
  }

  it("refuses other sizes", () => {
    expect(() => new Fft(7)).toThrow(RangeError);
  });
});
