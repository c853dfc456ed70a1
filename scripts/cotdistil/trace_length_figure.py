"""The figure of response lengths: a panel per corpus over one axis of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cotdistil.ledger import length_statistics

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "trace_lengths"
# Of the palette of Okabe and Ito, as in the other figures.
COLOURS = {"correct": "#0072B2", "wrong": "#D55E00", "undecided": "#A6A6A6"}
LINE_COLOUR = "#333333"
NOTE = "Height: share of the corpus's traces; every panel has a scale of its own."
BINS = 60
PIXELS_OF_TITLES = 840  # of the 900; the rest keeps what stands left and right apart


@dataclass(frozen=True)
class Lengths:
    """Of one corpus. tokens: per response, shape (n,); correct, wrong: bool, shape (n,)."""

    corpus: str
    tokens: np.ndarray
    correct: np.ndarray
    wrong: np.ndarray


def draw(corpora: list[Lengths]) -> Figure:
    """A histogram per corpus, correct below wrong, with its median, p95 and longest response."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # 9 inches at 100 dots are the 900 pixels of a README; the file has twice the dots.
    figure = Figure(figsize=(9, 1.5 + 1.25 * len(corpora)), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(h_pad=0.08)
    figure.suptitle("Length of the teachers' responses", fontsize=14, fontweight="bold")
    panels = figure.subplots(len(corpora), 1, sharex=True, squeeze=False)[:, 0]
    edges = bin_edges(corpora)
    for axes, corpus in zip(panels, corpora, strict=True):
        _draw_panel(axes, corpus, edges)
    _set_ticks(panels[-1], edges)
    _draw_legend(figure, any(not (each.correct | each.wrong).all() for each in corpora))
    return figure


def bin_edges(corpora: list[Lengths]) -> np.ndarray:
    """Edges between whole numbers of tokens, evenly spaced on a logarithmic axis where the numbers
    are large enough; the longest response is in the last bin. An empty one counts as 1 token.
    """
    import numpy as np

    ends = [end(each.tokens) for each in corpora for end in (np.min, np.max) if len(each.tokens)]
    high = max([*ends, 8])
    # Wide enough for several ticks, however alike the lengths are.
    low = max(min([*ends, high // 4]), 1)
    return np.unique(np.floor(np.geomspace(low, high + 1, BINS + 1))) - 0.5


def _draw_panel(axes: Axes, corpus: Lengths, edges: np.ndarray) -> None:
    import numpy as np

    tokens, count = np.maximum(corpus.tokens, 1), len(corpus.tokens)
    undecided = ~(corpus.correct | corpus.wrong)
    # By the width on the axis, so that equal areas are equal numbers of traces.
    widths = np.diff(np.log10(edges))
    bottom = np.zeros(len(widths))
    for verdict, chosen in (
        ("correct", corpus.correct), ("wrong", corpus.wrong), ("undecided", undecided)
    ):  # fmt: skip
        top = bottom + np.histogram(tokens[chosen], edges)[0] / widths / max(count, 1)
        axes.stairs(top, edges, baseline=bottom, fill=True, color=COLOURS[verdict], linewidth=0)
        bottom = top
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1] * (edges[-1] / edges[0]) ** 0.01)
    axes.set_ylim(0, 1.05 * max(bottom.max(), 1e-9))
    axes.set_yticks([])
    axes.grid(axis="x", color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if not count:
        _set_titles(axes, corpus.corpus, "(no traces)", "")
        return
    lengths = length_statistics(corpus.tokens)
    traces = "trace" if count == 1 else "traces"
    _set_titles(
        axes,
        corpus.corpus,
        f"({count:,} {traces}, {100 * corpus.correct.mean():.0f} % correct)",
        "   ".join(f"{name} {lengths[name]:,}" for name in ("median", "p95", "max")),
    )
    axes.axvline(max(lengths["median"], 1), color=LINE_COLOUR, linewidth=1.6)
    axes.axvline(max(lengths["p95"], 1), color=LINE_COLOUR, linewidth=1.4, linestyle=(0, (3, 2)))
    axes.plot(
        max(lengths["max"], 1), 0, marker="v", markersize=6, color=LINE_COLOUR, clip_on=False,
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip


def _set_titles(axes: Axes, name: str, traces: str, lengths: str) -> None:
    """Name and traces on the left, lengths on the right; a name that is too long is cut."""
    renderer = axes.figure.canvas.get_renderer()
    right = axes.set_title(lengths, loc="right", fontsize=10).get_window_extent(renderer).width
    left, shown = axes.set_title(f"{name}  {traces}", loc="left", fontsize=11), name
    while shown and left.get_window_extent(renderer).width + right > PIXELS_OF_TITLES:
        shown = shown[:-1]
        left.set_text(f"{shown}…  {traces}")


def _set_ticks(axes: Axes, edges: np.ndarray) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    ratio = edges[-1] / edges[0]
    parts = (1, 2, 3, 5, 7) if ratio < 30 else (1, 2, 5) if ratio < 30_000 else (1,)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=parts))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else "")
    )
    axes.set_xlabel("tokens per response", fontsize=11)


def _draw_legend(figure: Figure, undecided: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    verdicts = ["correct", "wrong", "undecided"] if undecided else ["correct", "wrong"]
    keys = [Patch(color=COLOURS[verdict], label=verdict) for verdict in verdicts]
    line = {"color": LINE_COLOUR, "linewidth": 1.6}
    keys += [
        Line2D([], [], label="median", **line),
        Line2D([], [], label="p95", linestyle=(0, (3, 2)), **line),
        Line2D([], [], label="longest", linestyle="none", marker="v", color=LINE_COLOUR),
    ]
    figure.legend(
        handles=keys, loc="outside lower center", ncols=len(keys), frameon=False, fontsize=10,
        title=NOTE, title_fontsize=10,
    )  # fmt: skip
