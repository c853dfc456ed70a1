"""From a recipe's settings to a search in each trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cotdistil.pruning.cutters import (
    UNREADABLE_GOLD,
    Limits,
    Outcome,
    Search,
    confirm,
    name_over_context,
)
from cotdistil.pruning.cutters.inner import inner
from cotdistil.pruning.cutters.prefixes import binary, full, halving, linear
from cotdistil.pruning.cutters.unvalidated import first_correct, random_prefix
from cotdistil.pruning.reflections import is_idle_reflection

PREFIX_SEARCHES = {"binary": binary, "halving": halving, "linear": linear, "full": full}
VALIDATING = (*PREFIX_SEARCHES, "inner")


@dataclass(frozen=True)
class Facts:
    """What a cutter may go by, of one trace.

    first_answer_step: from 1, or None. share: of the steps, that another recipe's trace kept; None
    where that recipe dropped this trace. gold_is_readable: whether an answer can be judged.
    """

    steps: list[str]
    first_answer_step: int | None = None
    share: float | None = None
    gold_is_readable: bool = True


def make_cutter(params: dict) -> Callable[[Facts], Search]:
    """What starts the search in a trace. params: those of the node; see `config.pruning.Prune`."""
    cutter = params["cutter"]
    limits = Limits(
        params.get("min_steps", 1),
        params.get("min_steps_to_cut", 2),
        params.get("invalid") == "keep",
    )

    def start(facts: Facts) -> Search:
        n_steps = len(facts.steps)
        if cutter == "random":
            return _over(random_prefix(n_steps, limits, facts.share))
        if not facts.gold_is_readable and not limits.too_few(n_steps):
            return _over(limits.failed(n_steps, UNREADABLE_GOLD))
        if cutter == "first_correct":
            return _over(first_correct(n_steps, limits, facts.first_answer_step))
        search = name_over_context(_search(params, limits, facts), limits, n_steps)
        return confirm(search, limits, n_steps) if params["temperature"] > 0 else search

    return start


def _search(params: dict, limits: Limits, facts: Facts) -> Search:
    cutter, n_steps = params["cutter"], len(facts.steps)
    if cutter not in ("binary", "inner"):
        return PREFIX_SEARCHES[cutter](n_steps, limits)
    first = facts.first_answer_step if params.get("start") == "answer" else None
    if cutter == "binary":
        return binary(n_steps, limits, first)
    anything = params["removable"] == "any"
    removable = [
        number for number, step in enumerate(facts.steps) if anything or is_idle_reflection(step)
    ]
    return inner(n_steps, limits, removable, params["inner_checks"], first)


def _over(outcome: Outcome) -> Search:
    """A search that asks nothing."""
    return outcome
    yield
