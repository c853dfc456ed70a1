"""Shorten each trace to the shortest prefix from which the student still answers correctly.

    python scripts/prune_traces.py --manifest results/store/manifests/KEY.json \
        --out results/store/pruned/KEY/record.json

The on-policy pruning of arXiv 2505.18440: one engine call validates one cut of every open trace. A
trace whose full thinking does not lead the student to the answer is dropped, or kept as it is.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.engines import Sampling, load_engine
from cotdistil.errors import UserError
from cotdistil.job import Job, run_job
from cotdistil.pruning.binary_cut import BinaryCut, Cutter, FullTrace, cut_all, most_rounds
from cotdistil.pruning.outcome import (
    add_up,
    make_record,
    pruned_response,
    round_rows,
    table_schemas,
    trace_summary,
)
from cotdistil.pruning.rounds import Check, keep_round
from cotdistil.pruning.student import Agreement, Cut, Student
from cotdistil.pruning.traces import Trace, count_tokens, measure, read_traces
from cotdistil.pruning.validation import ValidationPrompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHUNK_TRACES = 8192
"""Traces pruned together: enough to fill an engine, few enough to hold. It decides no result."""
SEAMS = 32  # tokens that a prompt may have beyond those of its parts


def main() -> None:
    with run_job(__doc__) as job:
        from transformers import AutoTokenizer

        source = job.parent("training_set") / "train.parquet"
        tokenizer = AutoTokenizer.from_pretrained(job.parent("model"))
        tokens, longest = measure(source, tokenizer)
        with open_student(job, tokenizer, longest) as student:
            record = prune(job, student, source, tokens)
        made = json.loads((source.parent / "record.json").read_text())
        record["sources"] = made.get("sources", {})
        if not record["rows_out"]:
            raise UserError(
                f"{source}: found {len(tokens)} traces, and from the full thinking of none does the"
                " student come to the answer; expected at least one; try another prompt_style or"
                " lead_in, or 'invalid: keep'"
            )
        job.publish(record)


def open_student(job: Job, tokenizer: PreTrainedTokenizerBase, longest: int) -> Student:
    """The validator. longest: tokens of the longest question and response together."""
    from transformers import AutoConfig

    params, model = job.params, job.parent("model")
    prompt = ValidationPrompt(
        params["prompt_style"],
        params["lead_in"],
        params.get("question_instruction"),
        params.get("instruction"),
    )
    sampling = Sampling(params["max_tokens"], params["temperature"], params["top_p"])
    max_context = longest + len(prompt.render(tokenizer, "", "")) + SEAMS + sampling.max_tokens
    config = AutoConfig.from_pretrained(model).get_text_config()
    positions = getattr(config, "max_position_embeddings", None)
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
    )
    agreement = Agreement(params["samples_per_check"], params["agreement"], params["seed"])
    return Student(load, tokenizer, prompt, sampling, agreement, max_context)


def prune(job: Job, student: Student, source: Path, tokens: list[int]) -> dict:
    """Write the payload, chunk by chunk, and return the record."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schemas = table_schemas(pq.read_schema(source))
    chunks = -(-len(tokens) // CHUNK_TRACES)
    totals: Counter[str] = Counter()
    with contextlib.ExitStack() as files:
        writers = {
            name: files.enter_context(pq.ParquetWriter(job.staging / f"{name}.parquet", schema))
            for name, schema in schemas.items()
        }
        for chunk, traces in enumerate(read_traces(source, tokens, CHUNK_TRACES)):
            most = most_rounds([len(trace.steps) for trace in traces])
            total = totals["rounds"] + (chunks - chunk) * most
            searches, rounds = cut_chunk(
                traces,
                make_cutter(job.params),
                student,
                job.work / f"chunk-{chunk:05}",
                partial(_tell_progress, job, totals["rounds"], total),
            )
            rows, summaries = _leave(traces, searches, rounds, job.params, student)
            tables = {"train": rows, "traces": summaries, "rounds": round_rows(traces, rounds)}
            for name, table in tables.items():
                writers[name].write_table(pa.Table.from_pylist(table, schema=schemas[name]))
            totals += add_up(summaries, rounds)
    return make_record(len(tokens), totals, job.params["invalid"])


def make_cutter(params: dict) -> Callable[[int], Cutter]:
    """What starts the search in a trace, given its number of steps."""
    if params["cutter"] == "full":
        return partial(FullTrace, invalid=params["invalid"])
    limits = ("min_steps", "min_steps_to_cut", "invalid")
    return partial(BinaryCut, **{name: params[name] for name in limits})


def cut_chunk(
    traces: list[Trace],
    cutter: Callable[[int], Cutter],
    student: Student,
    file_stem: Path,
    tell: Callable[[int], None],
) -> tuple[list[Cutter], list[list[Check]]]:
    """The finished search in each trace, and the checks of each round.

    A round is kept in `<file_stem>-round-NN.jsonl`, and one that is there is not asked again.
    tell: called with the number of finished rounds.
    """
    rounds: list[list[Check]] = []

    def validate_round(asked: list[tuple[int, int]]) -> list[bool | None]:
        number = len(rounds)
        file = file_stem.with_name(f"{file_stem.name}-round-{number:02}.jsonl")

        def ask(_: list[tuple[int, int]]) -> list[Check]:
            cuts = [make_cut(traces[index], steps) for index, steps in asked]
            return student.check(cuts, backwards=number % 2 == 1)

        rows = [(traces[index].number, steps) for index, steps in asked]
        rounds.append(keep_round(file, rows, ask))
        tell(len(rounds))
        return [check.valid for check in rounds[-1]]

    searches = cut_all([len(trace.steps) for trace in traces], validate_round, cutter)
    return searches, rounds


def make_cut(trace: Trace, steps: int) -> Cut:
    """The first `steps` steps of a trace, as the student is asked about them."""
    return Cut(trace.number, steps, trace.row["question"], trace.row["gold"], trace.thinking(steps))


def _leave(
    traces: list[Trace],
    searches: list[Cutter],
    rounds: list[list[Check]],
    params: dict,
    student: Student,
) -> tuple[list[dict], list[dict]]:
    """The rows of the pruned training set, and a summary of every trace."""
    checks = defaultdict(list)
    for check in chain.from_iterable(rounds):
        checks[check.trace].append(check)
    left = [
        pruned_response(trace, search, checks[trace.number], params["conclusion"])
        for trace, search in zip(traces, searches, strict=True)
    ]
    lengths = iter(count_tokens([text for text in left if text is not None], student.tokenizer))
    summaries = [
        trace_summary(trace, search, None if text is None else next(lengths))
        for trace, search, text in zip(traces, searches, left, strict=True)
    ]
    rows = [
        {**trace.row, "response": text}
        for trace, text in zip(traces, left, strict=True)
        if text is not None
    ]
    return rows, summaries


def _tell_progress(job: Job, before: int, total: int, rounds: int) -> None:
    job.progress(before + rounds, max(total, before + rounds), "rounds")


if __name__ == "__main__":
    main()
