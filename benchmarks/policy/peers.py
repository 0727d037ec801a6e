"""Two models that a team would retrain by cron, on the events of a configuration.

Both are trained when version 1 is and at the start of each month, on the last 150 days, and predict the
events until the next training. They read the fields that the configuration's candidates read, raw: a
category as it is, a number, and of a timestamp the hour and the weekday.

  ridge      scikit-learn, alpha 1: categories and hour of the week one-hot, numbers standardised
  boosting   LightGBM, 250 rounds of 63 leaves at a rate of 0.06; without LightGBM, scikit-learn's
             HistGradientBoostingRegressor of the same size
"""
import datetime
import math
import re
import sys
import zoneinfo

import fastavro
import numpy as np

WINDOW = datetime.timedelta(days=150)
UTC = datetime.timezone.utc
UNIT = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}


def value(record, name):
    for part in name.split("."):
        if record is None:
            return None
        record = record.get(part)
    return record


def number(v):
    return float(v) if isinstance(v, (int, float)) and math.isfinite(v) else None


def one_key(v, key):
    """A field's or a time's setting: `name: kind`, or a map."""
    return v.get(key) if isinstance(v, dict) else v


class Events:
    """The usable events of files, as columns."""

    def __init__(self, config, files):
        event = config["event"]
        self.zone = zoneinfo.ZoneInfo(event.get("time_zone") or "UTC")
        self.fields = event.get("fields", {})
        self.time = event.get("time", "record")
        if one_key(self.time, "field") == "record":
            sys.exit("the peers need `event.time`: a file has no time of Kafka")
        self.target, self.range = config["target"], config["target"]["range"]
        self.valid = [self.condition(text) for text in config.get("valid", [])]
        self.names = self.read_by_models(config)
        rows = [r for path in files for r in self.rows(path)]
        self.at, self.y = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
        self.columns = dict(zip(self.names, zip(*(r[2] for r in rows))))

    @staticmethod
    def condition(text):
        name = next(w for w in re.findall(r"[A-Za-z_][\w.]*", text) if not re.fullmatch(r"e\d*", w))
        code = compile(re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", "x", text), text, "eval")
        if set(code.co_names) - {"x"}:
            sys.exit(f"the peers cannot evaluate `valid: {text}`")
        return name, code

    def read_by_models(self, config):
        sets = {c["features"] for c in config["candidates"]}
        text = str([config["feature_sets"][name] for name in sets])
        return [name for name in self.fields
                if self.kind(name) != "text" and re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", text)]

    def kind(self, name):
        return one_key(self.fields[name], "kind")

    def when(self, v, setting):
        """The instant, and the same on the clocks of the stream."""
        unit = setting.get("unit", "ms") if isinstance(setting, dict) else "ms"
        if isinstance(v, str):
            v = datetime.datetime.fromisoformat(v)
        if isinstance(v, int):
            v = datetime.datetime.fromtimestamp(v / UNIT.get(unit, 1e3), UTC)
        if isinstance(v, datetime.datetime):
            return v.astimezone(self.zone) if v.tzinfo else v.replace(tzinfo=self.zone)
        return None

    def truth(self, record):
        if "minutes_between" in self.target:
            a, b = (self.when(value(record, name), self.fields.get(name)) for name in self.target["minutes_between"])
            return (b - a).total_seconds() / 60 if a and b else None
        return number(value(record, self.target["field"]))

    def inputs(self, record):
        """The values of the fields; None if a required one is missing."""
        out = []
        for name in self.names:
            v = value(record, name)
            if self.kind(name) == "timestamp":
                v = self.when(v, self.fields[name])
            elif self.kind(name) == "numeric":
                v = number(v)
            if v is None and isinstance(self.fields[name], dict) and self.fields[name].get("required"):
                return None
            out.append(v)
        return out

    def passes(self, record):
        for name, code in self.valid:
            v = number(value(record, name))
            if v is not None and not eval(code, {"__builtins__": {}}, {"x": v}):
                return False
        return True

    def rows(self, path):
        low, high = self.range
        with open(path, "rb") as f:
            for record in fastavro.reader(f):
                y, x = self.truth(record), self.inputs(record)
                at = self.when(value(record, one_key(self.time, "field")), self.time)
                if y is not None and at and x is not None and low <= y <= high and self.passes(record):
                    yield at.timestamp(), y, x


class Table:
    """The columns as the two models read them."""

    def __init__(self, events):
        self.numbers, self.categories, self.hours = [], [], []
        for name in events.names:
            column, kind = events.columns[name], events.kind(name)
            if kind == "numeric":
                self.numbers.append(np.array([np.nan if v is None else v for v in column]))
            elif kind == "timestamp":
                self.hours.append(np.array([(-1, -1) if v is None else (v.hour + v.minute / 60, v.weekday())
                                            for v in column]))
            else:
                seen = {}
                self.categories.append(np.array([-1 if v is None else seen.setdefault(v, len(seen)) for v in column]))

    def for_ridge(self, rows):
        """Numbers, with flags where they are missing; and categories."""
        x = np.column_stack([c[rows] for c in self.numbers] or [np.zeros((len(rows), 0))])
        weeks = [np.floor(h[rows][:, 0]) + 24 * h[rows][:, 1] for h in self.hours]
        flags = np.isnan(x).astype(float)
        return x, flags, np.column_stack([c[rows] for c in self.categories] + weeks or [np.zeros((len(rows), 0))])

    def for_trees(self, rows):
        parts = [c[rows].astype(float) for c in self.categories] + [c[rows] for c in self.numbers]
        return np.column_stack(parts + [h[rows][:, k] for h in self.hours for k in (0, 1)])


def fit_ridge(table, train, y):
    from scipy import sparse
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import OneHotEncoder
    x, flags, categories = table.for_ridge(train)
    mean = np.array([np.nanmean(c) if np.isfinite(c).any() else 0.0 for c in x.T])
    spread = np.array([np.nanstd(c) or 1.0 for c in x.T])
    encoder = OneHotEncoder(handle_unknown="ignore").fit(categories)

    def encode(x, flags, categories):
        z = np.where(np.isnan(x), 0, (x - mean) / spread)
        return sparse.hstack([sparse.csr_matrix(np.column_stack([z, flags])), encoder.transform(categories)]).tocsr()

    model = Ridge(alpha=1.0).fit(encode(x, flags, categories), y)
    return lambda rows: model.predict(encode(*table.for_ridge(rows)))


def fit_boosting(table, train, y):
    categories = list(range(len(table.categories)))
    x = table.for_trees(train)
    try:
        import lightgbm
        model = lightgbm.LGBMRegressor(n_estimators=250, num_leaves=63, learning_rate=0.06, min_child_samples=200,
                                       reg_lambda=20, n_jobs=1, seed=1, deterministic=True, verbose=-1)
        model.fit(x, y, categorical_feature=categories)
        return lambda rows: model.booster_.predict(table.for_trees(rows))
    except ImportError:
        from sklearn.ensemble import HistGradientBoostingRegressor
        model = HistGradientBoostingRegressor(max_iter=250, max_leaf_nodes=63, learning_rate=0.06,
                                              min_samples_leaf=200, l2_regularization=20, early_stopping=False)
        model.fit(x, y)  # it has no categories of more than 255 values
        return lambda rows: model.predict(table.for_trees(rows))


def boosting_name():
    try:
        import lightgbm  # noqa: F401
        return "LightGBM"
    except ImportError:
        return "HistGradientBoosting"


def trainings(start, end, zone):
    """Version 1's time and the starts of the months after it."""
    at, out = datetime.datetime.fromtimestamp(start, zone), [start]
    while True:
        at = datetime.datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=zone)
        if at.timestamp() > end:
            return out
        out.append(at.timestamp())


def scored(config, files, start, end):
    """RMSE of both peers from `start` to `end`: (events, {name: RMSE}, trainings)."""
    events = Events(config, files)
    table = Table(events)
    low, high = events.range
    when = trainings(start, end, events.zone)
    loss, n = {"ridge": 0.0, boosting_name(): 0.0}, 0
    for begin, until in zip(when, when[1:] + [end]):
        train = np.flatnonzero((events.at < begin) & (events.at >= begin - WINDOW.total_seconds()))
        rows = np.flatnonzero((events.at >= begin) & (events.at < until))
        if not len(rows):
            continue
        n += len(rows)
        for name, fit in zip(loss, (fit_ridge, fit_boosting)):
            p = np.clip(fit(table, train, events.y[train])(rows), low, high)
            loss[name] += float(np.sum((events.y[rows] - p) ** 2))
    return n, {name: math.sqrt(v / n) for name, v in loss.items()}, len(when)
