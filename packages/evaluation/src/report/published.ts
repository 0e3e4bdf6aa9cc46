/**
 * Figures of others, to stand beside one's own.
 *
 * Source: "UniAudio-Token", arXiv 2605.31521, tables of token clustering, reconstruction, audio understanding and speech
 * synthesis. A row of one's own compares with them only as far as data and protocol agree. Of the three SEED-TTS
 * columns the third is the mean of the first two.
 */

export const PUBLISHED_SOURCE = "UniAudio-Token, arXiv 2605.31521";

/** What was published, with the name of the column and the direction that is better. */
export const PUBLISHED_MEASURES = {
  esc10Silhouette: { name: "ESC-10 silhouette", better: "higher", digits: 3 },
  esc10Purity: { name: "ESC-10 purity", better: "higher", digits: 3 },
  esc50Silhouette: { name: "ESC-50 silhouette", better: "higher", digits: 3 },
  esc50Purity: { name: "ESC-50 purity", better: "higher", digits: 3 },
  werLibriSpeechClean: { name: "WER LibriSpeech clean (%)", better: "lower", digits: 2 },
  werLibriSpeechOther: { name: "WER LibriSpeech other (%)", better: "lower", digits: 2 },
  werSeedEnglish: { name: "WER SEED en (%)", better: "lower", digits: 2 },
  werSeedChinese: { name: "WER SEED zh (%)", better: "lower", digits: 2 },
  mosLibriSpeechClean: { name: "MOS LibriSpeech clean", better: "higher", digits: 2 },
  mosLibriSpeechOther: { name: "MOS LibriSpeech other", better: "higher", digits: 2 },
  mosSeedEnglish: { name: "MOS SEED en", better: "higher", digits: 2 },
  mosSeedChinese: { name: "MOS SEED zh", better: "higher", digits: 2 },
  mmauSpeech: { name: "MMAU speech (%)", better: "higher", digits: 2 },
  mmauSound: { name: "MMAU sound (%)", better: "higher", digits: 2 },
  mmauMusic: { name: "MMAU music (%)", better: "higher", digits: 2 },
  mmauOverall: { name: "MMAU overall (%)", better: "higher", digits: 2 },
  mmarSpeech: { name: "MMAR speech (%)", better: "higher", digits: 2 },
  mmarSound: { name: "MMAR sound (%)", better: "higher", digits: 2 },
  mmarMusic: { name: "MMAR music (%)", better: "higher", digits: 2 },
  mmarOverall: { name: "MMAR overall (%)", better: "higher", digits: 2 },
  mmsuPerception: { name: "MMSU perception (%)", better: "higher", digits: 2 },
  mmsuReasoning: { name: "MMSU reasoning (%)", better: "higher", digits: 2 },
  mmsuOverall: { name: "MMSU overall (%)", better: "higher", digits: 2 },
  ttsSimilarityEnglish: { name: "SEED-TTS SIM en", better: "higher", digits: 3 },
  ttsSimilarityChinese: { name: "SEED-TTS SIM zh", better: "higher", digits: 3 },
  ttsSimilarityMean: { name: "SEED-TTS SIM mean of en and zh", better: "higher", digits: 3 },
  ttsWerEnglish: { name: "SEED-TTS WER en (%)", better: "lower", digits: 2 },
  ttsWerChinese: { name: "SEED-TTS WER zh (%)", better: "lower", digits: 2 },
  ttsWerMean: { name: "SEED-TTS WER mean of en and zh (%)", better: "lower", digits: 2 },
  ttsMosEnglish: { name: "SEED-TTS MOS en", better: "higher", digits: 2 },
  ttsMosChinese: { name: "SEED-TTS MOS zh", better: "higher", digits: 2 },
  ttsMosMean: { name: "SEED-TTS MOS mean of en and zh", better: "higher", digits: 2 },
} as const satisfies Record<string, { name: string; better: "lower" | "higher"; digits: number }>;

export type PublishedMeasure = keyof typeof PUBLISHED_MEASURES;

export interface PublishedSystem {
  readonly name: string;
  /** Codes a second. */
  readonly frameRate: number;
  readonly bitsPerSecond: number;
  readonly values: Readonly<Partial<Record<PublishedMeasure, number>>>;
}

const CODEC_MEASURES = [
  "esc10Silhouette",
  "esc10Purity",
  "esc50Silhouette",
  "esc50Purity",
  "werLibriSpeechClean",
  "werLibriSpeechOther",
  "werSeedEnglish",
  "werSeedChinese",
  "mosLibriSpeechClean",
  "mosLibriSpeechOther",
  "mosSeedEnglish",
  "mosSeedChinese",
] as const satisfies readonly PublishedMeasure[];

const system = (
  name: string,
  frameRate: number,
  bitsPerSecond: number,
  codec: readonly number[],
  more: PublishedSystem["values"] = {},
): PublishedSystem => ({
  name,
  frameRate,
  bitsPerSecond,
  values: { ...Object.fromEntries(CODEC_MEASURES.map((measure, i) => [measure, codec[i]!])), ...more },
});

export const PUBLISHED_SYSTEMS: readonly PublishedSystem[] = [
  system("WavTokenizer", 75, 900, [-0.03, 0.45, -0.108, 0.215, 5.07, 13.09, 5.6, 4.02, 3.37, 3.09, 3.01, 3.13]),
  system(
    "GLM-4-Voice-Tokenizer",
    12.5,
    175,
    [-0.182, 0.373, -0.304, 0.133, 4.04, 9.33, 3.54, 3.23, 4.07, 3.99, 4.16, 4.1],
  ),
  system("CosyVoice2", 25, 325, [-0.016, 0.413, -0.1, 0.216, 4.25, 9.68, 4.34, 2.75, 3.36, 3.25, 3.31, 3.58], {
    ttsSimilarityEnglish: 0.758,
    ttsSimilarityChinese: 0.762,
    ttsSimilarityMean: 0.76,
    ttsWerEnglish: 2.71,
    ttsWerChinese: 1.39,
    ttsWerMean: 2.05,
    ttsMosEnglish: 3.75,
    ttsMosChinese: 3.37,
    ttsMosMean: 3.56,
  }),
  system("StableToken", 25, 325, [-0.035, 0.468, -0.096, 0.174, 3.84, 7.99, 3.44, 2.62, 4.09, 3.83, 4.01, 4.18]),
  system("UniAudio-Token", 25, 325, [0.091, 0.73, 0.023, 0.39, 3.47, 6.79, 2.55, 1.9, 4.19, 4.18, 4.13, 4.25], {
    mmauSpeech: 45.05,
    mmauSound: 70.27,
    mmauMusic: 67.96,
    mmauOverall: 61.1,
    mmarSpeech: 45.24,
    mmarSound: 43.64,
    mmarMusic: 40.29,
    mmarOverall: 45.8,
    mmsuPerception: 35.54,
    mmsuReasoning: 52.07,
    mmsuOverall: 43.54,
    ttsSimilarityEnglish: 0.792,
    ttsSimilarityChinese: 0.742,
    ttsSimilarityMean: 0.767,
    ttsWerEnglish: 1.78,
    ttsWerChinese: 1.29,
    ttsWerMean: 1.54,
    ttsMosEnglish: 4.07,
    ttsMosChinese: 3.68,
    ttsMosMean: 3.88,
  }),
];
