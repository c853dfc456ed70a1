"""Traces of kind `generated`: what a model or an endpoint answered, shard by shard."""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import count

from cotdistil.job import Job
from cotdistil.records import read_record
from cotdistil.response_formats import CAME_TO_ITS_END, normalise_response
from cotdistil.teaching.answer_log import FAILED, LOG, AnswerArchive, answer_id


def write_corpus(job: Job, problems: list[dict], dropped: Counter[str]) -> Iterator[dict]:
    """The answers to each problem, in the problems' order."""
    shards = job.parent_list("responses")
    failed = set()
    for shard in shards:
        with (shard / FAILED).open() as lines:
            failed |= {json.loads(line)["id"] for line in lines}
    with contextlib.closing(AnswerArchive((shard / LOG).open("rb") for shard in shards)) as answers:
        for problem in problems:
            for sample in count():
                id_ = answer_id(problem["question"], sample)
                if id_ in failed:
                    dropped["request failed"] += 1
                elif id_ in answers:
                    yield _trace(problem, sample, answers.row(id_))
                else:
                    break


def _trace(problem: dict, sample: int, row: dict) -> dict:
    response = normalise_response(row["text"], row["thinking"])
    reason = row["finish_reason"]
    return {
        "problem_id": problem["problem_id"],
        "question": problem["question"],
        "gold": problem["gold"],
        "sample_index": sample,
        "response": response.text,
        "original": None if response.text == row["text"] else row["text"],
        "finish_reason": reason,
        "complete": CAME_TO_ITS_END.get(reason),
    }


def describe(job: Job) -> dict:
    """What it took, summed over the shards."""
    records = [read_record(shard) for shard in job.parent_list("responses")]
    totals = ("requests", "reused", "prompt_tokens", "completion_tokens", "seconds")
    return {"generation": {name: sum(record[name] for record in records) for name in totals}}
