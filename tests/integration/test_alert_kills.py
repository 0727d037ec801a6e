"""Receivers and leaders killed at random, fifty times: each incident is notified once per state.

Trips flow while two processes of one group share them, and rules on the number of trips per hour fire
and resolve with every day and night. One of the two leads. At random instants the leader dies by SIGKILL, or
is suspended until another has taken over (its lease is taken away, as if it had expired), or a receiver dies:
its port closes and its request is cut off, sometimes after it has stored the message but before it could
confirm it.

The expected result does not come from the survivors: a third, undisturbed process reads the same topic into
another database, with a receiver that never fails. Both killed receivers must have received, counted by id,
exactly the messages of that one: none missing, none invented, and for the receiver that remembers ids none
twice.
"""
import json
import random
import signal
import socket
import socketserver
import subprocess
import threading
import time
import http.server

from harness import (BIN, EVENTS, TRIPS, Daemon, Receiver, Redis, check, equal, main, offsets, say,
                     wait_for)

STREAM = TOPIC = "alert-kills"
KILLS, CALM = 50, 8  # ... and the database of the undisturbed run
RULES = """rules:
  - {name: few-10, metric: events, window: hour, warn: 30, critical: 10}
  - {name: few-100, metric: events, window: hour, warn: 150, critical: 100}
  - {name: few-400, metric: events, window: hour, warn: 400, for: 2}
  - {name: few-800, metric: events, window: hour, critical: 800, clear_for: 2}

# ---- models"""


class Mortal:
    """A receiver that can be killed at any moment, and returns at its address with the messages it had
    written down. `received` holds (id, message) in the order in which they were written down; one that
    remembers ids writes each id once."""

    def __init__(self, remembers, random):
        self.remembers, self.random = remembers, random
        self.received, self.ids, self.lock = [], set(), threading.Lock()
        self.server, self.port, self.deaths = None, 0, 0
        self.start()
        self.url = f"http://127.0.0.1:{self.port}/alerts"

    def start(self):
        mortal, life = self, self.deaths

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if mortal.deaths != life:
                    return self.die()
                mortal.write_down(body)
                if mortal.deaths != life or mortal.random.random() < 0.02:
                    return self.die()  # stored, but never confirmed
                self.send_response(204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def die(self):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, *words):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads, block_on_close = True, False

            def handle_error(self, request, client_address):
                pass  # cut connections are the purpose of this test

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def write_down(self, message):
        with self.lock:
            if not (self.remembers and message["id"] in self.ids):
                self.received.append((message["id"], message))
            self.ids.add(message["id"])

    def kill(self):
        self.deaths += 1
        self.server.shutdown()
        self.server.server_close()


def key(name):
    return f"leeway:{{{STREAM}}}:{name}"


def config(case, name, hooks):
    webhooks = "".join(f"  - {{name: {n}, url: \"{url}\", repeat: 0}}\n" for n, url in hooks)
    return case.nyc(STREAM, TOPIC, [
        (r"(?s)^rules:.*^# ---- models", RULES),
        (r"^  day: 1d", "  hour: 1h\n  day: 1d"),
        (r"(?s)^webhooks:.*?^alerts:", f"webhooks:\n{webhooks}\nalerts:"),
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0"),
        (r"idle_timeout: \S+", "idle_timeout: 1h"),  # no partition is skipped while its owner is dead
        (r"group\.id: \S+", f"group.id: {name}"),
        (r"^  auto\.offset\.reset: \S+", "  auto.offset.reset: earliest\n"
                                         "  group.instance.id: \"${LEEWAY_INSTANCE}\"")], f"{name}.yaml")


class Pair:
    """The two processes, by their number in the group."""

    def __init__(self, case, path):
        self.case, self.path, self.births = case, path, 0
        self.daemon = [self.born(0), self.born(1)]

    def born(self, number):
        self.births += 1
        return Daemon(self.case, self.path, f"life-{self.births}", LEEWAY_INSTANCE=f"kills-{number}")

    def leader(self):
        lease = (self.case.redis("GET", key("lease")) or b"").decode()
        return next((i for i, d in enumerate(self.daemon) if lease.endswith(f":{d.child.pid}")), None)

    def depose(self):
        self.case.redis("DEL", key("lease"))

    def kill_leader(self):
        number = wait_for("a leader", 30, lambda: (self.leader() is not None and [self.leader()]))[0]
        self.daemon[number].kill()
        if self.case.random.random() < 0.9:  # else the other process waits until it expires
            self.depose()
        self.daemon[number] = self.born(number)

    def stop_leader(self):
        """Suspends the leader; it resumes believing that it still leads."""
        number = wait_for("a leader", 30, lambda: (self.leader() is not None and [self.leader()]))[0]
        self.daemon[number].child.send_signal(signal.SIGSTOP)
        self.depose()
        wait_for("another leader", 30, lambda: self.leader() not in (None, number), 0.05)
        time.sleep(self.case.random.uniform(0.1, 0.6))
        self.daemon[number].child.send_signal(signal.SIGCONT)


def rough(case, mortals):
    pair = Pair(case, config(case, "kills-rough", [("remembers", mortals[0].url), ("forgets", mortals[1].url)]))
    producer = subprocess.Popen([BIN, "replay", "-c", pair.path, "--rate", "3000", TRIPS],
                                stdout=subprocess.DEVNULL, env={**case.environment, "LEEWAY_INSTANCE": "feed"})
    case.at_end.append(producer.kill)
    done = {"leader killed": 0, "leader stopped": 0, "receiver killed": 0}
    while sum(done.values()) < KILLS:
        time.sleep(case.random.uniform(0.1, 1.5))
        dice = case.random.random()
        if dice < 0.4:
            pair.kill_leader()
            done["leader killed"] += 1
        elif dice < 0.5:
            pair.stop_leader()
            done["leader stopped"] += 1
        else:
            mortal = case.random.choice(mortals)
            mortal.kill()
            time.sleep(case.random.uniform(0.05, 0.8))
            mortal.start()
            done["receiver killed"] += 1
    say(f"{done}; received so far: {len(mortals[0].received)} and {len(mortals[1].received)}")
    check(offsets(case.redis, STREAM) > 0, "the kills were mid-stream")
    equal(producer.wait(180), 0, "exit status of the replay")
    wait_for("the end of the topic", 90, lambda: offsets(case.redis, STREAM) == EVENTS)
    return pair


def calm(case):
    receiver = Receiver()
    case.at_end.append(receiver.close)
    path = config(case, "kills-calm", [("calm", receiver.url)])
    daemon = Daemon(case, path, "calm", db=CALM, LEEWAY_INSTANCE="calm")
    redis = Redis(db=CALM)
    wait_for("the undisturbed run at the end of the topic", 90, lambda: offsets(redis, STREAM) == EVENTS)
    return daemon, redis, receiver


def all_sent(redis, until):
    return (redis("HGET", key("monitor"), "sealed_until") == until and redis("XLEN", key("outbox")) == 0)


def states(messages):
    return sorted((m["incident"], m["status"], m["severity"]) for m in messages)


def audited(redis, what):
    return sum(e["what"] == what for _, e in redis.entries(key("audit")))


def scenario(case):
    case.databases.append(CALM)
    case.create((TOPIC, 2), (TOPIC + ".dead", 1))
    mortals = [Mortal(True, random.Random(case.seed + 1)), Mortal(False, random.Random(case.seed + 2))]
    pair = rough(case, mortals)
    daemon, redis, receiver = calm(case)
    stood = []

    def still():  # sealing has come to its end when it has not moved for two seconds
        stood.append(redis("HGET", key("monitor"), "sealed_until"))
        return len(stood) > 20 and len(set(stood[-20:])) == 1
    wait_for("the last pane of the undisturbed run", 60, still)
    wait_for("all notifications of the undisturbed run", 60, lambda: all_sent(redis, stood[-1]))
    wait_for("all notifications after the kills", 150, lambda: all_sent(case.redis, stood[-1]), 0.5)
    daemon.stop()
    for survivor in pair.daemon:
        survivor.stop(20)

    wanted = {m["id"]: m for m in receiver.got}
    equal(len(wanted), len(receiver.got), "the undisturbed run sends each once")
    check(len(wanted) > 300, "enough kills and incidents", len(wanted))
    for name, mortal in zip(("the receiver that remembers ids", "the receiver that does not"), mortals):
        equal(sorted(mortal.ids), sorted(wanted), f"ids that reached {name}")
        equal(states({i: m for i, m in mortal.received}.values()), states(wanted.values()), f"states received by {name}")
    equal(len(mortals[0].received), len(wanted), "the receiver that remembers ids has each once")
    check(len(mortals[1].received) >= len(wanted), "the other receiver has each at least once")
    for what in ("fired", "resolved", "undeliverable"):
        equal(audited(case.redis, what), audited(redis, what), f"audit lines '{what}'")
    say(f"{len(wanted)} messages of {len({m['incident'] for m in wanted.values()})} incidents; "
        f"{len(mortals[1].received) - len(wanted)} were duplicates at the other receiver; "
        f"{pair.births} processes, {sum(m.deaths for m in mortals)} deaths of receivers")
    equal(case.redis("XLEN", key("outbox:parked")), 0, "parked deliveries")


main(scenario)
