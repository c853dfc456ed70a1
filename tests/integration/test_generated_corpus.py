"""A corpus that a model writes here: killed again and again, it is what it would have been."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from cotdistil.teaching.answer_log import LOG
from hand_made_store import HandMadeStore

PARAMS = {
    "backend": "transformers",
    "precision": "float32",
    "instruction": None,
    "system": None,
    "temperature": 0.0,
    "top_p": 1.0,
    "max_tokens": 400,
    "seed": 0,
    "answers": "0" * 20,
    "samples": 1,
    "until_correct": False,
    "shard": 0,
    "shards": 1,
}
PROBLEMS = 150


def make_store(folder: Path, student: Path) -> tuple[HandMadeStore, dict[str, Path]]:
    store = HandMadeStore(folder)
    problems = store.artefact("problems", "sums")
    rows = [
        {"problem_id": f"p{i}", "question": f"What is {i} + {i}?" + " Why?" * (i % 7), "gold": "1"}
        for i in range(PROBLEMS)
    ]
    pd.DataFrame(rows).to_parquet(problems / "problems.parquet")
    model = store.artefact("models", "tiny")
    for file in student.iterdir():
        (model / file.name).symlink_to(file)
    return store, {"problems": problems, "model": model}


def corpus_of(store: HandMadeStore, problems: Path, responses: Path) -> list[dict]:
    params = {"kind": "generated", "fallback": []}
    made = store.run("corpora", params, {"problems": problems, "responses": [responses]})
    assert made.status == 0, made.text
    assert made.record["rows_out"] == PROBLEMS
    return pq.read_table(made.folder / "traces.parquet").to_pylist()


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_a_generation_that_is_killed_ends_in_the_corpus_of_an_undisturbed_one(
    tiny_student: Path, tmp_path: Path, kills: int
) -> None:
    store, parents = make_store(tmp_path / "undisturbed", tiny_student)
    undisturbed = store.run("responses", PARAMS, parents, settings={}, own_process=True)
    assert undisturbed.status == 0, undisturbed.text
    expected = corpus_of(store, parents["problems"], undisturbed.folder)

    store, parents = make_store(tmp_path / "killed", tiny_student)
    command, folder = store.plan("responses", PARAMS, parents, settings={})
    log = store.root / "work" / folder.name / LOG
    order = random.Random(kills)
    killed = 0
    while not folder.exists():
        before = log.read_bytes() if log.exists() else b""
        rows = before.count(b"\n")
        process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
        if killed < kills:
            left = max(2, (PROBLEMS - rows) // (kills - killed + 1))
            wait_for_rows(process, log, rows + order.randrange(1, left))
            process.kill()
        assert process.wait() in (0, -9)
        if not folder.exists():
            killed += 1
            whole = before[: before.rindex(b"\n") + 1] if rows else b""
            # What was whole is still there: it is not generated again.
            assert log.read_bytes().startswith(whole)
    assert killed == kills
    written = [json.loads(line) for line in (folder / LOG).open()]
    assert len({row["id"] for row in written}) == len(written) == PROBLEMS
    assert len({row["run"] for row in written}) == kills + 1
    assert corpus_of(store, parents["problems"], folder) == expected


def wait_for_rows(process: subprocess.Popen, log: Path, rows: int) -> None:
    """Until the log has so many rows, or the process ends."""
    while process.poll() is None:
        if log.exists() and log.read_bytes().count(b"\n") >= rows:
            return
        time.sleep(0.01)
