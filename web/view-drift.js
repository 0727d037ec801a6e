// Drift of each feature over time: one row per feature, one column per evaluation. A row's button shows the
// feature. A darker cell is a larger value; a bar below it marks the verdict "drift", so that it does not
// depend on colour alone.
import {absent, bodyOf, byId, choice, h, replace, table, tableOnDemand} from "./dom.js";
import {DASH, eventTime, figure, verdictOf, words} from "./format.js";
import {colours, dateLabel, dateTicks, nearest, timeSlider} from "./plot.js";

const LABELS = {psi: "PSI", js: "JS distance", ks: "KS distance", w1: "Wasserstein distance", energy: "Energy distance",
  psi_first: "PSI against version 1", missing: "Missing", out_of_range: "Out of range", unseen: "Unseen categories",
  fault: "Fault"};
/** Members of a feature in `now` that are not metrics of the heat map; `drift` is the bar below a cell, and the
 * others are said beside the row. */
const NOT_METRICS = ["name", "kind", "drift", "shifted", "shift"];
const DISTANCE = [0.05, 0.1, 0.2, 0.3];
const SHARE = [0.01, 0.05, 0.1, 0.25];
/** Upper limits of the colours. PSI: 0.1 and 0.25 are its customary limits. One limit: no or yes. */
const STEPS = {psi: [0.05, 0.1, 0.25, 0.5], psi_first: [0.05, 0.1, 0.25, 0.5], js: DISTANCE, ks: DISTANCE,
  missing: SHARE, out_of_range: SHARE, unseen: SHARE, fault: [1]};
/** Metrics that need a verdict: without enough values on both sides they are unknown. */
const COMPARED = ["psi", "js", "ks", "w1", "energy", "psi_first"];
const ROW = 28;

let parts = null;
let state = null;
let actions = null;

const label = (metric) => LABELS[metric] || words(metric);
/** What the API offers for a feature: the metrics in `now`, in its order. */
function metrics(now) {
  const names = new Set(now ? now.windows.flatMap((w) => w.features).flatMap((f) => Object.keys(f)) : []);
  return [...names].filter((name) => !NOT_METRICS.includes(name)).map((name) => [name, label(name)]);
}

const steps = () => STEPS[state.heat ? state.heat.metric : state.metric] || DISTANCE;
const times = () => (state.heat ? state.heat.at_ms : []);
const shade = (v) => steps().findIndex((end) => v < end);
const colourOf = (v, c) => (shade(v) < 0 ? c.heat[c.heat.length - 1] : c.heat[shade(v)]);

function featureNow(name) {
  const w = state.now.windows.find((x) => x.name === state.window);
  return w ? w.features.find((f) => f.name === name) : null;
}

function valueAt(values, i, f) {
  const row = values && values.values[i];
  return row ? row[f] : null;
}

function sentence(ms) {
  const all = times();
  if (!all.length) return "";
  const i = nearest(all, ms);
  return `${eventTime(all[i])}: ${state.heat.features.map((name, f) => {
    const drift = valueAt(state.verdicts, i, f) > 0;
    return `${name} ${figure(valueAt(state.heat, i, f))}${drift ? " (drift)" : ""}`;
  }).join(", ")}`;
}

function drawRow(canvas, f, c) {
  const width = canvas.clientWidth;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.round(ROW * ratio);
  const ctx = canvas.getContext("2d");
  ctx.scale(ratio, ratio);
  const all = times();
  const n = all.length;
  const span = all[n - 1] - all[0] || 1;
  const x = (ms) => ((ms - all[0]) / span) * width;
  for (let i = 0; i < n; i++) {
    const v = valueAt(state.heat, i, f);
    const left = i ? x((all[i - 1] + all[i]) / 2) : 0;
    const right = i + 1 < n ? x((all[i] + all[i + 1]) / 2) : width;
    if (v === null || v === undefined) continue;
    ctx.fillStyle = colourOf(v, c);
    ctx.fillRect(left, 0, right - left + 0.5, ROW - 4);
    if (valueAt(state.verdicts, i, f) > 0) {
      ctx.fillStyle = c.text;
      ctx.fillRect(left, ROW - 3, right - left + 0.5, 3);
    }
  }
  if (state.cursor !== null && state.cursor >= all[0]) {
    ctx.fillStyle = c.text;
    ctx.fillRect(Math.round(x(state.cursor)), 0, 1, ROW);
  }
}

function drawAxis(canvas, c) {
  const width = canvas.clientWidth;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.round(22 * ratio);
  const ctx = canvas.getContext("2d");
  ctx.scale(ratio, ratio);
  const all = times();
  const from = all[0];
  const until = all[all.length - 1];
  const ticks = dateTicks(from, until, Math.max(1, Math.floor(width / 64)));
  ctx.font = `12px ${window.Chart.defaults.font.family}`;
  ctx.fillStyle = c.quiet;
  ctx.strokeStyle = c.line;
  ctx.textBaseline = "top";
  for (const t of ticks) {
    const at = ((t - from) / (until - from || 1)) * width;
    const text = dateLabel(t, ticks);
    const half = ctx.measureText(text).width / 2;
    ctx.fillRect(Math.round(at), 0, 1, 4);
    ctx.fillText(text, Math.max(0, Math.min(width - 2 * half, at - half)), 6);
  }
}

function row(name) {
  const button = h("button", {type: "button", class: "name", "aria-pressed": "false",
    "aria-controls": "feature", onclick: () => actions.feature(name)}, name);
  const canvas = h("canvas", {"aria-hidden": "true", class: "heat", onclick: () => actions.feature(name)});
  const value = h("span", {class: "number"});
  const verdict = h("span", {class: "verdict"});
  return {name, button, canvas, value, verdict};
}

function build() {
  const rows = state.heat.features.map(row);
  const axis = h("canvas", {class: "axis"});
  const readout = h("p", {class: "readout"});
  const key = h("ul", {class: "key"});
  const changes = h("div", {class: "changes"});
  const grid = h("div", {class: "heatmap"},
    rows.map((r) => h("div", {class: "row"}, r.button, r.canvas, r.value, r.verdict)),
    h("div", {class: "row"}, h("span", {class: "name"}), axis));
  // The slider is the row of dates only: it hides its contents from screen readers, and the buttons must
  // stay reachable.
  const update = timeSlider(axis, "Drift over time. Use the arrow keys to move", {
    times, at: () => state.cursor, move: (ms) => actions.point(ms), words: sentence});
  const pointed = (event) => {
    const canvas = rows[0].canvas;
    const box = canvas.getBoundingClientRect();
    const all = times();
    if (!all.length || event.clientX < box.left || event.clientX > box.right) return actions.point(null);
    const share = (event.clientX - box.left) / box.width;
    return actions.point(all[nearest(all, all[0] + share * (all[all.length - 1] - all[0]))]);
  };
  grid.addEventListener("pointermove", pointed);
  grid.addEventListener("pointerleave", () => actions.point(null));
  const data = tableOnDemand("The same as a table", dataTable);
  parts = {rows, axis, readout, key, changes, data, update};
  replace(bodyOf("drift"), key, grid, readout, changes, data);
}

function drawKey(c) {
  const ends = steps();
  const texts = ends.length === 1 ? ["no", "yes"] :
    [`< ${ends[0]}`, ...ends.slice(1).map((end, i) => `${ends[i]} – ${end}`), `≥ ${ends[ends.length - 1]}`];
  replace(parts.key, texts.map((text, i) => {
    const swatch = h("i", {class: "swatch"});
    swatch.style.background = i < ends.length ? c.heat[i] : c.heat[c.heat.length - 1];
    return h("li", {}, swatch, text);
  }), h("li", {}, h("i", {class: "swatch judged"}), "judged as drift"),
  state.heat.values.some((row) => row.some((v) => v === null)) ?
    h("li", {}, h("i", {class: "swatch unknown"}), "unknown") : null);
}

/** What changed in the newest window, in plain units: also for those who cannot hover. */
function drawChanges() {
  const w = state.now.windows.find((x) => x.name === state.window);
  const changed = w ? w.features.filter((f) => f.shift) : [];
  replace(parts.changes, changed.length ? [
    h("h3", {}, `What changed over the last ${words(state.window)}, for certain`),
    h("dl", {class: "facts"}, changed.map((f) => {
      const {state: how, text} = verdictOf(f);
      return h("div", {"data-state": how}, h("dt", {}, `${f.name} (${text})`), h("dd", {}, f.shift));
    }))] : null);
}

function dataTable() {
  const all = times();
  const picks = [];
  for (let i = all.length - 1; i >= 0 && picks.length < 40; i -= Math.max(1, Math.floor(all.length / 40))) picks.push(i);
  return table(`${label(state.heat.metric)} by feature over time`,
    [{name: "End of window"}, ...state.heat.features.map((name) => ({name, number: true}))],
    picks.map((i) => [eventTime(all[i]), ...state.heat.features.map((_, f) =>
      `${figure(valueAt(state.heat, i, f))}${valueAt(state.verdicts, i, f) > 0 ? " drift" : ""}`)]));
}

function draw() {
  const c = colours();
  drawKey(c);
  parts.rows.forEach((r, f) => {
    const now = featureNow(r.name);
    const verdict = verdictOf(now);
    drawRow(r.canvas, f, c);
    r.button.setAttribute("aria-pressed", String(state.feature === r.name));
    r.value.textContent = now && (verdict.state !== "none" || !COMPARED.includes(state.heat.metric)) ?
      figure(now[state.heat.metric]) : DASH;
    r.verdict.textContent = verdict.text;
    r.verdict.dataset.state = verdict.state;
    r.verdict.title = (now && now.shift) || "";
  });
  drawChanges();
  drawAxis(parts.axis, c);
}

export function renderDrift(s, a) {
  state = s;
  actions = a;
  choice(byId("metrics"), metrics(s.now), s.metric, a.metric);
  if (!s.heat || !s.heat.at_ms.length || !s.now || !s.now.windows.length) {
    parts = null;
    replace(bodyOf("drift"), absent(s, s.heat || (s.now && !s.now.at_ms),
      "Drift is measured against the reference of the champion: it needs a champion and a complete window."));
    return;
  }
  const same = parts && parts.rows.map((r) => r.name).join("\n") === s.heat.features.join("\n");
  if (!same) build();
  draw();
  pointDrift(s);
  if (parts.drawn !== s.heat) parts.data.refresh();
  parts.drawn = s.heat;
}

export function pointDrift(s) {
  state = s;
  if (!parts || !times().length) return;
  const c = colours();
  parts.rows.forEach((r, f) => drawRow(r.canvas, f, c));
  replace(parts.readout, h("span", {}, s.cursor === null ?
    `${label(s.heat.metric)} over ${words(s.heat.window)}; the figures on the right are from the newest window.` : sentence(s.cursor)));
  parts.update();
}

export function redrawDrift() {
  if (parts && times().length) draw();
}
