"""Let a teacher answer one shard of the training problems.

    python scripts/generate_responses.py --manifest results/store/manifests/KEY.json \
        --out results/store/responses/KEY/record.json

Writes responses.jsonl (id, text, thinking, finish_reason, prompt_tokens, completion_tokens, run,
seconds), one line per answer, as soon as it is there, and failed.jsonl (id, error) for questions
without an answer. A killed job goes on where it was; an answer that another job was given for the
same question, by the same teacher in the same way, is taken over.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

from cotdistil.early_cutoff import link_file
from cotdistil.errors import UserError
from cotdistil.gold_answers import gold_of
from cotdistil.grading.extract import extract_answer
from cotdistil.grading.grader import Grader
from cotdistil.job import Job, run_job
from cotdistil.response_formats import normalise_response
from cotdistil.teaching.answer_log import FAILED, LOG, AnswerArchive, AnswerLog, open_known_logs
from cotdistil.teaching.tries import EverySample, Tries, UntilSolved, shard_of


def main() -> None:
    with run_job(__doc__) as job:
        from pyarrow import parquet

        table = job.parent("problems") / "problems.parquet"
        rows = parquet.read_table(table, columns=["question", "gold"]).to_pylist()
        problems = [
            row
            for row in rows
            if shard_of(row["question"], job.params["shards"]) == job.params["shard"]
        ]
        with AnswerLog(job.work / LOG) as log, open_tries(job, problems, log) as tries:
            if log.damaged:
                job.tell(f"{log.damaged} damaged lines of an earlier run are asked again")
            failed = ask(job, log, tries)
            record = describe(log, tries, failed)
        # Not moved: until the artefact is there, `staging` does not survive a kill.
        link_file(job.work / LOG, job.staging / LOG)
        lines = (json.dumps({"id": id_, "error": error}) + "\n" for id_, error in failed.items())
        (job.staging / FAILED).write_text("".join(lines))
        if failed:
            job.tell(
                f"{len(failed)} of {len(tries.wanted)} questions have no answer (listed in"
                f" {FAILED}); 'clean_store.py --ask-again responses/{job.key}' has the next run ask"
                " them again, and only them"
            )
        job.publish(record)


@contextlib.contextmanager
def open_tries(job: Job, problems: list[dict], log: AnswerLog) -> Iterator[Tries]:
    """What is still to be asked; answers that others were given are copied into the log first."""
    params = job.params
    archive = AnswerArchive(open_known_logs(job.store, "responses", job.key, params))

    def known(id_: str) -> dict | None:
        if id_ not in log and id_ in archive:
            log.append({**archive.row(id_), "run": None})
        return log.row(id_) if id_ in log else None

    amount = (problems, params["samples"], params["seed"], known)
    with contextlib.closing(archive):
        if not params["until_correct"]:
            yield EverySample(*amount)
            return
        with Grader(workers=1) as grader:

            def verdicts(answered: list[tuple[dict, str]]) -> list[bool]:
                return solved(answered, grader, params["fallback"])

            yield UntilSolved(*amount, verdicts)


def solved(answered: list[tuple[dict, str]], grader: Grader, fallback: list[str]) -> list[bool]:
    """Which answers are correct and came to their end."""
    responses = [normalise_response(row["text"], row["thinking"]) for row, _ in answered]
    found = [extract_answer(each.text, fallback).text for each in responses]
    golds = [gold_of(gold) for _, gold in answered]
    verdicts = grader.grade_all(zip(golds, found, strict=True))
    return [
        verdict.correct is True and row["finish_reason"] != "length" and each.think != "unclosed"
        for verdict, (row, _), each in zip(verdicts, answered, responses, strict=True)
    ]


def ask(job: Job, log: AnswerLog, tries: Tries) -> dict[str, str]:
    """Take the teacher's answers into the log; returns id -> error of what has none."""
    backend = importlib.import_module(f"cotdistil.teaching.ask_{job.params['backend']}")
    failed: dict[str, str] = {}
    total = len(tries.problems)
    run, spent = earlier_runs(log)
    started = time.monotonic()
    teacher = backend.open_teacher(
        job, [problem["question"] for problem in tries.problems.values()], spent
    )
    with contextlib.closing(teacher), contextlib.closing(teacher.answers(tries)) as answers:
        for answer in answers:
            row = None
            if answer.error is not None:
                failed[answer.id] = answer.error
            else:
                row = {name: value for name, value in asdict(answer).items() if name != "error"}
                row |= {"run": run, "seconds": round(time.monotonic() - started, 2)}
                log.append(row)
            tries.heard(answer.id, row)
            job.progress(tries.finished, total, "problems")
    # One question may be at fault itself; several that all fail are not.
    if len(tries.problems) > 1 and len(failed) == len(tries.wanted):
        raise UserError(
            f"none of {len(failed)} questions was answered; the first failed with:"
            f" {next(iter(failed.values()))}"
        )
    return failed


def earlier_runs(log: AnswerLog) -> tuple[int, int]:
    """The number of this run, and the tokens that earlier ones paid for."""
    last, spent = -1, 0
    for row in log.rows():
        if row["run"] is not None:
            last = max(last, row["run"])
            spent += (row["prompt_tokens"] or 0) + (row["completion_tokens"] or 0)
    return last + 1, spent


def describe(log: AnswerLog, tries: Tries, failed: dict[str, str]) -> dict:
    """The record. Seconds add up over the runs that it took."""
    finish_reasons: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    seconds: dict[int, float] = {}
    reused = 0
    for row in log.rows():
        finish_reasons[row["finish_reason"]] += 1
        for name in ("prompt_tokens", "completion_tokens"):
            tokens[name] += row[name] or 0
        if row["run"] is None:
            reused += 1
        else:
            seconds[row["run"]] = max(seconds.get(row["run"], 0.0), row["seconds"])
    dropped = {"request failed": len(failed)} if failed else {}
    # A try may be there that is no longer needed: one before it failed once, and not again.
    wanted = {*tries.wanted, *log.ids()}
    if wanted - set(log.ids()) != set(failed):
        raise AssertionError(f"{len(wanted)} wanted, {len(log)} there, {len(failed)} failed")
    return {
        "rows_in": len(wanted),
        "rows_out": len(log),
        "dropped": dropped,
        "problems": len(tries.problems),
        "requests": len(log) - reused + len(failed),
        "reused": reused,
        "prompt_tokens": tokens["prompt_tokens"],
        "completion_tokens": tokens["completion_tokens"],
        "seconds": round(sum(seconds.values()), 2),
        "finish_reasons": dict(finish_reasons.most_common()),
    }


if __name__ == "__main__":
    main()
