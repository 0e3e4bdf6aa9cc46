/** A report as it is kept in report.json: what several runs can be merged from. */
import type { Figure, Plot, PublishedValues, Section, Table } from "../suite/evaluation.ts";

/** Raised when a reader of older files would misunderstand. */
export const REPORT_VERSION = 1;

/** One page: the parts of one run, or of several merged. */
export interface Report {
  readonly version: typeof REPORT_VERSION;
  readonly tasks: readonly TaskReport[];
}

/** The results of one part of the suite with all that decided them. */
export interface TaskReport {
  /** Name of the {@link Evaluation}. */
  readonly task: string;
  readonly title: string;
  readonly protocol: string;
  /** Where no model was run there is none. */
  readonly model?: ModelFacts | undefined;
  readonly data: DataFacts;
  readonly seed: number;
  /** Other things that decided the figures. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** Software and machine. */
  readonly machine: Readonly<Record<string, string>>;
  readonly command: string;
  /** ISO 8601, UTC. */
  readonly written: string;
  readonly sections: readonly ReportSection[];
}

export interface ModelFacts {
  readonly name: string;
  /** SHA-256 over the lines `hash  path` of its files. */
  readonly sha256: string;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
  /** Codes a second, and bits a second of codes of equal length; where its tokeniser was run. */
  readonly rates?: { readonly frameRate: number; readonly bitsPerSecond: number } | undefined;
}

export interface DataFacts {
  readonly inputs: readonly string[];
  /** Clips named by the inputs. */
  readonly clips: number;
  /** Of the clips that could be measured. */
  readonly minutes: number;
  /** SHA-256 over the sorted lines `hash  name` of the clips. */
  readonly sha256: string;
  readonly leftOut: number;
  /** The first of those left out. */
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
}

export type ReportFigure = Omit<Figure, "value"> & {
  /** `null` where it could not be measured. */
  readonly value: number | null;
};

export interface ReportSection {
  readonly title: string;
  readonly figures: readonly ReportFigure[];
  readonly published: PublishedValues;
  readonly plots: readonly Plot[];
  readonly tables: readonly Table[];
  readonly players: readonly ReportPlayer[];
  readonly notes: readonly string[];
}

export interface ReportPlayer {
  readonly title: string;
  /** `file` lies in the report's folder. */
  readonly sounds: readonly { readonly name: string; readonly file: string; readonly seconds: number }[];
  readonly texts: Readonly<Record<string, string>>;
}

/** A section as it is kept; its sounds are named by the caller, who writes them. */
export function reportSection(section: Section, players: readonly ReportPlayer[]): ReportSection {
  return {
    title: section.title,
    figures: (section.figures ?? []).map((figure) => ({
      ...figure,
      value: Number.isFinite(figure.value) ? figure.value : null,
    })),
    published: section.published ?? {},
    plots: section.plots ?? [],
    tables: section.tables ?? [],
    players,
    notes: section.notes ?? [],
  };
}

/** Whether a figure's thresholds are met; undefined for a figure without any. */
export type Verdict = "aim" | "must" | "missed" | "unmeasured";

export function verdictOf({ value, better, must, aim }: ReportFigure): Verdict | undefined {
  if (better === undefined || (must === undefined && aim === undefined)) return undefined;
  if (value === null) return "unmeasured";
  const meets = (threshold: number) => (better === "lower" ? value <= threshold : value >= threshold);
  if (aim !== undefined && meets(aim)) return "aim";
  return must !== undefined && meets(must) ? "must" : "missed";
}

/** The commonest directory of a model's name is of no interest to readers. */
export const modelTitle = (task: TaskReport): string | undefined =>
  task.model && `${task.model.name} (${task.model.sha256.slice(0, 12)})`;
