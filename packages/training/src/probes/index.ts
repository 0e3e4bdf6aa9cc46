/** Linear probes: what can be read off codes by one linear map of their vectors, and so lies open in them. */
export {
  type ClassifiedClip,
  type ClipFeatures,
  type ClipProbeResult,
  clipProbe,
  crossValidatedClipProbe,
} from "./clip-probes.ts";
export { type CodeVectors, codeVectors } from "./code-vectors.ts";
export {
  type CharacterErrors,
  CTC_PROBE_STEPS,
  type CtcProbeOptions,
  type CtcProbeResult,
  ctcProbe,
  type SpokenClip,
  spelling,
} from "./ctc-probe.ts";
export {
  type Agreement,
  type PitchClip,
  pitchProbe,
  type RegressionProbeResult,
  regressionProbe,
  type TargetClip,
} from "./frame-probes.ts";
export { type ProbeOptions, probeEvaluation } from "./probe-evaluation.ts";
export { tokenLevel, tokenPitch } from "./token-targets.ts";
export { type VoicingProbeResult, voicingProbe } from "./voicing-probe.ts";
