"""Tabulate what pruning left of the traces, where it cut, and what that cost.

    python scripts/tabulate_pruning.py --manifest results/store/manifests/KEY.json \\
        --out results/store/pruning_tables/KEY/record.json

Writes pruning.csv (a row per pruned training set: traces, steps and tokens before and after, calls
and seconds), pruning_reasons.csv (a row per training set and reason: how the searches ended),
pruning.md with both, and pruning.png and .svg.
"""

from __future__ import annotations

from cotdistil.figure_files import save_figure
from cotdistil.job import run_job
from cotdistil.records import read_record
from cotdistil.table_files import markdown_table, write_csv

WORDS = {"recipe", "student", "cutter", "reason"}
NOTE = (
    "Steps and tokens (the student's) are means over the kept traces, before → after. *Tokens left*"
    " is the share of all their tokens; *pruned by half* is the share of these traces that lost"
    " more than half of their tokens. *Calls* are validated cuts per trace that came in. *Cached*"
    " is the share of the prompts' tokens that the engine had read before. *Reused* is the share of"
    " the student's answers for which another job had asked before: they stand among calls and"
    " prompt tokens, which are those of the search, and cost the job no engine calls or seconds."
    " *Answer in last ten*: of the n traces of more than ten steps in which some step gives the"
    " answer, the share in which none before the last ten does. In brackets: 95 % confidence"
    " intervals over traces (Wilson score interval)."
)


def main() -> None:
    with run_job(__doc__) as job:
        from cotdistil.pruning.figure import NAME, Pruned, draw
        from cotdistil.pruning.payload import Record
        from cotdistil.pruning.tables import (
            PRUNING_COLUMNS,
            REASON_COLUMNS,
            pruning_row,
            reason_rows,
        )
        from cotdistil.pruning.totals import read_totals

        rows, reasons, lines = [], [], []
        for described, folder in zip(job.params["pruned"], job.parent_list("pruned"), strict=True):
            record = read_record(folder, Record)
            name = f"{described['student']} · {described['recipe']}"
            totals = read_totals(folder, record, name)
            rows.append(pruning_row(described, record, totals))
            reasons += reason_rows(described, totals)
            lines.append(Pruned(described["recipe"], described["student"], totals))
            job.progress(len(rows), len(job.params["pruned"]), "training sets")
        write_csv(rows, PRUNING_COLUMNS, job.staging / "pruning.csv")
        write_csv(reasons, REASON_COLUMNS, job.staging / "pruning_reasons.csv")
        (job.staging / "pruning.md").write_text(markdown(rows, reasons), encoding="utf-8")
        save_figure(draw(lines), job.staging, NAME)
        traces = sum(row["traces_in"] for row in rows)
        job.publish(
            {
                "rows_in": traces,
                "rows_out": traces,
                "dropped": {},
                "pruned_training_sets": len(rows),
            }
        )


def markdown(rows: list[dict], reasons: list[dict]) -> str:
    """What a reader wants of both tables, as Markdown."""
    heads = [
        *("recipe", "student", "cutter", "traces", "kept", "steps", "tokens", "tokens left, %"),
        *("pruned by half, %", "calls", "prompt tokens", "cached, %"),
        *("reused, %", "engine calls", "seconds"),
        *("answer in last ten, %", "n", "pairs"),
    ]
    cells = [
        [
            *_whole(row, "recipe", "student", "cutter", "traces_in", "traces_out"),
            _before_and_after(row, "steps", 1),
            _before_and_after(row, "tokens", 0),
            _percent(row["share_of_tokens_left"]),
            _with_interval(row, "pruned_by_half"),
            "" if row["mean_calls"] is None else f"{row['mean_calls']:.1f}",
            *_whole(row, "prompt_tokens"),
            _percent(row["share_of_prompt_cached"]),
            _percent(row["answers_of_other_jobs"] / row["answers"] if row["answers"] else None),
            *_whole(row, "engine_calls"),
            f"{row['seconds']:,.0f}",
            _with_interval(row, "answer_in_last_ten"),
            *_whole(row, "answered_in_over_ten_steps", "preference_pairs"),
        ]
        for row in rows
    ]
    columns = ["recipe", "student", "cutter", "reason", "traces", "kept"]
    ends = [_whole(row, *columns) for row in reasons]
    parts = [markdown_table(heads, cells, WORDS), NOTE]
    parts += ["How the searches ended:", markdown_table(columns, ends, WORDS)]
    return "\n\n".join(parts) + "\n"


def _whole(row: dict, *columns: str) -> list[str]:
    """Names as they are, whole numbers with a comma at the thousands."""
    cells = (row[column] for column in columns)
    return [cell if isinstance(cell, str) else f"{cell:,}" for cell in cells]


def _before_and_after(row: dict, unit: str, digits: int) -> str:
    before, after = (row[f"mean_{unit}_{when}"] for when in ("before", "after"))
    return "" if before is None else f"{before:,.{digits}f} → {after:,.{digits}f}"


def _with_interval(row: dict, name: str) -> str:
    share = row[f"share_{name}"]
    if share is None:
        return ""
    low, high = (_percent(row[f"{name}_ci_{end}"]) for end in ("low", "high"))
    return f"{_percent(share)} [{low}, {high}]"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


if __name__ == "__main__":
    main()
