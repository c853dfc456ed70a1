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
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.early_cutoff import link_file
from cotdistil.engines import Sampling, count_positions, load_engine
from cotdistil.errors import UserError
from cotdistil.job import Job, run_job
from cotdistil.pruning.answer_grader import AnswerGrader
from cotdistil.pruning.answer_steps import first_answer_step
from cotdistil.pruning.cutters import OVER_CONTEXT
from cotdistil.pruning.cutters.start import VALIDATING, Facts, make_cutter
from cotdistil.pruning.kept_shares import read_shares
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
from cotdistil.pruning.rounds import Asked, Check, Pruned, search_all
from cotdistil.pruning.segmentation import read_step_ends
from cotdistil.pruning.student import Student, show
from cotdistil.pruning.traces import Trace, count_tokens, measure, read_traces
from cotdistil.pruning.validation import ValidationPrompt
from cotdistil.pruning.validator import Validator
from cotdistil.store import VALIDATIONS
from cotdistil.teaching.answer_log import AnswerArchive, AnswerLog, open_known_logs

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHUNK_TRACES = 8192
"""Traces held at a time: enough to fill an engine, few enough to hold. It decides no result."""
SEAMS = 32  # tokens that a prompt may have beyond those of its parts


def main() -> None:
    with run_job(__doc__) as job:
        from transformers import AutoTokenizer

        source = job.parent("training_set") / "train.parquet"
        tokenizer = AutoTokenizer.from_pretrained(job.parent("model"))
        tokens, longest = measure(source, tokenizer)
        validation = Validation(job, tokenizer, longest, sum(tokens))
        with contextlib.closing(validation):
            record = prune(job, validation, tokenizer, source, tokens)
        made = json.loads((source.parent / "record.json").read_text())
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


class Validation:
    """What a job asks the student, or nothing at all where its cutter does not.

    longest: tokens of the longest question and response together; all_tokens: of all responses.
    """

    def __init__(self, job: Job, tokenizer: PreTrainedTokenizerBase, longest: int, all_tokens: int):
        self.asks = job.params["cutter"] in VALIDATING
        self._open = contextlib.ExitStack()
        self.grader = self._open.enter_context(AnswerGrader(job.threads))
        if not self.asks:
            return
        params = job.params
        prompt = ValidationPrompt(
            params["prompt_style"],
            params["lead_in"],
            params.get("question_instruction"),
            params.get("instruction"),
        )
        self._student = self._open.enter_context(
            open_student(job, tokenizer, prompt, longest, all_tokens)
        )
        log = self._open.enter_context(AnswerLog(job.work / VALIDATIONS))
        others = AnswerArchive(open_known_logs(job.store, "pruned", job.key, params))
        self._open.callback(others.close)
        self._validator = Validator(
            self._student, prompt, params["agreement"], self.grader, log, others
        )

    def close(self) -> None:
        self._open.close()

    @property
    def calls(self) -> int:
        return self._validator.calls if self.asks else 0

    def room(self) -> int | None:
        """Tokens that the engine's prefix cache holds; None where it has none. Loads the model."""
        return self._student.engine.cache_tokens if self.asks else None

    def known(self, traces: list[Trace], asked: Asked) -> Check | None:
        """The verdict on what a search asks, if the student was asked that before."""
        return self._validator.known(show(traces, asked))

    def check(self, traces: list[Trace], asked: list[Asked]) -> list[Check]:
        """The verdicts on what the searches in `traces` ask."""
        return self._validator.check([show(traces, each) for each in asked])


def open_student(
    job: Job,
    tokenizer: PreTrainedTokenizerBase,
    prompt: ValidationPrompt,
    longest: int,
    all_tokens: int,
) -> Student:
    """The student; its engine has room for the longest trace, or for as much as it takes."""
    params, model = job.params, job.parent("model")
    sampling = Sampling(params["max_tokens"], params["temperature"], params["top_p"])
    max_context = longest + len(prompt.render(tokenizer, "", "")) + SEAMS + sampling.max_tokens
    positions = count_positions(model)
    if positions is not None and positions <= sampling.max_tokens:
        raise UserError(
            f"{model}: found {positions} positions, and max_tokens is {sampling.max_tokens};"
            " expected room for a prompt; set prune.max_tokens lower"
        )
    max_context = min(max_context, positions or max_context)
    load = partial(
        load_engine,
        params["backend"],
        model,
        precision=params["precision"],
        max_context=max_context,
        threads=job.threads,
        gpus=job.gpus,
        gpu_memory_share=job.settings.get("gpu_memory_share"),
        cache_tokens=all_tokens,
    )
    samples, seed = params["samples_per_check"], params["seed"]
    return Student(load, tokenizer, prompt, sampling, samples, seed, max_context)


def prune(
    job: Job,
    validation: Validation,
    tokenizer: PreTrainedTokenizerBase,
    source: Path,
    tokens: list[int],
) -> dict:
    """Write the payload, chunk by chunk, and return the record."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cotdistil.training.end_of_turn import end_of_turn_id

    schemas = table_schemas(pq.read_schema(source))
    step_ends = read_step_ends(job.parent("steps")) if "steps" in job.manifest["parents"] else None
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
