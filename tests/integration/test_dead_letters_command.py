"""`leeway dead-letters` lists, shows and replays; and a dead-letter topic that does not exist.

Bad events become dead letters, go back to the source, and become dead letters again with a count, so that a loop
is visible and can be left. A dead letter that another topic can read goes there unchanged. Then a stream whose
dead-letter topic does not exist: nothing is lost, the offset does not advance, and everything continues when the
topic is created.
"""
import json

from harness import (Daemon, check, consume, count, counters, equal, main, members, offsets, produce,
                     say, wait_for)

STREAM = TOPIC = "returned"
BAD = [b"\xff" * 40, b"\x02", b""]
LATER = "returned-later"


def listed(case, config, *words):
    out = case.leeway("dead-letters", "-c", config, "list", "--json", *words)
    return [json.loads(line) for line in out.splitlines()]


def show_them(case, config):
    letters = listed(case, config)
    equal(len(letters), len(BAD), "dead letters in the list")
    equal(sorted(l["source"]["partition"] for l in letters), [0, 1, 2], "their source partitions")
    for letter in letters:
        equal((letter["source"]["topic"], letter["source"]["offset"]), (TOPIC, 0), "source")
        equal((letter["stream"], letter["kind"], letter["replays"]), (STREAM, "input", 0), "facts")
        check(letter["reason"], "a reason", letter)
        shown = json.loads(case.leeway("dead-letters", "-c", config, "show",
                                       f"{letter['partition']}:{letter['offset']}", "--json"))
        equal(bytes.fromhex(shown["value"] or ""), BAD[letter["source"]["partition"]], "its bytes")
        equal(shown["readable"], False, "it is still unreadable")
        equal(dict(shown["headers"])["__connect.errors.stage"], "VALUE_CONVERTER", "stage")
    one = next(l for l in letters if l["source"]["partition"] == 0)
    found = listed(case, config, "--reason", one["reason"])
    check(one in found, "found by its reason", found)
    equal(listed(case, config, "--reason", "no such reason"), [], "an unknown reason")
    equal(len(listed(case, config, "--limit", "2")), 2, "the newest two")
    equal(listed(case, config, "--since", "2100-01-01T00:00:00Z"), [], "dead letters of the future")
    text = case.leeway("dead-letters", "-c", config, "show", f"{one['partition']}:{one['offset']}")
    check("ff ff ff ff" in text and "unreadable: " in text, "shown as text", text)
    return one


def refuse_what_makes_no_sense(case, config):
    letters = "dead-letters", "-c", config
    case.leeway(*letters, "replay", status=2)  # no selection
    case.leeway(*letters, "replay", "--all", "--topic", TOPIC + ".dead", status=2)
    case.leeway(*letters, "show", status=2)
    case.leeway(*letters, "show", "1-2", status=2)
    case.leeway(*letters, "bury", status=2)
    case.leeway(*letters, "list", "--since", "yesterday-ish", status=2)
    case.leeway(*letters, "show", "0:99999", status=1)
    case.leeway(*letters, "replay", "--all", "--topic", "no-such-topic", status=1)


def go_round(case, config, one):
    equal(count(TOPIC), len(BAD), "messages before")
    out = case.leeway("dead-letters", "-c", config, "replay", "--all", "--dry-run")
    check("3 dead letters would be sent" in out, "a dry run", out)
    equal(count(TOPIC), len(BAD), "messages after a dry run")
    done = json.loads(case.leeway("dead-letters", "-c", config, "replay", "--all", "--json"))
    equal((done["replayed"], done["skipped"], done["topic"]), (3, 0, TOPIC), "replayed")
    wait_for("the messages to fail again", 30,
             lambda: counters(case.redis, STREAM)["dead_lettered"] == 2 * len(BAD))
    back = [m for m in consume(TOPIC) if m["offset"] > 0]
    equal(sorted((m["partition"], bytes.fromhex(m["value"] or "")) for m in back),
          list(enumerate(BAD)), "the bytes, each in its partition again")
    equal([m["headers"] for m in back], [{"leeway.replays": "1"}] * 3, "their headers")
    letters = listed(case, config)
    equal(sorted(l["replays"] for l in letters), [0, 0, 0, 1, 1, 1], "counted")
    # Those that were replayed once are skipped; the exit code reports it.
    done = json.loads(case.leeway("dead-letters", "-c", config, "replay", "--all",
                                  "--max-replays", "1", "--json", status=3))
    equal((done["replayed"], done["skipped"]), (3, 3), "replayed, and skipped")
    wait_for("the replayed ones to fail again", 30,
             lambda: counters(case.redis, STREAM)["dead_lettered"] == 3 * len(BAD))
    place = f"{one['partition']}:{one['offset']}"
    case.leeway("dead-letters", "-c", config, "replay", "--offset", place, "--topic", LATER)
    equal([bytes.fromhex(m["value"]) for m in consume(LATER)],
          [BAD[0]], "one message in the other topic")
    equal(count(TOPIC), 3 * len(BAD), "messages in the stream's topic")


def without_a_topic(case):
    stream = "returned-lost"
    case.create((stream, 2))
    config = case.nyc(stream, stream, [
        (r"^  auto\.offset\.reset: \S+", "  auto.offset.reset: earliest\n"
         "  topic.metadata.propagation.max.ms: 2000\n  topic.metadata.refresh.interval.ms: 1000")])
    daemon = Daemon(case, config, "lost")
    wait_for("the group", 60, lambda: len(daemon.logged("partition_claimed")) == 2)
    produce(stream, 0, BAD)
    wait_for("a stall", 60, lambda: daemon.logged("stalled"))
    wait_for("Kafka's reason", 60, lambda: [l for l in daemon.logged("refused") +
                                            daemon.logged("stalled") if stream + ".dead" in l])
    equal(offsets(case.redis, stream), 0, "offsets while a dead letter cannot be sent")
    produce(stream, 0, [b"\x03"])
    case.create((stream + ".dead", 1))
    wait_for("the dead letters", 60, lambda: counters(case.redis, stream)["dead_lettered"] == len(BAD) + 1)
    equal(offsets(case.redis, stream), len(BAD) + 1, "offsets")
    equal(sorted({bytes.fromhex(m["value"] or "") for m in consume(stream + ".dead")}),
          sorted(BAD + [b"\x03"]), "all dead letters")
    equal(members(stream), 1, "members of the group")
    equal(daemon.logged("partition_lost"), [], "partitions lost")
    daemon.stop()


def scenario(case):
    case.create((TOPIC, 4), (TOPIC + ".dead", 2), (LATER, 1))
    config = case.nyc(STREAM, TOPIC)
    case.leeway("dead-letters", "-c", config)
    daemon = Daemon(case, config)
    wait_for("the group", 60, lambda: len(daemon.logged("partition_claimed")) == 4)
    for i, value in enumerate(BAD):
        produce(TOPIC, i, [value])
    wait_for("the dead letters", 30, lambda: counters(case.redis, STREAM)["dead_lettered"] == len(BAD))
    one = show_them(case, config)
    refuse_what_makes_no_sense(case, config)
    go_round(case, config, one)
    daemon.stop()
    say("dead letters were replayed and failed again")
    without_a_topic(case)


main(scenario)
