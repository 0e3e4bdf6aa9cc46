/** What a codec does: packets in, samples out. Containers find packets, codecs decode them; this is the seam. */

/** A codec's decoder for one stream of packets. */
export interface PacketDecoder {
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  /**
   * Samples of the first packets that are no sound of the stream (encoder delay), at {@link sampleRate}.
   * Containers that state the presentation's start by other means ignore it.
   */
  readonly preSkip: number;
  /** Samples that `packet` completes, one array a channel, possibly empty. @throws Error when it is damaged. */
  decode(packet: Uint8Array): Promise<Float32Array[]>;
  /** Samples still inside the decoder. */
  flush(): Promise<Float32Array[]>;
  close(): void;
}

/**
 * Runs `work` without what libraries print on the console: their errors also arrive as values, and are reported once,
 * by us. Only for synchronous work, so that nobody else's messages are lost.
 */
export function quietly<T>(work: () => T): T {
  const { error } = console;
  console.error = () => {};
  try {
    return work();
  } finally {
    console.error = error;
  }
}
