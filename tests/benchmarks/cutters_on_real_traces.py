r"""What each cutter leaves of real traces of QwQ-32B and DeepSeek-R1 on 582 problems of GSM8K.

python tests/benchmarks/cutters_on_real_traces.py MODEL_FOLDER --log FOLDER   # hours on two cores
python tests/benchmarks/cutters_on_real_traces.py MODEL_FOLDER --log FOLDER --table
python tests/benchmarks/cutters_on_real_traces.py MODEL_FOLDER --log FOLDER --again   # minutes

Every candidate is asked about once, whichever cutters want it, and kept in the folder of `--log`: a
run that is stopped goes on from there, and `--table` reads it. `linear` and `inner`, which ask
much, get the first `--deep` problems only. `--again` asks once more, in an engine loaded anew and
all in one call, about what the cutters kept. A model without a chat template needs one beside it.
"""

import argparse
import contextlib
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from pruning_setup import (
    PROMPTS,
    NotAnswered,
    Trace,
    Validator,
    answer_steps,
    count_tokens,
    open_student,
    open_validator,
    real_traces,
    search_with,
    show,
    unloaded_student,
)

from cotdistil.pruning.cutters import Candidate, Limits, count_steps, prefix
from cotdistil.pruning.cutters.start import Facts, make_cutter
from cotdistil.pruning.cutters.unvalidated import first_correct, random_prefix, shuffle_shares
from cotdistil.responses import join_response

TEACHERS = ("QwQ-32B", "DeepSeek-R1")
VALIDATION = {"temperature": 0.0, "removable": "reflections", "inner_checks": 16}
MAX_TOKENS = 16
BLOCK = 64  # traces of each teacher in one go: what is reported grows evenly


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--log", type=Path, required=True, help="folder of the checks")
    parser.add_argument("--deep", type=int, default=100, help="problems for linear and inner")
    parser.add_argument("--table", action="store_true", help="print what is known, ask nothing")
    parser.add_argument("--again", action="store_true", help="ask again about what was kept")
    parser.add_argument("--problems", type=int, help="the first so many only")
    arguments = parser.parse_args()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    traces = {
        teacher: real_traces((teacher,), tokenizer, "cutters on real traces")[: arguments.problems]
        for teacher in TEACHERS
    }
    arguments.log.mkdir(parents=True, exist_ok=True)
    if arguments.table:
        table(arguments, tokenizer, traces)
    elif arguments.again:
        ask_again(arguments, tokenizer, traces)
    else:
        ask_all(arguments, tokenizer, traces)


CUTTERS = {
    "binary": {"cutter": "binary"},
    "binary, start: answer": {"cutter": "binary", "start": "answer"},
    "halving": {"cutter": "halving"},
    "linear": {"cutter": "linear"},
    "inner": {"cutter": "inner"},
}
DEEP = ("linear", "inner")


def search(trace: Trace, answer: int | None, deep: int):
    """All cutters, one after the other: the trace stays in the engine's cache."""
    outcomes = {}
    for name, settings in CUTTERS.items():
        if name not in DEEP or trace.number < deep:
            facts = Facts(trace.steps, answer)
            outcomes[name] = yield from make_cutter({**settings, **VALIDATION})(facts)
    return outcomes


def ask_all(arguments, tokenizer, traces: dict[str, list[Trace]]) -> None:
    prompt = PROMPTS["continue"]
    student = open_student(arguments.model, tokenizer, prompt, MAX_TOKENS, 200_000)
    started = time.monotonic()
    with student, contextlib.ExitStack() as open_:
        validators = {
            teacher: open_.enter_context(
                open_validator(student, prompt, arguments.log / f"{teacher}.jsonl")
            )
            for teacher in TEACHERS
        }
        most = max(map(len, traces.values()))
        for begin in range(0, most, BLOCK):
            for teacher in TEACHERS:
                block = traces[teacher][begin : begin + BLOCK]
                run_block(block, validators[teacher], student.engine.cache_tokens, arguments.deep)
                seconds = time.monotonic() - started
                print(f"{teacher} {begin + len(block)} of {most}, {seconds:.0f} s", flush=True)


def run_block(block: list[Trace], validator: Validator, room: int | None, deep: int) -> list:
    searches = [
        search(trace, answer, deep)
        for trace, answer in zip(block, answer_steps(block), strict=True)
    ]
    return search_with(searches, block, validator, room)


def table(arguments, tokenizer, traces: dict[str, list[Trace]]) -> None:
    for teacher in TEACHERS:
        known, outcomes = searched(arguments, tokenizer, teacher, traces[teacher])
        report(teacher, tokenizer, known, outcomes, arguments.deep)


def searched(
    arguments, tokenizer, teacher: str, traces: list[Trace]
) -> tuple[list[Trace], list[dict]]:
    """The traces of which the log knows all, and what each cutter made of them."""
    known, outcomes = [], []
    prompt = PROMPTS["continue"]
    student = unloaded_student(arguments.model, tokenizer, prompt, MAX_TOKENS)
    with open_validator(student, prompt, arguments.log / f"{teacher}.jsonl") as validator:
        for trace in traces:
            try:
                [found] = run_block([trace], validator, None, arguments.deep)
            except NotAnswered:
                continue
            known.append(trace)
            outcomes.append(found.outcome)
    return known, outcomes


def ask_again(arguments, tokenizer, traces: dict[str, list[Trace]]) -> None:
    prompt = PROMPTS["continue"]
    with open_student(arguments.model, tokenizer, prompt, MAX_TOKENS, 200_000) as student:
        for teacher in TEACHERS:
            known, outcomes = searched(arguments, tokenizer, teacher, traces[teacher])
            kept = {
                (number, outcome.kept)
                for number, found in enumerate(outcomes)
                for outcome in found.values()
                if outcome.validated
            }
            with (
                TemporaryDirectory() as folder,
                open_validator(student, prompt, Path(folder) / "log") as validator,
            ):
                asked = [(number, Candidate(spans)) for number, spans in sorted(kept)]
                checks = validator.check([show(known, each) for each in asked])
            failed = sum(not check.valid for check in checks)
            print(f"{teacher}: {len(checks)} asked again, {failed} fail", flush=True)


def report(teacher: str, tokenizer, traces: list[Trace], outcomes: list[dict], deep: int) -> None:
    limits = Limits()
    answers = answer_steps(traces)
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
        **{
            name: [outcome[name].kept for outcome in outcomes]
            for name in CUTTERS
            if name not in DEEP
        },
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
