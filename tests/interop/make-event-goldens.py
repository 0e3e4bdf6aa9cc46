"""Writes tests/fixtures/events/records.json: framed records as TensorBoard's own writer makes them, in base64.

Run with TensorBoard: python tests/interop/make-event-goldens.py
"""

import base64
import io
import json
from pathlib import Path

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "events" / "records.json"
TIME = 1795362303.25

Summary = summary_pb2.Summary


def event(step, *values):
    return event_pb2.Event(wall_time=TIME, step=step, summary=Summary(value=values))


EVENTS = {
    "version": event_pb2.Event(wall_time=TIME, file_version="brain.Event:2"),
    "start": event_pb2.Event(
        wall_time=TIME, step=1201, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    ),
    "scalars": event(
        300,
        Summary.Value(tag="loss", simple_value=2.5),
        Summary.Value(tag="lr/encoder", simple_value=1e-5),
        Summary.Value(tag="usage", simple_value=0.0),
        Summary.Value(tag="grad_norm", simple_value=float("nan")),
    ),
    "image": event(
        7,
        Summary.Value(
            tag="spectrogram/a/target",
            image=Summary.Image(height=160, width=400, colorspace=3, encoded_image_string=bytes(range(200))),
        ),
    ),
    "audio": event(
        2**33,
        Summary.Value(
            tag="audio/a/prediction",
            audio=Summary.Audio(
                sample_rate=22050,
                num_channels=1,
                length_frames=70000,
                encoded_audio_string=b"RIFF",
                content_type="audio/wav",
            ),
        ),
    ),
    "text": event(
        1,
        Summary.Value(
            tag="text/a",
            tensor=tensor_pb2.TensorProto(
                dtype=types_pb2.DT_STRING,
                tensor_shape=tensor_shape_pb2.TensorShapeProto(),
                string_val=["schön — 天".encode()],
            ),
            metadata=summary_pb2.SummaryMetadata(
                plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text")
            ),
        ),
    ),
}


def framed(message):
    out = io.BytesIO()
    RecordWriter(out).write(message.SerializeToString())
    return base64.b64encode(out.getvalue()).decode()


OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps({"wallTime": TIME, "records": {k: framed(v) for k, v in EVENTS.items()}}, indent=1) + "\n")
