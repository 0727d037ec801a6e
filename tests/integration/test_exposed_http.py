"""The HTTP port of `leeway run` while Kafka and Redis are away.

HTTPS with a certificate that is renewed, damaged and expired while it is served; health checks while hundreds of
connections are held open, idle or sending single bytes; and the warnings of `leeway check` about exposed
settings.
"""
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess

from harness import BIN, Daemon, check, equal, free_port, main, say, wait_for

HELD = 300


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def certificate(case, name, days, host="leeway.test"):
    """Creates a certificate of an authority (the first time) and of a server, as NAME.crt and NAME.key."""
    ca, path = case.path("ca"), case.path(name)
    if not os.path.exists(ca + ".crt"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a test", "-days", "30",
                "-keyout", ca + ".key", "-out", ca + ".crt")
    with open(path + ".ext", "w", encoding="ascii") as f:
        f.write(f"subjectAltName=DNS:{host},DNS:localhost,IP:127.0.0.1\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}", "-keyout", path + ".key",
            "-out", path + ".csr")
    openssl("x509", "-req", "-in", path + ".csr", "-CA", ca + ".crt", "-CAkey", ca + ".key", "-CAcreateserial",
            "-days", str(days), "-extfile", path + ".ext", "-out", path + ".crt")
    os.chmod(path + ".key", 0o600)
    return path


def install(case, name):
    """Replaces each file in one step, like a renewal."""
    for kind in ("crt", "key"):
        with open(case.path(f"{name}.{kind}"), "rb") as f, open(case.path("new"), "wb") as out:
            out.write(f.read())
        os.chmod(case.path("new"), 0o600)
        os.replace(case.path("new"), case.path(f"served.{kind}"))


def trusting(case):
    return ssl.create_default_context(cafile=case.path("ca.crt"))


def serial(case, port):
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        with trusting(case).wrap_socket(s, server_hostname="leeway.test") as t:
            return t.getpeercert()["serialNumber"]


def ask(port, path, context=None, **headers):
    """The status; 0 if there is no response."""
    kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
    c = kind("localhost", port, timeout=20, **({"context": context} if context else {}))
    try:
        c.request("GET", path, headers=headers)
        return c.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        c.close()


def https(case, config):
    port = free_port()
    first = certificate(case, "first", 5)
    certificate(case, "second", 20)
    install(case, "first")
    daemon = Daemon(case, config, "https", LEEWAY_LISTEN=f"127.0.0.1:{port}")
    context = trusting(case)
    wait_for("the server", 30, lambda: ask(port, "/healthz", context) == 200)
    equal(ask(port, "/", context), 200, "the page")
    equal(ask(port, "/healthz"), 0, "no response without TLS")
    before = serial(case, port)
    install(case, "second")
    wait_for("the new certificate", 20, lambda: serial(case, port) != before)
    now = serial(case, port)
    shutil.copyfile(first + ".key", case.path("served.key"))  # the key of another certificate
    wait_for("the log line about it", 20, lambda: serial(case, port) == now and daemon.logged("http_certificate_unusable"))
    check("not the key of the certificate" in daemon.logged("http_certificate_unusable")[0], "why", daemon.text())
    held = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(HELD)]
    equal(ask(port, "/healthz", context), 200, f"health beside {HELD} silent connections")
    for s in held:
        s.close()
    daemon.kill()
    say("HTTPS")


def held_open(case, config):
    port = free_port()
    daemon = Daemon(case, config, "plain", LEEWAY_LISTEN=f"127.0.0.1:{port}")
    wait_for("the server", 30, lambda: ask(port, "/healthz") == 200)
    for head in (b"", b"GET /api/v1/now HTTP/1.1\r\nX: ", b"GET /healthz HTTP/1.1\r\nX: ",
                 b"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n"):
        held = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(HELD)]
        for round_ in range(5):
            for s in held:
                try:
                    s.sendall(head if round_ == 0 else b"x" if head else b"")
                except OSError:
                    pass  # its connection was closed
            equal(ask(port, "/healthz"), 200, f"health beside {HELD} that sent {head!r}")
            equal(ask(port, "/metrics"), 200, "metrics")
            equal(ask(port, "/"), 200, "the page")
        for s in held:
            s.close()
    daemon.stop()
    say("stalled connections do not block others")


def findings(case, config, **environment):
    done = subprocess.run([BIN, "check", "-c", config, "--offline", "--json"], capture_output=True, text=True,
                          env={**case.environment, **environment}, check=False)
    return json.loads(done.stdout)["checks"], done.returncode


def warned(case, config, **environment):
    checks, _ = findings(case, config, **environment)
    return [c["detail"] for c in checks if c["warning"] and c["check"] == "exposed"]


def check_says(case, changes, *words, **environment):
    """`check` of a configuration with these changes must print all these words."""
    config = case.nyc("exposed", "exposed", changes)
    said = warned(case, config, **environment)
    for word in words:
        check(any(word in s for s in said), f"a warning with {word!r}", said)
    equal(len(said), len(words), f"number of warnings: {said}")


def exposed_settings(case):
    token = case.path("token")
    with open(token, "w", encoding="ascii") as f:
        f.write("ops silence,models a-token-that-nobody-guesses\n")
    os.chmod(token, 0o600)
    http_ = r"^http:.*$"
    check_says(case, [])
    check_says(case, [], LEEWAY_TOKEN_FILE=token)
    check_says(case, [], "anyone who can connect can read", LEEWAY_LISTEN="0.0.0.0:8080")
    check_says(case, [], "anyone who can connect can read", "tokens are sent in clear text over http://", LEEWAY_LISTEN="0.0.0.0:8080",
         LEEWAY_TOKEN_FILE=token)
    check_says(case, [(http_, f"http:\n  read_token_file: {token}.read\n  public_url: https://leeway.test")],
         LEEWAY_LISTEN="[::]:8080", LEEWAY_TOKEN_FILE=token)
    os.chmod(token, 0o644)
    check_says(case, [], "other users can read it", LEEWAY_TOKEN_FILE=token)
    os.chmod(token, 0o600)
    kafka = r"^kafka:.*$"
    check_says(case, [(kafka, "kafka:\n  enable.ssl.certificate.verification: \"false\"\n"
                        "  ssl.endpoint.identification.algorithm: none")],
         "enable.ssl.certificate.verification is false", "identification.algorithm is none")
    with open(token, "a", encoding="ascii") as f:
        f.write("ci models SHORT\n")
    checks, status = findings(case, case.nyc("exposed", "exposed", []), LEEWAY_TOKEN_FILE=token)
    bad = [c["detail"] for c in checks if not c["ok"]]
    equal((status, len(bad)), (3, 1), "a token that is too short")
    check(":2: a token must have at least 16" in bad[0] and "SHORT" not in bad[0], "the line number, but not its text", bad)
    say("check")


def scenario(case):
    closed_port = free_port()
    case.environment.update(LEEWAY_KAFKA=f"127.0.0.1:{closed_port}", LEEWAY_REDIS=f"redis://127.0.0.1:{closed_port}",
                            LEEWAY_LISTEN="127.0.0.1:0")
    exposed_settings(case)
    config = case.nyc("exposed", "exposed", [])
    held_open(case, config)
    tls = f"http:\n  tls: {{cert_file: {case.path('served.crt')}, key_file: {case.path('served.key')}}}"
    secure = case.nyc("exposed", "exposed", [(r"^http:.*$", tls)])
    https(case, secure)
    install_expired(case, secure)


def install_expired(case, config):
    certificate(case, "old", -1)
    install(case, "old")
    checks, status = findings(case, config)
    check(status == 3 and any(" expired at " in c["detail"] for c in checks if not c["ok"]), "expired", checks)
    port = free_port()
    daemon = Daemon(case, config, "expired", LEEWAY_LISTEN=f"127.0.0.1:{port}")
    lax = ssl.create_default_context()
    lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
    wait_for("the server", 30, lambda: ask(port, "/healthz", lax) == 200)
    equal(ask(port, "/healthz", trusting(case)), 0, "a verifying client does not connect")
    daemon.kill()
    say("expired")


main(scenario)
