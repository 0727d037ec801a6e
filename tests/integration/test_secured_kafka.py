"""A broker with TLS, authentication and ACLs.

`check` tests each permission and names the problem: a wrong password, an unknown authority, an
expired certificate, a certificate for another host, a missing client certificate, another protocol, a mechanism
that this librdkafka does not support; each has its own text, with the key to change. SCRAM and OAUTHBEARER (a
token endpoint on loopback) work with a newer librdkafka, that of confluent-kafka for Python.

Then `run`, over mutual TLS and with a password: it waits for a missing permission or password and continues
when it is there; a write permission that is revoked and granted again loses no dead letter and counts no event
twice, whether the producer fails fatally or only its messages do; changed certificates and passwords are read
again."""
import base64
import glob
import http.server
import json
import os
import shutil
import threading
import time

from harness import (Broker, Daemon, check, consume, count, counters, ends, equal, green_trip, kafka, main, members,
                     produce, say, wait_for)

STREAM = TOPIC = "secured"
DEAD = TOPIC + ".dead"
PASSWORD = "a password"
RIGHTS = [("Read", "topic", TOPIC), ("Read", "group", STREAM), ("Write", "topic", DEAD)]
BEGAN = 1590000000000


def grant(*right, verb="grant"):
    kafka(verb, "leeway", *right)


def revoke(*right):
    grant(*right, verb="revoke")


class Endpoint:
    """An OIDC token endpoint: client credentials for an unsecured token."""

    def __init__(self, secret):
        endpoint, self.asked = self, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                endpoint.asked += 1
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                given = base64.b64encode(f"leeway:{secret}".encode()).decode()
                good = self.headers.get("Authorization") == f"Basic {given}"
                now = int(time.time())
                token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (
                    {"alg": "none"}, {"sub": "leeway", "iat": now, "exp": now + 600})) + "."
                body = json.dumps({"access_token": token, "token_type": "bearer", "expires_in": 600}
                                  if good else {"error": "invalid_client"}).encode()
                self.send_response(200 if good else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/token"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Secured:
    """Configurations for the broker's listeners."""

    def __init__(self, case):
        self.case, self.n = case, 0
        self.broker = Broker(case, "secured")
        self.word = case.path("word")
        self.put(PASSWORD)

    def put(self, word):
        """Replaces the file in one step, like a secret mount."""
        with open(self.word + ".new", "w", encoding="utf-8") as f:
            f.write(word + "\n")
        os.replace(self.word + ".new", self.word)

    def file(self, name):
        return os.path.join(self.broker.dir, name)

    def config(self, listener, **properties):
        self.n += 1
        address = open(self.file(listener + ".address"), encoding="utf-8").read().strip()
        mutual = listener == "mutual"
        wanted = {"bootstrap.servers": address, "security.protocol": "ssl" if mutual else "sasl_ssl",
                  "ssl.ca.location": self.file("ca.crt"), "session.timeout.ms": 6000}
        if not mutual:
            wanted |= {"sasl.mechanism": "PLAIN", "sasl.username": "leeway", "sasl.password_file": self.word}
        wanted |= {k.replace("__", "."): v for k, v in properties.items()}
        lines = "\n".join(f"  {k}: {json.dumps(v)}" for k, v in wanted.items() if v is not None)
        return self.case.nyc(STREAM, TOPIC, [
            (r"^  bootstrap\.servers: .*", lines), (r"^    url: .*LEEWAY_WEBHOOK.*", '    url: "http://127.0.0.1:9/x"'),
        ], f"secured-{self.n}.yaml")

    def certificate(self, name):
        return {"ssl__certificate__location": self.file(name + ".crt"), "ssl__key__location": self.file(name + ".key")}

    def findings(self, config, status, **environment):
        out = json.loads(self.case.leeway("check", "-c", config, "--json", status=status, **environment))
        return {c["check"]: c for c in out["checks"]}

    def refused(self, what, config, *words, **environment):
        """`check` fails at the topic and prints these words; returns all of its text."""
        found = self.findings(config, 3, **environment)
        text = found["topic" if "topic" in found else "kafka"]["detail"]
        for word in words:
            check(word in text, f"{what}: {word!r}", text)
        say(f"{what}: {text[:230]}")
        return text


def newer_client():
    """The shared object within confluent-kafka's wheel."""
    try:
        import confluent_kafka
    except ImportError:
        return None
    where = os.path.join(os.path.dirname(os.path.dirname(confluent_kafka.__file__)), "confluent_kafka.libs")
    return next(iter(glob.glob(os.path.join(where, "librdkafka*"))), None)


def rights(secured, config):
    found = secured.findings(config, 3)
    for what, operation, kind, name in (("read topic", "Read", "topic", TOPIC), ("join group", "Read", "group", STREAM),
                                        ("write to topic", "Write", "topic", DEAD)):
        check(not found[what]["ok"] and "no right" in found[what]["detail"] and "User:leeway" in found[what]["detail"]
              and f"--operation {operation} --{kind} '{name}'" in found[what]["detail"], what, found[what])
    for right in RIGHTS:
        grant(*right)
    for missing, what in zip(RIGHTS, ("read topic", "join group", "write to topic")):
        revoke(*missing)
        found = secured.findings(config, 3)
        equal(found[what]["ok"], False, f"{what} without {missing}")
        check(f"--operation {missing[0]} --{missing[1]} '{missing[2]}'" in found[what]["detail"], what, found[what])
        grant(*missing)
    found = secured.findings(config, 0)
    equal([c for c in found if not found[c]["ok"]], [], "failed checks with the minimal permissions")
    equal((sum(ends(TOPIC)), sum(ends(DEAD)), members(STREAM)), (0, 0, 0), "messages left by check")
    say("each permission is tested, and nothing is left behind")


def words(secured):
    ca = secured.file("foreign.crt")
    texts = [
        secured.refused("a foreign authority", secured.config("login", ssl__ca__location=ca), "authority",
                        "kafka.ssl.ca.location"),
        secured.refused("an expired certificate", secured.config("expired"), "old-broker", "expired on 20"),
        secured.refused("another host's certificate", secured.config("other"), "other.example",
                        "kafka.bootstrap.servers"),
        secured.refused("no client certificate", secured.config("mutual"), "kafka.ssl.certificate.location"),
        secured.refused("another protocol", secured.config("login", security__protocol="sasl_plaintext"),
                        "kafka.security.protocol"),
        secured.refused("another mechanism", secured.config("login", sasl__mechanism="SCRAM-SHA-256"),
                        "the broker does not support this kafka.sasl.mechanism"),
    ]
    texts.append(secured.refused("an expired certificate of ours", secured.config(
        "mutual", **secured.certificate("client-expired")), "expired"))
    secured.put("wrong")
    texts.append(secured.refused("a wrong password", secured.config("login"), "kafka.sasl.password_file"))
    check(not any("wrong" in t and "wrong version" not in t for t in texts[-1:]), "no password is printed", texts[-1])
    secured.put(PASSWORD)
    for text in texts[:3] + texts[-1:]:
        check("127.0.0.1:" in text, "the broker is named", text)
    found = secured.findings(secured.config("mutual", **secured.certificate("client")), 0)
    check(found["write to topic"]["ok"], "mutual TLS", found)


def newer(case, secured):
    """SCRAM and OAUTHBEARER: refused with a message by Debian 12's librdkafka, accepted by a newer one."""
    scram = secured.config("login", sasl__mechanism="SCRAM-SHA-512")
    endpoint = Endpoint("a secret")
    case.at_end.append(endpoint.close)
    with open(case.path("oidc"), "w", encoding="utf-8") as f:
        f.write("a secret\n")
    oidc = secured.config("login", sasl__mechanism="OAUTHBEARER", sasl__username=None, sasl__password_file=None, **{
        "sasl.oauthbearer.method": "oidc", "sasl.oauthbearer.client.id": "leeway",
        "sasl.oauthbearer.client.secret_file": case.path("oidc"), "sasl.oauthbearer.token.endpoint.url": endpoint.url})
    plain = secured.findings(secured.config("login"), 0)
    version = tuple(map(int, plain["kafka client"]["detail"].split()[1].split("-")[0].split(".")))
    if version < (2, 6, 1):
        secured.refused("SCRAM with an old client", scram, "SCRAM", "2.6.1", "docs/dependencies.md")
        check(secured.findings(scram, 3)["kafka client"]["warning"], "check warns of the client")
        daemon = Daemon(case, scram, "scram")
        wait_for("the log line about it", 20, lambda: daemon.logged("kafka_client"))
        check("2.6.1" in daemon.logged("kafka_client")[0], "by name", daemon.logged("kafka_client"))
        daemon.kill()
        case.daemons.remove(daemon)
    library = newer_client()
    if version >= (2, 6, 1):
        library = ""
    if library is None:
        say("SKIPPED: SCRAM and OAUTHBEARER, without a newer librdkafka (tests/requirements.txt)")
        return
    with_it = {"LD_PRELOAD": library} if library else {}
    found = secured.findings(scram, 0, **with_it)
    say(f"SCRAM with {found['kafka client']['detail']}")
    if not library and "built without OIDC" in case.attempt("check", "-c", oidc, "--json").stdout:
        say("SKIPPED: OAUTHBEARER, this librdkafka is built without OIDC")
        return
    secured.findings(oidc, 0, **with_it)
    check(endpoint.asked > 0, "the token endpoint was used", endpoint.asked)
    with open(case.path("oidc"), "w", encoding="utf-8") as f:
        f.write("another\n")
    secured.refused("a wrong client secret", oidc, "kafka.sasl.oauthbearer.token.endpoint.url", **with_it)
    say("OAUTHBEARER, with a token endpoint")


class Events:
    """Trips and garbage alternating, and the expected counts."""

    def __init__(self, case):
        self.case, self.good, self.bad = case, 0, 0

    def send(self, good, bad):
        values = [green_trip(self.good + i, BEGAN + 1000 * (self.good + i)) for i in range(good)]
        values += [b"\xff%d" % (self.bad + i) for i in range(bad)]
        self.good, self.bad = self.good + good, self.bad + bad
        self.case.random.shuffle(values)
        for p in (0, 1):
            produce(TOPIC, p, values[p::2])

    def wait(self):
        def there():
            c = counters(self.case.redis, STREAM)
            return (c["good"], c["dead_lettered"]) == (self.good, self.bad)
        try:
            wait_for(f"{self.good} events and {self.bad} letters", 90, there)
        finally:
            say(f"{counters(self.case.redis, STREAM)}")
        letters = {m["value"] for m in consume(DEAD)}
        equal(letters, {(b"\xff%d" % i).hex() for i in range(self.bad)}, "dead letters, none lost")


def letters(case, secured, events):
    """The write permission is revoked while dead letters are pending, and granted again."""
    daemon = Daemon(case, secured.config("mutual", **secured.certificate("client")), "letters")
    events.send(50, 10)
    events.wait()
    revoke("Write", "topic", DEAD)
    events.send(50, 10)
    wait_for("the refusal", 60, lambda: daemon.logged("refused"))
    check("--operation Write" in daemon.logged("refused")[0], "the message", daemon.logged("refused"))
    equal(counters(case.redis, STREAM)["dead_lettered"], events.bad - 10, "dead letters skipped")
    grant("Write", "topic", DEAD)
    events.wait()
    say("a permission that was revoked and granted again")
    daemon.stop()
    # Without any write permission at the start, an idempotent producer gets no id and fails fatally.
    revoke("Write", "topic", DEAD)
    daemon = Daemon(case, secured.config("mutual", **secured.certificate("client")), "fatal")
    events.send(50, 10)
    wait_for("two new producers", 60, lambda: len(daemon.logged("producer_renewed")) >= 2)
    grant("Write", "topic", DEAD)
    events.wait()
    say("a failed producer is replaced")
    return daemon


def certificates(case, secured, events, daemon):
    daemon.stop()
    for end in (".crt", ".key"):
        shutil.copy(secured.file("client-expired" + end), secured.file("now" + end))
    daemon = Daemon(case, secured.config("mutual", **secured.certificate("now")), "certificates")
    wait_for("the log line about it", 30, lambda: daemon.logged("kafka_trouble"))
    check("kafka.ssl.certificate.location" in daemon.logged("kafka_trouble")[0], "the message", daemon.text()[-2000:])
    for end in (".crt", ".key"):
        shutil.copy(secured.file("client" + end), secured.file("now" + end))
    events.send(40, 5)
    events.wait()
    # ... and while it runs: first only the key, which is not usable yet, then the certificate.
    shutil.copy(secured.file("client-new.key"), secured.file("now.key"))
    wait_for("the key alone", 30, lambda: daemon.logged("kafka_files"))
    shutil.copy(secured.file("client-new.crt"), secured.file("now.crt"))
    wait_for("the new certificates", 30, lambda: daemon.logged("kafka_files_read"))
    events.send(40, 5)
    events.wait()
    equal(daemon.logged("partition_lost"), [], "partitions lost")
    daemon.stop()
    say("certificates are read again")


def passwords(case, secured, events):
    secured.put("wrong")
    revoke("Read", "group", STREAM)
    daemon = Daemon(case, secured.config("login"), "passwords")
    wait_for("the log line about it", 30, lambda: daemon.logged("kafka_trouble"))
    check("kafka.sasl.password_file" in daemon.logged("kafka_trouble")[0], "the message", daemon.text()[-2000:])
    secured.put(PASSWORD)
    wait_for("the log line about the group", 60, lambda: any("--group" in l for l in daemon.logged("kafka_trouble")))
    grant("Read", "group", STREAM)
    events.send(40, 5)
    events.wait()
    secured.put("another")  # open connections stay open
    wait_for("the file to be read", 30, lambda: daemon.logged("kafka_password_read"))
    secured.put(PASSWORD)
    events.send(40, 5)
    events.wait()
    check(PASSWORD not in daemon.text(), "no password in the log")
    equal(daemon.logged("kafka_files_read"), [], "new clients for a password")
    daemon.stop()
    say("passwords are read again")


def scenario(case):
    secured = Secured(case)
    kafka("create", TOPIC, 2, DEAD, 1)
    rights(secured, secured.config("login"))
    words(secured)
    newer(case, secured)
    events = Events(case)
    daemon = letters(case, secured, events)
    certificates(case, secured, events, daemon)
    passwords(case, secured, events)


main(scenario)
