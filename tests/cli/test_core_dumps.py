"""A crash of the daemon leaves no core dump, unless the configuration allows it.

  test_core_dumps.py PROGRAM

The owner of /proc/PID shows whether the kernel would write one: the process's own user, or root if dumps are
disabled. So the daemon runs as a user other than root. The services that it waits for need not exist."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NOBODY = 65534
failures = []


def dumps_disabled(directory, more, label):
    """Whether core dumps of a running daemon are disabled."""
    config = os.path.join(directory, "configs", "nyc-green.yaml")
    with open(os.path.join(ROOT, "configs", "nyc-green.yaml")) as f:
        text = f.read()
    with open(config, "w") as f:
        f.write(text + more)
    user = NOBODY if os.getuid() == 0 else os.getuid()
    log = open(os.path.join(directory, "log"), "w+")
    environment = {**os.environ, "LEEWAY_KAFKA": "127.0.0.1:1", "LEEWAY_REDIS": "redis://127.0.0.1:1",
                   "LEEWAY_LISTEN": "127.0.0.1:0"}
    daemon = subprocess.Popen([os.path.join(directory, "leeway"), "run", "-c", config], stderr=log, env=environment,
                              user=user if os.getuid() == 0 else None)
    try:
        for _ in range(1200):  # until it has read its configuration
            with open(log.name) as f:
                text = f.read()
            if "http_listening" in text or daemon.poll() is not None:
                break
            time.sleep(0.05)
        if "http_listening" not in text:
            failures.append(f"{label}: the daemon did not start: {text}")
        owner = os.stat(f"/proc/{daemon.pid}/environ").st_uid
    finally:
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        log.close()
    if owner not in (0, user):
        failures.append(f"{label}: /proc belongs to {owner}, neither root nor {user}")
    return owner == 0


def main():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        shutil.copy(PROGRAM, os.path.join(directory, "leeway"))
        for name in ("configs", "schemas"):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(directory, name))
        if not dumps_disabled(directory, "", "by default"):
            failures.append("by default a crash leaves a core dump")
        if dumps_disabled(directory, "\ncore_dumps: true\n", "core_dumps: true"):
            failures.append("core_dumps: true allows no core dump")
    for text in failures:
        print("FAILED " + text)
    return 1 if failures else 0


sys.exit(main())
