"""Other opinions on verdicts: who is asked about what, and what the tables make of it."""

import csv
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chat_server import ChatServer
from cotdistil.errors import UserError
from cotdistil.grading.second_opinions.judgements import Judgement, append_judgements
from cotdistil.grading.second_opinions.math_verify_client import PYTHON_VARIABLE, math_verify_python
from hand_made_store import HandMadeStore, Outcome

# gold, extracted, correct, tier, truncated: two samples of each of four problems
SCORES = [
    ("12", "12", True, "exact", False),
    ("12", "13", False, "numeric", False),
    (r"\frac{1}{2}", "0.5", False, "symbolic", False),  # the rule is wrong
    (r"\frac{1}{2}", "0.6", True, "symbolic", False),  # the rule is wrong
    ("x+1", None, False, "none", False),
    ("x+1", "1+x", False, "none", True),  # cut by the token limit: not graded
    ("7", "seven, I think", False, "exact", False),
    ("7", "8", False, "numeric", False),
]
SETTINGS = {"base_url_env": "JUDGE_URL", "api_key_env": "JUDGE_KEY", "concurrency": 4}
JUDGE = {"model": "judge", "max_tokens": 20}
ARM = {
    "student": "tiny",
    "recipe": "long",
    "stage": "sft",
    "seed": 0,
    "benchmark": "sums",
    "k": 2,
}


@pytest.fixture
def store(tmp_path):
    return HandMadeStore(tmp_path)


@pytest.fixture
def math_verify(monkeypatch):
    try:
        monkeypatch.setenv(PYTHON_VARIABLE, str(math_verify_python()))
    except UserError as error:
        pytest.skip(f"math-verify is not set up: {error}")


def scores(store: HandMadeStore, rows=SCORES) -> Path:
    folder = store.artefact("scores", "scores")
    names = ("gold", "extracted", "correct", "tier", "truncated")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    columns["problem_id"] = [f"p{number // 2}" for number in range(len(rows))]
    columns["sample_index"] = pa.array([number % 2 for number in range(len(rows))], pa.int32())
    columns["extracted"] = pa.array(columns["extracted"], pa.string())
    pq.write_table(pa.table(columns), folder / "scores.parquet")
    return folder


def problems(store: HandMadeStore) -> Path:
    folder = store.artefact("problems", "problems")
    table = {
        "problem_id": [f"p{number}" for number in range(4)],
        "question": [f"Question {number}?" for number in range(4)],
        "gold": ["12", r"\frac{1}{2}", "x+1", "7"],
    }
    pq.write_table(pa.table(table), folder / "problems.parquet")
    return folder


def opinions(store: HandMadeStore, verdicts) -> Path:
    """An opinions.parquet for SCORES: (problem, sample) -> verdict."""
    folder = store.artefact("second_opinions", "opinions")
    table = {
        "problem_id": [problem for problem, _ in verdicts],
        "sample_index": pa.array([sample for _, sample in verdicts], pa.int32()),
        "math_verify": pa.array(list(verdicts.values()), pa.bool_()),
        "error": pa.array([None] * len(verdicts), pa.string()),
    }
    pq.write_table(pa.table(table), folder / "opinions.parquet")
    return folder


def judgements(store: HandMadeStore, verdicts) -> Path:
    """A judgements.parquet: (problem, sample) -> (verdict, reply)."""
    folder = store.artefact("judgements", "judgements")
    table = {
        "problem_id": pa.array([problem for problem, _ in verdicts], pa.string()),
        "sample_index": pa.array([sample for _, sample in verdicts], pa.int32()),
        "judge": pa.array([verdict for verdict, _ in verdicts.values()], pa.bool_()),
        "judge_reply": pa.array([reply for _, reply in verdicts.values()], pa.string()),
    }
    pq.write_table(pa.table(table), folder / "judgements.parquet")
    return folder


def table(outcome: Outcome, name: str) -> list[dict]:
    assert outcome.status == 0, outcome.text
    return pq.read_table(outcome.folder / name).to_pylist()


def csv_rows(outcome: Outcome, name: str) -> list[dict]:
    assert outcome.status == 0, outcome.text
    with (outcome.folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def judge(store: HandMadeStore, server: ChatServer, monkeypatch) -> Outcome:
    monkeypatch.setenv("JUDGE_URL", server.url)
    parents = {"scores": scores(store), "problems": problems(store)}
    return store.run("judgements", JUDGE, parents, settings=SETTINGS)


# --- math-verify ----------------------------------------------------------------------------------


def test_math_verify_is_asked_about_every_graded_answer(store, math_verify):
    outcome = store.run("second_opinions", {"timeout_seconds": 5.0}, {"scores": scores(store)})
    rows = table(outcome, "opinions.parquet")
    asked = [(row["problem_id"], row["sample_index"]) for row in rows]
    assert asked == [("p0", 0), ("p0", 1), ("p1", 0), ("p1", 1), ("p3", 0), ("p3", 1)]
    assert [row["math_verify"] for row in rows] == [True, False, True, False, False, False]
    record = outcome.record
    assert (record["rows_in"], record["rows_out"]) == (8, 6)
    assert record["dropped"] == {"cut by the token limit": 1, "no answer found": 1}
    assert record["math_verify"] == "0.9.0"


def test_without_math_verify_the_command_says_what_to_run(store, monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, "/nowhere/python")
    outcome = store.run("second_opinions", {"timeout_seconds": 5.0}, {"scores": scores(store)})
    assert outcome.status == 1
    assert "run 'make math-verify'" in outcome.text
    assert not outcome.folder.exists()


# --- the judge ------------------------------------------------------------------------------------


def test_the_judge_is_asked_about_what_the_rule_calls_wrong_with_the_question(store, monkeypatch):
    with ChatServer(lambda prompt: "True" if "seven" in prompt else "False") as server:
        outcome = judge(store, server, monkeypatch)
    rows = table(outcome, "judgements.parquet")
    asked = [(row["problem_id"], row["sample_index"]) for row in rows]
    assert asked == [("p0", 1), ("p1", 0), ("p3", 0), ("p3", 1)]
    assert [row["judge"] for row in rows] == [False, False, True, False]
    assert [row["judge_reply"] for row in rows] == ["False", "False", "True", "False"]
    by_problem = {
        "13": "Question 0?",
        "0.5": "Question 1?",
        "seven": "Question 3?",
        "8": "Question 3?",
    }
    for answer, question in by_problem.items():
        assert any(answer in each.prompt and question in each.prompt for each in server.received)
    assert len(server.received) == 4
    assert {received.body["max_tokens"] for received in server.received} == {20}
    record = outcome.record
    assert (record["rows_in"], record["rows_out"]) == (8, 4)
    assert record["dropped"] == {
        "cut by the token limit": 1,
        "no answer found": 1,
        "right by the rule": 2,
    }


def test_a_killed_job_asks_only_what_is_missing(store, monkeypatch):
    monkeypatch.delenv("JUDGE_URL", raising=False)
    parents = {"scores": scores(store), "problems": problems(store)}
    stopped = store.run("judgements", JUDGE, parents, settings=SETTINGS)
    assert stopped.status == 1
    done = store.root / "work" / stopped.folder.name / "judgements.jsonl"
    with done.open("ab") as file:
        append_judgements(file, [Judgement("0 of p3", True, "True", None, 30, 1)])
    with ChatServer(lambda prompt: "False") as server:
        outcome = judge(store, server, monkeypatch)
    assert [row["judge"] for row in table(outcome, "judgements.parquet")] == [
        *(False, False, True, False)
    ]
    assert len(server.received) == 3


def test_a_judge_is_not_needed_where_nothing_is_wrong(store, monkeypatch):
    monkeypatch.delenv("JUDGE_URL", raising=False)
    parents = {"scores": scores(store, SCORES[:1]), "problems": problems(store)}
    outcome = store.run("judgements", JUDGE, parents, settings=SETTINGS)
    assert table(outcome, "judgements.parquet") == []


def test_without_an_endpoint_the_command_names_the_variable(store, monkeypatch):
    monkeypatch.delenv("JUDGE_URL", raising=False)
    parents = {"scores": scores(store), "problems": problems(store)}
    outcome = store.run("judgements", JUDGE, parents, settings=SETTINGS)
    assert outcome.status == 1
    assert "the environment variable JUDGE_URL is not set" in outcome.text


# --- what the score command writes ---------------------------------------------------------------


def test_the_audit_reads_what_the_score_command_wrote(store, math_verify, monkeypatch):
    samples = store.artefact("samples", "samples")
    responses = [r"\boxed{12}", r"\boxed{\text{see above}}", "no answer", r"\boxed{13}"]
    table = {
        "problem_id": ["p0", "p0", "p1", "p1"],
        "gold": ["12"] * 4,
        "sample_index": pa.array([0, 1, 0, 1], pa.int32()),
        "response": responses,
        "token_count": pa.array([3] * 4, pa.int32()),
        "finish_reason": ["stop", "stop", "stop", "length"],
    }
    pq.write_table(pa.table(table), samples / "samples.parquet")
    grading = {"relative_tolerance": None, "algebra": True, "fallback": []}
    grading |= {"timeout_seconds": 5.0, "score_truncated": False}
    scored = store.run("scores", grading, {"samples": samples})
    opinion = store.run("second_opinions", {"timeout_seconds": 5.0}, {"scores": scored.folder})
    parents = {"scores": scored.folder, "problems": problems(store)}
    with ChatServer(lambda prompt: "True") as server:
        monkeypatch.setenv("JUDGE_URL", server.url)
        judged = store.run("judgements", JUDGE, parents, settings=SETTINGS)
    parents = {
        "scores": [scored.folder],
        "second_opinions": [opinion.folder],
        "judgements": [judged.folder],
    }
    outcome = store.run("audit_tables", {"arms": [ARM]}, parents)
    (row,) = csv_rows(outcome, "audit.csv")
    assert (row["math_verify_asked"], row["judge_asked"], row["only_judge"]) == ("2", "1", "1")
    assert float(row["accuracy_rule_or_judge"]) == 0.5


# --- the tables -----------------------------------------------------------------------------------

OPINIONS = {
    ("p0", 0): True,
    ("p0", 1): False,
    ("p1", 0): True,
    ("p1", 1): False,
    ("p3", 0): None,
    ("p3", 1): False,
}
JUDGED = {
    ("p0", 1): (False, "False"),
    ("p1", 0): (None, "Hm."),
    ("p3", 0): (True, "True"),
    ("p3", 1): (None, None),
}


def test_the_audit_counts_disagreements_each_way_and_gives_every_accuracy(store):
    parents = {
        "scores": [scores(store)],
        "second_opinions": [opinions(store, OPINIONS)],
        "judgements": [judgements(store, JUDGED)],
    }
    outcome = store.run("audit_tables", {"arms": [ARM]}, parents)
    (row,) = csv_rows(outcome, "audit.csv")
    assert (row["student"], row["seed"], row["n"], row["k"]) == ("tiny", "0", "4", "2")
    accuracies = ("accuracy_rule", "accuracy_math_verify", "accuracy_rule_or_judge")
    assert [float(row[name]) for name in accuracies] == [2 / 8, 2 / 8, 3 / 8]
    for name in ("rule", "math_verify", "rule_or_judge"):
        low, value = float(row[f"{name}_ci_low"]), float(row[f"accuracy_{name}"])
        assert low < value < float(row[f"{name}_ci_high"])
    counts = {
        "math_verify_asked": "6",
        "only_rule": "1",
        "only_math_verify": "1",
        "math_verify_failed": "1",
        "judge_asked": "4",
        "only_judge": "1",
        "judge_unreadable": "1",
        "judge_failed": "1",
    }
    assert {name: row[name] for name in counts} == counts
    differing = csv_rows(outcome, "disagreements.csv")
    found = [(each["problem_id"], each["sample_index"]) for each in differing]
    assert found == [("p1", "0"), ("p1", "1"), ("p3", "0")]
    assert differing[0] == {
        **{name: str(ARM[name]) for name in ("student", "recipe", "stage", "seed", "benchmark")},
        "problem_id": "p1",
        "sample_index": "0",
        "gold": r"\frac{1}{2}",
        "extracted": "0.5",
        "rule": "False",
        "tier": "symbolic",
        "math_verify": "True",
        "judge": "",
        "judge_reply": "Hm.",
    }
    assert outcome.record["disagreements"] == 3


@pytest.mark.parametrize("who", ["second_opinions", "judgements"])
def test_what_was_not_asked_leaves_its_cells_empty(store, who):
    base = {**ARM, "recipe": "base", "stage": "base", "seed": None}
    asked = opinions(store, OPINIONS) if who == "second_opinions" else judgements(store, JUDGED)
    parents = {"scores": [scores(store)] * 2, who: [asked] * 2}
    outcome = store.run("audit_tables", {"arms": [base, ARM]}, parents)
    rows = csv_rows(outcome, "audit.csv")
    assert [row["seed"] for row in rows] == ["", "0"]
    empty = {
        "second_opinions": ["accuracy_rule_or_judge", "judge_asked", "only_judge"],
        "judgements": ["accuracy_math_verify", "math_verify_ci_low", "only_rule"],
    }[who]
    assert {row[name] for row in rows for name in empty} == {""}
    assert len(csv_rows(outcome, "disagreements.csv")) == (4 if who == "second_opinions" else 2)


def test_opinions_that_all_agree_leave_a_table_with_a_header_alone(store):
    agreed = {sample: sample == ("p0", 0) for sample in [("p0", 0), ("p0", 1)]}
    parents = {
        "scores": [scores(store, SCORES[:2])],
        "second_opinions": [opinions(store, agreed)],
        "judgements": [judgements(store, {})],
    }
    outcome = store.run("audit_tables", {"arms": [ARM]}, parents)
    assert csv_rows(outcome, "disagreements.csv") == []
    assert (outcome.folder / "disagreements.csv").read_text().startswith("student,recipe,stage")


def test_a_line_break_of_any_kind_stays_in_its_cell(store):
    replies = ["one\rtwo", "one\ntwo", 'one\r\n"two"', ",\r"]
    samples = [("p0", 0), ("p0", 1), ("p1", 0), ("p1", 1)]
    rows = [("12", "a\rb", False, "exact", False)] * 4
    said = {sample: (True, reply) for sample, reply in zip(samples, replies, strict=True)}
    parents = {"scores": [scores(store, rows)], "judgements": [judgements(store, said)]}
    outcome = store.run("audit_tables", {"arms": [ARM]}, parents)
    found = csv_rows(outcome, "disagreements.csv")
    assert [row["judge_reply"] for row in found] == replies
    assert [row["extracted"] for row in found] == ["a\rb"] * 4
    assert pd.read_csv(outcome.folder / "disagreements.csv")["judge_reply"].tolist() == replies
