"""The table and figure commands on a store made by hand, and where the figure's labels go."""

import itertools
import math
import random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.figure_files import save_figure
from cotdistil.label_placement import place_labels
from hand_made_store import HandMadeStore, Outcome
from plot_accuracy_tokens import NAME, draw, read_summary

FIGURES = ("accuracy_vs_tokens.png", "accuracy_vs_tokens.svg")
ARMS = [("base", 0.2, 80), ("long", 0.7, 900), ("short", 0.5, 60), ("mix", 0.6, 300)]
BENCHMARKS = {"sums": 2, "gsm8k": 1}
QUESTIONS = 20


def scored_store(tmp_path) -> tuple[HandMadeStore, dict, dict]:
    """Scores of every arm on every benchmark, with what the tables' manifest says of them."""
    store, rng = HandMadeStore(tmp_path), random.Random("scores")
    arms, folders = [], []
    for recipe, accuracy, tokens in ARMS:
        for benchmark, k in BENCHMARKS.items():
            folder = store.artefact("scores", f"{recipe} {benchmark}")
            pd.DataFrame(
                [
                    {
                        "problem_id": f"p{problem}",
                        "sample_index": sample,
                        "correct": rng.random() < accuracy,
                        "truncated": False,
                        "unparsed": False,
                        "token_count": tokens + rng.randrange(10),
                    }
                    for problem in range(QUESTIONS)
                    for sample in range(k)
                ]
            ).to_parquet(folder / "scores.parquet")
            base = recipe == "base"
            description = {"student": "small", "recipe": recipe, "benchmark": benchmark, "k": k}
            description |= {"stage": "base", "seed": None} if base else {"stage": "sft", "seed": 0}
            arms.append(description)
            folders.append(folder)
    params = {"arms": arms, "gaps": {"delta_long": ["long", "short"]}}
    return store, params, {"scores": folders, "models": [store.artefact("models", "small")]}


def files_of(made: Outcome, names: tuple[str, ...]) -> dict[str, bytes]:
    return {name: (made.folder / name).read_bytes() for name in names}


def test_both_commands_run_and_give_the_same_bytes_in_another_process(tmp_path):
    made = {}
    for place, own_process in (("one", True), ("two", False)):
        store, params, parents = scored_store(tmp_path / place)
        tables = store.run("tables", params, parents, own_process=own_process)
        assert tables.status == 0, tables.text
        figures = store.run("figures", {}, {"tables": tables.folder}, own_process=own_process)
        assert figures.status == 0, figures.text
        samples = len(ARMS) * QUESTIONS * sum(BENCHMARKS.values())
        record = tables.record
        assert (record["rows_in"], record["rows_out"], record["dropped"]) == (samples, samples, {})
        assert (record["summary_rows"], record["gap_rows"]) == (8, 3)
        assert figures.record["rows_in"] == 8
        made[place] = files_of(tables, ("summary.csv", "gaps.csv", "summary.md"))
        made[place] |= files_of(figures, FIGURES)
    assert made["one"] == made["two"]
    summary = pd.read_csv(tables.folder / "summary.csv")
    assert list(summary["recipe"]) == [recipe for recipe, _, _ in ARMS for _ in BENCHMARKS]
    assert made["one"][FIGURES[0]].startswith(b"\x89PNG")
    assert b"<svg" in made["one"][FIGURES[1]]


def test_the_table_command_names_the_arm_whose_samples_are_too_few(tmp_path):
    store, params, parents = scored_store(tmp_path)
    path = parents["scores"][2] / "scores.parquet"
    pd.read_parquet(path).iloc[:-1].to_parquet(path)
    made = store.run("tables", params, parents)
    assert made.status == 1
    assert "scores of small / long / sft / seed 0 on sums: found 1 samples" in made.text
    assert "Traceback" not in made.text
    assert not made.folder.exists()


# --- the figure -----------------------------------------------------------------------------


def summary_row(recipe: str, accuracy: float, tokens: float, **changes) -> dict:
    row = {"student": "small", "recipe": recipe, "benchmark": "sums", "n": "50", "k": "1"}
    row |= {"stage": "base", "seed": ""} if recipe == "base" else {"stage": "sft", "seed": "0"}
    limits = {"ci_low": max(0.0, accuracy - 8), "ci_high": min(100.0, accuracy + 8)}
    return row | {"accuracy": accuracy, "mean_tokens": tokens} | limits | changes


def arms_at_random(count: int, seed: int) -> list[dict]:
    rng = random.Random(seed)
    names = ["base", *(f"recipe-{i}" for i in range(1, count))]
    return [summary_row(name, rng.uniform(0, 100), rng.uniform(50, 2000)) for name in names]


def labels_of(figure) -> list:
    return [text for axes in figure.axes for text in axes.texts]


def names_shown(figure) -> set[str]:
    legends = [text for legend in figure.legends for text in legend.get_texts()]
    return {text.get_text() for text in [*labels_of(figure), *legends]}


@pytest.mark.parametrize("count", [1, 3, 8, 25])
def test_every_recipe_is_named_and_no_two_labels_overlap(count):
    rows = arms_at_random(count, seed=count)
    figure = draw(rows)
    assert names_shown(figure) >= {row["recipe"] for row in rows if row["stage"] != "base"}
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in labels_of(figure)]
    for a, b in itertools.combinations(boxes, 2):
        assert not a.overlaps(b)


def test_names_stand_beside_the_points_if_they_fit_and_in_the_legend_if_not():
    few = draw([summary_row("base", 20, 100), summary_row("long", 80, 900)])
    assert {text.get_text() for text in labels_of(few)} == {"base", "long"}
    assert not few.legends
    crowd = draw([summary_row(f"recipe-{i}", 50, 100) for i in range(30)])
    assert labels_of(crowd) == []
    assert len(crowd.legends[0].get_texts()) == 30


def test_panels_and_markers_tell_benchmarks_and_students_apart():
    rows = [
        summary_row(recipe, accuracy, tokens, student=student, benchmark=benchmark)
        for student in ("small", "large")
        for benchmark in ("sums", "gsm8k", "math")
        for recipe, accuracy, tokens in (("base", 20, 100), ("long", 80, 900))
    ]
    figure = draw(rows)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == [f"{name}  (50 questions, avg@1)" for name in ("sums", "gsm8k", "math")]
    assert {"small", "large"} <= names_shown(figure)


@pytest.mark.parametrize(
    "rows",
    [
        [summary_row("base", 0.0, 0.0)],
        [summary_row("base", 0.0, 0.0), summary_row("long", 100.0, 30_000.0)],
        [summary_row("base", 50.0, 10.0), summary_row("long", 50.0, 10.0)],
    ],
)
def test_extreme_results_are_drawn_within_the_axes(tmp_path, rows):
    figure = draw(rows)
    axes = figure.axes[0]
    for row in rows:
        low, high = axes.get_xlim()
        assert low <= row["mean_tokens"] <= high
        low, high = axes.get_ylim()
        assert low <= row["accuracy"] <= high
    save_figure(figure, tmp_path, NAME)
    assert all((tmp_path / name).stat().st_size > 5000 for name in FIGURES)


def test_the_figure_reads_accuracies_in_per_cent(tmp_path):
    path = tmp_path / "summary.csv"
    path.write_text("recipe,accuracy,ci_low,ci_high,mean_tokens\nlong,0.25,0.1,0.5,120.5\n")
    [row] = read_summary(path)
    assert row["accuracy"] == 25
    assert (row["ci_low"], row["ci_high"]) == (10, 50)
    assert row["mean_tokens"] == 120.5


# --- where labels go ------------------------------------------------------------------------

PLACE = st.floats(0, 400, allow_nan=False)
SIZE = st.tuples(st.floats(5, 80), st.floats(5, 20))
BOX = st.tuples(PLACE, PLACE, st.floats(1, 60), st.floats(1, 60))
BOUNDS = (0.0, 0.0, 400.0, 400.0)
CLEARANCE = 13.0


@given(
    st.lists(st.tuples(st.tuples(PLACE, PLACE), SIZE), max_size=12),
    st.lists(BOX.map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])), max_size=8),
)
@settings(max_examples=100, deadline=None)
def test_labels_lie_inside_near_their_points_and_cover_nothing(labels, obstacles):
    points, sizes = [point for point, _ in labels], [size for _, size in labels]
    corners = place_labels(points, sizes, obstacles, BOUNDS, CLEARANCE)
    if corners is None:
        return
    assert len(corners) == len(points)
    boxes = [
        (x, y, x + width, y + height)
        for (x, y), (width, height) in zip(corners, sizes, strict=True)
    ]
    for (left, bottom, right, top), (x, y) in zip(boxes, points, strict=True):
        assert left >= 0
        assert bottom >= 0
        assert right <= 400
        assert top <= 400
        away = math.hypot(max(left - x, 0, x - right), max(bottom - y, 0, y - top))
        assert CLEARANCE * 0.99 <= away <= 1.6 * CLEARANCE * 1.5
    pairs = [*itertools.combinations(boxes, 2), *itertools.product(boxes, obstacles)]
    for a, b in pairs:
        assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


@given(st.tuples(st.floats(120, 280), st.floats(60, 340)), SIZE)
@settings(max_examples=40, deadline=None)
def test_a_lone_point_has_its_label_to_the_right(point, size):
    [corner] = place_labels([point], [size], [], BOUNDS, CLEARANCE)
    assert corner == pytest.approx((point[0] + CLEARANCE, point[1] - size[1] / 2))


def test_where_a_label_has_no_place_none_is_placed():
    points, sizes = [(200.0, 200.0), (50.0, 50.0)], [(60.0, 12.0), (500.0, 12.0)]
    assert place_labels(points[:1], sizes[:1], [], BOUNDS, CLEARANCE) is not None
    assert place_labels(points, sizes, [], BOUNDS, CLEARANCE) is None
    assert place_labels(points[:1], sizes[:1], [BOUNDS], BOUNDS, CLEARANCE) is None


def test_a_label_with_little_room_is_placed_before_one_with_much():
    # The second label fits to the left of its point alone, where the first would go by itself.
    points, sizes = [(100.0, 100.0), (190.0, 100.0)], [(40.0, 12.0)] * 2
    walls = [(178.0, 0.0, 400.0, 400.0), (120.0, 106.5, 400.0, 400.0), (120.0, 0.0, 400.0, 93.5)]
    alone = place_labels(points[:1], sizes[:1], walls, BOUNDS, CLEARANCE)
    assert alone == [(113.0, 94.0)]
    both = place_labels(points, sizes, walls, BOUNDS, CLEARANCE)
    assert both == [(47.0, 94.0), (137.0, 94.0)]
