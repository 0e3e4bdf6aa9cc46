/**
 * `uat eval tokens`: what the codes cost, how much of the codebook they use, and whether they withstand changes that the
 * ear forgives (unit edit distance; Messica and Adi, "NAST", 2024; StableToken, arXiv 2509.22220).
 */
import { EvaluationError } from "../errors.ts";
import { bootstrapInterval } from "../suite/bootstrap.ts";
import type { Evaluation, EvaluationContext, Figure, Measured, Player, Section, Table } from "../suite/evaluation.ts";
import { AUDIO_CHANGES, type AudioChange } from "./changes.ts";
import { changedShare, codeDistance, codeStatistics, growth } from "./statistics.ts";

/** Hz at which clips are changed: that of the tokeniser. */
const RATE = 16_000;
/** Orders of the clips whose growth curves are averaged. */
const ORDERS = 8;
/** Codes heard for each of the codebook before its use is judged. */
const ENOUGH = 4;
/** Changes that can be heard in the report. */
const AUDIBLE = ["white-20", "white-10", "pink-10", "rate-8000", "mu-law"];

/** Of one clip; distances in the order of {@link AUDIO_CHANGES}. */
interface ClipResult {
  readonly codes: readonly number[];
  /** Edits between the codes of the clip and of its changed copy. */
  readonly edits: readonly number[];
  /** Share of places whose code is another. */
  readonly changed: readonly number[];
}

type Row = Measured<ClipResult>;

export const tokenEvaluation = (): Evaluation => ({
  name: "tokens",
  title: "Tokens",
  protocol: `tokens 1: codes of whole clips (first channel, 16 kHz). Codebook use: share of codes that occur at all; entropy and perplexity of their shares over all clips. Unit edit distance: edits between the codes of a clip and of its changed copy over the number of codes of the clip, summed over clips. Changes at 16 kHz, seeded: ${AUDIO_CHANGES.map((change) => change.name).join("; ")}.`,
  needsModel: true,
  async run(context) {
    const clips = await context.clips();
    const tokenizer = await context.model.tokenizer();
    const encode = async (samples: Float32Array) => {
      const { clips } = await tokenizer.encode({ samples, sampleRate: RATE }, { signal: context.signal });
      return Array.from(clips[0]!.codes);
    };
    const rows = await context.measure<ClipResult>(clips, "codes and edits", async (clip) => {
      const { samples } = await clip.read(RATE);
      const codes = await encode(samples);
      const [edits, changed]: [number[], number[]] = [[], []];
      for (const change of AUDIO_CHANGES) {
        const random = context.random(`${change.id} ${clip.hash}`);
        const others = await encode(change.apply(samples, RATE, random));
        edits.push(codeDistance(codes, others));
        changed.push(changedShare(codes, others));
      }
      return { codes, edits, changed };
    });
    if (rows.length === 0)
      throw new EvaluationError("no clip could be measured; expected audio files that can be read");
    return {
      sections: [
        codebookSection(rows, tokenizer.codebookSize, tokenizer.frameRate, context),
        await stabilitySection(rows, context),
      ],
    };
  },
});

/** Clips of one speaker or class depend on each other. */
const clusterOf = ({ clip }: Row): string | undefined => clip.speaker;

function codebookSection(
  rows: readonly Row[],
  codebookSize: number,
  frameRate: number,
  context: EvaluationContext,
): Section {
  const codesOf = (some: readonly Row[]) => some.map((row) => row.result.codes);
  const all = codeStatistics(codesOf(rows));
  const n = rows.length;
  const repeated = (sample: readonly Row[]) => 100 * codeStatistics(codesOf(sample)).repeated;
  const figures: Figure[] = [
    { id: "bit-rate", name: "Bit rate", value: Math.log2(codebookSize) * frameRate, unit: "bit/s", headline: true },
    {
      id: "codebook-use",
      name: "Codebook in use",
      value: (100 * all.distinct) / codebookSize,
      unit: "%",
      n: all.codes,
      of: "codes",
      better: "higher",
      // fewer codes could not fill the codebook however well it is used
      ...(all.codes >= ENOUGH * codebookSize ? { must: 70 } : {}),
      digits: 1,
      headline: true,
    },
    {
      id: "perplexity",
      name: "Perplexity",
      value: all.perplexity,
      n: all.codes,
      of: "codes",
      digits: 0,
      headline: true,
    },
    { id: "entropy", name: "Entropy", value: all.entropy, unit: "bit a code", n: all.codes, of: "codes", digits: 2 },
    {
      id: "entropy-rate",
      name: "Bit rate after an ideal code for single tokens",
      value: all.entropy * frameRate,
      unit: "bit/s",
      n: all.codes,
      of: "codes",
      digits: 1,
    },
    {
      id: "repeated",
      name: "Codes that repeat the one before",
      value: repeated(rows),
      unit: "%",
      interval: bootstrapInterval(rows, repeated, { random: context.random("repeated"), cluster: clusterOf }),
      n,
      digits: 1,
    },
  ];
  const labels = [...new Set(rows.map((row) => row.clip.label))].filter((label) => label !== undefined).sort();
  return {
    title: "Codebook",
    figures,
    plots: [
      {
        kind: "lines",
        title: "Codes seen while listening",
        lines: [growthLine(codesOf(rows), context)],
        xLabel: "Codes heard",
        yLabel: "Different codes",
        note: `Mean of ${ORDERS} random orders of the clips. The codebook has ${codebookSize.toLocaleString("en")} codes.`,
      },
    ],
    tables: labels.length > 1 ? [classTable(rows, labels)] : [],
    notes: [
      `Codebook use is judged from ${(ENOUGH * codebookSize).toLocaleString("en")} codes on, about ${Math.round((ENOUGH * codebookSize) / frameRate / 60)} minutes.`,
      "Codebook use, entropy and perplexity grow with the amount of audio and have no bootstrap interval: resampled clips hold fewer different codes than the clips themselves.",
    ],
  };
}

/** Growth averaged over orders, at as many places as there are clips or 60. */
function growthLine(clips: readonly (readonly number[])[], context: EvaluationContext) {
  const random = context.random("growth");
  const total = clips.reduce((sum, codes) => sum + codes.length, 0);
  const places = Math.min(60, clips.length);
  const x = Array.from({ length: places + 1 }, (_, k) => (total * k) / places);
  const y = new Array<number>(places + 1).fill(0);
  for (let order = 0; order < ORDERS; order++) {
    const { heard, distinct } = growth(Array.from(random.sample(clips.length, clips.length), (i) => clips[i]!));
    let at = 0;
    for (const [k, place] of x.entries()) {
      while (at < heard.length - 2 && heard[at + 1]! < place) at++;
      const [from, to] = [heard[at]!, heard[at + 1]!];
      const share = to > from ? Math.min(1, Math.max(0, (place - from) / (to - from))) : 1;
      y[k]! += (distinct[at]! + share * (distinct[at + 1]! - distinct[at]!)) / ORDERS;
    }
  }
  return { name: "different codes", x, y };
}

function classTable(rows: readonly Row[], labels: readonly string[]): Table {
  return {
    title: "Codes by class",
    columns: ["Class", "Clips", "Codes", "Different", "Entropy (bit)", "Perplexity", "Repeated (%)"],
    rows: labels.map((label) => {
      const own = rows.filter((row) => row.clip.label === label);
      const { codes, distinct, entropy, perplexity, repeated } = codeStatistics(own.map((row) => row.result.codes));
      const digits = (value: number, places: number) => (Number.isFinite(value) ? Number(value.toFixed(places)) : null);
      return [label, own.length, codes, distinct, digits(entropy, 2), digits(perplexity, 1), digits(100 * repeated, 1)];
    }),
  };
}

async function stabilitySection(rows: readonly Row[], context: EvaluationContext): Promise<Section> {
  const figures = AUDIO_CHANGES.map((change, i): Figure => {
    const distance = (sample: readonly Row[]) => {
      const codes = sample.reduce((sum, row) => sum + row.result.codes.length, 0);
      return (100 * sample.reduce((sum, row) => sum + row.result.edits[i]!, 0)) / codes;
    };
    return {
      id: `unit-edit-distance-${change.id}`,
      name: `Unit edit distance: ${change.name}`,
      value: distance(rows),
      unit: "%",
      interval: bootstrapInterval(rows, distance, { random: context.random(change.id), cluster: clusterOf }),
      n: rows.length,
      better: "lower",
      digits: 1,
      ...(change.id === "white-20" ? { must: 40, aim: 15, headline: true } : {}),
    };
  });
  const mean = (i: number) => (100 * rows.reduce((sum, row) => sum + row.result.changed[i]!, 0)) / rows.length;
  return {
    title: "What changes do to the codes",
    figures,
    plots: [
      {
        kind: "bars",
        title: "Unit edit distance by change",
        bars: AUDIO_CHANGES.map((change, i) => ({
          name: change.name,
          value: Number(figures[i]!.value.toFixed(1)),
          interval: figures[i]!.interval,
        })),
        unit: "%",
        xLabel: "Unit edit distance (%), 95 % intervals",
      },
    ],
    tables: [
      {
        title: "Codes that differ at their own place",
        columns: ["Change", "Mean over clips (%)"],
        rows: AUDIO_CHANGES.map((change, i) => [change.name, Number(mean(i).toFixed(1))]),
        note: "No alignment: each frame is compared with the frame at the same time.",
      },
    ],
    players: await playersOf(rows, context),
    notes: [
      "The edit distance aligns the codes, so a code that only comes a frame later costs little.",
      "Real codecs (MP3, Opus) are not among the changes: no encoder comes with the command.",
    ],
  };
}

/** One clip and what some changes make of it. */
async function playersOf([first]: readonly Row[], context: EvaluationContext): Promise<Player[]> {
  if (!first) return [];
  const { samples } = await first.clip.read(RATE);
  const sound = (name: string, changed: Float32Array) => ({ name, samples: changed, sampleRate: RATE });
  const audible = AUDIO_CHANGES.filter((change: AudioChange) => AUDIBLE.includes(change.id));
  return [
    {
      title: `The changes as they sound: ${first.clip.name}`,
      sounds: [
        sound("unchanged", samples),
        ...audible.map((change) =>
          sound(change.name, change.apply(samples, RATE, context.random(`${change.id} ${first.clip.hash}`))),
        ),
      ],
    },
  ];
}
