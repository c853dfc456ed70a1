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
from hand_made_store import HandMadeStore, Outcome
from write_traces import batched, write_parquet

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

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
FILE_TRACES = {
    "kind": "file",
    "question": "question",
    "response": "response",
    "fallback": [],
    "format": "jsonl",
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
        ("rows.jsonl", '{"id": "1", "question": "a"\n{', "could not be read as jsonl"),
        ("rows.csv", "id,question,answer\n1,2,3\n4,5,6,7\n", "could not be read as csv"),
        ("rows.csv", "id,question,answer\n1,2,3,4\n", "has 3 columns, the first row 4"),
        ("rows.csv", "id,question,answer\n", "could not be read as csv"),
        ("rows.json", "[]", "could not be read as json"),
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
    path = DATA / "problems" / "gsm8k_test.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is absent: the data beside the checkout")
    made = make_problems(store, path, id=None)
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
        expected = f"<think>\n{trace['thinking']}\n</think>\n\n{trace['answer']}"
        assert trace["response"] == expected
        assert len(trace["step_kinds"]) == len(trace["thinking"].split("\n\n"))
        assert trace["finish_reason"] == "stop"


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
    assert all(trace["thinking"] is None for trace in traces)
    assert all(trace["response"] == trace["answer"] for trace in traces)


def test_a_procedure_is_not_given_other_questions(store):
    problems = hand_made_problems(store, {"How many apples?": "7"})
    made = store.run("corpora", LONG, {"problems": problems})
    assert made.status == 1
    assert "not an arithmetic question" in made.text
    assert "give this teacher problems of kind arithmetic" in made.text


def test_traces_of_a_file_are_matched_to_problems_and_the_others_counted(store, tmp_path):
    questions = {"How many apples?": "7", "What is ½ of 8?": "4", "Never asked?": "1"}
    problems = hand_made_problems(store, questions)
    rows = [
        ("how MANY  apples?\n", "<think>\n3 + 4\n</think>\n\n\\boxed{7}"),
        ("How many apples?", "Thinking without an opening tag\n</think>\nSo \\boxed{8}."),
        ("What is 1⁄2 of 8?", "\\boxed{4}"),
        ("How many apples?", "<think>\nWait, \\boxed{7}"),
        ("How many pears?", "\\boxed{7}"),
        ("", "\\boxed{7}"),
        ("How many apples?", "  "),
    ]
    path = write_rows(tmp_path / "traces.jsonl", [{"question": q, "response": r} for q, r in rows])
    made = store.run("corpora", FILE_TRACES, {"problems": problems}, {"traces": path})
    assert made.status == 0, made.text
    record = made.record
    assert record["dropped"] == {"question not in the problem set": 2, "empty response": 1}
    assert (record["rows_in"], record["rows_out"]) == (7, 4)
    assert (record["correct"], record["without_answer"]) == (2, 1)
    assert (record["problems"], record["problems_without_trace"]) == (3, 1)
    traces = read(made.folder, "traces.parquet")
    columns = ("problem_id", "sample_index", "thinking", "extracted", "correct")
    assert [tuple(trace[column] for column in columns) for trace in traces] == [
        ("p0", 0, "3 + 4", "7", True),
        ("p0", 1, "Thinking without an opening tag", "8", False),
        ("p1", 0, None, "4", True),
        ("p0", 2, "Wait, \\boxed{7}", None, False),
    ]
    # The problem set's own words, and the canonical form whatever tags the teacher left out.
    assert traces[0]["question"] == "How many apples?"
    assert traces[1]["response"] == (
        "<think>\nThinking without an opening tag\n</think>\n\nSo \\boxed{8}."
    )
    assert {trace["finish_reason"] for trace in traces} == {"unknown"}


def test_answers_without_a_box_count_only_where_a_fallback_is_asked_for(store, tmp_path):
    problems = hand_made_problems(store, {"How many apples?": "7"})
    rows = [{"question": "How many apples?", "response": "The final answer is 7."}]
    path = write_rows(tmp_path / "traces.jsonl", rows)
    parents, files = {"problems": problems}, {"traces": path}
    strict = store.run("corpora", FILE_TRACES, parents, files).record
    assert (strict["without_answer"], strict["correct"]) == (1, 0)
    fallback = FILE_TRACES | {"fallback": ["final_answer"]}
    lenient = store.run("corpora", fallback, parents, files).record
    assert (lenient["without_answer"], lenient["correct"]) == (0, 1)


def test_a_trace_file_for_other_problems_is_an_error(store, tmp_path):
    problems = hand_made_problems(store, {"How many apples?": "7"})
    rows = [{"question": "How many pears?", "response": "\\boxed{7}"}]
    path = write_rows(tmp_path / "traces.jsonl", rows)
    made = store.run("corpora", FILE_TRACES, {"problems": problems}, {"traces": path})
    assert made.status == 1
    assert "none of the 1 traces is for one of the 1 problems" in made.text
    params = FILE_TRACES | {"response": "solution"}
    made = store.run("corpora", params, {"problems": problems}, {"traces": path})
    assert "no column 'solution'; found the columns 'question', 'response'" in made.text


def test_real_traces_of_reasoning_models_are_split_at_their_closing_tag(store, tmp_path):
    path = DATA / "traces" / "mip_gsm8k_responses.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is absent: the data beside the checkout")
    with path.open() as file:
        rows = [row for row in map(json.loads, file) if row["teacher"] == "QwQ-32B"][:40]
    problems = hand_made_problems(store, {row["question"]: row["answer"] for row in rows})
    columns = ("question", "response")
    kept = [{column: row[column] for column in columns} for row in rows]
    traces_file = write_rows(tmp_path / "traces.jsonl", kept)
    made = store.run("corpora", FILE_TRACES, {"problems": problems}, {"traces": traces_file})
    assert made.status == 0, made.text
    traces = read(made.folder, "traces.parquet")
    assert len(traces) == 40
    assert made.record["problems_without_trace"] == 0
    closed = ["</think>" in row["response"] for row in rows]
    assert any(closed)
    for trace, is_closed in zip(traces, closed, strict=True):
        assert (trace["thinking"] is not None) == is_closed
        assert trace["response"].startswith("<think>\n") == is_closed
    assert made.record["correct"] >= 30


def test_a_corpus_is_written_in_batches_even_if_the_first_has_no_thinking(tmp_path):
    row = {"problem_id": "p", "question": "q", "gold": "1", "sample_index": 0, "response": "r"}
    row |= {"answer": "r", "finish_reason": "stop", "extracted": None, "correct": None}
    traces = [row | {"thinking": None, "n_chars": i} for i in range(1000)]
    traces += [row | {"thinking": "so", "extracted": "1", "correct": True, "n_chars": 1000}]
    sizes = [len(batch) for batch in write_parquet(batched(traces), tmp_path / "traces.parquet")]
    assert sizes == [1000, 1]
    written = read(tmp_path, "traces.parquet")
    assert [trace["n_chars"] for trace in written] == list(range(1001))
    assert Counter(trace["thinking"] for trace in written) == {None: 1000, "so": 1}
