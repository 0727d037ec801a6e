// One feature: the champion's reference against the window, drawn from the sketches.
import {absent, bodyOf, byId, h, replace, say, table, tableOnDemand} from "./dom.js";
import {DASH, count, figure, percent, verdictOf, words} from "./format.js";
import {colours} from "./plot.js";

const POINTS = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99];
const BARS = 8;

function quantile(side, p) {
  const points = side.quantiles || [];
  if (!points.length) return null;
  return points.reduce((best, point) => (Math.abs(point[0] - p) < Math.abs(best[0] - p) ? point : best))[1];
}

/** The outline of a density with bins of unequal width. */
function outline(side) {
  const points = [];
  for (const [low, high, share] of side.density || []) {
    const y = high > low ? share / (high - low) : 0;
    points.push({x: low, y}, {x: high, y});
  }
  return points;
}

const scaleOf = (c, more) => ({grid: {color: c.line}, ticks: {color: c.quiet, maxTicksLimit: 7}, ...more});

function numericChart(data, c) {
  const ends = [data.reference, data.current].flatMap((side) => outline(side || {})).map((p) => p.x);
  const line = (points, more) => ({data: points, pointRadius: 0, tension: 0, borderWidth: 2, ...more});
  return {
    type: "line",
    data: {datasets: [
      line(outline(data.reference || {}), {borderColor: c.reference, backgroundColor: `${c.reference}40`,
        fill: "origin", borderDash: [4, 3], borderWidth: 1.5}),
      line(outline(data.current || {}), {borderColor: c.managed, fill: false}),
    ]},
    options: {
      parsing: false, normalized: true,
      scales: {
        x: scaleOf(c, {type: "linear", min: Math.min(...ends), max: Math.max(...ends),
          ticks: {color: c.quiet, maxTicksLimit: 8, includeBounds: false}, title: {display: true, text: data.name, color: c.quiet}}),
        y: scaleOf(c, {beginAtZero: true, ticks: {display: false},
          title: {display: true, text: "share of events", color: c.quiet}}),
      },
    },
  };
}

function categoryChart(data, c) {
  const top = data.categories.slice(0, BARS);
  const bar = (key, more) => ({data: top.map((x) => x[key]), barPercentage: 0.9, categoryPercentage: 0.75, ...more});
  return {
    type: "bar",
    data: {labels: top.map((x) => x.value), datasets: [
      bar("reference_share", {backgroundColor: `${c.reference}55`, borderColor: c.reference, borderWidth: 1}),
      bar("current_share", {backgroundColor: c.managed}),
    ]},
    options: {
      indexAxis: "y",
      scales: {
        x: scaleOf(c, {beginAtZero: true, ticks: {color: c.quiet, maxTicksLimit: 5,
          callback: (v) => `${Number((100 * v).toFixed(1))} %`}}),
        y: scaleOf(c, {grid: {display: false}, ticks: {color: c.quiet, autoSkip: false}}),
      },
    },
  };
}

const isCategory = (data) => data.kind === "category";

function sentence(data, verdict, window_) {
  const bits = [];
  const said = {"bad": "Drift", "watch": "Shifted", "good": "No drift", "none": "Too few values to judge"};
  if (verdict)
    bits.push(`${said[verdictOf(verdict).state]} over ${words(window_)}: ` +
      `${verdict.shift ? `${verdict.shift}; ` : ""}PSI ${figure(verdict.psi)}, ` +
      `Jensen-Shannon distance ${figure(verdict.js)}` +
      (verdict.psi_first !== null && verdict.psi_first !== undefined ?
        ` (against version 1's reference: PSI ${figure(verdict.psi_first)})` : ""));
  if (!data) return `${bits.join(". ")}.`;
  const {reference, current} = data;
  if (isCategory(data) && data.categories.length) {
    const most = data.categories[0];
    bits.push(`${most.value} changed most: ${percent(most.reference_share)} of the reference, ` +
      `${percent(most.current_share)} of the window`);
  } else if (reference && current && !isCategory(data)) {
    bits.push(`Median ${figure(quantile(current, 0.5))}, in the reference ${figure(quantile(reference, 0.5))}`);
  }
  return `${bits.join(". ")}.`;
}

function facts(data) {
  const side = (of, key, format) => format(data[of] ? data[of][key] : null);
  const line = (name, key, format) => [name, side("reference", key, format), side("current", key, format)];
  const rows = [line("events", "n", count), line("missing", "missing", share)];
  if (!isCategory(data)) {
    rows.push(line("out of range", "out_of_range", share));
    for (const p of POINTS)
      rows.push([`quantile ${p}`, figure(quantile(data.reference || {}, p)), figure(quantile(data.current || {}, p))]);
  } else {
    for (const x of data.categories) rows.push([x.value, percent(x.reference_share), percent(x.current_share)]);
    if (data.other)
      rows.push(["all others", percent(data.other.reference_share), percent(data.other.current_share)]);
  }
  const version = data.reference && data.reference.version;
  return table(`${data.name}: reference against window`, [{name: ""},
    {name: version ? `Reference (v${version})` : "Reference", number: true}, {name: "Window", number: true}], rows);
}

/** A share, or a count if it is more than 1. */
const share = (v) => (v === null || v === undefined ? DASH : v <= 1 ? percent(v) : count(v));

let parts = null;

function drop() {
  if (parts) parts.chart.destroy();
  parts = null;
}

function build(data, window_) {
  drop();
  const version = data.reference && data.reference.version;
  const text = h("p", {class: "sentence"});
  const canvas = h("canvas", {});
  const picture = h("div", {class: isCategory(data) ? "plot bars" : "plot", role: "img"}, canvas);
  const details = tableOnDemand("The same as a table", () => facts(parts.data));
  replace(bodyOf("feature"), text,
    h("ul", {class: "key", "aria-label": "Key"},
      h("li", {}, h("i", {class: "swatch reference"}), `reference${version ? ` of v${version}` : ""}`),
      h("li", {}, h("i", {class: "swatch managed"}), `last ${words(window_)}`)),
    picture, details);
  const chart = new window.Chart(canvas, isCategory(data) ? categoryChart(data, colours()) :
    numericChart(data, colours()));
  parts = {text, picture, details, chart, data};
}

/** Identifies what the parts were built for; they are rebuilt when it changes. */
const kindOf = (data, s) => [data.name, data.kind, s.window, data.reference && data.reference.version].join("\n");

export function renderFeature(s) {
  const w = s.now && s.now.windows.find((x) => x.name === s.window);
  const verdict = w && w.features.find((f) => f.name === s.feature);
  say(byId("h-feature"), s.feature && w ? `${s.feature}: reference against window` : "Reference against window");
  const data = s.detail && s.detail.name === s.feature ? s.detail : null;
  if (!data || !(data.reference || data.current)) {
    drop();
    replace(bodyOf("feature"), absent(s, s.detailMissing || (s.now && !s.now.at_ms),
      w ? `There are no data for ${s.feature} over ${words(s.window)} yet.` : "Available once there is a window to compare."));
    return;
  }
  if (!parts || parts.kind !== kindOf(data, s)) {
    build(data, s.window);
    parts.kind = kindOf(data, s);
  } else if (parts.data !== data) {
    const fresh = isCategory(data) ? categoryChart(data, colours()) : numericChart(data, colours());
    parts.data = data;
    Object.assign(parts.chart, {data: fresh.data, options: fresh.options});
    parts.chart.update("none");
    parts.details.refresh();
  }
  const text = sentence(data, verdict, s.window);
  say(parts.text, text);
  parts.picture.setAttribute("aria-label", `${data.name}, reference against window. ${text}`);
}

/** Redraws in the current colours. */
export function redrawFeature() {
  if (!parts) return;
  const fresh = isCategory(parts.data) ? categoryChart(parts.data, colours()) : numericChart(parts.data, colours());
  Object.assign(parts.chart, {data: fresh.data, options: fresh.options});
  parts.chart.update("none");
}
