"""Traces that exist already are matched to problems, told apart, and counted to the last one."""

import json
from pathlib import Path

import pytest
from pyarrow import Table, parquet

from cotdistil.responses import split_response
from hand_made_store import HandMadeStore, Outcome
from real_data import real_rows

PARAMS = {
    "kind": "file",
    "question": "question",
    "response": "response",
    "thinking": None,
    "correct": None,
    "complete": None,
    "finish_reason": None,
    "where": {},
    "fallback": [],
}
OPENR1 = {
    "question": "problem",
    "response": "generations",
    "correct": "correctness_math_verify",
    "complete": "is_reasoning_complete",
    "finish_reason": "finish_reasons",
}
APPLES, HALF, NEVER = "How many apples?", "What is ½ of 8?", "Never asked?"
GOLDS = {APPLES: "7", HALF: "4", NEVER: "1"}


@pytest.fixture
def store(tmp_path):
    return HandMadeStore(tmp_path)


def problem_set(store: HandMadeStore, golds: dict[str, str]) -> Path:
    folder = store.artefact("problems", "by hand")
    rows = [
        {"problem_id": f"p{i}", "question": question, "gold": gold}
        for i, (question, gold) in enumerate(golds.items())
    ]
    parquet.write_table(Table.from_pylist(rows), folder / "problems.parquet")
    return folder


def corpus(
    store: HandMadeStore, rows: list[dict], file_format="jsonl", golds=GOLDS, **params
) -> Outcome:
    """The corpus that the command writes of a file with these rows."""
    path = store.root.parent / f"traces.{file_format}"
    if file_format == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif file_format == "csv":
        cells = Table.from_pylist(rows).to_pandas()
        cells.to_csv(path, index=False)
    else:
        parquet.write_table(Table.from_pylist(rows), path)
    parents = {"problems": problem_set(store, golds)}
    given = PARAMS | {"format": file_format} | params
    return store.run("corpora", given, parents, {"traces": path})


def traces(made: Outcome) -> list[dict]:
    assert made.status == 0, made.text
    record = made.record
    rows = parquet.read_table(made.folder / "traces.parquet").to_pylist()
    assert record["rows_out"] == len(rows) == record["rows_in"] - sum(record["dropped"].values())
    assert sum(record["finish_reasons"].values()) == len(rows)
    return rows


def fields(rows: list[dict], *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in rows]


def test_traces_are_matched_to_problems_and_the_others_counted(store):
    rows = [
        ("how MANY  apples?\n", "<think>\n3 + 4\n</think>\n\n\\boxed{7}"),
        (APPLES, "Thinking without an opening tag\n</think>\nSo \\boxed{8}."),
        ("What is 1⁄2 of 8?", "\\boxed{4}<|im_end|>"),
        (APPLES, "<think>\nWait, \\boxed{7}"),
        ("How many pears?", "\\boxed{7}"),
        ("", "\\boxed{7}"),
        (None, "\\boxed{7}"),
        (APPLES, "  "),
        (APPLES, None),
        (APPLES, "</s>"),
    ]
    made = corpus(store, [{"question": q, "response": r} for q, r in rows])
    found = traces(made)
    record = made.record
    assert record["dropped"] == {"question not in the problem set": 3, "empty response": 3}
    assert (record["rows_in"], record["rows_out"]) == (10, 4)
    assert (record["correct"], record["without_answer"]) == (2, 1)
    assert (record["problems"], record["problems_without_trace"]) == (3, 1)
    assert record["finish_reasons"] == {"unknown": 4}
    assert fields(found, "problem_id", "sample_index", "extracted", "correct", "complete") == [
        ("p0", 0, "7", True, None),
        ("p0", 1, "8", False, None),
        ("p1", 0, "4", True, None),
        ("p0", 2, None, False, False),
    ]
    # The problem set's own words; the canonical form, and beside it what the teacher wrote.
    assert [row["question"] for row in found] == [APPLES, APPLES, HALF, APPLES]
    assert fields(found, "response", "original") == [
        ("<think>\n3 + 4\n</think>\n\n\\boxed{7}", None),
        ("<think>\nThinking without an opening tag\n</think>\n\nSo \\boxed{8}.", rows[1][1]),
        ("\\boxed{4}", rows[2][1]),
        ("<think>\nWait, \\boxed{7}", None),
    ]
    assert [row["n_chars"] for row in found] == [len(row["response"]) for row in found]


def test_problems_that_differ_in_case_or_a_raised_digit_get_their_own_traces(store):
    golds = {"Find $X$.": "1", "Find $x$.": "2", "Is it 2²?": "4", "Is it 22?": "22"}
    asked = ["find $x$.", *reversed(golds), "Is it 2^2?", "Is it 2₂?"]
    rows = [{"question": question, "response": "\\boxed{1}"} for question in asked]
    made = corpus(store, rows, golds=golds)
    ids = [row["problem_id"] for row in traces(made)]
    assert ids == ["p0", "p3", "p2", "p1", "p0", "p2"]
    assert made.record["dropped"] == {"question not in the problem set": 1}


def test_of_two_problems_with_one_question_the_first_has_the_traces(store):
    folder = problem_set(store, {})
    problems = [{"problem_id": i, "question": APPLES, "gold": "7"} for i in ("a", "b")]
    parquet.write_table(Table.from_pylist(problems), folder / "problems.parquet")
    path = store.root.parent / "traces.jsonl"
    path.write_text(json.dumps({"question": APPLES, "response": "7"}) + "\n")
    params = PARAMS | {"format": "jsonl"}
    made = store.run("corpora", params, {"problems": folder}, {"traces": path})
    assert [row["problem_id"] for row in traces(made)] == ["a"]
    assert made.record["problems_without_trace"] == 1


def test_a_response_cut_by_a_token_limit_is_not_complete_where_only_its_reason_says_so(store):
    flags = [("length", None), ("stop", None), ("length", True), ("content_filter", None)]
    rows = [
        {"question": APPLES, "response": "7", "why": reason, "whole": whole}
        for reason, whole in flags
    ]
    made = corpus(store, rows, finish_reason="why", complete="whole")
    assert [row["complete"] for row in traces(made)] == [False, True, True, None]


OPENR1_ROWS = [
    {
        "problem": APPLES,
        "source": "olympiads",
        "generations": ["<think>\na\n</think>\n\n\\boxed{7}", "<think>\nb", "<think>c</think> 8"],
        "correctness_math_verify": [False, None, True],
        "is_reasoning_complete": [True, False, None],
        "finish_reasons": ["stop", "length", None],
    },
    {
        "problem": HALF,
        "source": "aops",
        "generations": ["\\boxed{4}", None, ""],
        "correctness_math_verify": None,
        "is_reasoning_complete": None,
        "finish_reasons": None,
    },
    {"problem": HALF, "source": "aops", "generations": []},
    {"problem": HALF, "source": "aops", "generations": None},
    {"problem": "Pears?", "source": "aops", "generations": ["1", "2"]},
]


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_a_row_may_hold_a_list_of_responses_with_a_verdict_for_each(store, file_format):
    made = corpus(store, OPENR1_ROWS, file_format, **OPENR1)
    found = traces(made)
    # The source's verdict where it has one, though the grader would say otherwise.
    names = ("problem_id", "sample_index", "extracted", "correct", "complete", "finish_reason")
    assert fields(found, *names) == [
        ("p0", 0, "7", False, True, "stop"),
        ("p0", 1, None, False, False, "length"),
        ("p0", 2, None, True, None, "unknown"),
        ("p1", 0, "4", True, None, "unknown"),
    ]
    dropped = {"empty response": 4, "question not in the problem set": 2}
    assert (made.record["rows_in"], made.record["dropped"]) == (10, dropped)
    assert made.record["finish_reasons"] == {"stop": 1, "length": 1, "unknown": 2}


def test_only_rows_with_the_wanted_values_are_read_and_the_others_counted(store):
    rows = [
        {"question": APPLES, "response": "1", "source": "a", "level": 2, "good": True},
        {"question": APPLES, "response": "2", "source": "b", "level": 2, "good": True},
        {"question": APPLES, "response": "3", "source": "c", "level": 2, "good": True},
        {"question": APPLES, "response": "4", "source": "a", "level": 3, "good": True},
        {"question": APPLES, "response": "5", "source": "a", "level": 2, "good": False},
        {"question": APPLES, "response": None, "source": "c", "level": 2, "good": True},
        {"question": APPLES, "response": "6", "source": "a", "level": None, "good": True},
    ]
    where = {"source": ["a", "b"], "level": 2, "good": True}
    for file_format in ("jsonl", "parquet", "csv"):
        given = rows if file_format != "csv" else rows[:5]
        made = corpus(store, given, file_format, where=where)
        assert [row["response"] for row in traces(made)] == ["1", "2"]
    assert made.record["dropped"] == {
        "another value of source": 1,
        "another value of level": 1,
        "another value of good": 1,
    }
    made = corpus(store, rows, where=where)
    assert made.record["dropped"]["another value of source"] == 2
    assert made.record["dropped"]["another value of level"] == 2
    assert made.record["rows_in"] == 7


def test_a_row_of_several_responses_with_another_value_counts_each(store):
    made = corpus(store, OPENR1_ROWS, where={"source": "olympiads"}, **OPENR1)
    assert len(traces(made)) == 3
    assert made.record["dropped"] == {"another value of source": 7}


def test_thinking_may_stand_in_a_column_of_its_own(store):
    rows = [
        {"question": APPLES, "response": "\\boxed{7}\n", "reasoning": " 3 + 4 "},
        {"question": APPLES, "response": "\\boxed{7}", "reasoning": None},
        {"question": APPLES, "response": "\\boxed{7}</s>", "reasoning": "<think>3 + 4</think>"},
        {"question": APPLES, "response": None, "reasoning": "Wait,"},
        {"question": APPLES, "response": None, "reasoning": None},
    ]
    made = corpus(store, rows, thinking="reasoning")
    whole = "<think>\n3 + 4\n</think>\n\n\\boxed{7}"
    assert fields(traces(made), "response", "original", "complete") == [
        (whole, "<think>\n 3 + 4 \n</think>\n\n\\boxed{7}\n", None),
        ("\\boxed{7}", None, None),
        (whole, "<think>\n<think>3 + 4</think>\n</think>\n\n\\boxed{7}</s>", None),
        ("<think>\nWait,", None, False),
    ]
    assert made.record["dropped"] == {"empty response": 1}
    lists = [{"question": APPLES, "response": ["\\boxed{7}", "8"], "reasoning": ["a", None]}]
    found = traces(corpus(store, lists, thinking="reasoning"))
    assert [row["response"] for row in found] == ["<think>\na\n</think>\n\n\\boxed{7}", "8"]


def test_verdicts_may_be_numbers_or_words_and_where_there_is_none_the_grader_decides(store):
    flags = [True, False, None]
    rows = [{"question": APPLES, "response": "\\boxed{7}", "ok": flag} for flag in flags]
    for file_format in ("jsonl", "csv", "parquet"):
        found = traces(corpus(store, rows, file_format, correct="ok", complete="ok"))
        assert fields(found, "correct", "complete") == [(True, True), (False, False), (True, None)]
    numbers = [row | {"ok": value} for row, value in zip(rows, (1, 0.0, "TRUE"), strict=True)]
    assert [row["correct"] for row in traces(corpus(store, numbers, correct="ok"))] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"response": ["1", "2"], "ok": [True]},
            "found a list of 1 in column 'ok' and a list of 2 in column 'response'",
        ),
        ({"response": ["1", "2"], "ok": True}, "found one value in column 'ok' and a list of 2"),
        ({"response": "1", "ok": [True]}, "found a list of 1 in column 'ok' and one value in"),
        ({"response": "1", "ok": "maybe"}, "found 'maybe' in column 'ok'; expected true, false or"),
        (
            {"response": [{"role": "user", "content": "1"}], "ok": None},
            "in column 'response'; expected text or a list of texts",
        ),
    ],
)
def test_a_cell_of_another_kind_is_an_error_that_names_the_row(store, row, said):
    rows = [{"question": APPLES, "response": "1", "ok": None}, {"question": APPLES} | row]
    made = corpus(store, rows, correct="ok")
    assert made.status == 1
    assert "row 2 of the traces: found" in made.text
    assert said in made.text
    assert "Traceback" not in made.text


def test_bytes_are_not_spelled_out_as_a_response(store):
    made = corpus(store, [{"question": APPLES, "response": b"7"}], "parquet")
    assert made.status == 1
    assert "row 1 of the traces: found \"b'7'\" in column 'response'; expected text" in made.text


def test_answers_without_a_box_count_only_where_a_fallback_is_asked_for(store):
    rows = [{"question": APPLES, "response": "The final answer is 7."}]
    strict = corpus(store, rows).record
    assert (strict["without_answer"], strict["correct"]) == (1, 0)
    lenient = corpus(store, rows, fallback=["final_answer"]).record
    assert (lenient["without_answer"], lenient["correct"]) == (0, 1)


def test_a_trace_file_for_other_problems_or_without_the_column_is_an_error(store):
    rows = [{"question": "How many pears?", "response": "\\boxed{7}"}]
    made = corpus(store, rows)
    assert made.status == 1
    assert "none of the 1 traces is for one of the 3 problems" in made.text
    made = corpus(store, rows, response="solution")
    assert "no column 'solution'; found the columns 'question', 'response'" in made.text
    made = corpus(store, rows, where={"source": "a"})
    assert "no column 'source'" in made.text


@pytest.mark.parametrize("teacher", ["QwQ-32B", "DeepSeek-R1", "s1.1-32B"])
def test_real_traces_of_reasoning_models_have_thinking_and_answer(store, teacher):
    all_rows = real_rows("traces/mip_gsm8k_responses.jsonl")
    rows = [row for row in all_rows if row["teacher"] == teacher][:60]
    golds = {row["question"]: row["answer"] for row in rows}
    kept = [{name: row[name] for name in ("question", "response", "teacher")} for row in rows]
    given = {"where": {"teacher": teacher}, "fallback": ["last_number"]}
    found = traces(corpus(store, kept, golds=golds, **given))
    assert len(found) == 60
    for trace, row in zip(found, kept, strict=True):
        parts = split_response(trace["response"])
        assert parts.think == "closed"
        assert parts.thinking.strip()
        assert parts.answer.strip()
        assert trace["original"] == row["response"]
    assert sum(trace["correct"] is True for trace in found) >= 48
