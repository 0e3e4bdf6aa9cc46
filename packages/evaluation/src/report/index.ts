/** The report of an evaluation. Apart from the package's index, since its pictures need Node. */
export { reportMarkdown } from "./markdown.ts";
export { reportPage } from "./page.ts";
export { PUBLISHED_MEASURES, PUBLISHED_SOURCE, PUBLISHED_SYSTEMS, type PublishedMeasure } from "./published.ts";
export { parseReport } from "./read-report.ts";
export { REPORT_VERSION, type Report, type ReportPlayer, type TaskReport } from "./report.ts";
export { PlayerSounds } from "./sounds.ts";
