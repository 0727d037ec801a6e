#!/usr/bin/env python3
"""See soak.sh."""
import sys
import time

from services import BEGIN, HOUR, Services, end, median, say, status

STEP = 5
TOPIC = "soak"


def slope(points):
    """Of a least-squares line, per unit of the first coordinate."""
    n = len(points)
    mx, my = sum(p[0] for p in points) / n, sum(p[1] for p in points) / n
    return (sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points))


def main():
    minutes = float(sys.argv[1])
    rate = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    hours = float(sys.argv[3]) if len(sys.argv) > 3 else 10
    messages = int(minutes * 60 * rate)
    s = Services()
    try:
        s.start()
        s.create(TOPIC)
        child = s.leeway(TOPIC, BENCH_GROUP=TOPIC)
        time.sleep(3)
        # Hours of event time a minute: panes open, close and leave the windows all the while.
        producer = s.produce(TOPIC, messages, BEGIN, minutes * hours * HOUR, rate, wait=False)
        began, points = time.monotonic(), []
        while producer.poll() is None:
            if child.poll() is not None:
                raise RuntimeError(f"leeway ended with {child.returncode}; its log is in {s.dir}")
            time.sleep(STEP)
            points.append(((time.monotonic() - began) / 60, status(child.pid, "VmRSS")))
            if len(points) % 24 == 0:
                say(f"{points[-1][0]:.0f} min, {points[-1][1]:.1f} MB, {s.passed(TOPIC)[0]:,} messages")
        s.wait_passed(TOPIC, messages, child)
        late = points[len(points) // 5:]
        tenth = max(len(late) // 10, 1)
        rise = slope(late)
        print(f"{messages:,} messages in {points[-1][0]:.1f} min, {minutes * hours:.0f} panes of an hour\n"
              f"resident, MB: after a fifth {median([p[1] for p in late[:tenth]]):.1f}, at the end "
              f"{median([p[1] for p in late[-tenth:]]):.1f}, most {status(child.pid, 'VmHWM'):.1f}\n"
              f"slope {rise * 1024:+.1f} KB a minute", flush=True)
        end(child)
    finally:
        s.stop()
    sys.exit(3 if rise > 0.1 else 0)


main()
