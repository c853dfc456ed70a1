"""The tables and the figure of pruning: what is left of the traces, and what that cost."""

import csv
import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotdistil.figure_files import save_figure
from cotdistil.pruning.figure import Pruned, draw, rows_of, steps_left, tokens_left
from cotdistil.pruning.tables import PRUNING_COLUMNS, REASON_COLUMNS
from cotdistil.pruning.totals import PLACES, Totals, places_kept, read_totals
from cotdistil.statistics import mean_interval
from hand_made_pruning import SCHEMA, TRACES, trace, write_pruned
from hand_made_store import HandMadeStore, Outcome

FILES = {
    *("pruning.csv", "pruning.md", "pruning_reasons.csv", "pruning.png", "pruning.svg"),
    *("record.json", ".record.json"),
}


def pruned_of(store: HandMadeStore, label: str, traces: list[dict], **keywords):
    """The folder of a pruned training set of these traces; `keywords` as for `write_pruned`."""
    folder = store.artefact("pruned", label)
    write_pruned(folder, traces, **keywords)
    return folder


def tabulate(store: HandMadeStore, pruned: dict, **keywords) -> Outcome:
    """pruned: (recipe, student, cutter) -> folder."""
    names = ("recipe", "student", "cutter")
    params = {"pruned": [dict(zip(names, each, strict=True)) for each in pruned]}
    return store.run("pruning_tables", params, {"pruned": list(pruned.values())}, **keywords)


def table(made: Outcome, name: str) -> list[dict]:
    assert made.status == 0, made.text
    with (made.folder / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_pruned_set_has_its_steps_tokens_calls_and_costs_in_one_row(tmp_path):
    store = HandMadeStore(tmp_path)
    made = tabulate(store, {("pruned", "small", "binary"): pruned_of(store, "one", TRACES)})
    [row] = table(made, "pruning.csv")
    assert list(row) == PRUNING_COLUMNS
    halved, last_ten = mean_interval([1, 0, 0, 0, 0], 1), mean_interval([1, 1, 0, 0], 1)
    assert row == {
        "recipe": "pruned", "student": "small", "cutter": "binary",
        "traces_in": "8", "traces_out": "5",
        # Of the kept: 40 + 20 + 30 + 1 + 0 steps, and 10 + 10 + 30 + 1 + 0 after.
        "steps_before": "91", "steps_after": "51",
        "mean_steps_before": "18.200000", "mean_steps_after": "10.200000",
        "tokens_before": "2290", "tokens_after": "1290",
        "mean_tokens_before": "458.000000", "mean_tokens_after": "258.000000",
        "share_of_tokens_left": f"{1290 / 2290:.6f}",
        # Exactly half of the tokens gone is not more than half.
        "share_pruned_by_half": "0.200000",
        "pruned_by_half_ci_low": f"{halved.low:.6f}",
        "pruned_by_half_ci_high": f"{halved.high:.6f}",
        # First given in step 8 of 40, 11 of 20, 21 of 30 and 3 of 25; that of one step is out.
        "answered_in_over_ten_steps": "4", "answer_before_last_ten": "2", "answer_in_last_ten": "2",
        "share_answer_in_last_ten": "0.500000",
        "answer_in_last_ten_ci_low": f"{last_ten.low:.6f}",
        "answer_in_last_ten_ci_high": f"{last_ten.high:.6f}",
        "calls": "26", "mean_calls": "3.250000", "max_calls": "6",
        "answers": "52", "answers_of_other_jobs": "13", "engine_calls": "7",
        "prompt_tokens": "41600",
        "share_of_prompt_cached": "0.750000", "completion_tokens": "416",
        "seconds": "12.400000", "seconds_per_trace": "1.550000", "gpus": "1",
        "preference_pairs": "2",
    }  # fmt: skip
    assert {file.name for file in made.folder.iterdir()} == FILES
    record = made.record
    assert (record["rows_in"], record["rows_out"], record["dropped"]) == (8, 8, {})
    assert record["pruned_training_sets"] == 1


def test_every_trace_is_counted_under_the_reason_why_its_search_ended(tmp_path):
    store = HandMadeStore(tmp_path)
    kept_invalid = trace(12, [[0, 12]], "full trace not validated", (400, 400), calls=5)
    pruned = {
        ("drop", "small", "binary"): pruned_of(store, "drop", TRACES),
        ("keep", "small", "binary"): pruned_of(store, "keep", [*TRACES[:1], kept_invalid]),
    }
    made = tabulate(store, pruned)
    rows = table(made, "pruning_reasons.csv")
    assert list(rows[0]) == REASON_COLUMNS
    assert [(row["recipe"], row["reason"], row["traces"], row["kept"]) for row in rows] == [
        ("drop", "cut", "2", "2"),
        ("drop", "full trace not validated", "2", "0"),
        ("drop", "no step gives the answer", "1", "0"),
        ("drop", "no thinking", "1", "1"),
        ("drop", "too few steps", "1", "1"),
        ("drop", "whole", "1", "1"),
        ("keep", "cut", "1", "1"),
        ("keep", "full trace not validated", "1", "1"),
    ]
    for name, row in zip(("drop", "keep"), table(made, "pruning.csv"), strict=True):
        mine = [each for each in rows if each["recipe"] == name]
        assert sum(int(each["traces"]) for each in mine) == int(row["traces_in"])
        assert sum(int(each["kept"]) for each in mine) == int(row["traces_out"])


def test_the_markdown_says_both_tables_in_words(tmp_path):
    store = HandMadeStore(tmp_path)
    made = tabulate(store, {("pruned", "small", "binary"): pruned_of(store, "one", TRACES)})
    assert made.status == 0, made.text
    text = (made.folder / "pruning.md").read_text(encoding="utf-8")
    assert "| pruned | small | binary | 8 | 5 | 18.2 → 10.2 | 458 → 258 | 56.3 | 20.0 [" in text
    assert "| 3.2 | 41,600 | 75.0 | 25.0 | 7 | 12 | 50.0 [" in text
    assert "| pruned | small | binary | full trace not validated | 2 | 0 |" in text


def test_a_cache_of_which_nothing_is_known_leaves_its_cell_empty(tmp_path):
    store = HandMadeStore(tmp_path)
    pruned = {
        ("unknown", "s", "binary"): pruned_of(store, "unknown", TRACES, cached_tokens=None),
        ("unused", "s", "binary"): pruned_of(store, "unused", TRACES, cached_tokens=0),
        ("unasked", "s", "full"): pruned_of(
            store, "unasked", TRACES, prompt_tokens=0, cached_tokens=0
        ),
    }
    rows = table(tabulate(store, pruned), "pruning.csv")
    assert [row["share_of_prompt_cached"] for row in rows] == ["", "0.000000", ""]


@pytest.mark.parametrize("traces", [[], TRACES[5:]])
def test_a_set_of_which_nothing_is_left_has_its_row_and_no_shares(tmp_path, traces):
    store = HandMadeStore(tmp_path)
    pruned = {
        ("none", "small", "binary"): pruned_of(store, "none", traces),
        ("some", "small", "binary"): pruned_of(store, "some", TRACES),
    }
    made = tabulate(store, pruned)
    row = table(made, "pruning.csv")[0]
    assert (row["traces_in"], row["traces_out"]) == (str(len(traces)), "0")
    for column in ("mean_tokens_after", "share_of_tokens_left", "share_pruned_by_half"):
        assert row[column] == ""
    assert row["seconds_per_trace"] == (f"{12.4 / 3:.6f}" if traces else "")
    assert "| none | small | binary |" in (made.folder / "pruning.md").read_text()
    assert (made.folder / "pruning.png").stat().st_size > 10_000


def test_a_record_that_counts_other_traces_is_an_error_that_names_the_training_set(tmp_path):
    store = HandMadeStore(tmp_path)
    folder = pruned_of(store, "one", TRACES, rows_out=4)
    made = tabulate(store, {("pruned", "small", "binary"): folder})
    assert made.status == 1
    assert "found rows_out 4 in the record of small · pruned; expected rows_out 5" in made.text
    assert f"clean_store.py --remake pruned/{folder.name}" in made.text
    assert not made.folder.exists()


def test_traces_without_the_columns_are_an_error_that_names_them(tmp_path):
    store = HandMadeStore(tmp_path)
    folder = pruned_of(store, "one", TRACES)
    old = pq.read_table(folder / "traces.parquet").drop_columns(["calls", "kept_spans"])
    pq.write_table(old, folder / "traces.parquet")
    made = tabulate(store, {("pruned", "small", "binary"): folder})
    assert made.status == 1
    assert "has no column kept_spans, calls" in made.text


def test_the_totals_do_not_depend_on_how_the_traces_are_stored(tmp_path):
    store = HandMadeStore(tmp_path)
    traces = random.Random(0).choices(TRACES, k=300)
    found = []
    for label, size in (("one group", 8192), ("many", 7)):
        folder = pruned_of(store, label, traces, row_group_size=size)
        record = json.loads((folder / "record.json").read_text())
        found.append(vars(read_totals(folder, record, label)))
    for name, value in found[0].items():
        np.testing.assert_equal(value, found[1][name])


def test_the_same_sets_give_the_same_bytes_in_another_process(tmp_path):
    made = {}
    for place, own_process in (("one", True), ("two", False)):
        store = HandMadeStore(tmp_path / place)
        pruned = {
            (recipe, "small", "binary"): pruned_of(store, recipe, TRACES) for recipe in ("a", "b")
        }
        done = tabulate(store, pruned, own_process=own_process)
        assert done.status == 0, done.text
        names = sorted(FILES - {"record.json", ".record.json"})
        made[place] = {name: (done.folder / name).read_bytes() for name in names}
    assert made["one"] == made["two"]
    assert made["one"]["pruning.png"].startswith(b"\x89PNG")
    assert b"<svg" in made["one"]["pruning.svg"]


# --- the figure -----------------------------------------------------------------------------


def totals_of(tmp_path, traces: list[dict], label: str = "one") -> Totals:
    folder = pruned_of(HandMadeStore(tmp_path), label, traces)
    return read_totals(folder, json.loads((folder / "record.json").read_text()), label)


@st.composite
def steps_and_spans(draw_from):
    steps = draw_from(st.integers(1, 500))
    cuts = draw_from(st.lists(st.integers(0, steps), max_size=6, unique=True))
    edges = sorted(cuts)[: len(cuts) // 2 * 2]
    return steps, [[start, end] for start, end in zip(edges[::2], edges[1::2], strict=True)]


@given(st.lists(steps_and_spans(), max_size=5))
def test_a_place_is_kept_where_its_step_is(traces):
    steps = np.array([each for each, _ in traces], np.int64)
    spans = pa.array([each for _, each in traces], SCHEMA.field("kept_spans").type)
    expected = np.zeros(PLACES, int)
    for n, kept in traces:
        of_place = [(2 * i + 1) * n // (2 * PLACES) for i in range(PLACES)]
        expected += [any(start <= step < end for start, end in kept) for step in of_place]
    assert places_kept(steps, spans).tolist() == expected.tolist()


def test_the_figure_crosses_a_half_at_the_share_that_the_table_has(tmp_path):
    x, y = tokens_left(totals_of(tmp_path, TRACES))
    assert y[x == 50] == 20  # 250 of 500 tokens are not less than half
    assert y[x == 100] == 40  # the response that is as long as it was is not shorter
    assert y[-1] == 100
    assert (np.diff(y) >= 0).all()


def test_a_response_that_became_longer_is_in_the_figure(tmp_path):
    longer = [trace(3, [[0, 3]], "whole", (100, after)) for after in (130, 900)]
    x, y = tokens_left(totals_of(tmp_path, [*TRACES, *longer]))
    assert x[-1] == pytest.approx(200.25)
    assert y[-1] == 100


def test_the_place_of_the_cut_is_over_kept_traces_that_have_steps(tmp_path):
    x, y = steps_left(totals_of(tmp_path, TRACES))
    assert y[0] == 100
    # At 40 % of the steps: of the first two traces it is cut away; at 90 % the second has it again.
    assert y[np.searchsorted(x, 40)] == 50
    assert y[np.searchsorted(x, 90)] == 75


def test_every_set_is_named_with_its_kept_and_all_traces(tmp_path):
    sets = [Pruned(f"recipe-{i}", "small", totals_of(tmp_path, TRACES)) for i in range(8)]
    figure = draw(sets)
    [part] = figure.subfigs
    labels = [text.get_text() for text in part.legends[0].get_texts()]
    assert labels == [f"recipe-{i}  (n = 5 of 8)" for i in range(8)]
    left, right = part.axes
    assert len(right.lines) == 8
    looks = {(line.get_color(), line.get_linestyle()) for line in right.lines}
    assert len(looks) == 8
    for line, key in zip(left.lines, part.legends[0].get_lines(), strict=False):
        assert line.get_color() == key.get_color()
    assert figure.get_suptitle() == "What pruning leaves · small"


def test_several_recipes_of_several_students_are_drawn_student_by_student():
    def rows(names: list[tuple]) -> tuple[list, str]:
        found, subject = rows_of([Pruned(*name, Totals()) for name in names])
        return [(row.student, [line for line, _ in row.lines]) for row in found], subject

    assert rows([("a", "s"), ("b", "s")]) == ([("", ["a", "b"])], " · s")
    assert rows([("a", "s"), ("a", "t")]) == ([("", ["s", "t"])], " · a")
    crossed = [("a", "s"), ("a", "t"), ("b", "s"), ("b", "t")]
    assert rows(crossed) == ([("s", ["a", "b"]), ("t", ["a", "b"])], "")


@pytest.mark.parametrize("letter", ["x", "W"])
def test_long_names_stay_within_the_figure(tmp_path, letter):
    name, totals = letter * 80, totals_of(tmp_path, TRACES)
    figure = draw(
        [Pruned(recipe + name, student + name, totals) for recipe in "ab" for student in "st"]
    )
    figure.canvas.draw()
    texts = [figure._suptitle, *(axes._left_title for axes in figure.axes)]
    texts += [text for part in figure.subfigs for text in part.legends[0].get_texts()]
    for box in (text.get_window_extent() for text in texts):
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width


def test_a_figure_of_many_sets_and_of_none_that_is_left_can_be_saved(tmp_path):
    totals = totals_of(tmp_path, TRACES)
    many = [Pruned(f"r{i}", f"s{j}", totals) for i in range(12) for j in range(2)]
    save_figure(draw(many), tmp_path, "many")
    save_figure(draw([Pruned("r", "s", Totals())]), tmp_path, "empty")
    assert (tmp_path / "many.png").stat().st_size > (tmp_path / "empty.png").stat().st_size
