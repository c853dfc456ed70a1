"""The tables and the figure of what became of the data, from corpora to training sets."""

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
from cotdistil.ledger import cost_of, length_statistics
from cotdistil.trace_length_figure import NAME, Lengths, bin_edges, draw
from hand_made_store import HandMadeStore, Outcome

FILES = {
    *("ledger.csv", "corpora.csv", "corpora.md", "contamination.csv"),
    *("trace_lengths.png", "trace_lengths.svg", "record.json", ".record.json"),
}
PRICE = {"prompt": 0.5, "completion": 2.0}
GENERATION = {"requests": 9, "prompt_tokens": 600_000, "completion_tokens": 3_000_000}
GENERATION |= {"seconds": 12.5}
VERDICTS = [True, True, False, None, True, False]


def corpus_of(store: HandMadeStore, name: str, rows: int = 6, **changes):
    """A corpus of `rows` traces, two to a problem, and its token counts; the folders of both."""
    ids = {
        "problem_id": pa.array([f"p{i // 2}" for i in range(rows)], pa.string()),
        "sample_index": pa.array([i % 2 for i in range(rows)], pa.int64()),
    }
    verdicts = [VERDICTS[i % 6] for i in range(rows)]
    corpus = store.artefact("corpora", name)
    traces = {**ids, "response": ["a text"] * rows, "correct": pa.array(verdicts, pa.bool_())}
    pq.write_table(pa.table(traces), corpus / "traces.parquet")
    record = {
        "rows_in": rows + 3, "rows_out": rows, "dropped": {"no answer": 2, "empty response": 1},
        "correct": verdicts.count(True), "undecided": verdicts.count(None), "without_answer": 1,
        "problems": 4, "finish_reasons": {"stop": max(rows - 1, 0), "length": 1},
    }  # fmt: skip
    (corpus / "record.json").write_text(json.dumps(record | changes))
    tokens = store.artefact("token_counts", name)
    counts = {f"{part}_tokens": list(range(10, 10 + rows)) for part in ("prompt", "answer")}
    counts["thinking_tokens"] = [0] * rows
    counts["response_tokens"] = [10 * (i + 1) for i in range(rows)]
    counts = {part: pa.array(numbers, pa.int64()) for part, numbers in counts.items()}
    pq.write_table(pa.table({**ids, **counts}), tokens / "tokens.parquet")
    return corpus, tokens


def screening_of(store: HandMadeStore, rows: list[dict], stage="screening", **changes):
    folder = store.artefact(stage, "gsm8k")
    names = ["problem_id", "question", "reason", "matched_problem_id", "matched_question"]
    schema = pa.schema([(name, pa.string()) for name in (*names, "matched_in", "matched")])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "removed.parquet")
    reasons = [row["reason"] for row in rows]
    dropped = {reason: reasons.count(reason) for reason in reasons}
    record = {"rows_in": 4 + len(rows), "rows_out": 4, "dropped": dropped}
    (folder / "record.json").write_text(json.dumps(record | changes))
    return folder


def training_set_of(store: HandMadeStore, name: str, **changes):
    folder = store.artefact("training_sets", name)
    record = {"rows_in": 6, "rows_out": 2, "dropped": {"not correct": 3, "over size": 1}}
    (folder / "record.json").write_text(json.dumps(record | changes))
    return folder


def tabulate(
    store: HandMadeStore,
    corpora: dict,
    screening=None,
    training_sets: dict | None = None,
    prices: dict | None = None,
    held_out=None,
    **keywords,
) -> Outcome:
    """corpora: name -> folders. training_sets: (name, student) -> folder."""
    params = {
        "corpora": [
            {"name": name, "teacher": f"{name}'s", "problems": "gsm8k"}
            | {"price": (prices or {}).get(name)}
            for name in corpora
        ],
        "training_sets": [{"name": n, "student": s} for n, s in training_sets or {}],
        "screening": [{"problems": "gsm8k", "benchmarks": {"0abc": "math500"}}]
        if screening
        else [],
        "held_out": [{"benchmark": "math", "training": {"1def": "gsm8k"}}] if held_out else [],
    }
    parents = {
        "corpora": [corpus for corpus, _ in corpora.values()],
        "tokens": [tokens for _, tokens in corpora.values()],
        "screening": [screening] if screening else [],
        "held_out": [held_out] if held_out else [],
        "training_sets": list((training_sets or {}).values()),
    }
    return store.run("ledger", params, parents, **keywords)


def table(made: Outcome, name: str) -> list[dict]:
    assert made.status == 0, made.text
    with (made.folder / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


REMOVED = [
    {
        "problem_id": "p9", "question": "How many, \"in all\"?\nSay.", "reason": "near duplicate",
        "matched_problem_id": "p1", "matched_question": "How many in all?", "matched_in": "",
        "matched": "0.93",
    },
    {
        "problem_id": "p8", "question": "What is 2+2?", "reason": "exact match with a benchmark",
        "matched_problem_id": "m3", "matched_question": "what is 2 + 2?", "matched_in": "0abc",
        "matched": "",
    },
]  # fmt: skip


def test_every_row_of_every_artefact_is_in_the_ledger(tmp_path):
    store = HandMadeStore(tmp_path)
    training_sets = [("long", None), ("cut", "small")]
    made = tabulate(
        store,
        {"r1": corpus_of(store, "r1")},
        screening_of(store, REMOVED),
        {(name, student): training_set_of(store, name) for name, student in training_sets},
    )
    with (made.folder / "ledger.csv").open(encoding="utf-8") as file:
        assert file.read().splitlines() == [
            "stage,name,student,reason,rows",
            "corpus,r1,,rows in,9",
            "corpus,r1,,no answer,2",
            "corpus,r1,,empty response,1",
            "corpus,r1,,rows out,6",
            "screening,gsm8k,,rows in,6",
            "screening,gsm8k,,near duplicate,1",
            "screening,gsm8k,,exact match with a benchmark,1",
            "screening,gsm8k,,rows out,4",
            *(
                f"training set,{name},{student},{reason}"
                for name, student in (("long", ""), ("cut", "small"))
                for reason in ("rows in,6", "not correct,3", "over size,1", "rows out,2")
            ),
        ]
    assert {file.name for file in made.folder.iterdir()} == FILES
    record = made.record
    assert (record["rows_in"], record["rows_out"], record["dropped"]) == (6, 6, {})
    assert (record["ledger_rows"], record["corpora"], record["contaminated_problems"]) == (16, 1, 2)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("corpora", "corpus 'r1' (corpora/"),
        ("screening", "screening 'gsm8k' (screening/"),
        ("training_sets", "training set 'long' (training_sets/"),
    ],
)
def test_a_row_that_is_not_accounted_for_is_an_error_that_names_the_artefact(
    tmp_path, wrong, named
):
    def rows_in(role: str) -> dict:
        return {"rows_in": 100} if role == wrong else {}

    store = HandMadeStore(tmp_path)
    made = tabulate(
        store,
        {"r1": corpus_of(store, "r1", **rows_in("corpora"))},
        screening_of(store, REMOVED, **rows_in("screening")),
        {("long", None): training_set_of(store, "long", **rows_in("training_sets"))},
    )
    assert made.status == 1
    assert named in made.text
    assert "found 100 rows in" in made.text
    assert "expected every row to be accounted for" in made.text
    assert "Traceback" not in made.text
    assert not made.folder.exists()


def test_a_corpus_has_its_verdicts_lengths_finish_reasons_and_cost_in_one_row(tmp_path):
    store = HandMadeStore(tmp_path)
    corpora = {
        "asked": corpus_of(store, "asked", generation=GENERATION),
        "read": corpus_of(store, "read", rows=40, generation=None),
        "free": corpus_of(store, "free", generation=GENERATION),
    }
    made = tabulate(store, corpora, prices={"asked": PRICE, "read": PRICE})
    asked, read, free = table(made, "corpora.csv")
    lengths = {"mean": "35.000000", "median": "30", "p95": "60", "max": "60"}
    assert asked == {
        "corpus": "asked", "teacher": "asked's", "problem_set": "gsm8k", "problems": "4",
        "traces": "6", "correct": "3", "undecided": "1", "without_answer": "1",
        # p0 and p2 have a correct trace, p1 has none, one more problem has no trace.
        "problems_solved": "0.500000",
        **{f"{part}_tokens_{k}": v for part in ("prompt", "answer") for k, v in
           {"mean": "12.500000", "median": "12", "p95": "15", "max": "15"}.items()},
        **{f"thinking_tokens_{k}": v for k, v in
           {"mean": "0.000000", "median": "0", "p95": "0", "max": "0"}.items()},
        **{f"response_tokens_{k}": v for k, v in lengths.items()},
        "finish_reasons": "stop: 5; length: 1", "requests": "9",
        "teacher_prompt_tokens": "600000", "teacher_completion_tokens": "3000000",
        "seconds": "12.500000", "cost": "6.300000",
    }  # fmt: skip
    # 38 of 40 traces are 95 %.
    assert (read["response_tokens_median"], read["response_tokens_p95"]) == ("200", "380")
    assert (read["requests"], read["seconds"], read["cost"]) == ("", "", "")
    assert (free["requests"], free["cost"]) == ("9", "")
    text = (made.folder / "corpora.md").read_text(encoding="utf-8")
    assert "| asked | asked's | 4 | 50.0 | 6 | 50.0 | 1 | 1 | 30 | 60 | 60 | 0 |" in text
    assert "stop: 5; length: 1 | 6.30 |" in text


def test_what_screening_removed_stands_beside_what_it_matched(tmp_path):
    store = HandMadeStore(tmp_path)
    made = tabulate(store, {"r1": corpus_of(store, "r1")}, screening_of(store, REMOVED))
    rows = table(made, "contamination.csv")
    assert list(rows[0]) == [
        *("removed_from", "problem_id", "question", "reason", "matched_in"),
        *("matched_problem_id", "matched_question", "matched"),
    ]
    for row, removed, matched in zip(rows, REMOVED, ("", "math500"), strict=True):
        assert row == removed | {"removed_from": "gsm8k", "matched_in": matched}


@pytest.mark.parametrize(
    "question", ["one\rtwo", "one\r\ntwo", '"', ",", "=1+1", " ", "\u2028", ""]
)
def test_a_question_stands_in_one_cell_whatever_is_in_it(tmp_path, question):
    store = HandMadeStore(tmp_path)
    screening = screening_of(store, [REMOVED[0] | {"question": question}])
    made = tabulate(store, {"r1": corpus_of(store, "r1")}, screening)
    assert [row["question"] for row in table(made, "contamination.csv")] == [question]
    assert table(made, "contamination.csv")[0]["matched"] == "0.93"


def test_what_a_benchmark_was_left_without_stands_in_the_same_table_and_in_the_ledger(tmp_path):
    store = HandMadeStore(tmp_path)
    match = REMOVED[1] | {"reason": "exact match with a training problem", "matched_in": "1def"}
    made = tabulate(
        store, {"r1": corpus_of(store, "r1")}, held_out=screening_of(store, [match], "held_out")
    )
    [row] = table(made, "contamination.csv")
    assert (row["removed_from"], row["matched_in"]) == ("math", "gsm8k")
    counts = {
        row["reason"]: row["rows"]
        for row in table(made, "ledger.csv")
        if (row["stage"], row["name"]) == ("benchmark", "math")
    }
    assert counts == {"rows in": "5", match["reason"]: "1", "rows out": "4"}


@pytest.mark.parametrize("screened", [True, False])
def test_the_table_of_contamination_has_its_header_where_nothing_was_removed(tmp_path, screened):
    store = HandMadeStore(tmp_path)
    made = tabulate(
        store, {"r1": corpus_of(store, "r1")}, screening_of(store, []) if screened else None
    )
    assert made.status == 0, made.text
    assert (made.folder / "contamination.csv").read_text() == (
        "removed_from,problem_id,question,reason,matched_in,matched_problem_id,matched_question,"
        "matched\n"
    )
    assert made.record["contaminated_problems"] == 0


def test_a_match_with_an_unknown_problem_set_and_a_lost_match_are_errors(tmp_path):
    store = HandMadeStore(tmp_path / "unknown")
    strange = [REMOVED[1] | {"matched_in": "beef"}]
    made = tabulate(store, {"r1": corpus_of(store, "r1")}, screening_of(store, strange))
    assert made.status == 1
    assert "removed.parquet: found problem p8 of 'gsm8k' matched in 'beef'" in made.text
    assert (
        "expected one of ['0abc']; make it again: clean_store.py --remake screening/" in made.text
    )
    store = HandMadeStore(tmp_path / "lost")
    lost = {"rows_in": 7, "dropped": {"duplicate": 3}}
    made = tabulate(store, {"r1": corpus_of(store, "r1")}, screening_of(store, REMOVED, **lost))
    assert made.status == 1
    assert "removed.parquet: found 2 rows; expected 3, as its record counts" in made.text


def test_a_record_that_lacks_a_count_is_named(tmp_path):
    store = HandMadeStore(tmp_path)
    made = tabulate(store, {"r1": corpus_of(store, "r1", undecided=None)})
    assert made.status == 1
    assert "record.json: found null in undecided; expected" in made.text
    assert "make it again: clean_store.py --remake corpora/" in made.text


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"generation": "abc"}, "record.json: found 'abc' in generation; expected"),
        ({"generation": {"prompt_tokens": "x"}}, "found 'x' in generation.prompt_tokens; expected"),
        ({"problems": -4}, "record.json: found -4 in problems; expected"),
        ({"rows_in": 1003, "rows_out": 1000}, "found 6 rows; expected 1000, as its record counts"),
    ],
)
def test_a_record_that_cannot_be_is_named(tmp_path, changes, found):
    store = HandMadeStore(tmp_path)
    made = tabulate(store, {"r1": corpus_of(store, "r1", **changes)})
    assert made.status == 1
    assert found in made.text


def test_a_record_of_bottomless_lists_is_named(tmp_path):
    store = HandMadeStore(tmp_path)
    corpus, tokens = corpus_of(store, "r1")
    (corpus / "record.json").write_text("[" * 100_000)
    made = tabulate(store, {"r1": (corpus, tokens)})
    assert made.status == 1
    assert "record.json: found " in made.text
    assert "expected a file that can be read" in made.text


@pytest.mark.parametrize(
    ("file", "column", "values", "found"),
    [
        ("traces.parquet", "correct", ["yes"] * 6, "found string in correct; expected bool"),
        ("tokens.parquet", "response_tokens", ["1"] * 6, "found string in response_tokens"),
        ("tokens.parquet", "answer_tokens", [1, None, 1, 1, 1, 1], "found 1 nulls in answer_tok"),
    ],
)
def test_a_column_that_is_not_as_its_stage_writes_it_is_named(
    tmp_path, file, column, values, found
):
    store = HandMadeStore(tmp_path)
    corpus, tokens = corpus_of(store, "r1")
    path = (corpus if file.startswith("traces") else tokens) / file
    whole = pq.read_table(path)
    pq.write_table(whole.set_column(whole.column_names.index(column), column, [values]), path)
    made = tabulate(store, {"r1": (corpus, tokens)})
    assert made.status == 1
    assert f"{file}: {found}" in made.text


def test_token_counts_of_other_traces_are_refused(tmp_path):
    store = HandMadeStore(tmp_path)
    corpus, _ = corpus_of(store, "r1")
    _, tokens = corpus_of(store, "other", rows=5)
    made = tabulate(store, {"r1": (corpus, tokens)})
    assert made.status == 1
    assert "corpus 'r1'" in made.text
    assert "has 5 rows that are not those of the 6 traces" in made.text


@pytest.mark.parametrize("rows", [1, 0])
def test_a_corpus_of_one_trace_or_of_none_has_its_row_and_its_panel(tmp_path, rows):
    store = HandMadeStore(tmp_path)
    made = tabulate(store, {"r1": corpus_of(store, "r1", rows=rows)})
    (row,) = table(made, "corpora.csv")
    assert row["response_tokens_p95"] == ("10" if rows else "")
    assert row["traces"] == str(rows)
    assert "r1" in (made.folder / "corpora.md").read_text()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=80))
def test_median_and_p95_are_counts_that_half_and_95_percent_do_not_exceed(tokens):
    found = length_statistics(np.array(tokens))
    for name, share in (("median", 0.5), ("p95", 0.95)):
        limit = found[name]
        assert limit in tokens
        assert sum(t <= limit for t in tokens) >= share * len(tokens) - 1e-9
        assert sum(t < limit for t in tokens) < share * len(tokens)
    assert (found["mean"], found["max"]) == (pytest.approx(np.mean(tokens)), max(tokens))


def test_the_cost_is_known_only_where_price_and_tokens_are():
    assert cost_of(GENERATION, PRICE) == pytest.approx(0.6 * 0.5 + 3 * 2.0)
    assert cost_of(GENERATION, {"prompt": 0, "completion": 0}) == 0
    assert cost_of(GENERATION, None) is None
    assert cost_of({}, PRICE) is None
    assert cost_of(GENERATION | {"prompt_tokens": None}, PRICE) is None


# --- the figure -----------------------------------------------------------------------------


def lengths_of(name: str, count: int, median: int, seed: int = 0) -> Lengths:
    rng = np.random.default_rng(seed)
    tokens = rng.lognormal(np.log(median), 0.6, count).astype(int)
    correct = rng.random(count) < 0.7
    return Lengths(name, tokens, correct, ~correct)


@given(st.lists(st.lists(st.integers(0, 200_000), max_size=20), min_size=1, max_size=4))
def test_every_trace_is_in_one_bin(corpora):
    verdicts = np.zeros(0, bool)
    edges = bin_edges([Lengths("c", np.array(t, int), verdicts, verdicts) for t in corpora])
    assert (np.diff(edges) > 0).all()
    assert edges[-1] >= 2 * edges[0]
    for tokens in corpora:
        counted = np.histogram(np.maximum(tokens, 1), edges)[0].sum() if tokens else 0
        assert counted == len(tokens)


def test_the_figure_says_median_p95_and_longest_of_every_corpus(tmp_path):
    corpora = [lengths_of(f"corpus-{i}", 300, 40 * 4**i, seed=i) for i in range(6)]
    figure = draw(corpora)
    assert len(figure.axes) == 6
    for axes, corpus in zip(figure.axes, corpora, strict=True):
        assert axes.get_title("left").startswith(f"{corpus.corpus}  (300 traces, ")
        found = length_statistics(corpus.tokens)
        assert axes.get_title("right") == (
            f"median {found['median']:,}   p95 {found['p95']:,}   max {found['max']:,}"
        )
        assert [line.get_xdata()[0] for line in axes.lines] == [
            found[name] for name in ("median", "p95", "max")
        ]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["correct", "wrong", "median", "p95", "longest"]


def test_what_could_not_be_decided_is_told_apart(tmp_path):
    verdicts = np.array([True, False, False]), np.array([False, True, False])
    figure = draw([Lengths("c", np.array([10, 20, 30]), *verdicts)])
    assert "undecided" in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("letter", ["x", "W"])
def test_names_and_numbers_of_a_panel_do_not_overlap(letter):
    figure = draw([lengths_of("a-name-of-80-characters-" + letter * 56, 200_000, 9_000)])
    figure.canvas.draw()
    (axes,) = figure.axes
    left, right = axes._left_title, axes._right_title
    assert left.get_window_extent().x1 + 20 < right.get_window_extent().x0
    assert "…" in left.get_text()


def test_the_same_corpora_give_the_same_bytes_in_another_process(tmp_path):
    made = {}
    for place, own_process in (("one", True), ("two", False)):
        store = HandMadeStore(tmp_path / place)
        corpora = {name: corpus_of(store, name) for name in ("r1", "qwq")}
        done = tabulate(store, corpora, screening_of(store, REMOVED), own_process=own_process)
        assert done.status == 0, done.text
        names = sorted(FILES - {"record.json", ".record.json"})
        made[place] = {name: (done.folder / name).read_bytes() for name in names}
    assert made["one"] == made["two"]
    assert made["one"]["trace_lengths.png"].startswith(b"\x89PNG")
    assert b"<svg" in made["one"]["trace_lengths.svg"]


def test_a_figure_of_many_corpora_can_be_saved(tmp_path):
    rng = random.Random(0)
    figure = draw([lengths_of(f"c{i}", 30, rng.randint(5, 900)) for i in range(15)])
    save_figure(figure, tmp_path, NAME)
    assert (tmp_path / "trace_lengths.png").stat().st_size > 10_000
