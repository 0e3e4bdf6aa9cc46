/** The seven emotions of an answer about speech, and the words that models use for them. */

/** The seven emotions. */
export type Emotion = "Anger" | "Disgust" | "Fear" | "Happiness" | "Neutral" | "Sadness" | "Surprise";
/** All of them. */
export const EMOTIONS: readonly Emotion[] = ["Anger", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise"];

/** Other words that upstream counts as one of the seven; case matters. */
const SYNONYMS: Readonly<Record<Emotion, string>> = {
  Anger: "Annoyance Defiance Exasperated Exasperation Impatience Irritation",
  Disgust: "Contempt Cynical Cynicism Disdain Mockery Mocking Sarcasm",
  Fear: "Hesitation",
  Happiness: "Affectionate Excitement Playful Playfulness Pride Proud Relief Warmth",
  Neutral:
    "Anxiety Apology Assertive Awe Concern Confidence Confident Curiosity Defensiveness Determination " +
    "Embarrassment Empathetic Empathy Exhaustion Hope Hopeful Nostalgia Reflective Resignation Respectful " +
    "Serious Shyness Skepticism Solemnity Suspense Suspicion Tender Tenderness Urgency Urgent",
  Sadness: "Frustration Regret Wistfulness",
  Surprise: "Confusion Disappointment Incredulity Incredulous Shock Wonder",
};

/** Synonym → emotion. */
export const EMOTION_SYNONYMS: ReadonlyMap<string, Emotion> = new Map(
  EMOTIONS.flatMap((emotion) =>
    SYNONYMS[emotion]
      .split(" ")
      .filter((word) => word !== "")
      .map((word) => [word, emotion] as const),
  ),
);

/** One of the seven for any word: itself, its synonym, or Neutral when unknown. Neither trimmed nor lower-cased. */
export function emotionOf(word: string): Emotion {
  return (EMOTIONS as readonly string[]).includes(word) ? (word as Emotion) : (EMOTION_SYNONYMS.get(word) ?? "Neutral");
}
