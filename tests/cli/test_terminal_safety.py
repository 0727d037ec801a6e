"""Text from Redis cannot control the terminal or break a line of output.

  test_terminal_safety.py PROGRAM

Every text that the commands read from Redis is hostile: escape sequences, C1 controls, direction marks,
newlines, invalid UTF-8. Output is UTF-8, line breaks are the program's own, and JSON is valid."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORDS = "\x1b[2J\x1b]0;owned\x07\u202e\u2066\u200f\u009b31m\r\nFAKE"
BYTES = WORDS.encode() + b"\xff\xfe"
CONFIG = """
stream: s
redis: {url: "unix:SOCKET"}
kafka: {bootstrap.servers: "127.0.0.1:9"}
source: {topic: t, schema: ROOT/tests/data/config/bike_share.avsc}
event: {fields: {station: category}}
target: {field: kilometres, range: [0, 9]}
windows: {day: 1d}
feature_sets: {s: [station]}
candidates: [{name: c, features: s, window: 9d}]
"""
CALLS = [("alerts",), ("alerts", "--json"), ("alerts", "retry", "x"), ("alerts", "hash", WORDS),
         ("alerts", "silence", "--for", "1h", "--comment", WORDS, "--by", WORDS),
         ("alerts", "silence", "--for", "1h", "--comment", WORDS, "--by", WORDS, "--json"),
         ("alerts", "unsilence", WORDS), ("status",), ("status", "--json"), ("models", "list"),
         ("models", "list", "--json"), ("models", "show", "1"), ("models", "show", "1", "--json"),
         ("models", "promote", "1"), ("models", "release", WORDS)]


class Redis:
    """A separate server, on a socket in the directory."""

    def __init__(self, place):
        self.path = os.path.join(place, "redis.sock")
        self.server = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.path, "--dir", place, "--save", ""],
            stdout=subprocess.DEVNULL)
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(1000):
            try:
                self.socket.connect(self.path)
                return
            except OSError:
                time.sleep(0.01)
        raise RuntimeError("redis-server does not answer")

    def put(self, verb, key, *words):
        out = [w if isinstance(w, bytes) else str(w).encode() for w in (verb, "leeway:{s}:" + key, *words)]
        self.socket.sendall(b"*%d\r\n" % len(out) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in out))
        answer = self.socket.recv(4096)
        assert answer[:1] in b":$", answer

    def close(self):
        self.server.kill()
        self.server.wait()


def text(**members):
    return json.dumps(members, ensure_ascii=False)


def fill(redis):
    redis.put("HSET", "alerts", "00000000000000ff", text(
        status="firing", severity="critical", rule=WORDS, feature=WORDS, window=WORDS, value=1, threshold=1,
        n=1, model=1, since=0, at=0, incident="00000000000000ab", summary=WORDS))
    redis.put("HSET", "silences", "aa", text(
        id=WORDS, rule=WORDS, feature=WORDS, severity="", until=99999999999999, by=WORDS, comment=WORDS,
        **{"from": 1}))
    redis.put("XADD", "outbox", "*", "id", BYTES, "alert", BYTES, "json", BYTES)
    redis.put("XADD", "outbox:parked", "*", "id", BYTES, "json", BYTES, "reason", BYTES, "attempts", 1, "at", 1)
    redis.put("XADD", "audit", "*", "what", BYTES, "who", BYTES, "detail", BYTES, "event", 0, "at", 1)
    redis.put("HSET", "models", "champion", 1, "previous", 0, "challenger", 0, "next", 2, "champion_since", 1,
              "epoch", 1)
    redis.put("HSET", "model:1", "version", 1, "parent", 0, "status", BYTES, "reason", BYTES, "verdict", BYTES,
              "created", 1, "as_of", 1, "promoted", 1, "model", BYTES, "facts", BYTES)
    redis.put("HSET", "meta", "contract", 2, "stream", "s", "topic", "t", "partitions", 1, "features", BYTES,
              "pane_ms", 3600000)
    redis.put("HSET", "part:t:0", "owner", BYTES, "epoch", 1, "next_offset", 1, "newest", BYTES)
    redis.put("HSET", "now", "champion", BYTES, "who", BYTES, WORDS, WORDS)
    redis.put("HSET", "monitor", "state", BYTES, "sealed_until", 1, "quarantine",
              "[" + text(id=1, feature=WORDS, until=0, why=WORDS, **{"from": 1}) + "]")


def strange(shown):
    return [c for c in shown if (ord(c) < 0x20 and c != "\n") or 0x7f <= ord(c) < 0xa0
            or c in "\u200e\u200f\u2028\u2029" or 0x202a <= ord(c) <= 0x202e or 0x2066 <= ord(c) <= 0x2069]


def main():
    if not shutil.which("redis-server"):
        print("skipped: redis-server is not installed (scripts/deps.sh test)")
        return 77
    failures = 0
    with tempfile.TemporaryDirectory() as place:
        redis = Redis(place)
        try:
            fill(redis)
            file = os.path.join(place, "s.yaml")
            with open(file, "w", encoding="utf-8") as out:
                out.write(CONFIG.replace("SOCKET", redis.path).replace("ROOT", ROOT))
            for command, *words in CALLS:
                done = subprocess.run([PROGRAM, command, "-c", file, *words], capture_output=True, timeout=60)
                shown = (done.stdout + done.stderr).decode()
                lines = [line for line in shown.splitlines() if line.startswith("FAKE")]
                if strange(shown) or lines or not shown:
                    failures += 1
                    print(f"FAILED {command} {words}: {strange(shown)[:5]} {lines[:1]}\n{shown!r}")
                if "--json" in words and done.returncode in (0, 3):
                    json.loads(done.stdout)
        finally:
            redis.close()
    return 1 if failures else 0


sys.exit(main())
