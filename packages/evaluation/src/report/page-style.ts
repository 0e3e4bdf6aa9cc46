/** How the report looks, in light and in dark, from a phone's width to a desk's, and on paper. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #191c23; --soft: #5b6270; --rule: #e0e4ea; --grid: #ebedf1;
  --accent: #2457d6; --accent-soft: #e8eefc; --good: #0b7a4b; --good-soft: #e1f3ea; --bad: #bd2530; --bad-soft: #fde8e8;
  --fair: #8a5a00; --fair-soft: #fbf0d9;
  --c0: #2457d6; --c1: #dd5a0a; --c2: #0c8f68; --c3: #8a35b0; --c4: #c01d60; --c5: #947000; --c6: #0786a6; --c7: #5b677b;
  --c8: #7a4a21; --c9: #5f9c13;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101217; --card: #181b22; --ink: #e7e9ee; --soft: #9aa2b1; --rule: #2a2f3a; --grid: #242933;
    --accent: #7ea8ff; --accent-soft: #1b2742; --good: #57d19c; --good-soft: #14301f; --bad: #ff8f8f; --bad-soft: #3a1a1d;
    --fair: #e7b95a; --fair-soft: #332711;
    --c0: #74a2ff; --c1: #ff9a57; --c2: #4fd1a5; --c3: #cf92ee; --c4: #ff80ae; --c5: #e0c148; --c6: #52cae2; --c7: #a5b1c4;
    --c8: #c99a6b; --c9: #a8d95c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums;
}
main, header, footer { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 30px; }
h1 { font-size: 27px; line-height: 1.2; margin: 0; letter-spacing: -.015em; overflow-wrap: anywhere; }
h2 { font-size: 21px; margin: 44px 0 4px; letter-spacing: -.01em; overflow-wrap: anywhere; }
h3 { font-size: 16px; margin: 26px 0 10px; overflow-wrap: anywhere; }
h4 { font-size: 14px; margin: 0 0 8px; font-weight: 600; overflow-wrap: anywhere; }
p { margin: 6px 0; overflow-wrap: anywhere; max-width: 76ch; }
.lead, .note, figcaption { color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 14px 0 18px; font-size: 14px; }
a { color: var(--accent); text-underline-offset: 2px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(172px, 1fr)); gap: 12px; margin: 16px 0 0; }
.tiles div, .card { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; }
.tiles div { padding: 11px 14px 12px; }
.tiles dt { color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.tiles dd { margin: 0; font-size: 22px; font-weight: 600; letter-spacing: -.01em; line-height: 1.35; }
.tiles small { display: block; font-size: 12.5px; font-weight: 400; color: var(--soft); letter-spacing: 0; }
.chip { display: inline-block; padding: 0 9px; border-radius: 99px; font-size: 12.5px; font-weight: 600; white-space: nowrap; }
.chip.aim { background: var(--good-soft); color: var(--good); }
.chip.must { background: var(--accent-soft); color: var(--accent); }
.chip.missed { background: var(--bad-soft); color: var(--bad); }
.chip.unmeasured { background: var(--fair-soft); color: var(--fair); }
.card { padding: 14px 16px; margin: 0 0 14px; min-width: 0; }
.grid2 { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 430px), 1fr)); gap: 14px; align-items: start; }
.grid2 > .wide { grid-column: 1 / -1; }
.grid2 > .card { margin: 0; }
.grid2 { margin-bottom: 14px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; min-width: min(100%, 520px); }
table.figures { width: 100%; }
th, td { text-align: left; padding: 6px 16px 6px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-weight: 600; color: var(--soft); vertical-align: bottom; }
tbody th { font-weight: 400; overflow-wrap: anywhere; min-width: 110px; }
td.number, th.number { text-align: right; white-space: nowrap; }
thead th.number { white-space: normal; }
tbody tr:last-child > * { border-bottom: 0; }
tr.own > * { background: var(--accent-soft); font-weight: 600; }
tr.own > :first-child { box-shadow: -8px 0 0 var(--accent-soft); }
tr.own > :last-child { box-shadow: 8px 0 0 var(--accent-soft); }
figure { margin: 0; }
figcaption { font-size: 13px; margin-top: 6px; }
.plot svg { display: block; width: 100%; height: auto; min-width: 400px; max-width: 640px; }
.wide .plot svg { max-width: none; min-width: 760px; }
.plot svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--soft); }
.plot svg text.ink { fill: var(--ink); }
.plot svg text.over { fill: var(--card); }
.plot svg text.small { font-size: 10.5px; }
.plot svg .label { font-size: 12.5px; }
.plot svg path { fill: none; }
.plot svg .grid { stroke: var(--grid); }
.plot svg .axis { stroke: var(--soft); opacity: .5; }
.plot svg .line { stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.plot svg .mark, .key .mark { fill: currentColor; fill-opacity: .78; stroke: var(--card); stroke-width: .7; }
.plot svg .mark.cross, .key .mark.cross { fill: none; stroke: currentColor; stroke-width: 1.8; }
.plot svg .fill { fill: currentColor; opacity: .82; }
.plot svg .area { fill: currentColor; fill-opacity: .2; stroke: currentColor; stroke-width: 1.5; }
.plot svg .whisker { stroke: var(--ink); stroke-width: 1.3; }
.plot svg .cell { fill: var(--accent); stroke: var(--grid); stroke-width: .6; }
.c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); } .c4 { color: var(--c4); }
.c5 { color: var(--c5); } .c6 { color: var(--c6); } .c7 { color: var(--c7); } .c8 { color: var(--c8); } .c9 { color: var(--c9); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 8px 0 0; padding: 0; list-style: none; font-size: 13px; color: var(--soft); }
.legend li { overflow-wrap: anywhere; }
.key { width: 12px; height: 12px; margin-right: 5px; vertical-align: -1px; }
.players { display: grid; gap: 14px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); }
.players { margin-bottom: 14px; }
.players .card { margin: 0; }
.sounds { display: grid; gap: 8px 12px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 210px), 1fr)); }
.sounds span { font-size: 13px; color: var(--soft); overflow-wrap: anywhere; }
audio { display: block; width: 100%; height: 38px; margin-top: 2px; }
dl.texts, dl.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 3px 18px; margin: 10px 0 0; font-size: 13.5px; }
dl.texts dt, dl.facts dt { color: var(--soft); }
dl.texts dd, dl.facts dd { margin: 0; overflow-wrap: anywhere; }
ul.notes { margin: 0 0 14px; padding-left: 20px; color: var(--soft); font-size: 14px; max-width: 84ch; }
ul.notes li { overflow-wrap: anywhere; }
details { font-size: 13.5px; }
summary { cursor: pointer; font-weight: 600; width: fit-content; }
summary:hover { color: var(--accent); }
details > :not(summary) { margin-top: 10px; }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
footer { margin-top: 36px; padding-bottom: 40px; color: var(--soft); font-size: 13px; }
@media (max-width: 620px) {
  main, header, footer { padding-left: 14px; padding-right: 14px; }
  h1 { font-size: 23px; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 9px; }
  .card { padding: 12px; }
  dl.texts, dl.facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dl.texts dd, dl.facts dd { margin-bottom: 7px; }
  table.figures thead { display: none; }
  table.figures tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; padding: 8px 0; border-bottom: 1px solid var(--rule); }
  table.figures tr:last-child { border-bottom: 0; }
  table.figures th, table.figures td { border: 0; padding: 1px 0; min-width: 0; }
  table.figures td[data-label] { grid-column: 1 / -1; text-align: left; color: var(--soft); font-size: 13px; white-space: normal; }
  table.figures td[data-label]::before { content: attr(data-label) ": "; }
  table.figures td.none { display: none; }
}
@media print {
  body { background: #fff; }
  .card, .tiles div { break-inside: avoid; }
  audio { display: none; }
}
`;
