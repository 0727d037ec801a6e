"""Predictions over HTTP: `leeway run` under load from the same cores, with a promotion in the middle, and
beside it what a Python team would put up (peer.py). Prints a table in Markdown; `run.sh` starts it.

    compare.py LOAD LEEWAY [--seconds S] [--connections N...] [--repeats R] [--no-peer]

The daemon has a private Redis with two trained versions and waits for a Kafka that is not there, which
predictions need not. At half time version 2 is promoted through the API, as a person would.
"""
import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DATA = os.path.join(ROOT, "data/green_2020-03_2020-05.avro")
CONFIG = os.path.join(ROOT, "configs/nyc-green.yaml")
TOKEN = "benchmark-token-of-the-day"
STREAM = "leeway:{nyc-green}:"


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def redis_call(port, *words):
    """Sends one command over a new connection; returns any answer but an error."""
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        out = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            out.append(b"$%d\r\n%s\r\n" % (len(word), word))
        s.sendall(b"".join(out))
        answer = s.recv(4096)
        if answer[:1] == b"-":
            raise RuntimeError(answer.decode())


def ask(port, path, body=None, headers=(), timeout=5):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=dict(headers))
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.load(answer)


def wait_for(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except (OSError, urllib.error.URLError):
            pass
        time.sleep(0.1)
    raise RuntimeError(f"waited {seconds} s for {what}")


def write_bodies(path, n, seed):
    """Trips with the fields known before they end."""
    rng = random.Random(seed)
    with open(path, "w", encoding="ascii") as out:
        for _ in range(n):
            out.write(json.dumps({
                "lpep_pickup_datetime": 1590000000000 + rng.randrange(7 * 86400) * 1000,
                "PULocationID": rng.randrange(1, 264), "DOLocationID": rng.randrange(1, 264),
                "trip_distance": round(rng.expovariate(0.3), 2) % 50,
                "passenger_count": rng.choice([None, 1, 1, 1, 2, 5])}) + "\n")


class Run:
    def __init__(self, options):
        self.options = options
        self.dir = tempfile.mkdtemp(prefix="leeway-bench-http.")
        self.children = []
        self.bodies = os.path.join(self.dir, "bodies")
        write_bodies(self.bodies, 5000, 1)

    def start(self, *words, **environment):
        child = subprocess.Popen(words, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                                 stdout=open(os.path.join(self.dir, "log"), "ab"), stderr=subprocess.STDOUT,
                                 start_new_session=True)
        self.children.append(child)
        return child

    def end(self, child):
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    def stop(self):
        for child in reversed(self.children):
            self.end(child)
        shutil.rmtree(self.dir, ignore_errors=True)

    def redis(self):
        port = free_port()
        self.start("redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", self.dir)
        wait_for("Redis", lambda: redis_call(port, "PING") is None)
        return port

    def put_versions(self, redis):
        for version, until in ((1, "2020-03-12"), (2, "2020-04-10")):
            path = os.path.join(self.dir, f"v{version}.avro")
            say(f"training version {version}, on trips before {until}")
            subprocess.check_call([self.options.leeway, "train", "-c", CONFIG, "--candidate", "two-scales-1d",
                                   "--until", until, "-o", path, DATA], stdout=subprocess.DEVNULL)
            with open(path, "rb") as f:
                redis_call(redis, "HSET", f"{STREAM}model:{version}", "version", version, "status", "candidate",
                           "model", f.read())
        redis_call(redis, "HSET", STREAM + "models", "champion", 1, "first", 1, "next", 3, "epoch", 1)

    def load(self, port, path, connections, promote=None):
        """One run of the load generator; calls promote at half time."""
        flag = os.path.join(self.dir, f"half-{port}-{connections}-{time.monotonic_ns()}")

        def wait_half():
            end = time.monotonic() + self.options.seconds + 30
            while not os.path.exists(flag):
                if time.monotonic() > end:
                    return
                time.sleep(0.01)
            promote()

        waiting = threading.Thread(target=wait_half) if promote else None
        if waiting:
            waiting.start()
        words = [self.options.load, str(port), path, self.bodies, str(connections), str(self.options.seconds)]
        done = subprocess.run(words + ([flag] if promote else []), capture_output=True, text=True, check=False)
        if waiting:
            waiting.join()
        if not done.stdout:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)


def leeway_rows(run, rows):
    redis, port = run.redis(), free_port()
    run.put_versions(redis)
    token = os.path.join(run.dir, "token")
    with open(token, "w", encoding="ascii") as f:
        f.write(TOKEN + "\n")
    child = run.start(run.options.leeway, "run", "-c", CONFIG, LEEWAY_KAFKA="127.0.0.1:1", LEEWAY_TOKEN_FILE=token,
                      LEEWAY_REDIS=f"redis://127.0.0.1:{redis}", LEEWAY_LISTEN=f"127.0.0.1:{port}")

    def champion():
        try:
            return ask(port, "/readyz")["champion"]
        except urllib.error.HTTPError as e:  # without Kafka: not ready, but with a champion
            return json.load(e)["champion"]

    def promote(version):
        ask(port, f"/api/v1/models/{version}/promote", b"", {"Authorization": f"Bearer {TOKEN}"})

    wait_for("the champion", lambda: champion() == 1)
    for connections in run.options.connections:
        for _ in range(run.options.repeats):
            result = run.load(port, "/api/v1/predict", connections, lambda: promote(2))
            rows.append(("leeway", connections, result))
            if set(result["by_version"]) != {"1", "2"}:
                raise RuntimeError(f"no promotion in the middle: {result}")
            promote(1)
            wait_for("version 1 again", lambda: champion() == 1)
    run.end(child)


def peer_rows(run, rows):
    port = free_port()
    child = run.start(sys.executable, os.path.join(HERE, "peer.py"), str(port), DATA, OPENBLAS_NUM_THREADS="1",
                      OMP_NUM_THREADS="1")
    body = open(run.bodies, "rb").readline()
    wait_for("the peer", lambda: ask(port, "/predict", body, {"Content-Type": "application/json"}), 120)
    for connections in run.options.connections:
        for _ in range(run.options.repeats):
            rows.append(("FastAPI, uvicorn x 2", connections, run.load(port, "/predict", connections)))
    run.end(child)


def median(values):
    return sorted(values)[len(values) // 2]


def table(rows):
    print("| server | connections | requests/s | p50 ms | p99 ms | p99.9 ms | failed | versions seen |")
    print("|---|---|---|---|---|---|---|---|")
    speed = {}
    for name, connections in dict.fromkeys((n, c) for n, c, _ in rows):
        of = [r for n, c, r in rows if (n, c) == (name, connections)]
        speed[name, connections] = median([r["per_second"] for r in of])
        versions = sorted({v for r in of for v in r["by_version"]})
        print(f"| {name} | {connections} | {speed[name, connections]:,.0f} | {median([r['p50_ms'] for r in of]):.2f} "
              f"| {median([r['p99_ms'] for r in of]):.2f} | {median([r['p999_ms'] for r in of]):.2f} "
              f"| {sum(r['failed'] for r in of)} | {', '.join(versions)} |")
    for connections in dict.fromkeys(c for _, c, _ in rows):
        ours, peers = speed.get(("leeway", connections)), speed.get(("FastAPI, uvicorn x 2", connections))
        if ours and peers:
            print(f"\nRatio at {connections} connections: {ours / peers:.0f} x", end="")
    print()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("load")
    parser.add_argument("leeway")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true")
    run, rows = Run(parser.parse_args()), []
    try:
        leeway_rows(run, rows)
        if not run.options.no_peer:
            peer_rows(run, rows)
    finally:
        run.stop()
    table(rows)
    sys.exit(1 if any(r["failed"] for _, _, r in rows) else 0)


main()
