"""A headless browser, driven by chromedriver's protocol. Python's standard library only."""
import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": "\ue00d", "PageUp": "\ue00e",
        "PageDown": "\ue00f", "End": "\ue010", "Home": "\ue011", "ArrowLeft": "\ue012", "ArrowUp": "\ue013",
        "ArrowRight": "\ue014", "ArrowDown": "\ue015", "Shift": "\ue008"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def available():
    return bool(shutil.which("chromedriver") and (shutil.which("chromium") or shutil.which("google-chrome")))


class DriverError(Exception):
    pass


class Browser:
    def __init__(self, width=1280, height=900):
        self.dir = tempfile.mkdtemp(prefix="leeway-browser.")
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.session, self.seen = None, []
        try:
            self._wait()
            args = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                    "--hide-scrollbars", "--disable-background-networking", "--disable-component-update",
                    f"--user-data-dir={self.dir}"] + (["--no-sandbox"] if os.geteuid() == 0 else [])
            self.session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:chromeOptions": {"args": args},
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})["sessionId"]
            self.size(width, height)
        except BaseException:
            self.quit()
            raise

    def _wait(self):
        end = time.monotonic() + 30
        while True:
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except (OSError, urllib.error.URLError):
                pass
            if time.monotonic() > end or self.driver.poll() is not None:
                raise DriverError("chromedriver does not come up")
            time.sleep(0.1)

    def _call(self, method, path, body=None):
        request = urllib.request.Request(
            self.base + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as why:
            raise DriverError(why.read().decode("utf-8", "replace")[:1000]) from None

    def _in(self, method, path, body=None):
        return self._call(method, f"/session/{self.session}{path}", body)

    def quit(self):
        if self.session:
            try:
                self._in("DELETE", "")
            except (OSError, DriverError):
                pass
        self.driver.terminate()
        try:
            self.driver.wait(10)
        except subprocess.TimeoutExpired:
            self.driver.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- actions of a person ----

    def go(self, url):
        self._in("POST", "/url", {"url": url})

    def reload(self):
        self._in("POST", "/refresh", {})

    def js(self, script, *args):
        return self._in("POST", "/execute/sync", {"script": script, "args": list(args)})

    def text(self, css):
        """The visible text; None if there is no such element."""
        return self.js("const e = document.querySelector(arguments[0]); return e && e.innerText;", css)

    def click(self, css):
        found = self._in("POST", "/element", {"using": "css selector", "value": css})
        self._in("POST", f"/element/{next(iter(found.values()))}/click", {})

    def press(self, *keys):
        """Presses one key after the other; in "Shift+Tab" the first stays down."""
        steps = []
        for key in keys:
            *held, last = key.split("+")
            held = [KEYS[k] for k in held]
            steps += [{"type": "keyDown", "value": k} for k in held]
            value = KEYS.get(last, last)
            steps += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
            steps += [{"type": "keyUp", "value": k} for k in held]
        self._in("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": steps}]})

    # ---- the browser itself ----

    def cdp(self, command, **parameters):
        return self._in("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def size(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                 mobile=width < 600)

    def media(self, kind="", **features):
        self.cdp("Emulation.setEmulatedMedia", media=kind,
                 features=[{"name": k.replace("_", "-"), "value": v} for k, v in features.items()])

    def console(self):
        """Lines since the last call: [{level, source, message}]."""
        return self._in("POST", "/se/log", {"type": "browser"})

    def requests(self):
        """All URLs that the browser has requested."""
        for entry in self._in("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.seen.append(message["params"]["request"]["url"])
        return self.seen

    def accessibility(self):
        """The tree for screen readers: [{role, name, focusable, ...}]."""
        found = []
        for node in self.cdp("Accessibility.getFullAXTree")["nodes"]:
            if node.get("ignored"):
                continue
            properties = {p["name"]: p["value"].get("value") for p in node.get("properties", [])}
            found.append({"role": node.get("role", {}).get("value"), "name": node.get("name", {}).get("value", ""),
                          "value": node.get("value", {}).get("value"), **properties})
        return found

    def screenshot(self, path):
        data = self.cdp("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as out:
            out.write(base64.b64decode(data))
