import { expect, test } from "vitest";
import { fixtureJson } from "../fixtures.ts";
import { Random } from "../random.ts";
import { modelParts, upstreamOrder } from "./parameter-groups.ts";

const groups = fixtureJson<{ param_groups: { params: string[] }[] }>("training/seq2seq/expected.json").param_groups;
const [encoder, decoder] = groups.map((group) => group.params) as [string[], string[]];

test("parts of the model as upstream's optimiser has them, in its order, whatever the order given", () => {
  const names = [...encoder, ...decoder, "gate.bias"];
  expect(names).toHaveLength(130);
  const order = new Random(3).sample(names.length, names.length);
  const parts = modelParts(Array.from(order, (i) => names[i]!));
  expect(parts.encoder).toEqual(encoder);
  expect(parts.decoder).toEqual(decoder);
  expect(parts.rest).toEqual(["gate.bias"]);
});

test("an output layer of its own belongs to the decoder", () =>
  expect(modelParts(["proj_out.weight"]).decoder).toEqual(["proj_out.weight"]));

test("layers are ordered by number", () => {
  const names = ["a.layers.2.fc1.bias", "a.layers.2.fc1.weight", "a.layers.10.fc1.weight"];
  expect(upstreamOrder([...names].reverse())).toEqual([names[1], names[0], names[2]]);
});

test("modules that upstream does not have follow", () =>
  expect(upstreamOrder(["z.weight", "ctc.weight", "model.decoder.layer_norm.weight", "ctc.bias"])).toEqual([
    "ctc.weight",
    "ctc.bias",
    "model.decoder.layer_norm.weight",
    "z.weight",
  ]));
