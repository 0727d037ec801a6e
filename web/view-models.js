// Model versions: the champion, its parents, rejected versions, and the lineage of each.
import {absent, bodyOf, byId, h, rebuild, replace, table} from "./dom.js";
import {DASH, count, eventTime, number, plural, wallMoment, words} from "./format.js";

const STATUS = {champion: ["good", "✓"], challenger: ["watch", "△"], candidate: ["watch", "△"],
  rejected: ["none", "✕"], rolled_back: ["critical", "↩"], previous: ["none", ""], retired: ["none", ""]};

let shown = null;

const badge = (status) => h("span", {class: "badge", "data-state": (STATUS[status] || ["none"])[0]},
  `${(STATUS[status] || ["", ""])[1]} ${words(status)}`.trim());

/** The champion and its parents, oldest first. */
function chainOf(models, champion) {
  const byVersion = new Map(models.map((m) => [m.version, m]));
  const chain = [];
  for (let m = byVersion.get(champion); m && !chain.includes(m); m = byVersion.get(m.parent)) chain.unshift(m);
  return chain;
}

function chain(models, champion) {
  const links = chainOf(models, champion);
  if (links.length < 2) return null;
  return h("ol", {class: "chain", "aria-label": "The champion and its parents, oldest first"},
    links.map((m) => h("li", {"aria-current": m.version === champion ? "true" : null},
      h("b", {}, `v${m.version}`), h("span", {}, number(m.error)))));
}

const pair = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

function candidates(trials, label) {
  return table("Candidates tried", [{name: "Candidate"}, {name: "Kind"}, {name: "Features"},
    {name: `Hold-out ${label}`, number: true}, {name: "Seconds", number: true}],
  [...trials].sort((a, b) => (a.error ?? Infinity) - (b.error ?? Infinity)).map((t) =>
    [`${t.name}${t.chosen ? " (chosen)" : ""}`, t.kind, t.features || "", number(t.error, 3), number(t.seconds, 1)]));
}

function lineage(model, label) {
  const facts = model.facts || {};
  const l = facts.lineage || {};
  const ranges = l.ranges || [];
  return [
    h("p", {}, model.verdict || ""),
    h("dl", {class: "facts"},
      pair("why", model.reason || DASH),
      pair("parent", model.parent ? `v${model.parent}` : "none"),
      pair("made", wallMoment(model.created_ms)),
      model.promoted_ms ? pair("promoted", wallMoment(model.promoted_ms)) : null,
      pair("rows from", l.rows_from ? eventTime(Date.parse(l.rows_from)) : DASH),
      pair("held out from", l.holdout_from ? eventTime(Date.parse(l.holdout_from)) : DASH),
      pair("until", l.until ? eventTime(Date.parse(l.until)) : eventTime(model.as_of_ms)),
      pair("topic", l.topic ? `${l.topic}, ${plural(ranges.length, "partition")}, ${count(l.messages)} messages` : DASH),
      facts.coefficients ? pair("coefficients", count(facts.coefficients)) : null,
      pair("configuration", h("code", {}, l.config_hash || DASH)),
      pair("code", h("code", {}, l.code || DASH)),
      facts.fingerprint ? pair("fingerprint", h("code", {}, facts.fingerprint)) : null),
    (facts.trials || []).length ? candidates(facts.trials, label) : null,
    ranges.length ? h("details", {}, h("summary", {}, "Offset ranges"),
      table(`Offset ranges of version ${model.version}`, [{name: "Partition"}, {name: "First", number: true},
        {name: "Last", number: true}], ranges.map((r) => [r.partition, count(r.first), count(r.last)]))) : null,
  ];
}

function row(model, label, actions) {
  const box = h("div", {class: "lineage", id: `lineage-${model.version}`});
  const details = h("details", {}, h("summary", {},
    h("span", {class: "version"}, `v${model.version}`), badge(model.status),
    h("span", {class: "what"}, model.status === "unreadable" ? model.reason : model.name || model.kind || ""),
    h("span", {class: "number"}, number(model.error, 3), h("small", {}, model.champion_error ?
      ` against ${number(model.champion_error, 3)}` : " hold-out")),
    h("span", {class: "number rows"}, `${count(model.rows)} rows`),
    h("span", {class: "when"}, eventTime(model.as_of_ms))), box);
  details.addEventListener("toggle", async () => {
    if (!details.open || box.dataset.filled) return;
    replace(box, h("p", {class: "empty"}, "Loading the lineage."));
    const whole = await actions.model(model.version);
    replace(box, whole ? lineage(whole, label) : h("p", {class: "empty"}, "The lineage cannot be read at the moment."));
    if (whole) box.dataset.filled = "yes";
  });
  return h("li", {}, details);
}

export function renderModels(s, actions) {
  const text = JSON.stringify([s.models, Boolean(s.now), Boolean(s.trouble)]);
  if (text === shown) return;
  shown = text;
  rebuild(bodyOf("models"), () => draw(bodyOf("models"), s, actions));
}

function draw(box, s, actions) {
  const open = [...box.querySelectorAll("details[open] > .lineage")].map((e) => e.id);
  const list = s.models ? s.models.models : [];
  if (!list.length) {
    replace(box, absent(s, s.models, "No version has been trained yet."));
    return;
  }
  replace(box, chain(list, s.models.champion),
    h("ul", {class: "models"}, list.map((m) => row(m, s.now.task.label, actions))));
  for (const id of open) {
    const e = byId(id);
    if (e) e.parentElement.open = true;
  }
}

