/**
 * TensorBoard's messages as bytes: an `Event` holds a time, a step and either a `Summary` of tagged values or a mark.
 * Field numbers are those of event.proto, summary.proto and tensor.proto, part of TensorBoard's public interface.
 */
import { ProtobufWriter } from "@uat/graph";

const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2, image: 4, audio: 6, tensor: 8, metadata: 9 } as const;
const IMAGE = { height: 1, width: 2, colorspace: 3, encoded: 4 } as const;
const AUDIO = { sampleRate: 1, channels: 2, frames: 3, encoded: 4, contentType: 5 } as const;
const TENSOR = { dtype: 1, shape: 2, stringValue: 8 } as const;
const METADATA = { pluginData: 1 } as const;
const PLUGIN = { name: 1 } as const;
const SESSION = { status: 1 } as const;

const RGB = 3;
const DT_STRING = 7;
const SESSION_START = 1;

/** When and where something happened. */
export interface EventTime {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
}

/** One tagged value of a summary. */
export type SummaryValue = { readonly tag: string } & (
  | { readonly kind: "scalar"; readonly value: number }
  | { readonly kind: "image"; readonly png: Uint8Array; readonly width: number; readonly height: number }
  | { readonly kind: "audio"; readonly wav: Uint8Array; readonly sampleRate: number; readonly frames: number }
  /** `text` is Markdown. */
  | { readonly kind: "text"; readonly text: string }
);

function event(time: EventTime, body: (w: ProtobufWriter) => void): Uint8Array {
  const w = new ProtobufWriter().double(EVENT.wallTime, time.wallTime);
  // zero is what a missing number means
  if (time.step !== 0) w.varint(EVENT.step, time.step);
  body(w);
  return w.finish();
}

/** The first event of every file. */
export const versionEvent = (wallTime: number): Uint8Array =>
  event({ wallTime, step: 0 }, (w) => w.string(EVENT.fileVersion, "brain.Event:2"));

/** Tells readers that a process starts here, and to forget what earlier files say of `time.step` and of later steps. */
export const startEvent = (time: EventTime): Uint8Array =>
  event(time, (w) => w.message(EVENT.sessionLog, (log) => log.varint(SESSION.status, SESSION_START)));

/** Values of one step. */
export function summaryEvent(time: EventTime, values: readonly SummaryValue[]): Uint8Array {
  return event(time, (w) =>
    w.message(EVENT.summary, (summary) => {
      for (const value of values) summary.message(SUMMARY.value, (v) => writeValue(v, value));
    }),
  );
}

function writeValue(w: ProtobufWriter, value: SummaryValue): void {
  w.string(VALUE.tag, value.tag);
  switch (value.kind) {
    case "scalar":
      w.float(VALUE.simpleValue, value.value);
      break;
    case "image":
      w.message(VALUE.image, (image) =>
        image
          .varint(IMAGE.height, value.height)
          .varint(IMAGE.width, value.width)
          .varint(IMAGE.colorspace, RGB)
          .bytes(IMAGE.encoded, value.png),
      );
      break;
    case "audio":
      w.message(VALUE.audio, (audio) =>
        audio
          .float(AUDIO.sampleRate, value.sampleRate)
          .varint(AUDIO.channels, 1)
          .varint(AUDIO.frames, value.frames)
          .bytes(AUDIO.encoded, value.wav)
          .string(AUDIO.contentType, "audio/wav"),
      );
      break;
    case "text":
      // the text dashboard shows string tensors that its plugin's metadata claims
      w.message(VALUE.tensor, (tensor) =>
        tensor
          .varint(TENSOR.dtype, DT_STRING)
          .message(TENSOR.shape, () => undefined)
          .string(TENSOR.stringValue, value.text),
      ).message(VALUE.metadata, (m) => m.message(METADATA.pluginData, (p) => p.string(PLUGIN.name, "text")));
  }
}
