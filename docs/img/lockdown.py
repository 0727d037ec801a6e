#!/usr/bin/env python3
"""Draws docs/img/lockdown.svg from a backtest's own figures, with the standard library only:

    build/release/leeway backtest --json -c configs/nyc-green.yaml data/green_2020-03_2020-05.avro |
        python3 docs/img/lockdown.py > docs/img/lockdown.svg

Promotions are in "log", the error of each day in "daily". Colours are set by two classes, which follow the
reader's light or dark theme.
"""
import json
import sys
from datetime import date

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 860, 300, 44, 34, 34, 12
FLOOR = 3

result = json.loads(sys.stdin.read().strip().splitlines()[-1])
days = [(date.fromisoformat(d["day"]), d["frozen_rmse"], d["managed_rmse"]) for d in result["daily"]]
promoted = [(date.fromisoformat(e["at"][:10]), f'v{e["version"]}') for e in result["log"]
            if e["event"] == "training" and e.get("promoted")]
if not days:
    sys.exit('no "daily" in the JSON: give it the output of leeway backtest --json')

first, last = days[0][0], days[-1][0]
top = max(max(d[1:]) for d in days) + 0.4
x = lambda d: LEFT + (WIDTH - LEFT - RIGHT) * (d - first).days / (last - first).days
y = lambda v: TOP + (HEIGHT - TOP - BOTTOM) * (top - v) / (top - FLOOR)


def path(column):
    return " ".join(f"{'L' if i else 'M'}{x(d[0]):.1f} {y(d[column]):.1f}" for i, d in enumerate(days))


out = [
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
    'aria-label="Daily RMSE of a frozen and of the managed model, March to May 2020" '
    'font-family="system-ui, sans-serif" font-size="12">',
    "<style>text{fill:#333}.g{stroke:#8884}.f{stroke:#b5532a}.m{stroke:#1f6f8b}"
    "tspan.f{stroke:none;fill:#b5532a}tspan.m{stroke:none;fill:#1f6f8b}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.f{stroke:#f0926a}.m{stroke:#6cc3e0}"
    "tspan.f{fill:#f0926a}tspan.m{fill:#6cc3e0}}</style>",
]
for value in range(FLOOR, int(top) + 1):
    out.append(f'<line class="g" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
               f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>')
for day, *_ in days:
    if day.day in (1, 15):
        out.append(f'<text x="{x(day):.1f}" y="{HEIGHT - 12}" text-anchor="middle">'
                   f'{day.day} {day:%b}</text>')
for day, name in promoted:
    if first <= day <= last:
        out.append(f'<line class="m" stroke-dasharray="2 3" x1="{x(day):.1f}" x2="{x(day):.1f}" '
                   f'y1="{TOP}" y2="{HEIGHT - BOTTOM}"/><text x="{x(day) + 3:.1f}" y="{TOP + 10}">{name}</text>')
out.append(f'<path class="f" fill="none" stroke-width="2" d="{path(1)}"/>')
out.append(f'<path class="m" fill="none" stroke-width="2" d="{path(2)}"/>')
out.append(f'<text x="{LEFT}" y="16">RMSE of each day, minutes: '
           '<tspan class="f">version 1 left alone</tspan>, '
           '<tspan class="m">as leeway managed it</tspan>; dashed: a promotion</text></svg>')
print("\n".join(out))
