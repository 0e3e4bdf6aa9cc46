/** The page: one store, what visitors can do, and the views that show it. */
import type { DeviceChoice } from "./engine/protocol.ts";
import { Playground } from "./state/playground.ts";
import { Store } from "./state/store.ts";
import { engineBadge } from "./views/engine-badge.ts";
import { mapCard } from "./views/map-card.ts";
import { openPanel } from "./views/open-panel.ts";
import { ribbon } from "./views/ribbon.ts";
import { sizeCard } from "./views/size-card.ts";
import { stage } from "./views/stage.ts";
import { StripKeys } from "./views/strip-keys.ts";
import { takeCard } from "./views/take-card.ts";
import { paintTheme, startsDark, theme } from "./views/theme.ts";
import { Timeline } from "./views/timeline.ts";
import { tokenCard } from "./views/token-card.ts";

/** `?model=` a URL or a hub id; `?device=` wasm or webgpu. */
const asked = new URLSearchParams(location.search);
const device = asked.get("device");
const dark = startsDark();
paintTheme(dark);
const store = new Store({
  clips: [],
  activeId: undefined,
  engine: { phase: "idle", progress: undefined, info: undefined, upgrade: undefined, error: undefined },
  map: undefined,
  pointed: undefined,
  pointedCode: undefined,
  side: "output",
  playing: false,
  cursor: 0,
  copied: undefined,
  recording: undefined,
  notice: undefined,
  dark,
});
const model = asked.get("model") ?? "models/base/";
const playground = new Playground(store, {
  // a worker resolves addresses against its own script
  model: /^[\w.-]+\/[\w.-]+$/.test(model) ? model : new URL(model, document.baseURI).href,
  device: (["wasm", "webgpu"].includes(device ?? "") ? device : "auto") as DeviceChoice,
});
theme(playground);
ribbon(playground);
openPanel(playground);
stage(playground);
const timeline = new Timeline(playground);
new StripKeys(playground, timeline);
tokenCard(playground);
mapCard(playground);
sizeCard(playground);
takeCard(playground);
engineBadge(playground);

const open = () => void playground.openLink(location.hash);
addEventListener("hashchange", open);
open();

/** From this machine the model costs nothing; elsewhere its download waits until a sound is there. */
const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(location.hostname);
if (local && !location.hash) void playground.prepare().catch(() => undefined);
