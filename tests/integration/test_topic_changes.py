"""A topic that changes: created late, grown, trimmed by retention, deleted and recreated.

Partitions that are added while trips are produced are read from their first message, although
auto.offset.reset is latest, and the leader waits for them before it seals. Offsets that retention deleted
before they were read are counted and audited, and no other message is skipped. A topic that was deleted
and recreated is read from its beginning, whatever the old offsets were.
"""
import subprocess

from harness import (BIN, TRIPS, Daemon, avro_cut, check, count, counters, equal, kafka, main, members,
                     offsets, say, wait_for)

SOON = "topic.metadata.refresh.interval.ms: 500"


def config(case, stream, reset="latest"):
    return case.nyc(stream, stream, [
        (r"retrain: true", "retrain: false"),
        (r"^  auto\.offset\.reset: \S+", f"  auto.offset.reset: {reset}\n  {SOON}")])


def audit(case, stream, what):
    return [e for _, e in case.redis.entries(f"leeway:{{{stream}}}:audit") if e["what"] == what]


def meta(case, stream):
    return int(case.redis("HGET", f"leeway:{{{stream}}}:meta", "partitions") or 0)


def grows(case):
    stream, file = "grown", case.path("grown.avro")
    events, _ = avro_cut(TRIPS, file, 0, 30)
    case.create((stream, 2), (stream + ".dead", 1))
    c = config(case, stream)
    daemon = Daemon(case, c, stream)
    wait_for("the group", 60, lambda: len(daemon.logged("partition_claimed")) == 2)
    # Until they are known to be empty, `latest` could still skip messages.
    wait_for("the offsets", 30, lambda: all(
        case.redis.hash(f"leeway:{{{stream}}}:part:{stream}:{p}").get("next_offset") == "0"
        for p in (0, 1)))
    equal(meta(case, stream), 2, "partitions before")
    producer = subprocess.Popen([BIN, "replay", "-c", c, "--rate", "8000", file],
                                stdout=subprocess.DEVNULL, env=case.environment)
    case.at_end.append(producer.kill)
    wait_for("mid-stream", 30, lambda: counters(case.redis, stream)["messages"] > 10000)
    kafka("grow", stream, 4)
    wait_for("the leader to notice it", 30, lambda: daemon.logged("topic_grown"))
    equal(producer.wait(60), 0, "exit status of the replay")
    wait_for("the new partitions", 30, lambda: len(daemon.logged("partition_claimed")) >= 4)
    wait_for("all messages", 60, lambda: counters(case.redis, stream)["messages"] == events)
    parts = [int(case.redis.hash(f"leeway:{{{stream}}}:part:{stream}:{p}")["messages"])
             for p in range(4)]
    say(f"{events} trips in partitions of {parts}")
    check(all(parts), "every partition has some", parts)
    equal(counters(case.redis, stream)["gone"], 0, "gone")
    wait_for("meta", 10, lambda: meta(case, stream) == 4)
    equal(len(audit(case, stream, "partitions")), 1, "growth in the audit")
    newest = max(int(case.redis.hash(f"leeway:{{{stream}}}:part:{stream}:{p}")["watermark"])
                 for p in range(4))
    hour = 3600 * 1000
    wait_for("sealing to continue", 30, lambda: int(case.redis(
        "HGET", f"leeway:{{{stream}}}:monitor", "sealed_until") or 0) > newest - 2 * hour)
    daemon.stop()
    # A second start, with the number of partitions in Redis, finds no new ones.
    again = Daemon(case, c, stream + "-again")
    wait_for("the group", 60, lambda: len(again.logged("partition_claimed")) == 4)
    again.stop()
    equal(meta(case, stream), 4, "partitions after")
    equal(counters(case.redis, stream)["messages"], events, "no message twice")


def trimmed_and_recreated(case):
    stream = "recreated"
    first, second = case.path("first.avro"), case.path("second.avro")
    n1, _ = avro_cut(TRIPS, first, 0, 2)
    n2, _ = avro_cut(TRIPS, second, 2, 3)
    case.topics += [stream, stream + ".dead"]
    c = config(case, stream)
    daemon = Daemon(case, c, stream)  # before the topic exists
    wait_for("a complaint", 30, lambda: [l for l in daemon.logged("start_retry") if stream in l])
    kafka("create", stream, 1, stream + ".dead", 1)
    wait_for("the group", 60, lambda: daemon.logged("partition_claimed"))
    wait_for("its offset", 30, lambda: case.redis.hash(
        f"leeway:{{{stream}}}:part:{stream}:0").get("next_offset") == "0")
    case.leeway("replay", "-c", c, first)
    wait_for("the first file", 30, lambda: offsets(case.redis, stream) == n1)
    daemon.stop()

    case.leeway("replay", "-c", c, first)
    lost = n1 // 3
    kafka("trim", stream, 0, n1 + lost)
    daemon = Daemon(case, c, stream + "-trimmed")
    wait_for("the remaining messages", 60, lambda: offsets(case.redis, stream) == 2 * n1)
    total = counters(case.redis, stream)
    equal((total["gone"], total["messages"]), (lost, 2 * n1 - lost), "deleted and read")
    check(daemon.logged("offset_gap"), "the gap in the log")
    gap = audit(case, stream, "offset_gap")
    equal(len(gap), 1, "the gap in the audit")
    check(f"{lost} offsets from {n1}" in gap[0]["detail"], "its size", gap)

    kafka("delete", stream)
    wait_for("the deletion to be noticed", 60, lambda: daemon.logged("topic_gone"))
    kafka("create", stream, 1)
    case.leeway("replay", "-c", c, second)
    equal(count(stream), n2, "messages in the new topic")
    wait_for("the new topic", 90, lambda: offsets(case.redis, stream) == n2)
    again = counters(case.redis, stream)
    equal(again["messages"], total["messages"] + n2, "messages counted")
    equal(again["gone"], lost, "gone")
    equal(len(audit(case, stream, "topic_recreated")), 1, "the audit line about it")
    check(daemon.logged("topic_recreated") and daemon.logged("topic_back"), "the log line about it")
    for line in case.redis("ZRANGE", f"leeway:{{{stream}}}:offsets:0", 0, -1):
        start, low, high, _ = map(int, line.split())
        check(0 <= low <= high < n2, "offsets for trainings are the new topic's", line)
    equal(members(stream), 1, "members of the group")
    more(case, c, daemon, stream, again["messages"])


def more(case, c, daemon, stream, counted):
    """Recreated twice more, with more messages than the old offset before they are read: offsets
    do not distinguish the topics, the last message does. First under a running process, then while none
    runs. A restart of an unchanged topic reads nothing twice."""
    third = case.path("third.avro")
    n3, _ = avro_cut(TRIPS, third, 3, 6)
    reader = daemon
    for run in ("running", "at rest"):
        if run == "at rest":
            daemon.stop()
        before = len(reader.logged("topic_gone"))
        kafka("delete", stream)
        if run == "running":
            wait_for("the deletion to be noticed", 60, lambda: len(reader.logged("topic_gone")) > before)
            daemon.freeze()  # until the new topic has grown beyond the old offset
        kafka("create", stream, 1)
        for file in [third] if run == "running" else [case.path("second.avro"), third]:
            case.leeway("replay", "-c", c, file)
        if run == "running":
            daemon.resume()
        else:
            daemon = Daemon(case, c, stream + "-rest")
        end = count(stream)
        counted += end
        wait_for(f"all of the new topic, {run}", 90, lambda: offsets(case.redis, stream) == end)
        equal(counters(case.redis, stream)["messages"], counted, f"messages counted, {run}")
    equal(len(audit(case, stream, "topic_recreated")), 3, "the audit line about it")
    daemon.stop()
    daemon = Daemon(case, c, stream + "-same")
    wait_for("the group", 60, lambda: daemon.logged("partition_claimed"))
    case.leeway("replay", "-c", c, third)
    counted += n3
    wait_for("the new messages", 60, lambda: offsets(case.redis, stream) == end + n3)
    equal(counters(case.redis, stream)["messages"], counted, "messages counted of an unchanged topic")
    equal(daemon.logged("topic_recreated"), [], "audit lines about another topic")
    daemon.stop()
    say("recreated with more messages than before: recognised by the last message")


def scenario(case):
    grows(case)
    trimmed_and_recreated(case)


main(scenario)
