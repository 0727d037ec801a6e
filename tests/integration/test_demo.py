"""`leeway demo`: its figures, and that it leaves nothing behind, however it ends."""
import glob
import json
import os
import signal
import subprocess
import time

from harness import BIN, EVENTS, ROOT, TRIPS, check, equal, main, say

FIELDS = {"events", "frozen_rmse", "managed_rmse", "alerts", "retrains", "promotions", "rejections",
          "months"}


def left_behind(before):
    return sorted(set(glob.glob("/tmp/leeway-demo.*")) - before)


def children_of(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    return out.split()


def interrupted(seconds, before):
    demo = subprocess.Popen([BIN, "demo"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    children = children_of(demo.pid)
    demo.send_signal(signal.SIGINT)
    equal(demo.wait(15), 130, f"exit status after an interrupt at {seconds} s")
    equal(left_behind(before), [], "files left")
    for child in children:
        alive = subprocess.run(["ps", "-o", "stat=", "-p", child], capture_output=True, text=True)
        check(alive.stdout.strip() in ("", "Z"), "its redis-server has stopped", alive.stdout)


def scenario(case):
    before = set(glob.glob("/tmp/leeway-demo.*"))
    done = case.attempt("demo", "--json")
    equal(done.returncode, 0, "exit status")
    result = json.loads(done.stdout.splitlines()[-1])
    equal(len(done.stdout.splitlines()), 1, "lines on standard output")
    check(FIELDS <= set(result), "its fields", sorted(result))
    say({k: v for k, v in result.items() if k != "months"}.__repr__())
    equal(result["events"], EVENTS, "events")
    check(result["managed_rmse"] <= 0.88 * result["frozen_rmse"], "managed is 12 % below frozen")
    check(result["managed_rmse"] <= 4.85, "managed RMSE")
    check(1 <= result["retrains"] <= 6, "retrains")
    equal(result["promotions"] + result["rejections"], result["retrains"], "outcomes")
    equal([m["month"] for m in result["months"]][1:4], ["2020-03", "2020-04", "2020-05"], "months")
    equal(left_behind(before), [], "files left")
    # The replay waits until the workers know each decision, so a busy machine scores the same
    # trips as a backtest, except the few whose partition is late.
    files = json.loads(case.leeway("backtest", "-c", os.path.join(ROOT, "configs/nyc-green.yaml"), "--json", TRIPS))
    check(abs(result["scored"] - files["scored"]) <= 500, "as many events scored as in a backtest",
          f"{result['scored']}, {files['scored']}")
    # It also waits where panes begin, so that they are tracked alike, and training does not depend on the
    # order of arrival. What is left: trips of a pane that another partition has closed are scored by
    # the tracking of that moment.
    for figure in ("managed_rmse", "untracked_rmse", "frozen_rmse", "frozen_tracked_rmse"):
        check(abs(result[figure] - files[figure]) < 0.003, f"{figure} of a backtest", result[figure], files[figure])
    for decided in ("retrains", "promotions", "alerts", "critical_alerts"):
        equal(result[decided], files[decided], f"{decided} of a backtest")
    # At a multiple of event time, it also waits for its trips and loses none.
    paced = json.loads(case.leeway("demo", "--json", "--speed", "1000000").splitlines()[-1])
    equal(paced["events"], EVENTS, "events at a multiple of event time")
    equal([paced["retrains"], paced["promotions"]], [result["retrains"], result["promotions"]],
          "decisions at a multiple of event time")
    for seconds in (0.5, 2, 6):
        interrupted(seconds, before)


main(scenario, needs_services=False)
