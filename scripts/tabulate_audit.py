"""Tabulate where other opinions on the verdicts differ, and the accuracies that they give.

    python scripts/tabulate_audit.py --manifest results/store/manifests/KEY.json \
        --out results/store/audit_tables/KEY/record.json

Writes audit.csv, a row per arm and benchmark, and disagreements.csv, a row per answer on which
math-verify or the judge contradicts the rule. Cells about an opinion that was not asked are empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from cotdistil.broken_files import broken
from cotdistil.checked_rows import read_rows
from cotdistil.job import Job, run_job
from cotdistil.table_files import write_csv

if TYPE_CHECKING:
    import pandas as pd

ARM_COLUMNS = ["student", "recipe", "stage", "seed", "benchmark"]
SAMPLE = ["problem_id", "sample_index"]
DISAGREEMENT_COLUMNS = [
    *(*ARM_COLUMNS, *SAMPLE, "gold", "extracted", "rule", "tier"),
    *("math_verify", "judge", "judge_reply"),
]


class Score(TypedDict):
    """What is read of a row of scores.parquet."""

    problem_id: str
    sample_index: int
    gold: str | None
    extracted: str | None
    correct: bool
    tier: str


class Opinion(TypedDict):
    """What is read of a row of opinions.parquet."""

    problem_id: str
    sample_index: int
    math_verify: bool | None


class Judgement(TypedDict):
    """What is read of a row of judgements.parquet."""

    problem_id: str
    sample_index: int
    judge: bool | None
    judge_reply: str | None


def main() -> None:
    with run_job(__doc__) as job:
        rows: list[dict] = []
        found = audit(job, rows)
        differing = write_csv(found, DISAGREEMENT_COLUMNS, job.staging / "disagreements.csv")
        write_csv(rows, list(rows[0]), job.staging / "audit.csv")
        samples = sum(row["n"] * row["k"] for row in rows)
        job.publish(
            {
                "rows_in": samples,
                "rows_out": samples,
                "dropped": {},
                "audit_rows": len(rows),
                "disagreements": differing,
            }
        )


def audit(job: Job, rows: list[dict]) -> Iterator[dict]:
    """The rows of disagreements.csv, arm by arm; adds a row of audit.csv to `rows` for each."""
    for position, arm in enumerate(job.params["arms"]):
        folders = {
            role: job.parent_list(role)[position]
            for role in ("scores", "second_opinions", "judgements")
            if role in job.manifest["parents"]
        }
        verdicts = read_verdicts(folders, arm["k"])
        rows.append(audit_row(arm, verdicts, set(folders)))
        yield from disagreements(arm, verdicts)
        job.progress(position + 1, len(job.params["arms"]), "arms")


def read_verdicts(folders: dict[str, Path], k: int) -> pd.DataFrame:
    """A row per sample: the rule's verdict, and math_verify, judge, judge_reply, each null where
    that opinion was not asked or said nothing; `math_verify_asked`, `judge_asked`.

    folders: of scores and of what else was asked. Raises `UserError` unless there are `k` samples
    of each problem.
    """
    path = folders["scores"] / "scores.parquet"
    verdicts = _read(path, Score, "scores").rename(columns={"correct": "rule"})
    problems = verdicts["problem_id"].value_counts()
    if not (problems == k).all():
        found = f"found {problems.min()} to {problems.max()} samples of a problem"
        raise broken(path, f"{found}; expected {k} of each")
    for role, file, name, kind in (
        ("second_opinions", "opinions.parquet", "math_verify", Opinion),
        ("judgements", "judgements.parquet", "judge", Judgement),
    ):
        asked = role in folders
        found = _read(folders[role] / file, kind, role) if asked else _table([], kind)
        found = found.astype({name: "boolean"}).assign(**{f"{name}_asked": True})
        verdicts = verdicts.merge(found, on=SAMPLE, how="left", validate="one_to_one")
        verdicts[f"{name}_asked"] = verdicts[f"{name}_asked"].notna()
    return verdicts


def _read(path: Path, kind: type, stage: str) -> pd.DataFrame:
    """The rows of a parquet file. Raises `UserError` if two are about one sample."""
    table = _table([row for rows in read_rows(path, kind, stage) for row in rows], kind)
    twice = table[table.duplicated(SAMPLE)]
    if len(twice):
        problem, sample = twice.iloc[0][SAMPLE]
        raise broken(path, f"found sample {sample} of {problem} twice; expected one row per sample")
    return table


def _table(rows: list[dict], kind: type) -> pd.DataFrame:
    import pandas as pd

    columns = list(kind.__annotations__)
    return pd.DataFrame(rows, columns=columns).astype({"problem_id": "str", "sample_index": int})


def audit_row(arm: dict, verdicts: pd.DataFrame, asked: set[str]) -> dict:
    """The row of audit.csv: n questions with k samples each, then accuracies in [0, 1], then counts
    of samples.

    An opinion that said nothing counts as the rule does. `only_rule`: right by the rule and wrong
    by math-verify; `only_math_verify` the reverse; `only_judge`: wrong by the rule, right by the
    judge.
    """
    rule, by_math_verify = verdicts["rule"], verdicts["math_verify"]
    judge = verdicts["judge"].fillna(False).astype(bool)
    row = {name: arm[name] for name in ARM_COLUMNS}
    row |= {"n": verdicts["problem_id"].nunique(), "k": arm["k"]}
    row |= _accuracy("rule", rule, verdicts, arm["k"])
    math_verify_asked, judge_asked = "second_opinions" in asked, "judgements" in asked
    row |= _accuracy(
        "math_verify",
        by_math_verify.fillna(rule.astype("boolean")) if math_verify_asked else None,
        verdicts,
        arm["k"],
    )
    row |= _accuracy("rule_or_judge", rule | judge if judge_asked else None, verdicts, arm["k"])
    counts = {
        "math_verify_asked": verdicts["math_verify_asked"],
        "only_rule": rule & ~by_math_verify.fillna(True).astype(bool),
        "only_math_verify": ~rule & by_math_verify.fillna(False).astype(bool),
        "math_verify_failed": verdicts["math_verify_asked"] & by_math_verify.isna(),
    }
    row |= {name: int(each.sum()) if math_verify_asked else None for name, each in counts.items()}
    silent = verdicts["judge_asked"] & verdicts["judge"].isna()
    counts = {
        "judge_asked": verdicts["judge_asked"],
        "only_judge": judge,
        "judge_unreadable": silent & verdicts["judge_reply"].notna(),
        "judge_failed": silent & verdicts["judge_reply"].isna(),
    }
    row |= {name: int(each.sum()) if judge_asked else None for name, each in counts.items()}
    return row


def disagreements(arm: dict, verdicts: pd.DataFrame) -> list[dict]:
    """The rows of disagreements.csv: where math-verify or the judge contradicts the rule."""
    rule = verdicts["rule"].astype("boolean")
    differs = (verdicts["math_verify"] != rule) | (verdicts["judge"] != rule)
    found = verdicts[differs.fillna(False).astype(bool)]
    found = found.assign(**{name: arm[name] for name in ARM_COLUMNS})[DISAGREEMENT_COLUMNS]
    return found.astype(object).where(found.notna(), None).to_dict("records")


def _accuracy(name: str, correct: pd.Series | None, verdicts: pd.DataFrame, k: int) -> dict:
    """Accuracy with its interval over questions, under `name`; empty cells without verdicts."""
    from cotdistil.statistics import mean_interval

    columns = (f"accuracy_{name}", f"{name}_ci_low", f"{name}_ci_high")
    if correct is None:
        return dict.fromkeys(columns)
    by_question = correct.astype(float).groupby(verdicts["problem_id"]).mean()
    return dict(zip(columns, mean_interval(by_question.to_numpy(), k), strict=True))


if __name__ == "__main__":
    main()
