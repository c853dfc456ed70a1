"""Binary cutting in rounds over all traces, against one trace after the other, on one engine.

python tests/benchmarks/batched_pruning.py MODEL_FOLDER               # 64 real traces, half an hour
python tests/benchmarks/batched_pruning.py MODEL_FOLDER --gpus 1 --traces 512
python tests/benchmarks/batched_pruning.py MODEL_FOLDER --ways loop   # with the cache only

The traces are QwQ-32B's and DeepSeek-R1's on GSM8K, drawn once. The loop asks one check at a time,
as public code does: with the engine's prefix cache, and without (it is emptied before each check).
Both ask the same checks with the same sampling; the engine is loaded once, before the clock starts.
`start-answer` runs in rounds too, each search starting where the trace first gives the answer.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pruning_setup import (
    PROMPTS,
    Trace,
    Validator,
    answer_steps,
    context_of,
    open_student,
    open_validator,
    real_traces,
    search_with,
)

from cotdistil.pruning.cutters import Candidate, Limits, count_steps
from cotdistil.pruning.cutters.prefixes import binary
from cotdistil.pruning.rounds import Check, Pruned
from cotdistil.pruning.student import Shown, Student

TEACHERS = ("QwQ-32B", "DeepSeek-R1")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--traces", type=int, default=64)
    parser.add_argument("--style", choices=list(PROMPTS), default="continue")
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--gpus", type=int, default=0)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    arguments = parser.parse_args()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    context = context_of(arguments.model)
    traces = [
        trace
        for trace in real_traces(TEACHERS, tokenizer, "batched pruning")
        if trace.steps and trace.tokens < context - 512
    ][: arguments.traces]
    tokens = sum(trace.tokens for trace in traces)
    print(f"{len(traces)} traces, {tokens} tokens, {sum(len(t.steps) for t in traces)} steps")
    prompt = PROMPTS[arguments.style]
    student = open_student(
        arguments.model, tokenizer, prompt, arguments.max_tokens, 2 * tokens, gpus=arguments.gpus
    )
    with student:
        print(f"cache for {student.engine.cache_tokens} tokens", flush=True)
        warm_up = Shown(Candidate(((0, 1),)), "Are you warm?", "yes", "I am.")
        list(student.ask([warm_up], greedy=True))
        run = partial(measure, traces, student, prompt)
        batched = run("batched", in_rounds)
        for name in arguments.ways:
            prune = WAYS[name]
            if name == "loop-uncached":
                prune = partial(prune, before=partial(forget_prefixes, student))
            seconds = run(name, prune)
            print(f"batched / {name}: {batched / seconds:.1%}", flush=True)


def forget_prefixes(student: Student) -> None:
    if not student.engine.llm.reset_prefix_cache():
        raise AssertionError("vLLM kept its prefix cache")


def measure(traces: list[Trace], student: Student, prompt, name: str, prune: Callable) -> float:
    """Seconds of wall time; prints what was asked and found."""
    forget_prefixes(student)
    with (
        TemporaryDirectory() as folder,
        open_validator(student, prompt, Path(folder) / "log") as validator,
    ):
        started, cpu = time.monotonic(), time.process_time()
        pruned = prune(traces, validator, student.engine.cache_tokens)
        seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    checks = [check for each in pruned for check in each.checks if check.valid is not None]
    read = sum(check.prompt_tokens for check in checks)
    cached = sum(check.cached_tokens for check in checks)
    written = sum(check.completion_tokens for check in checks)
    kept = sum(count_steps(each.outcome.kept) for each in pruned if each.outcome.validated)
    print(
        f"{name:22} {seconds:7.1f} s, {cpu:7.1f} CPU-s, {validator.calls} calls,"
        f" {len(checks)} checks, {read} prompt tokens ({cached / read:.1%} from the cache),"
        f" {written} written; {sum(each.outcome.validated for each in pruned)} validated,"
        f" {kept} steps kept",
        flush=True,
    )
    return seconds


def in_rounds(
    traces: list[Trace], validator: Validator, room: int, starts: list[int | None] | None = None
) -> list[Pruned]:
    searches = [
        binary(len(trace.steps), Limits(), start)
        for trace, start in zip(traces, starts or [None] * len(traces), strict=True)
    ]
    return search_with(searches, traces, validator, room)


def from_the_answer(traces: list[Trace], validator: Validator, room: int) -> list[Pruned]:
    return in_rounds(traces, validator, room, answer_steps(traces))


def one_by_one(
    traces: list[Trace], validator: Validator, room: int, before: Callable = lambda: None
) -> list[Pruned]:
    def check(asked: list[Shown]) -> list[Check]:
        before()
        return Validator.check(validator, asked)

    validator.check = check
    return [each for trace in traces for each in in_rounds([trace], validator, room)]


WAYS = {"start-answer": from_the_answer, "loop": one_by_one, "loop-uncached": one_by_one}


if __name__ == "__main__":
    main()
