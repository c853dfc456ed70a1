"""Grade answers against gold answers: the workflow's grader, for any file.

    python scripts/grade.py --pairs pairs.jsonl --out graded.jsonl

Each line of the input is an object with `gold` (text, a number, or a list of alternatives) and
either `pred`, an answer, or `response`, a whole response in which the answer is looked for. Each
comes back in its place, with all its fields and with

    extracted   the answer, or null
    extraction  where a response has it (boxed, final_answer, last_number), or why it has none
    correct     true, false, or null when the gold answer cannot be read
    tier        what decided: exact, numeric, structure, symbolic, or none without an answer
    error       timeout, memory, or what else kept the grader from being certain; null otherwise
    math_verify   with --math-verify: what it says of the answer; null where it says nothing

and `truncated`, true or false, where the row has a `finish_reason`. They take the place of fields
of the same names. Of a `pred`, the extraction is "pred"; a `pred` of null is no answer.
A response with `finish_reason: "length"` was cut by the token limit: it is wrong unless
`--score-truncated`. The exit status is 2 where a line cannot be read, and nothing is written then.
"""

import argparse
import contextlib
import json
import math
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from cotdistil.errors import UserError
from cotdistil.grading.extract import FALLBACKS, Extraction, extract_answer
from cotdistil.grading.grader import Grader, Verdict
from cotdistil.grading.pairs_file import Pair, check_pairs, read_pairs
from cotdistil.grading.second_opinions.math_verify_client import MathVerify
from cotdistil.progress import Progress

AS_UNICODE = json.JSONEncoder(ensure_ascii=False)
OPINIONS_AT_ONCE = 1000
ADDED = ("extracted", "extraction", "correct", "tier", "error")


def main() -> None:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing half-written stays
    try:
        grade_file(arguments)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--pairs", type=Path, required=True, metavar="FILE", help="JSON Lines file to grade")
    add("--out", type=Path, required=True, metavar="FILE", help="JSON Lines file to write")
    add("--fallback", nargs="+", choices=FALLBACKS, default=[],
        help="where to look for an answer when a response has no \\boxed{}")  # fmt: skip
    add("--relative-tolerance", type=float, metavar="SHARE",
        help="how far a number may be off and still be right (default: not at all)")  # fmt: skip
    add("--no-algebra", dest="algebra", action="store_false",
        help="an answer that only algebra shows to be equal is wrong")  # fmt: skip
    add("--score-truncated", action="store_true",
        help="a response cut by the token limit may be right")  # fmt: skip
    add("--math-verify", action="store_true",
        help="ask math-verify for a second opinion (make math-verify sets it up)")  # fmt: skip
    add("--timeout", type=float, default=2.0, metavar="SECONDS",
        help="CPU time of one symbolic comparison (default: 2)")  # fmt: skip
    add("--workers", type=int, default=os.cpu_count() or 1, metavar="N",
        help="processes for symbolic comparisons (default: one per core)")  # fmt: skip
    return parser.parse_args()


def grade_file(arguments: argparse.Namespace) -> None:
    """Write the graded rows and print the summary. Raises `UserError`; nothing is written then."""
    started = time.monotonic()
    both_exist = arguments.out.exists() and arguments.pairs.exists()
    if both_exist and arguments.out.samefile(arguments.pairs):
        raise UserError(f"--out: {arguments.out} is the input; give another file")
    grader = _grader(arguments)
    count = check_pairs(arguments.pairs)
    progress = Progress("grade", arguments.pairs.name)
    summary = Summary()
    math_verify = MathVerify(arguments.timeout) if arguments.math_verify else None
    with grader, math_verify or contextlib.nullcontext(), _replacing(arguments.out) as file:
        pairs = read_pairs(arguments.pairs)
        rows = grade_pairs(pairs, grader, arguments.fallback, arguments.score_truncated)
        for graded in with_second_opinion(rows, math_verify) if math_verify else rows:
            file.write(json_line(graded))
            summary.add(graded, asked=math_verify is not None)
            if summary.rows % 1000 == 0:
                progress.show(summary.rows, count, "rows")
        if summary.rows != count:
            raise UserError(
                f"{arguments.pairs}: had {count} rows when the run began, and {summary.rows} now;"
                " grade it again when nothing else writes to it"
            )
    print(summary.text(arguments.out, time.monotonic() - started))


def grade_pairs(
    pairs: Iterable[Pair], grader: Grader, fallback: list[str], score_truncated: bool
) -> Iterator[dict[str, Any]]:
    """The fields of each pair with what the grader adds, in the order of the pairs."""
    found = ((pair, _extraction(pair, fallback)) for pair in pairs)

    def gold_and_answer(item: tuple[Pair, Extraction]) -> tuple[Any, str | None]:
        pair, extraction = item
        return pair.gold, extraction.text if score_truncated or not pair.truncated else None

    for (pair, extraction), verdict in grader.grade_each(found, gold_and_answer):
        yield pair.fields | _added(pair, extraction, verdict)


def with_second_opinion(
    rows: Iterable[dict[str, Any]], math_verify: MathVerify
) -> Iterator[dict[str, Any]]:
    """The graded rows with what math-verify says of each answer that the grader compared."""
    while batch := [row | {"math_verify": None} for row in islice(rows, OPINIONS_AT_ONCE)]:
        asked = [row for row in batch if row["tier"] != "none"]
        opinions = math_verify.opinions((row["gold"], row["extracted"]) for row in asked)
        for row, opinion in zip(asked, opinions, strict=True):
            row["math_verify"] = opinion.correct
        yield from batch


def _extraction(pair: Pair, fallback: list[str]) -> Extraction:
    if pair.is_response:
        return extract_answer(pair.text or "", fallback)
    return Extraction(pair.text, "pred")


def _added(pair: Pair, extraction: Extraction, verdict: Verdict) -> dict[str, Any]:
    values = (extraction.text, extraction.how, verdict.correct, verdict.tier, verdict.error)
    added = dict(zip(ADDED, values, strict=True))
    return added | {"truncated": pair.truncated} if "finish_reason" in pair.fields else added


def json_line(fields: dict[str, Any]) -> bytes:
    """One line of UTF-8; a text with half a surrogate pair, which UTF-8 lacks, is escaped."""
    try:
        return AS_UNICODE.encode(fields).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(fields).encode() + b"\n"


class Summary:
    """Counts over the graded rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.verdicts: Counter[bool | None] = Counter()
        self.tiers: Counter[str] = Counter()
        self.unanswered: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.truncated = 0
        self.differs = 0

    def add(self, graded: dict[str, Any], asked: bool) -> None:
        """`asked`: whether math-verify was."""
        self.rows += 1
        self.verdicts[graded["correct"]] += 1
        self.tiers[graded["tier"]] += 1
        self.truncated += "finish_reason" in graded and graded["truncated"]
        opinion = graded["math_verify"] if asked else None
        self.differs += opinion is not None and opinion is not graded["correct"]
        if graded["extracted"] is None:
            how = graded["extraction"]
            self.unanswered["null" if how == "pred" else how] += 1
        if graded["error"]:
            self.errors[graded["error"].partition(":")[0]] += 1

    def text(self, out: Path, seconds: float) -> str:
        share = f" ({self.verdicts[True] / self.rows:.1%})" if self.rows else ""
        lines = [
            f"{out}: {_counted(self.rows)} in {seconds:.1f} s",
            f"  correct     {self.verdicts[True]:,}{share}",
            f"  wrong       {self.verdicts[False]:,}",
            f"  no verdict  {self.verdicts[None]:,}",
        ]
        for label, counts in (
            ("decided by", self.tiers),
            ("no answer", self.unanswered),
            ("errors", self.errors),
        ):
            if counts:
                parts = ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
                lines.append(f"  {label:<10}  {parts}")
        if self.truncated:
            lines.append(f"  truncated   {self.truncated:,} by the token limit")
        if self.differs:
            lines.append(f"  math-verify says otherwise of {_counted(self.differs)}")
        return "\n".join(lines)


def _counted(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _grader(arguments: argparse.Namespace) -> Grader:
    tolerance = arguments.relative_tolerance
    if tolerance is not None and not 0 < tolerance < 1:
        raise UserError(f"--relative-tolerance: found {tolerance}; expected more than 0, under 1")
    if not 0 < arguments.timeout < math.inf:
        raise UserError(f"--timeout: found {arguments.timeout}; expected more than 0 seconds")
    if arguments.workers < 1:
        raise UserError(f"--workers: found {arguments.workers}; expected at least 1")
    return Grader(arguments.timeout, arguments.workers, tolerance, arguments.algebra)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Any]:
    """A binary file that takes the place of `path`, or of what it links to, when all is written."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise UserError(f"--out: {path} is no regular file; give the name of a file to write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
            try:
                yield file
                file.flush()
                os.fchmod(file.fileno(), 0o666 & ~_umask())
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise
    except OSError as error:
        raise UserError(f"--out: {path}: {error.strerror}; choose another place") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


if __name__ == "__main__":
    main()
