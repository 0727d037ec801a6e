#!/usr/bin/env python3
"""What short panes cost: the bundled configuration with panes of 1 h and of 15 min.

    panes.py LEEWAY [--events FILE]... [--until DATE] [--demo]

Backtests of the events, and with --demo the live demo, whose private Redis says at the end what was sent
to it and what it holds. Times are of the processor, so that other work on the machine counts less.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PANES = {"1 h": ("1h", "1h"), "15 min": ("15m", "5m")}


def configuration(length, lateness):
    text = (ROOT / "configs/nyc-green.yaml").read_text()
    text = re.sub(r"(?m)^  length: \S+", f"  length: {length}", text)
    return re.sub(r"(?m)^  lateness: \S+", f"  lateness: {lateness}", text)


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def program_in(directory, leeway, config):
    """A copy of the program that finds this configuration: the demo reads the one beside it."""
    share = pathlib.Path(leeway).resolve().parent / "share"
    shutil.copytree(share, directory / "share")
    shutil.copy(leeway, directory / "leeway")
    path = directory / "share/leeway/configs/nyc-green.yaml"
    path.unlink()
    path.write_text(config)
    return directory / "leeway", path


def backtest(program, config, events, until):
    began = processor_seconds()
    more = ["--bootstrap-until", until] if until else []
    done = subprocess.run([program, "backtest", "-c", config, "--json", *more, *events], capture_output=True,
                          text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    return {"backtest, CPU s": round(processor_seconds() - began, 1), "backtest, RMSE": result["managed_rmse"],
            "backtest, retrains": result["retrains"]}


def redis_info(port):
    text = subprocess.run(["redis-cli", "-p", port, "INFO", "ALL"], capture_output=True, text=True, check=True).stdout
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def key_bytes(port, key):
    done = subprocess.run(["redis-cli", "-p", port, "MEMORY", "USAGE", key, "SAMPLES", "0"], capture_output=True,
                          text=True, check=True)
    return int(done.stdout)


def demo(program):
    began = processor_seconds()
    run = subprocess.Popen([program, "demo", "--keep", "--json", "--http", "off"], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    port = None
    for line in run.stderr:
        found = re.search(r"redis-cli -p (\d+) HGETALL 'leeway:.*:models'", line)
        if found:
            port = found.group(1)
            break
    if not port:
        raise SystemExit("the demo ended without a result")
    info = redis_info(port)
    scripts = re.search(r"calls=(\d+)", info.get("cmdstat_evalsha", "calls=0"))
    out = {"demo, Redis scripts": int(scripts.group(1)),
           "demo, sent to Redis, MB": round(int(info["total_net_input_bytes"]) / 1e6),
           "demo, Redis at the end, MB": round(int(info["used_memory"]) / 1e6, 1),
           "demo, history, MB": round(key_bytes(port, "leeway:{nyc-green}:history") / 1e6, 1),
           "demo, CPU s of Redis": round(float(info["used_cpu_user"]) + float(info["used_cpu_sys"]))}
    run.send_signal(signal.SIGINT)
    result = json.loads(run.communicate()[0].splitlines()[-1])
    out["demo, CPU s"] = round(processor_seconds() - began)
    return out | {"demo, RMSE": result["managed_rmse"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("leeway")
    parser.add_argument("--events", action="append", default=[])
    parser.add_argument("--until")
    parser.add_argument("--demo", action="store_true")
    args = parser.parse_args()
    columns = {}
    for name, panes in PANES.items():
        with tempfile.TemporaryDirectory() as path:
            program, config = program_in(pathlib.Path(path), args.leeway, configuration(*panes))
            columns[name] = backtest(program, config, args.events, args.until) if args.events else {}
            if args.demo:
                columns[name] |= demo(program)
    print("| panes |", " | ".join(columns), "|\n|---|" + "---|" * len(columns))
    for row in next(iter(columns.values())):
        print(f"| {row} |", " | ".join(str(c[row]) for c in columns.values()), "|")


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    sys.exit(main())
