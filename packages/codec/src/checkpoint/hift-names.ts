import type { TensorStore } from "./tensor-store.ts";
import { renamed, stripPrefix } from "./views.ts";

/** Path segments in other code bases of the HiFT family, and this project's. */
const SEGMENTS: Readonly<Record<string, string>> = {
  conv_pre: "pre_conv",
  conv_post: "post_conv",
  m_source: "source",
  convs1: "conv1",
  convs2: "conv2",
};

/**
 * A HiFT vocoder's tensors under this project's names (`pre_conv`, `post_conv`, `source`, `conv1`, `conv2`), whichever
 * code base saved them; a `generator.` in front, as vocoder training leaves it, is dropped.
 * @throws CheckpointError when both spellings of one tensor are stored.
 */
export function hiftNames(store: TensorStore): TensorStore {
  return renamed(stripPrefix(store, "generator."), (name) =>
    name
      .split(".")
      .map((segment) => (Object.hasOwn(SEGMENTS, segment) ? SEGMENTS[segment]! : segment))
      .join("."),
  );
}
