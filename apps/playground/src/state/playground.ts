/** What visitors can do. Views call these and draw what the store then holds. */
import { AnalysisClient } from "../analysis/analysis-client.ts";
import type { Sound } from "../analysis/protocol.ts";
import { Player, type Side } from "../audio/player.ts";
import { LONGEST_RECORDING, Recorder } from "../audio/recorder.ts";
import { Cancelled, EngineClient } from "../engine/engine-client.ts";
import type { DeviceChoice } from "../engine/protocol.ts";
import { fromFragment } from "../share/fragment.ts";
import { paletteOf } from "../views/palette.ts";
import { type Clip, clipSeconds, newClip } from "./clip.ts";
import {
  cut,
  type Edit,
  move,
  NO_HISTORY,
  paste,
  type Range,
  recorded,
  redone,
  replace,
  reverse,
  undone,
} from "./edits.ts";
import type { Store } from "./store.ts";

/** After an edit, decoding waits this long for the next one. */
const SETTLE_MS = 120;

export class Playground {
  readonly store: Store;
  readonly player = new Player();
  readonly #engine = new EngineClient();
  readonly #analysis = new AnalysisClient();
  readonly #model: string;
  readonly #device: DeviceChoice;
  readonly #decoding = new Map<number, AbortController>();
  #loading: Promise<void> | undefined;
  #recorder: Recorder | undefined;
  #last = 0;

  constructor(store: Store, { model, device }: { model: string; device: DeviceChoice }) {
    this.store = store;
    this.#model = model;
    this.#device = device;
    this.player.onEnd = () => this.store.set({ playing: false, cursor: 0 });
  }

  get frameRate(): number {
    return this.store.state.engine.info?.frameRate ?? 25;
  }

  // opening

  /** Fetches the model, once; a failed try may be repeated. */
  prepare(): Promise<void> {
    this.#loading ??= this.#load().catch((error: Error) => {
      this.#loading = undefined;
      this.store.setEngine({ phase: "failed", progress: undefined, error: error.message });
      throw error;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    this.store.setEngine({ phase: "loading", progress: undefined, error: undefined });
    const onProgress = (progress: NonNullable<typeof this.store.state.engine.progress>) =>
      this.store.setEngine({ progress });
    const info = await this.#engine.call("load", [this.#model, this.#device], { onProgress });
    this.store.setEngine({ phase: "ready", progress: undefined, info });
  }

  /** The map of the codes and the move to WebGPU can wait until the first clip is heard. */
  #finishing: Promise<void> | undefined;
  #finish(): void {
    this.#finishing ??= (async () => {
      this.store.set({ map: await this.#engine.call("codeMap", []) });
      if (this.#device !== "auto") return;
      const upgrade = await this.#engine.call("upgrade", []);
      const { info } = this.store.state.engine;
      this.store.setEngine({ upgrade, ...(info && { info: { ...info, device: upgrade.device } }) });
    })().catch((error: Error) => this.#tell(error));
  }

  async openFile(file: Blob, name: string): Promise<void> {
    const id = this.#add(name);
    try {
      this.store.setClip(id, { work: "Reading" });
      const { channels, leftOut, ...sound } = await this.#analysis.call("read", file, name);
      if (leftOut > 0)
        this.store.set({
          notice: { kind: "info", text: "The page takes the first three minutes; uat tokenize takes any length." },
        });
      await this.#openSound(id, sound, channels);
    } catch (error) {
      this.#fail(id, error as Error);
    }
  }

  async openSample(name: string, title: string): Promise<void> {
    try {
      const response = await fetch(`models/samples/${name}.flac`);
      if (!response.ok) throw new Error(`the sample ${name} is not here (${response.status})`);
      await this.openFile(await response.blob(), title);
    } catch (error) {
      this.#tell(error as Error);
    }
  }

  /** Tokens that came by the page's address. */
  async openLink(fragment: string): Promise<void> {
    try {
      const shared = fromFragment(fragment);
      if (!shared) return;
      const id = this.#add("Shared tokens");
      this.store.setClip(id, { tokens: shared.codes, codes: shared.codes, selection: { start: 0, end: 1 } });
      try {
        await this.prepare();
        const size = this.store.state.engine.info?.codebookSize ?? 0;
        if (shared.codebookSize !== size)
          throw new Error(`these tokens are of a codebook of ${shared.codebookSize}, this model's has ${size}`);
        await this.#decode(id);
        this.#finish();
        await this.#finishing;
        const { hash } = this.store.state.map ?? {};
        if (shared.hash && hash && hash !== shared.hash)
          this.#tell(new Error("These tokens were made with another model; here they stand for other sounds."));
      } catch (error) {
        this.#fail(id, error as Error);
      }
    } catch (error) {
      this.#tell(error as Error);
    }
  }

  #add(name: string): number {
    const id = ++this.#last;
    this.player.stop();
    const side: Side = "output";
    this.store.set({
      clips: [...this.store.state.clips, newClip(id, name)],
      activeId: id,
      playing: false,
      cursor: 0,
      pointed: undefined,
      side,
      notice: undefined,
    });
    return id;
  }

  async #openSound(id: number, input: Sound, channels: number): Promise<void> {
    this.store.setClip(id, { input, channels, work: "Drawing" });
    void this.#draw(id, "input");
    this.store.setClip(id, { work: "Loading the model" });
    await this.prepare();
    this.store.setClip(id, { work: "Listening" });
    const { codes, gate, took } = await this.#engine.call("tokenize", [input.samples, input.sampleRate]);
    if (!this.#clip(id)) return;
    if (codes.length === 0) throw new Error("the clip is too short: it holds no token");
    this.store.setClip(id, {
      tokens: codes,
      codes,
      gate,
      took: { tokenize: took, decode: undefined },
      selection: { start: 0, end: 1 },
    });
    await this.#decode(id);
    this.#finish();
  }

  // what the networks and the pictures give

  #clip(id: number): Clip | undefined {
    return this.store.state.clips.find((clip) => clip.id === id);
  }

  async #decode(id: number): Promise<void> {
    this.#decoding.get(id)?.abort();
    const codes = this.#clip(id)?.codes;
    if (!codes) return;
    if (codes.length === 0) {
      this.store.setClip(id, { output: undefined, outputPicture: undefined, outputCodes: codes, work: undefined });
      return;
    }
    const controller = new AbortController();
    this.#decoding.set(id, controller);
    this.store.setClip(id, { work: "Decoding", share: 0, error: undefined });
    const { samples, sampleRate, took } = await this.#engine.call("decode", [codes], {
      signal: controller.signal,
      onProgress: ({ done }) => this.store.setClip(id, { share: done }),
    });
    const clip = this.#clip(id);
    if (!clip) return;
    this.store.setClip(id, {
      output: { samples, sampleRate },
      outputCodes: codes,
      work: undefined,
      share: undefined,
      took: { ...clip.took, decode: took },
    });
    await this.#draw(id, "output");
  }

  async #draw(id: number, side: Side): Promise<void> {
    const sound = this.#clip(id)?.[side];
    if (!sound) return;
    const picture = await this.#analysis.call("draw", sound, paletteOf(side, this.store.state.dark));
    // another edit may have come meanwhile
    if (this.#clip(id)?.[side] === sound) this.store.setClip(id, { [`${side}Picture`]: picture });
  }

  /** Draws all again, in the colours of the other theme. */
  setDark(dark: boolean): void {
    if (dark === this.store.state.dark) return;
    this.store.set({ dark });
    for (const { id } of this.store.state.clips)
      for (const side of ["input", "output"] as const) void this.#draw(id, side);
  }

  #fail(id: number, error: Error): void {
    if (error instanceof Cancelled) return;
    this.store.setClip(id, { work: undefined, share: undefined, error: error.message });
  }

  #tell(error: Error): void {
    if (!(error instanceof Cancelled)) this.store.set({ notice: { kind: "error", text: error.message } });
  }

  /** Tries what failed once more. */
  async retry(id: number): Promise<void> {
    const clip = this.#clip(id);
    if (!clip) return;
    this.store.setClip(id, { error: undefined });
    try {
      if (clip.tokens) {
        await this.prepare();
        await this.#decode(id);
      } else if (clip.input) await this.#openSound(id, clip.input, clip.channels);
    } catch (error) {
      this.#fail(id, error as Error);
    }
  }

  choose(id: number): void {
    this.pause();
    this.store.set({ activeId: id, cursor: 0, pointed: undefined, pointedCode: undefined });
  }

  close(id: number): void {
    this.#decoding.get(id)?.abort();
    const { clips, activeId } = this.store.state;
    const at = clips.findIndex((clip) => clip.id === id);
    const left = clips.filter((clip) => clip.id !== id);
    if (activeId === id) this.pause();
    const next = left[Math.min(at, left.length - 1)]?.id;
    this.store.set({ clips: left, ...(activeId === id && { activeId: next, cursor: 0, pointed: undefined }) });
  }

  // the microphone

  async record(): Promise<void> {
    if (this.#recorder) return;
    this.pause();
    try {
      void this.prepare().catch(() => undefined);
      this.store.set({ recording: { seconds: 0, peaks: [] }, notice: undefined });
      this.#recorder = await Recorder.start();
      this.#recorder.onBlock = (peak, seconds) => {
        const { recording } = this.store.state;
        if (recording) this.store.set({ recording: { seconds, peaks: [...recording.peaks, peak] } });
        if (seconds >= LONGEST_RECORDING) void this.endRecording();
      };
    } catch (error) {
      this.store.set({ recording: undefined });
      this.#tell(error as Error);
    }
  }

  async endRecording(): Promise<void> {
    const recorder = this.#recorder;
    if (!recorder) return;
    this.#recorder = undefined;
    const sound = await recorder.stop();
    this.store.set({ recording: undefined });
    if (sound.samples.length === 0) {
      this.#tell(new Error("nothing was recorded; try once more, a little longer"));
      return;
    }
    const count = this.store.state.clips.filter(({ name }) => name.startsWith("Recording")).length;
    const id = this.#add(`Recording ${count + 1}`);
    try {
      await this.#openSound(id, sound, 1);
    } catch (error) {
      this.#fail(id, error as Error);
    }
  }

  // hearing

  /** Plays all, or the selection, from the cursor on. */
  play(range?: Range): void {
    const { clip } = this.store;
    if (!clip) return;
    const seconds = clipSeconds(clip, this.frameRate);
    const { cursor } = this.store.state;
    const start = range ? range.start / this.frameRate : cursor >= seconds - 0.02 ? 0 : cursor;
    const end = range ? range.end / this.frameRate : seconds;
    const sounds = { ...(clip.input && { input: clip.input }), ...(clip.output && { output: clip.output }) };
    if (!clip.input && !clip.output) return;
    const side = clip[this.store.state.side] ? this.store.state.side : clip.output ? "output" : "input";
    this.player.play(sounds, side, start, end);
    this.store.set({ playing: true, cursor: start, side });
  }

  pause(): void {
    if (!this.player.playing) return;
    const cursor = this.player.position;
    this.player.stop();
    this.store.set({ playing: false, cursor });
  }

  toggle(): void {
    if (this.player.playing) this.pause();
    else this.play();
  }

  seek(seconds: number): void {
    this.store.set({ cursor: seconds });
    if (this.player.playing) this.play();
  }

  hear(side: Side): void {
    this.store.set({ side });
    this.player.hear(side);
  }

  /** Points at a token and lets it be heard: its 40 ms of what was decoded. */
  point(index: number | undefined, audible: boolean): void {
    if (index === this.store.state.pointed) return;
    this.store.set({ pointed: index });
    if (index !== undefined && audible) this.glimpse(index);
  }

  glimpse(index: number): void {
    const { clip } = this.store;
    if (!clip?.output || clip.outputCodes !== clip.codes || this.player.playing) return;
    this.player.glimpse(clip.output, index / this.frameRate, 1 / this.frameRate);
  }

  // editing

  select(selection: Range): void {
    const { clip } = this.store;
    if (clip) this.store.setClip(clip.id, { selection });
  }

  copy(): Int32Array | undefined {
    const { clip } = this.store;
    if (!clip?.selection) return undefined;
    const copied = clip.codes.slice(clip.selection.start, clip.selection.end);
    this.store.set({ copied });
    return copied;
  }

  cut(): Int32Array | undefined {
    const copied = this.copy();
    this.remove();
    return copied;
  }

  remove(): void {
    this.#edit((codes, range) => cut(codes, range));
  }

  paste(given?: Int32Array): void {
    const pasted = given ?? this.store.state.copied;
    if (pasted && pasted.length > 0) this.#edit((codes, range) => paste(codes, range, pasted));
  }

  /** Puts what was copied in the selection's place, and remembers the selection instead. */
  swap(): void {
    const { copied } = this.store.state;
    if (!copied || copied.length === 0) return;
    const taken = this.copy();
    if (taken) this.#edit((codes, range) => replace(codes, range, copied));
  }

  reverse(): void {
    this.#edit((codes, range) => reverse(codes, range));
  }

  move(by: number): void {
    this.#edit((codes, range) => move(codes, range, by));
  }

  undo(): void {
    this.#travel(undone);
  }

  redo(): void {
    this.#travel(redone);
  }

  /** Back to the tokeniser's codes. */
  reset(): void {
    const { clip } = this.store;
    if (clip?.tokens)
      this.#change(clip, clip.tokens, { start: 0, end: 1 }, { history: recorded(clip.history, clip.codes) });
  }

  #edit(edit: (codes: Int32Array, range: Range) => Edit): void {
    const { clip } = this.store;
    if (!clip?.tokens) return;
    const range = clip.selection ?? { start: clip.codes.length, end: clip.codes.length };
    const { codes, selection } = edit(clip.codes, range);
    if (codes.length === clip.codes.length && codes.every((code, i) => code === clip.codes[i])) {
      this.store.setClip(clip.id, { selection });
      return;
    }
    this.#change(clip, codes, selection, { history: recorded(clip.history, clip.codes) });
  }

  #travel(step: typeof undone): void {
    const { clip } = this.store;
    const found = clip && step(clip.history ?? NO_HISTORY, clip.codes);
    if (!clip || !found) return;
    const end = Math.min(found.codes.length, clip.selection?.end ?? 1);
    const selection = { start: Math.min(clip.selection?.start ?? 0, Math.max(0, end - 1)), end };
    this.#change(clip, found.codes, selection, { history: found.history });
  }

  readonly #settling = new Map<number, ReturnType<typeof setTimeout>>();
  #change(clip: Clip, codes: Int32Array, selection: Range, rest: Partial<Clip>): void {
    this.pause();
    this.#decoding.get(clip.id)?.abort();
    this.store.setClip(clip.id, { codes, selection, work: "Decoding", share: 0, ...rest });
    this.store.set({ pointed: undefined, side: "output" });
    clearTimeout(this.#settling.get(clip.id));
    const decode = () => void this.#decode(clip.id).catch((error: Error) => this.#fail(clip.id, error));
    this.#settling.set(clip.id, setTimeout(decode, SETTLE_MS));
  }
}
