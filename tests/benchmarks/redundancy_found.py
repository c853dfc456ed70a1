"""How much of what pruning cuts was redundant, on traces whose redundant steps are known.

python tests/benchmarks/redundancy_found.py                       # validators that are procedures
python tests/benchmarks/redundancy_found.py --model MODEL_FOLDER  # a real student under vLLM

The procedural teacher names the kind of each step. Needed are the steps that compute (work, and the
correction of a slip) and the restated expression; redundant are checks, second thoughts, slips, the
final pass, and a conclusion behind the last computation. The redundant tail is what follows the
last needed step.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

from pruning_setup import PROMPTS, Trace, make_trace, open_student, open_validator, search_with

from cotdistil.arithmetic import generate_problems
from cotdistil.expressions import evaluate, parse_expression
from cotdistil.grading.extract import extract_answer
from cotdistil.procedural import ProceduralTrace, TraceRates, write_trace
from cotdistil.pruning.cutters import Kept, Search
from cotdistil.pruning.cutters.start import Facts, make_cutter
from cotdistil.pruning.rounds import Asked, Check, Pruned, search_all
from cotdistil.responses import join_response

NEEDED = ("restate", "work", "correction")
CUTTERS = ("binary", "halving", "linear", "inner")
RATES = TraceRates(double_check=0.5, second_thought=0.3, wrong_turn=0.1, final_pass=1.0)


@dataclass(frozen=True)
class KnownTrace:
    """A trace and, for each character of its thinking, whether it belongs to a needed step."""

    trace: Trace
    needed: list[bool]

    @property
    def tail(self) -> int:
        """Where the redundant tail begins."""
        return max(index for index, needed in enumerate(self.needed) if needed) + 1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a student's folder; default: procedures")
    parser.add_argument("--traces", type=int, default=64)
    parser.add_argument("--operations", type=int, nargs=2, default=[2, 5])
    parser.add_argument("--operands", type=int, nargs=2, default=[1, 100])
    parser.add_argument("--operators", default="+-*")
    parser.add_argument("--style", default="continue", choices=["continue", "instruction"])
    parser.add_argument("--cutters", nargs="+", default=list(CUTTERS))
    parser.add_argument("--removable", default="reflections", choices=["reflections", "any"])
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--samples", type=int, default=1)
    arguments = parser.parse_args()
    traces = make_traces(
        arguments.traces, arguments.operations, arguments.operands, arguments.operators
    )
    print(f"{'validator':12}{'cutter':10} kept  cut chars  redundant  of the tail  calls")
    if arguments.model is None:
        for name, verdict in (("reads", reads), ("finishes", finishes)):
            for cutter in arguments.cutters:
                check = partial(_by_procedure, traces, verdict)
                searches = start_searches(traces, arguments, cutter)
                sizes = [0] * len(traces)
                found = search_all(searches, sizes, lambda: None, lambda _: None, check)
                report(name, cutter, traces, found)
        return
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    prompt = PROMPTS[arguments.style]
    cache = sum(known.trace.tokens for known in traces)
    student = open_student(
        arguments.model, tokenizer, prompt, 16, cache, arguments.temperature, arguments.samples
    )
    with TemporaryDirectory() as folder, student:
        for cutter in arguments.cutters:
            with open_validator(student, prompt, Path(folder) / "log") as validator:
                searches = start_searches(traces, arguments, cutter)
                plain = [known.trace for known in traces]
                found = search_with(searches, plain, validator, student.engine.cache_tokens)
            report(arguments.model.name, cutter, traces, found)


def make_traces(
    count: int, operations: list[int], operands: list[int], operators: str
) -> list[KnownTrace]:
    problems = generate_problems(
        "train",
        count,
        operations=operations,
        operands=operands,
        operators=operators,
        parentheses=0.0,
        seed=1,
    )
    return [_known(number, problem) for number, problem in enumerate(problems)]


def _known(number: int, problem: dict) -> KnownTrace:
    written = write_trace(problem["question"].rpartition(": ")[2], "long", RATES, number)
    row = problem | {"response": join_response(written.thinking, written.answer)}
    return KnownTrace(make_trace(number, row, len(row["response"])), needed_characters(written))


def needed_characters(written: ProceduralTrace) -> list[bool]:
    """For each character of the thinking whether it is in a needed step, white space with it."""
    ends = accumulate(len(step["text"]) + 2 for step in written.steps)
    needed: list[bool] = []
    for step, end in zip(written.steps, ends, strict=True):
        needed += [step["kind"] in NEEDED] * (min(end, len(written.thinking)) - len(needed))
    return needed


def reads(known: KnownTrace, kept: Kept) -> bool:
    """A student that computes nothing: the last number that it has read is its answer."""
    read = extract_answer(known.trace.thinking(kept), ["last_number"]).text
    return read == known.trace.row["gold"]


def finishes(known: KnownTrace, kept: Kept) -> bool:
    """A student that computes what is left wherever a trace stops, but needs what was computed.

    It reads the last "What is left is …" and the statements behind it; where an operation was begun
    and not finished, or was got wrong, it carries on from there.
    """
    text = known.trace.thinking(kept)
    rest = text.rpartition("What is left is ")[2] if "What is left is " in text else None
    if "result is " in text or "value is " in text or "answer is " in text:
        return True
    if rest is None:
        return False
    return str(evaluate(parse_expression(rest.split(".")[0]))) == known.trace.row["gold"]


def _by_procedure(traces: list[KnownTrace], verdict: Callable, asked: list[Asked]) -> list[Check]:
    return [
        Check(candidate.kept, candidate.greedy, verdict(traces[index], candidate.kept))
        for index, candidate in asked
    ]


def start_searches(
    traces: list[KnownTrace], arguments: argparse.Namespace, cutter: str
) -> list[Search]:
    start = make_cutter(
        {
            "cutter": cutter,
            "temperature": arguments.temperature,
            "removable": arguments.removable,
            "inner_checks": 64,
        }
    )
    return [start(Facts(known.trace.steps)) for known in traces]


def report(name: str, cutter: str, traces: list[KnownTrace], pruned: list[Pruned]) -> None:
    found = shares(traces, pruned)
    calls = sum(len(each.checks) for each in pruned) / len(pruned)
    print(
        f"{name:12}{cutter:10} {found.kept:4} {found.cut:10} {found.redundant:10.1%}"
        f" {found.tail:12.1%} {calls:6.1f}"
    )


@dataclass(frozen=True)
class Shares:
    """Over the traces that were kept: characters cut, how many of these were redundant, and how
    much of the redundant tails was cut."""

    kept: int
    cut: int
    redundant: float
    tail: float


def shares(traces: list[KnownTrace], pruned: list[Pruned]) -> Shares:
    kept = cut = redundant = tail = tail_cut = 0
    for known, each in zip(traces, pruned, strict=True):
        if not each.outcome.validated:
            continue
        kept += 1
        left = _left(known.trace, each.outcome.kept)
        begin = known.tail
        for index, needed in enumerate(known.needed):
            cut += not left[index]
            redundant += not left[index] and not needed
            tail += index >= begin
            tail_cut += index >= begin and not left[index]
    return Shares(kept, cut, redundant / max(cut, 1), tail_cut / max(tail, 1))


def _left(trace: Trace, kept: Kept) -> list[bool]:
    steps = {step for start, end in kept for step in range(start, end)}
    return [n in steps for n, step in enumerate(trace.steps) for _ in step]


if __name__ == "__main__":
    main()
