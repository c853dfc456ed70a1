"""Where in a trace each verdict of the student belongs."""

from collections.abc import Sequence

Spans = Sequence[Sequence[int]]
"""Disjoint [start, end) of steps, numbered from 0, ascending."""


def verdict_places(rounds: Sequence[dict], n_steps: int) -> list[int]:
    """After how many steps the verdict of each round stands.

    rounds: with `kept_spans`, what was asked about, and `valid`. A round asks whether more can go
    of what was validated last (at first: of the whole trace), so its verdict is about the place
    where that begins. Where nothing more goes, it stands behind the last step asked about.
    """
    places = []
    validated: Spans = [[0, n_steps]]
    for each in rounds:
        asked = each["kept_spans"]
        gone = first_missing(asked, validated)
        places.append(gone if gone is not None else (asked[-1][1] if asked else 0))
        if each["valid"]:
            validated = asked
    return places


def first_missing(asked: Spans, among: Spans) -> int | None:
    """The first step of `among` that is not in `asked`; None if there is none."""
    spans = iter(asked)
    span = next(spans, None)
    for start, end in among:
        step = start
        while step < end:
            while span is not None and span[1] <= step:
                span = next(spans, None)
            if span is None or span[0] > step:
                return step
            step = span[1]
    return None
