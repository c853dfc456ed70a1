"""A corpus of a data set on the hub, in the schema of OpenR1-Math-220k, over a bad connection."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyarrow import Table

from hand_made_store import HandMadeStore
from hub_server import Faults, HubServer

PROBLEMS = 300
COLUMNS = {"question": "problem", "response": "generations", "thinking": None}
COLUMNS |= {"correct": "correctness_math_verify", "complete": "is_reasoning_complete"}


def openr1(count: int) -> bytes:
    """Rows with two generations each: the second is wrong, and of every tenth it is cut."""
    draw = random.Random(0)
    rows = []
    for i in range(count):
        noise = draw.randbytes(1000).hex()
        cut = i % 10 == 0
        rows.append(
            {
                "problem": f"What is {i} + {i}?",
                "solution": "Add.",
                "answer": str(2 * i),
                "generations": [
                    f"<think>\n{noise}\n</think>\n\nIt is \\boxed{{{2 * i}}}.",
                    f"<think>\n{noise}" if cut else f"<think>{noise}</think>\\boxed{{1}}",
                ],
                "correctness_math_verify": [True, False],
                "is_reasoning_complete": [True, not cut],
            }
        )
    file = io.BytesIO()
    pq.write_table(Table.from_pylist(rows), file, row_group_size=50)
    return file.getvalue()


def test_a_corpus_comes_whole_from_a_hub_whose_connection_breaks_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = openr1(PROBLEMS)
    with HubServer() as hub:
        revision = hub.add("open-r1/OpenR1-Math-220k", {"train.parquet": content})
        hub.faults["train.parquet"] = Faults(broken_after=[len(content) // 2])
        for name, value in {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}.items():
            monkeypatch.setenv(name, value)
        store = HandMadeStore(tmp_path)
        source = {"kind": "hub", "dataset": "open-r1/OpenR1-Math-220k", "revision": revision}
        source |= {"config": None, "split": "train"}
        params = source | {"question": "problem", "answer": "answer", "id": None, "limit": None}
        problems = store.run("problems", params, own_process=True)
        assert problems.status == 0, problems.text
        params = source | COLUMNS | {"finish_reason": None, "where": {}, "fallback": []}
        corpus = store.run(
            "corpora", params, {"problems": problems.folder}, own_process=True, timeout=300
        )
        assert corpus.status == 0, corpus.text
        begins = hub.content_requests("train.parquet")
    # The first connection broke; the second asked for the rest, and the corpus for nothing.
    assert len(begins) == 2
    assert begins[0] == 0
    assert 0 < begins[1] <= len(content) // 2
    assert problems.record["rows_out"] == PROBLEMS
    assert corpus.record["rows_in"] == corpus.record["rows_out"] == 2 * PROBLEMS
    assert corpus.record["correct"] == PROBLEMS
    traces = pq.read_table(corpus.folder / "traces.parquet").to_pandas()
    assert traces["sample_index"].tolist() == [0, 1] * PROBLEMS
    assert (~traces["complete"].astype(bool)).sum() == PROBLEMS // 10
    # The canonical form has its line breaks; what was written otherwise is kept beside it.
    assert traces["original"].isna().sum() == PROBLEMS + PROBLEMS // 10
    assert traces["response"].str.startswith("<think>\n").all()
