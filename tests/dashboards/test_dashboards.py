#!/usr/bin/env python3
"""Grafana's dashboards and Prometheus's rules.

The dashboards equal their script's output, have a valid structure, and query only metrics that docs/metrics.md
documents and fields that docs/redis.md documents. Prometheus's promtool checks the rules and tests them on
series. Standard library only.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCKER = os.path.join(ROOT, "docker")
BOARDS = os.path.join(DOCKER, "grafana/dashboards")
NAMES = ("leeway-redis.json", "leeway-prometheus.json")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def board(name):
    return json.loads(read("docker/grafana/dashboards", name))


def panels(name):
    return [p for p in board(name)["panels"] if p["type"] != "row"]


def documented_metrics():
    """{name} of the table, with the additional names of a histogram."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (\w+) \|", read("docs/metrics.md"), re.M)
    return {name + suffix for name, kind in rows
            for suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))}


def metrics_in(text):
    return set(re.findall(r"\b(?:leeway|process)_[a-z_]+\b(?=[{)\[ ]|$)", text))


class Dashboards(unittest.TestCase):
    def test_equal_their_scripts_output(self):
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([sys.executable, "-B", os.path.join(DOCKER, "grafana/dashboards.py"), "--out", out],
                           check=True)
            for name in NAMES:
                with open(os.path.join(out, name), encoding="utf-8") as f:
                    self.assertEqual(f.read(), read("docker/grafana/dashboards", name),
                                     f"{name}: run docker/grafana/dashboards.py")

    def test_other_windows_and_features_are_generated(self):
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([sys.executable, "-B", os.path.join(DOCKER, "grafana/dashboards.py"), "--out", out,
                            "--windows", "hour", "--features", "speed"], check=True)
            with open(os.path.join(out, NAMES[0]), encoding="utf-8") as f:
                text = f.read()
        self.assertIn("hour:psi:speed", text)
        self.assertNotIn("trip_distance", text)
        self.assertNotIn("week", text)

    def test_structure_is_valid(self):
        for name in NAMES:
            b = board(name)
            self.assertTrue(b["uid"] and b["title"] and b["schemaVersion"] >= 30)
            self.assertNotIn("id", b, "an id belongs to one Grafana")
            self.assertEqual(len({p["id"] for p in b["panels"]}), len(b["panels"]), "panel ids")
            variables = {v["name"] for v in b["templating"]["list"]}
            used = set(re.findall(r"\$\{?(\w+)", json.dumps(b["panels"]))) - {"time", "__rate_interval"}
            self.assertLessEqual(used, variables, "variables that are not defined")
            for p in panels(name):
                self.assertTrue(p["title"] and p["targets"], p["title"])
                self.assertEqual(len({t["refId"] for t in p["targets"]}), len(p["targets"]), p["title"])
                self.assertTrue(all(t["datasource"] == p["datasource"] for t in p["targets"]), p["title"])

    def test_no_panels_overlap(self):
        for name in NAMES:
            taken = {}
            for p in board(name)["panels"]:
                g = p["gridPos"]
                self.assertLessEqual(g["x"] + g["w"], 24, p["title"])
                for x in range(g["x"], g["x"] + g["w"]):
                    for y in range(g["y"], g["y"] + g["h"]):
                        self.assertNotIn((x, y), taken, f"{p['title']} over {taken.get((x, y))}")
                        taken[x, y] = p["title"]

    def test_metrics_are_documented(self):
        known = documented_metrics()
        self.assertGreater(len(known), 30)
        found = set()
        for p in panels(NAMES[1]):
            for target in p["targets"]:
                found |= metrics_in(target["expr"])
        self.assertGreater(len(found), 20)
        self.assertLessEqual(found, known)

    def test_redis_is_queried_for_the_time_range(self):
        for p in panels(NAMES[0]):
            for target in p["targets"]:
                if target.get("command") == "xrange":
                    self.assertNotIn("start", target, "an empty start is the dashboard's own range")
                    self.assertEqual(target["keyName"], "leeway:{${stream}}:history")

    def test_redis_fields_are_documented(self):
        contract = read("docs/redis.md") + read("docs/figures.md")
        for p in panels(NAMES[0]):
            for step in p.get("transformations", []):
                for name in step["options"].get("include", {}).get("names", []):
                    if name == "$time":
                        continue
                    parts = name.split(":")
                    self.assertIn(f"`{parts[1] if len(parts) > 1 else parts[0]}`", contract, name)


class Prometheus(unittest.TestCase):
    def promtool(self, *words):
        if not shutil.which("promtool"):
            if os.environ.get("CI") == "true":
                self.fail("no promtool: scripts/deps.sh test")
            self.skipTest("no promtool: scripts/deps.sh test")
        done = subprocess.run(["promtool", *words], cwd=os.path.join(DOCKER, "prometheus"), text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_rules_are_valid(self):
        self.promtool("check", "rules", "alerts.yaml")

    def test_configuration_is_valid(self):
        self.promtool("check", "config", "prometheus.yml")

    def test_rules_fire_when_they_should(self):
        self.promtool("test", "rules", "alerts_test.yaml")

    def test_metrics_are_documented(self):
        text = re.sub(r"description:.*|summary:.*", "", read("docker/prometheus/alerts.yaml"))
        expressions = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        found = metrics_in(expressions)
        self.assertGreater(len(found), 10)
        self.assertLessEqual(found, documented_metrics())


if __name__ == "__main__":
    unittest.main(verbosity=1)
