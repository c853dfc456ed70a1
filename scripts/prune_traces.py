"""Shorten each trace to what the student still needs to come to the answer.

    python scripts/prune_traces.py --manifest results/store/manifests/KEY.json \
        --out results/store/pruned/KEY/record.json

The on-policy pruning of arXiv 2505.18440, with its binary cutting and other ways to search: one
engine call validates one candidate of every open trace. A trace from whose full thinking the
student does not come to the answer is dropped, or kept as it is. What the student answers is
written down at once: a killed job goes on from there, and no other job asks it the same again.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.early_cutoff import link_file
from cotdistil.errors import UserError
from cotdistil.job import Job, run_job
from cotdistil.pruning.answer_grader import AnswerGrader
from cotdistil.pruning.answer_steps import first_answer_step
from cotdistil.pruning.cutters import OVER_CONTEXT
from cotdistil.pruning.cutters.start import Facts, make_cutter
from cotdistil.pruning.kept_shares import read_shares
from cotdistil.pruning.on_policy import OnPolicyValidation
from cotdistil.pruning.outcome import (
    add_up,
    make_record,
    merge,
    pruned_row,
    round_rows,
    table_schemas,
    trace_summary,
)
from cotdistil.pruning.pairs import PairMaker
from cotdistil.pruning.rounds import Pruned, search_all
from cotdistil.pruning.segmentation import StepsFile
from cotdistil.pruning.traces import Trace, count_tokens, measure, read_traces
from cotdistil.records import read_record
from cotdistil.store import VALIDATIONS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHUNK_TRACES = 8192
"""Traces held at a time: enough to fill an engine, few enough to hold. It decides no result."""


def main() -> None:
    with run_job(__doc__) as job:
        from transformers import AutoTokenizer

        source = job.parent("training_set") / "train.parquet"
        tokenizer = AutoTokenizer.from_pretrained(job.parent("model"))
        tokens, longest = measure(source, tokenizer)
        validation = OnPolicyValidation(job, tokenizer, longest, sum(tokens))
        with contextlib.closing(validation):
            record = prune(job, validation, tokenizer, source, tokens)
        made = read_record(source.parent)
        record["sources"] = made.get("sources", {})
        if not record["rows_out"]:
            raise UserError(
                f"{source}: found {len(tokens)} traces, of which pruning leaves none"
                f" ({record['dropped']}); expected at least one; {_advice(record['dropped'])}"
            )
        # Not moved: until the artefact is there, `staging` does not survive a kill.
        if validation.asks:
            link_file(job.work / VALIDATIONS, job.staging / VALIDATIONS)
        job.publish(record)


def _advice(dropped: dict[str, int]) -> str:
    if set(dropped) == {OVER_CONTEXT}:
        return "take shorter traces, a student with a longer context, or 'invalid: keep'"
    return "try another prompt_style or lead_in, or 'invalid: keep'"


def prune(
    job: Job,
    validation: OnPolicyValidation,
    tokenizer: PreTrainedTokenizerBase,
    source: Path,
    tokens: list[int],
) -> dict:
    """Write the payload, chunk by chunk, and return the record."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cotdistil.training.end_of_turn import end_of_turn_id

    schemas = table_schemas(pq.read_schema(source))
    step_ends = StepsFile(job.parent("steps")) if "steps" in job.manifest["parents"] else None
    shares = _shares(job)
    cutter = make_cutter(job.params)
    pairs = PairMaker(
        tokenizer,
        job.params["question_instruction"],
        tokenizer.convert_ids_to_tokens(end_of_turn_id(tokenizer)),
    )
    totals: Counter[str] = Counter()
    done = 0
    with contextlib.ExitStack() as files:
        writers = {
            name: files.enter_context(pq.ParquetWriter(job.staging / f"{name}.parquet", schema))
            for name, schema in schemas.items()
        }
        for traces in read_traces(source, tokens, CHUNK_TRACES, step_ends):
            facts = _find_facts(traces, validation.grader, job.threads, shares)
            pruned = search_all(
                [cutter(each) for each in facts],
                [trace.tokens for trace in traces],
                validation.room,
                partial(validation.known, traces),
                partial(validation.check, traces),
                partial(_tell_progress, job, done, len(tokens)),
            )
            tables = _tables(traces, facts, pruned, job.params, pairs)
            for name, rows in tables.items():
                writers[name].write_table(pa.Table.from_pylist(rows, schema=schemas[name]))
            more = add_up(tables["traces"], tables["rounds"], len(tables["pairs"]))
            more["answers_of_other_jobs"] = sum(
                len(check.answers) for each in pruned for check in each.checks if check.call is None
            )
            totals = merge(totals, more)
            done += len(traces)
    totals["engine_calls"] = validation.calls
    return make_record(len(tokens), totals)


def _find_facts(
    traces: list[Trace], grader: AnswerGrader, threads: int, shares: list[float | None] | None
) -> list[Facts]:
    def find(trace: Trace) -> Facts:
        row = trace.row
        return Facts(
            trace.steps,
            first_answer_step(trace.steps, row["gold"], row["question"], grader),
            None if shares is None else shares[trace.number],
            grader.can_read(row["gold"]),
        )

    with ThreadPoolExecutor(threads) as pool:  # while algebra's processes work
        return list(pool.map(find, traces))


def _tables(
    traces: list[Trace], facts: list[Facts], pruned: list[Pruned], params: dict, pairs: PairMaker
) -> dict[str, list[dict]]:
    """The rows of each file of the payload."""
    conclusion = params.get("conclusion", "teacher")
    left = [pruned_row(*each, conclusion) for each in zip(traces, pruned, strict=True)]
    lengths = iter(count_tokens([row["response"] for row in left if row], pairs.tokenizer))
    after = [None if row is None else next(lengths) for row in left]
    rows = list(zip(traces, facts, pruned, left, after, strict=True))
    return {
        "train": [row for row in left if row],
        "traces": [
            trace_summary(trace, search, known.first_answer_step, length)
            for trace, known, search, _, length in rows
        ],
        "rounds": [row for each in zip(traces, pruned, strict=True) for row in round_rows(*each)],
        "pairs": [
            pairs.make(trace.row, row, (length, trace.tokens))
            for trace, _, search, row, length in rows
            if row and search.outcome.kept != trace.whole() and not row.get("unfinished")
        ],
    }


def _shares(job: Job) -> list[float | None] | None:
    if job.params["cutter"] != "random":
        return None
    return read_shares(job.parent("like") / "traces.parquet", job.params["seed"])


def _tell_progress(job: Job, before: int, total: int, finished: int) -> None:
    job.progress(before + finished, total, "traces")


if __name__ == "__main__":
    main()
