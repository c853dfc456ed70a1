"""Problem sets and traces from files, and the two commands that write problems and corpora."""

import csv
import json
import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import Table, parquet

from cotdistil.gold_answers import gold_of, gold_text
from cotdistil.problem_set import problems_from_rows
from cotdistil.responses import split_response
from hand_made_store import HandMadeStore, Outcome
from real_data import real_data
from write_traces import CHARACTERS_TOGETHER, batched, write_parquet

FILE_PROBLEMS = {
    "kind": "file",
    "question": "question",
    "answer": "answer",
    "id": "id",
    "limit": None,
}
ARITHMETIC = {
    "kind": "arithmetic",
    "operations": [2, 4],
    "operands": [1, 20],
    "operators": "+-*",
    "parentheses": 0.2,
    "seed": 0,
    "split": "train",
    "count": 12,
}
LONG = {
    "kind": "procedure",
    "style": "long",
    "double_check": 0.5,
    "second_thought": 0.3,
    "wrong_turn": 0.2,
    "final_pass": 1.0,
    "seed": 0,
}
ROWS = [
    {"id": "007", "question": " How many apples,\nin all? ", "answer": "3 + 4 = 7\n#### 7"},
    {"id": "7", "question": 'She said "½ of x²"?', "answer": "x^2/2"},
    {"id": "007", "question": "Another question with an id that is taken", "answer": "1"},
    {"id": "9", "question": "   ", "answer": "1"},
    {"id": "10", "question": "No answer?", "answer": ""},
    {"id": "11", "question": "A solution that never ends?", "answer": "5 ####"},
    {"id": "", "question": "Whose id is missing?", "answer": "2"},
    {"id": "12", "question": "Null or None?", "answer": "None"},
]


@pytest.fixture
def store(tmp_path):
    return HandMadeStore(tmp_path)


def write_rows(path: Path, rows: list[dict]) -> Path:
    """A table in the format that the file's name says."""
    match path.suffix:
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case ".json":
            path.write_text(json.dumps(rows, indent=1))
        case ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        case ".parquet":
            parquet.write_table(Table.from_pylist(rows), path)
    return path


def make_problems(store: HandMadeStore, path: Path, **params) -> Outcome:
    params = FILE_PROBLEMS | {"format": path.suffix[1:]} | params
    return store.run("problems", params, files={"problems": path})


def read(folder: Path, name: str) -> list[dict]:
    return parquet.read_table(folder / name).to_pylist()


# --- problem sets ---------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv", "parquet"])
def test_a_file_gives_the_same_problems_in_every_format(store, tmp_path, suffix):
    made = make_problems(store, write_rows(tmp_path / f"rows.{suffix}", ROWS))
    assert made.status == 0, made.text
    assert read(made.folder, "problems.parquet") == [
        {"problem_id": "007", "question": "How many apples,\nin all?", "gold": "7"},
        {"problem_id": "7", "question": 'She said "½ of x²"?', "gold": "x^2/2"},
        {"problem_id": "12", "question": "Null or None?", "gold": "None"},
    ]
    dropped = {"duplicate id": 1, "empty question": 1, "empty gold answer": 2, "empty id": 1}
    assert made.record["dropped"] == dropped
    assert (made.record["rows_in"], made.record["rows_out"]) == (8, 3)
    listed = read(made.folder, "dropped.parquet")
    assert [(row["row"], row["reason"]) for row in listed] == [
        (2, "duplicate id"),
        (3, "empty question"),
        (4, "empty gold answer"),
        (5, "empty gold answer"),
        (6, "empty id"),
    ]


def test_numbers_are_golds_as_they_stand_in_the_file(store, tmp_path):
    rows = [{"id": i, "question": f"{i}?", "answer": gold} for i, gold in enumerate([27.0, 0.5])]
    made = make_problems(store, write_rows(tmp_path / "rows.jsonl", rows))
    assert [row["gold"] for row in read(made.folder, "problems.parquet")] == ["27.0", "0.5"]
    assert [row["problem_id"] for row in read(made.folder, "problems.parquet")] == ["0", "1"]


def test_without_an_id_column_a_problem_is_known_by_its_question(store, tmp_path):
    rows = [{"question": question, "answer": "1"} for question in ("one?", " one? ", "two?")]
    path = write_rows(tmp_path / "rows.jsonl", rows)
    made = make_problems(store, path, id=None)
    assert made.record["dropped"] == {"duplicate question": 1}
    ids = [row["problem_id"] for row in read(made.folder, "problems.parquet")]
    # The first 12 digits of `printf 'one?' | sha256sum`, and of 'two?'.
    assert ids == ["4294091930f0", "7561cce63ef3"]


def test_a_limit_takes_the_first_rows_and_may_exceed_them(store, tmp_path):
    rows = [{"id": f"p{i}", "question": f"{i}?", "answer": str(i)} for i in range(5)]
    path = write_rows(tmp_path / "rows.csv", rows)
    for limit, kept in ((2, 2), (99, 5)):
        made = make_problems(store, path, limit=limit)
        ids = [row["problem_id"] for row in read(made.folder, "problems.parquet")]
        assert ids == [f"p{i}" for i in range(kept)]


def test_a_missing_column_is_named_with_the_columns_that_there_are(store, tmp_path):
    rows = [{"problem": "1+1?", "answer": "2", "level": "1"}]
    made = make_problems(store, write_rows(tmp_path / "rows.jsonl", rows), id=None)
    assert made.status == 1
    assert "no column 'question'; found the columns 'problem', 'answer', 'level'" in made.text
    assert "Traceback" not in made.text
    assert not made.folder.exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "rows.jsonl",
            '{"id": "1", "question": "a", "answer": ""}\n{',
            "line 2: found what is not",
        ),
        ("rows.csv", "id,question,answer\n1,2,3\n4,5,6,7\n", "the row that ends on line 3 has 4"),
        ("rows.csv", "id,question,answer\n1,2,3,4\n", "has 3 columns, the row that ends on line 2"),
        ("rows.csv", "id,question,answer\n", "found no row"),
        ("rows.json", "[]", "found no row"),
        ("rows.jsonl", "", "the file is empty"),
        ("rows.parquet", "not parquet", "could not be read as parquet"),
        ("rows.xlsx", "PK", "found the format 'xlsx'; expected one of jsonl, json, csv, parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_fault(store, tmp_path, name, content, said):
    path = tmp_path / name
    path.write_text(content)
    made = make_problems(store, path)
    assert made.status == 1
    assert f"{path}: " in made.text
    assert said in made.text
    assert "Traceback" not in made.text


def test_a_file_without_one_usable_row_is_an_error_that_counts_the_reasons(store, tmp_path):
    rows = [{"id": str(i), "question": "q?", "answer": ""} for i in range(3)]
    made = make_problems(store, write_rows(tmp_path / "rows.jsonl", rows))
    assert made.status == 1
    assert "no problem is left of 3 rows (dropped: {'empty gold answer': 3})" in made.text


@pytest.mark.parametrize(
    ("cell", "gold"),
    [
        ("Natalia sold 48/2 = 24.\n#### 72", "72"),
        ("#### 1 #### 1,234 ", "1,234"),
        (" \\frac{1}{2} ", "\\frac{1}{2}"),
        (["$x=5$"], "$x=5$"),
        (27.0, "27.0"),
        (0, "0"),
        (None, ""),
        (math.nan, ""),
        ("####", ""),
        (["1", "2"], 'any of: ["1", "2"]'),
        ([27.0, "#### 3"], 'any of: ["27.0", "3"]'),
        (["1", None], ""),
        ([], ""),
        (["1", ["2"]], None),
        (r"So it is \boxed{3}, no, $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
        (r"It is \boxed{", ""),
        ({"value": 1}, None),
    ],
)
def test_a_gold_answer_is_found_in_a_solution_and_a_list_holds_alternatives(cell, gold):
    assert gold_text(cell) == gold
    if gold:
        assert isinstance(gold_of(gold), list) == gold.startswith("any of")


def test_a_question_that_is_no_text_is_dropped_and_not_spelled_out():
    cells = [[{"role": "user"}], {"text": "1+1?"}, b"1+1?", math.nan, None, 7, 0]
    result = problems_from_rows([{"q": cell, "a": "1"} for cell in cells], "q", "a", None)
    assert [problem["question"] for problem in result.problems] == ["7", "0"]
    assert Counter(row["reason"] for row in result.dropped) == {
        "question is neither text nor a number": 3,
        "empty question": 2,
    }


CELL = st.sampled_from(["", " ", "a", "b ", "#### 3", None, 4, 0, ["5"], ["6", "7"]])


@given(st.lists(st.fixed_dictionaries({"q": CELL, "a": CELL, "id": CELL})), st.booleans())
@settings(max_examples=80, deadline=None)
def test_each_row_becomes_a_problem_or_is_listed_as_dropped(rows, with_ids):
    result = problems_from_rows(rows, "q", "a", "id" if with_ids else None)
    assert result.rows_in == len(rows) == len(result.problems) + len(result.dropped)
    ids = [problem["problem_id"] for problem in result.problems]
    assert len(set(ids)) == len(ids)
    assert all(all(problem.values()) for problem in result.problems)
    assert all(row["reason"] for row in result.dropped)


def test_all_of_gsm8ks_test_set_is_kept(store):
    made = make_problems(store, real_data("problems/gsm8k_test.jsonl"), id=None)
    assert made.record["rows_in"] == made.record["rows_out"] == 1319
    golds = [row["gold"] for row in read(made.folder, "problems.parquet")]
    assert all(gold.replace(",", "").lstrip("-").isdigit() for gold in golds)


# --- corpora --------------------------------------------------------------------------------


def hand_made_problems(store: HandMadeStore, questions: dict[str, str]) -> Path:
    folder = store.artefact("problems", "by hand")
    rows = [
        {"problem_id": f"p{i}", "question": question, "gold": gold}
        for i, (question, gold) in enumerate(questions.items())
    ]
    parquet.write_table(Table.from_pylist(rows), folder / "problems.parquet")
    return folder


def test_problems_and_their_procedural_corpus_are_made_by_the_commands_themselves(store):
    problems = store.run("problems", ARITHMETIC, own_process=True)
    assert problems.status == 0, problems.text
    assert (problems.record["rows_in"], problems.record["rows_out"]) == (12, 12)
    parents = {"problems": problems.folder}
    corpus = store.run("corpora", LONG, parents, own_process=True)
    assert corpus.status == 0, corpus.text
    record = corpus.record
    assert (record["rows_in"], record["rows_out"], record["dropped"]) == (12, 12, {})
    assert (record["correct"], record["undecided"], record["without_answer"]) == (12, 0, 0)
    assert (record["problems"], record["problems_without_trace"]) == (12, 0)
    traces = read(corpus.folder, "traces.parquet")
    assert record["characters"] == sum(len(trace["response"]) for trace in traces)
    for problem, trace in zip(read(problems.folder, "problems.parquet"), traces, strict=True):
        assert trace["problem_id"] == problem["problem_id"]
        assert trace["extracted"] == problem["gold"] == str(trace["gold"])
        parts = split_response(trace["response"])
        assert parts.think == "closed"
        assert len(trace["step_kinds"]) == len(parts.thinking.split("\n\n"))
        assert (trace["finish_reason"], trace["complete"], trace["original"]) == (
            "stop",
            True,
            None,
        )
    assert record["finish_reasons"] == {"stop": 12}


def test_the_same_seed_gives_the_same_corpus_and_a_larger_set_begins_with_it(tmp_path):
    def corpus(label: str, count: int, seed: int) -> list[dict]:
        store = HandMadeStore(tmp_path / label)
        problems = store.run("problems", ARITHMETIC | {"count": count})
        made = store.run("corpora", LONG | {"seed": seed}, {"problems": problems.folder})
        return read(made.folder, "traces.parquet")

    traces = corpus("first", 12, 0)
    assert corpus("again", 12, 0) == traces
    assert corpus("larger", 15, 0)[:12] == traces
    assert corpus("other seed", 12, 1) != traces


def test_a_short_corpus_has_no_thinking(store):
    problems = store.run("problems", ARITHMETIC)
    short = {"kind": "procedure", "style": "short", "seed": 0}
    made = store.run("corpora", short, {"problems": problems.folder})
    traces = read(made.folder, "traces.parquet")
    assert made.record["correct"] == len(traces) == 12
    assert all(split_response(trace["response"]).think == "none" for trace in traces)


def test_a_procedure_is_not_given_other_questions(store):
    problems = hand_made_problems(store, {"How many apples?": "7"})
    made = store.run("corpora", LONG, {"problems": problems})
    assert made.status == 1
    assert "not an arithmetic question" in made.text
    assert "give this teacher problems of kind arithmetic" in made.text


def test_a_corpus_is_written_in_row_groups_that_are_bounded_in_rows_and_characters(tmp_path):
    row = {"problem_id": "p", "question": "q", "gold": "1", "sample_index": 0, "response": "r"}
    row |= {"original": None, "finish_reason": "stop", "complete": None, "extracted": None}
    traces = [row | {"correct": None, "n_chars": i} for i in range(1000)]
    traces += [row | {"original": "so", "extracted": "1", "correct": True, "n_chars": 1000}]
    long = "r" * (CHARACTERS_TOGETHER // 2)
    traces += [row | {"response": long, "correct": None, "n_chars": 1001 + i} for i in range(3)]
    sizes = [len(batch) for batch in write_parquet(batched(traces), tmp_path / "traces.parquet")]
    assert sizes == [1000, 3, 1]
    written = read(tmp_path, "traces.parquet")
    assert [trace["n_chars"] for trace in written] == list(range(1004))
    assert Counter(trace["original"] for trace in written) == {None: 1003, "so": 1}
    groups = parquet.ParquetFile(tmp_path / "traces.parquet").metadata
    assert groups.num_row_groups == 3
    assert groups.row_group(0).column(4).compression == "ZSTD"
