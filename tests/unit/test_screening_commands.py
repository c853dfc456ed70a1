"""The commands of the stages `screening` and `held_out`, run on a store made by hand."""

import pyarrow.parquet as pq
import pytest
from pyarrow import Table

from hand_made_store import HandMadeStore

REMOVED = ["problem_id", "question", "reason", "matched_problem_id", "matched_question"]
REMOVED += ["matched_in", "matched"]
SCREENING = {"ngram": 13, "near_duplicates": None, "expressions": False}
HELD_OUT = {"expressions": True}


@pytest.fixture
def store(tmp_path):
    return HandMadeStore(tmp_path)


def problem_set(store, label, questions, **columns):
    folder = store.artefact("problems", label)
    rows = {"problem_id": [f"{label}-{row}" for row in range(len(questions))]}
    rows |= {"question": questions, "gold": ["1"] * len(questions), **columns}
    pq.write_table(Table.from_pydict(rows), folder / "problems.parquet")
    return folder


def counts(outcome):
    return {name: outcome.record[name] for name in ("rows_in", "rows_out", "dropped")}


def test_screening_lists_what_is_removed_in_the_order_of_the_problems(store):
    training = problem_set(store, "train", ["What is $2+2$?", "Name a prime.", "What is 2 + 2?"])
    benchmark = problem_set(store, "test", ["name a prime!"])
    parents = {"problems": training, "benchmarks": [benchmark]}
    outcome = store.run("screening", SCREENING, parents)
    assert outcome.status == 0, outcome.text
    table = pq.read_table(outcome.folder / "removed.parquet")
    assert table.column_names == REMOVED
    first, second = (list(row.values()) for row in table.to_pylist())
    assert first[:3] == ["train-1", "Name a prime.", "exact match with a benchmark"]
    assert first[3:] == ["test-0", "name a prime!", benchmark.name, ""]
    assert second[:3] == ["train-2", "What is 2 + 2?", "duplicate"]
    assert second[3:] == ["train-0", "What is $2+2$?", "", ""]
    assert counts(outcome) == {
        "rows_in": 3,
        "rows_out": 1,
        "dropped": {"exact match with a benchmark": 1, "duplicate": 1},
    }


def test_screening_without_benchmarks_and_without_a_find_writes_an_empty_table(store):
    training = problem_set(store, "train", ["What is $2+2$?", "What is $2-2$?"])
    outcome = store.run("screening", SCREENING, {"problems": training, "benchmarks": []})
    table = pq.read_table(outcome.folder / "removed.parquet")
    assert (table.num_rows, table.column_names) == (0, REMOVED)
    assert set(map(str, table.schema.types)) == {"string"}
    assert counts(outcome) == {"rows_in": 2, "rows_out": 2, "dropped": {}}


def test_screening_that_removes_every_problem_succeeds_and_says_so(store):
    folder = problem_set(store, "train", ["What is $2+2$?", "What is 2 + 2"])
    outcome = store.run("screening", SCREENING, {"problems": folder, "benchmarks": [folder]})
    assert outcome.status == 0
    assert counts(outcome)["rows_out"] == 0
    assert "no problem is left of 2" in outcome.text


def test_screening_finds_the_same_whatever_the_seed_of_pythons_hashes(tmp_path, monkeypatch):
    text = "one bag of red apples costs more than a bag of green pears does"
    words = text.split()
    questions = [" ".join([*words[:place], "very", *words[place:]]) for place in range(len(words))]
    tables = []
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        store = HandMadeStore(tmp_path / seed)
        parents = {
            "problems": problem_set(store, "train", questions * 2),
            "benchmarks": [problem_set(store, "test", questions[::5])],
        }
        params = SCREENING | {"ngram": 8, "near_duplicates": 0.6}
        outcome = store.run("screening", params, parents, own_process=True)
        assert outcome.status == 0, outcome.text
        tables.append(pq.read_table(outcome.folder / "removed.parquet"))
    assert tables[0].equals(tables[1])
    assert tables[0].num_rows > 10


def test_held_out_problems_keep_their_columns_and_lose_those_that_are_trained_on(store):
    questions = ["What is $2+2$?", "What is $2-2$?", "What is 3?"]
    benchmark = problem_set(store, "test", questions, n_operations=[1, 1, 0])
    one = problem_set(store, "one", ["What is $2*2$?"])
    two = problem_set(store, "two", ["what is 2 + 2", "What is 2+2"])
    outcome = store.run("held_out", HELD_OUT, {"problems": benchmark, "training": [one, two]})
    assert outcome.status == 0, outcome.text
    before = pq.read_table(benchmark / "problems.parquet")
    assert pq.read_table(outcome.folder / "problems.parquet").equals(before.slice(1))
    [row] = pq.read_table(outcome.folder / "removed.parquet").to_pylist()
    assert list(row) == REMOVED
    assert [row["reason"], row["matched_problem_id"], row["matched_in"]] == [
        "exact match with a training problem",
        "two-0",
        two.name,
    ]
    assert counts(outcome) == {
        "rows_in": 3,
        "rows_out": 2,
        "dropped": {"exact match with a training problem": 1},
    }


def test_a_benchmark_that_is_trained_on_as_a_whole_is_an_error(store):
    folder = problem_set(store, "test", ["What is $2+2$?"])
    outcome = store.run("held_out", HELD_OUT, {"problems": folder, "training": [folder]})
    assert outcome.status == 1
    assert "all 1 problems of the benchmark are problems to train on" in outcome.text
    assert not (outcome.folder / "record.json").exists()


def test_a_problem_set_without_questions_is_named(store):
    folder = store.artefact("problems", "old")
    pq.write_table(Table.from_pydict({"problem_id": ["a"]}), folder / "problems.parquet")
    outcome = store.run("screening", SCREENING, {"problems": folder, "benchmarks": []})
    assert outcome.status == 1
    assert f"{folder}/problems.parquet: has no column question" in outcome.text
