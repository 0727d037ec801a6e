"""`leeway status` of a stream in Redis: once, as JSON, and repeatedly.

The test writes the keys by hand, following the contract in docs/redis.md, so that each figure has a known
value: the output must show it, to the last digit for times.
"""
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

from harness import BIN, REDIS, check, equal, kafka, main, produce, wait_for

STREAM = TOPIC = "status-trips"
AT = 1591012800000
UPDATED = 1795575793276  # more digits than a 9-digit float shows
WINDOWS = ("day", "three_days", "week")
FEATURES = ("PULocationID", "DOLocationID", "trip_distance", "passenger_count", "pickup_hour")
HOUR = 3600000


def key(name):
    return f"leeway:{{{STREAM}}}:{name}"


def figures(at, rmse):
    """The fields of one evaluation."""
    out = {"updated": UPDATED, "at": at, "champion": 6, "champion_age_hours": 30,
           "alerts_firing": 2, "training": 0}
    for w in WINDOWS:
        out |= {f"{w}:n": 1200, f"{w}:rmse": rmse, f"{w}:rmse_expected": 4.25,
                f"{w}:rmse_ratio": rmse / 4.25, f"{w}:bias": -0.125, f"{w}:rmse_first": 6.5}
        for f in FEATURES:
            out |= {f"{w}:psi:{f}": 0.0625, f"{w}:js:{f}": 0.1, f"{w}:drift:{f}": 0,
                    f"{w}:missing:{f}": 0, f"{w}:unseen:{f}": 0}
    out["week:drift:trip_distance"] = 1
    return out


def flat(fields):
    return [word for pair in fields.items() for word in pair]


def write(case):
    case.redis("HSET", key("meta"), "partitions", 2)
    for hours in range(100, -1, -1):
        at, rmse = AT - hours * HOUR, 4 + (100 - hours) / 100
        case.redis("XADD", key("history"), f"{at}-0", *flat(figures(at, rmse)))
    case.redis("HSET", key("now"), *flat(figures(AT, 5)))
    case.redis("HSET", key(f"part:{TOPIC}:0"), "next_offset", 2, "messages", 2, "good", 2,
               "owner", "host:7:0", "watermark", AT, "epoch", 1)
    produce(TOPIC, 0, [b"x"] * 5)


class Screen:
    """A program on its own terminal, and its output."""

    def __init__(self, words, environment, rows=40, columns=160):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ |= environment
            os.execv(words[0], words)
        self.pid, self.text = pid, ""
        import fcntl
        import struct
        import termios
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        while select.select([self.fd], [], [], 0)[0]:
            try:
                some = os.read(self.fd, 65536)
            except OSError:
                break
            if not some:
                break
            self.text += some.decode("utf-8", "replace")
        return self.text

    def frames(self):
        """Complete frames: each begins at the top left."""
        return [f for f in self.read().split("\x1b[H")[1:] if "\x1b[J" in f]


def check_once(case, config):
    found = json.loads(case.leeway("status", "-c", config, "--json"))
    equal(found["updated"], UPDATED, "the wall time, to the millisecond")
    equal(found["at"], AT, "the event time")
    equal(found["week:rmse"], 5, "a figure")
    equal(found["lag"], 3, "the lag of all")
    equal([(p["partition"], p["next_offset"], p["end_offset"], p["lag"]) for p in found["partitions"]],
          [(0, 2, 5, 3), (1, None, 0, 0)], "partitions with their lag")
    equal([p["stalled"] for p in found["partitions"]], [True, True], "no live process reads them")
    equal(found["processes"], [], "live processes")
    text = case.leeway("status", "-c", config)
    check("\x1b" not in text, "no control codes without a terminal", text)
    for wanted in ("2020-06-01T12:00:00Z", "champion version 6 (for 1d6h)", "2 alerts firing",
                   "4.00 ▁", "█ 5.00"):
        check(wanted in text, f"the status says {wanted!r}", text)
    check(re.search(r"^  trip_distance .*DRIFT(: .*)?$", text, re.M), "drifted features are marked", text)
    check(re.search(r"^  0 +2 +3 +2 ", text, re.M), "partition, next offset, lag, messages", text)
    check("DRIFT" not in re.search(r"^  PULocationID.*$", text, re.M)[0], "others are not")


def check_stalled(case, config):
    """Whether a partition makes progress, and why not, by its owner's reports and progress."""
    def report(who, *troubles):
        case.redis("HSET", key("health"), who, json.dumps({
            "at": int(time.time() * 1000), "passed": None,
            "problems": [{"what": w, "since": UPDATED, "text": t} for w, t in troubles]}))

    def first(updated):
        case.redis("HSET", key(f"part:{TOPIC}:0"), "updated", updated)
        found = json.loads(case.leeway("status", "-c", config, "--json"))
        return found["partitions"][0], found

    now = int(time.time() * 1000)
    text = case.leeway("status", "-c", config)
    check("stalled: no process has sent a heartbeat" in text, "no live process", text)
    report("host:7")
    part, found = first(now)
    equal((part["stalled"], part["why"]), (False, None), "a live owner that flushes reads it")
    equal(found["processes"], ["host:7"], "live processes")
    part, _ = first(now - 60000)
    check(part["stalled"] and part["why"].startswith("not flushed for 1m"), "an owner that does not flush", part)
    report("host:7", ("letters", "they \x1b[31m may not"), ("outbox", "slow"))
    part, found = first(now)
    check(part["stalled"] and "may not" in part["why"], "the problem that its owner reports", part)
    equal([(t["component"], t["process"], t["since_ms"]) for t in found["problems"][-2:]],
          [("letters", "host:7", UPDATED), ("outbox", "host:7", UPDATED)], "problems")
    text = case.leeway("status", "-c", config)
    check(re.search(r"^  stalled: letters: they .*may not \(host:7, since 2026-11-2\d", text, re.M), "as text", text)
    check("\x1b" not in text, "without control codes", text)
    report("host:70")
    case.redis("HDEL", key("health"), "host:7")
    part, _ = first(now)
    check("no live process" in part["why"], "a longer name is another process", part)
    case.redis("DEL", key("health"))


def check_plain_watch(case, config):
    child = subprocess.Popen([BIN, "status", "-c", config, "--watch", "0.2"], text=True,
                             stdout=subprocess.PIPE, env=case.environment)
    case.at_end.append(child.kill)
    lines = []
    while sum(line.startswith(STREAM) for line in lines) < 3:
        lines.append(child.stdout.readline())
        check(lines[-1], "it continues", lines)
    child.send_signal(signal.SIGINT)
    rest, _ = child.communicate(timeout=20)
    equal(child.returncode, 0, "exit status after an interrupt")
    check("\x1b" not in "".join(lines) + rest, "blocks without control codes")


def check_screen(case, config):
    screen = Screen([BIN, "status", "-c", config, "--watch", "0.2"], case.environment)
    try:
        wait_for("a frame", 30, screen.frames)
        at = AT + HOUR
        case.redis("XADD", key("history"), f"{at}-0", *flat(figures(at, 9)))
        case.redis("HSET", key("now"), *flat(figures(at, 9)))
        frame = wait_for("the new evaluation, in place", 30,
                         lambda: next((f for f in screen.frames() if "13:00:00Z" in f), None))
        check(re.search("4.00 ▁+[▁▂▃▄▅▆▇█]+ 9.00", frame), "the sparkline reaches it", frame)
        check(all(line.endswith("\x1b[K") for line in frame.split("\r\n")[:-1]),
              "each line is cleared behind", frame)
        longest = max(len(re.sub(r"\x1b\[.", "", line)) for line in frame.split("\r\n"))
        check(longest <= 160, "no line wraps", longest)
        # A paused Redis is shown, and waited for.
        case.redis("CLIENT", "PAUSE", 4000, "ALL")
        wait_for("the mark of old figures", 30,
                 lambda: any("NOT CURRENT" in f for f in screen.frames()))
        seen = len(screen.frames())
        wait_for("it recovers", 30, lambda: any("NOT CURRENT" not in f
                                                  for f in screen.frames()[seen:]))
        os.kill(screen.pid, signal.SIGTERM)
        _, status = os.waitpid(screen.pid, 0)
        screen.pid = 0
        equal(os.waitstatus_to_exitcode(status), 0, "exit status")
        check(screen.read().rstrip().endswith("\x1b[?25h"), "the cursor is back")
    finally:
        if screen.pid:
            os.kill(screen.pid, signal.SIGKILL)
            os.waitpid(screen.pid, 0)
        os.close(screen.fd)


def scenario(case):
    case.create((TOPIC, 2))
    config = case.nyc(STREAM, TOPIC, [(r"^  timeout: 2s", "  timeout: 1s")])
    empty = case.leeway("status", "-c", config)
    check("no pane sealed yet" in empty and "no champion yet" in empty, "an empty stream", empty)
    write(case)
    check_once(case, config)
    case.leeway("status", "-c", config, "--watch", "0", status=2)
    case.leeway("status", "-c", config, "--watch", "1", "--json", status=2)
    check_stalled(case, config)
    check_plain_watch(case, config)
    check_screen(case, config)
    lost = case.leeway("status", "-c", config, LEEWAY_KAFKA="127.0.0.1:9")
    check("lag unknown" in lost, "an unreachable Kafka is reported", lost)
    case.leeway("status", "-c", config, LEEWAY_REDIS="redis://127.0.0.1:9", status=1)


main(scenario)
