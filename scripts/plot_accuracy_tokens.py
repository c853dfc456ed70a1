"""Plot accuracy against response length for every arm, a panel per benchmark.

python scripts/plot_accuracy_tokens.py --manifest results/store/manifests/KEY.json \\
    --out results/store/figures/KEY/record.json
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.figure_files import COLOURS, save_figure
from cotdistil.job import run_job
from cotdistil.label_placement import place_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">"]
BASE_COLOUR = "#333333"
NOTE = "Bars: 95 % confidence intervals over questions. Hollow: base, the untouched student."
NAME = "accuracy_vs_tokens"


def main() -> None:
    with run_job(__doc__) as job:
        rows = read_summary(job.parent("tables") / "summary.csv")
        save_figure(draw(rows), job.staging, NAME)
        job.publish({"rows_in": len(rows), "rows_out": len(rows), "dropped": {}})


def read_summary(path: Path) -> list[dict]:
    """Rows of summary.csv; accuracies and their limits in per cent, tokens as numbers."""
    with path.open(newline="", encoding="utf-8") as file:
        rows: list[dict] = list(csv.DictReader(file))
    for row in rows:
        for column in ("accuracy", "ci_low", "ci_high"):
            row[column] = 100 * float(row[column])
        row["mean_tokens"] = float(row["mean_tokens"])
    return rows


def draw(rows: list[dict]) -> Figure:
    """Draw the rows of `read_summary`: a colour per recipe, a marker per student, base hollow.

    Every arm is named beside its point; if that does not fit, every recipe once per panel; if
    that does not fit either, the recipes go into the legend.
    """
    for labelled in (_each_arm, _each_recipe):
        figure = _draw(rows, labelled)
        if figure is not None:
            return figure
    return _draw(rows, None)


def _each_arm(row: dict) -> tuple:
    return row["student"], row["recipe"], row["stage"]


def _each_recipe(row: dict) -> tuple:
    return row["recipe"], row["stage"]


def _draw(rows: list[dict], labelled: Callable[[dict], tuple] | None) -> Figure | None:
    """`labelled`: rows that agree in it share one label; None puts the names into the legend.

    Returns None if the labels do not fit.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    benchmarks = list(dict.fromkeys(row["benchmark"] for row in rows))
    students = list(dict.fromkeys(row["student"] for row in rows))
    arms = list(dict.fromkeys(_arm_label(row) for row in rows if row["stage"] != "base"))
    colours = {arm: COLOURS[i % len(COLOURS)] for i, arm in enumerate(arms)}
    markers = {student: MARKERS[i % len(MARKERS)] for i, student in enumerate(students)}

    columns = min(2, len(benchmarks))
    lines = -(-len(benchmarks) // columns)
    # 9 inches at 100 dots are the 900 pixels of a README; the file has twice the dots.
    figure = Figure(figsize=(9, 1.3 + 3.7 * lines), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(h_pad=0.08, wspace=0.04, hspace=0.05)
    grid = figure.subplots(lines, columns, squeeze=False)
    subject = f" of {students[0]}" if len(students) == 1 else ""
    figure.suptitle(f"Accuracy and response length{subject}", fontsize=14, fontweight="bold")
    for axes in grid.flat[len(benchmarks) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel("accuracy (%)", fontsize=11)
    panels = [
        (axes, [row for row in rows if row["benchmark"] == benchmark])
        for axes, benchmark in zip(grid.flat, benchmarks, strict=False)
    ]
    for axes, panel in panels:
        _draw_panel(axes, panel, colours, markers)
    _draw_legend(figure, markers, {} if labelled else colours)

    figure.canvas.draw()
    # From here on the axes must not move under the labels.
    figure.set_layout_engine("none")
    if labelled and not all(_label(axes, panel, colours, labelled) for axes, panel in panels):
        return None
    return figure


def _arm_label(row: dict) -> str:
    return row["recipe"] if row["stage"] in ("base", "sft") else f"{row['recipe']} + {row['stage']}"


def _draw_panel(axes: Axes, rows: list[dict], colours: dict, markers: dict) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    n, k = rows[0]["n"], rows[0]["k"]
    axes.set_title(f"{rows[0]['benchmark']}  ({n} questions, avg@{k})", fontsize=12)
    axes.set_xlabel("mean tokens per response")
    axes.grid(color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    seeds = len({row["seed"] for row in rows if row["seed"]})
    for row in rows:
        is_base = row["stage"] == "base"
        colour = BASE_COLOUR if is_base else colours[_arm_label(row)]
        axes.errorbar(
            row["mean_tokens"], row["accuracy"],
            yerr=[[row["accuracy"] - row["ci_low"]], [row["ci_high"] - row["accuracy"]]],
            fmt=markers[row["student"]], markersize=9, color=colour, elinewidth=1.5, capsize=3.5,
            markerfacecolor="white" if is_base else colour, markeredgecolor=colour,
            markeredgewidth=1.6, alpha=0.6 if seeds > 1 and not is_base else 1,
        )  # fmt: skip

    low, high = min(row["ci_low"] for row in rows), max(row["ci_high"] for row in rows)
    margin = max(0.06 * (high - low), 1.0)
    axes.set_ylim(max(low - margin, -2), min(high + margin, 102))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    tokens = [row["mean_tokens"] for row in rows]
    least, most = min(tokens), max(tokens)
    if most > 4 * least and least >= 1:
        axes.set_xscale("log")
        axes.set_xlim(least * (least / most) ** 0.08, most * (most / least) ** 0.15)
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 3, 5, 7)))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        spread = max(most - least, 0.2 * most, 1.0)
        axes.set_xlim(least - 0.15 * spread, most + 0.25 * spread)
        axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _draw_legend(figure: Figure, markers: dict[str, str], colours: dict[str, str]) -> None:
    """What direct labels do not say: the students if there are several, and what the bars are."""
    from matplotlib.lines import Line2D

    def key(label: str, marker: str, fill: str, edge: str) -> Line2D:
        return Line2D(
            [], [], linestyle="none", marker=marker, markersize=8, label=label,
            markerfacecolor=fill, markeredgecolor=edge, markeredgewidth=1.4,
        )  # fmt: skip

    keys = [key(arm, "o", colour, colour) for arm, colour in colours.items()]
    if len(markers) > 1:
        keys += [key(name, marker, "#8A8A8A", "#8A8A8A") for name, marker in markers.items()]
    if not keys:
        figure.supxlabel(NOTE, fontsize=10)
        return
    figure.legend(
        handles=keys, loc="outside lower center", ncols=min(4, len(keys)), frameon=False,
        fontsize=10, title=NOTE, title_fontsize=10,
    )  # fmt: skip


def _label(
    axes: Axes, rows: list[dict], colours: dict[str, str], labelled: Callable[[dict], tuple]
) -> bool:
    """Name arms beside their points in a drawn figure; False if the names do not fit."""
    named = list({labelled(row): row for row in reversed(rows)}.values())[::-1]
    to_pixels = axes.transData.transform
    renderer = axes.figure.canvas.get_renderer()
    texts = [
        axes.annotate(
            _arm_label(row),
            (row["mean_tokens"], row["accuracy"]),
            xytext=(0, 0),
            textcoords="offset points",
            va="bottom",
            fontsize=11,
            color=_darker(colours.get(_arm_label(row), BASE_COLOUR)),
        )
        for row in named
    ]
    sizes = [(box.width + 2, box.height) for box in (t.get_window_extent(renderer) for t in texts)]
    obstacles = []
    for row in rows:
        x, y = to_pixels((row["mean_tokens"], row["accuracy"]))
        low, high = (to_pixels((row["mean_tokens"], row[end]))[1] for end in ("ci_low", "ci_high"))
        obstacles += [(x - 9, y - 9, x + 9, y + 9), (x - 4, low - 2, x + 4, high + 2)]
    points = [tuple(to_pixels((row["mean_tokens"], row["accuracy"]))) for row in named]
    corners = place_labels(points, sizes, obstacles, tuple(axes.bbox.extents), clearance=13)
    if corners is None:
        return False
    for text, point, corner in zip(texts, points, corners, strict=True):
        # In points, so that the offset keeps its length when the figure is saved with more dots.
        text.set_position(
            [(c - p) * 72 / axes.figure.dpi for c, p in zip(corner, point, strict=True)]
        )
    return True


def _darker(colour: str) -> str:
    """A shade of a line's colour in which text is readable on white."""
    from matplotlib.colors import to_hex, to_rgb

    return to_hex([0.75 * part for part in to_rgb(colour)])


if __name__ == "__main__":
    main()
