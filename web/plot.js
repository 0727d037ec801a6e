// What the charts share: colours from the style sheet, a date axis, lanes of marks above a plot, and a cursor
// that pointer and keyboard move. Drawn by Chart.js (window.Chart).
import {day, hour, local, moment, month} from "./format.js";

const HOUR = 3600000;
const DAY = 24 * HOUR;

export function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of("text"), quiet: of("quiet"), line: of("line"), surface: of("surface"),
    managed: of("managed"), frozen: of("frozen"), band: of("band"), expected: of("expected"),
    reference: of("reference"), good: of("good"), warning: of("warning"), critical: of("critical"),
    heat: [0, 1, 2, 3, 4].map((i) => of(`heat-${i}`)), font: style.fontFamily,
  };
}

/** Defaults for every chart; called again when the theme changes. */
export function prepare() {
  const c = colours();
  const d = window.Chart.defaults;
  d.animation = false;
  d.responsive = true;
  d.maintainAspectRatio = false;
  d.color = c.quiet;
  d.borderColor = c.line;
  d.font.family = getComputedStyle(document.body).fontFamily;
  d.font.size = 12;
  d.plugins.legend.display = false;
  d.plugins.tooltip.enabled = false;
  d.events = [];
  return c;
}

// ---- date axis ------------------------------------------------------------------------

/** Times at which a reader expects a tick, at most `most` of them. */
export function dateTicks(from, until, most) {
  for (const step of [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY])
    if ((until - from) / step <= most) return multiples(from, until, step);
  for (const days of [[1, 8, 15, 22], [1, 15], [1]]) {
    const ticks = daysOfMonths(from, until, days, 1);
    if (ticks.length <= most) return ticks;
  }
  for (const months of [2, 3, 6, 12, 24, 60, 120]) {
    const ticks = daysOfMonths(from, until, [1], months);
    if (ticks.length <= most) return ticks;
  }
  return [from];
}

function multiples(from, until, step) {
  const ticks = [];
  for (let shown = Math.ceil(local(from) / step) * step; moment(shown) <= until; shown += step) ticks.push(moment(shown));
  return ticks;
}

function daysOfMonths(from, until, days, every) {
  const first = new Date(local(from));
  const ticks = [];
  for (let m = first.getUTCMonth() - (first.getUTCMonth() % every); ; m += every)
    for (const d of days) {
      const t = moment(Date.UTC(first.getUTCFullYear(), m, d));
      if (t > until) return ticks;
      if (t >= from) ticks.push(t);
    }
}

export function dateLabel(ms, ticks) {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : DAY;
  if (step < DAY && local(ms) % DAY !== 0) return hour(ms);
  return step > 32 * DAY || ticks.length < 2 ? month(ms) : day(ms);
}

export function dateAxis(c, from, until) {
  return {
    type: "linear", min: from, max: until,
    afterBuildTicks(scale) {
      scale.ticks = dateTicks(scale.min, scale.max, Math.max(2, Math.floor(scale.width / 64)))
        .map((value) => ({value}));
    },
    grid: {color: c.line, drawTicks: true, tickLength: 5},
    ticks: {
      color: c.quiet, maxRotation: 0, autoSkip: false,
      callback: (value, i, ticks) => dateLabel(value, ticks.map((t) => t.value)),
    },
  };
}

// ---- marks -----------------------------------------------------------------------------------

export const LANE = 18;
/** Between the lanes and the plot. */
export const LANE_GAP = 12;
const NAME_WIDTH = 28;

/** Shapes differ as well as colours, so that no information depends on colour alone. */
function drawMark(ctx, mark, x, y, c, crowded) {
  const colour = {promoted: c.good, rejected: c.quiet, rolled_back: c.critical, training: c.managed,
    critical: c.critical, warning: c.warning}[mark.kind] || c.quiet;
  ctx.fillStyle = ctx.strokeStyle = colour;
  ctx.lineWidth = 2;
  ctx.beginPath();
  if (crowded) {
    ctx.fillRect(x - 3, y - 3, 6, 6);
  } else if (mark.kind === "promoted" || mark.kind === "rolled_back") {
    ctx.font = `600 11px ${window.Chart.defaults.font.family}`;
    const text = mark.kind === "promoted" ? mark.label : `↩ ${mark.label}`;
    const w = ctx.measureText(text).width + 8;
    ctx.roundRect(x - w / 2, y - 7.5, w, 15, 4);
    ctx.fill();
    ctx.fillStyle = c.surface;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(text, x, y + 0.5);
  } else if (mark.kind === "rejected") {
    ctx.moveTo(x - 4, y - 4);
    ctx.lineTo(x + 4, y + 4);
    ctx.moveTo(x + 4, y - 4);
    ctx.lineTo(x - 4, y + 4);
    ctx.stroke();
  } else if (mark.kind === "training") {
    ctx.arc(x, y, 4, 0, 2 * Math.PI);
    ctx.stroke();
  } else {
    ctx.moveTo(x, y - 5);
    ctx.lineTo(x + 5, y + 4);
    ctx.lineTo(x - 5, y + 4);
    ctx.closePath();
    if (mark.kind === "critical") ctx.fill();
    else ctx.stroke();
  }
}

/** chart.lanes: [{name, marks: [{ms, kind, label}]}], drawn above the plot; chart.cursor: ms or null. */
export const lanesPlugin = {
  id: "lanes",
  beforeDatasetsDraw(chart) {
    const {ctx, chartArea: area, scales: {x}} = chart;
    const c = chart.colours;
    ctx.save();
    ctx.setLineDash([2, 3]);
    ctx.lineWidth = 1;
    for (const mark of (chart.lanes || []).flatMap((lane) => (lane.lines ? lane.marks : []))) {
      if (mark.ms < x.min || mark.ms > x.max) continue;
      const at = Math.round(x.getPixelForValue(mark.ms)) + 0.5;
      ctx.strokeStyle = c.quiet;
      ctx.beginPath();
      ctx.moveTo(at, area.top - LANE_GAP - LANE * chart.lanes.length);
      ctx.lineTo(at, area.bottom);
      ctx.stroke();
    }
    ctx.restore();
  },
  afterDraw(chart) {
    const {ctx, chartArea: area, scales: {x}} = chart;
    const c = chart.colours;
    const lanes = chart.lanes || [];
    ctx.save();
    lanes.forEach((lane, i) => {
      const y = area.top - LANE_GAP - LANE * (lanes.length - i) + LANE / 2;
      ctx.font = `11px ${window.Chart.defaults.font.family}`;
      ctx.fillStyle = c.quiet;
      ctx.textAlign = "left";
      ctx.textBaseline = "middle";
      ctx.fillText(lane.name, 0, y + 0.5);
      // Labels that would overlap are left out, from the right: the newest keeps its label.
      let taken = Infinity;
      for (const mark of [...lane.marks].reverse()) {
        if (mark.ms < x.min || mark.ms > x.max) continue;
        const at = x.getPixelForValue(mark.ms);
        const crowded = Boolean(mark.label) && at > taken - NAME_WIDTH;
        drawMark(ctx, mark, at, y, c, crowded);
        if (!crowded) taken = at;
      }
    });
    if (chart.cursor !== null && chart.cursor >= x.min && chart.cursor <= x.max) {
      const at = Math.round(x.getPixelForValue(chart.cursor)) + 0.5;
      ctx.strokeStyle = c.text;
      ctx.lineWidth = 1;
      ctx.beginPath();
      ctx.moveTo(at, area.top);
      ctx.lineTo(at, area.bottom);
      ctx.stroke();
    }
    ctx.restore();
  },
};

// ---- time cursor ------------------------------------------------------------------------

export function nearest(times, ms) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < ms) low = middle + 1;
    else high = middle;
  }
  return low > 0 && ms - times[low - 1] < times[low] - ms ? low - 1 : low;
}

/**
 * Makes an element a slider over times: arrow keys move by one, Page Up and Down by a day, Home and End to the
 * ends. times() lists them, at() is the current one or null, move(ms or null) sets it, words(ms) describes it.
 */
export function timeSlider(element, label, {times, at, move, words}) {
  element.setAttribute("role", "slider");
  element.tabIndex = 0;
  element.setAttribute("aria-label", label);
  element.setAttribute("aria-orientation", "horizontal");
  const update = () => {
    const all = times();
    if (!all.length) return;
    const ms = at() ?? all[all.length - 1];
    element.setAttribute("aria-valuemin", 0);
    element.setAttribute("aria-valuemax", all.length - 1);
    element.setAttribute("aria-valuenow", nearest(all, ms));
    element.setAttribute("aria-valuetext", words(ms));
  };
  element.addEventListener("keydown", (event) => {
    const all = times();
    if (!all.length || event.ctrlKey || event.altKey || event.metaKey) return;
    const now = nearest(all, at() ?? all[all.length - 1]);
    const byTime = (ms) => nearest(all, all[now] + ms);
    const to = {
      ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1,
      PageDown: Math.min(byTime(-DAY), now - 1), PageUp: Math.max(byTime(DAY), now + 1),
      Home: 0, End: all.length - 1,
    }[event.key];
    if (event.key === "Escape") move(null);
    else if (to === undefined) return;
    else move(all[Math.max(0, Math.min(all.length - 1, to))]);
    event.preventDefault();
    update();
  });
  return update;
}
