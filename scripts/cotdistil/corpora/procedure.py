"""Traces of kind `procedure`: written by a program, for arithmetic problems."""

from collections import Counter
from collections.abc import Iterator

from cotdistil.arithmetic import parse_question
from cotdistil.job import Job
from cotdistil.procedural import TraceRates, write_trace
from cotdistil.responses import join_response

RATES = ("double_check", "second_thought", "wrong_turn", "final_pass")


def write_corpus(job: Job, problems: list[dict], dropped: Counter[str]) -> Iterator[dict]:
    """One trace per problem. Beside the columns of all corpora, `step_kinds` says what each
    step of a long trace's thinking is (its steps are separated by blank lines).
    """
    rates = TraceRates(**{name: job.params[name] for name in RATES if name in job.params})
    for problem in problems:
        seed = f"{job.params['seed']} {problem['problem_id']}"
        trace = write_trace(expression_of(problem), job.params["style"], rates, seed)
        yield {
            "problem_id": problem["problem_id"],
            "question": problem["question"],
            "gold": problem["gold"],
            "sample_index": 0,
            "response": join_response(trace.thinking, trace.answer),
            "original": None,
            "finish_reason": "stop",
            "complete": True,
            "step_kinds": [step["kind"] for step in trace.steps],
        }


def expression_of(problem: dict) -> str:
    """The problem's expression, read from its question where it is not given.

    Raises `UserError` if the question is not an arithmetic one.
    """
    return problem.get("expression") or parse_question(problem["question"])
