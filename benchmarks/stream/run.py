#!/usr/bin/env python3
"""Compares leeway with its floors and its peer; see run.sh. Prints Markdown tables.

The programs alternate, so that other load affects all of them; figures are medians of
the rounds, with minimum and maximum. All use the same librdkafka properties. A rate excludes the first
tenth of the messages, or the first quarter for leeway, whose workers share the partitions first, so that no
figure includes joining the group and filling the queue.
CPU time covers the whole process, including the threads of the client library.
"""
import argparse
import json
import os
import subprocess
import sys
import time

from services import (BEGIN, DATA, HERE, HOUR, PARTITIONS, SCHEMA, STREAM, TOOL, Services, cpu_seconds, end,
                      median, say, status)

TOPIC = "trips"
WARM = 300000
LIVE_RATE = 50000
# For the floors and, in one row, leeway. It holds more than a second of messages: with less, a plain
# consumer idles, because librdkafka 2.0 checks a full queue only once a second.
QUEUE = {"queued.min.messages": "1000000", "queued.max.messages.kbytes": "65536", "fetch.wait.max.ms": "50",
         "auto.offset.reset": "earliest", "enable.auto.commit": "false",
         "enable.auto.offset.store": "false", "fetch.error.backoff.ms": "100",
         "partition.assignment.strategy": "cooperative-sticky"}
LARGE = {"BENCH_QUEUED_KBYTES": "65536"}
PEER_KBYTES = "16384"  # a second at the peer's speed: a larger one only costs it memory
CONTESTANTS = {
    "raw": "floor: librdkafka, nothing decoded",
    "libavro": "floor: librdkafka and libavro",
    "large": "**leeway**, the floors' queue",
    "ours": "**leeway**, its own queue (3 MiB)",
    "two": "**leeway**, two workers (2 MiB each)",
    "event": "peer, one by one",
    "batch": "peer, NumPy batches",
}
SETTINGS = {"large": LARGE, "ours": {}, "two": {"BENCH_WORKERS": "2", "BENCH_QUEUED_KBYTES": "2048"}}


def warm_up(s):
    """A topic with a day of trips and a first champion: the initial state of every round."""
    s.create(TOPIC)
    s.produce(TOPIC, WARM, BEGIN, 24 * HOUR)
    child = s.leeway(TOPIC)
    limit = time.monotonic() + 120
    while s.db("HGET", f"leeway:{{{STREAM}}}:models", "champion") in (None, b"", b"0"):
        if time.monotonic() > limit or child.poll() is not None:
            raise RuntimeError(f"no first model; leeway's log is in {s.dir}")
        time.sleep(0.2)
    s.wait_passed(TOPIC, WARM, child)
    time.sleep(2)
    end(child)
    return s.snapshot()


def properties(group, **more):
    return [f"{k}={v}" for k, v in {**QUEUE, **more, "group.id": group}.items()]


def floor(s, kind, messages, group):
    words = [TOOL, kind, s.brokers, TOPIC, str(messages)] + ([SCHEMA] if kind == "libavro" else [])
    return json.loads(subprocess.check_output(words + properties(group)))


def peer(s, kind, messages, group):
    words = [sys.executable, os.path.join(HERE, "peer.py"), kind, s.brokers, s.redis, TOPIC, SCHEMA, DATA,
             str(messages)]
    smaller = {"queued.max.messages.kbytes": PEER_KBYTES}
    return json.loads(subprocess.check_output(words + properties(group, **smaller)))


def rate_of(samples, total):
    """The rate from the first flush after a quarter (when two workers share the partitions) to the last
    flush with new messages."""
    first = next(i for i, (_, n) in enumerate(samples) if n >= WARM + (total - WARM) / 4)
    last = len(samples) - 2 if samples[-1][1] >= total and len(samples) - 2 > first else len(samples) - 1
    if last <= first:
        first = 0
    return (samples[last][1] - samples[first][1]) / (samples[last][0] - samples[first][0])


def ours(s, snapshot, total, group, processes=1, **settings):
    s.restore(snapshot)
    s.db("CONFIG", "RESETSTAT")
    children = [s.leeway(TOPIC, BENCH_GROUP=group, **settings) for _ in range(processes)]
    began = time.monotonic()
    samples = s.wait_passed(TOPIC, total, children[0])
    seconds = time.monotonic() - began
    events = total - WARM
    out = {"rate": rate_of(samples, total), "rss_mb": sum(status(c.pid, "VmHWM") for c in children),
           "cpu_us": sum(cpu_seconds(c.pid) for c in children) * 1e6 / events, "seconds": seconds}
    calls = s.db.info("commandstats")
    out["evals"] = sum(int(v.split(",")[0].split("=")[1]) for k, v in calls.items() if "evalsha" in k)
    out["commands"] = int(s.db.info("stats")["total_commands_processed"])
    out["bytes"] = int(s.db.info("stats")["total_net_input_bytes"])
    for c in children:
        end(c)
    counted = sum(int(v) for v in s.part(TOPIC, "messages"))
    if counted != total:
        raise RuntimeError(f"{counted} messages counted of {total}")
    return out


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def spread(values, form):
    return f"{form(median(values))} ({form(min(values))}–{form(max(values))})"


def thousands(v):
    return f"{v:,.0f}"


def contest(s, o, kind, snapshot, total, group):
    if kind in ("event", "batch"):
        return peer(s, kind, min(total, o.peer_messages), group)
    if kind in SETTINGS:
        return ours(s, snapshot, total, group, **SETTINGS[kind])
    return floor(s, kind, total, group)


def throughput(s, o, snapshot, total):
    kinds = [k for k in CONTESTANTS if not (o.no_peer and k in ("event", "batch"))]
    got = {k: [] for k in kinds}
    for r in range(o.rounds):
        for kind in kinds:
            one = contest(s, o, kind, snapshot, total, f"{kind}-{r}")
            got[kind].append(one)
            say(f"round {r + 1} of {o.rounds}: {kind} {one['rate']:,.0f}/s, {one['cpu_us']:.3f} us, "
                f"{one['rss_mb']:.0f} MB")
    mid = {k: median([x["rate"] for x in v]) for k, v in got.items()}
    print(f"\n## Throughput\n\n{total - WARM:,} messages in {PARTITIONS} partitions, {o.rounds} rounds: median "
          "(least–most)\n")
    table(["", "events/s", "× libavro", "× nothing decoded", "CPU, µs per event", "peak resident, MB"],
          [[CONTESTANTS[k], spread([x["rate"] for x in v], thousands), f"{mid[k] / mid['libavro']:.2f}",
            f"{mid[k] / mid['raw']:.2f}", f"{median([x['cpu_us'] for x in v]):.2f}",
            spread([x["rss_mb"] for x in v], thousands)] for k, v in got.items()])
    if not o.no_peer:
        table(["", "× peer, one by one", "× peer, batches", "of its memory"],
              [[CONTESTANTS[k], f"{mid[k] / mid['event']:.1f}", f"{mid[k] / mid['batch']:.1f}",
                f"{median([x['rss_mb'] for x in got[k]]) / median([x['rss_mb'] for x in got['event']]):.2f}, "
                f"{median([x['rss_mb'] for x in got[k]]) / median([x['rss_mb'] for x in got['batch']]):.2f}"]
               for k in SETTINGS])
    one = got["ours"][-1]
    print(f"Redis during leeway's run: {one['evals'] / one['seconds']:.0f} scripts/s, "
          f"{one['commands'] / one['seconds']:.0f} commands/s (those inside scripts counted), "
          f"{one['bytes'] / one['seconds'] / 1e6:.2f} MB/s, {one['bytes'] / max(one['evals'], 1) / 1e3:.1f} KB a "
          "script\n", flush=True)


def begin(s, snapshot, topic):
    """Switches the stream and its model to another topic: the offsets of the first one are deleted."""
    s.restore(snapshot)
    for key in [*s.db("KEYS", "leeway:{%s}:part:*" % STREAM), "leeway:{%s}:meta" % STREAM]:
        s.db("DEL", key)
    s.create(topic)


def live(s, o, snapshot, topic="live"):
    """A day and a half of event time in `seconds`, at the live rate: more than 24 panes pass."""
    begin(s, snapshot, topic)
    child = s.leeway(topic, BENCH_GROUP=topic)
    time.sleep(5)
    s.db("CONFIG", "RESETSTAT")
    messages = LIVE_RATE * o.live_seconds
    producer = s.produce(topic, messages, BEGIN + 25 * HOUR, 36 * HOUR, LIVE_RATE, wait=False)
    used, began, cpu0 = [], time.monotonic(), cpu_seconds(child.pid)
    while producer.poll() is None:
        time.sleep(1)
        used.append((status(child.pid, "VmRSS"), s.passed(topic)[0]))
    s.wait_passed(topic, messages, child)
    seconds = time.monotonic() - began
    calls = s.db.info("commandstats")
    evals = sum(int(v.split(",")[0].split("=")[1]) for k, v in calls.items() if "evalsha" in k)
    sent = int(s.db.info("stats")["total_net_input_bytes"])
    panes = len(s.db("KEYS", "leeway:{%s}:pane:*" % STREAM))
    print(f"\n## Live\n\n{messages:,} messages at {messages / seconds:,.0f}/s, 36 hours of event time\n")
    table(["", ""], [
        ["peak resident", f"{status(child.pid, 'VmHWM'):.0f} MB"],
        ["median resident", f"{median([u[0] for u in used]):.0f} MB"],
        ["processor", f"{(cpu_seconds(child.pid) - cpu0) / seconds * 100:.0f} % of a core"],
        ["panes in Redis", f"{panes:,} ({panes / PARTITIONS:.0f} a partition)"],
        ["Redis scripts", f"{evals / seconds:.1f} a second"],
        ["sent to Redis", f"{sent / seconds / 1e3:.0f} KB a second, {sent / max(evals, 1) / 1e3:.1f} KB per script"],
    ])
    end(child)


def two(s, o, snapshot, total):
    one, both = [], []
    for r in range(o.rounds):
        one.append(ours(s, snapshot, total, f"one-{r}"))
        both.append(ours(s, snapshot, total, f"two-{r}", 2))
        say(f"round {r + 1}: one {one[-1]['rate']:,.0f}/s, two {both[-1]['rate']:,.0f}/s")
    a, b = median([x["rate"] for x in one]), median([x["rate"] for x in both])
    print(f"\n## Two processes share the partitions\n\n{o.rounds} rounds\n")
    table(["processes", "events/s", "resident together, MB", "×"],
          [["1", spread([x["rate"] for x in one], thousands), spread([x["rss_mb"] for x in one], thousands), "1"],
           ["2", spread([x["rate"] for x in both], thousands), spread([x["rss_mb"] for x in both], thousands),
            f"{b / a:.2f}"]])


def catchup(s, o, snapshot, topic="stopped"):
    """A stop of one minute while the producer continues at the live rate."""
    begin(s, snapshot, topic)
    child = s.leeway(topic, BENCH_GROUP=topic)
    messages = LIVE_RATE * 120
    producer = s.produce(topic, messages, BEGIN + 25 * HOUR, 36 * HOUR, LIVE_RATE, wait=False)
    time.sleep(20)
    end(child)
    at_stop = s.passed(topic)[0]
    time.sleep(o.stop_seconds)
    child = s.leeway(topic, BENCH_GROUP=topic)
    began = time.monotonic()
    samples, lag0 = [], None
    high = lambda: int(LIVE_RATE * (time.monotonic() - t0))
    t0 = time.monotonic() - 20 - o.stop_seconds
    while True:
        n, at = s.passed(topic)
        lag = min(high(), messages) - n
        lag0 = lag if lag0 is None else lag0
        if not samples or n > samples[-1][1]:
            samples.append((at, n))
        if lag < 2 * LIVE_RATE or producer.poll() is not None:
            break
        time.sleep(0.1)
    seconds = time.monotonic() - began
    moved = [p for p in samples if p[1] > at_stop]
    print(f"\n## A stop of {o.stop_seconds} s\n")
    table(["", ""], [
        ["behind at the restart", f"{lag0:,} messages"],
        ["caught up after", f"{seconds:.1f} s from the start of the process"],
        ["events passed meanwhile", f"{samples[-1][1] - at_stop:,}"],
        ["catch-up rate", f"{(samples[-1][1] - at_stop) / max(samples[-1][0] - (moved[0][0] - 1), 1):,.0f} events/s"],
        ["peak resident", f"{status(child.pid, 'VmHWM'):.0f} MB"],
    ])
    producer.wait()
    s.wait_passed(topic, messages, child)
    counted = sum(int(v) for v in s.part(topic, "messages"))
    end(child)
    if counted != messages:
        raise RuntimeError(f"{counted} messages counted of {messages}")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("words", nargs="*", help="a directory, and parts of the run")
    p.add_argument("--messages", type=int, default=24000000)
    p.add_argument("--peer-messages", type=int, default=1000000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--live-seconds", type=int, default=60)
    p.add_argument("--stop-seconds", type=int, default=60)
    p.add_argument("--no-peer", action="store_true")
    p.add_argument("--keep", action="store_true", help="leave the temporary directory")
    o = p.parse_args()
    parts = ["throughput", "live", "two", "catchup"]
    directory = next((w for w in o.words if w not in parts), None)
    chosen = [w for w in o.words if w in parts] or parts
    s = Services(directory, o.keep)
    try:
        s.start()
        snapshot = warm_up(s)
        total = WARM
        if "throughput" in chosen or "two" in chosen:
            made = s.produce(TOPIC, o.messages, BEGIN + 24 * HOUR, 24 * HOUR)
            total += o.messages
            say(f"{o.messages:,} messages of {made['bytes_each']} bytes in {made['seconds']} s")
        if "throughput" in chosen:
            throughput(s, o, snapshot, total)
        if "two" in chosen:
            two(s, o, snapshot, total)
        if "live" in chosen:
            live(s, o, snapshot)
        if "catchup" in chosen:
            catchup(s, o, snapshot)
    finally:
        s.stop()


main()
