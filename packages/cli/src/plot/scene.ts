/** The picture of a scene: waveform, mel spectrogram, a lane for each sound with its labels, what is said of it all. */
import { DECODER_SAMPLE_RATE, resample } from "@uat/audio";
import { Canvas, type Color, drawText, MelColumns, textWidth } from "@uat/audio/plot";
import { type Scene, type ScenePart, sceneName } from "@uat/training";
import {
  AXIS,
  drawMel,
  fitted,
  frequencyAxis,
  GREY,
  INK,
  LEFT,
  LINE,
  label,
  NOTHING,
  PANEL,
  PLOT_WIDTH,
  timeAxis,
  WHITE,
  WIDTH,
} from "./panels.ts";

const TITLE = 84;
const WAVE = 96;
const SPACING = 14;
/** A lane: a line of words, a bar, a space. */
const LANE = 50;
const BAR = 16;
const BAR_TOP = 26;
const TEXT_LINE = 26;
const TEXT_SIZE = 12;

const WAVE_COLOR: Color = [83, 74, 160];
const COLORS: Readonly<Record<ScenePart["role"], Color>> = {
  speech: [59, 108, 201],
  events: [210, 74, 88],
  backgrounds: [58, 150, 122],
  music: [196, 137, 36],
};
const ROLES: Readonly<Record<ScenePart["role"], string>> = {
  speech: "speech",
  events: "event",
  backgrounds: "background",
  music: "music",
};

export function drawScene(scene: Scene): Canvas {
  const seconds = scene.samples.length / scene.sampleRate;
  const text = wrapped(scene.caption, TEXT_SIZE, PLOT_WIDTH);
  const melTop = TITLE + WAVE + SPACING;
  const lanesTop = melTop + PANEL + SPACING;
  const axisTop = lanesTop + LANE * scene.parts.length;
  const canvas = new Canvas(WIDTH, axisTop + AXIS + TEXT_LINE * text.length + 18, WHITE);
  drawText(canvas, fitted(sceneName(scene.index), 17), LEFT, 37, { size: 17, color: INK, weight: 2.3 });
  drawText(canvas, fitted(subtitle(scene, seconds), 11.5), LEFT, 65, { size: 11.5, color: GREY });

  drawWave(canvas, scene.samples, TITLE);
  const mel = new MelColumns(seconds, PLOT_WIDTH);
  mel.push(resample(scene.samples, scene.sampleRate, DECODER_SAMPLE_RATE));
  mel.finish();
  drawMel(canvas, mel, melTop, mel.max());
  frequencyAxis(canvas, melTop);
  label(canvas, "mel spectrogram", melTop);
  for (const [i, part] of scene.parts.entries()) drawLane(canvas, scene, part, lanesTop + i * LANE);
  timeAxis(canvas, seconds, axisTop);
  for (const [i, line] of text.entries())
    drawText(canvas, line, LEFT, axisTop + AXIS + TEXT_LINE * (i + 1) - 8, { size: TEXT_SIZE, color: INK });
  return canvas;
}

function subtitle({ sampleRate, facts, task }: Scene, seconds: number): string {
  const room = facts.reverberationTime === undefined ? "" : ` · room of ${facts.reverberationTime.toFixed(2)} s`;
  return `${seconds.toFixed(2)} s · ${sampleRate / 1000} kHz · task ${task}${room}`;
}

/** Lowest and highest sample of each column, scaled to the loudest. */
function drawWave(canvas: Canvas, samples: Float32Array, top: number): void {
  canvas.fill(LEFT, top, PLOT_WIDTH, WAVE, NOTHING);
  const middle = top + WAVE / 2;
  const loudest = samples.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-9);
  canvas.fill(LEFT, Math.round(middle), PLOT_WIDTH, 1, LINE);
  for (let x = 0; x < PLOT_WIDTH; x++) {
    const from = Math.floor((x * samples.length) / PLOT_WIDTH);
    const to = Math.max(from + 1, Math.floor(((x + 1) * samples.length) / PLOT_WIDTH));
    let [low, high] = [0, 0];
    for (let i = from; i < to; i++) {
      low = Math.min(low, samples[i]!);
      high = Math.max(high, samples[i]!);
    }
    const scale = (0.47 * WAVE) / loudest;
    const [first, last] = [Math.round(middle - high * scale), Math.round(middle - low * scale)];
    canvas.fill(LEFT + x, first, 1, Math.max(1, last - first), WAVE_COLOR);
  }
}

function drawLane(canvas: Canvas, scene: Scene, part: ScenePart, top: number): void {
  const color = COLORS[part.role];
  const xOf = (sample: number) => LEFT + Math.round((sample * PLOT_WIDTH) / scene.samples.length);
  canvas.fill(LEFT, top + BAR_TOP, PLOT_WIDTH, BAR, NOTHING);
  for (const { start, end } of part.spans)
    canvas.fill(xOf(start), top + BAR_TOP, Math.max(2, xOf(end) - xOf(start)), BAR, color);
  const words = wrapped(laneText(scene, part), 11, PLOT_WIDTH)[0] ?? "";
  const room = LEFT + PLOT_WIDTH - textWidth(words, 11);
  drawText(canvas, words, Math.max(LEFT, Math.min(xOf(part.spans[0]!.start), room)), top + 18, { size: 11, color });
}

function laneText({ sap, facts }: Scene, part: ScenePart): string {
  if (part.role === "speech") {
    const { gender, age, accent, prosody } = sap.paralinguistics;
    return [ROLES.speech, `'${facts.speech?.text}'`, gender, age, accent, prosody].filter(Boolean).join(" · ");
  }
  const { discreteEvents, continuousEvents } = sap.nonLinguisticEvents;
  const event = [...discreteEvents, ...continuousEvents].find((e) => e.label === part.label);
  return `${ROLES[part.role]} · ${part.label} · ${event?.characteristic} · SNR ${part.snr.toFixed(1).replace("-", "–")} dB`;
}

/** Lines of at most `width` pixels; a word that is longer than a line is cut. */
function wrapped(text: string, size: number, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (textWidth(longer, size) <= width) line = longer;
    else {
      if (line !== "") lines.push(line);
      line = fitted(word, size);
    }
  }
  return line === "" ? lines : [...lines, line];
}
