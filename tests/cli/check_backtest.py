"""Fails if the numbers of a backtest contradict each other.  check_backtest.py OUT TRUTH"""
import json
import sys

o = json.load(open(sys.argv[1]))
truth = json.load(open(sys.argv[2]))


def near(a, b, what):
    assert abs(a - b) < 2e-3, (what, a, b)


def look_segments(r, n):
    for s in r["segments"]:
        assert sum(g["scored"] for g in s["segments"]) == n, "segments make the whole"
        for i, m in enumerate(r["months"]):
            cells = [g["months"][i] for g in s["segments"]]
            assert sum(c["scored"] for c in cells) == m["scored"]
            if m["scored"] > 100:
                e2 = sum(c["scored"] * c["managed_rmse"] ** 2 for c in cells if c["scored"] > 1)
                near((e2 / m["scored"]) ** .5, m["managed_rmse"], "a month by segment")


def look(r):
    months = [m for m in r["months"] if m["scored"]]
    n = sum(m["scored"] for m in months)
    assert n == r["scored"], "months make the whole"
    near((sum(m["scored"] * m["managed_rmse"] ** 2 for m in months) / n) ** .5, r["managed_rmse"], "months")
    for key in ("retrains", "promotions", "alerts", "critical_alerts"):
        assert sum(m[key] for m in r["months"]) == r[key], key
    assert r["promotions"] + r["rejections"] == r["retrains"]
    trainings = [e for e in r["log"] if e["event"] == "training"]
    assert len(trainings) == r["retrains"] + 1, "the bootstrap is no retrain"
    promoted = [t for t in trainings if t["promoted"]][1:]
    assert promoted and all(t["following_week"]["n"] > 1000 for t in promoted[:-1])
    look_segments(r, n)


look(o)
look(o["against"])
assert [s["by"] for s in o["segments"]] == ["pickup_hour", "trip_distance"]
assert o["frozen_rmse"] > o["managed_rmse"]
assert o["against"]["frozen_rmse"] is None, "a first model that was not kept has no figure"
assert o["against"]["retrains"] > o["retrains"]
(t,) = truth
assert t["kind"] == "sudden" and t["field"] == "target" and t["size"] == 8
assert 3000 < t["touched"] <= t["events"] < 12000, t
assert t["at"].startswith("2020-05-10") and t["until"].startswith("2020-05-13")
(i,) = o["injections"]
assert i["found_by"] and 0 < i["delay_hours"] <= 72, i
