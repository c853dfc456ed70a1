"""A teacher behind vLLM's own server, reached through a proxy that breaks many requests."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from cotdistil.teaching.answer_log import answer_id
from faulty_proxy import FaultyProxy
from hand_made_store import HandMadeStore
from vllm_server import VllmServer

PARAMS = {
    "backend": "endpoint",
    "model": "smollm2",
    "instruction": None,
    "system": None,
    "temperature": 0.0,
    "top_p": 1.0,
    "max_tokens": 24,
    "seed": 0,
    "extra_body": {},
    "answers": "0" * 20,
    "samples": 1,
    "until_correct": False,
    "shard": 0,
    "shards": 1,
}
SETTINGS = {
    "base_url_env": "OPENAI_BASE_URL",
    "api_key_env": "OPENAI_API_KEY",
    "concurrency": 16,
    "timeout_seconds": 20.0,
    "token_budget": None,
}
QUESTIONS = [f"What is {i} + {i + 1}?" for i in range(40)]
HOPELESS = "What is 7 + 8?"


def write_problems(store: HandMadeStore, label: str, questions: list[str]) -> Path:
    folder = store.artefact("problems", label)
    rows = [
        {"problem_id": f"p{i}", "question": question, "gold": "1"}
        for i, question in enumerate(questions)
    ]
    pd.DataFrame(rows).to_parquet(folder / "problems.parquet")
    return folder


@pytest.mark.slow
def test_every_question_is_answered_or_listed_and_none_twice(
    served_student: VllmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", served_student.api_key)
    store = HandMadeStore(tmp_path)
    problems = write_problems(store, "sums", QUESTIONS)
    with FaultyProxy(served_student.url, share=0.34, seed=1, hopeless=HOPELESS, stall=30) as proxy:
        monkeypatch.setenv("OPENAI_BASE_URL", proxy.url)
        made = store.run("responses", PARAMS, {"problems": problems}, settings=SETTINGS)
    assert made.status == 0, made.text
    assert len(proxy.broken) >= 5, f"only these faults occurred: {proxy.broken}"
    rows = [json.loads(line) for line in (made.folder / "responses.jsonl").open()]
    failed = [json.loads(line) for line in (made.folder / "failed.jsonl").open()]
    ids = [row["id"] for row in rows] + [row["id"] for row in failed]
    assert sorted(ids) == sorted(answer_id(question, 0) for question in QUESTIONS)
    assert [row["id"] for row in failed] == [answer_id(HOPELESS, 0)]
    assert "gave up after 6 attempts" in failed[0]["error"]
    assert all(row["text"] and row["completion_tokens"] <= 24 for row in rows)
    assert {row["finish_reason"] for row in rows} <= {"stop", "length"}
    # What was answered whole was not asked again.
    assert set(proxy.answered.values()) == {1}
    assert made.record["dropped"] == {"request failed": 1}

    # With one problem more, and the way clear, only what has no answer yet is asked.
    monkeypatch.setenv("OPENAI_BASE_URL", served_student.url)
    more = write_problems(store, "more sums", [*QUESTIONS, "What is 3 + 3?"])
    again = store.run("responses", PARAMS, {"problems": more}, settings=SETTINGS)
    assert again.status == 0, again.text
    assert (again.record["requests"], again.record["reused"]) == (2, 39)
    assert again.record["rows_out"] == 41
