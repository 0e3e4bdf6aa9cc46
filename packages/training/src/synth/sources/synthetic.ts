/** Sounds made by formulas as a source: nothing to download, nobody's rights to keep. */
import { TrainingError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";
import { GENERATORS, type SoundKind } from "./generators.ts";
import type { SoundItem, SoundSource } from "./source.ts";

/** Seconds of a continuous sound that is made at once; longer scenes repeat it. */
const CONTINUOUS_SECONDS = 30;

/** Names of the generators of a kind. */
export const generatorNames = (kind: SoundKind): string[] =>
  Object.keys(GENERATORS).filter((name) => GENERATORS[name]!.kind === kind);

/**
 * Generators as a source.
 * @param seconds longest scene: no more of a continuous sound is made.
 * @throws TrainingError for a name that is not one of the kind's.
 */
export function syntheticSource(options: {
  readonly name: string;
  readonly kind: SoundKind;
  /** All of the kind by default. */
  readonly sounds: readonly string[] | undefined;
  readonly sampleRate: number;
  readonly seconds: number;
}): SoundSource {
  const { name, kind, sampleRate } = options;
  const known = generatorNames(kind);
  const items = (options.sounds ?? known).map((sound): SoundItem => {
    if (!known.includes(sound)) {
      const meant = nearest(sound, known);
      throw new TrainingError(
        `${name}: no generator "${sound}" of ${kind}${meant ? ` (did you mean ${meant}?)` : ""}; expected some of ${known.join(", ")}`,
      );
    }
    const { label, phrase, make } = GENERATORS[sound]!;
    return {
      origin: { source: name, clip: sound, licence: "CC0-1.0" },
      label,
      phrase,
      load: async (random) => make(random, sampleRate, Math.min(CONTINUOUS_SECONDS, options.seconds)),
    };
  });
  return { name, items, generated: true };
}
