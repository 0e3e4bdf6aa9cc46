/** How the groups of a plot are told apart: ten colours, and a shape for every ten groups. */
export const COLOURS = 10;
export const SHAPES = ["circle", "square", "triangle", "diamond", "cross"] as const;

export const colourOf = (group: number): number => group % COLOURS;

/** A mark around (x, y), about 2r wide. */
export function mark(group: number, x: number, y: number, r: number, title = ""): string {
  const at = (dx: number, dy: number) => `${(x + dx * r).toFixed(1)},${(y + dy * r).toFixed(1)}`;
  const cls = `class="mark c${colourOf(group)}"`;
  switch (SHAPES[Math.floor(group / COLOURS) % SHAPES.length]) {
    case "square":
      return `<path ${cls} d="M${at(-0.9, -0.9)}L${at(0.9, -0.9)}L${at(0.9, 0.9)}L${at(-0.9, 0.9)}Z">${title}</path>`;
    case "triangle":
      return `<path ${cls} d="M${at(0, -1.2)}L${at(1.1, 0.8)}L${at(-1.1, 0.8)}Z">${title}</path>`;
    case "diamond":
      return `<path ${cls} d="M${at(0, -1.3)}L${at(1.3, 0)}L${at(0, 1.3)}L${at(-1.3, 0)}Z">${title}</path>`;
    case "cross":
      return `<path class="mark cross c${colourOf(group)}" d="M${at(-1, -1)}L${at(1, 1)}M${at(1, -1)}L${at(-1, 1)}">${title}</path>`;
    default:
      return `<circle ${cls} cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}">${title}</circle>`;
  }
}
