// The error over event time: with retraining, as expected, and of version 1 without retraining, with the
// decisions marked above it.
import {absent, bodyOf, h, put, replace, segments, table, tableOnDemand} from "./dom.js";
import {DASH, count, eventTime, local, number, words} from "./format.js";
import {errorless} from "./view-summary.js";
import {LANE, LANE_GAP, colours, dateAxis, lanesPlugin, nearest, timeSlider} from "./plot.js";

const DAY = 86400000;
const DOUBT = 0.15; // a point is drawn if two standard errors are at most this share of the error
const SPANS = [["all", "All"], ["30", "30 d"], ["7", "7 d"], ["1", "24 h"]];
const KINDS = ["promoted", "rejected", "rolled_back", "training", "critical", "warning"];

let chart = null;
let parts = null;
let rows = [];
let names = [];
let state = null;

/** The figures of the chart. Those of the error begin with the name that the task gives it. */
export const errorFields = (task) => ["", "_se", "_expected", "_ratio", "_first",
  "_untracked"].map((end) => task.error + end)
  .concat("n");

const column = (name) => names.indexOf(name);
const value = (row, name) => (column(name) < 0 ? null : row[1 + column(name)]);
/** The error of a row, or the figure of the error with that ending. */
const error = (row, end = "") => value(row, state.now.task.error + end);
/** Do the answers of the row differ from the champion's own predictions? */
const differs = (row) => error(row, "_untracked") !== null && error(row, "_untracked") !== error(row);
const times = () => rows.map((row) => row[0]);

function sentence(ms) {
  if (!rows.length) return "";
  const i = nearest(times(), ms);
  const row = rows[i];
  const champion = state.history.champion[i];
  const bits = [`${eventTime(row[0])}: ${state.now.task.label} ${number(error(row))}`];
  if (error(row, "_expected") !== null)
    bits.push(`expected ${number(error(row, "_expected"))} (ratio ${number(error(row, "_ratio"))})`);
  if (differs(row)) bits.push(`untracked ${number(error(row, "_untracked"))}`);
  if (error(row, "_first") !== null) bits.push(`version 1 ${number(error(row, "_first"))}`);
  if (champion) bits.push(`champion version ${champion}`);
  bits.push(`${count(value(row, "n"))} events`);
  return bits.join(", ");
}

/** Features whose data are in quarantine, from the audit trail, which begins with the newest entry. */
function quarantined(audit) {
  const open = new Map();
  for (const entry of [...(audit || [])].reverse()) {
    const span = /^span (\d+): (\S+)/.exec(entry.detail || "");
    if (span && entry.what === "quarantined") open.set(span[1], span[2]);
    if (span && ["quarantine_ended", "released"].includes(entry.what)) open.delete(span[1]);
  }
  return [...new Set(open.values())];
}

function shiftWords(t) {
  if (t.shift === null) return "this version is not tracked yet";
  const size = number(Math.abs(t.shift));
  return Number(size) === 0 ? "an average prediction is answered as it is" :
    `an average prediction is answered ${size} ${t.shift < 0 ? "lower" : "higher"}`;
}

/** Are predictions corrected by what sealed panes showed, by how much, and is it worth it? */
function trackingSentence({now, window: name, audit}) {
  const t = now.tracking;
  if (!t) return "Tracking is off: the champion's own predictions are the answers.";
  const since = t.since_ms ? ` since ${eventTime(t.since_ms)}` : "";
  const w = now.windows.find((x) => x.name === name);
  const [tracked, untracked] = ["_tracked", "_untracked"].map((end) => (w ? w[now.task.error + end] : null));
  const both = tracked === null || untracked === null ? "" : ` Over the last ${words(name)}, the ${now.task.label} is ` +
    `${number(tracked)} with tracking and ${number(untracked)} without.`;
  const broken = quarantined(audit);
  const paused = broken.length ? ` Tracking is paused: ${broken.join(", ")} ${broken.length > 1 ? "are" : "is"} in ` +
    "quarantine, so nothing is followed, and the correction fades." : "";
  return t.served ? `Tracked predictions are served${since}; at the moment, ${shiftWords(t)}.${both}${paused}` :
    `Tracking runs as a shadow${since}: the champion's own predictions are the answers.${both}${paused}`;
}

/** Decisions of the audit trail as marks. */
function marksOf(audit, models) {
  const marks = [];
  for (const entry of audit || []) {
    const kind = entry.what === "fired" ? severityOf(entry) : entry.what;
    if (!KINDS.includes(kind)) continue;
    const version = /version (\d+)/.exec(entry.detail || "");
    const named = kind === "promoted" || kind === "rolled_back" || kind === "rejected";
    marks.push({ms: entry.event_ms, kind, label: named && version ? `v${version[1]}` : "", detail: entry.detail});
  }
  // The audit trail is capped; the registry is not.
  for (const model of models || [])
    if (model.promoted_ms && !marks.some((m) => m.kind === "promoted" && m.label === `v${model.version}`))
      marks.push({ms: model.as_of_ms, kind: "promoted", label: `v${model.version}`, detail: model.verdict});
  return marks.sort((a, b) => a.ms - b.ms);
}

/** "critical recalibration: ..." */
const severityOf = (entry) => (/^critical\b/.test(entry.detail || "") ? "critical" : "warning");

function lanesOf(marks) {
  const of = (...kinds) => marks.filter((m) => kinds.includes(m.kind));
  return [
    {name: "models", lines: true, marks: of("promoted", "rolled_back")},
    {name: "retrains", marks: of("training", "rejected")},
    {name: "alerts", marks: of("warning", "critical")},
  ];
}

/**
 * Does the row have enough events to be drawn? After a promotion a window has few events at first, and their
 * noise would dominate the chart. The table has all rows.
 */
function precise(row) {
  return error(row) !== null && 2 * (error(row, "_se") || 0) <= DOUBT * error(row);
}

function xy(end, change = (v) => v) {
  // Version 1 has more events than a new champion, unless it is the champion.
  const alone = (row) => end === "_first" && error(row, "_first") !== error(row);
  return rows.map((row) => ({x: row[0], y: error(row, end) === null || !(alone(row) || precise(row)) ? null :
    change(error(row, end), row)}));
}

/** Only where tracking changed the answers: elsewhere it is the error itself. */
const untracked = () => xy("_untracked").map((point, i) => ({x: point.x, y: differs(rows[i]) ? point.y : null}));

function datasets(c) {
  const line = (label, data, more) => ({label, data, pointRadius: 0, borderWidth: 2, tension: 0,
    fill: false, spanGaps: false, ...more});
  const edge = (sign) => (v, row) => v + sign * 2 * (error(row, "_se") || 0);
  return [
    line("low", xy("_expected", edge(-1)), {borderWidth: 0}),
    line("high", xy("_expected", edge(1)), {borderWidth: 0, fill: "-1", backgroundColor: c.band}),
    line("expected", xy("_expected"), {borderColor: c.expected, borderWidth: 1.25}),
    line("version 1", xy("_first"), {borderColor: c.frozen, borderDash: [6, 4], borderWidth: 1.75}),
    line("untracked", untracked(), {borderColor: c.managed, borderDash: [2, 3], borderWidth: 1.25}),
    line("error", xy(""), {borderColor: c.managed, borderWidth: 2.25}),
  ];
}

/** The range of the drawn values, with a margin. */
function range() {
  const all = ["", "_expected", "_first"].flatMap((end) => xy(end)).concat(untracked())
    .map((point) => point.y).filter((v) => v !== null);
  if (!all.length) return {};
  const low = all.reduce((a, b) => Math.min(a, b));
  const high = all.reduce((a, b) => Math.max(a, b));
  const margin = 0.12 * (high - low) || 0.1 * high || 1;
  return {min: Math.max(0, low - margin), max: high + margin};
}

function draw() {
  const c = colours();
  const marks = marksOf(state.audit, state.models && state.models.models);
  const lanes = lanesOf(marks);
  const data = {datasets: datasets(c)};
  const from = rows[0][0];
  const until = Math.max(rows[rows.length - 1][0], from + 1);
  const options = {
    normalized: true, parsing: false,
    layout: {padding: {top: LANE * lanes.length + LANE_GAP, right: 10}},
    scales: {
      x: dateAxis(c, from, until),
      y: {...range(), grid: {color: c.line}, ticks: {color: c.quiet, maxTicksLimit: 6, includeBounds: false,
        callback: (v) => Number(v.toFixed(3))}, afterFit(scale) { scale.width = Math.max(scale.width, 64); }},
    },
  };
  if (!chart) {
    chart = new window.Chart(parts.canvas, {type: "line", data, options, plugins: [lanesPlugin]});
  } else {
    chart.data = data;
    chart.options = options;
  }
  chart.colours = c;
  chart.lanes = lanes;
  chart.cursor = state.cursor;
  chart.update("none");
}

function build(actions) {
  const canvas = h("canvas", {"aria-hidden": "true"});
  const slider = h("div", {class: "plot tall"}, canvas);
  const readout = h("p", {class: "readout"});
  const ours = state.now.predictor === "models";
  const key = h("ul", {class: "key", "aria-label": "Key"},
    h("li", {}, h("i", {class: "swatch managed"}), ours ? "with retraining" : "error"),
    ours ? h("li", {}, h("i", {class: "swatch untracked"}), "the same without tracking") : null,
    h("li", {}, h("i", {class: "swatch band"}), "expected, ± 2 standard errors"),
    ours ? h("li", {}, h("i", {class: "swatch frozen"}), "version 1, never retrained") : null,
    h("li", {}, h("i", {class: "mark chip"}, "v2"), "promoted"),
    h("li", {}, h("i", {class: "mark ring"}), "retrain"),
    h("li", {}, h("i", {class: "mark cross"}, "✕"), "rejected"),
    h("li", {}, h("i", {class: "mark full"}, "▲"), "critical"),
    h("li", {}, h("i", {class: "mark open"}, "△"), "warning"));
  const data = tableOnDemand("The same as a table", dataTable);
  const move = (ms) => actions.point(ms);
  const update = timeSlider(slider, "Error over time. Use the arrow keys to move", {
    times, at: () => state.cursor, move, words: sentence});
  slider.addEventListener("pointermove", (event) => {
    if (!chart || !rows.length) return;
    const ms = chart.scales.x.getValueForPixel(event.clientX - canvas.getBoundingClientRect().left);
    move(rows[nearest(times(), ms)][0]);
  });
  slider.addEventListener("pointerleave", () => move(null));
  const tracking = h("p", {class: "note"});
  parts = {canvas, slider, readout, update, data, tracking, drawn: []};
  replace(bodyOf("error"), key, slider, readout, tracking, data);
}

/** One row per day (its last evaluation), newest first. */
function dataTable() {
  const byDay = new Map();
  rows.forEach((row, i) => byDay.set(Math.floor(local(row[0] - 1) / DAY), i));
  const body = [...byDay.values()].reverse().map((i) => {
    const row = rows[i];
    const of = (end) => number(error(row, end), 3);
    return [eventTime(row[0]), of(""), of("_untracked"), of("_expected"), of("_ratio"), of("_first"),
      count(value(row, "n")), state.history.champion[i] ? `v${state.history.champion[i]}` : DASH];
  });
  const head = ["End of window", state.now.task.label, "Untracked", "Expected", "Ratio", "Version 1", "Events"]
    .map((name, i) => ({name, number: i > 0}));
  return table("Error over time, the last evaluation of each day", [...head, {name: "Champion"}], body);
}

export function renderError(s, actions) {
  state = s;
  const box = bodyOf("error");
  segments(document.getElementById("spans"), "span", SPANS, s.span, actions.span);
  const window_ = s.now && s.now.windows.length ? s.window : null;
  const none = s.now && errorless(s.now);
  if (none || !s.history || !s.history.rows.length || !window_) {
    if (chart) chart.destroy();
    chart = parts = null;
    rows = [];
    if (none) {
      replace(box, h("p", {class: "note"}, `The ${none}.`));
      return;
    }
    replace(box, absent(s, s.history || (s.now && !s.now.at_ms),
      "Nothing has been evaluated yet. The first window is evaluated once its first pane is complete, which is when " +
      "the event time of every partition has passed it."));
    return;
  }
  rows = s.history.rows;
  names = s.history.fields;
  if (!parts) build(actions);
  const drawn = [s.history, s.audit, s.models];
  if (drawn.some((x, i) => x !== parts.drawn[i])) {
    parts.drawn = drawn;
    draw();
    parts.data.refresh();
  }
  replace(parts.tracking, trackingSentence(s));
  pointError(s);
}

/** The cursor has moved. */
export function pointError(s) {
  state = s;
  if (!chart || !rows.length) return;
  if (chart.cursor !== s.cursor) {
    chart.cursor = s.cursor;
    chart.draw();
  }
  const ms = s.cursor ?? rows[rows.length - 1][0];
  const near = (chart.lanes || []).flatMap((lane) => lane.marks).filter((mark) =>
    Math.abs(chart.scales.x.getPixelForValue(mark.ms) - chart.scales.x.getPixelForValue(ms)) < 6);
  replace(parts.readout, h("span", {}, `${words(s.history.window)} to ${sentence(ms)}`));
  if (s.cursor !== null && near.length)
    put(parts.readout, h("span", {class: "near"}, near.slice(0, 3).map((mark) =>
      `${words(mark.kind)}${mark.label ? ` ${mark.label}` : ""}: ${mark.detail || ""}`).join("; ")));
  parts.update();
}

export function redrawError() {
  if (chart) draw();
}
