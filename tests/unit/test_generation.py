"""Generation survives a kill, and a samples artefact has exactly k responses per problem."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import generate_samples
from cotdistil.code_version import code_version
from cotdistil.engines import Completion, Engine, Sampling, load_engine
from cotdistil.generation import generate_sharded, read_shard, write_shard
from tiny_model import make_tiny_model

SAMPLING = Sampling(max_tokens=6, temperature=1.0)
KEY = "0123456789abcdef0123"
MODEL_KEY = "a" * 20
PROBLEMS_KEY = "b" * 20


class Watched:
    """A real engine; it notes what it was asked, and dies in call number `dies_in`."""

    def __init__(self, engine: Engine, dies_in: int | None = None):
        self.engine = engine
        self.dies_in = dies_in
        self.calls: list[list[list[int]]] = []
        self.closed = False

    def generate(self, prompts: list[list[int]], *arguments: object) -> list[Completion]:
        if len(self.calls) == self.dies_in:
            raise KeyboardInterrupt
        self.calls.append(prompts)
        return self.engine.generate(prompts, *arguments)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def engine(model: Path) -> Iterator[Engine]:
    loaded = load_engine(
        "transformers", model, precision="float32", max_context=64, threads=1, gpus=0
    )
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def requests() -> list[dict]:
    """Ten requests: shards of four, four and two."""
    return [
        {"request_id": f"p{number}#0", "prompt": [5 + number] * (1 + number % 3), "seed": number}
        for number in range(10)
    ]


@pytest.fixture(scope="module")
def expected(
    engine: Engine, requests: list[dict], tmp_path_factory: pytest.TempPathFactory
) -> list[dict]:
    return generate_sharded(engine, requests, SAMPLING, tmp_path_factory.mktemp("work"), 4)


def not_called() -> Engine:
    raise AssertionError("the engine was loaded")


def test_responses_come_in_the_order_of_the_requests_and_are_those_of_the_engine(
    engine: Engine, requests: list[dict], expected: list[dict]
) -> None:
    completions = engine.generate(
        [request["prompt"] for request in requests],
        SAMPLING,
        [request["seed"] for request in requests],
    )
    assert expected == [
        {
            "request_id": request["request_id"],
            "response": completion.text,
            "token_count": completion.token_count,
            "finish_reason": completion.finish_reason,
        }
        for request, completion in zip(requests, completions, strict=True)
    ]


def test_a_killed_run_goes_on_with_the_shard_that_it_died_in(
    engine: Engine, requests: list[dict], expected: list[dict], tmp_path: Path
) -> None:
    dying, next_one = Watched(engine, dies_in=1), Watched(engine)
    with pytest.raises(KeyboardInterrupt):
        generate_sharded(lambda: dying, requests, SAMPLING, tmp_path, 4)
    assert dying.closed
    seen: list[tuple[int, int]] = []
    responses = generate_sharded(
        lambda: next_one, requests, SAMPLING, tmp_path, 4, lambda *counts: seen.append(counts)
    )
    assert responses == expected
    assert next_one.calls == [[r["prompt"] for r in part] for part in (requests[4:8], requests[8:])]
    assert next_one.closed
    assert seen[0][0] > 4
    assert seen[-1] == (10, 10)
    assert generate_sharded(not_called, requests, SAMPLING, tmp_path, 4) == expected


def _cut_in_a_line(text: str) -> str:
    return text[: len(text) // 2]


def _cut_after_a_line(text: str) -> str:
    return text[: text.index("\n") + 1]


def _with_another_request(text: str) -> str:
    return text.replace("p5#0", "p9#7")


def _without_a_column(text: str) -> str:
    rows = [json.loads(line) for line in text.splitlines()]
    return "".join(json.dumps({"request_id": row["request_id"]}) + "\n" for row in rows)


@pytest.mark.parametrize(
    "damage",
    [
        _cut_in_a_line,
        _cut_after_a_line,
        _with_another_request,
        _without_a_column,
        lambda text: "",
        lambda text: "\x00" * len(text),
        lambda text: "7\n" * 4,
    ],
)
def test_a_damaged_or_foreign_shard_is_generated_again_and_no_other(
    engine: Engine,
    requests: list[dict],
    expected: list[dict],
    tmp_path: Path,
    damage: Callable[[str], str],
) -> None:
    generate_sharded(engine, requests, SAMPLING, tmp_path, 4)
    shard = sorted(tmp_path.iterdir())[1]
    whole = shard.read_text()
    shard.write_text(damage(whole))
    watched = Watched(engine)
    assert generate_sharded(watched, requests, SAMPLING, tmp_path, 4) == expected
    assert watched.calls == [[request["prompt"] for request in requests[4:8]]]
    assert not watched.closed
    assert shard.read_text() == whole


def test_a_shard_whose_writing_was_cut_short_counts_as_absent(
    engine: Engine, requests: list[dict], expected: list[dict], tmp_path: Path
) -> None:
    (tmp_path / "shard-00000.tmp").write_text('{"request_id": "p0#0", "resp')
    assert generate_sharded(engine, requests, SAMPLING, tmp_path, 4) == expected
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".jsonl"] * 3


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(), min_size=1, max_size=4))
def test_a_shard_reads_back_whatever_characters_a_response_has(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    file = tmp_path_factory.mktemp("shard") / "shard-00000.jsonl"
    rows = [
        {"request_id": f"p{number}#0", "response": text, "token_count": 1, "finish_reason": "stop"}
        for number, text in enumerate([*texts, "a\u2028b\x85c\rd\x0b\x1ce\n\x00"])
    ]
    write_shard(file, rows)
    assert read_shard(file, rows) == rows


def test_two_requests_with_one_id_are_refused(requests: list[dict], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="request_id must be unique"):
        generate_sharded(not_called, [*requests, requests[0]], SAMPLING, tmp_path)


# --- the command ------------------------------------------------------------------------------


@pytest.fixture
def run_command(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., pd.DataFrame]:
    """Runs the command on a store of these problems; gives the rows of its artefact."""

    def run(problems: list[tuple[str, str]], store: str = "store", **params: object):
        root = tmp_path / store
        for address in (f"models/{MODEL_KEY}", f"problems/{PROBLEMS_KEY}"):
            (root / address).mkdir(parents=True, exist_ok=True)
            (root / address / "record.json").write_text("{}")
        for file in model.iterdir():
            (root / "models" / MODEL_KEY / file.name).write_bytes(file.read_bytes())
        rows = [
            {"problem_id": problem_id, "question": question, "gold": "4", "level": 1}
            for problem_id, question in problems
        ]
        table = pd.DataFrame(rows, columns=["problem_id", "question", "gold", "level"])
        table.to_parquet(root / "problems" / PROBLEMS_KEY / "problems.parquet")
        defaults = {
            "backend": "transformers",
            "precision": "float32",
            "instruction": "Put the answer in a box.",
            "k": 3,
            "max_tokens": 12,
            "temperature": 1.0,
            "top_p": 1.0,
            "seed": 7,
        }
        manifest = {
            "stage": "samples",
            "params": defaults | params,
            "parents": {"model": f"models/{MODEL_KEY}", "problems": f"problems/{PROBLEMS_KEY}"},
            "files": {},
            "code": code_version("samples", "transformers"),
        }
        manifest_file = root / "manifests" / f"{KEY}.json"
        manifest_file.parent.mkdir(exist_ok=True)
        manifest_file.write_text(json.dumps(manifest))
        out = root / "samples" / KEY / "record.json"
        arguments = ["--manifest", manifest_file, "--out", out, "--threads", 1]
        monkeypatch.setattr(sys, "argv", ["generate_samples.py", *map(str, arguments)])
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        generate_samples.main()
        return pd.read_parquet(out.parent / "samples.parquet")

    return run


PROBLEMS = [("b", "What is 2 + 2?"), ("a", "What is 1 + 3?"), ("c#1", "What is 9 - 5?")]


def test_the_samples_have_k_responses_per_problem_and_the_record_adds_them_up(
    run_command: Callable[..., pd.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = run_command(PROBLEMS)
    assert list(samples.columns) == [
        "problem_id",
        "question",
        "gold",
        "sample_index",
        "response",
        "token_count",
        "finish_reason",
    ]
    ids = list(zip(samples["problem_id"], samples["sample_index"], strict=True))
    assert ids == [(problem_id, index) for problem_id, _ in PROBLEMS for index in range(3)]
    assert dict(zip(samples["problem_id"], samples["question"], strict=True)) == dict(PROBLEMS)
    assert samples["response"].nunique() == 9
    assert samples["token_count"].between(1, 12).all()
    truncated = samples["finish_reason"] == "length"
    assert (samples.loc[truncated, "token_count"] == 12).all()

    record = json.loads((tmp_path / "store" / "samples" / KEY / "record.json").read_text())
    assert (record["rows_in"], record["rows_out"], record["dropped"]) == (3, 9, {})
    assert record["generated_tokens"]["total"] == samples["token_count"].sum()
    assert record["truncated"] == truncated.sum()
    assert (record["backend"], record["dtype"]) == ("transformers", "float32")
    assert record["this_run"]["rows"] == 9
    assert not (tmp_path / "store" / "work" / KEY).exists()
    # A job that is run again leaves the artefact as it is.
    with pytest.raises(SystemExit) as exit_status:
        run_command(PROBLEMS)
    assert exit_status.value.code == 0
    assert "already made" in capsys.readouterr().out


def test_the_samples_of_a_problem_do_not_change_when_others_come_or_go(
    run_command: Callable[..., pd.DataFrame],
) -> None:
    columns = ["problem_id", "sample_index", "response"]
    many = run_command(PROBLEMS)[columns]
    one = run_command(PROBLEMS[1:2], "store of one", k=2)[columns]
    kept = many[(many["problem_id"] == "a") & (many["sample_index"] < 2)]
    assert one.values.tolist() == kept.values.tolist()
    reseeded = run_command(PROBLEMS[1:2], "store with another seed", k=2, seed=8)
    assert set(reseeded["response"]).isdisjoint(one["response"])


@pytest.mark.parametrize(
    ("problems", "params", "message"),
    [
        ([], {}, r"problems\.parquet: has no problems; expected at least one"),
        (PROBLEMS, {"max_tokens": 1024}, r"the model has 1024 positions, but .* may take"),
    ],
)
def test_what_cannot_be_generated_ends_the_command_with_one_clear_message(
    run_command: Callable[..., pd.DataFrame],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    problems: list[tuple[str, str]],
    params: dict,
    message: str,
) -> None:
    import re

    with pytest.raises(SystemExit) as exit_status:
        run_command(problems, **params)
    assert exit_status.value.code == 1
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / "store" / "samples").exists()
