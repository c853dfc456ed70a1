"""The command segment_thinking, on stores made by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import segment_thinking
from cotdistil.code_version import code_version
from cotdistil.engines import Completion, Request, Sampling
from cotdistil.errors import UserError
from cotdistil.pruning.segmentation import StepsFile, thinking_to_cut
from cotdistil.pruning.steps import step_ends
from cotdistil.pruning.traces import read_traces
from cotdistil.pruning.windows import CUT_OFF, NO_NUMBER, TOO_LONG, make_windows
from cotdistil.responses import join_response
from cotdistil.store import RECORD_COPY
from scripted_engine import ScriptedEngine
from tiny_model import make_tiny_model

KEY = "0123456789abcdef0123"
MODEL_KEY = "a" * 20
TRAINING_SET_KEY = "b" * 20
WINDOW = 120
PARAMS = {
    "instruction": "Which begin a step?",
    "system": None,
    "window": WINDOW,
    "max_tokens": 16,
    "temperature": 0.0,
    "top_p": 1.0,
    "seed": 0,
    "backend": "transformers",
    "precision": "float32",
}


def thinking(steps: int, word: str = "Add") -> str:
    return "\n\n".join(f"{word} {n} here. That is it." for n in range(1, steps + 1))


RESPONSES = {
    "long": join_response(thinking(20), "4"),
    "short": join_response(thinking(2), "4"),
    "one piece": join_response("Just one.", "4"),
    "plain": "4",
    "unfinished": "<think>\nOne.\n\nTwo.",
    "too long": join_response(f"{'é' * 550}. And y.\n\nSo 4.", "4"),
    "stubborn": join_response(thinking(3, "Refuse"), "4"),
}


class StreamingEngine(ScriptedEngine):
    """Answers three requests at a time, the last first. dies_in: that number of threes."""

    def stream(
        self, requests: Iterator[Request], sampling: Sampling, keep_special_tokens: bool = False
    ) -> Generator[tuple[str, Completion], None, None]:
        while three := list(islice(requests, 3)):
            yield from reversed(list(super().stream(iter(three), sampling)))


class Store:
    """A store with a model and a training set; `run` runs the command and reads its artefact."""

    def __init__(self, root: Path, model: Path, monkeypatch: pytest.MonkeyPatch):
        self.root = root
        self.monkeypatch = monkeypatch
        self.artefact = root / "steps" / KEY
        for address in (f"models/{MODEL_KEY}", f"training_sets/{TRAINING_SET_KEY}"):
            (root / address).mkdir(parents=True)
            (root / address / "record.json").write_text("{}")
        for file in model.iterdir():
            (root / "models" / MODEL_KEY / file.name).write_bytes(file.read_bytes())
        rows = [{"problem_id": name, "response": text} for name, text in RESPONSES.items()]
        table = root / "training_sets" / TRAINING_SET_KEY / "train.parquet"
        # Several row groups, as a large training set has them.
        pd.DataFrame(rows).to_parquet(table, index=False, row_group_size=3)

    def run(self, **params: object) -> tuple[dict, pd.DataFrame]:
        manifest = {
            "stage": "steps",
            "params": PARAMS | params,
            "parents": {
                "model": f"models/{MODEL_KEY}",
                "training_set": f"training_sets/{TRAINING_SET_KEY}",
            },
            "files": {},
            "code": code_version("steps", "transformers"),
        }
        manifest_file = self.root / "manifests" / f"{KEY}.json"
        manifest_file.parent.mkdir(exist_ok=True)
        manifest_file.write_text(json.dumps(manifest))
        record_file = self.artefact / "record.json"
        arguments = ["--manifest", manifest_file, "--out", record_file, "--threads", 1]
        self.monkeypatch.setattr(sys, "argv", ["segment_thinking.py", *map(str, arguments)])
        self.monkeypatch.setenv("OMP_NUM_THREADS", "1")
        self.monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        segment_thinking.main()
        return json.loads(record_file.read_text()), pd.read_parquet(self.artefact / "steps.parquet")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def new_store(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Store]:
    return lambda name: Store(tmp_path / name, model, monkeypatch)


def every_other(prompt: str) -> str:
    """Says that the odd pieces begin a step, but for what it refuses to read."""
    return "no" if "Refuse" in prompt else ", ".join(map(str, range(1, 99, 2)))


@pytest.fixture
def set_engine(model: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., StreamingEngine]:
    """Puts a model that says what the test wants in the engine's place."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)

    def put(dies_in: int | None = None) -> StreamingEngine:
        engine = StreamingEngine(tokenizer, every_other, dies_in)
        monkeypatch.setattr(segment_thinking, "load_engine", lambda *_, **__: engine)
        return engine

    return put


def step_ends_of(store: Store) -> dict[str, list[int]]:
    stored = list(StepsFile(store.artefact))
    assert [(each["problem_id"], each["row"]) for each in stored] == [
        (name, row) for row, name in enumerate(RESPONSES)
    ]
    return {each["problem_id"]: each["step_ends"] for each in stored}


def windows_of(name: str) -> list:
    text = thinking_to_cut(RESPONSES[name])
    return make_windows(text, WINDOW) if text else []


def test_every_trace_is_cut_where_the_model_says_and_by_the_rule_where_it_does_not(
    new_store: Callable[[str], Store], set_engine: Callable[..., StreamingEngine]
) -> None:
    engine = set_engine()
    store = new_store("store")
    record, steps = store.run()
    assert list(steps.columns) == ["problem_id", "row", "step_ends", "by_rule"]
    assert list(steps["problem_id"]) == list(RESPONSES)
    assert list(steps["row"]) == list(range(len(RESPONSES)))
    ends = step_ends_of(store)
    assert list(ends.values()) == [list(each) for each in steps["step_ends"]]
    # The model begins a step at each paragraph, as the rule does, in all that it reads.
    for name in ("long", "short", "stubborn"):
        assert ends[name] == step_ends(thinking_to_cut(RESPONSES[name]))
    assert ends["one piece"] == [len("Just one.")]
    assert ends["plain"] == ends["unfinished"] == []
    assert ends["too long"] == step_ends(thinking_to_cut(RESPONSES["too long"]))
    by_rule = dict(zip(RESPONSES, steps["by_rule"], strict=True))
    assert by_rule == {name: int(name in ("too long", "stubborn")) for name in RESPONSES}
    assert record["rows"] == len(RESPONSES)
    assert record["windows"] == sum(len(windows_of(name)) for name in RESPONSES)
    assert record["windows_by_rule"] == {TOO_LONG: 1, NO_NUMBER: 1}
    assert record["steps"] == sum(map(len, ends.values()))
    asked = [prompt for call in engine.calls for prompt in call]
    to_ask = [each for name in RESPONSES for each in windows_of(name) if each.is_asked]
    assert len(asked) == len(to_ask) - 1, "what does not fit is not asked"
    assert record["prompt_tokens"] == sum(
        len(engine.tokenizer(each, add_special_tokens=False)["input_ids"]) for each in asked
    )
    assert record["completion_tokens"] > 0
    assert engine.closed


def test_the_model_sees_numbered_pieces_and_below_them_the_instruction(
    new_store: Callable[[str], Store], set_engine: Callable[..., StreamingEngine]
) -> None:
    engine = set_engine()
    new_store("store").run(system="You segment.")
    asked = [prompt for call in engine.calls for prompt in call]
    assert (
        "<|im_start|>system\nYou segment.<|im_end|>\n<|im_start|>user\n[1] Add 1 here.\n"
        "[2] That is it.\n[3] Add 2 here.\n[4] That is it.\nWhich begin a step?<|im_end|>\n"
        "<|im_start|>assistant\n"
    ) in asked


def test_other_numbers_make_other_steps(
    new_store: Callable[[str], Store], set_engine: Callable[..., StreamingEngine]
) -> None:
    engine = set_engine()
    engine.answer = lambda prompt: "2, 4"
    store = new_store("store")
    store.run()
    short = thinking_to_cut(RESPONSES["short"])
    ends = step_ends_of(store)["short"]
    steps = [short[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    assert steps == ["Add 1 here. ", "That is it.\n\nAdd 2 here. ", "That is it."]


def test_a_killed_job_goes_on_with_what_is_not_cut_yet(
    new_store: Callable[[str], Store], set_engine: Callable[..., StreamingEngine]
) -> None:
    undisturbed = set_engine()
    whole, expected = new_store("whole").run()
    prompts = [prompt for call in undisturbed.calls for prompt in call]
    killed = set_engine(dies_in=len(undisturbed.calls) - 1)
    store = new_store("killed")
    with pytest.raises(KeyboardInterrupt):
        store.run()
    assert not store.artefact.exists()
    log = store.root / "work" / KEY / "traces.jsonl"
    assert log.read_text().count("\n") > 1
    with log.open("a") as handle:
        handle.write('{"id": "6", "step_')  # a line that the kill left half-written
    again = set_engine()
    record, steps = store.run()
    assert [prompt for call in again.calls for prompt in call] == prompts[-len(again.calls[-1]) :]
    assert sum(map(len, killed.calls)) + sum(map(len, again.calls)) < 2 * len(prompts)
    pd.testing.assert_frame_equal(steps, expected)
    for name in ("rows", "windows", "windows_by_rule", "steps", "prompt_tokens"):
        assert record[name] == whole[name]


def test_a_job_that_was_killed_at_its_very_end_loads_no_model(
    new_store: Callable[[str], Store],
    set_engine: Callable[..., StreamingEngine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_engine()
    store = new_store("store")
    with monkeypatch.context() as patch:
        patch.setattr(segment_thinking, "write_steps", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.run()

    def load(*_: object, **__: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(segment_thinking, "load_engine", load)
    assert store.run()[0]["rows"] == len(RESPONSES)


def test_a_real_model_cuts_with_transformers(new_store: Callable[[str], Store]) -> None:
    store = new_store("store")
    record, steps = store.run(temperature=1.0)
    windows = sum(len(windows_of(name)) for name in RESPONSES)
    assert record["windows"] == windows
    # A random model writes what comes; whatever it is, each window has steps and a reason.
    assert set(record["windows_by_rule"]) <= {NO_NUMBER, CUT_OFF, TOO_LONG}
    assert record["windows_by_rule"][TOO_LONG] == 1
    assert sum(record["windows_by_rule"].values()) == steps["by_rule"].sum()
    assert record["completion_tokens"] > 0
    for name, ends in step_ends_of(store).items():
        text = thinking_to_cut(RESPONSES[name])
        assert ends[-1:] == ([len(text)] if text else [])
        assert ends == sorted(set(ends))
    assert (store.artefact / RECORD_COPY).exists()


def test_a_table_of_another_stage_is_refused_with_a_word_on_what_is_missing(tmp_path: Path) -> None:
    pd.DataFrame({"row": [0]}).to_parquet(tmp_path / "steps.parquet")
    with pytest.raises(UserError, match="has no column problem_id, step_ends"):
        next(iter(StepsFile(tmp_path)))


TRACES = {
    "a": "<think>\nOne. Two.\n</think>\n\n3",
    "b": "<think>\nFour.\n\nFive.\n</think>\n\n6",
    "c": "7",
}
STORED = {"problem_id": ["a", "b", "c"], "row": [0, 1, 2], "step_ends": [[5, 9], [7, 12], []]}


def read_with_steps(folder: Path, stored: dict[str, list]) -> list:
    """The traces of a small training set, read with steps from `folder`/KEY."""
    source, steps = folder / "train.parquet", folder / "steps" / KEY
    steps.mkdir(parents=True)
    columns = {"question": "", "gold": ""}
    rows = [{"problem_id": each, "response": TRACES[each], **columns} for each in TRACES]
    pd.DataFrame(rows).to_parquet(source)
    types = [pa.string(), pa.int64(), pa.list_(pa.int64())]
    schema = pa.schema(list(zip(STORED, types, strict=True)))
    pq.write_table(pa.table(stored, schema=schema), steps / "steps.parquet")
    chunks = read_traces(source, [1] * len(TRACES), 2, StepsFile(steps))
    return [trace for chunk in chunks for trace in chunk]


def test_traces_have_the_steps_that_are_stored_for_them(tmp_path: Path) -> None:
    traces = read_with_steps(tmp_path, STORED)
    assert [trace.steps for trace in traces] == [["One. ", "Two."], ["Four.\n\n", "Five."], []]


def changed(name: str, values: list) -> dict[str, list]:
    return {**STORED, name: values}


@pytest.mark.parametrize(
    ("stored", "fault"),
    [
        (
            {name: values[::-1] for name, values in STORED.items()},
            "row 0: found problem 'c', row 2; expected problem 'a', row 0",
        ),
        (changed("row", [0, 1, 1]), "row 2: found problem 'c', row 1; expected problem 'c', row 2"),
        (
            changed("step_ends", [[5], [7, 12], []]),
            "row 0: found step ends up to 5; expected ascending to 9, where its thinking ends",
        ),
        (changed("step_ends", [[5, 9], [7, 13], []]), "row 1: found step ends up to 13; expected"),
        (changed("step_ends", [[], [], []]), "row 0: found no step ends; expected ascending to 9"),
        (changed("step_ends", [[7, 5, 9], [12], []]), "row 0: found a step end at 5 behind 7;"),
        (changed("step_ends", [[5, 5, 9], [12], []]), "row 0: found a step end at 5 behind 5;"),
        (changed("step_ends", [[-1, 9], [12], []]), "row 0: found a step end at -1 behind 0;"),
        (changed("step_ends", [[9], [12], [1]]), "row 2: found step ends up to 1; expected none"),
        (
            {name: values[:2] for name, values in STORED.items()},
            "found 2 rows; expected 3, as the training set has",
        ),
        (
            {name: [*values, values[-1]] for name, values in STORED.items()},
            "found 4 rows; expected 3, as the training set has",
        ),
    ],
)
def test_steps_of_other_traces_are_refused(
    tmp_path: Path, stored: dict[str, list], fault: str
) -> None:
    with pytest.raises(UserError) as refusal:
        read_with_steps(tmp_path, stored)
    assert str(refusal.value).startswith(f"{tmp_path / 'steps' / KEY / 'steps.parquet'}: {fault}")
    assert str(refusal.value).endswith(f"make them again: clean_store.py --remake steps/{KEY}")


@pytest.mark.parametrize(
    ("stored", "fault"),
    [
        (changed("problem_id", [None, "b", "c"]), "row 0: found null in problem_id; expected"),
        (changed("step_ends", [[5, 9], None, []]), "row 1: found null in step_ends; expected"),
        (changed("step_ends", [[None, 9], [12], []]), "row 0: found null in step_ends.0; expected"),
    ],
)
def test_steps_with_a_null_are_refused(tmp_path: Path, stored: dict[str, list], fault: str) -> None:
    with pytest.raises(UserError) as refusal:
        read_with_steps(tmp_path, stored)
    assert str(refusal.value).startswith(f"{tmp_path / 'steps' / KEY / 'steps.parquet'}: {fault}")
    assert str(refusal.value).endswith(f"make it again: clean_store.py --remake steps/{KEY}")


@pytest.mark.parametrize("column", ["problem_id", "response"])
def test_a_training_set_with_a_null_is_refused(
    column: str,
    new_store: Callable[[str], Store],
    set_engine: Callable[..., StreamingEngine],
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_engine()
    store = new_store("store")
    table = store.root / "training_sets" / TRAINING_SET_KEY / "train.parquet"
    rows = pd.read_parquet(table)
    rows.loc[2, column] = None
    rows.to_parquet(table, index=False)
    with pytest.raises(SystemExit):
        store.run()
    assert (
        f"{table}: row 2: found null in {column}; expected a valid string; make it again:"
        f" clean_store.py --remake training_sets/{TRAINING_SET_KEY}"
    ) in capsys.readouterr().err


def test_a_training_set_that_cannot_be_read_is_refused(
    new_store: Callable[[str], Store], capsys: pytest.CaptureFixture[str]
) -> None:
    store = new_store("store")
    table = store.root / "training_sets" / TRAINING_SET_KEY / "train.parquet"
    table.write_bytes(table.read_bytes()[:-9])
    with pytest.raises(SystemExit):
        store.run()
    assert f"--remake training_sets/{TRAINING_SET_KEY}" in capsys.readouterr().err
