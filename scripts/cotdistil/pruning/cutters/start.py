"""From a recipe's settings to a search in each trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cotdistil.pruning.cutters import Limits, Outcome, Search, confirm
from cotdistil.pruning.cutters.inner import inner
from cotdistil.pruning.cutters.prefixes import binary, full, halving, linear
from cotdistil.pruning.cutters.unvalidated import first_correct, random_prefix
from cotdistil.pruning.reflections import is_idle_reflection

PREFIX_SEARCHES = {"binary": binary, "halving": halving, "linear": linear, "full": full}
VALIDATING = (*PREFIX_SEARCHES, "inner")


@dataclass(frozen=True)
class Known:
    """What a cutter may go by, of one trace.

    first_answer_step: from 1, or None. share: of the steps, that another recipe's trace kept; None
    where that recipe dropped this trace.
    """

    steps: list[str]
    first_answer_step: int | None = None
    share: float | None = None


def make_cutter(params: dict) -> Callable[[Known], Search]:
    """What starts the search in a trace. params: those of the node; see `config.pruning.Prune`."""
    cutter = params["cutter"]
    limits = Limits(
        params.get("min_steps", 1),
        params.get("min_steps_to_cut", 2),
        params.get("invalid") == "keep",
    )

    def start(known: Known) -> Search:
        n_steps = len(known.steps)
        if cutter == "first_correct":
            return _over(first_correct(n_steps, limits, known.first_answer_step))
        if cutter == "random":
            return _over(random_prefix(n_steps, limits, known.share))
        first = known.first_answer_step if params.get("start") == "answer" else None
        if cutter == "inner":
            anything = params["removable"] == "any"
            removable = [
                number
                for number, step in enumerate(known.steps)
                if anything or is_idle_reflection(step)
            ]
            search = inner(n_steps, limits, removable, params["inner_checks"], first)
        elif cutter == "binary":
            search = binary(n_steps, limits, first)
        else:
            search = PREFIX_SEARCHES[cutter](n_steps, limits)
        sampled = params["temperature"] > 0
        return confirm(search, limits, n_steps) if sampled else search

    return start


def _over(outcome: Outcome) -> Search:
    """A search that asks nothing."""
    return outcome
    yield
