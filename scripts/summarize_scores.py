"""Summarise the scores of all arms: accuracy with its uncertainty, and the gaps between recipes.

python scripts/summarize_scores.py --manifest results/store/manifests/KEY.json \\
    --out results/store/tables/KEY/record.json
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.job import run_job
from cotdistil.table_files import markdown_table

if TYPE_CHECKING:
    import pandas as pd

WORDS = {"student", "recipe", "stage", "benchmark", "gap"}
NOTE = (
    "Accuracy is avg@k in per cent: the share of correct samples of a question, averaged over n"
    " questions. In brackets: its 95 % confidence interval over questions (Wilson score interval at"
    " the effective sample size, so k samples of one question do not count as k questions)."
    " *vs base* is the difference to the untouched student in percentage points, paired by question"
    " (Agresti–Min adjusted interval). *Tokens* are the mean per response; *truncated* and *no"
    " answer* are the shares of responses, in per cent, that hit the token limit and in which no"
    " answer was found. The intervals speak of the choice of questions, not of the training seed."
)


def main() -> None:
    with run_job(__doc__) as job:
        import pandas as pd

        from cotdistil.scored_arms import score_arm
        from cotdistil.tables import gap_table, summary_table

        arms = [
            score_arm(arm, pd.read_parquet(folder / "scores.parquet"))
            for arm, folder in zip(job.params["arms"], job.parent_list("scores"), strict=True)
        ]
        summary = summary_table(arms)
        gaps = gap_table(arms, job.params["gaps"])
        write_csv(summary, job.staging / "summary.csv")
        write_csv(gaps, job.staging / "gaps.csv")
        (job.staging / "summary.md").write_text(markdown(summary, gaps), encoding="utf-8")
        samples = sum(len(arm.problem_ids) * arm.k for arm in arms)
        job.publish(
            {
                "rows_in": samples,
                "rows_out": samples,
                "dropped": {},
                "summary_rows": len(summary),
                "gap_rows": len(gaps),
            }
        )


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table with six decimals, without a negative zero, lines ended by a newline."""
    numbers = table.select_dtypes("float64").columns
    table = table.assign(**{column: table[column].round(6) + 0.0 for column in numbers})
    table.to_csv(path, index=False, float_format="%.6f", lineterminator="\n")


def markdown(summary: pd.DataFrame, gaps: pd.DataFrame) -> str:
    """The summary, and the gaps if there are any, as Markdown tables in per cent."""
    heads = [
        *("student", "recipe", "stage", "seed", "benchmark", "n", "k", "accuracy, %"),
        *("vs base, points", "tokens", "truncated, %", "no answer, %"),
    ]
    rows = [
        [
            *(_text(value) for value in row[:7]),
            _with_interval(*row[7:10]),
            _with_interval(*row[10:13], sign="+"),
            f"{row[13]:.0f}",
            *(_percent(share) for share in row[14:16]),
        ]
        for row in summary.itertuples(index=False, name=None)
    ]
    parts = [markdown_table(heads, rows, WORDS), NOTE]
    if len(gaps):
        heads = [
            *("gap", "student", "stage", "seed", "benchmark", "n", "k", "recipe, %"),
            *("reference, %", "difference, points"),
        ]
        rows = [
            [
                *(_text(value) for value in row[:7]),
                *(f"{row[i]} {_percent(row[i + 2])}" for i in (7, 8)),
                _with_interval(*row[11:14], sign="+"),
            ]
            for row in gaps.itertuples(index=False, name=None)
        ]
        parts += [
            "Gaps between recipes, paired by question; *mean* is the unweighted mean over"
            " benchmarks.",
            markdown_table(heads, rows, WORDS),
        ]
    return "\n\n".join(parts) + "\n"


def _text(value: object) -> str:
    import pandas as pd

    return "" if pd.isna(value) else str(value)


def _with_interval(value: float, low: float, high: float, sign: str = "") -> str:
    import pandas as pd

    if pd.isna(value):
        return ""
    return f"{_percent(value, sign)} [{_percent(low, sign)}, {_percent(high, sign)}]"


def _percent(share: float, sign: str = "") -> str:
    # Adding zero turns a rounded -0.0 into 0.0.
    return f"{round(100 * share, 1) + 0.0:{sign}.1f}".replace("-", "−")


if __name__ == "__main__":
    main()
