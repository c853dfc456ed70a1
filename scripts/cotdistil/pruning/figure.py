"""The figure of pruning: how much of each trace is left, and where in the trace the cut falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cotdistil.figure_files import COLOURS
from cotdistil.pruning.totals import PLACES, SHARE_BINS, Totals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

NAME = "pruning"
DASHES = ["-", (0, (5, 1.6)), (0, (1.3, 1.3)), (0, (7, 1.6, 1.3, 1.6))]
NOTE = (
    "n: kept of all traces. Left of the dotted line: more than half of the tokens are gone.\n"
    "Right: kept traces whose thinking has steps."
)
LEGEND_PIXELS = 840  # of the 900
KEY_PIXELS = 65  # the line beside a name, and what keeps it apart


@dataclass(frozen=True)
class Pruned:
    """A pruned training set."""

    recipe: str
    student: str
    totals: Totals


@dataclass(frozen=True)
class Row:
    """What one row of panels shows: `student` is its title, `lines` has name and totals of each."""

    student: str
    lines: list[tuple[str, Totals]]


def draw(pruned: list[Pruned]) -> Figure:
    """A line per training set; a row of panels per student if recipes and students are several."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, subject = rows_of(pruned)
    names = list(dict.fromkeys(name for row in rows for name, _ in row.lines))
    styles = {
        name: {"color": COLOURS[i % len(COLOURS)], "linestyle": DASHES[i % len(DASHES)]}
        for i, name in enumerate(names)
    }
    figure = Figure(dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    legends = [_legend(figure, row) for row in rows]
    heights = [2.9 + 0.2 * lines for _, lines in legends]
    # 9 inches at 100 dots are the 900 pixels of a README; the file has twice the dots.
    figure.set_size_inches(9, 0.85 + sum(heights))
    title = {"fontsize": 14, "fontweight": "bold"}
    figure.suptitle(_fitted(figure, f"What pruning leaves{subject}", "", **title), **title)
    figure.supxlabel(NOTE, fontsize=10)
    parts = figure.subfigures(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, row, (labels, lines) in zip(parts, rows, legends, strict=True):
        axes = _draw_row(part, row, styles)
        part.legend(
            axes.lines[: len(labels)], labels, loc="outside lower center",
            ncols=-(-len(labels) // lines), frameon=False, fontsize=10, handlelength=3,
        )  # fmt: skip
    return figure


def rows_of(pruned: list[Pruned]) -> tuple[list[Row], str]:
    """The rows of panels, and what the title says of all of them."""
    recipes = list(dict.fromkeys(each.recipe for each in pruned))
    students = list(dict.fromkeys(each.student for each in pruned))
    if len(students) == 1:
        return [Row("", [(each.recipe, each.totals) for each in pruned])], f" · {students[0]}"
    if len(recipes) == 1:
        return [Row("", [(each.student, each.totals) for each in pruned])], f" · {recipes[0]}"
    by_student = [[each for each in pruned if each.student == student] for student in students]
    rows = [Row(row[0].student, [(each.recipe, each.totals) for each in row]) for row in by_student]
    return rows, ""


def _draw_row(part: SubFigure, row: Row, styles: dict[str, dict]) -> Axes:
    """Draw both panels; returns the left one, whose first lines are those of the row, in order."""
    left, right = part.subplots(1, 2)
    for name, totals in row.lines:
        left.plot(*tokens_left(totals), linewidth=1.8, **styles[name])
        right.plot(*steps_left(totals), linewidth=1.8, **styles[name])
    ends = [line.get_xdata()[-1] for line in left.lines if len(line.get_xdata())]
    left.set_xlim(0, max([100, *ends]) * 1.02)
    left.axvline(50, color="#333333", linewidth=1, linestyle=(0, (1, 2)))
    right.set_xlim(0, 100)
    _set_axes(left, "tokens left (% of the response)", "traces with less left (%)")
    _set_axes(right, "place in the thinking (% of its steps)", "traces that still have it (%)")
    font = {"fontsize": 12}
    left.set_title(_fitted(part.figure, row.student, "", **font), loc="left", **font)
    return left


def _legend(figure: Figure, row: Row) -> tuple[list[str], int]:
    """The labels of a row's training sets, and how many lines of the legend they fill."""
    font = {"fontsize": 10}
    numbers = [f"  (n = {totals.kept:,} of {totals.traces:,})" for _, totals in row.lines]
    labels = [
        _fitted(figure, name, n, **font) for (name, _), n in zip(row.lines, numbers, strict=True)
    ]
    widest = max(_width(figure, label, **font) for label in labels) + KEY_PIXELS
    return labels, -(-len(labels) // max(1, int(LEGEND_PIXELS / widest)))


def _fitted(figure: Figure, name: str, rest: str, **font: object) -> str:
    """Name and rest; a name that is too long for the figure's width is cut."""
    text, shown = f"{name}{rest}", name
    while shown and _width(figure, text, **font) > LEGEND_PIXELS - KEY_PIXELS:
        shown = shown[:-1]
        text = f"{shown}…{rest}"
    return text


def _width(figure: Figure, text: str, **font: object) -> float:
    drawn = figure.text(0, 0, text, **font)
    width = drawn.get_window_extent().width
    drawn.remove()
    return width


def tokens_left(totals: Totals) -> tuple[np.ndarray, np.ndarray]:
    """x: per cent of its tokens that is left of a trace; y: per cent of the kept traces of which
    less is left. Both without points where no trace is kept.
    """
    if not totals.kept:
        return np.zeros(0), np.zeros(0)
    last = max(SHARE_BINS, int(np.flatnonzero(totals.token_shares)[-1])) + 1
    below = np.concatenate([[0], np.cumsum(totals.token_shares[:last])])
    return 100 * np.arange(last + 1) / SHARE_BINS, 100 * below / totals.kept


def steps_left(totals: Totals) -> tuple[np.ndarray, np.ndarray]:
    """x: per cent of the steps of a trace; y: per cent of the kept traces that have steps which
    still have the step there. Both without points where there are none.
    """
    if not totals.with_steps:
        return np.zeros(0), np.zeros(0)
    return 100 * (np.arange(PLACES) + 0.5) / PLACES, 100 * totals.places / totals.with_steps


def _set_axes(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=11)
    axes.set_ylabel(y, fontsize=11)
    axes.set_ylim(-1, 102)
    axes.grid(color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
