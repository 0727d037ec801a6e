"""Damage in Redis stops no process, neither predictions nor the web page, and counts no event twice.

A stream with a champion runs. One key after the other is damaged while trips keep coming: each time all trips
are read and sealed, a prediction and the web page are served, and the old value is kept under a name and
reported. The same holds for single fields, found at the next start.
Finally, a proxy in front of Redis returns impossible replies to each kind of command, at the start and
while the daemon runs; nothing stops, and the stream continues when the proxy passes replies through again."""
import json
import socket
import threading
import urllib.error
import urllib.request

from harness import (REDIS, TRIPS, Daemon, Failed, avro_cut, check, counters, equal, free_port, main, offsets, say,
                     wait_for)

STREAM = TOPIC = "damage"
TRIP = {"trip_id": "1", "lpep_pickup_datetime": 1584000000000, "lpep_dropoff_datetime": 1584000600000,
        "PULocationID": 1, "DOLocationID": 2, "passenger_count": 1, "trip_distance": 2.5}
TYPES = {"string": ("SET", "x"), "list": ("RPUSH", "x"), "set": ("SADD", "x"), "zset": ("ZADD", 1, "x"),
         "hash": ("HSET", "f", "v"), "stream": ("XADD", "*", "f", "v")}
# Impossible replies. test_store_wrong_replies.c has many more.
LIES = [b"+OK\r\n", b"*2\r\n:1\r\n*1\r\n$-1\r\n"]


def key(name):
    return f"leeway:{{{STREAM}}}:{name}"


def read_words(file):
    """Reads one command; returns it and its bytes."""
    line = file.readline()
    raw, words = [line], []
    for _ in range(int(line[1:]) if line[:1] == b"*" else 0):
        head = file.readline()
        body = file.read(int(head[1:]) + 2)
        raw += [head, body]
        words.append(body[:-2])
    return words, b"".join(raw)


def read_reply(file):
    line = file.readline()
    if not line:
        return b""
    if line[:1] == b"$" and line != b"$-1\r\n":
        return line + file.read(int(line[1:]) + 2)
    return line + b"".join(read_reply(file) for _ in range(int(line[1:]) if line[:1] == b"*" else 0))


class Liar:
    """A proxy in front of Redis; `lie` is (verb or None for all, bytes), or None to pass replies through."""

    def __init__(self):
        self.lie, self.lies = None, 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.server.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        host, port = REDIS.rsplit(":", 1)
        with client, socket.create_connection((host, int(port))) as real:
            inward, outward = client.makefile("rb"), real.makefile("rb")
            try:
                while True:
                    words, raw = read_words(inward)
                    if not words:
                        return
                    real.sendall(raw)
                    reply, lie = read_reply(outward), self.lie
                    if lie and lie[0] in (None, words[0].upper()):
                        self.lies += 1
                        reply = lie[1]
                    if reply is None:
                        return
                    client.sendall(reply)
            except (OSError, ValueError):
                return


class Stream:
    def __init__(self, case):
        self.case, self.redis, self.block, self.sent = case, case.redis, 0, 0
        self.listen = f"127.0.0.1:{free_port()}"
        self.config = case.nyc(STREAM, TOPIC, [
            (r"until: 2020-03-12", "rows: 15000"), (r"holdout: 2d", "holdout: 12h"),
            (r"max_age: \S+", "max_age: 0"), (r"(?m)^alerts:", "privacy: {examples: hashed}\n\nalerts:"), (r"^  timeout: 2s", "  timeout: 1s\n  lease: 1s")])
        self.daemon = None

    def start(self, name="run", **environment):
        self.daemon = Daemon(self.case, self.config, name, LEEWAY_LISTEN=self.listen, **environment)

    def send(self, blocks):
        path = self.case.path("some.avro")
        n, _ = avro_cut(TRIPS, path, self.block, self.block + blocks)
        self.case.leeway("replay", "-c", self.config, path)
        self.block, self.sent = self.block + blocks, self.sent + n

    def at(self):
        try:
            return offsets(self.redis, STREAM)
        except (Failed, ValueError):  # currently not a hash
            return -1

    def goes_on(self, what, seconds=60):
        """All trips are read, and a prediction and the web page are served."""
        self.send(1)
        wait_for(f"all trips to be read: {what}", seconds, lambda: self.at() == self.sent or not self.daemon.alive())
        check(self.daemon.alive(), f"it has ended: {what}", self.daemon.text()[-3000:])
        wait_for(f"a prediction: {what}", seconds, self.predicts, 0.2)
        self.get("/")

    def get(self, path, body=None):
        request = urllib.request.Request(f"http://{self.listen}{path}", body,
                                         {"Content-Type": "application/json"} if body else {})
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.read()

    def predicts(self):
        try:
            return json.loads(self.get("/api/v1/predict", json.dumps(TRIP).encode()))["prediction"] > 0
        except OSError:
            return False

    def commands(self, what):
        """No command is killed by a signal."""
        for words in (["status"], ["models"], ["alerts"], ["repair"]):
            done = self.case.attempt(*words, "-c", self.config)
            check(0 <= done.returncode <= 3, f"leeway {words[0]}: {what}", done.returncode, done.stderr)


def keys_of_another_type(s):
    names = sorted(k[len(key("")):] for k in s.redis.keys(key("*")))
    kinds = {}
    for name in names:
        if name.startswith(("model:", "reference:")):
            continue  # the champion's model cannot be restored: test it last
        kind = name.split(":")[0] if name.split(":")[0] in ("pane", "window", "unreadable") else name
        kinds[kind] = name  # of panes the newest
    # Those that a step cannot be made without, and a draw of the others; test_store_damage.c has all.
    need = {"monitor", "meta", "models", f"part:{TOPIC}:0", "outbox", "health", "privacy"}
    names = [n for n in kinds.values() if n in need or s.case.random.random() < 0.3]
    for i, name in enumerate(names):
        was = s.redis("TYPE", key(name)).decode()
        if was == "none":
            continue
        kind = [t for t in TYPES if t != was][(i + s.case.seed) % 5]
        s.redis("DEL", key(name))
        s.redis(TYPES[kind][0], key(name), *TYPES[kind][1:])
        say(f"{name}: a {kind}, was a {was}")
        if name == "monitor":
            s.commands(name)
        s.goes_on(name)
        # The next leader reads a sealed pane, and a window is rewritten: do not wait for either.
        kept = name.startswith(("window:", "pane:")) or wait_for(
            f"{name} to be kept", 30, lambda: s.redis("EXISTS", key(f"unreadable:{name}")) or
            s.redis("TYPE", key(name)) == was.encode())
        check(kept, "kept", name)
    notes = s.redis.hash(key("unreadable"))
    check("monitor" in notes and f"part:{TOPIC}:0" in notes, "notes", notes)
    alerts = json.loads(s.case.attempt("alerts", "-c", s.config, "--json").stdout)["alerts"]
    check(any(a["rule"] == "unreadable-state" for a in alerts), "an alert is raised", alerts)
    listed = json.loads(s.case.leeway("repair", "-c", s.config, "--json", status=3))
    check({"monitor", f"part:{TOPIC}:0"} <= {d["name"] for d in listed["unreadable"]}, "listed", listed)


def fields_at_the_next_start(s):
    """Several at a time, because starts take most of the time."""
    part = f"part:{TOPIC}:0"
    rounds = [[(part, "progress", b"\x00" * 40), ("monitor", "sealed_until", b"-1"), ("models", "champion", b"inf"),
               ("meta", "partitions", b"2147483647"), ("meta", "pane_ms", b"1e9"), ("fence", None, b"9e99")],
              [(part, "next_offset", b"12"), (part, "epoch", b"1e300"), ("monitor", "state", b""),
               ("meta", "topic", b"\xff"), ("lease", None, b"nobody")],
              [(part, "next_offset", b"nan"), ("models", "next", b"x"), ("models", "epoch", b"x"),
               ("model:1", "model", b"Obj"), ("reference:1", "profile", b"")]]
    for i, damage in enumerate(rounds):
        s.daemon.stop(30)
        for name, field, value in damage:
            s.redis(*(["HSET", key(name), field, value] if field else ["SET", key(name), value]))
        say(f"{damage}")
        s.commands(damage)
        s.start(f"fields{i}")
        if i + 1 < len(rounds):
            s.goes_on(damage)
    # No prediction is served until a person has decided; everything else continues.
    wait_for("the log line about the model", 30, lambda: s.daemon.logged("champion_unusable"))
    s.send(1)
    wait_for("all trips to be read", 60, lambda: s.at() == s.sent)
    check(s.daemon.alive(), "it continues to run")


def a_version_without_an_alias(s):
    """While no process runs: each list has its row, `repair` names it, and nothing else is hidden."""
    version = next(n for n in range(2, 100) if not s.redis("EXISTS", key(f"model:{n}")))
    s.redis("HSET", key("models"), "next", version + 1)
    s.redis("RPUSH", key(f"model:{version}"), "x")
    rows = json.loads(s.case.leeway("models", "list", "-c", s.config, "--json"))
    check(any(r["version"] == 1 and r["status"] == "champion" for r in rows), "the champion is listed", rows)
    check(any(r["version"] == version and r["status"] == "unreadable" for r in rows), "the damaged version is listed", rows)
    check("unreadable" in s.case.leeway("models", "list", "-c", s.config), "as a table")
    listed = json.loads(s.case.leeway("repair", "-c", s.config, "--json", status=3))
    check(f"model:{version}" in {d["name"] for d in listed["damaged"]}, "repair lists it", listed)
    for name in ("health", "privacy"):
        s.redis("DEL", key(name))
        s.redis("RPUSH", key(name), "x")
        s.case.leeway("repair", "-c", s.config, "reset", name, "--apply")
        check(s.redis("EXISTS", key(name)) == 0 and s.redis("EXISTS", key(f"unreadable:{name}")), "starts empty", name)
        s.redis("RPUSH", key(name), "x")  # for the next start
    return f"model:{version}"


def no_champion(s):
    """No version is readable, and the alias is invalid: not ready, with a reason, and an alert."""
    s.daemon.stop(30)
    s.redis("DEL", *s.redis.keys(key("model:*")), key("monitor"), key("alerts"))
    s.redis("HSET", key("models"), "champion", "x8?")
    s.redis("HSET", key(f"part:{TOPIC}:0"), "champion", "0")
    check("models:champion" in s.case.attempt("repair", "-c", s.config).stdout, "repair lists the alias")
    s.start("no-champion")

    wait_for("/readyz to report it", 60, lambda: ready(s, 503, "alias champion in Redis is damaged"))
    s.send(8)
    wait_for("the log line about the alias", 60, lambda: s.daemon.logged("champion_lost"))
    wait_for("the alert", 60, lambda: any(
        a["rule"] == "unreadable-state" and a["status"] == "firing" for a in
        json.loads(s.case.attempt("alerts", "-c", s.config, "--json").stdout)["alerts"]))
    wait_for("all trips to be read", 60, lambda: s.at() == s.sent)


def ready(s, status, words):
    try:
        with urllib.request.urlopen(f"http://{s.listen}/readyz", timeout=10) as answer:
            got, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        got, text = refused.code, refused.read().decode()
    except OSError:
        return False
    return got == status and words in text


def lies(s, liar):
    environment = {"LEEWAY_REDIS": f"redis://{liar.address}"}
    for i, lie in enumerate(LIES):
        liar.lie = (None, lie)
        s.start(f"lie{i}", **environment)
        wait_for("it to receive the wrong reply", 30, lambda: s.daemon.logged("redis_retry") or s.daemon.logged("claim_retry") or
                 s.daemon.logged("lease_retry") or not s.daemon.alive())
        for verb in (b"SCRIPT", b"EVALSHA", b"HMGET", b"HGETALL", b"HGET"):
            liar.lie, lied = (verb, lie), liar.lies
            wait_for(f"{lie!r} to {verb!r}", 20, lambda: liar.lies > lied + 2 or not s.daemon.alive(), 0.02)
        check(s.daemon.alive(), f"it has ended: {lie!r}", s.daemon.text()[-3000:])
        liar.lie = None
        s.send(1)
        wait_for(f"all trips to be read after {lie!r}", 60, lambda: s.at() == s.sent)
        s.daemon.stop(30)


def scenario(case):
    case.create((TOPIC, 1), (TOPIC + ".dead", 1))
    s = Stream(case)
    s.send(8)
    s.start()
    wait_for("version 1", 90, lambda: case.redis("HGET", key("models"), "champion") == b"1")
    s.goes_on("a smooth run")
    keys_of_another_type(s)
    say(f"counted: {counters(case.redis, STREAM)}")
    s.daemon.stop(30)
    odd = a_version_without_an_alias(s)
    lies(s, Liar())
    s.start("again")
    wait_for(f"{odd} to be moved to unreadable", 30, lambda: s.redis("EXISTS", key(f"unreadable:{odd}")))
    s.goes_on("after the lies")
    fields_at_the_next_start(s)
    no_champion(s)
    s.daemon.stop(30)
    equal(s.at(), s.sent, "the end")


main(scenario)
