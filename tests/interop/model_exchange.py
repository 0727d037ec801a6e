#!/usr/bin/env python3
"""Models of XGBoost, LightGBM and scikit-learn through `leeway models import` and `leeway score`.

Each library fits a model on random rows and predicts 10,000 others, with missing values; leeway's predictions
must be the same to 1e-6. Exports are imported again, and XGBoost loads what leeway writes.

Use: model_exchange.py LEEWAY [SEED]      exit code 77: a library is not installed
"""
import importlib.util
import json
import math
import pathlib
import pickle
import random
import subprocess
import sys
import tempfile

try:
    import fastavro
    import lightgbm
    import numpy as np
    import xgboost
    from sklearn import linear_model
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

LEEWAY = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS, TRAIN = 10_000, 4_000
rng = np.random.default_rng(SEED)
failed = 0
print(f"seed {SEED}")

spec = importlib.util.spec_from_file_location("export_linear", ROOT / "examples/export_linear.py")
export_linear = importlib.util.module_from_spec(spec)
spec.loader.exec_module(export_linear)

SCHEMA = {"type": "record", "name": "Event", "fields": [
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "x", "type": ["null", "double"]}, {"name": "y", "type": ["null", "double"]},
    {"name": "zone", "type": ["null", "int"]}, {"name": "word", "type": ["null", "string"]},
    {"name": "fare", "type": ["null", "double"]}]}
CONFIG = """
stream: exchange
kafka: {bootstrap.servers: localhost:1, group.id: exchange}
redis: {url: redis://localhost:1}
source: {topic: events, schema: event.avsc}
event:
  time: at
  fields: {x: numeric, y: numeric, zone: category, word: category, at: timestamp, fare: numeric}
target: {field: fare, range: [-100000, 100000]}
features: {x: {}, y: {}, zone: {}}
feature_sets: {all: [x, y, zone, word, hour(at), x * zone, "impute(y, zone)", "qbins(x, 5)"]}
panes: {length: 1h, lateness: 1h}
windows: {day: 24h}
rules: [{name: off, metric: psi, feature: each, window: day, warn: 1}]
candidates:
  - {name: plain, kind: ridge, features: all}
  - {name: wood, kind: trees, features: all, optional: true}
retrain: {bootstrap: {rows: 2000}, holdout: 1d, window: 30d, min_rows: 100}
"""
WORDS = ["east", "west", "north", "7"]
BEGIN = 1_700_006_400_000  # midnight


def columns(n, missing):
    """Rows as columns: numbers of any digits, so that thresholds fall between close values."""
    c = {"x": rng.normal(3, 2, n), "y": rng.lognormal(0, 1, n) * rng.choice([1, -1], n),
         "zone": rng.integers(-3, 40, n).astype(float), "hour": rng.integers(0, 24, n).astype(float)}
    c["y"][rng.random(n) < 0.1] = 0.0
    if missing:
        for name in ("x", "y", "zone"):
            c[name][rng.random(n) < 0.1] = math.nan
    return c


def target(c):
    x, y, zone = (np.nan_to_num(c[k]) for k in ("x", "y", "zone"))
    return 10 + 2 * x + np.abs(y) * (zone % 5) + np.sin(c["hour"]) + 3 * np.isnan(c["x"]) + rng.normal(0, 0.3, len(x))


def matrix(c):
    return np.column_stack([c[k] for k in ("x", "y", "zone", "hour")])


NAMES = ["x", "y", "zone", "hour(at)"]


def run(*args, code=0):
    done = subprocess.run([LEEWAY, *args], capture_output=True, text=True, cwd=where)
    if done.returncode != code:
        sys.exit(f"leeway {' '.join(args)}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def check(what, ok):
    global failed
    failed += not ok
    print(("ok      " if ok else "FAILED  ") + what)


def write_events(path, c, fare):
    none = lambda v: None if math.isnan(v) else float(v)
    rows = [{"at": BEGIN + (i * 20 // len(fare) * 24 + int(c["hour"][i])) * 3_600_000 + i % 3_600_000,
             "x": none(c["x"][i]), "y": none(c["y"][i]),
             "zone": None if math.isnan(c["zone"][i]) else int(c["zone"][i]),
             "word": WORDS[i % 4], "fare": float(fare[i])} for i in range(len(fare))]
    with open(path, "wb") as out:
        fastavro.writer(out, SCHEMA, rows)


def scores(model):
    run("score", "-c", "config.yaml", "--model", model, "-o", "scores.avro", "events.avro")
    with open(where / "scores.avro", "rb") as f:
        return np.array([r["prediction"] for r in fastavro.reader(f)])


def same(what, model, want):
    got = scores(model)
    worst = float(np.max(np.abs(got - want)))
    check(f"{what}: {len(got)} predictions, largest difference {worst:.3g}", len(got) == ROWS and worst <= 1e-6)
    run("models", "import", "-c", "config.yaml", model, "-o", "imported.avro")
    check(f"{what}: the imported file predicts the same", np.array_equal(scores("imported.avro"), got))


def round_trips(what, model):
    """Whatever format it is written in, reading it gives the same bytes."""
    run("models", "import", "-c", "config.yaml", model, "-o", "first.avro")
    first = (where / "first.avro").read_bytes()
    for fmt in ("avro", "json", "xgboost"):
        out = subprocess.run([LEEWAY, "models", "export", "-c", "config.yaml", "--model", "first.avro",
                              "--format", fmt, "-o", "again"], capture_output=True, text=True, cwd=where)
        if fmt == "xgboost" and out.returncode:
            print(f"        {what}: {out.stderr.strip()[-120:]}")
            continue
        run("models", "import", "-c", "config.yaml", "again", "-o", "second.avro")
        check(f"{what}: {fmt} gives the same bytes", (where / "second.avro").read_bytes() == first)


def refused(what, path, *words):
    text = run("models", "import", "-c", "config.yaml", path, "-o", "never.avro", code=1)
    check(f"{what} is refused: {text.strip()[:230]}", all(w in text for w in words))


XGBOOST = {"squares": {}, "absolute": {"objective": "reg:absoluteerror"},
           "forest": {"num_parallel_tree": 5, "subsample": 0.7},
           "lossguide": {"grow_policy": "lossguide", "max_leaves": 90, "max_depth": 0}}
LIGHTGBM = {"plain": {}, "no missing": {"use_missing": False}, "absolute": {"objective": "regression_l1"},
            "wide": {"num_leaves": 200, "min_data_in_leaf": 5},
            "forest": {"boosting": "rf", "bagging_fraction": 0.6, "bagging_freq": 1}}


def trained_on(name, train):
    """Rows without missing values, or with: libraries then learn where they go."""
    return train if name != "squares" and name != "wide" else holes


def xgboosts(train, y, rows):
    for name, params in XGBOOST.items():
        d = xgboost.DMatrix(matrix(trained_on(name, train)), label=y, feature_names=NAMES)
        b = xgboost.train({"max_depth": 6, "eta": 0.2, "seed": 1, "nthread": 1, **params}, d, 60)
        want = b.predict(xgboost.DMatrix(matrix(rows), feature_names=NAMES)).astype(float)
        for end in ("json", "ubj"):
            b.save_model(where / f"xgb.{end}")
            same(f"XGBoost {name}.{end}", f"xgb.{end}", want)
        round_trips(f"XGBoost {name}", "xgb.ubj")
    return b


def xgboost_reads(rows):
    run("models", "import", "-c", "config.yaml", "xgb.ubj", "-o", "first.avro")
    run("models", "export", "-c", "config.yaml", "--model", "first.avro", "--format", "xgboost", "-o", "out.json")
    b = xgboost.Booster()
    b.load_model(where / "out.json")
    got = b.predict(xgboost.DMatrix(matrix(rows)[:, [NAMES.index(n) for n in b.feature_names]],
                                    feature_names=b.feature_names)).astype(float)
    worst = float(np.max(np.abs(got - scores("xgb.ubj"))))
    check(f"XGBoost predicts the same from leeway's export: {worst:.3g}", worst <= 1e-6)


def lightgbms(train, y, rows):
    for name, params in LIGHTGBM.items():
        d = lightgbm.Dataset(matrix(trained_on(name, train)), label=y, feature_name=NAMES)
        b = lightgbm.train({"verbose": -1, "num_threads": 1, "seed": 1, "objective": "regression", **params}, d, 60)
        b.save_model(where / "lgb.txt")
        same(f"LightGBM {name}", "lgb.txt", b.predict(matrix(rows)))
        round_trips(f"LightGBM {name}", "lgb.txt")


def linears(train, y, rows):
    levels = sorted({int(z) for z in train["zone"]})
    hot = lambda c: np.column_stack([np.nan_to_num(c["x"]), np.nan_to_num(c["y"])] +
                                    [c["zone"] == z for z in levels])
    names = ["x", "y"] + [f"zone={z}" for z in levels]
    for model in (linear_model.LinearRegression(), linear_model.Ridge(3), linear_model.Lasso(0.01),
                  linear_model.HuberRegressor(max_iter=1000), linear_model.ElasticNet(0.01),
                  linear_model.TweedieRegressor(power=0, link="identity", max_iter=1000)):
        model.fit(hot(train), y)
        export_linear.export(model, names, where / "linear.json")
        same(f"scikit-learn {type(model).__name__}", "linear.json", model.predict(hot(rows)))
    round_trips("scikit-learn", "linear.json")
    poisson = linear_model.PoissonRegressor(max_iter=300).fit(hot(train), np.abs(y))
    export_linear.export(poisson, names, where / "poisson.json")
    refused("a Poisson regression", "poisson.json", "link", "identity")


def own():
    for name in ("plain", "wood"):
        done = subprocess.run([LEEWAY, "train", "-c", "config.yaml", "--candidate", name, "train.avro", "-o",
                               "own.avro"], capture_output=True, text=True, cwd=where)
        if done.returncode:
            print(f"        leeway's {name}: {done.stderr.strip()[-150:]}")
            continue
        run("models", "import", "-c", "config.yaml", "own.avro", "-o", "first.avro")
        check(f"leeway's {name}: importing it gives the same bytes",
              (where / "first.avro").read_bytes() == (where / "own.avro").read_bytes())
        round_trips(f"leeway's {name}", "own.avro")


def edited(path, edit):
    model = json.loads((where / path).read_text())
    edit(model["learner"])
    (where / "edited.json").write_text(json.dumps(model))
    return "edited.json"


def refusals(train, y):
    xgb = {"max_depth": 3, "nthread": 1}
    d = xgboost.DMatrix(matrix(train), label=np.abs(y), feature_names=NAMES)
    xgboost.train({"objective": "count:poisson", **xgb}, d, 3).save_model(where / "p.json")
    refused("XGBoost's Poisson", "p.json", "learner.objective.name", "count:poisson")
    xgboost.train(xgb, xgboost.DMatrix(matrix(train), label=y), 3).save_model(where / "p.json")
    refused("XGBoost without names", "p.json", "learner.feature_names")
    for wrong, words in (("distance", ["no field", "distance"]), ("word", ["texts"]), ("at", ["timestamp"]),
                         ("fare", ["target"]), ("hour(x)", ["hour"])):
        d = xgboost.DMatrix(matrix(train)[:, :1], label=y, feature_names=[wrong])
        xgboost.train(xgb, d, 3).save_model(where / "p.json")
        refused(f"a feature {wrong}", "p.json", *words)
    d = xgboost.DMatrix(matrix(train), label=y, feature_names=NAMES)
    xgboost.train(xgb, d, 3).save_model(where / "good.json")
    tree = lambda l: l["gradient_booster"]["model"]["trees"][1]
    refused("a child that does not exist", edited("good.json", lambda l: tree(l)["left_children"].__setitem__(0, 99)),
            "learner.gradient_booster.model.trees[1].left_children[0]", "99")
    refused("a cycle", edited("good.json", lambda l: tree(l)["left_children"].__setitem__(1, 0)), "trees[1]")
    refused("a feature that does not exist", edited("good.json", lambda l: tree(l)["split_indices"].__setitem__(0, 4)),
            "trees[1].split_indices[0]")
    refused("a number that is not finite", edited("good.json", lambda l: tree(l)["split_conditions"].__setitem__(0, 1e300)),
            "trees[1].split_conditions[0]")
    refused("lists that differ", edited("good.json", lambda l: tree(l)["default_left"].pop()), "trees[1].default_left")
    refused("dart", edited("good.json", lambda l: l["gradient_booster"].__setitem__("name", "dart")), "gradient_booster.name")
    refused("a model that was stopped early", edited("good.json", lambda l: l["attributes"].__setitem__("best_iteration", "1")),
            "attributes.best_iteration", "[:2]")

    lgb = {"verbose": -1, "num_threads": 1, "objective": "regression"}
    data = lambda: lightgbm.Dataset(matrix(train), label=np.abs(y), feature_name=NAMES)
    cat = lightgbm.Dataset(matrix(train), label=y, feature_name=NAMES, categorical_feature=[3])
    for what, params, d, words in (
            ("LightGBM's Poisson", {"objective": "poisson"}, data(), ["line ", "objective"]),
            ("LightGBM's categories", {}, cat, ["line ", "categories"]),
            ("LightGBM's linear leaves", {"linear_tree": True}, data(), ["line ", "linear"]),
            ("zero_as_missing", {"zero_as_missing": True}, data(), ["line ", "zero_as_missing"]),
            ("too many bins", {"max_bin": 4000, "num_leaves": 200, "min_data_in_leaf": 2}, data(), ["max_bin"])):
        lightgbm.train({**lgb, **params}, d, 20).save_model(where / "l.txt")
        refused(what, "l.txt", *words)

    for name, data in {"onnx": b"\x08\x09\x12\x08skl2onnx\x1a\x06", "pickle": pickle.dumps({"a": 1}, protocol=4),
                       "joblib": b"\x78\x9c\xab\x98", "pmml": b"<?xml version='1.0'?>\n<PMML version='4.4'>", "empty": b"",
                       "noise": bytes(range(1, 200)), "json": b"{\"a\": 1}"}.items():
        (where / "f").write_bytes(data)
        refused(name, "f", "read" if name in ("empty", "noise") else "leeway")

    for what, text, words in (
            ("a term that is a category", {"intercept": 1, "terms": {"zone": 1}}, ["terms.zone", "category"]),
            ("a level that is a text", {"intercept": 1, "terms": {"zone": {"a": 1}}}, ["terms.zone.a", "integer"]),
            ("an unknown key", {"intercept": 1, "terms": {"x": 1}, "bias": 2}, ["bias"]),
            ("a coefficient that is no number", {"intercept": 1, "terms": {"x": True}}, ["terms.x"]),
            ("a missing intercept", {"terms": {"x": 1}}, ["intercept"]),
            ("a level twice", {"intercept": 1, "terms": {"zone": {"7": 1, "07": 1}}}, ["terms.zone", "twice"])):
        (where / "l.json").write_text(json.dumps(text))
        refused(what, "l.json", *words)


def survives_damage():
    """Truncations and flipped bits: refused with a sentence, or a model; never a crash."""
    for name in ("good.json", "xgb.ubj", "lgb.txt", "linear.json", "again"):
        data = (where / name).read_bytes()
        for k in range(12):
            bad = bytearray(data[:rng.integers(1, len(data))] if k % 2 else data)
            for _ in range(k):
                bad[rng.integers(0, len(bad))] ^= 1 << rng.integers(0, 8)
            (where / "bad").write_bytes(bad)
            done = subprocess.run([LEEWAY, "models", "import", "-c", "config.yaml", "bad", "-o", "never.avro"],
                                  capture_output=True, text=True, errors="replace", cwd=where)
            if done.returncode not in (0, 1) or (done.returncode == 1 and "bad: " not in done.stderr):
                check(f"{name} damaged: {done.returncode} {done.stderr[-300:]}", False)


with tempfile.TemporaryDirectory() as folder:
    where = pathlib.Path(folder)
    (where / "event.avsc").write_text(json.dumps(SCHEMA))
    (where / "config.yaml").write_text(CONFIG)
    train, rows, holes = columns(TRAIN, False), columns(ROWS, True), columns(TRAIN, True)
    y = target(train)
    write_events(where / "events.avro", rows, target(rows))
    write_events(where / "train.avro", train, y)
    xgboosts(train, y, rows)
    xgboost_reads(rows)
    lightgbms(train, y, rows)
    linears(train, y, rows)
    own()
    refusals(train, y)
    survives_damage()
print(f"{failed} failed")
sys.exit(failed > 0)
