/** Counters, gauges and histograms in Prometheus' text format (version 0.0.4). */

export type Labels = Readonly<Record<string, string>>;

const escaped = (value: string) => value.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/"/g, '\\"');

function labelText(labels: Labels, more: Labels = {}): string {
  const pairs = Object.entries({ ...labels, ...more }).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length ? `{${pairs.join(",")}}` : "";
}

/** Something that can be written out. */
interface Metric {
  lines(): string[];
}

const header = (name: string, help: string, type: string) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];

/** A number that only grows. */
export class Counter implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #values = new Map<string, number>();

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  add(labels: Labels, amount = 1): void {
    const key = labelText(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
  }

  lines(): string[] {
    return [
      ...header(this.#name, this.#help, "counter"),
      ...[...this.#values].map(([labels, value]) => `${this.#name}${labels} ${value}`),
    ];
  }
}

/** A number that is asked for when it is read. */
export class Gauge implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #read: () => number;

  constructor(name: string, help: string, read: () => number) {
    this.#name = name;
    this.#help = help;
    this.#read = read;
  }

  lines(): string[] {
    return [...header(this.#name, this.#help, "gauge"), `${this.#name} ${this.#read()}`];
  }
}

/** How values are spread, by cumulative buckets. */
export class Histogram implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { labels: Labels; counts: number[]; sum: number; count: number }>();

  /** @param bounds upper bounds of the buckets, ascending. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
  }

  observe(labels: Labels, value: number): void {
    const key = labelText(labels);
    let series = this.#series.get(key);
    if (!series) {
      series = { labels, counts: this.#bounds.map(() => 0), sum: 0, count: 0 };
      this.#series.set(key, series);
    }
    for (const [i, bound] of this.#bounds.entries()) if (value <= bound) series.counts[i]!++;
    series.sum += value;
    series.count++;
  }

  lines(): string[] {
    const lines = header(this.#name, this.#help, "histogram");
    for (const { labels, counts, sum, count } of this.#series.values()) {
      for (const [i, bound] of this.#bounds.entries())
        lines.push(`${this.#name}_bucket${labelText(labels, { le: String(bound) })} ${counts[i]}`);
      lines.push(`${this.#name}_bucket${labelText(labels, { le: "+Inf" })} ${count}`);
      lines.push(`${this.#name}_sum${labelText(labels)} ${sum}`, `${this.#name}_count${labelText(labels)} ${count}`);
    }
    return lines;
  }
}

/** All metrics as one page. */
export const exposition = (metrics: Iterable<Metric>): string =>
  `${[...metrics].flatMap((m) => m.lines()).join("\n")}\n`;
