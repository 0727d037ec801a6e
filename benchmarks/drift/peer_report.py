#!/usr/bin/env python3
"""A drift report as a Python user would make it: one process, from two files to five verdicts.

  peer_report.py evidently|alibi-detect|nothing REFERENCE.parquet CURRENT.parquet

Prints `<computation, seconds> <columns that drift>`. The files are Parquet, which pandas reads
quickest; the caller times the process. `nothing` reads the rows and judges none.
"""
import sys
import time
import warnings

warnings.simplefilter("ignore")
ZONES = ["PULocationID", "DOLocationID"]
NUMBERS = ["trip_distance", "total_amount", "duration"]


def evidently(ref, cur):
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset
    for frame in (ref, cur):
        frame[ZONES] = frame[ZONES].astype(str)

    def compute():
        definition = DataDefinition(categorical_columns=ZONES, numerical_columns=NUMBERS)
        run = Report([DataDriftPreset()]).run(Dataset.from_pandas(cur, data_definition=definition),
                                              Dataset.from_pandas(ref, data_definition=definition))
        return sum(isinstance(m["value"], (int, float)) and "column" in m.get("config", {})
                   and (m["value"] < m["config"]["threshold"]) == ("p_value" in m["config"]["method"])
                   for m in run.dict()["metrics"])
    return compute


def alibi_detect(ref, cur):
    from alibi_detect.cd import TabularDrift
    a, b = ref.to_numpy(dtype=float), cur.to_numpy(dtype=float)

    def compute():
        detector = TabularDrift(a, p_val=.01, categories_per_feature={0: None, 1: None})
        return int(detector.predict(b, drift_type="feature")["data"]["is_drift"].sum())
    return compute


def main():
    kind, paths = sys.argv[1], sys.argv[2:4]
    import pandas as pd
    ref, cur = (pd.read_parquet(p)[ZONES + NUMBERS] for p in paths)
    makers = {"evidently": evidently, "alibi-detect": alibi_detect,
              "nothing": lambda *_: lambda: 0}
    compute = makers[kind](ref, cur)  # imports are not part of the computation
    begin = time.perf_counter()
    found = compute()
    print(f"{time.perf_counter() - begin:.6f} {found}")


if __name__ == "__main__":
    sys.exit(main())
