/** What is counted. */
import { Counter, exposition, Gauge, Histogram } from "./registry.ts";

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25];
const FACTORS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** Numbers that are read when they are asked for. */
export interface Readings {
  waiting(): number;
  running(): number;
  streams(): number;
  ready(): boolean;
  bufferedBytes(): number;
}

export class ServerMetrics {
  readonly requests = new Counter("uat_requests_total", "Requests answered, by route and status.");
  readonly requestSeconds = new Histogram("uat_request_seconds", "From the request's head to the answer.", SECONDS);
  readonly queueSeconds = new Histogram("uat_queue_seconds", "Wait of a clip or decode for an engine.", SECONDS);
  readonly inferenceSeconds = new Histogram("uat_inference_seconds", "Work of an engine on one clip.", SECONDS);
  readonly realTimeFactor = new Histogram("uat_real_time_factor", "Seconds of work for each second of audio.", FACTORS);
  readonly firstAudioSeconds = new Histogram(
    "uat_first_audio_seconds",
    "From a streamed decode's request to its first audio.",
    SECONDS,
  );
  readonly tokens = new Counter("uat_tokens_total", "Codes made (tokens) or decoded (decode).");
  readonly audioSeconds = new Counter("uat_audio_seconds_total", "Seconds of audio read or made.");
  readonly engineEvents = new Counter("uat_engine_events_total", "Engines lost, stuck and restored.");
  readonly #gauges: readonly Gauge[];

  constructor(readings: Readings) {
    this.#gauges = [
      new Gauge("uat_queue_length", "Clips and decodes waiting for an engine.", readings.waiting),
      new Gauge("uat_running", "Clips and decodes being worked on.", readings.running),
      new Gauge("uat_streams", "WebSockets and streamed decodes open.", readings.streams),
      new Gauge("uat_ready", "1 when requests are taken.", () => Number(readings.ready())),
      new Gauge("uat_buffered_bytes", "Bytes of requests' bodies held.", readings.bufferedBytes),
      new Gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss()),
      new Gauge("process_cpu_seconds_total", "Processor time.", () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      }),
    ];
  }

  text(): string {
    return exposition([
      this.requests,
      this.requestSeconds,
      this.queueSeconds,
      this.inferenceSeconds,
      this.realTimeFactor,
      this.firstAudioSeconds,
      this.tokens,
      this.audioSeconds,
      this.engineEvents,
      ...this.#gauges,
    ]);
  }
}
