"""Predictions in a topic: every scored event at least once, and duplicates are identical.

Trips are read while they are produced, by a daemon that is killed at random instants. Each prediction
in the topic is decoded by fastavro with the schema that leeway ships; duplicates must be equal
byte for byte; events and predictions must match `leeway score` with the same model on the same
file, and their number the counter in Redis.
"""
import io
import json
import os
import subprocess
import sys
import time

from harness import (BIN, ROOT, TRIPS, Daemon, avro_cut, check, consume, count, counters, equal, main,
                     offsets, say, wait_for)

try:
    import fastavro
    from fastavro.schema import fingerprint, to_parsing_canonical_form
except ImportError:
    print("skipped: needs fastavro (tests/requirements.txt)")
    sys.exit(77)

STREAM, TOPIC, OUT = "scored", "scored-trips", "scored-predictions"
KILLS = 3


def train_one(case):
    """Trains version 1 in the bootstrap of another run; everything else of that run is deleted."""
    avro_cut(TRIPS, case.path("first.avro"), 0, 8)
    first = case.nyc(STREAM, "scored-first", [
        (r"group\.id: \S+", "group.id: scored-first"),
        (r"until: 2020-03-12", "rows: 15000"), (r"holdout: 2d", "holdout: 12h")], "first.yaml")
    case.leeway("replay", "-c", first, case.path("first.avro"))
    daemon = Daemon(case, first, "first")
    wait_for("version 1", 60,
             lambda: case.redis("HGET", f"leeway:{{{STREAM}}}:models", "champion") == b"1")
    daemon.stop()
    keep = {f"leeway:{{{STREAM}}}:{key}" for key in ("models", "model:1", "reference:1")}
    case.redis("UNLINK", *(set(case.redis.keys(f"leeway:{{{STREAM}}}:*")) - keep))


def rough(case, config, file, events):
    producer = subprocess.Popen([BIN, "replay", "-c", config, "--rate", "10000", file],
                                stdout=subprocess.DEVNULL, env=case.environment)
    case.at_end.append(producer.kill)
    for i in range(KILLS):
        daemon = Daemon(case, config, f"rough-{i}")
        wait_for("partitions", 60, lambda: daemon.logged("partition_claimed"), 0.01)
        time.sleep(case.random.uniform(0.5, 2))
        daemon.kill()
    daemon = Daemon(case, config, "last")
    equal(producer.wait(60), 0, "exit status of the replay")
    wait_for("the end of the topic", 60, lambda: offsets(case.redis, STREAM) == events)
    daemon.stop()


def read_back():
    """{(topic, partition, offset): record}, and the number of duplicates."""
    with open(os.path.join(ROOT, "schemas/scored.avsc"), encoding="utf-8") as f:
        raw = json.load(f)
    schema = fastavro.parse_schema(raw)
    mark = b"\xc3\x01" + bytes.fromhex(
        fingerprint(to_parsing_canonical_form(raw), "CRC-64-AVRO"))
    seen, again = {}, 0
    for message in consume(OUT):
        value = bytes.fromhex(message["value"])
        equal(value[:10], mark, "single-object mark and fingerprint")
        body = io.BytesIO(value[10:])
        record = fastavro.schemaless_reader(body, schema)
        equal(body.read(), b"", "bytes after the record")
        equal(bytes.fromhex(message["key"]).decode(), record["id"], "the key")
        where = record["topic"], record["partition"], record["offset"]
        if where in seen:
            again += 1
            equal(value, seen[where][0], f"what came again of {where}")
        seen[where] = value, record
    return {where: record for where, (_, record) in seen.items()}, again


def scenario(case):
    case.create((TOPIC, 4), (TOPIC + ".dead", 1), ("scored-first", 1), ("scored-first.dead", 1),
                (OUT, 3))
    train_one(case)
    file = case.path("trips.avro")
    events, _ = avro_cut(TRIPS, file, 8, 30)
    config = case.nyc(STREAM, TOPIC, [
        (r"retrain: true", "retrain: false"), (r"^  workers: 1.*", f"  scored: {OUT}"),
        (r"flush: .*", "flush: {interval: 700ms, events: 1000000}"),
        (r"^  auto\.offset\.reset: \S+",
         "  auto.offset.reset: earliest\n  group.instance.id: scored-1")])
    rough(case, config, file, events)
    scored, again = read_back()
    total = counters(case.redis, STREAM)
    say(f"{events} trips, {len(scored)} predictions, {again} of them came again; {total}")
    equal(len(scored), total["scored"], "predictions in the topic and in the counter")
    equal({r["model_version"] for r in scored.values()}, {1}, "model versions")
    equal({w[0] for w in scored}, {TOPIC}, "topics")

    case.leeway("models", "-c", config, "show", "1", "-o", case.path("model.avro"))
    wanted = {}
    for line in case.leeway("score", "-c", config, "--model", case.path("model.avro"), file,
                            "-o", "-").splitlines():
        row = json.loads(line)
        if row["rejected"] is None:
            wanted[row["id"]] = row["prediction"]
    found = {r["id"]: r["untracked"] for r in scored.values()}
    equal(len(found), len(scored), "ids")
    equal(sorted(found), sorted(wanted), "trips that were scored")
    check(all(found[i] == wanted[i] for i in wanted), "untracked predictions are those of leeway score",
          [(i, found[i], wanted[i]) for i in wanted if found[i] != wanted[i]][:5])
    check(len(set(found.values())) > 1000, "predictions differ", len(set(found.values())))
    equal(count(TOPIC), events, "messages in the source topic")


main(scenario)
