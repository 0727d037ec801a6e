#!/usr/bin/env python3
"""Writes Grafana's dashboards: one over Redis, one over Prometheus.

    docker/grafana/dashboards.py [--windows day,three_days,week] [--features A,B,...] [--out DIR]

The files in docker/grafana/dashboards are this script's output for configs/nyc-green.yaml. The Redis data
source turns each field of a stream's entries into a column of that name, and a panel selects columns by name,
so a stream with other windows or features needs other panels. Prometheus selects series by label.

Standard library only. docs/dashboards.md describes how to import them into Grafana.
"""
import argparse
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
FIGURES = os.path.join(HERE, "..", "..", "docs", "figures.md")
REDIS = {"type": "redis-datasource", "uid": "${redis}"}
PROMETHEUS = {"type": "prometheus", "uid": "${prometheus}"}
TITLES = {"psi": "PSI", "js": "Jensen-Shannon distance", "ks": "Kolmogorov-Smirnov distance",
          "w1": "Wasserstein-1 distance"}
ERROR, ERROR_LABEL = "rmse", "RMSE"  # of the task, as /api/v1/now names it
GAP_MS = 6 * 3600 * 1000  # a line has a gap if nothing is known for this long
MANAGED, FROZEN, EXPECTED = "blue", "orange", "#8a96a3"


def distances():
    """Distances of a column from the reference: [(name, meaning, series)], from the table
    in docs/figures.md: the metrics measured for the prediction, except verdicts."""
    with open(FIGURES, encoding="utf-8") as lines_:
        rows = [[c.strip() for c in line.strip().strip("|").split(" | ")] for line in lines_
                if line.startswith("| `")]
    return [(name.strip("`"), meaning, series.strip("`"))
            for name, rule, of, _, series, meaning in rows if rule == "yes" and "prediction" in of]


# ---- panels -----------------------------------------------------------------------------------


class Board:
    """Panels laid out from left to right in rows of 24 columns."""

    def __init__(self):
        self.panels, self.x, self.y, self.tall = [], 0, 0, 0

    def row(self, title):
        self.y += self.tall
        self.x = self.tall = 0
        self.add({"type": "row", "title": title, "collapsed": False, "panels": []}, 24, 1)

    def add(self, panel, width, height):
        if self.x + width > 24:
            self.y += self.tall
            self.x = self.tall = 0
        self.panels.append({"id": len(self.panels) + 1, **panel,
                            "gridPos": {"x": self.x, "y": self.y, "w": width, "h": height}})
        self.x += width
        self.tall = max(self.tall, height)


def override(name, **properties):
    return {"matcher": {"id": "byName", "options": name},
            "properties": [{"id": k.replace("__", "."), "value": v} for k, v in properties.items()]}


def fixed(colour):
    return {"mode": "fixed", "fixedColor": colour}


def lines(title, datasource, targets, description="", unit="none", overrides=(), **more):
    return {"type": "timeseries", "title": title, "description": description, "datasource": datasource,
            "targets": targets,
            "fieldConfig": {"defaults": {"unit": unit, "custom": {
                "drawStyle": "line", "lineWidth": 2, "fillOpacity": 0, "showPoints": "never",
                "spanNulls": False, "insertNulls": GAP_MS, **more.pop("custom", {})}, **more.pop("defaults", {})},
                "overrides": list(overrides)},
            "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                        "tooltip": {"mode": "multi", "sort": "none"}}, **more}


def stat(title, datasource, targets, description="", unit="none", decimals=None, thresholds=None, **more):
    defaults = {"unit": unit, "color": {"mode": "thresholds"}, "thresholds": {
        "mode": "absolute", "steps": thresholds or [{"color": "text", "value": None}]}}
    if decimals is not None:
        defaults["decimals"] = decimals
    return {"type": "stat", "title": title, "description": description, "datasource": datasource,
            "targets": targets, "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": {"colorMode": "value", "graphMode": "none", "textMode": "value",
                        "reduceOptions": {"calcs": ["lastNotNull"], "fields": more.pop("fields", ""),
                                          "values": False}}, **more}


def table(title, datasource, targets, description="", **more):
    return {"type": "table", "title": title, "description": description, "datasource": datasource,
            "targets": targets, "fieldConfig": {"defaults": {}, "overrides": more.pop("overrides", [])},
            "options": {"showHeader": True}, **more}


def dashboard(uid, title, description, board, variables, refresh):
    return {"uid": uid, "title": title, "description": description, "tags": ["leeway"],
            "schemaVersion": 36, "version": 1, "editable": True, "graphTooltip": 1, "refresh": refresh,
            "time": {"from": "now-30d", "to": "now"}, "timezone": "utc", "annotations": {"list": []},
            "templating": {"list": variables}, "panels": board.panels}


def source_variable(name, kind):
    return {"name": name, "label": "Data source", "type": "datasource", "query": kind, "current": {}}


GREEN_RED = [{"color": "green", "value": None}, {"color": "red", "value": 1}]
RATIO = [{"color": "green", "value": None}, {"color": "orange", "value": 1.15},
         {"color": "red", "value": 1.25}]


# ---- over Redis -------------------------------------------------------------------------------


def now_query():
    return {"refId": "A", "datasource": REDIS, "type": "command", "command": "hgetall",
            "keyName": "leeway:{${stream}}:now", "query": ""}


def history_query():
    """Without start and end the data source asks for the dashboard's range of time."""
    return {"refId": "A", "datasource": REDIS, "type": "command", "command": "xrange",
            "keyName": "leeway:{${stream}}:history", "query": "", "streaming": False}


def columns(names, known_by=None):
    """Picks and names columns: {field: title}. A figure that could not be computed is 0 in the history:
    rows in which `known_by` is 0 are omitted, and the line has gaps where rows are missing (insertNulls)."""
    steps = [{"id": "filterFieldsByName", "options": {"include": {
        "names": ["$time", *dict.fromkeys([*names, *([known_by] if known_by else [])])]}}}]
    if known_by:
        steps.append({"id": "filterByValue", "options": {"type": "include", "match": "all", "filters": [
            {"fieldName": known_by, "config": {"id": "greater", "options": {"value": 0}}}]}})
    steps.append({"id": "organize", "options": {
        "renameByName": {k: v for k, v in names.items() if k != v},
        "excludeByName": {known_by: True} if known_by and known_by not in names else {},
        "indexByName": {}}})
    return steps


def redis_stat(title, field, **more):
    return stat(title, REDIS, [now_query()], fields=f"/^{field}$/", **more)


def redis_board(windows, features):
    b = Board()
    shortest, longest = windows[0], windows[-1]
    b.row("Now")
    b.add(redis_stat(f"{ERROR_LABEL}, {shortest}", f"{shortest}:{ERROR}", decimals=3), 4, 4)
    b.add(redis_stat("Expected", f"{shortest}:{ERROR}_expected", decimals=3,
                     description="What the champion should have over the same window."), 4, 4)
    b.add(redis_stat("Ratio", f"{longest}:{ERROR}_ratio", decimals=3, thresholds=RATIO,
                     description=f"{ERROR_LABEL} over what it should be, over {longest}."), 4, 4)
    b.add(redis_stat("Champion", "champion", decimals=0), 3, 4)
    b.add(redis_stat("Alerts firing", "alerts_firing", decimals=0, thresholds=GREEN_RED), 3, 4)
    b.add(redis_stat("Training", "training", decimals=0, description="1: under way."), 3, 4)
    b.add(redis_stat("Evaluated to", "at", unit="dateTimeAsIso"), 3, 4)
    b.row("Error over event time")
    for w in windows:
        b.add(lines(f"{ERROR_LABEL}, {w}", REDIS, [history_query()],
                    "As managed, as expected, and of version 1, had nothing been done.",
                    overrides=[override("managed", color=fixed(MANAGED)),
                               override("expected", color=fixed(EXPECTED)),
                               override("version 1", color=fixed(FROZEN), custom__lineStyle={
                                   "fill": "dash", "dash": [8, 6]})],
                    transformations=columns({f"{w}:{ERROR}": "managed", f"{w}:{ERROR}_expected": "expected",
                                             f"{w}:{ERROR}_first": "version 1"}, f"{w}:{ERROR}")),
              24 // min(len(windows), 3), 9)
    b.add(lines("Ratio to the expected error", REDIS, [history_query()],
                transformations=columns({f"{w}:{ERROR}_ratio": w for w in windows}, f"{longest}:{ERROR}_ratio"),
                custom={"thresholdsStyle": {"mode": "dashed"}},
                defaults={"thresholds": {"mode": "absolute", "steps": RATIO}}), 12, 8)
    b.add(lines("Recalibration gain", REDIS, [history_query()],
                "Share of the squared error that y = a + b * prediction would take away.", unit="percentunit",
                transformations=columns({f"{w}:recalibration_gain": w for w in windows},
                                        f"{longest}:{ERROR}")), 12, 8)
    b.row(f"Drift over {longest}")
    for metric, meaning, _ in distances():
        b.add(lines(TITLES.get(metric, metric.replace("_", " ").capitalize()), REDIS, [history_query()], f"{meaning}.",
                    transformations=columns({f"{longest}:{metric}:{f}": f
                                             for f in [*features, "target", "prediction"]}, "champion")), 12, 9)
    b.add({**lines("Judged as drift", REDIS, [history_query()],
                   "1: significant for these sample sizes, and large enough to matter.",
                   transformations=columns({f"{longest}:drift:{f}": f
                                            for f in [*features, "target", "prediction"]}, "champion"),
                   defaults={"mappings": [{"type": "value", "options": {
                       "0": {"text": "calm", "color": "transparent"},
                       "1": {"text": "drift", "color": "red"}}}]}),
           "type": "state-timeline", "options": {"mergeValues": True, "showValue": "never", "rowHeight": 0.8,
                                                 "legend": {"displayMode": "list", "placement": "bottom",
                                                            "showLegend": True}}}, 12, 9)
    b.add(lines("Missing values", REDIS, [history_query()], unit="percentunit", transformations=columns(
        {f"{longest}:missing:{f}": f for f in features}, "champion")), 12, 9)
    b.row("Decisions")
    b.add(lines("Champion and alerts", REDIS, [history_query()],
                custom={"lineInterpolation": "stepAfter"},
                transformations=columns({"champion": "champion", "alerts_firing": "alerts firing"})), 12, 8)
    b.add(lines("Events in the window", REDIS, [history_query()], unit="short",
                transformations=columns({f"{w}:n": w for w in windows})), 12, 8)
    b.add(table("Alerts", REDIS, [{"refId": "A", "datasource": REDIS, "type": "cli", "command": "",
                                   "query": "HVALS leeway:{${stream}}:alerts"}],
                "Each alert's newest state.",
                transformations=[{"id": "extractFields", "options": {"source": "Value", "format": "json",
                                                                     "replace": True}}]), 12, 9)
    b.add(table("Model aliases", REDIS, [{**now_query(), "keyName": "leeway:{${stream}}:models"}],
                "champion, previous, challenger, first: versions; next: the number to come."), 12, 9)
    stream = {"name": "stream", "label": "Stream", "type": "textbox", "query": "nyc-green",
              "current": {"text": "nyc-green", "value": "nyc-green"},
              "options": [{"text": "nyc-green", "value": "nyc-green", "selected": True}]}
    return dashboard("leeway-redis", "leeway: the stream (Redis)",
                     "What leeway knows of a stream, read from its keys in Redis: the contract of "
                     "docs/redis.md. The axis is event time.", b,
                     [source_variable("redis", "redis-datasource"), stream], "30s")


# ---- over Prometheus --------------------------------------------------------------------------


def prom(expr, legend="", ref="A", **more):
    return {"refId": ref, "datasource": PROMETHEUS, "expr": expr, "legendFormat": legend, **more}


def of(metric, *labels, match=""):
    """A series of the stream: equal in every process, so the maximum is used."""
    selector = 'job="$job"' + (f",{match}" if match else "")
    return f"max by ({', '.join(labels)}) ({metric}{{{selector}}})" if labels else f"max({metric}{{{selector}}})"


def rate_of(metric, by="instance"):
    return f'sum by ({by}) (rate({metric}{{job="$job"}}[$__rate_interval]))'


def model_panels(b):
    b.row("Model")
    b.add(stat("Ratio", PROMETHEUS, [prom(f'max({of(f"leeway_window_{ERROR}_ratio", "window")})')], decimals=3,
               thresholds=RATIO, description=f"The worst of the windows: {ERROR_LABEL} over what it should be."), 4, 4)
    b.add(stat("Champion", PROMETHEUS, [prom(of("leeway_model_version"))], decimals=0), 4, 4)
    b.add(stat("Its age", PROMETHEUS, [prom(of("leeway_model_age_seconds"))], unit="s"), 4, 4)
    b.add(stat("Alerts firing", PROMETHEUS, [prom(f'sum({of("leeway_alerts_firing", "severity")})')],
               decimals=0, thresholds=GREEN_RED), 4, 4)
    b.add(stat("Lag", PROMETHEUS, [prom(f'sum({of("leeway_partition_lag", "partition")})')], unit="short"), 4, 4)
    b.add(stat("Processes", PROMETHEUS, [prom('count(leeway_info{job="$job"})')], decimals=0), 4, 4)
    b.add(lines(f"{ERROR_LABEL} and what it should be", PROMETHEUS, [
        prom(of(f"leeway_window_{ERROR}", "window"), "{{window}}"),
        prom(of(f"leeway_window_{ERROR}_expected", "window"), "{{window}}, expected", "B")]), 12, 9)
    b.add(lines("Ratio to the expected error", PROMETHEUS,
                [prom(of(f"leeway_window_{ERROR}_ratio", "window"), "{{window}}")],
                custom={"thresholdsStyle": {"mode": "dashed"}},
                defaults={"thresholds": {"mode": "absolute", "steps": RATIO}}), 12, 9)
    b.row("Drift")
    for metric, meaning, series in distances():
        b.add(lines(TITLES.get(metric, metric.replace("_", " ").capitalize()), PROMETHEUS,
                    [prom(of(series, "feature", match='window="$window"'), "{{feature}}")], f"{meaning}."), 12, 9)
    b.add({**lines("Judged as drift", PROMETHEUS, [prom(
        of("leeway_feature_drift", "feature", match='window="$window"'), "{{feature}}")],
        defaults={"mappings": [{"type": "value", "options": {
            "0": {"text": "calm", "color": "transparent"}, "1": {"text": "drift", "color": "red"}}}]}),
        "type": "state-timeline", "options": {"mergeValues": True, "showValue": "never", "rowHeight": 0.8,
                                              "legend": {"displayMode": "list", "placement": "bottom",
                                                         "showLegend": True}}}, 12, 9)


def stream_panels(b):
    b.row("Stream")
    b.add(lines("Messages a second", PROMETHEUS, [prom(rate_of("leeway_messages_total"), "{{instance}}")],
                unit="cps", custom={"stacking": {"mode": "normal"}, "fillOpacity": 20}), 12, 8)
    b.add(lines("Lag", PROMETHEUS, [prom(of("leeway_partition_lag", "partition"), "partition {{partition}}")],
                unit="short"), 12, 8)
    b.add(lines("What became of the messages", PROMETHEUS, [prom(
        'max by (kind) (rate(leeway_stream_events_total{job="$job"}[$__rate_interval]))', "{{kind}}")],
        unit="cps"), 12, 8)
    b.add(lines("How old what is known is", PROMETHEUS, [prom(of("leeway_sealed_until_age_seconds"), "evaluated"),
                                                         prom(of("leeway_last_poll_seconds", "instance"),
                                                              "last poll, {{instance}}", "B")],
                unit="s"), 12, 8)


def process_panels(b):
    b.row("Processes")
    b.add(lines("Resident memory", PROMETHEUS, [prom('process_resident_memory_bytes{job="$job"}', "{{instance}}")],
                unit="bytes"), 8, 8)
    b.add(lines("CPU", PROMETHEUS, [prom(rate_of("process_cpu_seconds_total"), "{{instance}}")],
                unit="percentunit"), 8, 8)
    b.add(lines("Flush, mean", PROMETHEUS, [prom(
        f'{rate_of("leeway_flush_seconds_total")} / {rate_of("leeway_flushes_total")}', "{{instance}}")],
        unit="s"), 8, 8)
    b.add(lines("Leader, Redis, stalls", PROMETHEUS, [
        prom('leeway_leader{job="$job"}', "{{instance}} leads"),
        prom('leeway_redis_up{job="$job"}', "{{instance}} reaches Redis", "B"),
        prom('leeway_stalled{job="$job"}', "{{instance}} is stalled", "C")],
        custom={"lineInterpolation": "stepAfter"}), 12, 8)
    b.add(lines("Deliveries that wait, trainings that failed", PROMETHEUS, [
        prom(of("leeway_outbox_waiting"), "deliveries waiting"),
        prom('sum(increase(leeway_trainings_total{job="$job",outcome="failed"}[1h]))', "failed in an hour", "B")]),
        12, 8)
    b.row("Predictions over HTTP")
    b.add(lines("Records a second", PROMETHEUS, [prom(rate_of("leeway_predictions_total"), "{{instance}}")],
                unit="cps"), 8, 8)
    b.add(lines("Time to answer", PROMETHEUS, [prom(
        f"histogram_quantile({q}, sum by (le) "
        '(rate(leeway_prediction_request_seconds_bucket{job="$job"}[$__rate_interval])))', f"p{100 * q:g}", ref)
        for q, ref in ((0.5, "A"), (0.9, "B"), (0.99, "C"))], unit="s"), 8, 8)
    b.add(lines("Requests by answer", PROMETHEUS,
                [prom(rate_of("leeway_http_requests_total", "route, code"), "{{route}} {{code}}")],
                unit="reqps"), 8, 8)


def prometheus_board():
    b = Board()
    model_panels(b)
    stream_panels(b)
    process_panels(b)

    def variable(name, label, query):
        return {"name": name, "label": label, "type": "query", "datasource": PROMETHEUS, "refresh": 2, "sort": 1,
                "query": {"query": query, "refId": name}, "definition": query, "current": {}}

    return dashboard("leeway-prometheus", "leeway: model and processes (Prometheus)",
                     "The metrics of docs/metrics.md. The axis is wall time: of a replay of old events the "
                     "Redis dashboard shows more.", b,
                     [source_variable("prometheus", "prometheus"),
                      variable("job", "Job", "label_values(leeway_info, job)"),
                      variable("window", "Window",
                               f'label_values(leeway_window_{ERROR}{{job="$job"}}, window)')], "15s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", default="day,three_days,week", help="shortest first")
    parser.add_argument("--features",
                        default="PULocationID,DOLocationID,trip_distance,passenger_count,pickup_hour")
    parser.add_argument("--out", default=os.path.join(HERE, "dashboards"))
    options = parser.parse_args()
    boards = {"leeway-redis": redis_board(options.windows.split(","), options.features.split(",")),
              "leeway-prometheus": prometheus_board()}
    os.makedirs(options.out, exist_ok=True)
    for name, board in boards.items():
        with open(os.path.join(options.out, f"{name}.json"), "w", encoding="utf-8") as out:
            json.dump(board, out, indent=1)
            out.write("\n")


if __name__ == "__main__":
    main()
