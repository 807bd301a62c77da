"""Draws how the throughput goes with size, of results of `keptn bench growth --scale=N -o json`.

    python3 docs/pictures/growth.py growth10.json growth30.json growth100.json > docs/pictures/growth.svg
"""

import json
import sys

WIDTH, HEIGHT, LEFT, TOP, GAP = 150, 80, 34, 34, 24
LOWEST, HIGHEST = 0.6, 1.2
MARKS = (0.8, 1.0)


def curves(paths):
    """Returns, for each thing there is much of, [(count, lowest, median, highest)]."""
    found = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for one in json.load(file):
                point = (one["count"], one["low"], one["tasksPerSecond"], one["high"])
                found.setdefault(one["beside"], []).append(point)
    return {name: sorted(points) for name, points in found.items()}


def y(ratio):
    inside = min(max(ratio, LOWEST), HIGHEST)
    return TOP + HEIGHT * (HIGHEST - inside) / (HIGHEST - LOWEST)


def panel(left, name, points):
    most = points[-1][0]
    x = lambda count: left + WIDTH * count / most
    yield f'<text x="{left}" y="{TOP - 16}" class="name">{name}</text>'
    for mark in MARKS:
        yield f'<path d="M{left} {y(mark):.1f}h{WIDTH}" class="mark"/>'
        yield f'<text x="{left - 4}" y="{y(mark) + 3:.1f}" class="end">{mark:.1f}</text>'
    line = " ".join(f"{x(count):.1f},{y(ratio):.1f}" for count, _, ratio, _ in [(0, 1, 1, 1), *points])
    yield f'<polyline points="{line}" class="line"/>'
    for count, low, ratio, high in points:
        yield f'<path d="M{x(count):.1f} {y(low):.1f}V{y(high):.1f}" class="range"/>'
        yield f'<circle cx="{x(count):.1f}" cy="{y(ratio):.1f}" r="2.5"/>'
    bottom = TOP + HEIGHT + 14
    yield f'<text x="{left}" y="{bottom}">0</text>'
    yield f'<text x="{left + WIDTH}" y="{bottom}" class="end">{most:,}</text>'


def main():
    all_curves = curves(sys.argv[1:])
    width = LEFT + len(all_curves) * (WIDTH + LEFT + GAP) - GAP
    height = TOP + HEIGHT + 26
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">')
    print("<style>text{font:11px sans-serif;fill:#444}.name{font-weight:bold}.end{text-anchor:end}"
          ".mark{stroke:#ccc}.range{stroke:#8ab}.line{fill:none;stroke:#168}circle{fill:#168}</style>")
    print(f'<rect width="{width}" height="{height}" fill="#fff"/>')
    for number, (name, points) in enumerate(all_curves.items()):
        print("\n".join(panel(LEFT + number * (WIDTH + LEFT + GAP), name, points)))
    print("</svg>")


main()
