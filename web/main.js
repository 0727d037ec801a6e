// The page: its state, when it fetches, and when it draws. The views keep no state of the stream; they draw
// what they are given.
//
// The page polls `now`: at once when the server reports a change, and at intervals in any case. It fetches
// the larger answers only when `now` has changed.
import {Unavailable, get, listen} from "./api.js";
import {byId, h, replace, say, segments} from "./dom.js";
import {useZone, wallTime, words} from "./format.js";
import {prepare} from "./plot.js";
import {renderAlerts} from "./view-alerts.js";
import {pointDrift, redrawDrift, renderDrift} from "./view-drift.js";
import {errorFields, pointError, redrawError, renderError} from "./view-error.js";
import {redrawFeature, renderFeature} from "./view-feature.js";
import {renderDecisions, renderHealth} from "./view-health.js";
import {renderModels} from "./view-models.js";
import {renderSummary} from "./view-summary.js";

const DAY = 86400000;
const LIVE_MS = 10000; // between polls while events arrive
const POLL_MS = 4000; // without events
const AGAIN_MS = 3000; // after a failure
const CLOSEST_MS = 700; // minimum between two polls
const STALE_MS = 30000;
const DECISIONS = "promoted,rejected,rolled_back,confirmed,probation_extended,not_judged,training,training_postponed," +
  "fired,resolved,quarantined,quarantine_ended,released,tracking_served,tracking_stopped";

const state = {
  now: null, history: null, heat: null, verdicts: null, alerts: null, models: null, audit: null,
  detail: null, detailMissing: false, // of the chosen feature
  window: null, span: "all", metric: "psi", feature: null, featureChosen: false,
  cursor: null, // event time under the pointer, or null
  answeredAt: 0, // wall time of the last good answer
  trouble: null, live: false,
};

let known = ""; // signature that the larger answers belong to
let timer = null;
let asking = false;
let askAgain = false;
let askedAt = 0;

// ---- fetching ------------------------------------------------------------------------------------

const signature = (now) => JSON.stringify([now.at_ms, now.champion && now.champion.version, now.alerts_firing,
  now.training, state.window, state.span]);

function chooseWindow() {
  const names = state.now.windows.map((w) => w.name);
  if (!names.includes(state.window)) state.window = names[names.length - 1] ?? null;
}

/** The feature that has drifted most, until the user chooses one. */
function chooseFeature() {
  const w = state.now.windows.find((x) => x.name === state.window);
  const all = w ? w.features : [];
  if (state.featureChosen && all.some((f) => f.name === state.feature)) return;
  const derived = (f) => f.name === "target" || f.name === "prediction";
  const weight = (f) => (f.drift ? 1000 : 0) + (derived(f) ? 0.1 : 1) * (f.psi ?? 0);
  const best = all.reduce((a, f) => (!a || weight(f) > weight(a) ? f : a), null);
  state.feature = best ? best.name : null;
}

async function askHistory() {
  const from = state.span === "all" || !state.now.at_ms ? "" : `&from=${state.now.at_ms - Number(state.span) * DAY}`;
  const query = `window=${encodeURIComponent(state.window)}${from}`;
  const [history, heat, verdicts] = await Promise.all([
    get(`history?${query}&fields=${errorFields(state.now.task).join(",")}&max=1500`),
    get(`heatmap?${query}&metric=${state.metric}&max=300`),
    get(`heatmap?${query}&metric=drift&max=300`)]);
  Object.assign(state, {history: sinceFirst(history), heat, verdicts});
  trimHeat();
}

/** Drops the time before the first model, which has nothing to draw. */
function sinceFirst(history) {
  if (!history) return history;
  const first = history.champion.findIndex((version) => version);
  return first <= 0 ? history :
    {...history, rows: history.rows.slice(first - 1), champion: history.champion.slice(first - 1)};
}

function trimHeat() {
  const {heat, verdicts} = state;
  const first = heat ? heat.values.findIndex((row) => row.some((v) => v !== null)) : 0;
  if (first <= 0) return;
  for (const name of ["heat", "verdicts"])
    if (state[name])
      state[name] = {...state[name], at_ms: state[name].at_ms.slice(first), values: state[name].values.slice(first)};
  if (verdicts && verdicts.at_ms.length !== heat.at_ms.length) state.verdicts = null;
}

async function askFeature() {
  if (!state.feature || !state.window) return;
  const detail = await get(`features/${encodeURIComponent(state.feature)}?window=${encodeURIComponent(state.window)}`);
  state.detail = detail;
  state.detailMissing = !detail;
}

async function askLists() {
  const [alerts, models, audit] = await Promise.all([
    get("alerts"), get("models"), get(`audit?max=200&what=${DECISIONS}`)]);
  Object.assign(state, {alerts, models, audit: audit ? audit.entries : []});
}

async function ask() {
  const now = await get("now");
  if (!now) throw new Unavailable("api/v1/now was not found", true);
  state.now = now;
  useZone(now.time_zone);
  chooseWindow();
  chooseFeature();
  if (now.health && now.health.redis !== "ok") throw new Unavailable("Redis does not answer", true);
  const mark = signature(now);
  if (mark !== known) {
    renderAll(); // the newest figures appear at once; the charts follow
    await Promise.all([state.window && now.at_ms ? askHistory() : null, askFeature(), askLists()]);
    known = mark;
  }
  state.answeredAt = Date.now();
  state.trouble = null;
}

/** Fetches, draws, and schedules the next call. Never runs twice at a time. */
async function look() {
  if (asking) {
    askAgain = true;
    return;
  }
  clearTimeout(timer);
  asking = true;
  askAgain = false;
  askedAt = Date.now();
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    state.trouble = error;
  } finally {
    asking = false;
  }
  renderAll();
  const wait = state.trouble ? AGAIN_MS : askAgain ? CLOSEST_MS : state.live ? LIVE_MS : POLL_MS;
  timer = setTimeout(look, wait);
}

function soon() {
  if (asking) askAgain = true;
  else {
    clearTimeout(timer);
    timer = setTimeout(look, Math.max(0, CLOSEST_MS - (Date.now() - askedAt)));
  }
}

// ---- user actions --------------------------------------------------------------------------

async function changed(part) {
  renderAll();
  try {
    await part();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    state.trouble = error;
  }
  renderAll();
}

const actions = {
  window(name) {
    state.window = name;
    state.cursor = null;
    chooseFeature();
    changed(() => Promise.all([askHistory(), askFeature()]));
  },
  span(days) {
    state.span = days;
    state.cursor = null;
    changed(askHistory);
  },
  metric(name) {
    state.metric = name;
    changed(askHistory);
  },
  feature(name) {
    state.feature = name;
    state.featureChosen = true;
    changed(askFeature).then(() => {
      const box = byId("feature");
      if (box.getBoundingClientRect().top > innerHeight - 200)
        box.scrollIntoView({block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ?
          "auto" : "smooth"});
    });
  },
  point(ms) {
    if (ms === state.cursor) return;
    state.cursor = ms;
    pointError(state);
    pointDrift(state);
  },
  async model(version) {
    try {
      return await get(`models/${version}`);
    } catch (error) {
      if (error instanceof Unavailable) return null;
      throw error;
    }
  },
};

// ---- drawing -----------------------------------------------------------------------------------

function renderConnection() {
  const pill = byId("connection");
  const stale = state.answeredAt && Date.now() - state.answeredAt > STALE_MS;
  const [name, text] = state.trouble ? ["bad", state.trouble.reached ? "▲ No figures" : "▲ No answer"] :
    stale ? ["watch", "△ Not current"] : state.live ? ["good", "● Live"] : state.now ? ["watch", "○ Polling"] :
      ["wait", "Connecting"];
  pill.dataset.state = name;
  say(pill, text);
  document.body.classList.toggle("stale", Boolean(state.trouble || stale) && Boolean(state.now));
  const box = byId("trouble");
  box.hidden = !state.trouble;
  if (!state.trouble) {
    replace(box);
    return;
  }
  const since = state.answeredAt ? ` The figures shown are from ${wallTime(state.answeredAt)}.` : "";
  const why = state.trouble.reached ?
    `leeway answers, but cannot read the figures: ${state.trouble.message}.` :
    "leeway does not answer. The process may have stopped, or the network is down.";
  const line = `${why}${since} Retrying every few seconds.`;
  if (box.textContent !== `▲ ${line}`) replace(box, h("p", {}, `▲ ${line}`));
}

function renderAll() {
  renderConnection();
  const windows = state.now ? state.now.windows.map((w) => [w.name, words(w.name)]) : [];
  segments(byId("windows"), "window", windows, state.window, actions.window);
  renderSummary(state);
  renderError(state, actions);
  renderDrift(state, actions);
  renderFeature(state);
  renderAlerts(state);
  renderModels(state, actions);
  renderDecisions(state);
  renderHealth(state);
}

function themeChanged() {
  const other = window.leewayTheme.current() === "dark" ? "light" : "dark";
  byId("theme").setAttribute("aria-label", `Switch to the ${other} theme`);
  byId("theme").title = `Switch to the ${other} theme`;
  prepare();
  redrawError();
  redrawDrift();
  redrawFeature();
}

function start() {
  byId("theme").addEventListener("click", () => window.leewayTheme.toggle());
  addEventListener("leeway-theme", themeChanged);
  let resized = null;
  addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(redrawDrift, 100);
  });
  addEventListener("visibilitychange", () => document.hidden || soon());
  setInterval(renderConnection, 1000);
  themeChanged();
  renderAll();
  look();
  listen(soon, (live) => {
    if (state.live !== live) {
      state.live = live;
      renderConnection();
    }
    if (!live) soon();
  });
}

start();
