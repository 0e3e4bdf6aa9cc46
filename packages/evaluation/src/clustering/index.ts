export { clusterEvaluation, clusterSections, type LabelledCodes } from "./cluster-evaluation.ts";
