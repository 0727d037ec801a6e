"""The page in a real browser, served by a real `leeway run` on a real Kafka and a Redis of its own.

One page stays open. The stream is empty at first; then trips are replayed, and the page fills: a first model, an
alert, a second model. Its contents are compared with the API; it is used with the keyboard alone, read like a
screen reader, and shown on a phone, in dark colours and on paper. Then Redis dies and returns, and so does
leeway. The page may request nothing from other servers, and the console may have no messages except the
browser's own about failed connections.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "integration"), HERE]

from harness import (ROOT, TRIPS, Daemon, Failed, Redis, avro_cut, check, equal, main, say, wait_for)  # noqa: E402
from webdriver import Browser, available, free_port  # noqa: E402

STREAM = TOPIC = "page-trips"
HOSTILE = "<img src=x onerror=\"document.title='broken in'\"><script>document.title='broken in'</script>"

CONTRASTS = """
const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3]));
const ground = (e) => {
  const layers = [];
  for (; e; e = e.parentElement) layers.unshift(parse(getComputedStyle(e).backgroundColor));
  return layers.reduce((under, top) => over(top, under), [255, 255, 255]);
};
const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const poor = [];
for (const e of document.querySelectorAll("body *")) {
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || !e.checkVisibility({visibilityProperty: true}) || e.closest("option, .hidden, noscript")) continue;
  const back = ground(e);
  const front = over(parse(getComputedStyle(e).color), back);
  const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className} "${e.textContent.trim().slice(0, 40)}"`);
}
return poor;"""

INK = """
const c = document.querySelector(arguments[0]);
if (!c || !c.width) return 0;
const pixels = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
const seen = new Set();
for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] > 0) seen.add(pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2]);
return seen.size;"""


OUTSIDE = """
return [...document.querySelectorAll("body *")].filter((e) => !e.closest(".scroll, .hidden") && e.checkVisibility() &&
  e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.className || e.tagName);"""


class OwnRedis:
    """A separate redis-server, which the test kills."""

    def __init__(self, case):
        self.dir, self.port, self.child = case.path("redis"), free_port(), None
        os.mkdir(self.dir)
        case.at_end.append(self.kill)

    def start(self):
        self.child = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.dir, "--save", "",
             "--appendonly", "yes", "--maxmemory-policy", "noeviction"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for("redis-server", 20, self.answers)

    def answers(self):
        try:
            client = Redis(f"127.0.0.1:{self.port}", timeout=5)
            pong = client("PING") == b"PONG"
            client.close()
            return pong
        except Exception:  # not started yet, or loading
            return False

    def kill(self):
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGKILL)
            self.child.wait()


class Page:
    def __init__(self, case):
        self.case, self.redis = case, OwnRedis(case)
        self.redis.start()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        # Redis may be slow on a slow machine; the page may report it missing only if it is dead.
        self.config = case.nyc(STREAM, TOPIC, [(r"^  timeout: 2s", "  timeout: 20s")])
        self.environment = {"LEEWAY_REDIS": f"redis://127.0.0.1:{self.redis.port}",
                            "LEEWAY_LISTEN": f"127.0.0.1:{self.port}"}
        self.daemon = None

    def serve(self):
        self.daemon = Daemon(self.case, self.config, **self.environment)
        wait_for("the server", 30, self.answers)

    def answers(self):
        try:
            with urllib.request.urlopen(self.url + "healthz", timeout=5) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def api(self, path):
        with urllib.request.urlopen(self.url + "api/v1/" + path, timeout=20) as answer:
            return json.load(answer)


def quiet(browser, *allowed):
    """Checks that the console has no unexpected messages since the last call."""
    lines = [line for line in browser.console() if line["level"] in ("SEVERE", "WARNING")]
    # "Multiple readback operations": caused by this test, which reads the canvas repeatedly.
    lines = [line for line in lines if "Multiple readback operations" not in line["message"]]
    check(all(line["source"] == "network" and any(a in line["message"] for a in allowed) for line in lines),
          "unexpected messages on the console", *lines[:5])


def shows(browser, css, pattern, seconds=20):
    return wait_for(f"{css} to show {pattern!r}", seconds,
                    lambda: re.search(pattern, browser.text(css) or "", re.S | re.I))


# ---- the parts --------------------------------------------------------------------------------


def without_data(browser, page):
    browser.go(page.url)
    shows(browser, "#connection", "Live")
    shows(browser, "#headline", "no model yet")
    equal(browser.text("#stream"), STREAM, "the stream's name")
    for section, words in (("error", "Nothing has been evaluated yet"), ("drift", "needs a champion"),
                           ("alerts", "No alert is firing"), ("models", "No version has been trained"),
                           ("decisions", "Nothing has been decided")):
        shows(browser, f"#{section} .body", words)
    equal(browser.js("return document.querySelectorAll('canvas').length"), 0, "no empty charts")
    equal(browser.js(CONTRASTS), [], "contrast without data")
    quiet(browser)
    say("without data")


def fill(case, browser, page):
    """Produces trips until the second version has scored enough, while the page is open, in three parts. Each part
    waits for the model that scores it, so that decisions fall at the same trips on any machine."""
    redis = Redis(f"127.0.0.1:{page.redis.port}")
    browser.js("window.neverReloaded = true")

    def produce(name, first, until):
        avro_cut(TRIPS, case.path(name), first, until)
        case.leeway("replay", "-c", page.config, case.path(name), **page.environment)

    def champion(version):
        return int(redis("HGET", f"leeway:{{{STREAM}}}:models", "champion") or 0) >= version

    produce("until-12-march.avro", 0, 46)
    wait_for("the first version", 90, lambda: champion(1))
    produce("until-18-march.avro", 46, 61)
    wait_for("the second version", 90, lambda: champion(2))
    produce("until-20-march.avro", 61, 66)
    wait_for("trips scored by it", 60,
             lambda: float(redis("HGET", f"leeway:{{{STREAM}}}:now", "week:n") or 0) > 1000)
    redis.close()
    wait_for("the last trips to be processed", 60, lambda: page.api("now")["health"]["lag"] == 0)
    shows(browser, "#asof", r"Evaluated to \d+ Mar 2020", 60)
    shows(browser, "#models .body", r"v2.*v1")
    shows(browser, "#decisions .body", r"fired\s+(critical|warning) \S+.*: ")
    equal(browser.js("return window.neverReloaded"), True, "the page was not reloaded")
    say("the page shows the second version")


def wait_shown(browser, page):
    """Waits until the page shows the API's present answer."""
    def same():
        now = page.api("now")
        week = next(w for w in now["windows"] if w["name"] == "week")
        tiles = browser.text("#tiles") or ""
        rmse = "–" if week["rmse"] is None else f"{week['rmse']:.2f}"  # nothing scored since a promotion
        return rmse in tiles and f"v{now['champion']['version']}" in tiles and now
    return wait_for("the page to agree with the API", 60, same)


def with_data(browser, page):
    now = wait_shown(browser, page)
    shows(browser, "#headline", r"Over the last week, the error is .*drift")
    features = [f["name"] for f in now["windows"][-1]["features"]]
    rows = browser.js("return [...document.querySelectorAll('.heatmap button')].map((b) => b.textContent)")
    equal(rows, features, "a row of the heat map for each feature, target and prediction")
    for css in ("#error canvas", ".heatmap canvas.heat", "#feature canvas"):
        wait_for(f"something drawn in {css}", 20, lambda css=css: browser.js(INK, css) > 2)
    options = "return [...document.querySelectorAll('#metrics option')].map((o) => o.value)"
    try:
        page.api("heatmap?metric=none")
    except urllib.error.HTTPError as error:
        offered = re.search("one of (.*) \\(got", json.load(error)["error"])[1].split(", ")
    equal(browser.js(options), [m for m in offered if m not in ("drift", "shifted")], "the API's metrics")
    verdicts = "return [...document.querySelectorAll('.heatmap .verdict')].map((e) => [e.textContent, e.title])"

    def newest():
        week = next(w for w in page.api("now")["windows"] if w["name"] == "week")
        return [["unknown" if f["drift"] is None else "drift" if f["drift"] else "shifted" if f["shifted"] else
                 "no drift", f["shift"] or ""] for f in week["features"]]
    wait_for("each row's verdict, and on hover what changed", 20, lambda: browser.js(verdicts) == newest())
    for metric, words in (("ks", "KS distance over week"), ("missing", "Missing over week"), ("psi", "PSI over week")):
        browser.js("const s = document.getElementById('metrics'); s.value = arguments[0];"
                   "s.dispatchEvent(new Event('change'))", metric)
        shows(browser, "#drift .readout", words)
        wait_for(f"{metric} drawn", 20, lambda: browser.js(INK, ".heatmap .row:nth-child(3) canvas") > 0)
    models = page.api("models")["models"]
    shown = browser.js("return [...document.querySelectorAll('.models .version')].map((e) => e.textContent)")
    equal(shown, [f"v{m['version']}" for m in models], "the versions, newest first")
    shows(browser, "#models .chain", r"v1.*v2")
    top = "return document.querySelector('.heatmap').getBoundingClientRect().top + scrollY"
    before = browser.js(top)
    browser.click(".heatmap .row:nth-child(3) canvas")
    equal(browser.js(top), before, "the layout does not move under the pointer")
    shows(browser, "#h-feature", features[2])
    parts = browser.js("return document.querySelectorAll('#health tbody tr').length")
    equal(parts, len(now["health"]["partitions"]), "partitions")
    shows(browser, "#error .readout", r"\d events")
    promoted = page.api("audit?what=promoted&max=1")
    equal([e["what"] for e in promoted["entries"]], ["promoted"], "the newest promotion, past all evaluations")
    older = page.api(f"audit?what=promoted&max=200&before={promoted['next']}")
    equal(len(older["entries"]) + 1, len([m for m in models if m["promoted_ms"]]), "older decisions")
    equal(older["next"], None, "no more decisions")
    quiet(browser)
    say("with data")


def by_keyboard(browser, page):
    focus = "const e = document.activeElement; return e.id || e.className || e.tagName;"
    browser.reload()
    wait_shown(browser, page)
    browser.press("Tab")
    equal(browser.js("return document.activeElement.textContent"), "Skip to content", "the first stop")
    check(browser.js("return document.activeElement.getBoundingClientRect().top >= 0"), "it is seen when focused")
    browser.press("Enter")
    equal(browser.js(focus), "main", "it skips to the content")
    # The choice of window: a group of radio buttons.
    browser.js("document.querySelector('#windows input:checked').focus()")
    browser.press("ArrowLeft")
    equal(browser.js("return document.querySelector('#windows input:checked').value"), "three_days", "the window")
    shows(browser, "#headline", "Over the last three days")
    shows(browser, "#error .readout", "^three days to")
    browser.press("ArrowRight")
    shows(browser, "#headline", "Over the last week")
    shows(browser, "#error .readout", "^week to")
    # The error chart: a slider that announces its value.
    browser.js("document.querySelector('#error [role=slider]').focus()")
    said = "return document.querySelector('#error [role=slider]').getAttribute('aria-valuetext')"
    last = browser.js(said)
    check(re.search(r"RMSE [\d–]", last), "the slider announces the error", last)
    browser.press("ArrowLeft")
    check(browser.js(said) != last, "an arrow key moves it", last)
    shows(browser, "#error .readout", re.escape(browser.js(said).split(",")[0]))
    at = """const s = document.querySelector('#error [role=slider]');
        return Number(s.ariaValueNow) - Number(arguments[0] === 'end' ? s.ariaValueMax : s.ariaValueMin);"""
    browser.press("Home")
    equal(browser.js(at, "start"), 0, "Home moves to the beginning")
    browser.press("PageDown")
    equal(browser.js(at, "start"), 0, "the slider's end")
    browser.press("PageUp")
    check(browser.js(at, "start") > 1, "Page Up moves by a day")
    browser.press("End")
    equal(browser.js(at, "end"), 0, "End moves to the end")
    browser.press("Escape")
    # A feature: a button in the heat map.
    for name in ("trip_distance", "PULocationID"):
        browser.js("[...document.querySelectorAll('.heatmap button')].find((b) => b.textContent === arguments[0])"
                   ".focus()", name)
        check(browser.js("return getComputedStyle(document.activeElement).outlineStyle") != "none" or
              browser.js("return document.activeElement.matches(':focus-visible')"), "focus is visible")
        browser.press("Enter")
        shows(browser, "#h-feature", name)
        wait_for("the distribution", 20, lambda: browser.js(INK, "#feature canvas") > 2)
        browser.js("document.querySelector('#feature details summary').focus()")
        browser.press("Enter")
        # An evaluation may change both at any moment; they must agree eventually.
        wait_for("the table with the window's rows", 30, lambda:
                 f"{page.api(f'features/{name}?window=week')['current']['n']:,}" in (browser.text("#feature table") or ""))
        check("reference" in browser.js("return document.querySelector('#feature [role=img]').ariaLabel"),
              "the chart has a text")
    # Tables instead of charts, and the lineage of a version.
    browser.js("document.querySelector('#error details summary').focus()")
    browser.press("Enter")
    wait_for("the error as a table", 10,
             lambda: browser.js("return document.querySelectorAll('#error tbody tr').length") > 3)
    browser.js("document.querySelector('.models summary').focus()")
    browser.press("Enter")
    shows(browser, ".models .lineage", f"{TOPIC}.*configuration.*")
    model = page.api(f"models/{page.api('models')['models'][0]['version']}")
    shows(browser, ".models .lineage", model["facts"]["lineage"]["config_hash"])
    quiet(browser)
    say("by keyboard")


def tab_through(browser):
    """Tab reaches every control, in order, and never gets stuck."""
    browser.js("document.querySelector('.skip').focus()")
    stops = []
    for _ in range(120):
        browser.press("Tab")
        stop = browser.js("""const e = document.activeElement;
            if (e === document.body || e === document.documentElement) return null;
            const box = e.getBoundingClientRect();
            return [e.tagName, e.getAttribute("aria-label") || e.textContent.trim().slice(0, 30) || e.value || "",
                    box.width > 0 && box.height > 0];""")
        if not stop:
            break
        stops.append(stop)
    check(10 < len(stops) < 120, "tabbing ends", len(stops))
    check(all(name for _, name, _ in stops), "every stop has a name", [s for s in stops if not s[1]])
    check(all(seen for _, _, seen in stops), "every stop is visible", [s for s in stops if not s[2]])


def for_screen_readers(browser):
    tree = browser.accessibility()
    roles = [node["role"] for node in tree]
    for role in ("banner", "main", "contentinfo"):
        equal(roles.count(role), 1, f"landmarks of the kind {role}")
    regions = {node["name"] for node in tree if node["role"] == "region"}
    for name in ("Error over time", "Drift by feature", "Alerts", "Models", "Decisions", "Stream health"):
        check(name in regions, f"a region called {name}", regions)
    nameless = [n for n in tree if n["role"] in ("button", "link", "radio", "slider", "img", "image", "checkbox",
                                                 "textbox", "region", "DisclosureTriangle", "table") and not n["name"]]
    nameless = [n for n in nameless if n["role"] != "image"]  # the sign beside the name is decoration
    equal(nameless, [], "every control and image has a name")
    equal([n["role"] for n in tree if n.get("focusable") and n["role"] in ("generic", "Canvas")], [],
          "nothing focusable without a role")
    levels = browser.js("return [...document.querySelectorAll('h1,h2,h3')].filter((e) => e.checkVisibility())"
                        ".map((e) => Number(e.tagName[1]))")
    equal(levels[0], 1, "the first heading")
    equal(levels.count(1), 1, "one heading of the first level")
    check(all(b - a <= 1 for a, b in zip(levels, levels[1:])), "no level is skipped", levels)
    equal(browser.js("return document.documentElement.lang"), "en", "language")
    ids = browser.js("return [...document.querySelectorAll('[id]')].map((e) => e.id)")
    equal(len(ids), len(set(ids)), "ids are unique")
    say("for screen readers")


def in_all_shapes(browser, page, case):
    equal(browser.js(CONTRASTS), [], "contrast in light colours")
    light = browser.js("return getComputedStyle(document.body).backgroundColor")
    browser.media(prefers_color_scheme="dark")
    wait_for("dark colours", 10, lambda: browser.js("return document.documentElement.dataset.theme") == "dark")
    check(browser.js("return getComputedStyle(document.body).backgroundColor") != light, "the background changes")
    equal(browser.js(CONTRASTS), [], "contrast in dark colours")
    browser.click("#theme")
    equal(browser.js("return document.documentElement.dataset.theme"), "light", "the reader's choice takes precedence")
    browser.reload()
    equal(browser.js("return document.documentElement.dataset.theme"), "light", "the choice is remembered")
    browser.click("#theme")
    browser.media()
    wait_shown(browser, page)
    for width in (320, 390, 768, 1440):
        browser.size(width, 800)
        wait_for("a layout", 10, lambda w=width: browser.js("return innerWidth") == w)
        try:  # charts are redrawn in the next frames
            wait_for("no overflow", 20, lambda: not browser.js(OUTSIDE))
        except Failed:
            check(False, f"nothing reaches out of a page {width} wide", browser.js(OUTSIDE))
        equal(browser.js("return document.documentElement.scrollWidth"), width, f"width of a page {width} wide")
    browser.size(1280, 900)
    browser.media("print")
    equal(browser.js("return getComputedStyle(document.querySelector('.controls')).display"), "none", "on paper")
    browser.media(prefers_reduced_motion="reduce")
    equal(browser.js("return Chart.defaults.animation"), False, "no animation")
    browser.media()
    quiet(browser)
    say("in all layouts")


def escapes(browser, page):
    """Text from other sources is never interpreted as HTML."""
    redis = Redis(f"127.0.0.1:{page.redis.port}")
    alerts = f"leeway:{{{STREAM}}}:alerts"
    redis("HSET", alerts, "0123456789abcdef", json.dumps({
        "status": "firing", "severity": "critical", "rule": "<b>rule</b>", "feature": "", "window": "week", "value": 2,
        "threshold": 1, "n": 100, "model": 1, "since": 1584403200000, "at": 1584403200000,
        "incident": "0123456789abcdef", "summary": HOSTILE}))
    browser.reload()
    shows(browser, "#alerts", re.escape(HOSTILE), 30)
    equal(browser.js("return document.querySelectorAll('#alerts img, #alerts script, #alerts b').length"), 0,
          "no element is created")
    check("broken in" not in browser.js("return document.title"), "no script ran")
    page.case.leeway("alerts", "-c", page.config, "silence", "--for", "2h", "--comment", HOSTILE, "--by", "somebody",
                     **page.environment)
    browser.reload()
    shows(browser, "#alerts .alert", "silenced until", 30)
    shows(browser, "#alerts .silences", "every rule, until .* by somebody: " + re.escape(HOSTILE))
    equal(browser.js("return document.querySelectorAll('#alerts img, #alerts script').length"), 0, "nor from a comment")
    redis("HDEL", alerts, "0123456789abcdef")
    redis.close()
    say("text is never HTML")


def without_events(browser, page):
    """Without server-sent events the page polls."""
    browser.cdp("Network.enable")
    browser.cdp("Network.setBlockedURLs", urls=["*/api/v1/events*"])
    browser.reload()
    shows(browser, "#connection", "Polling")
    wait_shown(browser, page)
    browser.cdp("Network.setBlockedURLs", urls=[])
    quiet(browser, "/api/v1/events")
    browser.reload()
    shows(browser, "#connection", "Live")
    wait_shown(browser, page)
    wait_for("the chart", 20, lambda: browser.js(INK, "#error canvas") > 2)
    shows(browser, "#models .body", "v1")
    say("by polling")


def dead_redis(browser, page):
    before = browser.text("#tiles")
    page.redis.kill()
    shows(browser, "#trouble", "leeway answers, but cannot read the figures.*The figures shown are from", 60)
    shows(browser, "#connection", "No figures")
    equal(browser.js("return document.body.classList.contains('stale')"), True, "old figures are marked")
    name, value = browser.text("#tiles").split("\n")[:2]  # an evaluation may have arrived in between
    old_name, old_value = before.split("\n")[:2]  # "–" right after a promotion
    check(name == old_name and (value == old_value or re.search(r"\d", value)), "old figures stay visible", name, value)
    browser.reload()
    shows(browser, "#trouble", "cannot read the figures", 60)
    for section in ("error", "alerts", "models", "decisions"):
        shows(browser, f"#{section} .body", "Cannot be read at the moment")
    page.redis.start()
    wait_for("the page to recover", 60, lambda: browser.js("return document.getElementById('trouble').hidden"))
    wait_shown(browser, page)
    equal(browser.js("return document.body.classList.contains('stale')"), False, "figures are current again")
    quiet(browser, "503", "/api/v1/")
    say("with a dead Redis")


def dead_server(browser, page):
    page.daemon.kill()
    shows(browser, "#trouble", "leeway does not answer", 60)
    shows(browser, "#connection", "No answer")
    page.serve()
    wait_for("the page to recover", 90, lambda: browser.js("return document.getElementById('trouble').hidden"))
    shows(browser, "#connection", "Live", 60)
    wait_shown(browser, page)
    quiet(browser, "/api/v1/")
    say("with a dead leeway")


def notebook(case, page):
    done = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tests/dashboards/run_notebook.py"),
                           os.path.join(ROOT, "examples/notebook/sketches.ipynb")], text=True, capture_output=True,
                          env={**case.environment, "LEEWAY_STREAM": STREAM,
                               "LEEWAY_REDIS": page.environment["LEEWAY_REDIS"], "MPLCONFIGDIR": case.dir})
    check(done.returncode in (0, 77), "the notebook runs", done.stdout[-2000:], done.stderr[-3000:])
    say(f"the notebook: {done.stdout.strip().splitlines()[-1]}")


def scenario(case):
    case.create((TOPIC, 4), (TOPIC + ".dead", 1))
    page = Page(case)
    page.serve()
    browser = Browser()
    case.at_end.append(browser.quit)
    try:
        without_data(browser, page)
        fill(case, browser, page)
        with_data(browser, page)
        by_keyboard(browser, page)
        tab_through(browser)
        for_screen_readers(browser)
        in_all_shapes(browser, page, case)
        escapes(browser, page)
        notebook(case, page)
        without_events(browser, page)
        dead_redis(browser, page)
        dead_server(browser, page)
        elsewhere = [url for url in browser.requests() if not url.startswith((page.url, "data:", "chrome"))]
        equal(elsewhere, [], "no request to other servers")
    except BaseException:
        if os.environ.get("LEEWAY_KEEP") == "1":
            browser.screenshot(case.path("failed.png"))
            print(f"a picture: {case.path('failed.png')}", flush=True)
        raise


if not available() or not shutil.which("redis-server"):
    print("skipped: needs chromium, chromium-driver and redis-server (scripts/deps.sh test)")
    sys.exit(77)
main(scenario)
