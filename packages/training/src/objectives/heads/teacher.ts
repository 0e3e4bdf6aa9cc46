/** The frozen Whisper that a tokeniser is distilled towards. */
import { readWhisperConfig } from "@uat/evaluation";
import type { ParameterSource } from "@uat/graph";
import { openModel, openSafetensorsModel, parametersOf } from "universal-audio-tokenizer/internal";
import { TrainingError } from "../../errors.ts";
import { TEACHER, type TeacherConfig } from "./distill.ts";

export interface Teacher {
  readonly config: TeacherConfig;
  /** Its weights, by their names below {@link TEACHER}: the `frozen` weights of a LossProgram. */
  readonly source: ParameterSource;
  /** Closes its files: once the programs that use it are compiled. */
  close(): Promise<void>;
}

/**
 * @param place a directory or hub id with Whisper's config.json and model.safetensors.
 * @param mels bands of the student's features.
 * @throws TrainingError when the teacher hears other features; CheckpointError, TokenizerError for files that are missing
 *   or damaged.
 */
export async function openTeacher(place: string, mels: number): Promise<Teacher> {
  const files = await openModel(place);
  const { config } = await readWhisperConfig(files);
  if (config.num_mel_bins !== mels) {
    throw new TrainingError(
      `objectives.distill.teacher ${place}: hears ${config.num_mel_bins} mel bands, the tokeniser ${mels}; ` +
        "give a Whisper with as many (80, or 128 from large-v3 on)",
    );
  }
  const store = await openSafetensorsModel(files, "model");
  const stored = parametersOf(store);
  const start = `${TEACHER}.`;
  return {
    config,
    source: (name) => (name.startsWith(start) ? stored(`model.encoder.${name.slice(start.length)}`) : undefined),
    close: () => store.close(),
  };
}
