// The state in one sentence, and the most important figures.
import {byId, h, replace, say} from "./dom.js";
import {DASH, count, duration, eventTime, number, percent, plural, short, verdictOf, words} from "./format.js";

/** Figures of the error of a window; their names begin with the error's. */
const errorOf = (w, error) => ({value: w[error], se: w[`${error}_se`], expected: w[`${error}_expected`],
  ratio: w[`${error}_ratio`], first: w[`${error}_first`], untracked: w[`${error}_untracked`]});

/** Why the stream has no errors at all; null: it has. */
export const errorless = (now) => (!now.labelled ? "errors are unknown: the truth never comes" :
  now.predictor === "nobody" ? "errors are unknown: nothing predicts" : null);

/** Compares the error with its expectation: a text and a state. */
function verdict(w, error) {
  if (!w || !w.n || w[error] === null) return {state: "none", text: "champion has not scored any events yet"};
  const {expected, ratio, se} = errorOf(w, error);
  if (expected === null || ratio === null)
    return {state: "none", text: "error has no baseline yet"};
  const by = ratio - 1;
  const doubt = se ? (2 * se) / expected : 0;
  if (by > Math.max(doubt, 0.15)) return {state: "bad", text: `error is ${percent(by, 0)} higher than expected`};
  if (by > doubt) return {state: "watch", text: `error is ${percent(by, 0)} higher than expected`};
  if (by < -doubt) return {state: "good", text: `error is ${percent(-by, 0)} lower than expected`};
  return {state: "good", text: "error is as expected"};
}

/** Which features have drifted, and how many have changed by less. */
function drift(w) {
  const verdicts = w ? w.features.map((f) => [f.name, verdictOf(f).state]) : [];
  const of = (state) => verdicts.filter((v) => v[1] === state).map((v) => v[0]);
  const [drifted, shifted] = [of("bad"), of("watch")];
  if (of("none").length === verdicts.length) return "drift is unknown";
  const many = drifted.length === 0 ? "no feature has drifted" :
    `${drifted.slice(0, 3).join(", ")}${drifted.length > 3 ? ` and ${drifted.length - 3} more` : ""} drifted`;
  return shifted.length ? `${many}, ${count(shifted.length)} shifted slightly` : many;
}

function headline(now, w) {
  if (!now.champion && now.predictor !== "models")
    return "There is no reference yet: it is taken once the configured bootstrap is complete.";
  if (!now.champion)
    return now.training ? "Version 1 is being trained." :
      "There is no model yet: version 1 is trained once the configured bootstrap is complete.";
  const v = errorless(now) ? {text: errorless(now)} : verdict(w, now.task.error);
  const alerts = now.alerts_firing ? `${plural(now.alerts_firing, "alert")} firing` : "no alert is firing";
  return `Over the last ${words(w.name)}, ${errorless(now) ? "" : "the "}${v.text}; ${drift(w)}; ${alerts}.`;
}

const tile = (name, value, note, state, more) => h("div", {class: "tile", "data-state": state || null},
  h("dt", {}, name), h("dd", {class: "big"}, value), h("dd", {class: "note"}, note),
  more ? h("dd", {class: "note more"}, more) : null);

/** Are the answers not the champion's own predictions? */
const differs = (e) => e.value !== null && e.untracked !== null && number(e.untracked) !== number(e.value);

function tiles(now, w) {
  const health = now.health || {};
  const c = now.champion;
  const none = errorless(now);
  const ours = now.predictor === "models";
  const v = none ? {state: "none"} : verdict(w, now.task.error);
  const e = w ? errorOf(w, now.task.error) : {value: null, expected: null, first: null, untracked: null};
  const sign = {good: "✓ ", watch: "△ ", bad: "▲ "}[v.state] || "";
  const better = e.first && e.value ? 1 - e.value / e.first : null;
  return [
    tile(now.task.label, none ? "unknown" : number(e.value), none || (e.expected !== null ?
      `${sign}expected ${number(e.expected)} ± ${number(2 * e.se)}` : "no expectation yet"), v.state,
    differs(e) ? `untracked ${number(e.untracked)}` : null),
    ...(ours ? [tile("Never retrained (v1)", number(e.first), better !== null && better > 0.0005 ?
      `with retraining ${percent(better, 0)} lower` : "for comparison")] : []),
    tile(ours ? "Champion" : "Reference", c ? `v${c.version}` : DASH, c ?
      `${c.name || c.kind || ""}, for ${duration((c.age_hours ?? 0) * 3600000)}${now.training ? ", retraining" : ""}` :
      now.training ? "training now" : "none yet"),
    tile("Alerts firing", count(now.alerts_firing), now.alerts_firing ? "▲ see below" : "✓ none",
      now.alerts_firing ? "bad" : "good"),
    tile("Events per second", short(health.rate_per_s), health.lag === null || health.lag === undefined ?
      "lag unknown" : `lag ${short(health.lag)} messages`),
    tile("Events", short(health.messages), `${count(health.dead_letters)} dead letters`),
  ];
}

export function renderSummary(s) {
  const {now} = s;
  if (!now) return;
  const w = now.windows.find((x) => x.name === s.window) || null;
  document.title = `${now.alerts_firing ? `(${now.alerts_firing}) ` : ""}${now.stream} – leeway`;
  say(byId("stream"), now.stream);
  say(byId("asof"), now.at_ms ? `Evaluated to ${eventTime(now.at_ms)} (event time)` : "Nothing evaluated yet");
  say(byId("headline"), headline(now, w));
  say(byId("code"), `leeway ${now.code || ""}`);
  replace(byId("tiles"), tiles(now, w));
}
