"""Every sample of a benchmark gets one score, and the record counts them."""

import pyarrow as pa
import pyarrow.parquet as pq

from hand_made_store import HandMadeStore, Outcome
from score_samples import BATCH_ROWS

PARAMS = {
    "timeout_seconds": 5.0,
    "relative_tolerance": None,
    "algebra": True,
    "fallback": [],
    "score_truncated": False,
}
# (response, finish_reason); the gold answer is 12
RIGHT = ("<think>\nit is 11\n</think>\n\nSo \\boxed{12.0}.", "stop")
WRONG = (r"\boxed{13}", "stop")
UNBOXED = ("The answer is 12.", "stop")
CUT_AFTER_BOX = (r"\boxed{12} and let me", "length")
CUT_WHILE_THINKING = (r"<think>\boxed{12} but wait", "length")
ECHO = (r"\boxed{8+4}", "stop")
HOSTILE = (r"\boxed{__import__('os').system('touch touched')}", "stop")


def table(responses, gold="12"):
    return pa.table(
        {
            "problem_id": [f"p{number // 2}" for number in range(len(responses))],
            "question": ["How many?"] * len(responses),
            "gold": [gold] * len(responses),
            "sample_index": pa.array([n % 2 for n in range(len(responses))], pa.int32()),
            "response": [text for text, _ in responses],
            "token_count": pa.array(range(len(responses)), pa.int32()),
            "finish_reason": [reason for _, reason in responses],
        }
    )


def run(folder, samples: pa.Table, own_process: bool = False, **params) -> Outcome:
    """Score `samples` in a store of their own under `folder`."""
    store = HandMadeStore(folder)
    parent = store.artefact("samples", "greedy")
    pq.write_table(samples, parent / "samples.parquet")
    return store.run("scores", PARAMS | params, {"samples": parent}, own_process=own_process)


def scored(outcome: Outcome) -> list[dict]:
    assert outcome.status == 0, outcome.text
    return pq.read_table(outcome.folder / "scores.parquet").to_pylist()


def column(rows: list[dict], name: str) -> list:
    return [row[name] for row in rows]


def test_each_sample_is_scored_and_what_spoiled_it_is_flagged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    responses = [RIGHT, WRONG, UNBOXED, CUT_AFTER_BOX, CUT_WHILE_THINKING, ECHO, HOSTILE]
    outcome = run(tmp_path, table(responses), own_process=True)
    rows = scored(outcome)
    assert column(rows, "correct") == [True, False, False, False, False, True, False]
    assert column(rows, "truncated") == [False, False, False, True, True, False, False]
    assert column(rows, "unparsed") == [False, False, True, False, True, False, False]
    assert column(rows, "extracted")[:5] == ["12.0", "13", None, "12", None]
    assert column(rows, "tier")[:6] == ["numeric", "numeric", "none", "none", "none", "symbolic"]
    record = outcome.record
    assert (record["rows_in"], record["rows_out"], record["dropped"]) == (7, 7, {})
    assert record["tiers"] == {"exact": 1, "none": 3, "numeric": 2, "symbolic": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["store"], "an answer was run"


def test_truncated_samples_fallbacks_and_echoes_score_as_the_config_says(tmp_path):
    responses = table([UNBOXED, CUT_AFTER_BOX, CUT_WHILE_THINKING, ECHO])
    asked = {"score_truncated": True, "fallback": ["final_answer"], "algebra": False}
    rows = scored(run(tmp_path, responses, **asked))
    assert column(rows, "correct") == [True, True, False, False]
    assert column(rows, "truncated") == [False, True, True, False]
    assert column(rows, "unparsed") == [False, False, True, False]


def test_no_row_is_lost_moved_or_changed_in_a_benchmark_larger_than_a_batch(tmp_path):
    samples = table([RIGHT, WRONG, CUT_AFTER_BOX] * (BATCH_ROWS // 3 + 5))
    outcome = run(tmp_path, samples)
    rows = scored(outcome)
    assert len(rows) > BATCH_ROWS
    copied = ["problem_id", "sample_index", "gold", "token_count"]
    assert pq.read_table(outcome.folder / "scores.parquet", columns=copied) == samples.select(
        copied
    )
    assert column(rows, "correct") == [True, False, False] * (len(rows) // 3)
    counts = outcome.record
    assert counts["rows_in"] == counts["rows_out"] == sum(counts["tiers"].values()) == len(rows)


def test_a_gold_answer_that_cannot_be_read_is_wrong_and_the_row_says_why(tmp_path):
    (row,) = scored(run(tmp_path, table([RIGHT], gold=r"\foo{3}")))
    assert row["correct"] is False
    assert "gold cannot be read" in row["error"]


def test_any_of_several_gold_answers_is_right(tmp_path):
    rows = scored(run(tmp_path, table([RIGHT, WRONG], gold='any of: ["11", "12"]')))
    assert column(rows, "correct") == [True, False]


def test_samples_without_a_column_stop_the_command_by_name_and_publish_nothing(tmp_path):
    outcome = run(tmp_path, table([RIGHT]).drop_columns(["finish_reason"]))
    assert outcome.status == 1
    assert "samples.parquet: has no column finish_reason; expected" in outcome.text
    assert not outcome.folder.exists()
