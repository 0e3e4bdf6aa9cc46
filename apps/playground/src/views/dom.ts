/** Small helpers over the document. */

/** The element of an id that index.html has. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as T;
}

/** Fits a canvas's pixels to its size on the screen. @returns its context, scaled to CSS pixels and cleared. */
export function fitted(canvas: HTMLCanvasElement, width = canvas.clientWidth, height = canvas.clientHeight) {
  const ratio = Math.min(3, devicePixelRatio || 1);
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** `0:04.2` */
export function clock(seconds: number): string {
  const tenths = Math.max(0, Math.round(seconds * 10));
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

/** `53.1 MB`, `407 bytes` */
export function bytes(count: number): string {
  if (count < 1000) return `${Math.round(count)} bytes`;
  return count < 1e6 ? `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

export const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Calls `draw` once before the next picture, however often it is asked for. */
export function oncePerFrame(draw: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}
