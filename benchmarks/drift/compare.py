#!/usr/bin/env python3
"""Compares the drift layer with its peers in one run. Called by run.sh.

pip install -r benchmarks/drift/requirements.txt
A peer that is not installed is omitted from the tables, with a note.
"""
import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

N, AT, SEEDS = 20_000, 10_000, 30
SHIFTS = (0.25, 0.5, 1.0, 2.0)
COLUMNS = ("PULocationID", "DOLocationID", "trip_distance", "total_amount", "duration")


def ours(bench, *args):
    out = subprocess.run([bench, *map(str, args)], check=True, capture_output=True, text=True)
    return out.stdout


def have(module):
    if importlib.util.find_spec(module):
        return True
    print(f"({module} is not installed: omitted)")
    return False


def streams(kind, shift):
    """SEEDS streams of N values; the mean (of the value, or of a bias) moves at AT by shift sd."""
    out = []
    for seed in range(SEEDS):
        v = np.random.default_rng(seed).normal(0, 1, N)
        v[AT:] += shift
        out.append(np.abs(v) if kind == "absolute error" else v + 5)
    return np.concatenate(out)


def river_detector(kind, mode="both"):
    from river import drift
    return drift.ADWIN() if kind == "adwin" else drift.PageHinkley(mode=mode)


def river_change(kind, values, mode="both"):
    rows = []
    for start in range(0, len(values), N):
        detector, early, delay = river_detector(kind, mode), 0, -1
        for i, v in enumerate(values[start:start + N].tolist()):
            detector.update(v)
            if detector.drift_detected:
                if i >= AT:
                    delay = i - AT + 1
                    break
                early += 1
        rows.append((early, delay))
    return rows


def summary(rows):
    """'delay (missed)' and false alarms per 10,000 values before the change."""
    hit = [d for _, d in rows if d >= 0]
    missed = len(rows) - len(hit)
    text = f"{statistics.mean(hit):.0f}" if hit else "-"
    return text + (f" ({missed} missed)" if missed else ""), sum(e for e, _ in rows) / len(rows) * 1e4 / AT


def change_table(bench, river):
    print("\n## Change detectors: mean delay after a shift of d sd, false alarms per 10,000 before it\n")
    print(f"{SEEDS} streams of {N:,} values, shift at {AT:,}, default settings.\n")
    print("| detector | stream | false alarms | " + " | ".join(f"d = {d:g}" for d in SHIFTS) + " |")
    print("|---" * (3 + len(SHIFTS)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for stream in ("5 + N(0, 1)", "absolute error"):
            data = {d: streams(stream, d) for d in SHIFTS}
            for kind in ("adwin", "page_hinkley", "kswin"):
                results = {"leeway": {}}
                if river and kind != "kswin":
                    results["River"] = {d: river_change(kind, v) for d, v in data.items()}
                if river and kind == "page_hinkley":
                    results["River (mode up)"] = {d: river_change(kind, v, "up") for d, v in data.items()}
                for d, v in data.items():
                    path = os.path.join(folder, "stream")
                    v.tofile(path)
                    lines = ours(bench, "change", kind, path, N, AT).split("\n")[:-1]
                    results["leeway"][d] = [tuple(map(int, line.split())) for line in lines]
                for who, rows in sorted(results.items(), key=lambda r: (r[0] != "leeway", r[0])):
                    cells = [summary(rows[d]) for d in SHIFTS]
                    alarms = statistics.mean(c[1] for c in cells)
                    print(f"| {who} {kind} | {stream} | {alarms:.3f} | " + " | ".join(c[0] for c in cells) + " |")


def speed_table(bench, river):
    print("\n## Change detectors: updates/s on 5 + N(0, 1), best of three\n")
    print("| detector | leeway | River | ratio |\n|---|---|---|---|")
    values = np.random.default_rng(1).normal(5, 1, 4_000_000)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "values")
        values.tofile(path)
        for kind in ("adwin", "page_hinkley", "kswin"):
            ns, theirs = [], []
            for _ in range(3):
                ns.append(float(ours(bench, "speed", kind, path).split()[0]))
                if river and kind != "kswin":
                    detector, some = river_detector(kind), values[:1_000_000].tolist()
                    t = time.perf_counter()
                    for v in some:
                        detector.update(v)
                    theirs.append(len(some) / (time.perf_counter() - t))
            peer = max(theirs, default=0)
            print(f"| {kind} | {max(ns):,.0f} | {peer:,.0f} | {max(ns) / peer:.1f} |" if peer
                  else f"| {kind} | {max(ns):,.0f} | | |")


def trips(path):
    import fastavro
    import pandas as pd
    with open(path, "rb") as f:
        rows = [(r["PULocationID"], r["DOLocationID"], r["trip_distance"], r["total_amount"],
                 (r["lpep_dropoff_datetime"] - r["lpep_pickup_datetime"]).total_seconds() / 60)
                for r in fastavro.reader(f)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for zone in COLUMNS[:2]:
        frame[zone] = frame[zone].astype(str)
    return frame


def evidently_drifts(ref, cur):
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset
    d = DataDefinition(categorical_columns=list(COLUMNS[:2]), numerical_columns=list(COLUMNS[2:]))
    run = Report([DataDriftPreset()]).run(Dataset.from_pandas(cur, data_definition=d),
                                          Dataset.from_pandas(ref, data_definition=d))
    out = {}
    for m in run.dict()["metrics"]:
        config = m.get("config", {})
        if "column" not in config or not isinstance(m["value"], (int, float)):
            continue
        low = "p_value" in config["method"]
        out[config["column"]] = m["value"] < config["threshold"] if low else m["value"] >= config["threshold"]
    return out


def halves_table(bench, month, repeats, peer_repeats):
    print(f"\n## False alarms without a change: two random samples of {os.path.basename(month)}\n")
    print("Per column: drift verdicts of draws, share of p < .05 (uncorrected), mean PSI.\n\n```")
    print(ours(bench, "halves", month, repeats) + "```")
    if not have("evidently"):
        return
    print(f"\nEvidently, DataDriftPreset, drift verdicts of {peer_repeats} draws\n")
    print("| rows per side | " + " | ".join(COLUMNS) + " |\n|---" + "|---" * len(COLUMNS) + "|")
    frame = trips(month)
    for n in (500, 1000, 2000, 10000, 25000):
        count = dict.fromkeys(COLUMNS, 0)
        for r in range(peer_repeats):
            order = np.random.default_rng(r).permutation(len(frame))
            for name, drifts in evidently_drifts(frame.iloc[order[:n]], frame.iloc[order[n:2 * n]]).items():
                count[name] += drifts
        print(f"| {n:,} | " + " | ".join(f"{count[c]}/{peer_repeats}" for c in COLUMNS) + " |", flush=True)


def months_table(bench, ref, cur, repeats):
    print(f"\n## {os.path.basename(ref)} against {os.path.basename(cur)}\n")
    print("Random samples of both; then the later month's days, weeks and four weeks against the whole earlier one.\n\n```")
    print(ours(bench, "months", ref, cur, repeats) + "```")


def timed(command, env=None):
    """Seconds of a whole process, and what it printed; 3 is the report's "drift found"."""
    t = time.perf_counter()
    out = subprocess.run(command, capture_output=True, text=True, env=env)
    seconds = time.perf_counter() - t
    if out.returncode not in (0, 3):
        sys.exit(f"{command[0]} failed: {out.stderr[-800:]}")
    return seconds, out.stdout


def first_rows(path, rows, folder):
    """The first `rows` records: as Avro for us, as Parquet (quickest for pandas) for the peers."""
    import fastavro
    avro = os.path.join(folder, os.path.basename(path))
    with open(path, "rb") as f:
        reader = fastavro.reader(f)
        records = [r for _, r in zip(range(rows), reader)]
        schema = reader.writer_schema
    with open(avro, "wb") as f:
        fastavro.writer(f, schema, records)
    trips(avro).to_parquet(avro + ".parquet")
    return avro, avro + ".parquet", len(records)


def report_table(bench, leeway, ref, cur, rows=50_000, repeats=5):
    """Whole processes, from two files to the verdicts, taken in turn; medians."""
    here = os.path.dirname(os.path.abspath(__file__))
    peers = [p for p in ("evidently", "alibi-detect") if have(p.replace("-", "_"))]
    whole = {who: [] for who in ["leeway", "nothing", *peers]}
    compute = {who: [] for who in ["leeway", *peers]}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        a_avro, a_parquet, a_rows = first_rows(ref, rows, folder)
        b_avro, b_parquet, b_rows = first_rows(cur, rows, folder)
        for _ in range(repeats):
            seconds, out = timed([leeway, "report", "--reference", a_avro, "--current", b_avro,
                                  "-c", os.path.join(here, "report.yaml"), "--json"])
            whole["leeway"].append(seconds)
            found["leeway"] = json.loads(out)["drifted"]
            compute["leeway"].append(float(ours(bench, "report", a_avro, b_avro, rows).split()[0]))
            for who in ["nothing", *peers]:
                seconds, out = timed([sys.executable, os.path.join(here, "peer_report.py"), who,
                                      a_parquet, b_parquet])
                whole[who].append(seconds)
                if who in compute:
                    compute[who].append(float(out.split()[0]))
                    found[who] = out.split()[1]
    print(f"\n## A drift report on {a_rows:,} + {b_rows:,} rows, five columns\n")
    print("Whole process from two files to the verdicts (leeway reads Avro, the peers Parquet), and the\n"
          f"computation alone, rows already in memory. Medians of {repeats}, taken in turn.\n")
    print("| | whole, s | to leeway | computation, s | to leeway | columns that drift |\n|---|---|---|---|---|---|")
    base_whole, base_compute = (statistics.median(x["leeway"]) for x in (whole, compute))
    for who in ("leeway", *peers):
        w, c = statistics.median(whole[who]), statistics.median(compute[who])
        print(f"| {who} | {w:.3f} | {w / base_whole:.1f} | {c:.4f} | {c / base_compute:.1f} | {found[who]} |")
    w = statistics.median(whole["nothing"])
    print(f"| pandas reads the rows | {w:.3f} | {w / base_whole:.1f} | | | |")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("bench", help="the built bench_drift")
    p.add_argument("leeway", help="the built leeway")
    p.add_argument("months", nargs="*", help="Avro files of months; the first is halved, later ones are compared with it")
    p.add_argument("--repeats", type=int, default=200)
    p.add_argument("--peer-repeats", type=int, default=20)
    p.add_argument("--only", choices=("change", "halves", "months", "report", "null"),
                   help="one part instead of all")
    a = p.parse_args()
    warnings.simplefilter("ignore")
    wanted = (lambda part: a.only in (None, part))
    if wanted("change"):
        river = have("river")
        speed_table(a.bench, river)
        change_table(a.bench, river)
    if wanted("halves") and a.months:
        halves_table(a.bench, a.months[0], a.repeats, a.peer_repeats)
    for month in a.months[1:] if wanted("months") else []:
        months_table(a.bench, a.months[0], month, 20)
    if wanted("report") and len(a.months) > 1:
        report_table(a.bench, a.leeway, a.months[0], a.months[-1])
    if wanted("null"):
        print("\n## Calibration without a change, synthetic\n\n```\n" + ours(a.bench, "null") + "```")


if __name__ == "__main__":
    sys.exit(main())
