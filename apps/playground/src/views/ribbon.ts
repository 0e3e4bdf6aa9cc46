/** The picture of the idea, before there is a clip: a wave becomes tokens becomes a wave. */
import { oklch } from "../engine/code-colours.ts";
import type { Playground } from "../state/playground.ts";
import { byId, fitted, reducedMotion } from "./dom.ts";
import { readInk } from "./palette.ts";

const CELL = 15;
/** Cells that pass in a second: slower than 25, to be looked at. */
const SPEED = 1.6;

/** Smooth and never the same twice on one screen. */
const swell = (t: number): number =>
  0.5 + 0.5 * Math.sin(0.31 * t) * Math.sin(0.127 * t + 2) + 0.12 * Math.sin(1.7 * t + Math.sin(0.4 * t));

export function ribbon(playground: Playground): void {
  const canvas = byId<HTMLCanvasElement>("ribbon");
  const draw = (seconds: number) => {
    const context = fitted(canvas);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const ink = readInk();
    const middle = height / 2;
    const first = Math.floor(seconds * SPEED);
    const shift = (seconds * SPEED - first) * CELL;
    const thick = Math.min(54, height * 0.3);
    const third = width / 3;
    for (let i = -1; i * CELL < width + CELL; i++) {
      const x = i * CELL - shift;
      const t = first + i;
      // nearer to the sides a wave, in the middle tokens
      const token = Math.max(0, Math.min(1, 1.5 - Math.abs(x - width / 2) / third));
      const [r, g, b] = oklch(0.72, 0.15, 3.9 + 2.6 * Math.sin(0.21 * t) + 1.1 * Math.sin(1.3 * t));
      if (token > 0) {
        context.globalAlpha = token;
        context.fillStyle = `rgb(${r} ${g} ${b})`;
        context.beginPath();
        context.roundRect(x + 1, middle - thick / 2, CELL - 2, thick, 4);
        context.fill();
      }
      context.globalAlpha = 1 - token;
      context.fillStyle = x < width / 2 ? ink.input : ink.output;
      for (let k = 0; k < 3 && token < 1; k++) {
        const u = t + k / 3;
        const h = 4 + (height - 8) * Math.max(0.02, Math.min(1, swell(u) * (0.55 + 0.45 * Math.sin(7.3 * u))));
        context.beginPath();
        context.roundRect(x + (k * CELL) / 3, middle - h / 2, 3, h, 1.5);
        context.fill();
      }
    }
    context.globalAlpha = 1;
  };
  let running = false;
  const step = (now: number) => {
    running = playground.store.state.clips.length === 0 && !document.hidden;
    if (!running) return;
    draw(now / 1000);
    if (!reducedMotion.matches) requestAnimationFrame(step);
    else running = false;
  };
  const start = () => {
    if (running) return;
    running = true;
    requestAnimationFrame(step);
  };
  playground.store.listen((state, before) => {
    if (!before || state.clips.length !== before.clips.length || state.dark !== before.dark) start();
  });
  document.addEventListener("visibilitychange", start);
  new ResizeObserver(start).observe(canvas);
}
