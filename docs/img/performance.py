#!/usr/bin/env python3
"""Draws the pictures of docs/performance.md, with the standard library only:

    benchmarks/stream/growth --json growth.json
    python3 docs/img/performance.py growth.json docs/img

writes growth-features.svg, growth-categories.svg, growth-partitions.svg and growth-windows.svg. Colours are set
by classes, which follow the reader's light or dark theme.
"""
import json
import math
import os
import sys

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 430, 260, 58, 34, 44, 30
PICTURES = {
    "features": ("features", "ns an event", False),
    "categories": ("distinct categories (cap 4,096)", "ns an event", True),
    "partitions": ("partitions", "ns an event", True),
    "windows": ("panes in the window", "ms an evaluation", False),
}


def step_of(top):
    """A round step that cuts `top` into four to nine parts."""
    unit = 10 ** math.floor(math.log10(top))
    return next(unit * f for f in (0.1, 0.2, 0.5, 1, 2) if top / (unit * f) <= 8)


def number(v):
    return f"{v:,.0f}" if v >= 10 or v == int(v) else f"{v:.1f}"


def draw(points, across, up, logarithmic):
    top = max(p[1] for p in points) * 1.08
    place = math.log10 if logarithmic else float
    low, high = (place(points[0][0]), place(points[-1][0])) if logarithmic else (0, points[-1][0])
    x = lambda v: LEFT + (WIDTH - LEFT - RIGHT) * (place(v) - low) / (high - low)
    y = lambda v: TOP + (HEIGHT - TOP - BOTTOM) * (1 - v / top)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
           f'aria-label="{up} against {across}" font-family="system-ui, sans-serif" font-size="12">',
           "<style>text{fill:#333}.g{stroke:#8884}.m{stroke:#1f6f8b;fill:none}circle{fill:#1f6f8b}"
           "@media(prefers-color-scheme:dark){text{fill:#ddd}.m{stroke:#6cc3e0}circle{fill:#6cc3e0}}</style>",
           f'<text x="{LEFT}" y="18">{up}</text>']
    step = step_of(top)
    for i in range(int(top / step) + 1):
        v = i * step
        out.append(f'<path class="g" d="M{LEFT} {y(v):.1f}H{WIDTH - RIGHT}"/>'
                   f'<text x="{LEFT - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{number(v)}</text>')
    last = -100
    for v, _ in points:
        if x(v) - last > 30:
            last = x(v)
            out.append(f'<text x="{last:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{v:,}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{across}</text>')
    out.append('<path class="m" stroke-width="2" d="M' + "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in points)
               + '"/>')
    out += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3"/>' for a, b in points]
    return "\n".join(out + ["</svg>", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1]) as f:
        got = json.load(f)
    for name, (across, up, logarithmic) in PICTURES.items():
        points = [(p[0], p[1] / 1000 if name == "windows" else p[1]) for p in got[name]]
        with open(os.path.join(sys.argv[2], f"growth-{name}.svg"), "w") as f:
            f.write(draw(points, across, up, logarithmic))


main()
