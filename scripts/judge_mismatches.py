"""Ask a language model about every graded answer that the rule calls wrong.

    OPENAI_BASE_URL=http://127.0.0.1:8000/v1 python scripts/judge_mismatches.py \
        --manifest results/store/manifests/KEY.json \
        --out results/store/judgements/KEY/record.json

Writes judgements.parquet: problem_id, sample_index, judge (true, false, or null where there is no
verdict), judge_reply, error, prompt_tokens, completion_tokens. A killed job goes on where it was.
"""

from collections import Counter
from pathlib import Path

from cotdistil.gold_answers import gold_of
from cotdistil.graded_answers import count_rows, graded_answers
from cotdistil.grading.second_opinions.judge import Mismatch, judge_mismatches
from cotdistil.grading.second_opinions.judgements import read_judgements
from cotdistil.job import run_job


def main() -> None:
    with run_job(__doc__) as job:
        import pyarrow as pa
        import pyarrow.parquet as pq

        from cotdistil.engines.openai_compatible import OpenAICompatibleClient

        scores = job.parent("scores") / "scores.parquet"
        left_out: Counter[str] = Counter()
        wrong = wrong_answers(scores, left_out)
        mismatches = with_questions(wrong, job.parent("problems") / "problems.parquet")
        done = job.work / "judgements.jsonl"
        if mismatches:
            judge_mismatches(
                mismatches,
                OpenAICompatibleClient(
                    job.settings["base_url_env"],
                    job.settings["api_key_env"],
                    concurrency=job.settings["concurrency"],
                ),
                model=job.params["model"],
                max_tokens=job.params["max_tokens"],
                done=done,
                on_progress=lambda count: job.progress(count, len(mismatches), "answers"),
            )
        judgements = read_judgements(done)
        found = [judgements[mismatch.id] for mismatch in mismatches]
        table = pa.table(
            {
                "problem_id": pa.array([row["problem_id"] for row in wrong], pa.string()),
                "sample_index": pa.array([row["sample_index"] for row in wrong], pa.int32()),
                "judge": pa.array([each.correct for each in found], pa.bool_()),
                "judge_reply": pa.array([each.reply for each in found], pa.string()),
                "error": pa.array([each.error for each in found], pa.string()),
                "prompt_tokens": pa.array([each.prompt_tokens for each in found], pa.int64()),
                "completion_tokens": pa.array(
                    [each.completion_tokens for each in found], pa.int64()
                ),
            }
        )
        pq.write_table(table, job.staging / "judgements.parquet")
        rows_in = count_rows(scores)
        assert rows_in == len(found) + left_out.total()
        verdicts = Counter(each.correct for each in found)
        job.publish(
            {
                "rows_in": rows_in,
                "rows_out": len(found),
                "dropped": dict(sorted(left_out.items())),
                "right": verdicts[True],
                "wrong": verdicts[False],
                "without_a_verdict": verdicts[None],
                "prompt_tokens": sum(each.prompt_tokens for each in found),
                "completion_tokens": sum(each.completion_tokens for each in found),
            }
        )


def wrong_answers(scores: Path, left_out: Counter[str]) -> list[dict]:
    """The rows of scores.parquet whose graded answer is wrong by the rule."""
    rows = [row for batch in graded_answers(scores, left_out) for row in batch]
    wrong = [row for row in rows if not row["correct"]]
    left_out["right by the rule"] = len(rows) - len(wrong)
    return wrong


def with_questions(wrong: list[dict], problems: Path) -> list[Mismatch]:
    """What the judge is asked, in the order of `wrong`."""
    import pyarrow.parquet as pq

    table = pq.read_table(problems, columns=["problem_id", "question"]).to_pylist()
    questions = {row["problem_id"]: row["question"] for row in table}
    return [
        Mismatch(
            id=f"{row['sample_index']} of {row['problem_id']}",
            question=questions[row["problem_id"]],
            gold=gold_of(row["gold"]),
            answer=row["extracted"],
        )
        for row in wrong
    ]


if __name__ == "__main__":
    main()
