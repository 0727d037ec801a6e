// Numbers, times and durations for people. An unknown value is a dash, never a zero.

export const DASH = "–";
const known = (v) => v !== null && v !== undefined && Number.isFinite(v);

export function number(v, decimals = 2) {
  return known(v) ? v.toFixed(decimals).replace(/^-(0(\.0*)?)$/, "$1") : DASH;
}

const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
export const count = (v) => (known(v) ? whole.format(v) : DASH);

export function percent(v, decimals = 1) {
  return known(v) ? `${(100 * v).toFixed(decimals)} %` : DASH;
}

/** 5423 → "5.4 k" */
export function short(v) {
  if (!known(v)) return DASH;
  const [size, unit] = v >= 1e6 ? [1e6, " M"] : v >= 1e4 ? [1e3, " k"] : [1, ""];
  const n = v / size;
  return n.toFixed(n < 10 && v % 1 !== 0 ? 1 : n < 100 && unit ? 1 : 0) + unit;
}

/** A figure of any size, with about three digits. */
export function figure(v) {
  if (!known(v)) return DASH;
  const size = Math.abs(v);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return v.toExponential(2);
  return Number(v.toPrecision(size >= 100 ? 4 : 3)).toString();
}

let zone = null; // of event time
let dayFormat, shortDay, monthFormat, clock, allParts;

/** Event time is shown in the stream's time zone; null, or a zone that the browser does not know: UTC. */
export function useZone(name) {
  const part = (options) => new Intl.DateTimeFormat("en-GB", {timeZone: name || "UTC", ...options});
  try {
    part({});
  } catch {
    name = null;
  }
  if (dayFormat && name === zone) return;
  zone = name;
  dayFormat = part({day: "numeric", month: "short", year: "numeric"});
  shortDay = part({day: "numeric", month: "short"});
  monthFormat = part({month: "short", year: "numeric"});
  clock = part({hour: "2-digit", minute: "2-digit"});
  allParts = part({year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
    second: "numeric", hourCycle: "h23"});
}
useZone(null);

/** What the zone's clocks show, as if it were UTC. */
export function local(ms) {
  if (!zone) return ms;
  const p = Object.fromEntries(allParts.formatToParts(ms).map(({type, value}) => [type, Number(value)]));
  return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) + (((ms % 1000) + 1000) % 1000);
}
/** The moment at which the zone's clocks show that time. */
export function moment(shown) {
  const guess = shown - (local(shown) - shown);
  return shown - (local(guess) - guess);
}

const wallFormat = new Intl.DateTimeFormat("en-GB", {hour: "2-digit", minute: "2-digit", second: "2-digit"});
const wallDay = new Intl.DateTimeFormat("en-GB", {day: "numeric", month: "short", hour: "2-digit",
  minute: "2-digit"});

/** Event time: "1 Jun 2020, 05:00". */
export function eventTime(ms) {
  return known(ms) ? `${dayFormat.format(ms)}, ${clock.format(ms)}` : DASH;
}
export const day = (ms) => (known(ms) ? shortDay.format(ms) : DASH);
export const month = (ms) => monthFormat.format(ms);
export const hour = (ms) => clock.format(ms);

/** Wall time in the reader's time zone. */
export const wallTime = (ms) => (known(ms) ? wallFormat.format(ms) : DASH);
export const wallMoment = (ms) => (known(ms) ? wallDay.format(ms) : DASH);

/** The one or two largest units: "3 d 4 h". */
export function duration(ms) {
  if (!known(ms)) return DASH;
  const units = [["d", 86400000], ["h", 3600000], ["min", 60000], ["s", 1000]];
  const at = units.findIndex(([, size]) => ms >= size);
  if (at < 0) return `${Math.max(0, Math.round(ms))} ms`;
  const [unit, size] = units[at];
  const first = Math.floor(ms / size);
  const next = units[at + 1];
  const rest = next && first < 10 ? Math.floor((ms % size) / next[1]) : 0;
  return `${first} ${unit}${rest ? ` ${rest} ${next[0]}` : ""}`;
}

/** The verdict on a feature: a state and a word. Null: there are too few values on a side. */
export function verdictOf(feature) {
  if (!feature || feature.drift === null || feature.drift === undefined) return {state: "none", text: "unknown"};
  if (feature.drift) return {state: "bad", text: "drift"};
  return feature.shifted ? {state: "watch", text: "shifted"} : {state: "good", text: "no drift"};
}

/** How rare a value is on this stream: "once in 45 days". */
export function rarity(days) {
  if (!known(days)) return DASH;
  return days > 365 ? "less than once a year" : days < 1.5 ? "about daily" : `once in ${days.toFixed(0)} days`;
}

/** "three_days" → "three days" */
export const words = (name) => name.replaceAll("_", " ");

export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
