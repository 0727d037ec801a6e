"""Shared by the stream benchmarks: a Kafka, a Redis, leeway as a child, and statistics of its process."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(1, os.path.join(ROOT, "tests/support"))
from plain_redis import Redis  # noqa: E402

HERE = os.path.join(ROOT, "benchmarks/stream")
BUILD = os.environ.get("LEEWAY_BENCH_BUILD", os.path.join(ROOT, "build/release"))
LEEWAY = os.path.join(BUILD, "leeway")
TOOL = os.path.join(BUILD, "benchmarks/stream/bench_stream")
DATA = os.path.join(ROOT, "data/green_2020-03_2020-05.avro")
SCHEMA = os.path.join(HERE, "trip.avsc")
CONFIG = os.path.join(HERE, "stream.yaml")
HOUR = 3600 * 1000
BEGIN = 1599955200000  # 13 September 2020, 00:00
PARTITIONS = 12
STREAM = "bench"


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


class Services:
    """The services; `stop` ends them, however the run ends."""

    def __init__(self, directory=None, keep=False):
        self.own = directory is None
        self.dir = directory or tempfile.mkdtemp(prefix="leeway-bench.")
        self.keep = keep
        os.makedirs(self.dir, exist_ok=True)
        self.children = []
        self.kafka_sh = os.path.join(ROOT, "scripts/kafka.sh")
        self.brokers = self.redis = None
        self.logs = 0

    def start(self):
        say("starting Kafka and Redis")
        port = subprocess.check_output([self.kafka_sh, "port"], text=True).strip()
        self.children.append(subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", self.dir, "--appendonly", "yes",
             "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"],
            stdout=subprocess.DEVNULL))
        kafka = os.path.join(self.dir, "kafka")
        subprocess.check_call([self.kafka_sh, "start", kafka])
        with open(os.path.join(kafka, "bootstrap")) as f:
            self.brokers = f.read().strip()
        self.redis = "127.0.0.1:" + port
        for _ in range(100):
            try:
                self.db = Redis(self.redis)
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("redis-server did not come up")

    def stop(self):
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.terminate()
        for child in self.children:
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
        subprocess.call([self.kafka_sh, "stop", os.path.join(self.dir, "kafka")])
        if self.own and not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def create(self, topic, partitions=PARTITIONS):
        subprocess.check_call([TOOL, "create", self.brokers, topic, str(partitions)])

    def produce(self, topic, messages, from_ms, span_ms, rate=None, wait=True):
        words = [TOOL, "produce", self.brokers, topic, DATA, str(messages), str(int(from_ms)),
                 str(int(span_ms))] + ([str(rate)] if rate else [])
        if wait:
            return json.loads(subprocess.check_output(words))
        child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def environment(self, **more):
        return {**os.environ, "BENCH_KAFKA": self.brokers, "BENCH_REDIS": "redis://" + self.redis, **more}

    def leeway(self, topic, **more):
        self.logs += 1
        log = open(os.path.join(self.dir, f"leeway-{self.logs}.log"), "wb")
        child = subprocess.Popen([LEEWAY, "run", "-c", CONFIG], stderr=log, stdout=log,
                                 env=self.environment(BENCH_TOPIC=topic, **more))
        log.close()
        self.children.append(child)
        return child

    # ---- the state in Redis ----

    def part(self, topic, field):
        """A field of every partition's state: [bytes or None]."""
        return [self.db("HGET", f"leeway:{{{STREAM}}}:part:{topic}:{p}", field) for p in range(PARTITIONS)]

    def passed(self, topic):
        """The number of processed messages, and the wall time (s) of the newest flush."""
        offsets = [int(v) for v in self.part(topic, "next_offset") if v is not None]
        times = [int(v) for v in self.part(topic, "updated") if v]
        return sum(o for o in offsets if o > 0), max(times, default=0) / 1e3

    def wait_passed(self, topic, messages, child, seconds=600, every=0.1):
        """Samples (wall time, messages) at each flush, until all are processed."""
        samples, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            n, at = self.passed(topic)
            if not samples or n > samples[-1][1]:
                samples.append((at, n))
            if n >= messages:
                return samples
            if child.poll() is not None:
                raise RuntimeError(f"leeway ended with {child.returncode}; its log is in {self.dir}")
            time.sleep(every)
        raise RuntimeError(f"after {seconds} s {samples[-1][1]} of {messages} messages were passed")

    def snapshot(self):
        keys = self.db.keys("leeway:{%s}:*" % STREAM)
        return [(k, self.db("DUMP", k)) for k in keys]

    def restore(self, snapshot):
        self.db("FLUSHALL")
        for key, value in snapshot:
            self.db("RESTORE", key, 0, value)


def status(pid, field):
    """A figure in MB of /proc/PID/status."""
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    return float("nan")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def end(child):
    if child.poll() is None:
        child.terminate()
    child.wait(60)


def median(values):
    values = sorted(values)
    n = len(values)
    return values[n // 2] if n % 2 else (values[n // 2 - 1] + values[n // 2]) / 2
