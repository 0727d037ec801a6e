"""HTTP of a running daemon, on a real Kafka and a real Redis.

Most of the bundled trips are replayed until two versions have been champion. Meanwhile, several connections
request predictions continuously, while versions are promoted back and forth; no request may fail. Every
endpoint is then checked against Redis; promtool reads the metrics; a second process of the
group shows the same stream.
"""
import http.client
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

from harness import BIN, ROOT, TRIPS, Daemon, Receiver, avro_cut, check, counters, equal, main, say, wait_for

STREAM = TOPIC = "http-trips"
TOKEN = "a-token-that-nobody-guesses"
TRIP = {"lpep_pickup_datetime": 1590741000000, "PULocationID": 74, "DOLocationID": 75, "trip_distance": 1.5,
        "passenger_count": 1}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            c.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            answer = c.getresponse()
            return answer.status, answer.read()
        finally:
            c.close()

    def get(self, path, status=200):
        got, body = self.ask("GET", path)
        equal(got, status, f"status of {path} ({body[:300]!r})")
        return json.loads(body)

    def post(self, path, body=b"", status=200, **headers):
        got, answer = self.ask("POST", path, body, **headers)
        equal(got, status, f"status of {path} ({answer[:300]!r})")
        return json.loads(answer)

    def predict(self, body, status=200, kind="application/json"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.post("/api/v1/predict", body, status, Content_Type=kind)

    def up(self):
        try:
            return self.ask("GET", "/healthz")[0] == 200
        except OSError:
            return False


class Askers:
    """Requests predictions continuously, over persistent connections."""

    def __init__(self, server, n=3):
        self.server, self.stop, self.versions, self.wrong = server, False, {}, []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(n)]
        for t in self.threads:
            t.start()

    def run(self):
        c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        body, head = json.dumps(TRIP), {"Content-Type": "application/json"}
        while not self.stop:
            try:
                c.request("POST", "/api/v1/predict", body, head)
                answer = c.getresponse()
                text = answer.read()
                version = json.loads(text).get("model_version") if answer.status == 200 else None
                with self.lock:
                    self.versions[version] = self.versions.get(version, 0) + 1
                    if version is None:
                        self.wrong.append((answer.status, text[:200]))
            except Exception as e:  # any error that a client would see
                with self.lock:
                    self.wrong.append(repr(e))
                return
        c.close()

    def end(self):
        self.stop = True
        for t in self.threads:
            t.join(30)
        return self.versions


def key(name):
    return f"leeway:{{{STREAM}}}:{name}"


def auth():
    return {"Authorization": f"Bearer {TOKEN}"}


def promotions(case, server, askers):
    """Promotes back and forth, while the leader has nothing else to decide."""
    champion = int(case.redis("HGET", key("models"), "champion"))
    other = 1 if champion != 1 else 2
    for version in (other, champion, other, champion):
        equal(server.post(f"/api/v1/models/{version}/promote", b'{"reason": "to and fro"}', **auth()),
              {"champion": version}, "answer of a promotion")
        wait_for(f"version {version} to answer", 20,
                 lambda: server.predict(TRIP)["model_version"] == version)
    seen = askers.end()
    check(not askers.wrong, "no request failed", askers.wrong[:3])
    check(seen.get(other, 0) > 0 and seen.get(champion, 0) > 0, "both versions answered", seen)
    say(f"{sum(seen.values())} predictions by version: {seen}")
    return champion


def wait_quiet(server):
    """Waits until no training runs and nothing has been sealed for some seconds."""
    seen, since = None, time.monotonic()

    def quiet():
        nonlocal seen, since
        now = server.get("/api/v1/now")
        if now["at_ms"] != seen or now["training"]:
            seen, since = now["at_ms"], time.monotonic()
        return time.monotonic() - since > 5

    wait_for("the last pane to be sealed", 90, quiet, 0.5)


def check_now(case, server):
    now = server.get("/api/v1/now")
    values = case.redis.hash(key("now"))
    equal(now["stream"], STREAM, "the stream")
    equal(now["at_ms"], int(values["at"]), "the end of the newest window")
    week = next(w for w in now["windows"] if w["name"] == "week")
    equal(week["n"], int(values["week:n"]), "rows that the champion was judged on")
    check(week["rmse"] is None if week["n"] < 2 else abs(week["rmse"] - float(values["week:rmse"])) < 1e-9,
          "the RMSE", week["rmse"])
    distance = next(f for f in week["features"] if f["name"] == "trip_distance")
    check(abs(distance["psi"] - float(values["week:psi:trip_distance"])) < 1e-9, "a PSI", distance)
    health = now["health"]
    total = counters(case.redis, STREAM)
    equal(health["redis"], "ok", "Redis")
    equal(health["messages"], total["messages"], "messages")
    equal(health["lag"], 0, "the lag at the end")
    equal(len(health["partitions"]), 4, "partitions")
    check(":" in health["leader"], "a leader", health["leader"])
    equal(health["processes"], 1, "processes")


def check_reads(case, server, champion):
    entries = case.redis.entries(key("history"))
    history = server.get("/api/v1/history?window=week&fields=rmse,alerts_firing&max=20000")
    equal([r[0] for r in history["rows"]], [int(i.split("-")[0]) for i, _ in entries], "times of the history")
    last = entries[-1][1]
    rmse = [(r[1], float(v["week:rmse"])) for r, (_, v) in zip(history["rows"], entries) if float(v["week:n"]) >= 2]
    check(len(rmse) > 0, "rows with an RMSE", len(rmse), len(entries))
    check(all(a is not None and abs(a - b) < 1e-9 for a, b in rmse), "RMSE of the history", rmse[:3])
    equal(history["champion"][-1], int(last["champion"]), "its last champion")
    thin = server.get("/api/v1/history?max=10")
    check(len(thin["rows"]) <= 10 and thin["truncated"], "a thinned one", len(thin["rows"]))
    equal(thin["rows"][-1][0], history["rows"][-1][0], "the last entry of a thinned one")
    heat = server.get("/api/v1/heatmap?window=week&max=50")
    equal(len(heat["values"]), len(heat["at_ms"]), "rows of the heat map")
    equal(len(heat["values"][-1]), len(heat["features"]), "columns of the heat map")
    for name in heat["features"]:
        feature = server.get(f"/api/v1/features/{name}?window=week")
        check(feature["reference"] and feature["current"], f"both sides of {name}", feature)
        equal(feature["reference"]["version"], champion, "the reference's version")
    models = server.get("/api/v1/models")
    equal(models["champion"], champion, "the champion")
    equal(models["models"][-1]["version"], 1, "the oldest version, last")
    equal(server.get(f"/api/v1/models/{champion}")["facts"]["lineage"]["topic"], TOPIC, "a lineage")
    audit = server.get("/api/v1/audit?max=5")
    equal(audit["entries"][0]["id"], case.redis.entries(key("audit"))[-1][0], "the newest line of the audit")
    older = server.get(f"/api/v1/audit?max=5&before={audit['next']}")
    check(older["entries"][0]["id"] < audit["next"], "the page after", older["entries"][0])
    what = {e["what"] for e in server.get("/api/v1/audit?max=1000")["entries"]}
    check({"promoted", "training"} <= what, "kinds of lines", what)
    alerts = server.get("/api/v1/alerts")
    equal({a["fingerprint"] for a in alerts["alerts"]}, set(case.redis.hash(key("alerts"))), "fingerprints")


def check_changes(case, server):
    equal(server.ask("POST", "/api/v1/retrain")[0], 401, "a retrain without the token")
    body = json.dumps({"for": "5m", "comment": "a test"}).encode()
    silence = server.post("/api/v1/alerts/silence", body, **auth())
    equal([s["id"] for s in server.get("/api/v1/alerts")["silences"]], [silence["id"]], "silences")
    equal(server.ask("DELETE", f"/api/v1/alerts/silence/{silence['id']}", **auth())[0], 200, "its end")
    equal(server.post("/api/v1/retrain", status=202, **auth()), {"asked": True}, "a retrain")
    wait_for("the leader to take it up", 30, lambda: any(
        v["what"] == "training" and "http:ops@127.0.0.1" in v["detail"] for _, v in case.redis.entries(key("audit"))))


def avro_of_trip():
    """TRIP as one raw record, by the schema's own order of fields."""
    def number(n):
        n = (n << 1) ^ (n >> 63)
        out = bytearray()
        while n > 0x7F:
            out.append(n & 0x7F | 0x80)
            n >>= 7
        return bytes(out + bytes([n]))

    with open(os.path.join(ROOT, "schemas/green_trip.avsc"), encoding="utf-8") as f:
        fields = json.load(f)["fields"]
    out = b""
    for f in fields:
        value = TRIP.get(f["name"])
        kind = f["type"]
        if isinstance(kind, list):
            out += number(0) if value is None else number(1) + number(value)
        elif kind == "string":
            out += number(1) + b"x"
        elif kind == "double":
            out += struct.pack("<d", value or 0)
        else:
            out += number(value or 0)
    return out


def check_predictions(server):
    one = server.predict(TRIP)
    check(1 <= one["prediction"] <= 60, "a prediction", one)
    equal(server.predict([TRIP, TRIP]), {"predictions": [one, one]}, "two records")
    equal(server.predict(avro_of_trip(), kind="avro/binary"), one, "the same trip as Avro")
    with open(TRIPS, "rb") as f:  # within http.body_max
        head = f.read(1 << 16)
    bad = server.predict(head, 400, "application/vnd.apache.avro")
    check("the body" in bad["error"], "a file that is cut short", bad)
    bad = server.predict([TRIP, {**TRIP, "trip_distance": 99}], 400)
    equal(bad["error"], "record 1: it must satisfy trip_distance < 50", "an invalid record")


def check_metrics(server, sent):
    status, page = server.ask("GET", "/metrics")
    equal(status, 200, "status of /metrics")
    check(shutil.which("promtool"), "promtool is installed (package prometheus)")
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    equal((done.returncode, done.stderr), (0, b""), "promtool")
    values = {}
    for line in page.decode().splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    equal(values["leeway_messages_total"], sent, "messages")
    equal(values["leeway_leader"], 1, "the leader")
    equal(values["leeway_partitions_owned"], 4, "partitions owned")
    equal(values['leeway_partition_lag{partition="0"}'], 0, "lag")
    check(values["leeway_flushes_total"] > 0 and values["leeway_redis_round_trips_total"] > 0, "flushes")
    check(values["leeway_trainings_total{outcome=\"done\"}"] >= 2, "trainings")
    check(values["leeway_last_poll_seconds"] < 60, "time since the last poll")
    check(values["process_resident_memory_bytes"] > 1e6, "memory")


def first_event(server):
    """The first event that a subscriber receives."""
    with socket.create_connection(("127.0.0.1", server.port), 10) as s:
        s.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        text = b""
        while b"event: now" not in text or not text.endswith(b"\n\n\r\n"):
            part = s.recv(4096)
            check(part, "the stream of events goes on", text)
            text += part
        return json.loads(text.split(b"data: ")[1].split(b"\n")[0])


def scenario(case):
    token, port, other = case.path("token"), free_port(), free_port()
    with open(token, "w", encoding="ascii") as f:
        f.write(f"ops silence,models {TOKEN}\n")
    case.create((TOPIC, 4), (TOPIC + ".dead", 1))
    config = case.nyc(STREAM, TOPIC, [
        (r"until: 2020-03-12", "until: 2020-03-05"), (r"max_per_week: 3", "max_per_week: 2"),
        (r"max_age: \S+", "max_age: 0")])
    sent, _ = avro_cut(TRIPS, case.path("trips.avro"), 0, 75)
    case.environment["LEEWAY_TOKEN_FILE"] = token
    receiver = Receiver()  # without one that answers, the outbox makes the process unready after a minute
    case.at_end.append(receiver.close)
    case.environment["LEEWAY_WEBHOOK"] = receiver.url
    daemon = Daemon(case, config, LEEWAY_LISTEN=f"127.0.0.1:{port}")
    server = Server(port)
    wait_for("the server", 30, server.up)
    wait_for("the group", 60, lambda: server.ask("GET", "/readyz")[0] == 200)
    equal(server.get("/readyz")["champion"], None, "no champion at first")
    equal(server.predict(TRIP, 503)["code"], "unavailable", "a prediction without a champion")
    equal(server.get("/api/v1/now")["at_ms"], None, "nothing sealed yet")
    replay = subprocess.Popen([BIN, "replay", "-c", config, "--speed", "150000", case.path("trips.avro")],
                              stdout=subprocess.DEVNULL, env=case.environment)
    case.at_end.append(replay.kill)
    wait_for("the first champion", 60, lambda: server.get("/readyz")["champion"])
    askers = Askers(server)
    wait_for("a second version", 90, lambda: (server.get("/readyz")["champion"] or 0) >= 2)
    equal(replay.wait(120), 0, "exit status of the replay")
    wait_for("all of it", 60, lambda: counters(case.redis, STREAM)["messages"] == sent)
    wait_quiet(server)
    say("replayed, and all of it sealed")
    champion = promotions(case, server, askers)
    wait_quiet(server)
    check_now(case, server)
    check_reads(case, server, champion)
    check_predictions(server)
    check_metrics(server, sent)
    equal(first_event(server)["champion"], champion, "the first event")
    equal(server.ask("GET", "/")[0], 200, "the page")
    check_changes(case, server)
    second = Daemon(case, config, "second", LEEWAY_LISTEN=f"127.0.0.1:{other}")
    wait_for("the second process", 60, lambda: Server(other).up() and
             Server(other).ask("GET", "/readyz")[0] == 200)
    equal(Server(other).get("/api/v1/now")["health"]["messages"], sent, "messages, asked of the other")
    second.stop()
    daemon.stop()


main(scenario)
