"""The command that lets a teacher answer: nothing that was answered is lost, or asked twice."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from chat_server import ChatServer, Fault, chunk, refusal
from cotdistil.job import Job
from cotdistil.teaching.answer_log import LOG
from hand_made_store import SCRIPTS, HandMadeStore, Outcome

PARAMS = {
    "backend": "endpoint",
    "model": "m",
    "extra_body": {},
    "instruction": None,
    "system": None,
    "temperature": 0.6,
    "top_p": 0.95,
    "max_tokens": 512,
    "seed": 0,
    "answers": "0" * 20,
    "samples": 1,
    "until_correct": False,
    "shard": 0,
    "shards": 1,
}
SETTINGS = {
    "base_url_env": "OPENAI_BASE_URL",
    "api_key_env": "OPENAI_API_KEY",
    "concurrency": 4,
    "timeout_seconds": 20,
    "token_budget": None,
}
# The store's folder stands in for results/store of a checkout.
RESULTS = "results"


class Teacher:
    """A store with ten problems, and the command on it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch):
        self.store = HandMadeStore(folder / RESULTS)
        self.patch = patch
        rows = [{"problem_id": f"p{i}", "question": f"<{i}>", "gold": str(i)} for i in range(10)]
        self.problems = self.set_of("ten", rows)

    def set_of(self, label: str, rows: list[dict]) -> Path:
        folder = self.store.artefact("problems", label)
        columns = ["problem_id", "question", "gold"]
        pd.DataFrame(rows, columns=columns, dtype=str).to_parquet(folder / "problems.parquet")
        return folder

    def asked(self, server: ChatServer, problems: Path | None = None, **params: object) -> Outcome:
        """Run the command; `server` answers."""
        self.patch.setenv("OPENAI_BASE_URL", server.url)
        parents = {"problems": problems or self.problems}
        return self.store.run("responses", PARAMS | params, parents, settings=SETTINGS)

    def corpus(self, *responses: Path, problems: Path | None = None) -> Outcome:
        params = {"kind": "generated", "fallback": []}
        parents = {"problems": problems or self.problems, "responses": list(responses)}
        return self.store.run("corpora", params, parents)

    def clean_store(self, *arguments: str) -> str:
        (self.store.root / "manifests").mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, str(SCRIPTS / "clean_store.py"), *arguments],
            cwd=self.store.root.parent.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Teacher:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Teacher(tmp_path, monkeypatch)


def texts(made: Outcome) -> dict[str, str]:
    assert made.status == 0, made.text
    rows = [json.loads(line) for line in (made.folder / LOG).open()]
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row["text"] for row in rows}


# --- a job that ends badly ------------------------------------------------------------------------


def on_a_full_disk(job: Job, record: dict) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def as_if_killed(job: Job, record: dict) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("stop", [on_a_full_disk, as_if_killed])
def test_a_job_that_ends_while_it_publishes_keeps_every_answer(
    teacher: Teacher, stop: Callable
) -> None:
    with ChatServer(str) as server:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Job, "publish", stop)
            if stop is as_if_killed:
                with pytest.raises(KeyboardInterrupt):
                    teacher.asked(server)
            else:
                assert "no space left" in teacher.asked(server).text
        assert len(server.prompts()) == 10
        made = teacher.asked(server)
        assert len(texts(made)) == 10
        assert len(server.prompts()) == 10
    assert made.record["requests"] == 10
    assert not (teacher.store.root / "work" / made.folder.name).exists()


# --- asking again ---------------------------------------------------------------------------------


def test_what_failed_is_asked_again_when_told_to_and_nothing_else(teacher: Teacher) -> None:
    with ChatServer(str.upper, {"<3>": [refusal(400)], "<5>": [refusal(400)]}) as server:
        first = teacher.asked(server)
        assert len(texts(first)) == 8
        address = f"responses/{first.folder.name}"
        assert f"'clean_store.py --ask-again {address}'" in first.text
        corpus = teacher.corpus(first.folder)
        assert corpus.record["dropped"] == {"request failed": 2}
        teacher.clean_store("--ask-again", address)
        assert not first.folder.exists()
        assert not corpus.folder.exists()
        before = len(server.prompts())
        again = teacher.asked(server)
        assert sorted(server.prompts()[before:]) == ["<3>", "<5>"]
    assert len(texts(again)) == 10
    assert teacher.corpus(again.folder).record["rows_out"] == 10


def test_problems_that_are_made_again_ask_nothing_again(teacher: Teacher) -> None:
    with ChatServer(str.upper) as server:
        first = texts(teacher.asked(server))
        teacher.clean_store("--remake", f"problems/{teacher.problems.name}")
        rows = [{"problem_id": f"q{i}", "question": f"<{i}>", "gold": "1"} for i in range(1, 11)]
        assert teacher.set_of("ten", rows) == teacher.problems
        again = teacher.asked(server)
        assert server.prompts()[10:] == ["<10>"]
        assert texts(again).items() > first.items()
    assert teacher.corpus(again.folder).record["rows_out"] == 10


def test_answers_that_are_made_again_are_new_ones_also_where_others_have_them(
    teacher: Teacher,
) -> None:
    with ChatServer(str.upper) as server:
        one = teacher.asked(server)
        two = teacher.asked(server, samples=2)
        assert len(server.prompts()) == 20
        teacher.clean_store("--remake", f"responses/{one.folder.name}")
        assert len(texts(teacher.asked(server))) == 10
        assert len(server.prompts()) == 30
        assert len(texts(two)) == 20


def test_fewer_samples_leave_the_others_out_of_the_corpus(teacher: Teacher) -> None:
    with ChatServer(str.upper) as server:
        teacher.asked(server, samples=4)
        fewer = teacher.asked(server, samples=2)
        assert len(server.prompts()) == 40
    assert fewer.record["reused"] == 20
    assert teacher.corpus(fewer.folder).record["rows_out"] == 20


# --- odd questions, odd answers -------------------------------------------------------------------


def test_a_shard_without_problems_is_an_empty_share_of_the_corpus(teacher: Teacher) -> None:
    with ChatServer(str.upper) as server:
        shards = [teacher.asked(server, shard=shard, shards=40) for shard in range(40)]
        assert sorted(server.prompts()) == sorted(f"<{i}>" for i in range(10))
    assert sum(len(texts(shard)) for shard in shards) == 10
    assert min(shard.record["rows_in"] for shard in shards) == 0
    corpus = teacher.corpus(*(shard.folder for shard in shards))
    assert corpus.record["rows_out"] == 10
    assert corpus.record["generation"]["requests"] == 10


def test_a_broken_question_that_is_alone_in_its_shard_is_listed(teacher: Teacher) -> None:
    with ChatServer(str.upper, {"<3>": [refusal(400)] * 40}) as server:
        shards = [teacher.asked(server, shard=shard, shards=40) for shard in range(40)]
    assert sum(len(texts(shard)) for shard in shards) == 9
    assert sum(shard.record["dropped"].get("request failed", 0) for shard in shards) == 1


def test_a_teacher_that_fails_every_question_makes_no_corpus(teacher: Teacher) -> None:
    with ChatServer(str.upper, {"<": [refusal(400, "no such field")] * 10}) as server:
        made = teacher.asked(server)
    assert made.status == 1
    assert "none of 10 questions was answered" in made.text
    assert "no such field" in made.text


def test_questions_of_any_kind_are_answered_and_come_out_as_they_are(teacher: Teacher) -> None:
    questions = ["nul \0 in it", "line\u2028 separator", "x" * 1_000_000, '{"id": "#0"}\n', "é"]
    rows = [{"problem_id": str(i), "question": q, "gold": "1"} for i, q in enumerate(questions)]
    rows.append({"problem_id": "twin", "question": "é", "gold": "2"})
    problems = teacher.set_of("odd", rows)
    with ChatServer(lambda prompt: f"{len(prompt)}: {prompt[:20]}") as server:
        made = teacher.asked(server, problems)
        assert sorted(server.prompts()) == sorted(questions)
    corpus = teacher.corpus(made.folder, problems=problems)
    traces = pd.read_parquet(corpus.folder / "traces.parquet")
    assert list(traces["problem_id"]) == ["0", "1", "2", "3", "4", "twin"]
    assert list(traces["question"]) == [*questions, "é"]


def test_answers_of_any_kind_become_traces(teacher: Teacher) -> None:
    def stream(finish_reason: str, **delta: str) -> list[Fault]:
        return [Fault(events=(chunk(**delta), chunk(finish_reason), "data: [DONE]\n\n"))]

    odd = {
        "<0>": stream("content_filter", content="I"),
        "<1>": stream("tool_calls"),
        "<2>": stream("stop", reasoning="only thought"),
        "<3>": stream("length", content="<think>\nlong"),
        "<4>": stream("half a \ud800 pair", content=r"\boxed{4}"),
    }
    with ChatServer(lambda prompt: rf"\boxed{{{prompt[1]}}}", odd) as server:
        made = teacher.asked(server)
    assert len(texts(made)) == 10
    corpus = teacher.corpus(made.folder)
    assert corpus.status == 0, corpus.text
    traces = pd.read_parquet(corpus.folder / "traces.parquet").set_index("question")
    assert list(traces["correct"]) == [False] * 4 + [True] * 6
    assert list(traces["finish_reason"][:5]) == [
        "content_filter",
        "tool_calls",
        "stop",
        "length",
        "half a ? pair",
    ]
    assert list(traces["complete"][:5]) == [None, None, False, False, None]
    assert traces["response"]["<2>"] == "<think>\nonly thought"
