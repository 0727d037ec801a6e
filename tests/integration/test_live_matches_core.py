"""The core makes the same decisions from recorded panes as a live run on a real Kafka and Redis.

The bundled trips are replayed while live_tool runs the engine and records each sealed pane as stored in
Redis, with all outputs of the leader and its state. Then a fresh monitor is fed the record: every
figure, alert, request and decision, and the state after each step, must be equal byte for byte.
"""
import json
import os
import subprocess

from harness import EVENTS, TRIPS, check, counters, main, say, wait_for

STREAM = TOPIC = "core-live"
PARTITIONS = 4


def scenario(case):
    tool = os.environ["LEEWAY_TEST_LIVE_TOOL"]
    case.create((TOPIC, PARTITIONS), (TOPIC + ".dead", 1))
    config = case.nyc(STREAM, TOPIC)
    errors = open(os.path.join(case.dir, "live.log"), "w")
    live = subprocess.Popen([tool, config, str(PARTITIONS)], stdin=subprocess.PIPE, stderr=errors,
                            stdout=subprocess.PIPE, text=True, env=case.environment)
    case.at_end.append(live.kill)
    case.leeway("replay", "-c", config, "--speed", "200000", TRIPS)
    say("replayed")
    wait_for("all messages", 120, lambda: live.poll() is not None
             or counters(case.redis, STREAM)["messages"] == EVENTS)
    out, _ = live.communicate()
    errors.close()
    tail = open(errors.name).read()[-1500:]
    check(live.returncode == 0, "the same decisions", live.returncode, out, tail)
    found = json.loads(out.splitlines()[-1])
    say(f"{found}")
    check(found["same"] and found["steps"] > 2000, "steps compared", found)
    check(found["alerts"] > 0 and found["requests"] >= 2, "there were decisions", found)
    check(found["promotions"] >= 2, "versions were promoted", found)


main(scenario)
