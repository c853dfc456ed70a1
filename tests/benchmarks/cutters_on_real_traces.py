r"""What each cutter leaves of real traces of QwQ-32B and DeepSeek-R1 on 582 problems of GSM8K.

python tests/benchmarks/cutters_on_real_traces.py MODEL_FOLDER --log FOLDER   # hours on two cores
python tests/benchmarks/cutters_on_real_traces.py MODEL_FOLDER --log FOLDER --table

Every candidate is asked about once, whichever cutters want it, and kept in the folder of `--log`: a
run that is stopped goes on from there, and `--table` reads it. `linear` and `inner`, which ask
much, get the first `--deep` problems only. A model without a chat template needs one beside it.
"""

import argparse
import contextlib
import random
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from cotdistil.engines import Sampling, count_positions, load_engine  # noqa: E402
from cotdistil.grading.grader import Grader  # noqa: E402
from cotdistil.pruning.answer_steps import first_answer_step  # noqa: E402
from cotdistil.pruning.check_log import CheckLog  # noqa: E402
from cotdistil.pruning.cutters import Limits, count_steps, prefix  # noqa: E402
from cotdistil.pruning.cutters.start import Known, make_cutter  # noqa: E402
from cotdistil.pruning.cutters.unvalidated import (  # noqa: E402
    first_correct,
    random_prefix,
    shuffle_shares,
)
from cotdistil.pruning.rounds import search_all  # noqa: E402
from cotdistil.pruning.student import Agreement, StepsShown, Student  # noqa: E402
from cotdistil.pruning.traces import Trace, count_tokens, make_trace  # noqa: E402
from cotdistil.pruning.validation import ValidationPrompt  # noqa: E402
from cotdistil.response_formats import normalise_response  # noqa: E402
from cotdistil.responses import join_response  # noqa: E402
from real_data import real_rows  # noqa: E402

TEACHERS = ("QwQ-32B", "DeepSeek-R1")
VALIDATION = {"temperature": 0.0, "removable": "reflections", "inner_checks": 16}
LEAD_IN = "The answer is \\boxed{"
MAX_TOKENS = 16
CONTEXT = 8192
BLOCK = 64  # traces of each teacher in one go: what is reported grows evenly


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--log", type=Path, required=True, help="folder of the checks")
    parser.add_argument("--deep", type=int, default=100, help="problems for linear and inner")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--table", action="store_true", help="print what is known, ask nothing")
    arguments = parser.parse_args()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    traces = read_traces(tokenizer)
    arguments.log.mkdir(parents=True, exist_ok=True)
    if arguments.table:
        table(arguments, tokenizer, traces)
    else:
        ask_all(arguments, tokenizer, traces)


def read_traces(tokenizer) -> dict[str, list[Trace]]:
    """By teacher, in an order that is drawn once and is the same for both."""
    rows = real_rows("traces/mip_gsm8k_responses.jsonl")
    by_teacher = {}
    for teacher in TEACHERS:
        own = [row for row in rows if row["teacher"] == teacher]
        random.Random("cutters on real traces").shuffle(own)
        responses = [normalise_response(row["response"]).text for row in own]
        lengths = count_tokens(responses, tokenizer)
        by_teacher[teacher] = [
            make_trace(
                number,
                {
                    "problem_id": str(row["id"]),
                    "question": row["question"],
                    "gold": str(row["answer"]).rsplit("####", 1)[-1].strip(),
                    "response": response,
                },
                length,
            )
            for number, (row, response, length) in enumerate(
                zip(own, responses, lengths, strict=True)
            )
        ]
    return by_teacher


def cutters_for(trace: Trace, deep: int) -> list[str]:
    return ["binary", "halving", *(["linear", "inner"] if trace.number < deep else [])]


def search(trace: Trace, deep: int):
    """All cutters, one after the other: the trace stays in the engine's cache."""
    outcomes = {}
    for cutter in cutters_for(trace, deep):
        known = Known(trace.steps)
        outcomes[cutter] = yield from make_cutter({"cutter": cutter, **VALIDATION})(known)
    return outcomes


def ask_all(arguments, tokenizer, traces: dict[str, list[Trace]]) -> None:
    context = min(CONTEXT, count_positions(arguments.model) or CONTEXT)
    student = Student(
        partial(
            load_engine,
            "vllm",
            arguments.model,
            precision="auto",
            max_context=context,
            threads=arguments.threads,
            gpus=0,
            cache_tokens=200_000,
        ),
        tokenizer,
        ValidationPrompt("continue", LEAD_IN),
        Sampling(MAX_TOKENS),
        Agreement(1, 1.0, 0),
        context,
    )
    started = time.monotonic()
    with student, contextlib.ExitStack() as open_:
        logs = {
            teacher: open_.enter_context(CheckLog(arguments.log / f"{teacher}.jsonl"))
            for teacher in TEACHERS
        }
        most = max(map(len, traces.values()))
        for begin in range(0, most, BLOCK):
            for teacher in TEACHERS:
                block = traces[teacher][begin : begin + BLOCK]
                run_block(block, student, logs[teacher], arguments.deep)
                seconds = time.monotonic() - started
                print(f"{teacher} {begin + len(block)} of {most}, {seconds:.0f} s", flush=True)


def run_block(block: list[Trace], student: Student | None, log: CheckLog, deep: int) -> list:
    def ask(asked):
        if student is None:
            raise LookupError("not asked yet")
        shown = [
            StepsShown(
                block[index].number,
                candidate,
                block[index].row["question"],
                block[index].row["gold"],
                block[index].thinking(candidate.kept),
            )
            for index, candidate in asked
        ]
        checks = student.check(shown, log.calls)
        log.calls += 1
        return checks

    return search_all(
        [search(trace, deep) for trace in block],
        [trace.number for trace in block],
        [trace.tokens for trace in block],
        student.room if student else None,
        ask,
        log,
    )


@dataclass
class Left:
    """What a cutter left of a trace. after: tokens, or None where it dropped the trace."""

    before: int
    after: int | None
    kept: int | None
    n_steps: int


def table(arguments, tokenizer, traces: dict[str, list[Trace]]) -> None:
    for teacher in TEACHERS:
        with CheckLog(arguments.log / f"{teacher}.jsonl") as log:
            known, outcomes = [], []
            for trace in traces[teacher]:
                try:
                    [found] = run_block([trace], None, log, arguments.deep)
                except LookupError:
                    continue
                known.append(trace)
                outcomes.append(found.outcome)
        report(teacher, tokenizer, known, outcomes, arguments.deep)


def report(teacher: str, tokenizer, traces: list[Trace], outcomes: list[dict], deep: int) -> None:
    limits = Limits()
    with Grader() as grader:
        answers = [first_answer_step(t.steps, t.row["gold"], grader) for t in traces]
    print(f"\n{teacher}: {len(traces)} traces searched")
    given = [(t, a) for t, a in zip(traces, answers, strict=True) if a is not None]
    late = sum(a > len(t.steps) - 10 for t, a in given)
    print(f"  a step gives the answer in {len(given)}; only in the last ten steps in {late}")
    validated = [i for i, o in enumerate(outcomes) if o["binary"].validated]
    shares = [count_steps(outcomes[i]["binary"].kept) / len(traces[i].steps) for i in validated]
    shuffled = dict(zip(validated, shuffle_shares(shares, 0), strict=True))
    rows = {
        "none": [prefix(len(t.steps)) for t in traces],
        "first_correct": [
            first_correct(len(t.steps), limits, a).kept
            for t, a in zip(traces, answers, strict=True)
        ],
        "random": [
            random_prefix(len(t.steps), limits, shuffled.get(i)).kept for i, t in enumerate(traces)
        ],
        "halving": [o["halving"].kept for o in outcomes],
        "binary": [o["binary"].kept for o in outcomes],
    }
    deep_ones = [i for i, t in enumerate(traces) if t.number < deep]
    print(f"  {'cutter':24} traces kept  median steps  tokens left  halved")
    for name, kept in rows.items():
        line(name, tokenizer, traces, kept)
    print(f"  on {len(deep_ones)} of them")
    some = [traces[i] for i in deep_ones]
    for name in ("binary", "linear", "inner"):
        line(name, tokenizer, some, [outcomes[i][name].kept for i in deep_ones])
    both = [
        (count_steps(outcomes[i]["binary"].kept), count_steps(outcomes[i]["linear"].kept))
        for i in deep_ones
        if outcomes[i]["binary"].validated and outcomes[i]["linear"].validated
    ]
    near = sum(binary - linear <= 1 for binary, linear in both)
    missed = sum(
        outcomes[i]["linear"].validated and not outcomes[i]["binary"].validated for i in deep_ones
    )
    print(f"  binary within a step of linear: {near} of {len(both)}; only linear finds: {missed}")


def line(name: str, tokenizer, traces: list[Trace], kept: list) -> None:
    left = [(t, k) for t, k in zip(traces, kept, strict=True) if k is not None]
    if not left:
        return
    texts = [
        t.row["response"] if k == t.whole() else join_response(t.thinking(k), t.answer)
        for t, k in left
    ]
    after = count_tokens(texts, tokenizer)
    before = [t.tokens for t, _ in left]
    halved = sum(2 * a < b for a, b in zip(after, before, strict=True))
    steps = sorted(count_steps(k) for _, k in left)
    print(
        f"  {name:24} {len(left):5} of {len(traces):4} {steps[len(steps) // 2]:8}"
        f"     {sum(after):9} of {sum(before):9} ({sum(after) / sum(before):.1%})"
        f"  {halved / len(left):.1%}"
    )


if __name__ == "__main__":
    main()
