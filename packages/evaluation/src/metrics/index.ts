/** How near a copy of speech is to its original, and how good it sounds by itself. */
export { addPairSums, correlation, type PairSums, pairSums } from "./correlation.ts";
export { DISTILL_MOS_FILE, DistillMos } from "./distill-mos.ts";
export { DNSMOS_FILES, Dnsmos, type DnsmosScores } from "./dnsmos.ts";
export {
  GENDER_THRESHOLD_HZ,
  type Gender,
  genderOfPitch,
  gendersByVoice,
  parseGender,
  type VoicePair,
} from "./gender.ts";
export { logMelDistance, type MelDistances, melCepstralDistortion, melDistances } from "./mel-distance.ts";
export { type Identified, loadMetricNetworks, type MetricNetworks } from "./metric-networks.ts";
export {
  comparePitch,
  energyCorrelation,
  energyCorrelationOf,
  f0Correlation,
  f0CorrelationOf,
  grossPitchError,
  grossPitchErrorOf,
  joinPitch,
  type PitchComparison,
  voicingError,
  voicingErrorOf,
} from "./pitch.ts";
export { measureSeams, type Seams } from "./seams.ts";
export { siSdr } from "./si-sdr.ts";
export { cosineSimilarity, SPEAKER_ENCODER_FILE, SpeakerEncoder } from "./speaker-encoder.ts";
export { extendedStoi, stoi } from "./stoi.ts";
