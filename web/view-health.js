// The stream's health, and the decisions.
import {absent, bodyOf, h, put, rebuild, replace, table} from "./dom.js";
import {DASH, count, duration, eventTime, plural, short, wallMoment, wallTime, words} from "./format.js";

/** The delay of the watermark is shown only up to this: a replay's event times are far from the wall clock. */
const LIVE_MS = 2 * 86400000;
const SILENT_MS = 300000;

const fact = (name, value, state) => h("div", {"data-state": state || null}, h("dt", {}, name), h("dd", {}, value));

function watermark(health, now) {
  const at = health.watermark_ms;
  if (at === null || at === undefined) return DASH;
  const behind = now.now_ms - at;
  return eventTime(at) + (behind >= 0 && behind < LIVE_MS ? ` (${duration(behind)} behind)` : "");
}

/** When a partition was last flushed: the newest of them. */
function lastFlush(now) {
  const times = ((now && now.health && now.health.partitions) || []).map((p) => p.updated_ms || 0);
  return times.length ? Math.max(...times) : 0;
}

/** Late and suspect events are missing from the figures; more than one in a hundred gets a warning. */
function share(n, of) {
  const much = n > of / 100;
  return `${much ? "△ " : ""}${count(n)}${much ? ` (${(100 * n / of).toFixed(1)}%)` : ""}`;
}

function facts(now) {
  const x = now.health;
  const flushed = lastFlush(now);
  const silent = flushed && now.now_ms - flushed > SILENT_MS;
  return h("dl", {class: "facts wide"},
    fact("Rate", x.rate_per_s === null || x.rate_per_s === undefined ? DASH : `${short(x.rate_per_s)} events/s`),
    fact("Lag", plural(x.lag, "message")),
    fact("Watermark", watermark(x, now)),
    fact("Messages", count(x.messages)),
    fact("Rejected", count(x.rejected)),
    fact("Late", share(x.late, x.messages), x.late > x.messages / 100 ? "watch" : null),
    fact("Suspect (wrong clock)", share(x.suspect, x.messages), x.suspect > x.messages / 100 ? "watch" : null),
    fact("Dead letters", x.dead_letters ? `△ ${count(x.dead_letters)}` : count(x.dead_letters),
      x.dead_letters ? "watch" : null),
    fact("Last flush", flushed ? wallMoment(flushed) + (silent ? ` △ ${duration(now.now_ms - flushed)} ago` : "") :
      "never", silent ? "watch" : null),
    fact("Leader", x.leader || "none"),
    x.processes ? fact("Processes", count(x.processes)) : null,
    fact("Status", x.ready ? "✓ ready" : "▲ not ready", x.ready ? null : "bad"),
    fact("Redis", x.redis === "ok" ? "✓ connected" : "▲ not reachable", x.redis === "ok" ? null : "bad"));
}

/** Problems that the processes report, with their start. */
function problems(now) {
  const list = now.health.problems || [];
  return list.length ? h("ul", {class: "problems", role: "status"}, list.map((t) =>
    h("li", {"data-state": "bad"}, h("strong", {}, `▲ ${t.component} `), `${t.text} `,
      h("span", {class: "detail"}, `since ${wallMoment(t.since_ms)}, ${t.process}`)))) : null;
}

const COLUMNS = [["Partition"], ["Next offset", 1], ["Lag", 1], ["Messages", 1], ["Rejected", 1], ["Late", 1], ["Suspect", 1],
  ["Dead-lettered", 1], ["Watermark"], ["Model", 1], ["State"], ["Owner"], ["Flushed"]]
  .map(([name, number]) => ({name, number: Boolean(number)}));

function partitions(now) {
  return table("Partitions", COLUMNS, now.health.partitions.map((p) => [
    p.partition, count(p.next_offset), count(p.lag), count(p.messages), count(p.rejected), count(p.late), count(p.suspect), count(p.dead_lettered),
    eventTime(p.watermark_ms), p.champion ? `v${p.champion}` : DASH, p.stalled_since_ms ? `▲ stalled since ${wallTime(p.stalled_since_ms)}` : p.idle ? "idle" : "reading", p.owner || DASH,
    wallTime(p.updated_ms || null)]));
}

let parts = null;

export function renderHealth(s) {
  const box = bodyOf("health");
  if (!s.now || !s.now.health) {
    parts = null;
    replace(box, absent(s, false));
    return;
  }
  const n = s.now.health.partitions.length;
  if (!parts) {
    parts = {problems: h("div"), facts: h("div"), details: h("details", {}, h("summary", {})), table: null};
    put(parts.details, parts.place = h("div"));
    replace(box, parts.problems, parts.facts, parts.details);
  }
  replace(parts.problems, problems(s.now));
  replace(parts.facts, facts(s.now));
  parts.details.firstElementChild.textContent = n ? plural(n, "partition") : "No partition has been read yet";
  // Only the rows change, so that scroll position and focus stay.
  const fresh = partitions(s.now);
  if (parts.table) parts.table.replaceChildren(...fresh.children);
  else put(parts.place, (parts.table = fresh));
}

// ---- decisions ---------------------------------------------------------------------------------

const KINDS = {promoted: ["good", "✓"], confirmed: ["good", "✓"], resolved: ["good", "✓"], fired: ["bad", "▲"],
  rejected: ["none", "✕"], rolled_back: ["bad", "↩"], training: ["watch", "◦"], training_postponed: ["watch", "◦"],
  probation_extended: ["watch", "◦"], not_judged: ["watch", "△"],
  quarantined: ["bad", "▲"], quarantine_ended: ["none", ""], released: ["watch", "△"],
  tracking_served: ["good", "✓"], tracking_stopped: ["none", ""]};
const SHOWN = 8;
let shown = null;

function decision(e) {
  const warning = e.what === "fired" && !/^critical\b/.test(e.detail || "");
  const [state, sign] = warning ? ["watch", "△"] : KINDS[e.what] || ["none", ""];
  return h("li", {},
    e.event_ms === null ? h("span", {}, DASH) :
      h("time", {datetime: new Date(e.event_ms).toISOString()}, eventTime(e.event_ms)),
    h("span", {class: "badge", "data-state": state}, `${sign} ${words(e.what)}`.trim()),
    h("span", {class: "detail"}, e.detail || ""));
}

export function renderDecisions(s) {
  const text = JSON.stringify([s.audit, Boolean(s.now), Boolean(s.trouble)]);
  if (text === shown) return;
  shown = text;
  rebuild(bodyOf("decisions"), () => drawDecisions(bodyOf("decisions"), s));
}

function drawDecisions(box, s) {
  const open = Boolean(box.querySelector("details[open]"));
  const entries = s.audit || [];
  if (!entries.length) {
    replace(box, absent(s, s.audit, "Nothing has been decided yet."));
    return;
  }
  replace(box, h("ol", {class: "decisions"}, entries.slice(0, SHOWN).map(decision)));
  if (entries.length > SHOWN) {
    const details = h("details", {}, h("summary", {}, `${entries.length - SHOWN} earlier`),
      h("ol", {class: "decisions"}, entries.slice(SHOWN).map(decision)));
    details.open = open;
    put(box, details);
  }
}
