"""Draws a dashboard with given metrics.

python picture.py GIVEN.json PICTURE.png; with a Python that has matplotlib. GIVEN has `dashboard`, the body as CloudWatch
has it, `lines`, of the embedded metric format, with timestamps in milliseconds since the first day, and `days`.
"""

import json
import re
import sys

import matplotlib

matplotlib.use("agg")
matplotlib.rcParams.update({"font.size": 8, "font.family": "sans-serif"})
import matplotlib.pyplot as plt  # noqa: E402

DAY = 86_400_000
COLUMNS = 2


def values(lines, name, dimensions):
    """The values of a metric by day; `dimensions` are names and values."""
    found = {}
    for line in lines:
        for directive in line["_aws"]["CloudWatchMetrics"]:
            if directive["Namespace"] != "Turnlock" or name not in [m["Name"] for m in directive["Metrics"]]:
                continue
            sets = [set(names) for names in directive["Dimensions"]]
            if set(dimensions) in sets and all(line.get(key) == value for key, value in dimensions.items()):
                found.setdefault(line["_aws"]["Timestamp"] // DAY, []).append(line[name])
    return found


def statistic(name, numbers):
    if name == "Sum":
        return sum(numbers)
    if name == "Maximum":
        return max(numbers)
    percent = re.fullmatch(r"p(\d+)", name)
    if percent is None:
        raise SystemExit(f"no such statistic here: {name}")
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(len(ordered) * int(percent[1]) / 100))]


def rows(lines, properties):
    """Label, and value by day, of each row of a widget."""
    for row in properties["metrics"]:
        if isinstance(row[0], dict):
            yield from search(lines, row[0]["expression"])
            continue
        _, name, *rest = row
        dimensions = dict(zip(rest[::2], rest[1::2]))
        label = " ".join(dimensions.values())
        found = values(lines, name, dimensions)
        yield label, {day: statistic(properties["stat"], of) for day, of in found.items()}


def search(lines, expression):
    names, metric = re.search(r"SEARCH\('\{Turnlock,([^}]*)\} MetricName=\"(\w+)\"", expression).groups()
    stat = re.search(r"', '(\w+)', \d+\)", expression)[1]
    names = names.split(",")
    for found in sorted({tuple(line[n] for n in names) for line in lines if all(n in line for n in names)}):
        dimensions = dict(zip(names, found))
        by_day = values(lines, metric, dimensions)
        yield " ".join(found), {day: statistic(stat, of) for day, of in by_day.items()}


def draw(axes, lines, properties, days):
    axes.set_title(properties["title"], loc="left", fontsize=9, fontweight="bold")
    bottom = [0] * days
    for label, by_day in rows(lines, properties):
        if not any(by_day.values()):
            continue
        if properties.get("stacked"):
            heights = [by_day.get(day, 0) for day in range(days)]
            axes.bar(range(days), heights, 0.9, bottom, label=label)
            bottom = [low + height for low, height in zip(bottom, heights)]
        else:
            axes.plot(sorted(by_day), [by_day[day] for day in sorted(by_day)], ".-", linewidth=0.8, markersize=3, label=label)
    for line in properties.get("annotations", {}).get("horizontal", []):
        axes.axhline(line["value"], color="tab:red", linewidth=0.8, linestyle="--", label=line["label"])
    scale = properties.get("yAxis", {}).get("left", {})
    axes.set_ylabel(scale.get("label", ""))
    # Room for the legend.
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    axes.set_xlim(-1, days)
    axes.set_xlabel("day")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=6, frameon=False, loc="upper left", ncols=2)


def main(given, picture):
    with open(given, encoding="utf-8") as file:
        given = json.load(file)
    body = given["dashboard"]
    body = json.loads(body) if isinstance(body, str) else body
    charts = [widget["properties"] for widget in body["widgets"] if widget["type"] == "metric"]
    height = -(-len(charts) // COLUMNS)
    figure, all_axes = plt.subplots(height, COLUMNS, figsize=(12, 2.6 * height), layout="constrained")
    for axes, properties in zip(all_axes.flat, charts, strict=True):
        draw(axes, given["lines"], properties, given["days"])
    figure.savefig(picture, dpi=90)


if __name__ == "__main__":
    main(*sys.argv[1:])
