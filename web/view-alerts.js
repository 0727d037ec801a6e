// Alerts: firing ones first, then resolved ones.
import {absent, bodyOf, h, put, rebuild, replace} from "./dom.js";
import {count, duration, eventTime, figure, plural, rarity, wallMoment, words} from "./format.js";

const RESOLVED_SHOWN = 5;
const SIGNS = {critical: "▲", warning: "△"};

function badge(alert) {
  const firing = alert.status === "firing";
  const state = firing ? alert.severity : "good";
  return h("span", {class: "badge", "data-state": state},
    `${firing ? SIGNS[alert.severity] || "△" : "✓"} ${firing ? alert.severity : alert.status}`);
}

function quietness(alert, silences) {
  const label = (text) => h("span", {class: "badge", "data-state": "none"}, text);
  if (alert.silenced) {
    const silence = silences.find((x) => x.id === alert.silenced_by);
    return label(silence ? `silenced until ${wallMoment(silence.until_ms)}` : "silenced");
  }
  return alert.inhibited_by ? label(`inhibited by ${alert.inhibited_by}`) : null;
}

/** "drift of trip_distance, until 3 Dec, 12:00, by ann@host: roadworks" */
function silenceItem(silence) {
  const what = [silence.severity, silence.rule || "every rule", silence.feature && `of ${silence.feature}`]
    .filter(Boolean).join(" ");
  return h("li", {}, `${what}, until ${wallMoment(silence.until_ms)}` +
    `${silence.by ? `, by ${silence.by}` : ""}${silence.comment ? `: ${silence.comment}` : ""}`);
}

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

function item(alert, silences) {
  const firing = alert.status === "firing";
  const lasted = alert.at_ms && alert.since_ms && alert.at_ms > alert.since_ms ? alert.at_ms - alert.since_ms : null;
  return h("li", {class: "alert", "data-state": firing ? alert.severity : "good"},
    h("div", {class: "line"}, badge(alert), quietness(alert, silences),
      h("h3", {}, alert.rule + (alert.feature ? `: ${alert.feature}` : ""))),
    h("p", {}, alert.summary || ""),
    h("dl", {class: "facts"},
      fact("since", eventTime(alert.since_ms)),
      firing ? null : fact("resolved", eventTime(alert.at_ms)),
      lasted ? fact(firing ? "for" : "after", duration(lasted)) : null,
      alert.value || alert.threshold ?
        fact("value", `${figure(alert.value)} (threshold ${figure(alert.threshold)})`) : null,
      alert.once_in_days ? fact("values this large", rarity(alert.once_in_days)) : null,
      alert.window ? fact("over", `${words(alert.window)}, n = ${count(alert.n)}`) : null,
      alert.model ? fact("model", `v${alert.model}`) : null,
      fact("incident", h("code", {}, alert.incident || ""))));
}

const list = (alerts, silences) => h("ul", {class: "alerts"}, alerts.map((a) => item(a, silences)));

let shown = null;

export function renderAlerts(s) {
  const text = JSON.stringify([s.alerts, Boolean(s.now), Boolean(s.trouble)]);
  if (text === shown) return;
  shown = text;
  rebuild(bodyOf("alerts"), () => draw(bodyOf("alerts"), s));
}

function draw(box, s) {
  const wasOpen = box.querySelector("details[open]");
  if (!s.alerts) {
    replace(box, absent(s, false));
    return;
  }
  const {alerts, outbox = {}, silences = []} = s.alerts;
  const firing = alerts.filter((a) => a.status === "firing");
  const ended = alerts.filter((a) => a.status !== "firing");
  replace(box,
    firing.length ? list(firing, silences) : h("p", {class: "empty"}, "✓ No alert is firing."),
    outbox.waiting || outbox.parked ? h("p", {class: "note warn"},
      `△ ${plural(outbox.waiting || 0, "message waits", "messages wait")} for a receiver` +
      (outbox.parked ? `, ${count(outbox.parked)} given up` : "")) : null,
    silences.length ? h("div", {class: "note silences"}, h("h3", {}, "Silences"),
      h("ul", {}, silences.map(silenceItem))) : null);
  if (ended.length) {
    const details = h("details", {}, h("summary", {}, `${plural(ended.length, "alert")} resolved`),
      list(ended.slice(0, RESOLVED_SHOWN), silences));
    if (ended.length > RESOLVED_SHOWN)
      put(details, h("details", {}, h("summary", {}, `${ended.length - RESOLVED_SHOWN} older`),
        list(ended.slice(RESOLVED_SHOWN), silences)));
    details.open = Boolean(wasOpen);
    put(box, details);
  }
}
