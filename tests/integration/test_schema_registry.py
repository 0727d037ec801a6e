"""Events in Confluent's framings, with a real registry (Apicurio) and Confluent's own serialiser.

The schema evolves while the stream runs: a field is added, one is renamed by alias, numbers are widened,
an optional field is dropped, a type moves into a separate schema. leeway keeps its reader's schema
and reads every event. Then the registry is killed: events with known schemas continue, those with
a new one are paused, nothing becomes a dead letter, a restarted leeway reads from its cache, and everything
continues when the registry is back. An unknown id becomes a dead letter with the reason, and so
does a schema without a required field. A model is trained on all events: minutes are exactly
3 + 2 * distance in every version, so any misread value would appear in its error.

At the end, two short streams: ids and GUIDs in record headers, behind a password; and single-object.
"""
import base64
import http.server
import json
import os
import subprocess
import threading
import urllib.error
import urllib.request

from harness import (KAFKA, ROOT, Daemon, avro_file, check, consume, count, counters, equal, main,
                     members, metrics, produce, say, wait_for)

try:
    from confluent_kafka import Producer
    from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext
except ImportError:
    print("skipped: needs tests/requirements.txt")
    raise SystemExit(77) from None

STREAM = TOPIC = "registry-rides"
BEGAN_MS = 1_700_000_400_000  # a full hour less a few minutes
ZONE = {"type": "enum", "name": "Zone", "namespace": "rides",
        "symbols": ["HARBOUR", "MARKET", "STATION", "PARK", "AIRPORT"]}
RIDE = {"type": "record", "name": "Ride", "namespace": "rides", "fields": [
    {"name": "id", "type": "string"},
    {"name": "ended_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "zone", "type": ZONE},
    {"name": "tip", "type": ["null", "double"], "default": None},
    {"name": "distance", "type": "double"},
    {"name": "minutes", "type": "int"}]}

CONFIG = """
stream: {stream}
kafka: {{bootstrap.servers: "{kafka}", auto.offset.reset: earliest}}
redis: {{url: "${{LEEWAY_REDIS}}"}}
source:
  topic: {stream}
  schema: ride.avsc
  framing: {framing}
  dead_letters: {stream}.dead
  flush: {{interval: 100ms}}
{more}
event:
  id: id
  time: ended_at
  fields:
    zone: {{kind: category, required: true}}
    distance: {{kind: numeric, required: true}}
    tip: numeric
target: {{field: minutes, range: [3, 43]}}
valid: ["0 <= distance <= 20", "tip < 6"]
features: {{zone: {{}}, distance: {{range: [0, 20]}}, tip: {{}}}}
panes: {{length: 1h, lateness: 1m, idle_timeout: 1s}}
windows: {{day: 1d}}
rules: [{{name: error, metric: rmse_ratio, window: day, critical: 2}}]
feature_sets: {{plain: [distance]}}
candidates: [{{name: line, features: plain, alpha: 0.0001, window: 30d}}]
http: {{listen: "{listen}"}}
retrain: {{bootstrap: {{rows: {rows}}}, min_rows: 100, holdout: 3h, reference: 1d}}
"""


# ---- schemas -----------------------------------------------------------------------------------


def changed(schema, **fields):
    """The schema with fields replaced, added (at the end) or dropped (None)."""
    out = json.loads(json.dumps(schema))
    out["fields"] = [fields.get(f["name"], f) for f in out["fields"]]
    out["fields"] = [f for f in out["fields"] if f]
    names = {f["name"] for f in schema["fields"]}
    out["fields"] += [f for name, f in fields.items() if name not in names and f]
    return out


ADDED = changed(RIDE, weather={"name": "weather", "type": "string", "default": "dry"})
RENAMED = changed(ADDED, distance={"name": "km", "type": "double", "aliases": ["distance"]})
WIDENED = changed(RENAMED, minutes={"name": "minutes", "type": "double"})
DROPPED = changed(WIDENED, tip=None)
SHARED = changed(DROPPED, zone={"name": "zone", "type": "rides.Zone"})
LACKING = changed(RIDE, distance=None)


def ride(schema, n):
    """The n-th ride of the stream, as a record of the schema."""
    names = {f["name"] for f in schema["fields"]}
    distance = n * 7 % 41 / 2
    all_fields = {"id": f"ride-{n}", "ended_at": BEGAN_MS + n * 20_000, "weather": "wet",
                  "zone": ZONE["symbols"][n % 5], "tip": n % 6 if n % 3 else None,
                  "distance": distance, "km": distance, "minutes": round(3 + 2 * distance)}
    return {k: v for k, v in all_fields.items() if k in names}


# ---- the registry and the producer ---------------------------------------------------------------


def free_port():
    return subprocess.run([os.path.join(ROOT, "scripts/kafka.sh"), "port"], text=True,
                          capture_output=True, check=True).stdout.strip()


class Registry:
    """Apicurio as a child process, with its schemas in a directory that outlives it."""

    def __init__(self, case):
        self.case, self.script = case, os.path.join(ROOT, "scripts/registry.sh")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/apis/ccompat/v7"
        os.mkdir(case.path("registry"))
        subprocess.run([self.script, "fetch"], check=True, stdin=subprocess.DEVNULL)
        case.at_end.append(self.kill)
        self.start()

    def start(self):
        with open(self.case.path("registry.log"), "ab") as log:
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", self.script, "run", self.port,
                 self.case.path("registry")], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("the registry", 60, self.answers)

    def answers(self):
        check(self.child.poll() is None, "the registry lives",
              open(self.case.path("registry.log"), encoding="utf-8").read()[-2000:])
        try:
            with urllib.request.urlopen(self.url + "/subjects", timeout=2) as reply:
                return reply.status == 200
        except OSError:
            return False

    def kill(self):
        self.child.kill()
        self.child.wait()


class Rides:
    """Produces rides with Confluent's serialiser, and counts them."""

    def __init__(self, registry):
        self.client = SchemaRegistryClient({"url": registry.url})
        self.producer = Producer({"bootstrap.servers": KAFKA})
        self.serialisers, self.sent = {}, 0

    def serialiser(self, schema, references=()):
        text = json.dumps(schema)
        if text not in self.serialisers:
            self.serialisers[text] = AvroSerializer(
                self.client, Schema(text, "AVRO", list(references)))
        return self.serialisers[text]

    def value(self, schema, n, references=()):
        return self.serialiser(schema, references)(
            ride(schema, n), SerializationContext(TOPIC, MessageField.VALUE))

    def send(self, schema, many, partition=None, references=()):
        for n in range(self.sent, self.sent + many):
            self.producer.produce(TOPIC, self.value(schema, n, references),
                                  partition=n % 2 if partition is None else partition,
                                  timestamp=BEGAN_MS + n * 20_000)
        self.producer.flush()
        self.sent += many


# ---- scenarios -----------------------------------------------------------------------------------


def all_read(case, stream, good, dead=0, seconds=40):
    try:
        wait_for(f"{good} events and {dead} letters", seconds,
                 lambda: (lambda c: c["good"] == good and c["dead_lettered"] == dead)(
                     counters(case.redis, stream)))
    finally:
        say(f"{stream}: {counters(case.redis, stream)}")


def evolves(case, rides, daemon):
    for what, schema in (("as it was", RIDE), ("a field added", ADDED), ("renamed", RENAMED),
                         ("widened", WIDENED), ("an optional field dropped", DROPPED)):
        rides.send(schema, 400)
        all_read(case, STREAM, rides.sent)
        say(f"read: {what}")
    rides.client.register_schema("zones", Schema(json.dumps(ZONE), "AVRO"))
    rides.send(SHARED, 400, references=[SchemaReference("rides.Zone", "zones", 1)])
    all_read(case, STREAM, rides.sent)
    say("read: a type of another subject")
    equal(len(daemon.logged("schema_known")), 6, "schemas requested, each once")
    equal(counters(case.redis, STREAM)["rejected"], 0, "rejected events")


def idle(case):
    return [case.redis("HGET", f"leeway:{{{STREAM}}}:part:{TOPIC}:{p}", "idle") for p in (0, 1)]


def outage(case, registry, rides, daemon, config, listen):
    late = changed(RIDE, late={"name": "late", "type": "boolean", "default": False})
    late_ride = dict(ride(RIDE, 0), late=True)
    rides.serialiser(late)(late_ride, SerializationContext(TOPIC, MessageField.VALUE))
    check_words = case.leeway("check", "-c", config, "--json")
    facts = {c["check"]: c for c in json.loads(check_words)["checks"]}
    check(facts["registry"]["ok"] and facts["subject"]["ok"], "check reaches the registry", facts)
    registry.kill()
    before = rides.sent
    rides.send(RIDE, 200, partition=0)
    all_read(case, STREAM, before + 200)
    say("without a registry, events with known schemas continue")
    facts = {c["check"]: c for c in json.loads(
        case.leeway("check", "-c", config, "--json", status=3))["checks"]}
    check(not facts["registry"]["ok"] and "no answer" in facts["registry"]["detail"],
          "check reports it", facts)

    daemon.stop()  # ... and after the restart it has only its cache
    daemon = Daemon(case, config, "again")
    wait_for("both partitions to be idle", 30, lambda: idle(case) == [b"1", b"1"])
    before = rides.sent
    for n in range(before, before + 100):
        value = rides.serialiser(late)(dict(ride(RIDE, n), late=True),
                                       SerializationContext(TOPIC, MessageField.VALUE))
        rides.producer.produce(TOPIC, value, partition=1, timestamp=BEGAN_MS + n * 20_000)
    rides.producer.flush()
    rides.sent += 100
    rides.send(DROPPED, 200, partition=0)
    all_read(case, STREAM, before + 200)
    check(all("from=cache" in l for l in daemon.logged("schema_known")), "schemas from the cache",
          daemon.logged("schema_known"))
    wait_for("the pause", 20, lambda: daemon.logged("partition_paused"))
    wait_for("the log line about it", 20, lambda: daemon.logged("registry_away"))
    wait_for("only the partition that was read to be idle", 20, lambda: idle(case) == [b"1", b"0"])
    equal(counters(case.redis, STREAM)["dead_lettered"], 0, "dead letters in an outage")
    equal(members(f"leeway-{STREAM}"), 1, "members of the group")
    seen = metrics(listen)
    equal((seen["leeway_registry_up"], seen["leeway_partitions_paused"]), ("0", "1"), "metrics")
    registry.start()
    all_read(case, STREAM, rides.sent)
    check(daemon.logged("registry_back") and daemon.logged("partition_resumed"), "it continued")
    equal(daemon.logged("partition_lost"), [], "partitions lost")
    seen = metrics(listen)
    equal((seen["leeway_registry_up"], seen["leeway_partitions_paused"]), ("1", "0"), "metrics")
    say("the registry is back, and nothing was lost")
    return daemon


GARBAGE = 1000


def dead_letters(case, rides, daemon, listen):
    unknown_id = b"\0" + (999_999).to_bytes(4, "big") + rides.value(RIDE, 1)[5:]
    lacking = rides.value(LACKING, 2)
    guid = b"\1" + bytes(range(40))  # garbage, and this registry does not support GUIDs
    good = rides.sent
    produce(TOPIC, 0, [unknown_id, lacking, b"\0\0", guid, rides.value(RIDE, rides.sent)])
    rides.sent += 1
    all_read(case, STREAM, good + 1, dead=4)
    letters = {bytes.fromhex(m["value"]): m["headers"]["__connect.errors.exception.message"]
               for m in consume(TOPIC + ".dead")}
    equal(set(letters), {unknown_id, lacking, b"\0\0", guid}, "dead letters, unchanged")
    check("no schema by GUID" in letters[guid], "why", letters[guid])
    check("does not know it" in letters[unknown_id] and "999999" in letters[unknown_id], "why",
          letters[unknown_id])
    check('"distance" is required' in letters[lacking], "why", letters[lacking])
    say("messages that can never be read are dead letters")
    # A producer of another format: each message seems to name a schema of its own.
    # Only its partition waits, and a schema that is new in the other comes before all that is asked ahead.
    pauses = len(daemon.logged("partition_paused"))
    produce(TOPIC, 1, [b"\0" + (500_000 + 7919 * i).to_bytes(4, "big") + b"xyz" for i in range(GARBAGE)])
    fresh = changed(RIDE, fresh={"name": "fresh", "type": "string", "default": ""})
    rides.producer.produce(TOPIC, rides.serialiser(fresh)(
        dict(ride(RIDE, rides.sent), fresh="x"), SerializationContext(TOPIC, MessageField.VALUE)), partition=0,
        timestamp=BEGAN_MS + rides.sent * 20_000)
    rides.producer.flush()
    rides.sent += 1
    all_read(case, STREAM, good + 2, dead=4 + GARBAGE, seconds=120)
    pauses = len(daemon.logged("partition_paused")) - pauses
    check(pauses < GARBAGE / 10, f"log lines about partitions paused for {GARBAGE} unknown schemas", pauses)
    check(not [l for l in daemon.logged("partition_paused") if "partition=0" in l][3:], "the other partition",
          daemon.logged("partition_paused"))
    asked = int(metrics(listen)["leeway_registry_requests_total"])
    check(asked < GARBAGE * 1.3, "schemas requested more than once", asked)
    say(f"{GARBAGE} messages with a schema each, {asked} requests, {pauses} pauses")


def trained(case, config, rides):
    key = f"leeway:{{{STREAM}}}:models"
    wait_for("a model", 60, lambda: case.redis("HGET", key, "champion") == b"1")
    shown = json.loads(case.leeway("models", "-c", config, "show", "1", "--json"))
    facts = shown["facts"]
    check(facts["lineage"]["rows"] >= 2000, "rows of the training", facts["lineage"])
    taken = facts["lineage"]  # with the four dead letters, or from before them
    check(taken["undecodable"] == taken["messages"] - taken["rows"] in (0, 4),
          "all but the dead letters are readable", taken)
    error = facts["heldout_error"]
    check(error < 0.05, "minutes are 3 + 2 * distance under every schema", facts)
    say(f"trained on {facts['lineage']['rows']} rows, RMSE {error:.4f}")


class Gate:
    """A proxy in front of the registry that requires a password and supports GUIDs, which Apicurio 2 does not."""

    def __init__(self, url, word, guids):
        gate, self.refused, self.asked = self, 0, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                gate.asked.append(self.path)
                given = base64.b64encode(f"me:{word}".encode()).decode()
                if self.headers.get("Authorization") != f"Basic {given}":
                    gate.refused += 1
                    return self.reply(401, b'{"error_code":40101}')
                path = self.path
                if path.startswith("/schemas/guids/"):
                    path = f"/schemas/ids/{guids.get(path.rsplit('/', 1)[1], 0)}"
                try:
                    with urllib.request.urlopen(url + path, timeout=5) as reply:
                        return self.reply(reply.status, reply.read())
                except urllib.error.HTTPError as why:
                    return self.reply(why.code, why.read())

            def reply(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def write_config(case, stream, framing, more="", rows=1_000_000, listen="off"):
    case.create((stream, 2), (stream + ".dead", 1))
    case.streams.append(stream)
    path = case.path(f"{stream}.yaml")
    with open(path, "w", encoding="utf-8") as out:
        out.write(CONFIG.format(stream=stream, kafka=KAFKA, framing=framing, more=more, rows=rows,
                                listen=listen))
    return path


def headers(case, registry, rides):
    """Ids and GUIDs in the record header, GUIDs before the value, and a wrong password first."""
    stream, word = "registry-headers", "s3cret word"
    value = rides.value(RIDE, 0)
    guid = bytes(range(16, 32))
    name = "-".join((guid[:4].hex(), guid[4:6].hex(), guid[6:8].hex(), guid[8:10].hex(),
                     guid[10:].hex()))
    gate = Gate(registry.url, word, {name: int.from_bytes(value[1:5], "big")})
    case.at_end.append(gate.close)
    with open(case.path("word"), "w", encoding="utf-8") as out:
        out.write("wrong\n")
    config = write_config(case, stream, "confluent", f"""
  registry: {{url: "{gate.url}", user: me, password_file: word, retry_max: 200ms}}""")
    for n in range(100):
        datum = rides.value(RIDE, n)[5:]
        where = [("__value_schema_id", b"\1" + guid)] if n % 3 == 0 else None
        if n % 3 == 1:
            where = [("x", b"y"), ("__value_schema_id", value[:5])]
        rides.producer.produce(stream, datum if where else b"\1" + guid + datum, headers=where,
                               timestamp=BEGAN_MS + n * 1000)
    rides.producer.flush()
    daemon = Daemon(case, config, stream)
    wait_for("a refusal", 30, lambda: daemon.logged("registry_away"))
    check("401" in daemon.logged("registry_away")[0], "why", daemon.logged("registry_away"))
    equal(counters(case.redis, stream)["dead_lettered"], 0, "dead letters for a wrong password")
    with open(case.path("word"), "w", encoding="utf-8") as out:
        out.write(word + "\n")
    all_read(case, stream, 100)
    check(word not in daemon.text() and "wrong" not in daemon.text(), "no secret in the log")
    check(f"/schemas/guids/{name}" in gate.asked, "requests by GUID", gate.asked)
    daemon.stop()
    say("headers, GUIDs and a password")


def single_object(case):
    """Replays files of two schemas; events of a third, unlisted schema become dead letters."""
    stream = "registry-single"
    with open(case.path("renamed.avsc"), "w", encoding="utf-8") as out:
        json.dump(RENAMED, out)
    config = write_config(case, stream, "single-object", "  schemas: [renamed.avsc]")
    files = []
    for i, schema in enumerate((RIDE, RENAMED, WIDENED)):
        files.append(case.path(f"single-{i}.avro"))
        avro_file(files[-1], schema, [ride(schema, n) for n in range(i * 50, i * 50 + 50)])
    daemon = Daemon(case, config, stream)
    case.leeway("replay", "-c", config, *files)
    all_read(case, stream, 100, dead=50)
    letter = consume(stream + ".dead")[0]
    check("fingerprint" in letter["headers"]["__connect.errors.exception.message"], "why", letter)
    check(letter["value"].startswith("c301"), "its framing", letter["value"])
    daemon.stop()
    say("single-object of two schemas")


def replays(case, rides, config):
    """`leeway replay` finds the id that the serialiser registered, and registers a new one."""
    good, dead = rides.sent, counters(case.redis, STREAM)["dead_lettered"]
    path = case.path("replayed.avro")
    fresh = changed(RIDE, source={"name": "source", "type": "string", "default": ""})
    avro_file(path, fresh,
              [dict(ride(RIDE, n), source="file") for n in range(good, good + 50)])
    case.leeway("replay", "-c", config, path)
    rides.sent += 50
    all_read(case, STREAM, rides.sent, dead=dead)
    newest = rides.client.get_latest_version(TOPIC + "-value")
    check("source" in newest.schema.schema_str, "registered", newest.schema.schema_str)
    before = newest.version
    case.leeway("replay", "-c", config, path)
    rides.sent += 50
    all_read(case, STREAM, rides.sent, dead=dead)
    equal(rides.client.get_latest_version(TOPIC + "-value").version, before,
          "versions after a second replay")
    say("replayed in the stream's framing")


def scenario(case):
    registry = Registry(case)
    rides = Rides(registry)
    with open(case.path("ride.avsc"), "w", encoding="utf-8") as out:
        json.dump(RIDE, out)
    config = write_config(case, STREAM, "confluent", f"""
  registry: {{url: "{registry.url}/", cache_dir: schemas, retry_max: 500ms, missing_wait: 1s}}""",
                          rows=2400, listen=(listen := f"127.0.0.1:{free_port()}"))
    daemon = Daemon(case, config)
    evolves(case, rides, daemon)
    daemon = outage(case, registry, rides, daemon, config, listen)
    dead_letters(case, rides, daemon, listen)
    replays(case, rides, config)
    trained(case, config, rides)
    daemon.stop()
    equal(count(TOPIC + ".dead"), 4 + GARBAGE, "total dead letters")
    headers(case, registry, rides)
    single_object(case)


main(scenario)
