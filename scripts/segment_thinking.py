"""Let a model say where the steps of each trace's thinking begin.

    python scripts/segment_thinking.py --manifest results/store/manifests/KEY.json \
        --out results/store/steps/KEY/record.json

Writes steps.parquet, a row per row of the training set and in its order: problem_id, row, step_ends
(in characters of the thinking; [] where there is none to cut), by_rule (how many windows have the
rule's steps, because the model was of no help there). The text stays as it is: the model is shown
numbered pieces, a window at a time, and says by their numbers which begin a step. A killed job goes
on with the traces that are not cut yet.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from functools import partial
from pathlib import Path

from typing_extensions import TypedDict

from cotdistil.checked_rows import read_rows
from cotdistil.engines import load_engine
from cotdistil.job import Job, run_job
from cotdistil.parquet_table import count_rows
from cotdistil.pruning.segmentation import STEPS
from cotdistil.pruning.segmenting import Segmenting
from cotdistil.teaching.answer_log import AnswerLog
from cotdistil.teaching.local_model import LocalTeacher

COUNTED = ("windows", "prompt_tokens", "completion_tokens")


class Named(TypedDict):
    """What is copied of a row of the training set."""

    problem_id: str


def main() -> None:
    with run_job(__doc__) as job:
        source = job.parent("training_set") / "train.parquet"
        with AnswerLog(job.work / "traces.jsonl") as log:
            if log.damaged:
                job.tell(f"{log.damaged} damaged lines of an earlier run are asked about again")
            ask(job, source, log)
            record = write_steps(source, log, job.staging / STEPS)
        for reason, count in record["windows_by_rule"].items():
            job.tell(f"{count} of {record['windows']} windows are cut by rule: {reason}")
        job.publish(record)


def ask(job: Job, source: Path, log: AnswerLog) -> None:
    """Cut every trace that is not in the log yet; the windows of all of them are one stream."""
    traces = count_rows(source, "training set")
    segmenting = Segmenting(source, job.params["window"], job.params["seed"], log)
    load = partial(load_engine, job.params["backend"])
    with contextlib.ExitStack() as open_:
        model = open_.enter_context(contextlib.closing(LocalTeacher(job, segmenting.texts(), load)))
        questions = segmenting.questions()
        for answer in open_.enter_context(contextlib.closing(model.answers(questions))):
            segmenting.hear(answer)
            job.progress(len(log), traces, "traces")


def write_steps(source: Path, log: AnswerLog, out: Path) -> dict:
    """Write a row per trace, and return the record."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        {
            "problem_id": pa.string(),
            "row": pa.int64(),
            "step_ends": pa.list_(pa.int64()),
            "by_rule": pa.int64(),
        }
    )
    totals: Counter[str] = Counter()
    by_rule: Counter[str] = Counter()
    with pq.ParquetWriter(out, schema) as writer:
        for batch in read_rows(source, Named, "training set"):
            rows = []
            for row in batch:
                number = totals["rows"]
                trace = log.row(str(number))
                windows_by_rule = sum(trace["by_rule"].values())
                rows.append((row["problem_id"], number, trace["step_ends"], windows_by_rule))
                totals.update({name: trace[name] for name in COUNTED})
                totals.update(rows=1, steps=len(trace["step_ends"]))
                by_rule.update(trace["by_rule"])
            columns = [list(column) for column in zip(*rows, strict=True)]
            writer.write_table(pa.table(columns, schema=schema))
    return {
        "rows": totals["rows"],
        **{name: totals[name] for name in COUNTED},
        "windows_by_rule": dict(by_rule.most_common()),
        "steps": totals["steps"],
    }


if __name__ == "__main__":
    main()
