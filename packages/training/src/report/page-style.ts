/** How the report looks, in light and in dark, from a phone's width to a desk's. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #191c23; --soft: #5d6472; --rule: #e2e5eb; --grid: #eceef2;
  --accent: #2457d6; --good: #0b7a4b; --bad: #c4242f; --good-soft: #e3f4ec; --bad-soft: #fde8e8; --accent-soft: #e8eefc;
  --c0: #2457d6; --c1: #dd5a0a; --c2: #0c8f68; --c3: #8a35b0; --c4: #c01d60; --c5: #8f6400; --c6: #0786a6; --c7: #5b677b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101217; --card: #181b22; --ink: #e7e9ee; --soft: #9aa2b1; --rule: #2a2f3a; --grid: #242933;
    --accent: #7ea8ff; --good: #57d19c; --bad: #ff8a8a; --good-soft: #14301f; --bad-soft: #3a1a1d; --accent-soft: #1b2742;
    --c0: #74a2ff; --c1: #ff9a57; --c2: #4fd1a5; --c3: #cf92ee; --c4: #ff80ae; --c5: #e0b548; --c6: #52cae2; --c7: #a5b1c4;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums;
}
main, header > div { max-width: 1180px; margin: 0 auto; padding: 0 20px; }
header { padding: 30px 0 6px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0; letter-spacing: -.015em; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 34px 0 12px; letter-spacing: -.01em; }
h3 { font-size: 14px; margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.top { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; }
.chip { padding: 2px 11px; border-radius: 99px; font-size: 13px; font-weight: 600; background: var(--accent-soft); color: var(--accent); }
.chip.finished { background: var(--good-soft); color: var(--good); }
.chip.failed { background: var(--bad-soft); color: var(--bad); }
.note { color: var(--soft); margin: 6px 0 0; overflow-wrap: anywhere; }
.note.failed { color: var(--bad); }
.bar { height: 6px; border-radius: 99px; background: var(--rule); margin: 16px 0 0; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); border-radius: 99px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(148px, 1fr)); gap: 12px; margin: 18px 0 0; padding: 0; }
.tiles div, figure.card, .card { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; }
.tiles div { padding: 11px 14px; }
.tiles dt { color: var(--soft); font-size: 13px; }
.tiles dd { margin: 0; font-size: 21px; font-weight: 600; letter-spacing: -.01em; line-height: 1.35; }
.tiles small { display: block; font-size: 12.5px; font-weight: 400; color: var(--soft); letter-spacing: 0; }
#settings {
  position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; gap: 4px 26px; align-items: center;
  background: var(--page); border-bottom: 1px solid var(--rule); padding: 9px 0; margin-top: 16px; font-size: 14px;
}
#settings[hidden] { display: none; }
#settings label { display: flex; gap: 9px; align-items: center; }
#settings input { accent-color: var(--accent); margin: 0; }
#settings input[type="range"] { width: min(180px, 36vw); }
output { min-width: 2.4em; color: var(--soft); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 14px; }
figure { margin: 0; min-width: 0; }
/* a chart alone in the last row fills it */
.charts:not(:has(.main)) > :last-child:nth-child(odd), .charts:has(.main) > :last-child:nth-child(even) { grid-column: 1 / -1; }
figure.card { padding: 13px 14px 10px; }
figure.main { grid-column: 1 / -1; }
.legend { display: flex; flex-wrap: wrap; gap: 0 16px; margin: 1px 0 6px; padding: 0; list-style: none; font-size: 13px; color: var(--soft); }
.legend b { color: var(--ink); font-weight: 600; }
.key { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px; vertical-align: middle; background: currentColor; }
.key.points { height: 8px; width: 8px; border-radius: 50%; margin: 0 9px 0 3px; }
.plot { position: relative; touch-action: pan-y; min-height: 190px; }
.plot > svg { display: block; max-width: 100%; height: auto; cursor: crosshair; border-radius: 4px; }
.plot > svg:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg text { font: 11.5px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg path { fill: none; }
.grid { stroke: var(--grid); }
.axis { stroke: var(--rule); }
.line { stroke: currentColor; stroke-width: 1.9; stroke-linejoin: round; stroke-linecap: round; }
.raw { stroke: currentColor; stroke-width: 1; opacity: .28; }
svg .band { fill: currentColor; opacity: .16; }
.dot { fill: currentColor; stroke: var(--card); stroke-width: 1.2; }
.broken { stroke: var(--bad); stroke-width: 2; }
path.cursor { stroke: var(--soft); stroke-dasharray: 3 3; }
.c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); }
.c4 { color: var(--c4); } .c5 { color: var(--c5); } .c6 { color: var(--c6); } .c7 { color: var(--c7); }
.tip {
  position: absolute; top: 4px; z-index: 1; pointer-events: none; padding: 6px 10px; border-radius: 8px; font-size: 12.5px;
  background: var(--card); border: 1px solid var(--rule); box-shadow: 0 4px 16px #0003; display: grid; white-space: nowrap;
}
.tip[hidden] { display: none; }
details { font-size: 13px; margin-top: 4px; }
summary { cursor: pointer; color: var(--soft); width: fit-content; padding: 2px 0; }
summary:hover { color: var(--ink); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; width: 100%; }
figure table { width: auto; min-width: min(100%, 340px); }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
td.number, th.number { text-align: right; white-space: nowrap; }
tr:last-child > * { border-bottom: 0; }
.samples { display: grid; gap: 14px; }
.sample { padding: 13px 14px 14px; }
.steps { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 255px), 1fr)); gap: 12px; margin-top: 9px; }
.steps figcaption { font-size: 13px; color: var(--soft); margin-bottom: 4px; }
.steps img { display: block; width: 100%; height: 150px; border-radius: 6px; background: #02020a; }
audio { display: block; width: 100%; height: 40px; }
.steps img + audio { margin-top: 6px; }
.texts td { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 190px; }
.texts td:first-child, .texts th { white-space: nowrap; min-width: 0; }
.texts small { display: block; color: var(--soft); }
ins { background: var(--bad-soft); color: var(--bad); text-decoration: underline; text-decoration-thickness: 1px; border-radius: 3px; padding: 0 1px; }
del + ins { margin-left: 3px; }
del { color: var(--soft); text-decoration: line-through; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 14px; }
.facts .card { padding: 13px 16px; min-width: 0; }
.facts dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; margin: 8px 0 0; font-size: 13.5px; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
pre { margin: 8px 0 0; font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-x: auto; max-height: 480px; }
.wide { grid-column: 1 / -1; }
footer { max-width: 1180px; margin: 26px auto 40px; padding: 0 20px; color: var(--soft); font-size: 13px; }
@media (max-width: 520px) {
  main, header > div, footer { padding-left: 14px; padding-right: 14px; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 9px; }
  h1 { font-size: 22px; }
  .texts thead { display: none; }
  .texts tr, .texts td { display: block; border: 0; padding: 2px 0; }
  .texts tr { border-bottom: 1px solid var(--rule); padding: 9px 0; }
  .texts tr:last-child { border-bottom: 0; }
  .texts td[data-label]::before { content: attr(data-label); display: block; color: var(--soft); font-size: 12px; }
}
@media print { #settings, summary { display: none; } }
`;
