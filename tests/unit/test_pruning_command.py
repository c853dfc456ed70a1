"""The command prune_traces, on stores made by hand."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

import prune_traces
from cotdistil.code_version import code_version
from cotdistil.pruning import on_policy
from cotdistil.pruning.outcome import up_to_an_end
from cotdistil.pruning.payload import Record
from cotdistil.pruning.totals import read_totals
from cotdistil.records import read_record
from cotdistil.responses import join_response, split_response
from cotdistil.trace_browser.account import pruning_account
from cotdistil.trace_browser.shown_traces import pruned_traces
from scripted_engine import ScriptedEngine
from tiny_model import make_tiny_model

SCRIPTS = Path(prune_traces.__file__).parent
KEY = "0123456789abcdef0123"
MODEL_KEY = "a" * 20
TRAINING_SET_KEY = "b" * 20
ANSWER = "So it is \\boxed{42}."


def thinking(steps: int, key_step: int | None = None) -> str:
    """The student of these tests comes to the answer once it has read the key."""
    texts = [f"Step {n}{' has the KEY' if n == key_step else ''}." for n in range(1, steps + 1)]
    return "\n\n".join(texts)


RESPONSES = {
    "early": join_response(thinking(40, 3), ANSWER),
    "late": join_response(thinking(5, 5), ANSWER),
    "hopeless": join_response(thinking(8), ANSWER),
    "middle": join_response(thinking(11, 6), ANSWER),
    "one step": join_response(thinking(1), ANSWER),
    "plain": ANSWER,
    "unfinished": "<think>\nStep 1 has the KEY.\n\nStep 2.",
}
PARAMS = {
    "cutter": "binary",
    "prompt_style": "continue",
    "question_instruction": "Use a box.",
    "lead_in": "The answer is \\boxed{",
    "samples_per_check": 1,
    "agreement": 1.0,
    "temperature": 0.0,
    "top_p": 1.0,
    "max_tokens": 8,
    "min_steps_to_cut": 2,
    "min_steps": 1,
    "invalid": "drop",
    "conclusion": "teacher",
    "backend": "transformers",
    "precision": "float32",
    "seed": 0,
    "answers": "d" * 20,
}


SOURCES = {"0123456789ab": "corpora/long"}


class Store:
    """A store with a model and a training set; `run` runs the command and reads its artefact."""

    def __init__(self, root: Path, model: Path, monkeypatch: pytest.MonkeyPatch):
        self.root = root
        self.monkeypatch = monkeypatch
        self.artefact = root / "pruned" / KEY
        for address in (f"models/{MODEL_KEY}", f"training_sets/{TRAINING_SET_KEY}"):
            (root / address).mkdir(parents=True)
            (root / address / "record.json").write_text(json.dumps({"sources": SOURCES}))
        for file in model.iterdir():
            (root / "models" / MODEL_KEY / file.name).write_bytes(file.read_bytes())
        rows = [
            {
                "problem_id": name,
                "question": f"What is 17 + 25 ({name})?",
                "gold": "42",
                "response": response,
                "source": "corpora/long",
            }
            for name, response in RESPONSES.items()
        ]
        self.training_set = pd.DataFrame(rows)
        self.training_set.to_parquet(
            root / "training_sets" / TRAINING_SET_KEY / "train.parquet", index=False
        )

    def write(self, rows: list[dict]) -> None:
        """Another training set in the place of this one."""
        self.training_set = pd.DataFrame(rows)
        table = self.root / "training_sets" / TRAINING_SET_KEY / "train.parquet"
        self.training_set.to_parquet(table, index=False)

    def run(
        self, parents: dict[str, str] | None = None, **params: object
    ) -> tuple[dict, dict[str, pd.DataFrame]]:
        """params: those that differ; one that is None is left out."""
        given = {name: value for name, value in (PARAMS | params).items() if value is not None}
        manifest = {
            "stage": "pruned",
            "params": given,
            "parents": {
                "model": f"models/{MODEL_KEY}",
                "training_set": f"training_sets/{TRAINING_SET_KEY}",
                **(parents or {}),
            },
            "files": {},
            "code": code_version("pruned", given.get("backend", "")),
        }
        manifest_file = self.root / "manifests" / f"{KEY}.json"
        manifest_file.parent.mkdir(exist_ok=True)
        manifest_file.write_text(json.dumps(manifest))
        record_file = self.artefact / "record.json"
        arguments = ["--manifest", manifest_file, "--out", record_file, "--threads", 1]
        self.monkeypatch.setattr(sys, "argv", ["prune_traces.py", *map(str, arguments)])
        self.monkeypatch.setenv("OMP_NUM_THREADS", "1")
        self.monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        prune_traces.main()
        record = read_record(self.artefact, Record)
        self.is_read_by_others(record)
        tables = {
            name: pd.read_parquet(self.artefact / f"{name}.parquet")
            for name in ("train", "traces", "rounds", "pairs")
        }
        return record, tables

    def is_read_by_others(self, record: dict) -> None:
        """The tables and the page of a pruned set find no fault in what the command writes."""
        read_totals(self.artefact, record, KEY)
        rows = record["rows_in"]
        account, left = pruning_account(self.artefact, rows, range(rows))
        assert account.rows_left == record["rows_out"]
        whole = self.root / "training_sets" / TRAINING_SET_KEY
        assert len(list(pruned_traces(whole, self.artefact, rows, range(rows), left))) == rows


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def new_store(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Store]:
    return lambda name: Store(tmp_path / name, model, monkeypatch)


@pytest.fixture
def set_student(model: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedEngine]:
    """Puts a student that answers from the key in the engine's place."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)

    def put(dies_in: int | None = None, dies_behind: int = 0) -> ScriptedEngine:
        engine = ScriptedEngine(
            tokenizer, lambda prompt: "42}" if "KEY" in prompt else "41}", dies_in, dies_behind
        )
        monkeypatch.setattr(on_policy, "load_engine", lambda *_, **__: engine)
        return engine

    return put


def responses_of(train: pd.DataFrame) -> dict[str, str]:
    return dict(zip(train["problem_id"], train["response"], strict=True))


# --- with the real engine ---------------------------------------------------------------------


def test_traces_that_the_student_does_not_validate_are_kept_whole_if_the_user_says_so(
    new_store: Callable[[str], Store],
) -> None:
    store = new_store("store")
    record, tables = store.run(invalid="keep", temperature=1.0, samples_per_check=2)
    pd.testing.assert_frame_equal(tables["train"], store.training_set)
    assert record["rows_in"] == record["rows_out"] + sum(record["dropped"].values())
    assert (record["rows_in"], record["rows_out"]) == (len(RESPONSES), len(RESPONSES))
    assert record["tokens_after"] == record["tokens_before"] == record["tokens_in"]
    assert record["reasons"]["full trace not validated"] == 4
    assert record["sources"] == SOURCES
    # Each cut is asked once; the last of a trace is the full one, and no cut validates.
    rounds = tables["rounds"]
    assert not rounds.duplicated(["problem_id", "asked_steps"]).any()
    assert not rounds["valid"].any()
    last = rounds.groupby("problem_id")["asked_steps"].max().to_dict()
    assert last == {"early": 40, "late": 5, "hopeless": 8, "middle": 11}
    assert (rounds["answers"].map(len) == 2).all()
    assert record["answers"] == 2 * len(rounds) == 2 * record["checks"]
    assert rounds["completion_tokens"].between(2, 16).all()


def test_a_student_that_validates_nothing_ends_the_command_with_one_clear_message(
    new_store: Callable[[str], Store], capsys: pytest.CaptureFixture[str]
) -> None:
    store = new_store("store")
    table = store.root / "training_sets" / TRAINING_SET_KEY / "train.parquet"
    store.training_set[2:4].to_parquet(table, index=False)
    with pytest.raises(SystemExit) as exit_status:
        store.run()
    assert exit_status.value.code == 1
    message = capsys.readouterr().err
    assert "found 2 traces, of which pruning leaves none" in message
    assert "'invalid: keep'" in message
    assert not store.artefact.exists()


# --- with a student whose answers are known ---------------------------------------------------


def test_each_trace_is_cut_to_the_shortest_thinking_that_leads_to_the_answer(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    engine = set_student()
    store = new_store("store")
    record, tables = store.run()
    left = responses_of(tables["train"])
    expected = RESPONSES | {
        "early": join_response("Step 1.\n\nStep 2.\n\nStep 3 has the KEY.", ANSWER),
        "middle": join_response(thinking(6, 6), ANSWER),
    }
    del expected["hopeless"]
    assert left == expected
    assert list(tables["train"].columns) == list(store.training_set.columns)

    traces = tables["traces"].set_index("problem_id")
    assert traces["reason"].to_dict() == {
        "early": "cut",
        "late": "whole",
        "hopeless": "full trace not validated",
        "middle": "cut",
        "one step": "too few steps",
        "plain": "no thinking",
        "unfinished": "unfinished thinking",
    }
    assert traces["kept_steps"].dropna().to_dict() == {
        "early": 3,
        "late": 5,
        "middle": 6,
        "one step": 1,
        "plain": 0,
        "unfinished": 0,
    }
    # One token per byte.
    sizes = {name: len(text) for name, text in RESPONSES.items()}
    assert traces["tokens_before"].to_dict() == sizes
    assert traces["tokens_after"].dropna().to_dict() == {k: len(text) for k, text in left.items()}

    assert (record["rows_in"], record["rows_out"]) == (7, 6)
    assert record["dropped"] == {"full trace not validated": 1}
    assert sum(record["reasons"].values()) == 7
    assert record["tokens_after"] == sum(len(text) for text in left.values())
    assert record["tokens_before"] == record["tokens_in"] - sizes["hopeless"]
    assert record["share_pruned_by_half"] == pytest.approx(1 / 6)
    assert record["rounds"] == record["engine_calls"] == len(engine.calls)
    assert record["rounds"] == tables["rounds"]["round"].max() + 1
    assert len(engine.calls[0]) == 4
    assert engine.closed


def test_the_students_own_conclusion_may_follow_the_cut(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    set_student()
    _, tables = new_store("store").run(conclusion="student")
    left = responses_of(tables["train"])
    for name in ("early", "late", "middle"):
        assert split_response(left[name]).answer == "The answer is \\boxed{42}"
    assert left["one step"] == RESPONSES["one step"]


def test_an_answer_that_was_cut_off_is_finished_by_the_student(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    store = new_store("store")
    rows = store.training_set.to_dict("records")
    store.write([row | {"unfinished": row["problem_id"] in ("early", "plain")} for row in rows])
    set_student()
    _, by_student = store.run(conclusion="student")
    left = by_student["train"]
    assert list(left["problem_id"][left["unfinished"]]) == ["plain"]
    assert set(by_student["pairs"]["problem_id"]) == {"early", "middle"}
    shutil.rmtree(store.artefact)
    _, by_teacher = store.run()
    # A response that is cut off is nothing to prefer.
    assert set(by_teacher["pairs"]["problem_id"]) == {"middle"}


def test_the_record_says_what_each_round_asked_and_what_is_kept_of_each_trace(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    set_student()
    record, tables = new_store("store").run()
    traces = tables["traces"].set_index("problem_id")
    assert list(traces["row"]) == list(range(len(RESPONSES)))
    steps = thinking(11, 6)
    ends = list(traces.loc["middle", "step_ends"])
    assert [steps[a:b].strip() for a, b in pairwise([0, *ends])] == steps.split("\n\n")
    assert [list(span) for span in traces.loc["middle", "kept_spans"]] == [[0, 6]]
    assert traces.loc["hopeless", "kept_spans"] is None
    asked = tables["rounds"][tables["rounds"]["problem_id"] == "middle"]
    assert list(asked["round"]) == list(range(len(asked)))
    assert list(asked["asked_steps"]) == [6, 3, 5]
    assert [[list(span) for span in spans] for spans in asked["kept_spans"]] == [
        [[0, 6]],
        [[0, 3]],
        [[0, 5]],
    ]
    assert list(asked["valid"]) == [True, False, False]
    assert [list(each) for each in asked["extracted"]] == [["42"], ["41"], ["41"]]
    assert (
        traces["calls"].to_dict()
        == tables["rounds"]
        .groupby("problem_id")
        .size()
        .reindex(traces.index, fill_value=0)
        .to_dict()
    )
    assert record["checks"] == len(tables["rounds"])
    assert (record["steps_before"], record["steps_after"]) == (40 + 5 + 11 + 1, 3 + 5 + 6 + 1)
    # The numbers of the steps pass for answers: the 42 of none of these does.
    assert traces["first_answer_step"].isna().all()
    assert (record["with_answer_step"], record["answer_in_last_ten"]) == (0, 0)


def test_what_was_cut_is_a_preference_pair_and_what_was_left_whole_is_none(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    set_student()
    record, tables = new_store("store").run()
    pairs = tables["pairs"].set_index("problem_id")
    assert list(pairs.index) == ["early", "middle"]
    assert record["pairs"] == 2
    left = responses_of(tables["train"])
    for name, pair in pairs.iterrows():
        assert pair["prompt"] == (
            f"<|im_start|>user\nWhat is 17 + 25 ({name})?\nUse a box.<|im_end|>\n"
            "<|im_start|>assistant\n"
        )
        assert pair["chosen"] == left[name] + "<|im_end|>"
        assert pair["rejected"] == RESPONSES[name] + "<|im_end|>"
        assert (pair["chosen_tokens"], pair["rejected_tokens"]) == (
            len(left[name]),
            len(RESPONSES[name]),
        )


def test_inner_steps_go_too_and_the_rest_is_joined_without_them(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    set_student()
    store = new_store("store")
    looks = ["Step 1.", "Wait, is it?", "Step 2.", "Let me check.", "It has the KEY.", "More."]
    [row, *_] = store.training_set.to_dict("records")
    store.write([row | {"response": join_response("\n\n".join(looks), ANSWER)}])
    record, tables = store.run(cutter="inner", removable="reflections", inner_checks=8)
    [response] = tables["train"]["response"]
    assert response == join_response("Step 1.\n\nStep 2.\n\nIt has the KEY.", ANSWER)
    [trace] = tables["traces"].to_dict("records")
    assert [list(span) for span in trace["kept_spans"]] == [[0, 1], [2, 3], [4, 5]]
    assert trace["kept_steps"] == 3
    assert record["pairs"] == 1


UNVALIDATED = dict.fromkeys(
    [
        *("prompt_style", "lead_in", "samples_per_check", "agreement", "temperature", "top_p"),
        *("max_tokens", "conclusion", "backend", "precision", "answers"),
    ]
)


def test_the_first_correct_solution_is_found_without_a_student(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    engine = set_student()
    store = new_store("store")
    solved = ["17 + 25.", "20 + 22 = 42.", "Wait, 17 + 25 = 41?", *["No, it is 42."] * 9]
    [row, *_] = store.training_set.to_dict("records")
    responses = {"solved": "\n\n".join(solved), "never": thinking(5)}
    store.write(
        [
            row | {"problem_id": name, "response": join_response(text, ANSWER)}
            for name, text in responses.items()
        ]
    )
    record, tables = store.run(cutter="first_correct", **UNVALIDATED)
    assert engine.calls == []
    assert responses_of(tables["train"]) == {
        "solved": join_response("17 + 25.\n\n20 + 22 = 42.", ANSWER)
    }
    assert record["dropped"] == {"no step gives the answer": 1}
    assert (record["with_answer_step"], record["answer_in_last_ten"]) == (1, 0)
    assert tables["traces"]["first_answer_step"].tolist()[0] == 2
    assert (record["checks"], record["engine_calls"]) == (0, 0)


def test_random_prefixes_keep_of_the_same_traces_what_the_student_left_of_others(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    engine = set_student()
    store = new_store("store")
    _, pruned = store.run()
    other = store.root / "pruned" / ("c" * 20)
    store.artefact.rename(other)
    calls = len(engine.calls)
    record, tables = store.run({"like": f"pruned/{'c' * 20}"}, cutter="random", **UNVALIDATED)
    assert len(engine.calls) == calls
    assert set(tables["train"]["problem_id"]) == set(pruned["train"]["problem_id"])
    assert record["dropped"] == {"dropped by the recipe it is like": 1}
    kept = tables["traces"].set_index("problem_id")["kept_steps"]
    dealt = {0.075, 1.0, 6 / 11}
    for name, n_steps in {"early": 40, "late": 5, "middle": 11}.items():
        assert kept[name] in {max(1, round(share * n_steps)) for share in dealt}


@pytest.mark.parametrize("key_step", [1, 3333, None])
def test_a_trace_of_thousands_of_steps_or_of_one_long_paragraph_comes_to_a_sensible_end(
    key_step: int | None,
    new_store: Callable[[str], Store],
    set_student: Callable[..., ScriptedEngine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = set_student()
    monkeypatch.setattr(on_policy, "count_positions", lambda _: None)
    store = new_store("store")
    [row, *_] = store.training_set.to_dict("records")
    steps = thinking(5000, key_step)
    paragraph = ("Add one " * 13 + f"{'KEY' if key_step else ''} and so on. ") * 900
    assert len(paragraph) > 100_000
    store.write(
        [
            row | {"problem_id": name, "response": join_response(text, ANSWER)}
            for name, text in {"steps": steps, "paragraph": paragraph, "key": "KEY."}.items()
        ]
    )
    record, tables = store.run(min_steps_to_cut=1)
    traces = tables["traces"].set_index("problem_id")
    kept = traces["kept_steps"].dropna().to_dict()
    if key_step is None:
        assert kept == {"key": 1}
        assert record["dropped"] == {"full trace not validated": 2}
    else:
        assert kept == {"steps": key_step, "paragraph": 1, "key": 1}
    assert traces.loc["steps", "n_steps"] == 5000
    assert traces.loc["paragraph", "n_steps"] >= 900
    assert traces.loc["steps", "calls"] <= 15
    assert len(engine.calls) == record["engine_calls"] <= 15


def test_the_control_leaves_the_traces_that_validate_whole(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    engine = set_student()
    record, tables = new_store("store").run(cutter="full")
    left = responses_of(tables["train"])
    assert left.items() <= RESPONSES.items()
    # What has no thinking, or none that ends, is left as it is, as by the cut that is compared.
    assert RESPONSES.keys() - left.keys() == {"hopeless", "one step"}
    assert record["dropped"] == {"full trace not validated": 2}
    assert record["rounds"] == len(engine.calls) == 1


def test_a_killed_job_asks_nothing_again_that_was_answered(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    whole = set_student()
    expected_record, expected = new_store("not killed").run()
    store = new_store("killed")
    set_student(dies_in=3)
    with pytest.raises(KeyboardInterrupt):
        store.run()
    assert not store.artefact.exists()
    resumed = set_student()
    record, tables = store.run()
    assert resumed.calls == whole.calls[3:]
    for name, table in expected.items():
        pd.testing.assert_frame_equal(tables[name], table)
    volatile = {"cost", "made_with"}
    assert {k: v for k, v in record.items() if k not in volatile} == {
        k: v for k, v in expected_record.items() if k not in volatile
    }


def test_damaged_answers_of_a_killed_job_are_told_of_and_asked_for_again(
    new_store: Callable[[str], Store],
    set_student: Callable[..., ScriptedEngine],
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_student()
    expected_record, _ = new_store("not killed").run()
    store = new_store("killed")
    set_student(dies_in=3)
    with pytest.raises(KeyboardInterrupt):
        store.run()
    log = store.root / "work" / KEY / "validations.jsonl"
    first, *others = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([first[:20] + b"\n", *others]))
    set_student()
    record, _ = store.run()
    assert "1 damaged lines of an earlier run are asked about again" in capsys.readouterr().out
    assert record["checks"] == expected_record["checks"]


@pytest.mark.parametrize("params", [{}, {"temperature": 1.0, "samples_per_check": 2}])
def test_a_job_killed_within_a_call_keeps_the_answers_that_had_come(
    params: dict, new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    whole = set_student()
    _, expected = new_store("not killed").run(**params)
    in_all = sum(map(len, whole.calls))
    for number, call in enumerate(whole.calls):
        store = new_store(f"killed in {number}")
        behind = len(call) - 1
        killed = set_student(dies_in=number, dies_behind=behind)
        with pytest.raises(KeyboardInterrupt):
            store.run(**params)
        resumed = set_student()
        _, tables = store.run(**params)
        # With two samples of each, one that came alone is asked for again.
        again = behind % params.get("samples_per_check", 1) if not is_greedy(killed) else 0
        assert sum(map(len, killed.calls + resumed.calls)) == in_all + again
        pd.testing.assert_frame_equal(tables["train"], expected["train"])


def is_greedy(engine: ScriptedEngine) -> bool:
    return engine.temperatures[-1] == 0.0


def test_another_cutter_asks_the_student_only_what_no_job_has_asked(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    set_student()
    store = new_store("store")
    record, _ = store.run()
    store.artefact.rename(store.root / "pruned" / ("c" * 20))
    notes = store.root / "answers" / PARAMS["answers"]
    (notes / KEY).rename(notes / ("c" * 20))
    engine = set_student()
    other, tables = store.run(cutter="linear")
    asked = tables["rounds"].groupby("problem_id")["asked_steps"].apply(list).to_dict()
    assert asked == {
        "early": [1, 2, 3],
        "late": [1, 2, 3, 4, 5],
        "hopeless": [1, 2, 3, 4, 5, 6, 7, 8],
        "middle": [1, 2, 3, 4, 5, 6],
    }
    assert (other["checks"], other["rows_out"]) == (22, record["rows_out"])
    # Bisection had asked about 2, 3 of `early`, 3, 4, 5 of `late`, 4, 6, 7, 8 and 3, 5, 6.
    new = sorted(text.count("Step") for call in engine.calls for text in call)
    assert new == sorted([1, *(1, 2), *(1, 2, 3, 5), *(1, 2, 4)])
    shutil.rmtree(store.artefact)
    engine = set_student()
    kept, _ = store.run(cutter="binary", invalid="keep")
    kept_log = shutil.copy(store.artefact / "validations.jsonl", store.root)
    assert engine.calls == []
    assert kept["checks"] == record["checks"]
    assert kept["answers_of_other_jobs"] == kept["answers"] > other["answers_of_other_jobs"] > 0
    # It needs the other job's answers no more.
    shutil.rmtree(store.root / "pruned" / ("c" * 20))
    (notes / ("c" * 20)).unlink()
    shutil.rmtree(store.artefact)
    (store.root / "work" / KEY).mkdir(parents=True, exist_ok=True)
    shutil.move(kept_log, store.root / "work" / KEY / "validations.jsonl")
    assert store.run(cutter="binary", agreement=0.5)[0]["engine_calls"] == 0
    assert engine.calls == []


def test_a_remade_training_set_asks_nothing_again_and_a_pruned_one_to_remake_asks_all(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    first = set_student()
    store = new_store("results/store")
    store.run()
    source = store.root / "training_sets" / TRAINING_SET_KEY
    made = {file.name: file.read_bytes() for file in source.iterdir()}
    clean_store(store, "--remake", f"training_sets/{TRAINING_SET_KEY}")
    assert not source.exists()
    assert not store.artefact.exists()
    source.mkdir()
    for name, content in made.items():
        (source / name).write_bytes(content)
    remade = set_student()
    store.run()
    assert remade.calls == []
    clean_store(store, "--remake", f"pruned/{KEY}")
    asked_again = set_student()
    store.run()
    assert asked_again.calls == first.calls


def clean_store(store: Store, *arguments: str) -> None:
    """Runs the command where the store is `results/store`."""
    subprocess.run(
        [sys.executable, str(SCRIPTS / "clean_store.py"), *arguments],
        cwd=store.root.parent.parent,
        check=True,
    )


def test_traces_pruned_in_small_chunks_come_out_the_same(
    new_store: Callable[[str], Store],
    set_student: Callable[..., ScriptedEngine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_student()
    together, expected = new_store("together").run()
    monkeypatch.setattr(prune_traces, "CHUNK_TRACES", 2)
    record, tables = new_store("in chunks").run()
    for name in ("train", "traces"):
        pd.testing.assert_frame_equal(tables[name], expected[name])
    order = ["problem_id", "round"]
    pd.testing.assert_frame_equal(
        tables["rounds"].sort_values(order, ignore_index=True),
        expected["rounds"].sort_values(order, ignore_index=True),
    )
    assert record["checks"] == together["checks"]
    assert record["rounds"] == together["rounds"]


@pytest.mark.parametrize("column", ["question", "gold", "response"])
def test_a_row_without_a_value_is_named(
    column: str, new_store: Callable[[str], Store], capsys: pytest.CaptureFixture[str]
) -> None:
    store = new_store("store")
    rows = store.training_set.to_dict("records")
    rows[1][column] = None
    store.write(rows)
    with pytest.raises(SystemExit):
        store.run()
    message = capsys.readouterr().err
    assert f"train.parquet: row 1: found null in {column}; expected a valid string" in message
    assert f"clean_store.py --remake training_sets/{TRAINING_SET_KEY}" in message


def test_a_student_without_room_for_a_prompt_is_refused(
    new_store: Callable[[str], Store], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        new_store("store").run(max_tokens=1024)
    assert "found 1024 positions, and max_tokens is 1024" in capsys.readouterr().err


def test_traces_longer_than_the_students_context_are_dropped_by_that_name(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    engine = set_student()
    record, _ = new_store("store").run(max_tokens=1000)
    assert record["dropped"] == {"longer than the student's context": 4}
    assert record["checks"] == record["checks_over_context"] > 0
    assert engine.calls == []


def test_an_unreadable_gold_answer_costs_no_question(
    new_store: Callable[[str], Store], set_student: Callable[..., ScriptedEngine]
) -> None:
    engine = set_student()
    store = new_store("store")
    store.write(store.training_set.assign(gold="\\frac{").to_dict("records"))
    record, _ = store.run()
    assert record["dropped"] == {"gold answer not readable": 4}
    assert engine.calls == []


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("So it is \\boxed{42}. I will expl", "So it is \\boxed{42}"),
        ("It is 42. I will explain at len", "It is 42."),
        ("It is 42, then", "It is 42, then"),
        ("One\n42\nand", "One\n42"),
        ("17 and 25 are added.\nThe answer is 42", "17 and 25 are added.\nThe answer is 42"),
        ("Final answer:\n42", "Final answer:\n42"),
        ("It is \\boxed{\\boxed{42}}. And", "It is \\boxed{\\boxed{42}}"),
        ("So **$\\boxed{7}$** which", "So **$\\boxed{7}$**"),
        ("So \\(\\boxed{7}\\) which is", "So \\(\\boxed{7}\\)"),
    ],
)
def test_a_conclusion_that_was_cut_off_ends_where_something_ends(text: str, whole: str) -> None:
    assert up_to_an_end(text) == whole


def test_a_training_set_without_a_column_is_named(
    new_store: Callable[[str], Store], capsys: pytest.CaptureFixture[str]
) -> None:
    store = new_store("store")
    table = store.root / "training_sets" / TRAINING_SET_KEY / "train.parquet"
    store.training_set.drop(columns="gold").to_parquet(table, index=False)
    with pytest.raises(SystemExit):
        store.run()
    assert "train.parquet: has no column gold" in capsys.readouterr().err
