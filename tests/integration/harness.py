"""Helpers shared by the integration scenarios: leeway as a child process, Kafka and Redis as started by
tests/support/services.sh, a webhook receiver, a configuration derived from another one, and Avro bytes
written without leeway. Python's standard library only.

A scenario is a script that calls `main(function)`. The function gets a `Case`: its own scratch
directory, its own Redis keys, and children that are stopped in any case. Outside of services.sh
a scenario exits with 77, which ctest counts as skipped.
"""
import http.server
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(1, os.path.join(ROOT, "tests/support"))
import plain_redis  # noqa: E402

BIN = os.environ.get("LEEWAY_TEST_BIN", os.path.join(ROOT, "build/release/leeway"))
TOOL = os.environ.get("LEEWAY_TEST_KAFKA_TOOL",
                      os.path.join(ROOT, "build/release/tests/integration/kafka_tool"))
KAFKA = os.environ.get("LEEWAY_TEST_KAFKA")
REDIS = os.environ.get("LEEWAY_TEST_REDIS")
REDIS_AS = os.environ.get("LEEWAY_TEST_REDIS_AS", "")  # the Redis user of leeway; the tests themselves have all permissions
TRIPS = os.path.join(ROOT, "data/green_2020-03_2020-05.avro")
EVENTS = 316378  # in TRIPS
# Under sanitizers everything takes longer; waits are limits, never measurements.
PATIENCE = float(os.environ.get("LEEWAY_TEST_PATIENCE", "1"))


class Failed(Exception):
    pass


def check(condition, text, *found):
    if not condition:
        raise Failed(text + "".join(f"\n  found: {f!r}" for f in found))


def equal(found, wanted, what):
    check(found == wanted, f"{what}: wanted {wanted!r}", found)


def say(text):
    print(f"[{time.monotonic() - BEGAN:6.1f}s] {text}", flush=True)


BEGAN = time.monotonic()


def wait_for(what, seconds, condition, every=0.1):
    """Waits until the condition is true; returns its value."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"waited {seconds} s for {what}")
        time.sleep(every)


# ---- Redis ------------------------------------------------------------------------------------


class Redis(plain_redis.Redis):
    """The Redis of services.sh, unless another address is given."""

    error = Failed

    def __init__(self, address=None, timeout=20, db=0):
        super().__init__(address or REDIS, timeout, db)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class RedisServer:
    """A Redis of one scenario with an append-only file, which can be killed, suspended and restored."""

    def __init__(self, case, name="redis", *extra, port=None):
        self.dir, self.extra = case.path(name), extra
        os.mkdir(self.dir)
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.child = None
        case.at_end.append(self.kill)
        self.start()

    def start(self, *extra):
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "redis-server", "--bind", "127.0.0.1",
                 "--port", str(self.port), "--dir", self.dir, "--appendonly", "yes",
                 "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0", "--save", "",
                 "--daemonize", "no", *self.extra, *extra],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("Redis", 20, self.answers)

    def answers(self):
        try:
            redis = Redis(self.address, 2)
            try:
                return redis("PING") == b"PONG"
            finally:
                redis.close()
        except (Failed, OSError):  # not started yet, or loading
            return False

    def stop(self):
        self.child.send_signal(signal.SIGSTOP)

    def resume(self):
        self.child.send_signal(signal.SIGCONT)

    def kill(self):
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def copy(self, to):
        """Copies the state on disk: the append-only file only grows at its end, so that a copy of it is
        the state of some moment, whatever is written meanwhile."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(os.path.join(self.dir, "appendonlydir"), to)

    def restore(self, from_):
        """Restores a copy; only while the server is not running."""
        shutil.rmtree(os.path.join(self.dir, "appendonlydir"))
        shutil.copytree(from_, os.path.join(self.dir, "appendonlydir"))


COUNTERS = ("messages", "good", "rejected", "dead_lettered", "late", "suspect", "scored",
            "gone")


def counters(redis, stream):
    """The counters of docs/redis.md, summed over the partitions."""
    total = dict.fromkeys(COUNTERS, 0)
    for key in redis.keys(f"leeway:{{{stream}}}:part:*"):
        part = redis.hash(key)
        for name in total:
            total[name] += int(part.get(name, 0))
    return total


def gaps(redis, stream):
    """Partitions whose offset differs from the messages they count, of a topic that was
    never compacted: [(key, next_offset, messages)]."""
    parts = [(k, redis.hash(k)) for k in redis.keys(f"leeway:{{{stream}}}:part:*")]
    return [(k, p.get("next_offset"), p.get("messages")) for k, p in parts
            if p.get("next_offset") != p.get("messages")]


def offsets(redis, stream):
    return sum(int(redis.hash(k).get("next_offset", 0))
               for k in redis.keys(f"leeway:{{{stream}}}:part:*"))


# ---- comparing two runs -----------------------------------------------------------------------

# Fields of hashes with process names and wall-clock times.
# What names a process, its clock, or the moment of a flush.
WHO = {"part": {b"owner", b"epoch", b"claimed", b"updated", b"idle", b"end_offset", b"tracking_since"},
       "now": {b"updated"}, "monitor": {b"updated", b"heard", b"heard_at"}, "meta": {b"created", b"config_hash"}}
OURS = {"lease", "fence", "outbox", "outbox:tries", "outbox:parked", "asks", "health"}  # processes' and deliveries' own


# Alerts about leeway itself (docs/alerts.md).
ITSELF = {"leeway-" + c for c in ("kafka", "redis", "partitions", "leader", "clock", "letters", "predictions", "outbox")}


def without_itself(redis, prefix, fields):
    """Without alerts about leeway itself, which depend on the faults and not on the events."""
    itself = {f for f, state in redis.raw(prefix + "alerts").items()
              if json.loads(state).get("rule") in ITSELF}
    return {f: v for f, v in fields.items() if f.split(b"@")[0] not in itself}


def all_of(redis, key, name):
    """The part of one key that must be equal; name: the key without the stream's prefix."""
    kind = redis("TYPE", key).decode()
    if kind == "hash":
        without = WHO.get(name.split(":")[0], ())
        if name.startswith("alerts"):
            fields = without_itself(redis, key.removesuffix(name), redis.raw(key))
            if name == "alerts:notified":  # wall-clock time
                return dict.fromkeys(fields, "")
            if name == "alerts:message":
                return {f: {k: v for k, v in json.loads(m).items() if k not in ("raised_at", "host")}
                        for f, m in fields.items()}
            return fields
        return {f: v for f, v in redis.raw(key).items() if f not in without}
    if kind == "zset":
        return dict(enumerate(redis("ZRANGE", key, 0, -1, "WITHSCORES")))
    if kind == "stream":
        lines = redis.entries(key)
        if name in ("audit", "evaluations"):
            return dict(enumerate((e["what"], e["detail"], e["event"]) for _, e in lines
                                  if e["what"] != "undeliverable"))
        return {i: {f: v for f, v in e.items() if f != "updated"} for i, e in lines}
    if kind == "list":
        return dict(enumerate(redis("LRANGE", key, 0, -1)))
    return {"": redis("GET", key)}


def identical(rough, smooth, stream, what):
    """Compares all keys of a stream in two Redis, byte for byte: panes, partitions with their
    counters, offsets, windows, history, alerts, the monitor's state, models, the audit."""
    prefix = f"leeway:{{{stream}}}:"
    names = [[name for k in redis.keys(prefix + "*") if (name := k[len(prefix):]) not in OURS
              and (not name.startswith("alerts") or all_of(redis, k, name))] for redis in (rough, smooth)]
    equal(sorted(set(names[0]) ^ set(names[1])), [], f"{what}: keys that only one of them has")
    size = n = 0
    for name in names[0]:
        a, b = all_of(rough, prefix + name, name), all_of(smooth, prefix + name, name)
        equal(sorted(map(str, a)), sorted(map(str, b)), f"{what}: fields of {name}")
        for field, value in a.items():
            check(b[field] == value, f"{what}: {name} differs in {field!r}", str(value)[:300],
                  str(b[field])[:300])
            size, n = size + len(str(value)), n + 1
    kinds = {k: sum(1 for name in names[0] if name.split(":")[0] == k)
             for k in ("pane", "part", "window")}
    say(f"{what}: identical: {len(names[0])} keys {kinds}, {n} fields, {size} bytes")


def each_pane_once(redis, stream, pane):
    """Checks that every pane is evaluated exactly once."""
    ids = [int(i.split("-")[0]) for i, _ in redis.entries(f"leeway:{{{stream}}}:history")]
    equal([b - a for a, b in zip(ids, ids[1:]) if b - a != pane], [], "gaps in the history")
    lines = [int(e["event"]) for _, e in redis.entries(f"leeway:{{{stream}}}:evaluations")]
    equal(lines, ids, "one line per evaluation")
    return ids


def must_be_sealed(redis, stream, partitions, pane):
    """The time up to which panes must be sealed once everything is read: the slowest partition's watermark."""
    parts = [redis.hash(k) for k in redis.keys(f"leeway:{{{stream}}}:part:*")]
    marks = [int(p["watermark"]) for p in parts if p.get("watermark")]
    return min(marks) // pane * pane if len(marks) == partitions else None


def wait_evaluated(redis, stream, messages, partitions, pane, seconds=60):
    """Waits until all messages are counted and all complete panes are evaluated."""
    try:
        wait_for("the end of the topic", seconds, lambda: offsets(redis, stream) == messages)
    except Failed as why:
        parts = {k: redis.hash(k) for k in redis.keys(f"leeway:{{{stream}}}:part:*")}
        raise Failed(f"{why} of {messages} messages in {redis.address}:\n" + "\n".join(
            f"{k}: {p.get('next_offset')} of {p.get('end_offset')} by {p.get('owner')}"
            for k, p in parts.items())) from None
    wait_for("the last evaluation", seconds, lambda: (
        until := must_be_sealed(redis, stream, partitions, pane)) and until == int(
            redis("HGET", f"leeway:{{{stream}}}:monitor", "sealed_until") or 0))


# ---- Kafka ------------------------------------------------------------------------------------


def kafka(*words, given=None):
    done = subprocess.run([TOOL, KAFKA, *map(str, words)], input=given, text=True,
                          capture_output=True, timeout=60 * PATIENCE)
    check(done.returncode == 0, f"kafka_tool {words}: {done.stderr.strip()}")
    return done.stdout


def produce(topic, partition, values, ms=0):
    """ms: the records' time; 0 is now, -1 none."""
    kafka("produce", topic, partition, ms, given="".join(v.hex() + "\n" for v in values))


def consume(topic):
    return [json.loads(line) for line in kafka("consume", topic).splitlines()]


def count(topic):
    return int(kafka("count", topic))


def ends(topic):
    """The next offset of each partition."""
    return [int(line) for line in kafka("ends", topic).split()]


def members(group):
    words = kafka("group", group).split()
    return int(words[1]) if words else 0


class Broker:
    """A Kafka of one scenario, which can be killed and restarted; from here on `kafka` and
    the case's children use it."""

    def __init__(self, case, *words):
        global KAFKA
        self.dir, self.child, self.words = case.path("kafka"), None, words
        os.mkdir(self.dir)
        case.own_broker = True
        case.at_end.append(self.kill)
        self.start()
        with open(os.path.join(self.dir, "bootstrap.part"), encoding="utf-8") as f:
            self.address = f.read().strip()
        KAFKA = case.environment["LEEWAY_KAFKA"] = self.address

    def start(self):
        log = os.path.join(self.dir, "broker.log")
        with open(log, "wb") as out:
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", os.path.join(ROOT, "scripts/kafka.sh"), "run", self.dir,
                 *self.words],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)

        def up():
            check(self.child.poll() is None, "the broker runs")
            with open(log, "rb") as f:
                return b"Kafka Server started" in f.read()

        wait_for("the broker", 90, up)

    def kill(self):
        if self.child and self.child.poll() is None:
            self.child.kill()  # kafka.sh has become the JVM by now
            self.child.wait()


# ---- webhooks ---------------------------------------------------------------------------------


class Receiver:
    """Messages to on-call; answers 204, or `answer(n)` to the n-th request. Messages about
    leeway itself are kept separately, because scenarios that stop services cause them, too."""

    def __init__(self, answer=None):
        self.got, self.itself, self.requests, receiver = [], [], 0, self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.requests += 1
                status = answer(receiver.requests) if answer else 204
                if status < 300:
                    message = json.loads(body)
                    itself = isinstance(message, dict) and message.get("rule") in ITSELF
                    (receiver.itself if itself else receiver.got).append(message)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/alerts"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


# ---- Avro without leeway ----------------------------------------------------------------------


def avro_long(n):
    n = (n << 1) ^ (n >> 63)
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def avro(schema, value):
    """One datum in Avro's binary encoding, for the few types that the tests use."""
    if isinstance(schema, list):
        at = next(i for i, s in enumerate(schema) if (s == "null") == (value is None))
        return avro_long(at) + avro(schema[at], value)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "record":
        return b"".join(avro(f["type"], value[f["name"]]) for f in schema["fields"])
    if kind == "enum":
        return avro_long(schema["symbols"].index(value))
    if kind in ("long", "int"):
        return avro_long(value)
    if kind == "string":
        return avro_long(len(value.encode())) + value.encode()
    if kind in ("float", "double"):
        return struct.pack("<f" if kind == "float" else "<d", value)
    return {"null": b"", "boolean": b"\1" if value else b"\0"}[kind]


def green_trip(n, ms):
    """A trip of 2.5 miles that ended at `ms`, in the bundled configuration's schema."""
    with open(os.path.join(ROOT, "schemas/green_trip.avsc"), encoding="utf-8") as f:
        schema = json.load(f)
    value = {}
    for field in schema["fields"]:
        kind, name = field["type"], field["name"]
        value[name] = None if isinstance(kind, list) and "null" in kind else "x" \
            if kind == "string" else 1
    value.update(trip_id=str(n), lpep_pickup_datetime=ms - 600_000, lpep_dropoff_datetime=ms,
                 PULocationID=1, DOLocationID=2, passenger_count=1, trip_distance=2.5)
    return avro(schema, value)


def avro_file(path, schema, records):
    mark = bytes(range(16))
    meta = [("avro.schema", json.dumps(schema).encode()), ("avro.codec", b"null")]
    with open(path, "wb") as out:
        out.write(b"Obj\1" + avro_long(len(meta)))
        for name, value in meta:
            out.write(avro("string", name) + avro_long(len(value)) + value)
        out.write(avro_long(0) + mark)
        for i in range(0, len(records), 1000):
            block = [avro(schema, r) for r in records[i:i + 1000]]
            data = b"".join(block)
            out.write(avro_long(len(block)) + avro_long(len(data)) + data + mark)


def read_long(data, at):
    n = shift = 0
    while True:
        byte = data[at]
        n |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return (n >> 1) ^ -(n & 1), at


def read_datum(schema, data, at):
    """Decodes a datum of `avro`; returns it and its end."""
    if isinstance(schema, list):
        i, at = read_long(data, at)
        return read_datum(schema[i], data, at)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "record":
        value = {}
        for f in schema["fields"]:
            value[f["name"]], at = read_datum(f["type"], data, at)
        return value, at
    if kind == "enum":
        i, at = read_long(data, at)
        return schema["symbols"][i], at
    if kind in ("long", "int"):
        return read_long(data, at)
    if kind == "string":
        n, at = read_long(data, at)
        return data[at:at + n].decode(), at + n
    if kind in ("float", "double"):
        size = 4 if kind == "float" else 8
        return struct.unpack_from("<f" if kind == "float" else "<d", data, at)[0], at + size
    return (None, at) if kind == "null" else (data[at] != 0, at + 1)


def avro_blocks(data):
    """Of a container file's bytes: its metadata, where its blocks begin, and of each block (begin, end
    with the mark, records, where its data begin)."""
    at, meta, blocks = 4, {}, []
    while True:  # the metadata's blocks: pairs of name and value
        n, at = read_long(data, at)
        if n == 0:
            break
        check(n > 0, "this reader does not support metadata blocks with a size")
        for _ in range(n):
            words = []
            for _ in range(2):
                length, at = read_long(data, at)
                words.append(data[at:at + length])
                at += length
            meta[words[0].decode()] = words[1]
    at += 16
    head = at
    while at < len(data):
        begin = at
        n, at = read_long(data, at)
        size, at = read_long(data, at)
        blocks.append((begin, at + size + 16, n, at))
        at += size + 16
    return meta, head, blocks


def avro_cut(source, path, first, until):
    """Blocks [first, until) of a container file as one of its own; how many records they hold, and how
    many blocks there are."""
    with open(source, "rb") as f:
        data = f.read()
    _, head, blocks = avro_blocks(data)
    with open(path, "wb") as out:
        out.write(data[:head])
        for begin, end, _, _ in blocks[first:until]:
            out.write(data[begin:end])
    return sum(n for _, _, n, _ in blocks[first:until]), len(blocks)


def avro_records(source, most=None):
    """Schema and records of a container file: all, or the first blocks with at least so many."""
    with open(source, "rb") as f:
        data = f.read()
    meta, _, blocks = avro_blocks(data)
    schema, records = json.loads(meta["avro.schema"]), []
    for _, end, n, at in blocks:
        if most is not None and len(records) >= most:
            break
        block, at = data[at:end - 16], 0
        if meta.get("avro.codec") == b"deflate":
            block = zlib.decompress(block, -15)
        for _ in range(n):
            record, at = read_datum(schema, block, at)
            records.append(record)
    return schema, records


def avro_later(source, path, fields, ms):
    """A copy of a container file with these times shifted later."""
    schema, records = avro_records(source)
    for record in records:
        for name in fields:
            record[name] += ms
    avro_file(path, schema, records)


# ---- leeway -----------------------------------------------------------------------------------


class Daemon:
    """`leeway run` as a child process; a failing scenario prints its log."""

    def __init__(self, case, config, name="run", db=0, **environment):
        if db:
            environment["LEEWAY_REDIS"] = f"redis://{REDIS_AS}{REDIS}/{db}"
        self.log = os.path.join(case.dir, f"{name}.log")
        self.name = name
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen([BIN, "run", "-c", config], stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log,
                                          env={**case.environment, **environment})
        case.daemons.append(self)

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def logged(self, event):
        """Lines `time level event ...` of one event."""
        return re.findall(rf"^\S+ +\S+ +{event}\b.*$", self.text(), re.M)

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def freeze(self):
        self.child.send_signal(signal.SIGSTOP)

    def resume(self):
        self.child.send_signal(signal.SIGCONT)

    def stop(self, seconds=10):
        """SIGTERM: the daemon flushes, leaves the group, and exits with 0 in time."""
        self.child.send_signal(signal.SIGTERM)
        try:
            status = self.child.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} does not stop within {seconds} s") from None
        equal(status, 0, f"exit status of {self.name} after SIGTERM")

    def alive(self):
        return self.child.poll() is None


def metrics(listen):
    """Samples without labels: {name: text}."""
    with urllib.request.urlopen(f"http://{listen}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    return dict(l.split() for l in lines if not l.startswith("#") and "{" not in l)


class Case:
    def __init__(self, name):
        self.name = name
        self.dir = tempfile.mkdtemp(prefix=f"leeway-{name}.", dir=os.environ.get("LEEWAY_TEST_DIR"))
        self.daemons, self.streams, self.topics, self.at_end = [], [], [], []
        self.databases, self.own_broker = [], False
        self.redis = Redis()
        self.environment = {**os.environ, "LEEWAY_KAFKA": KAFKA,
                            "LEEWAY_REDIS": f"redis://{REDIS_AS}{REDIS}", "LEEWAY_LISTEN": "off",
                            "LEEWAY_WEBHOOK": "http://127.0.0.1:9/alerts"}
        self.seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
        self.random = random.Random(self.seed)

    def path(self, name):
        return os.path.join(self.dir, name)

    def create(self, *topics):
        """create(("name", partitions), ...)"""
        self.topics += [name for name, _ in topics]
        kafka("create", *[word for topic in topics for word in topic])

    def config(self, source, name, changes):
        """A copy of a configuration with lines changed: [(regular expression, replacement)]. Each
        must match, so that a test does not quietly run with what it meant to change."""
        with open(os.path.join(ROOT, source), encoding="utf-8") as f:
            text = f.read()
        for pattern, to in changes:
            text, n = re.subn(pattern, to, text, flags=re.M)
            check(n > 0, f"{source} has no match for {pattern!r}")
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def nyc(self, stream, topic, changes=(), name=None):
        """configs/nyc-green.yaml as another stream, with short waits and panes of an hour."""
        self.streams.append(stream)
        return self.config("configs/nyc-green.yaml", name or f"{stream}.yaml", [
            (r"^stream: \S+", f"stream: {stream}"),
            (r"group\.id: \S+", f"group.id: {stream}"),
            (r"^  topic: \S+", f"  topic: {topic}"),
            (r"dead_letters: \S+", f"dead_letters: {topic}.dead"),
            (r"schema: \.\./schemas", f"schema: {ROOT}/schemas"),
            (r"flush: .*", "flush: {interval: 100ms, events: 5000}"),
            (r"idle_timeout: \S+", "idle_timeout: 2s"),
            (r"^  length: 15m$", "  length: 1h"), (r"^  lateness: 5m$", "  lateness: 1h"),
            (r"^    url: \S+LEEWAY_WEBHOOK\S+", '    url: "${LEEWAY_WEBHOOK}"'),
            *changes])

    def leeway(self, *words, status=0, **environment):
        """Runs a command to its end; returns its standard output."""
        done = self.attempt(*words, **environment)
        check(done.returncode == status,
              f"leeway {' '.join(words)}: exit status {done.returncode}, wanted {status}",
              done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    def attempt(self, *words, **environment):
        return subprocess.run([BIN, *words], text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=600 * PATIENCE,
                              env={**self.environment, **environment})

    def finish(self, failed):
        for daemon in self.daemons:
            if daemon.alive():
                daemon.kill()
            if failed and daemon in self.daemons[-8:]:
                print(f"---- end of {daemon.log}\n{daemon.text()[-6000:]}", flush=True)
        for step in reversed(self.at_end):
            step()
        if self.topics and not self.own_broker:
            kafka("delete", *self.topics)
        for stream in self.streams:
            keys = self.redis.keys(f"leeway:{{{stream}}}:*")
            for i in range(0, len(keys), 500):
                self.redis("UNLINK", *keys[i:i + 500])
        # ... and where a scenario has the same stream a second time
        for db in self.databases:
            other = Redis(db=db)
            other("FLUSHDB")
            other.close()
        self.redis.close()
        if not (failed and os.environ.get("LEEWAY_KEEP") == "1"):
            shutil.rmtree(self.dir, ignore_errors=True)


def main(scenario, needs_services=True):
    if needs_services and not (KAFKA and REDIS):
        print("skipped: run by tests/support/services.sh")
        sys.exit(77)
    # ctest kills a test that takes too long (SIGKILL), but an interruption must clean up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    name = os.path.basename(sys.argv[0]).removesuffix(".py").removeprefix("test_")
    case, failed = Case(name), True
    try:
        say(f"{name}: seed {case.seed} (SEED={case.seed} repeats it)")
        scenario(case)
        failed = False
        say("passed")
    except Failed as why:
        print(f"FAILED: {why}\n{traceback.format_exc(limit=-3)}", flush=True)
    except subprocess.TimeoutExpired as why:
        print(f"FAILED: {why}", flush=True)
    finally:
        case.finish(failed)
    sys.exit(1 if failed else 0)
