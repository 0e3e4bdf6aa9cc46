/** What a training run shows: its log, TensorBoard's event files, its report, its progress. */
export { METRIC } from "./charts.ts";
export type { MetricRow } from "./metrics-log.ts";
export { formatDuration, formatProgress, ProgressMeter, type ProgressState } from "./progress.ts";
export type { DataSource, RunInfo, RunStatus } from "./run-info.ts";
export { type EvaluationRow, RunLog, type RunLogOptions } from "./run-log.ts";
export type { Sample } from "./samples.ts";
