"""Binary cutting in rounds over all traces, against one trace after the other, on one engine.

python tests/benchmarks/batched_pruning.py MODEL_FOLDER               # 64 real traces, half an hour
python tests/benchmarks/batched_pruning.py MODEL_FOLDER --gpus 1 --traces 512

The traces are QwQ-32B's and DeepSeek-R1's on GSM8K, drawn once. The loop asks one check at a time,
as public code does: with the engine's prefix cache, and without (it is emptied before each check).
Both ask the same checks with the same sampling; the engine is loaded once, before the clock starts.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from cotdistil.engines import Sampling, count_positions, load_engine  # noqa: E402
from cotdistil.pruning.check_log import Check, CheckLog  # noqa: E402
from cotdistil.pruning.cutters import Limits, count_steps  # noqa: E402
from cotdistil.pruning.cutters.prefixes import binary  # noqa: E402
from cotdistil.pruning.rounds import Asked, search_all  # noqa: E402
from cotdistil.pruning.student import Agreement, StepsShown, Student  # noqa: E402
from cotdistil.pruning.traces import Trace, count_tokens, make_trace  # noqa: E402
from cotdistil.pruning.validation import ValidationPrompt  # noqa: E402
from cotdistil.response_formats import normalise_response  # noqa: E402
from real_data import real_rows  # noqa: E402

PROMPTS = {
    "continue": ValidationPrompt("continue", "The answer is \\boxed{"),
    "instruction": ValidationPrompt(
        "instruction", "", None, "Give the final answer based only on these thinking steps."
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--traces", type=int, default=64)
    parser.add_argument("--style", choices=list(PROMPTS), default="continue")
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--gpus", type=int, default=0)
    parser.add_argument("--skip-uncached", action="store_true")
    arguments = parser.parse_args()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    context = min(8192, count_positions(arguments.model) or 8192)
    traces = draw_traces(tokenizer, arguments.traces, context)
    tokens = sum(trace.tokens for trace in traces)
    print(f"{len(traces)} traces, {tokens} tokens, {sum(len(t.steps) for t in traces)} steps")
    load = partial(
        load_engine,
        "vllm",
        arguments.model,
        precision="auto",
        max_context=context,
        threads=2,
        gpus=arguments.gpus,
        cache_tokens=2 * tokens,
    )
    sampling = Sampling(arguments.max_tokens)
    prompt = PROMPTS[arguments.style]
    with Student(load, tokenizer, prompt, sampling, Agreement(1, 1.0, 0), context) as student:
        print(f"cache for {student.room} tokens", flush=True)
        student.check([shown(trace, trace.whole()) for trace in draw_traces(tokenizer, 1, 2000)], 0)
        forget = partial(forget_prefixes, student)
        batched = measure("batched", traces, student, in_rounds, forget)
        cached = measure("loop, prefix cache", traces, student, one_by_one, forget)
        print(f"batched / loop with the prefix cache: {batched / cached:.1%}")
        if not arguments.skip_uncached:
            uncached = measure(
                "loop, no cache", traces, student, partial(one_by_one, before=forget), forget
            )
            print(f"batched / loop without it: {batched / uncached:.1%}")


def draw_traces(tokenizer, count: int, context: int) -> list[Trace]:
    """Traces that fit into the context whole, with what is asked about them."""
    rows = [
        row
        for row in real_rows("traces/mip_gsm8k_responses.jsonl")
        if row["teacher"] in ("QwQ-32B", "DeepSeek-R1")
    ]
    random.Random("batched pruning").shuffle(rows)
    traces: list[Trace] = []
    for row in rows:
        response = normalise_response(row["response"]).text
        [tokens] = count_tokens([response], tokenizer)
        row = {
            "question": row["question"],
            "gold": str(row["answer"]).rsplit("####", 1)[-1].strip(),
            "response": response,
        }
        trace = make_trace(len(traces), row, tokens)
        if trace.steps and tokens < context - 512:
            traces.append(trace)
        if len(traces) == count:
            return traces
    return traces


def forget_prefixes(student: Student) -> None:
    if not student._loaded().llm.reset_prefix_cache():
        raise AssertionError("vLLM kept its prefix cache")


def measure(
    name: str, traces: list[Trace], student: Student, prune: Callable, forget: Callable
) -> float:
    """Seconds of wall time; prints what was asked and found."""
    forget()
    with TemporaryDirectory() as folder, CheckLog(Path(folder) / "log") as log:
        started, cpu = time.monotonic(), time.process_time()
        pruned = prune(traces, student, log)
        seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    checks = [check for each in pruned for check in each.checks if check.call is not None]
    prompt = sum(check.prompt_tokens for check in checks)
    cached = sum(check.cached_tokens for check in checks)
    written = sum(check.completion_tokens for check in checks)
    kept = sum(count_steps(each.outcome.kept) for each in pruned if each.outcome.validated)
    print(
        f"{name:20} {seconds:7.1f} s, {cpu:7.1f} CPU-s, {log.calls} calls, {len(checks)} checks,"
        f" {prompt} prompt tokens ({cached / prompt:.1%} from the cache), {written} written;"
        f" {sum(each.outcome.validated for each in pruned)} validated, {kept} steps kept",
        flush=True,
    )
    return seconds


def in_rounds(traces: list[Trace], student: Student, log: CheckLog) -> list:
    return _search(traces, student, log, student.room)


def one_by_one(
    traces: list[Trace], student: Student, log: CheckLog, before: Callable = lambda: None
) -> list:
    return [each for trace in traces for each in _search([trace], student, log, None, before)]


def _search(
    traces: list[Trace],
    student: Student,
    log: CheckLog,
    room: int | None,
    before: Callable = lambda: None,
) -> list:
    def ask(asked: list[Asked]) -> list[Check]:
        before()
        checks = student.check(
            [shown(traces[index], candidate.kept) for index, candidate in asked], log.calls
        )
        log.calls += 1
        return checks

    searches = [binary(len(trace.steps), Limits()) for trace in traces]
    numbers = [trace.number for trace in traces]
    sizes = [trace.tokens for trace in traces]
    return search_all(searches, numbers, sizes, room, ask, log)


def shown(trace: Trace, kept) -> StepsShown:
    from cotdistil.pruning.cutters import Candidate

    row = trace.row
    return StepsShown(
        trace.number, Candidate(kept), row["question"], row["gold"], trace.thinking(kept)
    )


if __name__ == "__main__":
    main()
