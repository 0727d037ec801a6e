"""Every kind of stall is reported: by /readyz, /metrics, the shipped rules in a real Prometheus, and a
notification.

Each fault has its own stream and process, and its own brokers and Redis where needed; all faults are
made at the same time. For each: /readyz turns 503 and names it, the metric changes, the rule fires within
two minutes, the receiver gets "leeway itself: ..." once (unless the notification needs the failed service), and
all of it resolves when the fault is repaired. The table at the end shows how many seconds each took.
"""
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import harness
from harness import (ROOT, Broker, Daemon, Failed, Receiver, Redis, RedisServer, check, equal, free_port, green_trip,
                     main, produce, say, wait_for)

WITHIN = 120  # seconds, from the fault to the alert of Prometheus
KAFKA_JARS = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "leeway")
NOW = int(time.time() * 1000)


def ask(address, path):
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError:
        return 0, ""


def trips(partition, topic, n, ms=None):
    """Trips with the current time in event and record."""
    at = NOW if ms is None else ms
    produce(topic, partition, [green_trip(i, at + i) for i in range(n)], at)


# ---- a broker with ACLs -------------------------------------------------------


class Guarded:
    """Authorizer on: clients of the open listener are User:ANONYMOUS with the permissions of the ACLs; the
    broker itself and the administrator use a listener with a password."""

    def __init__(self, case):
        self.case, self.dir = case, case.path("guarded")
        os.mkdir(self.dir)
        self.open, self.admin, controller = free_port(), free_port(), free_port()
        jaas = ('org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" '
                'password="admin" user_admin="admin";')
        lines = {
            "process.roles": "broker,controller", "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"OPEN://127.0.0.1:{self.open},ADMIN://127.0.0.1:{self.admin},"
                         f"CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"OPEN://127.0.0.1:{self.open},ADMIN://127.0.0.1:{self.admin}",
            "inter.broker.listener.name": "ADMIN", "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map":
                "OPEN:PLAINTEXT,ADMIN:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN", "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.admin.plain.sasl.jaas.config": jaas,
            "listener.name.controller.plain.sasl.jaas.config": jaas,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:admin", "log.dirs": os.path.join(self.dir, "log"),
            "auto.create.topics.enable": "false", "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1, "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1, "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
        }
        self.write("server.properties", lines)
        self.write("admin.properties", {
            "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.jaas.config": jaas})
        self.run("kafka.tools.StorageTool", "format", "--config", self.path("server.properties"),
                 "--cluster-id", "MkU3OEVBNTcwNTJENDM2Qk")
        self.child = self.java("kafka.Kafka", self.path("server.properties"))
        case.at_end.append(self.kill)
        wait_for("the guarded broker", 90, self.up)
        self.address = f"127.0.0.1:{self.open}"

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, lines):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.writelines(f"{key}={value}\n" for key, value in lines.items())

    def java(self, *words):
        jars = next(os.path.join(KAFKA_JARS, d, "libs/*") for d in sorted(os.listdir(KAFKA_JARS), reverse=True)
                    if d.startswith("kafka-"))
        with open(self.path("log.txt"), "ab") as log:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "java", "-Xms64m", "-Xmx384m", "-XX:+UseSerialGC",
                 "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.net.preferIPv4Stack=true",
                 f"-Dlog4j2.configurationFile={ROOT}/tests/support/kafka/log4j2.xml", "-cp", jars, *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def run(self, *words):
        equal(self.java(*words).wait(90), 0, f"exit status of {words[0]} (see guarded/log.txt)")

    def up(self):
        check(self.child.poll() is None, "the guarded broker runs")
        with open(self.path("log.txt"), encoding="utf-8", errors="replace") as f:
            return "Kafka Server started" in f.read()

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def allow(self, *lists):
        for child in [self.java("org.apache.kafka.tools.AclCommand", "--bootstrap-server", f"127.0.0.1:{self.admin}",
                                "--command-config", self.path("admin.properties"), "--add", "--allow-principal",
                                "User:ANONYMOUS", *words) for words in lists]:
            equal(child.wait(90), 0, "exit status of AclCommand (see guarded/log.txt)")


# ---- Prometheus with the shipped rules --------------------------------------------------------


class Prometheus:
    def __init__(self, case, faults):
        self.address, folder = f"127.0.0.1:{free_port()}", case.path("prometheus")
        os.mkdir(folder)
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                  "rule_files": [os.path.join(ROOT, "docker/prometheus/alerts.yaml")],
                  "scrape_configs": [{"job_name": f"leeway-{f.name}",
                                      "static_configs": [{"targets": [f.listen]}]} for f in faults]}
        with open(os.path.join(folder, "prometheus.yml"), "w", encoding="utf-8") as f:
            json.dump(config, f)  # JSON is YAML
        with open(os.path.join(folder, "log"), "wb") as log:
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "prometheus", f"--config.file={folder}/prometheus.yml",
                 f"--storage.tsdb.path={folder}/data", f"--web.listen-address={self.address}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        case.at_end.append(self.kill)
        wait_for("Prometheus", 30, lambda: ask(self.address, "/-/ready")[0] == 200)

    def kill(self):
        self.child.kill()
        self.child.wait()

    def query(self, what):
        status, text = ask(self.address, "/api/v1/query?query=" + urllib.parse.quote(what))
        return json.loads(text)["data"]["result"] if status == 200 else []

    def firing(self):
        """{(rule, job)}"""
        return {(r["metric"]["alertname"], r["metric"].get("job", ""))
                for r in self.query('ALERTS{alertstate="firing"}')}

    def value(self, metric, job):
        for r in self.query(metric):
            if r["metric"].get("job") == job:
                return float(r["value"][1])
        return None


# ---- the faults -------------------------------------------------------------------------------


class Fault:
    """One kind of stall. `component` is the name in /readyz; None if no process answers."""

    name = component = rule = metric = None
    ill = staticmethod(lambda v: v == 0)
    notified, processes = True, 1
    ready_first = True

    def __init__(self, case):
        self.case, self.listen = case, f"127.0.0.1:{free_port()}"
        self.stream = self.topic = f"health-{self.name}"
        self.receiver = Receiver()
        case.at_end.append(self.receiver.close)
        self.seconds, self.over, self.named = {}, {}, ""

    def prepare(self):
        self.case.create((self.topic, 2), (self.topic + ".dead", 1))

    def changes(self):
        return [(r"group\.id: \S+", f"group.id: {self.stream}\n  session.timeout.ms: 10000"),
                (r"^  timeout: 2s", "  timeout: 1s")]

    def environment(self):
        return {}

    def start(self):
        self.config = self.case.nyc(self.stream, self.topic, self.changes())
        self.daemon = Daemon(self.case, self.config, self.name, LEEWAY_LISTEN=self.listen,
                             LEEWAY_WEBHOOK=self.receiver.url, **self.environment())

    def ready(self):
        status, text = ask(self.listen, "/readyz")
        return status == 200, text

    def key(self, name):
        return f"leeway:{{{self.stream}}}:{name}"

    # the checks while the fault lasts: name -> condition

    def not_ready(self, prometheus):
        status, text = ask(self.listen, "/readyz")
        if self.component is None:
            return status == 0
        found = [f for f in (json.loads(text).get("failing", []) if text else [])
                 if f["component"] == self.component and f["known"]]
        if found:
            self.named = f"{found[0]['text']} (since {time.strftime('%H:%M:%S', time.gmtime(found[0]['since_ms'] / 1000))})"
            check(abs(time.time() * 1000 - found[0]["since_ms"]) < 300000, "since when", found)
        return status == 503 and bool(found)

    def job(self):
        return f"leeway-{self.name}"

    def metric_says(self, prometheus):
        value = prometheus.value(self.metric, self.job())
        return value is not None and self.ill(value)

    def fires(self, prometheus):
        return (self.rule, self.job()) in prometheus.firing()

    def messages(self, status):
        return [m for m in self.receiver.itself
                if m["rule"] == f"leeway-{self.component}" and m["status"] == status]

    def looks(self):
        looks = {"ready": self.not_ready, "metric": self.metric_says, "rule": self.fires}
        if self.notified:
            looks["message"] = lambda _: bool(self.messages("firing"))
        return looks

    def ends(self):
        ends = {"ready": lambda _: self.ready()[0], "rule": lambda p: not self.fires(p),
                "metric": lambda p: not self.metric_says(p)}
        if self.notified:
            ends["message"] = lambda _: bool(self.messages("resolved"))
        return ends

    def note(self, into, looks, prometheus, began):
        for what, holds in looks.items():
            if what not in into and holds(prometheus):
                into[what] = time.monotonic() - began
        return len(into) == len(looks)


class Brokers(Fault):
    """All brokers die, long after the start: no events arrive, and there is no lag."""
    name, component, rule, metric = "brokers", "kafka", "LeewayKafkaAway", "leeway_kafka_up"

    def prepare(self):
        before = harness.KAFKA, self.case.environment["LEEWAY_KAFKA"]
        self.broker = Broker(self.case)
        super().prepare()
        self.case.topics, self.case.own_broker = [], False
        harness.KAFKA, self.case.environment["LEEWAY_KAFKA"] = before

    def environment(self):
        return {"LEEWAY_KAFKA": self.broker.address}

    def make(self):
        self.broker.kill()

    def repair(self):
        self.broker.start()


class OnGuarded(Fault):
    guarded = None  # made before the first of them

    def environment(self):
        return {"LEEWAY_KAFKA": self.guarded.address}

    def prepare(self):
        before, harness.KAFKA = harness.KAFKA, self.guarded.address
        super().prepare()
        self.case.topics, harness.KAFKA = [], before


class Group(OnGuarded):
    """Joining the group is denied: no partition is ever assigned."""
    name, component, rule, metric = "group", "partitions", "LeewayPartitionsUnread", "leeway_partitions_unread"
    ill = staticmethod(lambda v: v == 2)
    ready_first = False

    def make(self):
        self.start()

    def repair(self):
        self.guarded.allow(["--operation", "Read", "--operation", "Describe", "--group", self.stream])


class Letters(OnGuarded):
    """Writing the dead-letter topic is denied, and an unreadable message arrives."""
    name, component, rule, metric = "letters", "letters", "LeewayLettersBlocked", "leeway_letters_blocked_seconds"
    ill = staticmethod(lambda v: v > 0)

    def make(self):
        before, harness.KAFKA = harness.KAFKA, self.guarded.address
        produce(self.topic, 0, [b"\xff" * 9])
        harness.KAFKA = before

    def repair(self):
        self.guarded.allow(["--operation", "Write", "--topic", self.topic + ".dead"])


class Full(Fault):
    """Redis is at maxmemory: it answers, but refuses writes. The outbox is then unavailable, so both processes of
    the group send the message, the leader first, as one incident."""
    processes = 2
    name, component, rule, metric = "full", "redis", "LeewayRedisTakesNoWrites", "leeway_redis_writable"

    def prepare(self):
        super().prepare()
        self.server = RedisServer(self.case, "full")
        self.redis = Redis(self.server.address)

    def environment(self):
        return {"LEEWAY_REDIS": f"redis://{self.server.address}"}

    def start(self):
        super().start()
        self.began = time.monotonic()
        self.second = Daemon(self.case, self.config, self.name + "-2", LEEWAY_WEBHOOK=self.receiver.url,
                             **self.environment())

    def ready(self):
        """Both have a partition, and each knows the other and the leader's passes."""
        known = self.redis.hash(self.key("health"))
        both = (len(known) == 2 and self.second.logged("partition_claimed")
                and time.monotonic() - self.began > 10)
        well, text = super().ready()
        return well and (both or bool(self.over)), text

    def make(self):
        self.redis("CONFIG", "SET", "maxmemory", "1mb")

    def repair(self):
        self.redis("CONFIG", "SET", "maxmemory", "0")


class Clock(Fault):
    """A producer is three years ahead for a while; then all events are late."""
    name, component, rule, metric = "clock", "clock", "LeewayWrongClocks", 'leeway_component_ok{component="clock"}'
    T0, FAR = 1577836800000, 3 * 365 * 86400000  # 2020
    sent = 0

    def feed(self, n):
        trips(0, self.topic, n, self.T0 + 1000 * self.sent)
        self.sent += n

    def prepare(self):
        super().prepare()
        self.feed(200)

    def make(self):
        trips(0, self.topic, 1500, self.T0 + self.FAR)
        self.feed(10)

    def note(self, into, looks, prometheus, began):
        if not self.over and time.monotonic() - began > self.sent / 10 - 20:
            self.feed(10)  # events arrive continuously
        return super().note(into, looks, prometheus, began)

    def repair(self):
        self.feed(3000)  # the clock returns after as many correct events


class Quiet(Clock):
    """No fault: three events that are years ahead, in a partition without others that falls silent. When
    all are silent, they do not advance the other partitions, and the next events are evaluated."""
    name = "quiet"

    def hours(self, first, until):
        for hour in range(first, until):
            trips(0, self.topic, 40, self.T0 + hour * 3600000)

    def prepare(self):
        Fault.prepare(self)
        self.hours(0, 8)
        trips(1, self.topic, 3, self.T0 + self.FAR)

    def sealed(self):
        at = self.case.redis("HGET", self.key("monitor"), "sealed_until")
        return (int(at) - self.T0) // 3600000 if at else None

    def see(self):
        equal(self.sealed(), 8, "hours sealed, when both were silent")
        self.hours(8, 16)
        wait_for("the next hours", 30, lambda: (self.sealed() or 0) >= 14)
        check(self.sealed() <= 16, "none of the years between", self.sealed())
        equal(self.ready()[0], True, "it is ready")


class Ghost(Fault):
    """A dead process holds the lease, and it does not expire."""
    name, component, rule, metric = "leader", "leader", "LeewayNotEvaluating", "leeway_evaluation_age_seconds"
    ill = staticmethod(lambda v: v > 20)

    def make(self):
        self.case.redis("SET", self.key("fence"), "9" * 15)
        self.case.redis("SET", self.key("lease"), "9" * 15 + " ghost:1", "PX", 600000)

    def repair(self):
        self.case.redis("DEL", self.key("lease"))


class Stopped(Fault):
    """The leader is suspended and answers no request."""
    name, component, rule, metric = "stopped", None, "LeewayDown", "up"
    notified = False

    def make(self):
        self.daemon.freeze()

    def repair(self):
        self.daemon.resume()

    def not_ready(self, prometheus):
        return True  # a request would hang


class Dead(Fault):
    """No process runs."""
    name, component, rule, metric = "dead", None, "LeewayGone", "up"
    notified = False

    def make(self):
        self.daemon.kill()

    def repair(self):
        self.start()


class Outbox(Fault):
    """A receiver refuses messages; another one is notified."""
    name, component, rule, metric = "outbox", "outbox", "LeewayUndelivered", "leeway_outbox_oldest_seconds"
    ill = staticmethod(lambda v: v > 30)

    def __init__(self, case):
        super().__init__(case)
        self.deaf = True
        self.other = Receiver(lambda n: 503 if self.deaf else 204)
        case.at_end.append(self.other.close)

    def changes(self):
        return super().changes() + [(r"^webhooks:\n", f"webhooks:\n  - {{name: other, url: {self.other.url}}}\n")]

    def make(self):
        with open(os.path.join(ROOT, "tests/data/alert/body_json_firing.json"), encoding="utf-8") as f:
            message = f.read()
        self.case.redis("XADD", self.key("outbox"), "*", "id", f"{json.loads(message)['id']}@other", "json", message)

    def repair(self):
        self.deaf = False
        self.case.redis("XTRIM", self.key("outbox"), "MAXLEN", 0)  # the next attempt may be minutes away


KINDS = (Brokers, Group, Letters, Full, Clock, Ghost, Outbox, Stopped, Dead)


def table(faults):
    rows = [("fault", "not ready", "metric", "rule", "message", "ready again", "resolved", "messages")]
    for f in faults:
        shown = {k: f"{v:.0f} s" for k, v in f.seconds.items()}
        over = {k: f"{v:.0f} s" for k, v in f.over.items()}
        rows.append((f.name, shown.get("ready", "-"), f"{f.metric} {shown.get('metric', '-')}",
                     f"{f.rule} {shown.get('rule', '-')}", shown.get("message", "needs a process"),
                     over.get("ready", "-"), over.get("rule", "-"), over.get("message", "-")))
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for r in rows:
        print("| " + " | ".join(c.ljust(w) for c, w in zip(r, widths)) + " |", flush=True)
    for f in faults:
        if f.named:
            print(f"{f.name}: {f.component}: {f.named}", flush=True)


def watch(faults, prometheus, seconds, into, looks):
    """Watches each fault from its start; returns those unfinished after this many seconds."""
    open_, left = list(faults), []
    while open_:
        open_ = [f for f in open_ if not f.note(getattr(f, into), looks(f), prometheus, f.began)]
        left += [f for f in open_ if time.monotonic() - f.began > seconds * harness.PATIENCE]
        open_ = [f for f in open_ if f not in left]
        time.sleep(0.5)
    return left


def scenario(case):
    if not shutil.which("prometheus"):
        check(os.environ.get("CI") != "true", "no prometheus: scripts/deps.sh test")
        say("skipped: no prometheus (scripts/deps.sh test)")
        raise SystemExit(77)
    only = os.environ.get("LEEWAY_HEALTH")
    faults = [kind(case) for kind in KINDS if not only or kind.name in only.split(",")]
    if any(isinstance(f, OnGuarded) for f in faults):
        OnGuarded.guarded = Guarded(case)
        OnGuarded.guarded.allow(
            ["--operation", "Read", "--operation", "Describe", "--topic", "*", "--group", "health-letters"],
            ["--operation", "Create", "--operation", "Describe", "--cluster"],
            ["--operation", "Write", "--topic", "health-letters"])
    quiet = Quiet(case)
    quiet.prepare()
    quiet.start()
    for f in faults:
        f.prepare()
        if f.ready_first:
            f.start()
    prometheus = Prometheus(case, faults)
    say("services and processes are up")
    for f in faults:
        if f.ready_first:
            wait_for(f"{f.name} to be ready", 60, lambda f=f: f.ready()[0])
    wait_for("no rule to fire", 30, lambda: not prometheus.firing())
    say("all are ready, no rule fires; now the faults")
    asked = next((f for f in faults if isinstance(f, Brokers)), None)
    if asked:
        case.leeway("health", "-c", asked.config, LEEWAY_LISTEN=asked.listen)
        case.leeway("health", "-c", asked.config, "--ready", LEEWAY_LISTEN=asked.listen)
        case.leeway("health", "-c", asked.config, LEEWAY_LISTEN=f"127.0.0.1:{free_port()}", status=1)
        case.leeway("health", "-c", asked.config, LEEWAY_LISTEN="off", status=1)
    for f in faults:
        f.began = time.monotonic()
        f.make()
    left = watch(faults, prometheus, WITHIN, "seconds", lambda f: f.looks())
    if asked and not left:
        case.leeway("health", "-c", asked.config, LEEWAY_LISTEN=asked.listen)
        output = case.leeway("health", "-c", asked.config, "--ready", LEEWAY_LISTEN=asked.listen, status=3)
        check("no broker answers" in output, "the stalled component is named", output)
        text = case.leeway("status", "-c", asked.config, **asked.environment())
        check("stalled: kafka: no broker answers" in text, "status says so too", text)
    for f in faults:
        f.began = time.monotonic()
        f.repair()
    if not left:
        say("all have been noticed; now they are mended")
        left = watch(faults, prometheus, 90, "over", lambda f: f.ends())
    quiet.see()
    table(faults)
    for f in faults:
        check(f not in left, f"{f.name}: all that is to be seen", f.seconds, f.over, ask(f.listen, "/readyz"))
        if f.notified:
            equal(len(f.messages("firing")), f.processes, f"{f.name}: messages, each sent once")
            equal(len({m["id"] for m in f.messages("firing")}), 1, f"{f.name}: by one id")
            equal({m["rule"] for m in f.receiver.itself}, {f"leeway-{f.component}"}, f"{f.name}: and of nothing else")
            equal({m["incident"] for m in f.messages("firing")}, {m["incident"] for m in f.messages("resolved")},
                  f"{f.name}: incidents")
            check(f.messages("firing")[0]["summary"].startswith("leeway itself: "), "it is about leeway itself",
                  f.messages("firing"))


if __name__ == "__main__":
    main(scenario)
