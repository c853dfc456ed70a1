"""The tables of pruning: what each pruned training set lost, why, and what that cost."""

from collections.abc import Iterator, Mapping

import numpy as np

from cotdistil.pruning.totals import Totals
from cotdistil.statistics import mean_interval

INTERVAL = ("ci_low", "ci_high")
PRUNING_COLUMNS = [
    *("recipe", "student", "cutter", "traces_in", "traces_out"),
    *("steps_before", "steps_after", "mean_steps_before", "mean_steps_after"),
    *("tokens_before", "tokens_after", "mean_tokens_before", "mean_tokens_after"),
    "share_of_tokens_left",
    *("share_pruned_by_half", *(f"pruned_by_half_{end}" for end in INTERVAL)),
    *("answered_in_over_ten_steps", "answer_before_last_ten", "answer_in_last_ten"),
    *("share_answer_in_last_ten", *(f"answer_in_last_ten_{end}" for end in INTERVAL)),
    *("calls", "mean_calls", "max_calls", "answers", "answers_of_other_jobs", "engine_calls"),
    *("prompt_tokens", "share_of_prompt_cached", "completion_tokens"),
    *("seconds", "seconds_per_trace", "gpus", "preference_pairs"),
]
REASON_COLUMNS = ["recipe", "student", "cutter", "reason", "traces", "kept"]


def pruning_row(described: Mapping, record: Mapping, totals: Totals) -> dict:
    """A row of pruning.csv. What is not known, or a mean or share of nothing, is None.

    described: recipe, student and cutter. record: the training set's record.json.
    Steps and tokens are those of the kept traces. Shares are in [0, 1]; `share_pruned_by_half` is
    one of the kept traces, `share_answer_in_last_ten` one of `answered_in_over_ten_steps`: of the
    traces of more than ten steps in which some step gives the answer, dropped ones too; each with
    its 95 % Wilson interval over traces. Calls are validated cuts; these and the seconds are per
    trace that came in. Answers that other jobs had asked for count among the answers and tokens,
    which are those of the search, and not among engine calls and seconds, which are those of the
    job.
    """
    traces, kept = totals.traces, totals.kept
    late, answered = record["answer_in_last_ten"], record["with_answer_step"]
    cached, cost = record["cached_tokens"], record["cost"]
    sums = ("steps_before", "steps_after", "tokens_before", "tokens_after")
    return {
        **{name: described[name] for name in ("recipe", "student", "cutter")},
        "traces_in": traces,
        "traces_out": kept,
        **{name: record[name] for name in sums},
        **{f"mean_{name}": _ratio(record[name], kept) for name in sums},
        "share_of_tokens_left": _ratio(record["tokens_after"], record["tokens_before"]),
        **_share("pruned_by_half", record["halved"], kept),
        "answered_in_over_ten_steps": answered,
        "answer_before_last_ten": answered - late,
        "answer_in_last_ten": late,
        **_share("answer_in_last_ten", late, answered),
        "calls": totals.calls,
        "mean_calls": _ratio(totals.calls, traces),
        "max_calls": totals.most_calls,
        "answers": record["answers"],
        "answers_of_other_jobs": record["answers_of_other_jobs"],
        "engine_calls": record["engine_calls"],
        "prompt_tokens": record["prompt_tokens"],
        "share_of_prompt_cached": None
        if cached is None
        else _ratio(cached, record["prompt_tokens"]),
        "completion_tokens": record["completion_tokens"],
        "seconds": float(cost["seconds"]),
        "seconds_per_trace": _ratio(cost["seconds"], traces),
        "gpus": cost["gpus"],
        "preference_pairs": record["pairs"],
    }


def reason_rows(described: Mapping, totals: Totals) -> Iterator[dict]:
    """The rows of pruning_reasons.csv: how each search ended, the most frequent end first."""
    whose = {name: described[name] for name in ("recipe", "student", "cutter")}
    for reason, traces in sorted(totals.reasons.items(), key=lambda each: (-each[1], each[0])):
        yield {**whose, "reason": reason, "traces": traces, "kept": totals.kept_reasons[reason]}


def _share(name: str, hits: int, n: int) -> dict[str, float | None]:
    """`share_<name>` and its 95 % interval, `<name>_ci_low` and `<name>_ci_high`."""
    columns = (f"share_{name}", *(f"{name}_{end}" for end in INTERVAL))
    if not n:
        return dict.fromkeys(columns)
    return dict(zip(columns, mean_interval(np.arange(n) < hits, k=1), strict=True))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
