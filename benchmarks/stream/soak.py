#!/usr/bin/env python3
"""See soak.sh."""
import argparse
import re
import sys
import time
import urllib.request

from services import BEGIN, HOUR, Services, end, median, say, status

STEP = 5
TOPIC = "soak"
WINDOW = 24  # panes of the longest window of stream.yaml
TRAIN_ON = 12  # hours, with --retrain: each training has as many rows
SETTLED = 5  # trainings, until all panes have held a champion and the one before it
RESIDENT = 50  # KB a minute
HEAP = 10  # KB a minute
BY_TRAINING = 250  # KB
HEAP_BY_TRAINING = 100  # KB


def slope(points):
    """The slope of a line through the points: the median of the slopes of all pairs (Theil-Sen), which is
    robust against single steps of the allocator."""
    return median([(q[1] - p[1]) / (q[0] - p[0]) for i, p in enumerate(points) for q in points[i + 1:]])


class Watch:
    """Samples of a leeway process: minutes, resident MB, heap MB, trainings ended."""

    def __init__(self, services, child):
        self.s, self.child = services, child
        self.began, self.samples = time.monotonic(), []
        self.log = f"{services.dir}/leeway-1.log"

    def _log(self):
        with open(self.log) as f:
            return f.read()

    def take(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"leeway ended with {self.child.returncode}:\n{self._log()[-2000:]}")
        log = self._log()
        page = re.search(r" http_listening address=(\S+)", log)[1]
        with urllib.request.urlopen(f"{page}metrics", timeout=20) as f:
            metrics = f.read().decode()
        heap = re.search(r"^leeway_heap_bytes (\S+)", metrics, re.M)
        self.samples.append(((time.monotonic() - self.began) / 60, status(self.child.pid, "VmRSS"),
                             float(heap[1]) / 2**20 if heap else float("nan"),
                             len(re.findall(r" info (?:promoted|rejected) ", log))))
        return self.samples[-1]

    def minutes(self, after=0.0):
        """The minimum of each full minute: free memory is returned once a minute."""
        groups = {}
        for s in self.samples:
            if s[0] >= after:
                groups.setdefault(int(s[0]), []).append(s)
        return [(m, min(s[1] for s in g), min(s[2] for s in g)) for m, g in sorted(groups.items())]

    def trainings(self):
        """(n, resident, heap): the minimum between the end of training n and that of the next."""
        groups = {}
        for s in self.samples:
            groups.setdefault(s[3], []).append(s)
        return [(n, min(s[1] for s in g), min(s[2] for s in g)) for n, g in sorted(groups.items())
                if 0 < n < self.samples[-1][3]]


def table(head, rows):
    print(f"| {head} | resident, MB | heap in use, MB |\n|---|---|---|")
    for n, resident, heap in rows:
        print(f"| {n} | {resident:.1f} | {heap:.2f} |")
    print()


def judge(what, points, column, limit, unit):
    """Prints the slope; returns 1 if it is above the limit (KB)."""
    if len(points) < 3:
        print(f"{what}: too few points for a verdict, let it run longer")
        return 1
    rise = slope([(p[0], p[column]) for p in points]) * 1024
    print(f"{what}: {rise:+.1f} KB {unit} (limit {limit})")
    return int(rise > limit)


def report(watch, o):
    warm = max(o.minutes / 5, WINDOW / o.hours)
    table("minute", watch.minutes())
    late = watch.minutes(warm)
    if o.retrain:
        rows = watch.trainings()
        table("after training", rows)
        rows = [r for r in rows if r[0] > SETTLED]
        unit, limits = "a training", (BY_TRAINING, HEAP_BY_TRAINING)
    else:
        rows, unit, limits = late, "a minute", (RESIDENT, HEAP)
    failed = judge("resident", rows, 1, limits[0], unit)
    if rows and rows[-1][2] == rows[-1][2]:
        failed += judge("heap in use", rows, 2, limits[1], unit)
    print(f"most resident {status(watch.child.pid, 'VmHWM'):.1f} MB; judged after "
          f"{f'training {SETTLED}' if o.retrain else f'{warm:.0f} min'}: "
          f"{'it grows, or too few samples' if failed else 'it does not grow'}", flush=True)
    return failed


def settings(o):
    if not o.retrain:
        return {}
    return {"BENCH_RETRAIN_AGE": f"{o.retrain}h", "BENCH_RETRAIN_COOLDOWN": "1h",
            "BENCH_RETRAIN_WINDOW": f"{TRAIN_ON}h",
            "BENCH_GATE_GAIN": "-1", "BENCH_GATE_Z": "-10"}  # every version is promoted, so models change too


def run(s, o):
    messages = int(o.minutes * 60 * o.rate)
    s.create(TOPIC)
    child = s.leeway(TOPIC, BENCH_GROUP=TOPIC, **settings(o))
    time.sleep(3)
    # Hours of event time per minute: panes continuously open, close and leave the windows.
    producer = s.produce(TOPIC, messages, BEGIN, o.minutes * o.hours * HOUR, o.rate, wait=False)
    watch = Watch(s, child)
    while producer.poll() is None:
        time.sleep(STEP)
        at, resident, heap, trainings = watch.take()
        if len(watch.samples) % 24 == 0:
            say(f"{at:.0f} min, {resident:.1f} MB, {heap:.2f} MB of heap, {trainings} trainings, "
                f"{s.passed(TOPIC)[0]:,} messages")
    s.wait_passed(TOPIC, messages, child)
    print(f"{messages:,} messages in {watch.samples[-1][0]:.1f} min, {o.minutes * o.hours:.0f} panes of an "
          f"hour, {watch.samples[-1][3]} trainings\n")
    failed = report(watch, o)
    end(child)
    return failed


def main():
    p = argparse.ArgumentParser(prog="soak.sh")
    p.add_argument("minutes", type=float)
    p.add_argument("rate", type=int, nargs="?", default=5000, help="messages a second")
    p.add_argument("hours", type=float, nargs="?", default=10, help="of event time a minute")
    p.add_argument("--retrain", type=int, metavar="HOURS", help="of event time from one training to the next")
    o = p.parse_args()
    s = Services()
    try:
        s.start()
        failed = run(s, o)
    finally:
        s.stop()
    sys.exit(3 if failed else 0)


main()
