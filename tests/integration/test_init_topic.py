"""`leeway init --topic` drafts from the messages of a real topic, however they are framed.

The same trips are in three topics: bare, with Confluent's header, and in Avro's single-object encoding. The
three samples must have the same bytes, with the trips of both partitions in order of time; the drafts must
differ in names and framing only, and pass `check`.
"""
import os
import re

from harness import KAFKA, ROOT, TRIPS, avro, avro_records, check, equal, kafka, main, produce

SCHEMA = os.path.join(ROOT, "schemas/green_trip.avsc")
FRAMES = {"raw": b"", "confluent": b"\0\0\0\0\7", "single-object": b"\xc3\1" + bytes(range(8))}
START = 1583000000000


def draft(case, framing, values):
    topic = f"init-{framing}.v1"
    case.create((topic, 2))
    for i, part in enumerate((values[0::2], values[1::2])):
        produce(topic, i, [FRAMES[framing] + v for v in part], START)
    produce(topic, 0, [b"\xff" * 40], START)
    out = case.path(f"{framing}.yaml")
    done = case.attempt("init", "--topic", topic, "--kafka", KAFKA, "--schema", SCHEMA, "-o", out,
                        "--target", "fare_amount", "--property", "client.id=draft",
                        "--property", "broker.address.family=v4")
    equal(done.returncode, 0, f"exit status of init: {done.stderr}")
    check("1 of %d messages do not fit" % (len(values) + 1) in done.stderr, "what cannot be read", done.stderr)
    check(f"framing {framing}" in done.stderr, "the framing", done.stderr)
    with open(out, encoding="utf-8") as f:
        text = f.read()
    check(f"topic: {topic}" in text and 'client.id: "draft"' in text and KAFKA in text, "names", text)
    equal(re.findall(r"framing: (\S+)", text), [] if framing == "raw" else [framing], "framing")
    case.leeway("check", "-c", out, "--offline", case.path(f"{framing}.avro"))
    with open(case.path(f"{framing}.avro"), "rb") as f:
        return f.read(), text


def scenario(case):
    schema, records = avro_records(TRIPS, 3000)
    values = [avro(schema, r) for r in records[:3000]]
    raw, text = draft(case, "raw", values)
    for framing in ("confluent", "single-object"):
        sample, other = draft(case, framing, values)
        check(sample == raw, f"the same sample in framing {framing}", len(sample), len(raw))
        check(other.split("\nevent:")[1] == text.split("\nevent:")[1], "the draft from event on")
    _, sampled = avro_records(case.path("raw.avro"))
    equal(len(sampled), len(values), "trips of both partitions")
    kafka("create", "init-empty", 1)
    case.topics.append("init-empty")
    done = case.attempt("init", "--topic", "init-empty", "--kafka", KAFKA, "--schema", SCHEMA, "-o",
                        case.path("empty.yaml"))
    check(done.returncode == 1 and "has no messages" in done.stderr, "an empty topic", done.stderr)
    check(not os.path.exists(case.path("empty.yaml")), "nothing is written")


main(scenario)
