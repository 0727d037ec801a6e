"""The whole loop in one process under the thread sanitizer, while its web page is requested: workers, leader, a
training, the notifier, the server. It is interrupted once a model has been trained and used, ends normally, and
the sanitizer reports no race.

  races_demo.py PROGRAM"""
import re
import signal
import subprocess
import sys
import threading
import urllib.request

ASKED = ("metrics", "healthz", "readyz") + tuple("api/v1/" + name for name in (
    "now", "history", "heatmap", "alerts", "models", "audit", "features/trip_distance"))


def asked(page, path):
    try:
        with urllib.request.urlopen(page + path, timeout=60) as answer:
            return answer.read().decode()
    except OSError as e:
        return str(e)


def main():
    demo = subprocess.Popen([sys.argv[1], "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    errors = []
    listener = threading.Thread(target=lambda: errors.append(demo.stderr.read()))
    listener.start()
    page = None
    for line in demo.stdout:
        page = re.search(r"http://\S+/", line)
        if page:
            break
    scored = 0
    while page and demo.poll() is None and scored < 2000:
        for path in ASKED:
            text = asked(page.group(), path)
            found = re.search(r"^leeway_scored_total(?:\{[^}]*\})? (\S+)", text, re.M)
            scored = float(found.group(1)) if found else scored
    demo.send_signal(signal.SIGINT)
    demo.stdout.read()
    status = demo.wait()
    listener.join()
    print(errors[0][-8000:])
    if status != 130 or "ThreadSanitizer" in errors[0]:
        print(f"FAILED exit status {status}, {scored} events scored")
        return 1
    print(f"{scored:.0f} events scored")
    return 0


sys.exit(main())
